/* Casts, tile by tile: a few steps from dtype to dtype, and where it is asked for a comparison of
 * the result with the value that it came from. */
#include <math.h>
#include <string.h>

#include "model/cast_compare.h"

enum { TILE = TNI_CAST_TILE };

/* A tile of the widest elements that steps go through. */
typedef union tile {
    uint64_t word;
    unsigned char bytes[TILE * sizeof(uint64_t)];
} tile;

/* One cast, and what its tiles need. */
typedef struct cast {
    const tni_cast_impl *impl;
    tn_dtype from, to;
    size_t from_size, to_size; /* bytes of an element */
    tn_overflow overflow;
    tni_cast_check check;
    bool compares;
    tn_cast_stats stats;
} cast;

static void step_portable(tn_dtype from, tn_dtype to, const void *in, void *out)
{
    cast_step(from, to, in, out);
}

static void compare_portable(const tni_cast_check *check, const void *before, const void *after,
                             tn_cast_stats *stats)
{
    cast_compare(check, before, after, stats);
}

const tni_cast_impl tni_cast_portable = {"portable", step_portable, compare_portable};

/* Goes all steps with one tile. */
static void walk(const tni_cast_impl *impl, tn_dtype from, tn_dtype to, const void *in, void *out)
{
    tile between[2];
    for (unsigned turn = 0; from != to; turn ^= 1) {
        tn_dtype next = tni_cast_next(from, to);
        void *target = next == to ? out : between[turn].bytes;
        impl->step(from, next, in, target);
        in = target;
        from = next;
    }
}

static bool is_float(tn_dtype dtype)
{
    return tn_dtype_about(dtype)->kind == TN_KIND_FLOAT;
}

/* Decides how a pair is compared. */
static tni_cast_view view_of(tn_dtype from, tn_dtype to)
{
    if (is_float(from) && !is_float(to) && to != TN_BOOL) {
        return TNI_VIEW_RANGE;
    }
    if (is_float(from)) {
        return from == TN_FLOAT64 || to == TN_FLOAT64 || to == TN_BOOL ? TNI_VIEW_F64
                                                                       : TNI_VIEW_F32;
    }
    if (!is_float(to) && to != TN_BOOL) {
        return TNI_VIEW_BITS;
    }
    return from == TN_INT64 ? TNI_VIEW_INT64 : from == TN_UINT64 ? TNI_VIEW_UINT64 : TNI_VIEW_F64;
}

/* The dtypes in which a view sees a value before and after. */
static tn_dtype seen_before(tni_cast_view view)
{
    static const tn_dtype dtypes[] = {
        [TNI_VIEW_F32] = TN_FLOAT32, [TNI_VIEW_F64] = TN_FLOAT64, [TNI_VIEW_RANGE] = TN_FLOAT64,
        [TNI_VIEW_BITS] = TN_INT64,  [TNI_VIEW_INT64] = TN_INT64, [TNI_VIEW_UINT64] = TN_UINT64,
    };
    return dtypes[view];
}

static tn_dtype seen_after(tni_cast_view view)
{
    return view == TNI_VIEW_INT64 || view == TNI_VIEW_UINT64 ? TN_FLOAT64 : seen_before(view);
}

/* Returns the smallest normal number of a float dtype, 0 for others. */
static double smallest_normal(tn_dtype dtype)
{
    const tni_small_float *small = tni_small_float_about(dtype);
    if (small != NULL) {
        return ldexp(1, 1 - small->bias);
    }
    return dtype == TN_FLOAT32 ? (double)FLT_MIN : dtype == TN_FLOAT64 ? DBL_MIN : 0;
}

static bool is_signed(tn_dtype dtype)
{
    return tn_dtype_about(dtype)->kind == TN_KIND_INT;
}

static tni_cast_check check_of(tn_dtype from, tn_dtype to)
{
    tni_cast_check check = {.view = view_of(from, to), .smallest = smallest_normal(to)};
    if (check.view == TNI_VIEW_RANGE) {
        int digits = (int)tni_integer_bits(to) - is_signed(to);
        check.beyond = ldexp(1, digits);
        check.low = is_signed(to) ? -check.beyond : 0;
    }
    check.sign_matters = (from == TN_UINT64) != (to == TN_UINT64);
    return check;
}

/* Returns the bits of the outermost values: of a float the largest finite one, which with the sign
 * is the smallest too, of an integer the largest or smallest. */
static uint64_t outermost(tn_dtype dtype, bool negative)
{
    const tni_small_float *small = tni_small_float_about(dtype);
    if (small != NULL) {
        unsigned bits = small->exponent_bits + small->mantissa_bits;
        return (uint64_t)negative << bits | (beyond_finite(*small) - 1);
    }
    if (dtype == TN_FLOAT32) {
        return (uint64_t)negative << 31 | 0x7F7FFFFF;
    }
    unsigned bits = tni_integer_bits(dtype);
    uint64_t least = is_signed(dtype) ? UINT64_C(1) << (bits - 1) : 0;
    return negative ? least : (UINT64_MAX >> (64 - bits)) ^ least;
}

static void store_element(void *out, size_t size, uint64_t bits)
{
    uint32_t four = (uint32_t)bits;
    switch (size) {
    case 4:
        memcpy(out, &four, sizeof four);
        break;
    case 8:
        memcpy(out, &bits, sizeof bits);
        break;
    default:
        store_short((unsigned)size, out, 0, four);
    }
}

static bool left_floats(double before, double after)
{
    return (isfinite(before) && !isfinite(after)) || (isinf(before) && isnan(after));
}

