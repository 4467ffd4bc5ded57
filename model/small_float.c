#include "model/small_float.h"

#include <math.h>

const tni_small_float *tni_small_float_about(tn_dtype dtype)
{
    static const tni_small_float all[TN_DTYPE_COUNT] = {
#define SMALL_FLOAT(id, exponent_bits, mantissa_bits, bias, specials) \
    [TN_##id] = {exponent_bits, mantissa_bits, bias, TNI_SPECIALS_##specials},
#include "model/small_floats.def"
#undef SMALL_FLOAT
    };
    bool small = (unsigned)dtype < TN_DTYPE_COUNT && all[dtype].exponent_bits > 0;
    return small ? &all[dtype] : NULL;
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
