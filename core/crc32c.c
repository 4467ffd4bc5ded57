#include "core/crc32c_impl.h"

#include <string.h>

#include "core/cursor.h"

/* Source and copy of a chunk fit the level-2 cache together; 16 KiB to 1 MiB measure alike. */
enum { COPY_CHUNK = 64 * 1024 };

static const uint32_t table[8][256] = {
#include "core/crc32c_table.def"
};

static uint32_t one_byte(uint32_t crc, uint8_t byte)
{
    return crc >> 8 ^ table[0][(crc ^ byte) & 0xFF];
}

static uint32_t eight_bytes(uint32_t crc, const uint8_t *p)
{
    uint32_t low = crc ^ tni_load_u32le(p);
    uint32_t high = tni_load_u32le(p + 4);
    return table[7][low & 0xFF] ^ table[6][low >> 8 & 0xFF] ^ table[5][low >> 16 & 0xFF] ^
           table[4][low >> 24] ^ table[3][high & 0xFF] ^ table[2][high >> 8 & 0xFF] ^
           table[1][high >> 16 & 0xFF] ^ table[0][high >> 24];
}

uint32_t tni_crc32c_portable(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *p = data;
    crc = ~crc;
    for (; len >= 8; len -= 8, p += 8) {
        crc = eight_bytes(crc, p);
    }
    for (; len > 0; len--, p++) {
        crc = one_byte(crc, *p);
    }
    return ~crc;
}

uint32_t tni_crc32c(uint32_t crc, const void *data, size_t len)
{
    return tni_crc32c_choose(len)(crc, data, len);
}

uint32_t tni_crc32c_copy(uint32_t crc, void *to, const void *from, size_t len)
{
    char *out = to;
    const char *in = from;
    while (len > 0) {
        size_t part = len < COPY_CHUNK ? len : COPY_CHUNK; /* summed while it is in the cache */
        memcpy(out, in, part);
        crc = tni_crc32c(crc, in, part);
        out += part;
        in += part;
        len -= part;
    }
    return crc;
}

/* Multiplies two polynomials modulo the CRC's; bit 31 is the coefficient of x^0. */
static uint32_t multiply(uint32_t a, uint32_t b)
{
    uint32_t product = 0;
    for (; b != 0; b <<= 1) {
        product ^= a & (0 - (b >> 31));
        a = a >> 1 ^ (0x82F63B78 & (0 - (a & 1)));
    }
    return product;
}

uint32_t tni_crc32c_combine(uint32_t crc_a, uint32_t crc_b, uint64_t len_b)
{
    /* Appending a byte multiplies the polynomial by x^8. Both inversions cancel out. */
    uint32_t power = 0x00800000;
    for (; len_b != 0; len_b >>= 1) {
        if (len_b & 1) {
            crc_a = multiply(crc_a, power);
        }
        power = multiply(power, power);
    }
    return crc_a ^ crc_b;
}

static const uint32_t mask_delta = 0xA282EAD8;

uint32_t tni_crc32c_mask(uint32_t crc)
{
    return (crc >> 15 | crc << 17) + mask_delta;
}

uint32_t tni_crc32c_unmask(uint32_t masked)
{
    uint32_t turned = masked - mask_delta;
    return turned >> 17 | turned << 15;
}
