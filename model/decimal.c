#include "model/decimal.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/small_float.h"

/* The decimals that read back as one element of a small float: all between the middles to its
 * neighbours, and the middles themselves if ties go to this element (its pattern is even). */
typedef struct interval {
    double low, high;
    bool closed;
} interval;

static interval interval_of(const tni_small_float *about, uint32_t bits)
{
    uint32_t magnitude = tni_small_float_magnitude(about, bits);
    double value = tni_small_float_value(about, magnitude);
    double below = magnitude == 0 ? 0 : tni_small_float_value(about, magnitude - 1);
    double above = tni_small_float_value(about, magnitude + 1);
    if (!isfinite(above)) {
        above = value + (value - below);
    }
    bool even = about->mantissa_bits > 0 && magnitude % 2 == 0;
    return (interval){(below + value) / 2, (value + above) / 2, even};
}

static bool reads_back(tn_dtype dtype, uint64_t bits, double value, const tni_decimal *decimal)
{
    char text[32]; /* without a decimal point, so that the locale has no say in it */
    snprintf(text, sizeof text, "%se%d", decimal->digits, decimal->point - (int)decimal->count);
    if (dtype == TN_FLOAT64) {
        return strtod(text, NULL) == fabs(value);
    }
    if (dtype == TN_FLOAT32) {
        return strtof(text, NULL) == fabsf((float)value);
    }
    interval fits = interval_of(tni_small_float_about(dtype), (uint32_t)bits);
    double read = strtod(text, NULL);
    return (read > fits.low && read < fits.high) ||
           (fits.closed && (read == fits.low || read == fits.high));
}

static void drop_zeros(tni_decimal *decimal)
{
    while (decimal->count > 1 && decimal->digits[decimal->count - 1] == '0') {
        decimal->count--;
    }
    decimal->digits[decimal->count] = '\0';
}

/* Rounds to `count` significant digits. */
static void round_to(double value, unsigned count, tni_decimal *out)
{
    char text[40];
    snprintf(text, sizeof text, "%.*e", (int)count - 1, fabs(value));
    out->count = 0;
    const char *p = text;
    for (; *p != 'e'; p++) {
        if (*p >= '0' && *p <= '9') { /* not the decimal point, whatever the locale's is */
            out->digits[out->count++] = *p;
        }
    }
    out->point = (int)strtol(p + 1, NULL, 10) + 1;
    drop_zeros(out);
}

/* Adds one to the last of `count` digits. */
static void step_up(unsigned count, tni_decimal *decimal)
{
    while (decimal->count < count) {
        decimal->digits[decimal->count++] = '0';
    }
    unsigned i = count;
    while (i > 0 && decimal->digits[i - 1] == '9') {
        decimal->digits[--i] = '0';
    }
    if (i == 0) {
        decimal->digits[0] = '1'; /* 99…9 became 100…0 */
        decimal->point++;
    } else {
        decimal->digits[i - 1]++;
    }
    drop_zeros(decimal);
}

/* Finds digits that read back among the decimals of `count` digits. The nearest one does if any
 * does, except at a power of two: there the room below is half of that above. */
static bool find_digits(tn_dtype dtype, uint64_t bits, double value, unsigned count,
                        tni_decimal *out)
{
    int exponent;
    round_to(value, count, out);
    if (reads_back(dtype, bits, value, out)) {
        return true;
    }
    if (frexp(fabs(value), &exponent) > 0.5) {
        return false;
    }
    step_up(count, out);
    return reads_back(dtype, bits, value, out);
}

/* Returns how many digits survive any trip through the dtype, so that the search may start there:
 * if so many digits read back, they without trailing zeros are the shortest. Subnormals have fewer
 * bits, so that nothing is sure about them. */
static unsigned first_count(tn_dtype dtype, double value)
{
    if (dtype == TN_FLOAT64) {
        return fabs(value) < DBL_MIN ? 1 : DBL_DIG;
    }
    if (dtype == TN_FLOAT32) {
        return fabs(value) < (double)FLT_MIN ? 1 : FLT_DIG;
    }
    return 1;
}

void tni_decimal_shortest(tn_dtype dtype, uint64_t bits, double value, tni_decimal *out)
{
    unsigned count = first_count(dtype, value);
    while (!find_digits(dtype, bits, value, count, out) && count < TNI_DECIMAL_DIGITS) {
        count++;
    }
}
