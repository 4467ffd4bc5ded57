/* The cage: what the helper gives up before it reads the first byte of an input. */
#ifndef TN_KERAS_H5_HELPER_CAGE_H
#define TN_KERAS_H5_HELPER_CAGE_H

#include <stdbool.h>
#include <stdint.h>

/* Limits this process: no core, no file growth, no child, no further descriptor, `cpu_seconds` of
 * CPU (soft; the program raises it from outside), `memory` bytes of address space (0: no limit, as
 * sanitizers need). */
void tnh_cage_limits(uint64_t cpu_seconds, uint64_t memory);
/* Locks this process in: from here on it can read descriptor 3, talk through descriptor 4, move its
 * own memory and end. Returns false where the system refuses that; it is then free as before. With
 * `lenient` a forbidden call fails with EPERM, else it kills (a call that an attack needs) or fails
 * (one that a library may try in good faith). */
bool tnh_cage_lock(bool lenient);

/* The part of it that knows the processor's system calls. */
bool tnh_cage_filter(bool lenient);

#endif
