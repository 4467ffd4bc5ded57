/* Seeds: where they come from. */
#ifndef TN_TESTS_FUZZ_SEEDS_H
#define TN_TESTS_FUZZ_SEEDS_H

#include "mutate.h"

/* Writes one seed of a target. */
void seed_write(const char *target, const char *name, const mut_bytes *bytes);
/* Reads a file; false if it is not there or too large for a seed. */
bool seed_load(const char *path, mut_bytes *bytes);
/* Records what the helper says of an HDF5 file, as fuzz_hdf5_protocol.c takes it
 * (seeds_protocol.c). */
void seed_protocol(const char *path, const char *name);
/* Writes the seeds that no fixture gives: patterns, arrays, lists and maps in YAML (seeds_texts.c).
 */
void seed_texts(void);

#endif
