/* Which casts there are, and by which steps: short ways through float32, float64, int32 and int64
 * that never round twice where it would show. */
#include "model/cast_impl.h"
#include "model/small_float.h"

/* Tells whether a dtype is a number that casts know; quantised integers are none without the scale
 * that they lack here. */
static bool is_number(tn_dtype dtype)
{
    const tn_dtype_info *about = tn_dtype_about(dtype);
    bool quantised = dtype >= TN_QINT8 && dtype <= TN_QUINT16;
    return about->kind == TN_KIND_BOOL || about->kind == TN_KIND_FLOAT ||
           ((about->kind == TN_KIND_INT || about->kind == TN_KIND_UINT) && !quantised);
}

static bool is_small(tn_dtype dtype)
{
    return tni_small_float_about(dtype) != NULL;
}

static bool is_float(tn_dtype dtype)
{
    return tn_dtype_about(dtype)->kind == TN_KIND_FLOAT;
}

bool tn_cast_known(tn_dtype from, tn_dtype to)
{
    const tn_dtype_info *one = tn_dtype_about(from), *two = tn_dtype_about(to);
    if (from == to) {
        return one->bits > 0 && one->bits % 8 == 0;
    }
    if (one->kind == TN_KIND_COMPLEX || two->kind == TN_KIND_COMPLEX) {
        return one->kind == two->kind;
    }
    const tni_small_float *small = tni_small_float_about(to);
    bool target = small == NULL || small->specials == TNI_SPECIALS_IEEE || to == TN_FLOAT8_E4M3FN;
    return is_number(from) && is_number(to) && target;
}

unsigned tni_integer_bits(tn_dtype dtype)
{
    if (dtype == TN_INT2 || dtype == TN_UINT2) {
        return 2;
    }
    if (dtype == TN_INT4 || dtype == TN_UINT4) {
        return 4;
    }
    return dtype == TN_BOOL ? 1 : tn_dtype_about(dtype)->bits;
}

/* The finite values of a dtype: whole multiples of 2^quantum with up to `digits` binary digits, and
 * of less than 2^above. The least value of a signed integer, a power of two, is one too many. */
typedef struct extent {
    int digits, quantum, above;
    bool negative;
} extent;

static extent extent_of(tn_dtype dtype)
{
    const tni_small_float *small = tni_small_float_about(dtype);
    if (small != NULL) {
        bool positive = small->specials == TNI_SPECIALS_FNU;
        bool top_is_special = positive || small->specials == TNI_SPECIALS_IEEE;
        int places = (int)small->mantissa_bits, lowest = positive ? 0 : 1;
        int highest = (1 << small->exponent_bits) - (top_is_special ? 2 : 1);
        return (extent){places + 1, lowest - small->bias - places, highest - small->bias + 1,
                        !positive};
    }
    if (dtype == TN_FLOAT32) {
        return (extent){24, -149, 128, true};
    }
    if (dtype == TN_FLOAT64) {
        return (extent){53, -1074, 1024, true};
    }
    bool negative = tn_dtype_about(dtype)->kind == TN_KIND_INT;
    int bits = (int)tni_integer_bits(dtype) - negative;
    return (extent){bits, 0, bits, negative};
}

static tn_dtype half_of(tn_dtype dtype)
{
    return dtype == TN_COMPLEX64 ? TN_FLOAT32 : dtype == TN_COMPLEX128 ? TN_FLOAT64 : dtype;
}

bool tn_cast_lossless(tn_dtype from, tn_dtype to)
{
    extent one = extent_of(half_of(from)), two = extent_of(half_of(to));
    if (from == to) {
        return true;
    }
    if (!is_float(half_of(to)) && is_float(half_of(from))) {
        return false;
    }
    /* The least integer needs room for one more power of two in a float. */
    int above = one.above + (one.negative && !is_float(half_of(from)) && is_float(half_of(to)));
    return one.digits <= two.digits && one.quantum >= two.quantum && above <= two.above &&
           (!one.negative || two.negative);
}

/* Returns the first step from a float of 32 or 64 bits. */
static tn_dtype next_from_float(tn_dtype from, tn_dtype to)
{
    if (from == TN_FLOAT32) {
        return is_small(to) ? to : TN_FLOAT64;
    }
    if (to == TN_FLOAT16) {
        return to; /* in one rounding; others go through float32, as in ml_dtypes */
    }
    if (is_small(to)) {
        return TN_FLOAT32;
    }
    if (to == TN_BOOL || to == TN_FLOAT32 || tni_integer_bits(to) == 64) {
        return to;
    }
    return to == TN_UINT32 ? TN_INT64 : TN_INT32;
}

/* Returns the first step from an integer of 32 or 64 bits; int64 also stands for uint64 on the way
 * to other integers. */
static tn_dtype next_from_integer(tn_dtype from, tn_dtype to)
{
    if (from == TN_UINT32) {
        return TN_INT64;
    }
    if (is_small(to)) {
        return TN_FLOAT32;
    }
    if (from == TN_INT32) {
        return to == TN_UINT32 || to == TN_UINT64 ? TN_INT64 : to;
    }
    return is_float(to) || to == TN_BOOL || tni_integer_bits(to) >= 32 ? to : TN_INT32;
}

tn_dtype tni_cast_next(tn_dtype from, tn_dtype to)
{
    if (is_small(from)) {
        return TN_FLOAT32;
    }
    if (is_float(from)) {
        return next_from_float(from, to);
    }
    return tni_integer_bits(from) < 32 ? TN_INT32 : next_from_integer(from, to);
}
