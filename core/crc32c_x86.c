/* CRC-32C on x86-64: the crc32 instruction on three lanes, and folding by carry-less
 * multiplication. The method is Gopal et al., "Fast CRC Computation for iSCSI Polynomial Using
 * CRC32 Instruction" and "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ" (Intel). */
#include "core/crc32c_impl.h"

#if defined(__x86_64__)

#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#define FOR_SSE42 __attribute__((target("sse4.2,pclmul")))
#define FOR_AVX512 __attribute__((target("sse4.2,pclmul,avx512f,avx512vl,vpclmulqdq")))

/* Moving a remainder over n bytes multiplies it by x^(8n). The crc32 instruction and the reflected
 * product bring in x^33, so that the constant is x^(8n - 33) mod P, bit 31 standing for x^0. */
enum { LONG_LANE = 1024, SHORT_LANE = 128 };
static const uint32_t over_long[2] = {0x170076FA, 0xA51B6135};  /* by one lane, by two lanes */
static const uint32_t over_short[2] = {0x0D3B6092, 0xB9E02B86}; /* the same for short lanes */

/* Folding a 128-bit word over D bits multiplies its first half (the higher powers) by x^(D + 63)
 * and its second half by x^(D - 1), both mod P; bit 63 stands for x^0. */
#define FOLD(first, second) (int64_t)((uint64_t)(first) << 32), (int64_t)((uint64_t)(second) << 32)
#define FOLD_2048 FOLD(0xE9A5D8BE, 0x1426A815)
#define FOLD_512 FOLD(0x1C19243B, 0x75BBA45B)
#define FOLD_128 FOLD(0x3743F7BD, 0x3171D430)

static uint64_t load(const uint8_t *p)
{
    uint64_t word;
    memcpy(&word, p, 8);
    return word;
}

/* One lane; `crc` is the bare remainder (not inverted), as in all helpers below. */
FOR_SSE42 static uint32_t plain(uint32_t crc, const uint8_t *p, size_t len)
{
    uint64_t sum = crc;
    for (; len >= 8; len -= 8, p += 8) {
        sum = _mm_crc32_u64(sum, load(p));
    }
    for (; len > 0; len--, p++) {
        sum = _mm_crc32_u8((uint32_t)sum, *p);
    }
    return (uint32_t)sum;
}

FOR_SSE42 static uint32_t shift(uint64_t crc, uint32_t power)
{
    __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)crc),
                                           _mm_cvtsi64_si128((int64_t)(uint64_t)power), 0);
    return (uint32_t)_mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

/* Sums three neighbouring lanes at once: the instruction takes three cycles but one can start every
 * cycle. */
FOR_SSE42 static uint32_t three_lanes(uint32_t crc, const uint8_t *p, size_t lane,
                                      const uint32_t over[2])
{
    uint64_t a = crc, b = 0, c = 0;
    for (size_t i = 0; i < lane; i += 8) {
        a = _mm_crc32_u64(a, load(p + i));
        b = _mm_crc32_u64(b, load(p + lane + i));
        c = _mm_crc32_u64(c, load(p + 2 * lane + i));
    }
    return shift(a, over[1]) ^ shift(b, over[0]) ^ (uint32_t)c;
}

FOR_SSE42 static uint32_t run_sse42(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *p = data;
    crc = ~crc;
    for (; len >= 3 * LONG_LANE; len -= 3 * LONG_LANE, p += 3 * LONG_LANE) {
        crc = three_lanes(crc, p, LONG_LANE, over_long);
    }
    for (; len >= 3 * SHORT_LANE; len -= 3 * SHORT_LANE, p += 3 * SHORT_LANE) {
        crc = three_lanes(crc, p, SHORT_LANE, over_short);
    }
    return ~plain(crc, p, len);
}

FOR_AVX512 static __m512i powers_of(int64_t first, int64_t second)
{
    return _mm512_broadcast_i32x4(_mm_set_epi64x(second, first));
}

