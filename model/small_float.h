/* Floating dtypes of 8 and 16 bits: what their bits mean. */
#ifndef TN_MODEL_SMALL_FLOAT_H
#define TN_MODEL_SMALL_FLOAT_H

#include <tenon/dtype.h>

/* What the highest patterns of a small float stand for. */
typedef enum tni_specials {
    TNI_SPECIALS_IEEE, /* the highest exponent is infinity and NaN */
    TNI_SPECIALS_FN,   /* no infinity; all bits but the sign set is NaN */
    TNI_SPECIALS_FNUZ, /* no infinity, no negative zero; its pattern is NaN */
    TNI_SPECIALS_FNU   /* no sign, no zero, no infinity; all bits set is NaN */
} tni_specials;

typedef struct tni_small_float {
    unsigned exponent_bits;
    unsigned mantissa_bits;
    int bias;
    tni_specials specials;
} tni_small_float;

/* Describes float16, bfloat16 and the float8 dtypes; NULL for every other dtype. */
const tni_small_float *tni_small_float_about(tn_dtype dtype);
/* Returns the bits without the sign. */
uint32_t tni_small_float_magnitude(const tni_small_float *about, uint32_t bits);
/* Tells whether the sign bit is set. */
bool tni_small_float_negative(const tni_small_float *about, uint32_t bits);
/* Returns the value of a pattern; exact. */
double tni_small_float_value(const tni_small_float *about, uint32_t bits);

#endif
