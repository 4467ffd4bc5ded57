/* The comparisons of casts: what a tile was against what became of it. As cast_loops.h, to be
 * compiled for several instruction sets. */
#ifndef TN_MODEL_CAST_COMPARE_H
#define TN_MODEL_CAST_COMPARE_H

#include "model/cast_loops.h"

/* Adds what a tile showed. `worst` is an error that is neither infinite nor NaN. */
INLINE void add_counts(tn_cast_stats *stats, uint64_t overflows, uint64_t inexact, double worst)
{
    stats->overflows += overflows;
    stats->inexact += inexact;
    stats->max_abs_err = worst > stats->max_abs_err ? worst : stats->max_abs_err;
}

/* Compares floats as float32, in which differences of a value and its rounding are exact. An
 * overflow is a number that became none, or an infinity that became NaN; nothing but a NaN becomes
 * NaN otherwise. The bits of magnitudes order as the magnitudes do. */
INLINE void count_f32(const tni_cast_check *check, IN before, IN after, tn_cast_stats *stats)
{
    const int32_t infinity = 0x7F800000;
    const int32_t smallest = (int32_t)bits_of_f32((float)check->smallest);
    int32_t overflows = 0, inexact = 0, subnormals = 0, nans = 0, worst = 0;
    for
        EACH(i)
        {
            int32_t a = (int32_t)(load_u32(before, i) & INT32_MAX);
            int32_t b = (int32_t)(load_u32(after, i) & INT32_MAX);
            float error = fabsf(load_f32(before, i) - load_f32(after, i));
            int32_t gone = ((b >= infinity) & (a < infinity)) | ((b > infinity) & (a == infinity));
            int32_t moved = (a != b) & (a <= infinity) & (gone == 0);
            int32_t size = moved != 0 ? (int32_t)bits_of_f32(error) : 0;
            overflows += gone;
            inexact += moved;
            subnormals += (b > 0) & (b < smallest);
            nans += a > infinity;
            worst = size > worst ? size : worst;
        }
    stats->subnormals += (uint64_t)subnormals;
    stats->nans += (uint64_t)nans;
    add_counts(stats, (uint64_t)overflows, (uint64_t)inexact, (double)f32_of_bits((uint32_t)worst));
}

/* Takes the short way through tiles of normal numbers and zeros alone. */
INLINE void compare_f32(const tni_cast_check *check, IN before, IN after, tn_cast_stats *stats)
{
    const uint32_t smallest = bits_of_f32((float)check->smallest);
    int32_t inexact = 0, worst = 0, greatest = 0;
    uint32_t least = UINT32_MAX; /* of magnitudes less one, so that zeros are none */
    for
        EACH(i)
        {
            uint32_t b = load_u32(after, i) & INT32_MAX;
            float error = fabsf(load_f32(before, i) - load_f32(after, i));
            int32_t size = (int32_t)bits_of_f32(error);
            inexact += size != 0;
            worst = size > worst ? size : worst;
            greatest = (int32_t)b > greatest ? (int32_t)b : greatest;
            least = b - 1 < least ? b - 1 : least;
        }
    if (greatest >= 0x7F800000 || least + 1 < smallest) {
        count_f32(check, before, after, stats);
    } else {
        add_counts(stats, 0, (uint64_t)inexact, (double)f32_of_bits((uint32_t)worst));
    }
}

/* Does the same as float64. To bool, a NaN becomes 1 and is inexact without an error. */
INLINE void count_f64(const tni_cast_check *check, IN before, IN after, tn_cast_stats *stats)
{
    const int64_t infinity = INT64_C(0x7FF) << 52;
    const int64_t smallest = (int64_t)bits_of_f64(check->smallest);
    int64_t overflows = 0, inexact = 0, subnormals = 0, nans = 0, worst = 0;
    for
        EACH(i)
        {
            int64_t a = (int64_t)(load_u64(before, i) & INT64_MAX);
            int64_t b = (int64_t)(load_u64(after, i) & INT64_MAX);
            double error = fabs(load_f64(before, i) - load_f64(after, i));
            int64_t gone = ((b >= infinity) & (a < infinity)) | ((b > infinity) & (a == infinity));
            int64_t lost = (a > infinity) & (b < infinity);
            int64_t moved = (error > 0) & (gone == 0);
            int64_t size = moved != 0 && a < infinity ? (int64_t)bits_of_f64(error) : 0;
            overflows += gone;
            inexact += moved | lost;
            subnormals += (b > 0) & (b < smallest);
            nans += a > infinity;
            worst = size > worst ? size : worst;
        }
    stats->subnormals += (uint64_t)subnormals;
    stats->nans += (uint64_t)nans;
    add_counts(stats, (uint64_t)overflows, (uint64_t)inexact, f64_of_bits((uint64_t)worst));
}

