#include "model/small_float.h"

#include <math.h>

static const tni_small_float float16 = {5, 10, 15, TNI_SPECIALS_IEEE};
static const tni_small_float bfloat16 = {8, 7, 127, TNI_SPECIALS_IEEE};
static const tni_small_float e4m3fn = {4, 3, 7, TNI_SPECIALS_FN};
static const tni_small_float e5m2 = {5, 2, 15, TNI_SPECIALS_IEEE};
static const tni_small_float e4m3fnuz = {4, 3, 8, TNI_SPECIALS_FNUZ};
static const tni_small_float e4m3b11fnuz = {4, 3, 11, TNI_SPECIALS_FNUZ};
static const tni_small_float e5m2fnuz = {5, 2, 16, TNI_SPECIALS_FNUZ};
static const tni_small_float e8m0fnu = {8, 0, 127, TNI_SPECIALS_FNU};

const tni_small_float *tni_small_float_about(tn_dtype dtype)
{
    static const tni_small_float *const all[TN_DTYPE_COUNT] = {
        [TN_FLOAT16] = &float16,          [TN_BFLOAT16] = &bfloat16,
        [TN_FLOAT8_E4M3FN] = &e4m3fn,     [TN_FLOAT8_E5M2] = &e5m2,
        [TN_FLOAT8_E4M3FNUZ] = &e4m3fnuz, [TN_FLOAT8_E4M3B11FNUZ] = &e4m3b11fnuz,
        [TN_FLOAT8_E5M2FNUZ] = &e5m2fnuz, [TN_FLOAT8_E8M0FNU] = &e8m0fnu,
    };
    return (unsigned)dtype < TN_DTYPE_COUNT ? all[dtype] : NULL;
}

static uint32_t magnitude_mask(const tni_small_float *about)
{
    return (1u << (about->exponent_bits + about->mantissa_bits)) - 1;
}

uint32_t tni_small_float_magnitude(const tni_small_float *about, uint32_t bits)
{
    return bits & magnitude_mask(about);
}

bool tni_small_float_negative(const tni_small_float *about, uint32_t bits)
{
    return bits > magnitude_mask(about);
}

/* Returns what a magnitude is worth where it is a number. */
static double number_value(const tni_small_float *about, uint32_t magnitude)
{
    uint32_t mantissa = magnitude & ((1u << about->mantissa_bits) - 1);
    int exponent = (int)(magnitude >> about->mantissa_bits);
    if (exponent > 0 || about->specials == TNI_SPECIALS_FNU) {
        mantissa |= 1u << about->mantissa_bits;
    } else {
        exponent = 1; /* a subnormal has the smallest exponent and no leading one */
    }
    return ldexp((double)mantissa, exponent - about->bias - (int)about->mantissa_bits);
}

double tni_small_float_value(const tni_small_float *about, uint32_t bits)
{
    uint32_t magnitude = tni_small_float_magnitude(about, bits);
    bool negative = tni_small_float_negative(about, bits);
    uint32_t highest = magnitude_mask(about);
    double value;
    if (about->specials == TNI_SPECIALS_IEEE &&
        magnitude >> about->mantissa_bits == highest >> about->mantissa_bits) {
        uint32_t infinity = highest >> about->mantissa_bits << about->mantissa_bits;
        value = magnitude == infinity ? HUGE_VAL : (double)NAN;
    } else if (about->specials == TNI_SPECIALS_FNUZ) {
        value = negative && magnitude == 0 ? (double)NAN : number_value(about, magnitude);
    } else if (about->specials != TNI_SPECIALS_IEEE && magnitude == highest) {
        value = (double)NAN;
    } else {
        value = number_value(about, magnitude);
    }
    return negative ? -value : value;
}