FOR_AVX512 static __m512i fold(__m512i word, __m512i powers, __m512i next)
{
    __m512i first = _mm512_clmulepi64_epi128(word, powers, 0x00);
    __m512i second = _mm512_clmulepi64_epi128(word, powers, 0x11);
    return _mm512_ternarylogic_epi64(first, second, next, 0x96); /* a ^ b ^ c */
}

FOR_AVX512 static __m128i fold_128(__m128i word, __m128i next)
{
    const __m128i powers = _mm512_castsi512_si128(powers_of(FOLD_128));
    __m128i first = _mm_clmulepi64_si128(word, powers, 0x00);
    __m128i second = _mm_clmulepi64_si128(word, powers, 0x11);
    return _mm_ternarylogic_epi64(first, second, next, 0x96);
}

/* Reduces 64 bytes to the remainder that the crc32 instruction would have after them. */
FOR_AVX512 static uint32_t reduce(__m512i word)
{
    __m128i sum = fold_128(_mm512_extracti32x4_epi32(word, 0), _mm512_extracti32x4_epi32(word, 1));
    sum = fold_128(sum, _mm512_extracti32x4_epi32(word, 2));
    sum = fold_128(sum, _mm512_extracti32x4_epi32(word, 3));
    uint64_t crc = _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(sum));
    return (uint32_t)_mm_crc32_u64(crc, (uint64_t)_mm_extract_epi64(sum, 1));
}

enum { FOLDED = 256 }; /* bytes that four registers fold at a time */

/* Folds the bytes in four independent chains; len >= FOLDED. */
FOR_AVX512 static uint32_t run_vpclmulqdq(uint32_t crc, const void *data, size_t len)
{
    const __m512i far = powers_of(FOLD_2048), near = powers_of(FOLD_512);
    const uint8_t *p = data;
    __m512i x0 = _mm512_loadu_si512(p), x1 = _mm512_loadu_si512(p + 64);
    __m512i x2 = _mm512_loadu_si512(p + 128), x3 = _mm512_loadu_si512(p + 192);
    x0 = _mm512_xor_si512(x0, _mm512_zextsi128_si512(_mm_cvtsi32_si128((int32_t)~crc)));
    for (p += FOLDED, len -= FOLDED; len >= FOLDED; p += FOLDED, len -= FOLDED) {
        x0 = fold(x0, far, _mm512_loadu_si512(p));
        x1 = fold(x1, far, _mm512_loadu_si512(p + 64));
        x2 = fold(x2, far, _mm512_loadu_si512(p + 128));
        x3 = fold(x3, far, _mm512_loadu_si512(p + 192));
    }
    x0 = fold(fold(fold(x0, near, x1), near, x2), near, x3);
    for (; len >= 64; p += 64, len -= 64) {
        x0 = fold(x0, near, _mm512_loadu_si512(p));
    }
    return ~plain(reduce(x0), p, len);
}

static bool has_sse42(void)
{
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}

static bool has_vpclmulqdq(void)
{
    return __builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512vl");
}

/* Takes any length, for the list of implementations. */
static uint32_t run_widest(uint32_t crc, const void *data, size_t len)
{
    return len < FOLDED ? run_sse42(crc, data, len) : run_vpclmulqdq(crc, data, len);
}

tni_crc32c_fn tni_crc32c_choose(size_t len)
{
    if (!has_sse42()) {
        return tni_crc32c_portable;
    }
    return len >= FOLDED && has_vpclmulqdq() ? run_vpclmulqdq : run_sse42;
}

const tni_crc32c_impl *tni_crc32c_impls(void)
{
    static const tni_crc32c_impl oldest[] = {{"portable", tni_crc32c_portable}, {NULL, NULL}};
    static const tni_crc32c_impl middle[] = {
        {"portable", tni_crc32c_portable}, {"sse4.2", run_sse42}, {NULL, NULL}};
    static const tni_crc32c_impl newest[] = {{"portable", tni_crc32c_portable},
                                             {"sse4.2", run_sse42},
                                             {"vpclmulqdq", run_widest},
                                             {NULL, NULL}};
    if (!has_sse42()) {
        return oldest;
    }
    return has_vpclmulqdq() ? newest : middle;
}

#else

typedef int tni_crc32c_not_x86; /* ISO C wants a declaration in every file */

#endif