INLINE void compare_f64(const tni_cast_check *check, IN before, IN after, tn_cast_stats *stats)
{
    const int64_t smallest = (int64_t)bits_of_f64(check->smallest);
    int64_t inexact = 0, worst = 0, odd = 0;
    for
        EACH(i)
        {
            int64_t a = (int64_t)(load_u64(before, i) & INT64_MAX);
            int64_t b = (int64_t)(load_u64(after, i) & INT64_MAX);
            double error = fabs(load_f64(before, i) - load_f64(after, i));
            int64_t size = (int64_t)bits_of_f64(error);
            inexact += size != 0;
            worst = size > worst ? size : worst;
            odd |= ((a > b ? a : b) >= INT64_C(0x7FF) << 52) | ((b < smallest) & (b != 0));
        }
    if (odd != 0) {
        count_f64(check, before, after, stats);
    } else {
        add_counts(stats, 0, (uint64_t)inexact, f64_of_bits((uint64_t)worst));
    }
}

/* Compares floats with their truncation, which must lie in the range of an integer dtype. */
INLINE void compare_range(const tni_cast_check *check, IN before, tn_cast_stats *stats)
{
    const double low = check->low, beyond = check->beyond;
    uint64_t overflows = 0, inexact = 0, nans = 0;
    int64_t worst = 0;
    for
        EACH(i)
        {
            double a = load_f64(before, i), whole = trunc(a);
            double error = fabs(a - whole);
            bool gone = !((whole >= low) & (whole < beyond));
            bool moved = (error > 0) & !gone;
            overflows += gone;
            inexact += moved;
            nans += a != a;
            int64_t bits = moved ? (int64_t)bits_of_f64(error) : 0;
            worst = bits > worst ? bits : worst;
        }
    stats->nans += nans;
    add_counts(stats, overflows, inexact, f64_of_bits((uint64_t)worst));
}

/* Compares integers with what came back: any other value means that the range was left, but that
 * int64 and uint64 show the same bits for values that the other does not have. */
INLINE void compare_bits(const tni_cast_check *check, IN before, IN after, tn_cast_stats *stats)
{
    const uint64_t sign = check->sign_matters ? UINT64_C(1) << 63 : 0;
    uint64_t overflows = 0;
    for
        EACH(i)
        {
            uint64_t a = load_u64(before, i);
            overflows += ((a ^ load_u64(after, i)) | (a & sign)) != 0;
        }
    stats->overflows += overflows;
}

/* Compares 64-bit integers with the float or bool that they became, as float64. The difference is
 * taken in integers modulo 2^64, unless it is so large that the float64 one is as good. */
INLINE void count_wide(bool is_signed, IN before, IN after, tn_cast_stats *stats)
{
    for
        EACH(i)
        {
            uint64_t a = load_u64(before, i);
            double b = load_f64(after, i), value = is_signed ? (double)(int64_t)a : (double)a;
            bool gone = !(fabs(b) <= DBL_MAX);
            uint64_t kept = gone || b >= 0x1p64 ? 0 : b < 0 ? (uint64_t)(int64_t)b : (uint64_t)b;
            uint64_t apart = a - kept < kept - a ? a - kept : kept - a;
            double error = fabs(value - b) < 0x1p60 ? (double)apart : fabs(value - b);
            add_counts(stats, gone, !gone && error > 0, gone ? 0 : error);
        }
}

/* Takes the short way through tiles of integers that float64 holds and that did not change. */
INLINE void compare_wide(bool is_signed, IN before, IN after, tn_cast_stats *stats)
{
    int64_t odd = 0;
    for
        EACH(i)
        {
            uint64_t a = load_u64(before, i);
            double b = load_f64(after, i), value = is_signed ? (double)(int64_t)a : (double)a;
            odd |= (value != b) | (fabs(value) > 0x1p53);
        }
    if (odd != 0) {
        count_wide(is_signed, before, after, stats);
    }
}

/* The comparison of a tni_cast_impl. */
INLINE void cast_compare(const tni_cast_check *check, const void *before, const void *after,
                         tn_cast_stats *stats)
{
    switch (check->view) {
    case TNI_VIEW_F32:
        compare_f32(check, before, after, stats);
        break;
    case TNI_VIEW_F64:
        compare_f64(check, before, after, stats);
        break;
    case TNI_VIEW_RANGE:
        compare_range(check, before, stats);
        break;
    case TNI_VIEW_BITS:
        compare_bits(check, before, after, stats);
        break;
    case TNI_VIEW_INT64:
        compare_wide(true, before, after, stats);
        break;
    case TNI_VIEW_UINT64:
        compare_wide(false, before, after, stats);
        break;
    }
}

#endif
