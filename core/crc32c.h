/* CRC-32C (Castagnoli, reflected polynomial 0x82F63B78, initial and final inversion). */
#ifndef TN_CORE_CRC32C_H
#define TN_CORE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Extends a finished checksum by more bytes: tni_crc32c(0, b) is the sum of b, and
 * tni_crc32c(tni_crc32c(0, a), b) the sum of a ++ b. Picks the fastest implementation of this CPU.
 */
uint32_t tni_crc32c(uint32_t crc, const void *data, size_t len);
/* Copies while summing; returns what tni_crc32c(crc, from, len) would. */
uint32_t tni_crc32c_copy(uint32_t crc, void *to, const void *from, size_t len);
/* Combines crc(a) and crc(b) into crc(a ++ b); `len_b` is b's length in bytes. O(log len_b). */
uint32_t tni_crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t len_b);
/* TensorFlow stores every CRC masked (tsl/lib/hash/crc32c.h). */
uint32_t tni_crc32c_mask(uint32_t crc);
uint32_t tni_crc32c_unmask(uint32_t masked);

/* The implementations one by one, for tests: NULL where this CPU lacks the instructions. */
typedef uint32_t (*tni_crc32c_fn)(uint32_t crc, const void *data, size_t len);
typedef struct tni_crc32c_impl {
    const char *name; /* "portable", "sse4.2", "vpclmulqdq", "armv8" */
    tni_crc32c_fn run;
} tni_crc32c_impl;
/* Lists the implementations that run here, portable first; NULL-name-terminated. */
const tni_crc32c_impl *tni_crc32c_impls(void);

#endif
