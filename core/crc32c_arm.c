/* CRC-32C on 64-bit ARM with the optional crc32c instructions of ARMv8 (all of ARMv8.1). */
#include "core/crc32c_impl.h"

#if defined(__aarch64__)

#include <string.h>
#include <sys/auxv.h>

static const unsigned long hwcap_crc32 = 1UL << 7; /* Linux, asm/hwcap.h */

/* Assembly, because compilers do not agree on how one function gets the intrinsics that the rest of
 * the library must not use. */
static uint32_t add_word(uint32_t crc, uint64_t word)
{
    __asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(crc) : "r"(word));
    return crc;
}

static uint32_t add_byte(uint32_t crc, uint32_t byte)
{
    __asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1" : "+r"(crc) : "r"(byte));
    return crc;
}

static uint32_t run_armv8(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *p = data;
    crc = ~crc;
    for (; len >= 8; len -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        crc = add_word(crc, word);
    }
    for (; len > 0; len--, p++) {
        crc = add_byte(crc, *p);
    }
    return ~crc;
}

tni_crc32c_fn tni_crc32c_choose(size_t len)
{
    (void)len;
    return getauxval(AT_HWCAP) & hwcap_crc32 ? run_armv8 : tni_crc32c_portable;
}

const tni_crc32c_impl *tni_crc32c_impls(void)
{
    static const tni_crc32c_impl oldest[] = {{"portable", tni_crc32c_portable}, {NULL, NULL}};
    static const tni_crc32c_impl newest[] = {
        {"portable", tni_crc32c_portable}, {"armv8", run_armv8}, {NULL, NULL}};
    return getauxval(AT_HWCAP) & hwcap_crc32 ? newest : oldest;
}

#else

typedef int tni_crc32c_not_arm; /* ISO C wants a declaration in every file */

#endif
