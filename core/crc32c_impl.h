/* What crc32c.c and the files of one architecture each share. Exactly one of crc32c_x86.c,
 * crc32c_arm.c and crc32c_other.c has a body, which is all of the conditional compilation here. */
#ifndef TN_CORE_CRC32C_IMPL_H
#define TN_CORE_CRC32C_IMPL_H

#include "core/crc32c.h"

/* Slicing by 8 (Kounavis and Berry): runs everywhere. */
uint32_t tni_crc32c_portable(uint32_t crc, const void *data, size_t len);
/* Returns the fastest implementation for `len` bytes on this CPU. It asks the CPU's feature words
 * each time (a load and a test), so that nothing is remembered between calls. */
tni_crc32c_fn tni_crc32c_choose(size_t len);

#endif
