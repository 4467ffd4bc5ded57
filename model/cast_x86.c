/* The loops of casts for AVX2, and for float16 the instructions of F16C, which all CPUs with AVX2
 * have. The bfloat16 instructions of AVX-512 flush subnormals and are of no use here. */
#include "model/cast_impl.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "model/cast_compare.h"

#define FOR_AVX2 __attribute__((target("avx2,f16c")))

/* F16C rounds and keeps subnormals as the loops do, but makes every NaN a quiet one; NumPy does
 * not. So these give up where they see a NaN, and the tile is done by the loops. */

FOR_AVX2 static bool f16_to_f32_f16c(IN in, OUT out)
{
    __m256 nans = _mm256_setzero_ps();
    for (size_t i = 0; i < TNI_CAST_TILE; i += 8) {
        __m256 wide = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(in + 2 * i)));
        nans = _mm256_or_ps(nans, _mm256_cmp_ps(wide, wide, _CMP_UNORD_Q));
        _mm256_storeu_ps((float *)(void *)(out + 4 * i), wide);
    }
    return _mm256_movemask_ps(nans) == 0;
}

FOR_AVX2 static bool f32_to_f16_f16c(IN in, OUT out)
{
    __m256 nans = _mm256_setzero_ps();
    for (size_t i = 0; i < TNI_CAST_TILE; i += 8) {
        __m256 wide = _mm256_loadu_ps((const float *)(const void *)(in + 4 * i));
        nans = _mm256_or_ps(nans, _mm256_cmp_ps(wide, wide, _CMP_UNORD_Q));
        _mm_storeu_si128((__m128i *)(void *)(out + 2 * i),
                         _mm256_cvtps_ph(wide, _MM_FROUND_TO_NEAREST_INT));
    }
    return _mm256_movemask_ps(nans) == 0;
}

/* Rounds four float64 to float32 so that another rounding gives what a single one would: what is
 * cut off only sets the last bit ("round to odd"). A float32 has more than two bits more than a
 * float16, and its subnormals are far below those of float16, so that is exact. */
FOR_AVX2 static __m128 to_odd_f32(__m256d wide)
{
    const __m256i cut = _mm256_set1_epi64x((1 << 29) - 1);
    __m256i bits = _mm256_castpd_si256(wide);
    __m256i rest = _mm256_and_si256(bits, cut);
    /* Zero, or at least 1: adding all ones carries into the last bit that stays. */
    __m256i last = _mm256_andnot_si256(cut, _mm256_add_epi64(rest, cut));
    return _mm256_cvtpd_ps(
        _mm256_castsi256_pd(_mm256_or_si256(_mm256_andnot_si256(cut, bits), last)));
}

FOR_AVX2 static bool f64_to_f16_f16c(IN in, OUT out)
{
    __m256d nans = _mm256_setzero_pd();
    for (size_t i = 0; i < TNI_CAST_TILE; i += 4) {
        __m256d wide = _mm256_loadu_pd((const double *)(const void *)(in + 8 * i));
        nans = _mm256_or_pd(nans, _mm256_cmp_pd(wide, wide, _CMP_UNORD_Q));
        __m128i halves = _mm_cvtps_ph(to_odd_f32(wide), _MM_FROUND_TO_NEAREST_INT);
        _mm_storel_epi64((__m128i *)(void *)(out + 2 * i), halves);
    }
    return _mm256_movemask_pd(nans) == 0;
}

/* A float8_e5m2 is the first half of a float16; a float8_e4m3fn has the same fields, the exponent
 * shorter by a bit and its bias by 8. Gives up where a magnitude may be a NaN. */
FOR_AVX2 static bool f8_to_f32_f16c(tn_dtype from, IN in, OUT out)
{
    const bool e4m3 = from == TN_FLOAT8_E4M3FN;
    const __m128i magnitude = _mm_set1_epi16(0x7F), shift = _mm_cvtsi32_si128(e4m3 ? 7 : 8);
    const __m256 scale = _mm256_set1_ps(e4m3 ? 256.0F : 1.0F);
    __m128i greatest = _mm_setzero_si128();
    for (size_t i = 0; i < TNI_CAST_TILE; i += 8) {
        __m128i bits = _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)(const void *)(in + i)));
        __m128i size = _mm_and_si128(bits, magnitude);
        __m128i sign = _mm_slli_epi16(_mm_andnot_si128(magnitude, bits), 8);
        __m256 wide = _mm256_cvtph_ps(_mm_or_si128(sign, _mm_sll_epi16(size, shift)));
        greatest = _mm_max_epi16(greatest, size);
        _mm256_storeu_ps((float *)(void *)(out + 4 * i), _mm256_mul_ps(wide, scale));
    }
    __m128i most = _mm_set1_epi16(e4m3 ? 0x7E : 0x7C);
    return _mm_movemask_epi8(_mm_cmpgt_epi16(greatest, most)) == 0;
}

/* GCC does not make vectors of the limits. Both instructions give their second operand for a NaN,
 * which is what the loop does. */
FOR_AVX2 static void f64_to_i32_avx2(IN in, OUT out)
{
    const __m256d low = _mm256_set1_pd(INT32_MIN), high = _mm256_set1_pd(INT32_MAX);
    for (size_t i = 0; i < TNI_CAST_TILE; i += 4) {
        __m256d wide = _mm256_loadu_pd((const double *)(const void *)(in + 8 * i));
        wide = _mm256_min_pd(_mm256_max_pd(wide, low), high);
        _mm_storeu_si128((__m128i *)(void *)(out + 4 * i), _mm256_cvttpd_epi32(wide));
    }
}

/* Tries the instructions that are better than the loops; false where they do not fit. */
FOR_AVX2 static bool step_instructions(tn_dtype from, tn_dtype to, const void *in, void *out)
{
    if (from == TN_FLOAT16) {
        return f16_to_f32_f16c(in, out);
    }
    if (from == TN_FLOAT8_E4M3FN || from == TN_FLOAT8_E5M2) {
        return f8_to_f32_f16c(from, in, out);
    }
    if (to == TN_FLOAT16) {
        return from == TN_FLOAT64 ? f64_to_f16_f16c(in, out) : f32_to_f16_f16c(in, out);
    }
    if (from == TN_FLOAT64 && to == TN_INT32) {
        f64_to_i32_avx2(in, out);
        return true;
    }
    return false;
}

FOR_AVX2 static void step_avx2(tn_dtype from, tn_dtype to, const void *in, void *out)
{
    if (!step_instructions(from, to, in, out)) {
        cast_step(from, to, in, out);
    }
}

FOR_AVX2 static void compare_avx2(const tni_cast_check *check, const void *before,
                                  const void *after, tn_cast_stats *stats)
{
    cast_compare(check, before, after, stats);
}

const tni_cast_impl *tni_cast_choose(void)
{
    static const tni_cast_impl avx2 = {"avx2", step_avx2, compare_avx2};
    return __builtin_cpu_supports("avx2") ? &avx2 : &tni_cast_portable;
}

#else

typedef int tni_cast_not_x86; /* ISO C wants a declaration in every file */

#endif