/* Tells whether value `i` of a tile overflowed, as the comparison counted it. */
static bool overflowed(const tni_cast_check *check, const unsigned char *before,
                       const unsigned char *after, size_t i)
{
    switch (check->view) {
    case TNI_VIEW_F32:
        return left_floats((double)load_f32(before, i), (double)load_f32(after, i));
    case TNI_VIEW_F64:
        return left_floats(load_f64(before, i), load_f64(after, i));
    case TNI_VIEW_RANGE:
        return !(trunc(load_f64(before, i)) >= check->low &&
                 trunc(load_f64(before, i)) < check->beyond);
    case TNI_VIEW_BITS:
        return load_u64(before, i) != load_u64(after, i) ||
               (check->sign_matters && load_u64(before, i) > INT64_MAX);
    case TNI_VIEW_INT64:
    case TNI_VIEW_UINT64:
    default:
        return !isfinite(load_f64(after, i));
    }
}

/* Puts the nearest value in the place of each one that overflowed; a NaN becomes 0. */
static void clamp(const cast *job, const unsigned char *before, const unsigned char *after,
                  unsigned char *out)
{
    for (size_t i = 0; i < TILE; i++) {
        if (!overflowed(&job->check, before, after, i)) {
            continue;
        }
        /* The highest bit is the sign, of floats as of integers. */
        uint64_t bits = job->check.view == TNI_VIEW_F32 ? (uint64_t)load_u32(before, i) << 32
                                                        : load_u64(before, i);
        bool negative = bits >> 63 != 0 && job->from != TN_UINT64;
        bool nan = job->check.view == TNI_VIEW_RANGE && isnan(load_f64(before, i));
        store_element(out + i * job->to_size, job->to_size, nan ? 0 : outermost(job->to, negative));
    }
}

/* Compares a tile with its result, and mends the overflows where another result is wanted. */
static void compare(cast *job, const unsigned char *in, unsigned char *out)
{
    tile before, after;
    tn_dtype seen = seen_before(job->check.view), seen_too = seen_after(job->check.view);
    const unsigned char *one = in, *two = out;
    uint64_t overflows = job->stats.overflows;
    if (job->from != seen) {
        walk(job->impl, job->from, seen, in, before.bytes);
        one = before.bytes;
    }
    if (job->to != seen_too && job->check.view != TNI_VIEW_RANGE) {
        walk(job->impl, job->to, seen_too, out, after.bytes);
        two = after.bytes;
    }
    job->impl->compare(&job->check, one, two, &job->stats);
    if (job->stats.overflows > overflows &&
        (job->overflow == TN_OVERFLOW_SATURATE || !is_float(job->to))) {
        clamp(job, one, two, out);
    }
}

static void cast_tile(cast *job, const unsigned char *in, unsigned char *out)
{
    walk(job->impl, job->from, job->to, in, out);
    if (job->compares) {
        compare(job, in, out);
    }
}

/* Casts the elements behind the last whole tile, filled up with ones that lose nothing: zeros, but
 * for the dtype that has none. */
static void cast_rest(cast *job, const unsigned char *in, unsigned char *out, size_t count)
{
    tile before, after;
    memset(before.bytes, job->from == TN_FLOAT8_E8M0FNU ? 127 : 0, TILE * job->from_size);
    memcpy(before.bytes, in, count * job->from_size);
    cast_tile(job, before.bytes, after.bytes);
    memcpy(out, after.bytes, count * job->to_size);
}

static void add_stats(tn_cast_stats *to, const tn_cast_stats *from)
{
    to->overflows += from->overflows;
    to->inexact += from->inexact;
    to->subnormals += from->subnormals;
    to->nans += from->nans;
    to->max_abs_err = fmax(to->max_abs_err, from->max_abs_err);
}

void tni_cast_with(const tni_cast_impl *impl, tn_dtype from, tn_dtype to, tn_overflow overflow,
                   const void *in, void *out, size_t count, tn_cast_stats *stats)
{
    cast job = {.impl = impl, .from = from, .to = to, .overflow = overflow};
    job.from_size = tn_dtype_about(from)->bits / 8;
    job.to_size = tn_dtype_about(to)->bits / 8;
    const unsigned char *source = in;
    unsigned char *target = out;
    bool clamps = !is_float(to) || overflow == TN_OVERFLOW_SATURATE;
    job.check = check_of(from, to);
    job.compares = stats != NULL || (clamps && !tn_cast_lossless(from, to));
    size_t whole = count - count % TILE;
    for (size_t i = 0; i < whole; i += TILE) {
        cast_tile(&job, source + i * job.from_size, target + i * job.to_size);
    }
    if (count > whole) {
        cast_rest(&job, source + whole * job.from_size, target + whole * job.to_size,
                  count - whole);
    }
    if (stats != NULL) {
        add_stats(stats, &job.stats);
    }
}

void tn_cast(tn_dtype from, tn_dtype to, tn_overflow overflow, const void *in, void *out,
             size_t count, tn_cast_stats *stats)
{
    if (from == to) {
        memcpy(out, in, count * (tn_dtype_about(from)->bits / 8));
        return;
    }
    if (tn_dtype_about(from)->kind == TN_KIND_COMPLEX) {
        from = from == TN_COMPLEX64 ? TN_FLOAT32 : TN_FLOAT64;
        to = to == TN_COMPLEX64 ? TN_FLOAT32 : TN_FLOAT64;
        count *= 2;
    }
    tni_cast_with(tni_cast_choose(), from, to, overflow, in, out, count, stats);
}
