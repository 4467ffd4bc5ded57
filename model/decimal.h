/* The shortest decimal digits of a floating element. */
#ifndef TN_MODEL_DECIMAL_H
#define TN_MODEL_DECIMAL_H

#include <tenon/dtype.h>

enum { TNI_DECIMAL_DIGITS = 17 };

/* |value| = 0.d1 d2 … dn · 10^point; the first and last digit are not zero, unless the value is. */
typedef struct tni_decimal {
    char digits[TNI_DECIMAL_DIGITS + 1];
    unsigned count;
    int point;
} tni_decimal;

/* Finds the shortest digits that read back as the finite element `bits` of a float dtype (64 bits
 * at most, in the low bits); of several the nearest to its value. `value` is its value. */
void tni_decimal_shortest(tn_dtype dtype, uint64_t bits, double value, tni_decimal *out);

#endif
