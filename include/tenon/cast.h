/* Casts: elements of one dtype as elements of another. */
#ifndef TENON_CAST_H
#define TENON_CAST_H

#include <stdbool.h>
#include <stddef.h>

#include <tenon/dtype.h>
#include <tenon/error.h>

/* What becomes of a value that lies outside the wanted dtype. It is counted in any case. For an
 * integer target all three mean the nearest value, and 0 for a NaN. */
typedef enum tn_overflow {
    TN_OVERFLOW_ERROR,   /* the result is as IEEE 754's; the caller refuses it by the count */
    TN_OVERFLOW_IEEE,    /* an infinity, or NaN where the dtype has none (float8_e4m3fn) */
    TN_OVERFLOW_SATURATE /* the largest finite value, with the sign */
} tn_overflow;

/* What casts did, added up over calls; begin with zeros. A value counts as an overflow or as
 * inexact, never as both; of complex values each half counts. */
typedef struct tn_cast_stats {
    uint64_t overflows; /* out of range, infinities into float8_e4m3fn, NaN and ±inf to integers */
    uint64_t inexact;   /* rounded, truncated, or flushed to zero */
    uint64_t subnormals; /* results below the smallest normal number, not zero */
    uint64_t nans;       /* values that are NaN */
    double max_abs_err;  /* the greatest |result - value| of inexact ones, rounded to double */
} tn_cast_stats;

/* Tells whether tn_cast does this pair: every fixed-size dtype to itself; bool, the integers and
 * all floats of at least 8 bits to bool, the integers, float64, float32, float16, bfloat16,
 * float8_e4m3fn and float8_e5m2; complex to complex. */
TN_API bool tn_cast_known(tn_dtype from, tn_dtype to);
/* Tells whether every value of `from` is a value of `to`, so that no cast of this known pair is
 * ever inexact or overflows. */
TN_API bool tn_cast_lossless(tn_dtype from, tn_dtype to);
/* Casts `count` elements of a known pair; `in` and `out` need no alignment and do not overlap.
 * Rounds to the nearest, ties to even, as NumPy and ml_dtypes do: a target narrower than float32 is
 * reached through float32, but float16 from float64 at once. A float to an integer is truncated;
 * to bool whatever is not zero is true. A NaN stays a NaN and keeps its sign. Equal dtypes are
 * copied. `stats` (may be NULL) is added to. */
TN_API void tn_cast(tn_dtype from, tn_dtype to, tn_overflow overflow, const void *in, void *out,
                    size_t count, tn_cast_stats *stats);

#endif
