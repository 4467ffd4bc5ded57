#include "converters/diff_values.h"

#include "core/error.h"
#include <math.h>
#include <tenon/text.h>

enum { CHUNK = 1 << 20 }; /* bytes of one side's buffer */

struct tni_value_diff {
    tn_context *ctx;
    const tn_diff_options *options;
    tn_reader *readers[2];
    char *chunks[2];
};

tn_status tni_value_diff_new(tn_context *ctx, const tn_diff_options *options,
                             tni_value_diff **diff_out, tn_error *err)
{
    void *block, *chunks = NULL;
    tn_status status = tni_alloc_array(ctx, 1, sizeof(tni_value_diff), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tni_value_diff *diff = block;
    *diff = (tni_value_diff){.ctx = ctx, .options = options};
    status = tni_alloc(ctx, 2 * CHUNK, &chunks, err);
    if (status == TN_OK) {
        diff->chunks[0] = chunks;
        diff->chunks[1] = diff->chunks[0] + CHUNK;
        status = tn_reader_new(ctx, true, &diff->readers[0], err);
    }
    if (status == TN_OK) {
        status = tn_reader_new(ctx, true, &diff->readers[1], err);
    }
    if (status != TN_OK) {
        tni_value_diff_free(diff);
        return status;
    }
    *diff_out = diff;
    return TN_OK;
}

void tni_value_diff_free(tni_value_diff *diff)
{
    if (diff != NULL) {
        tn_context *ctx = diff->ctx;
        tn_reader_free(diff->readers[0]);
        tn_reader_free(diff->readers[1]);
        tni_free(ctx, diff->chunks[0]);
        tni_free(ctx, diff);
    }
}

/* Maps the bits of a float to an integer that grows with its value, so that neighbours differ by
 * one. */
static int64_t ordered_bits(unsigned bits, bool is_signed, const void *element)
{
    uint64_t word = 0;
    memcpy(&word, element, bits / 8);
    if (!is_signed) {
        return (int64_t)word;
    }
    uint64_t sign = UINT64_C(1) << (bits - 1);
    return (word & sign) != 0 ? -(int64_t)(word & (sign - 1)) : (int64_t)word;
}

/* Units in the last place between two floats of one dtype; the most that there can be if one is
 * NaN. */
static uint64_t ulps(tn_dtype dtype, const void *a, const void *b)
{
    const tn_dtype_info *about = tn_dtype_about(dtype);
    if (isnan(tn_number_double(dtype, a)) || isnan(tn_number_double(dtype, b))) {
        return UINT64_MAX;
    }
    bool is_signed = dtype != TN_FLOAT8_E8M0FNU; /* an exponent alone */
    int64_t x = ordered_bits(about->bits, is_signed, a);
    int64_t y = ordered_bits(about->bits, is_signed, b);
    return x > y ? (uint64_t)x - (uint64_t)y : (uint64_t)y - (uint64_t)x;
}

/* The distance of two 64-bit integers, which a double may not hold apart; false for other dtypes.
 */
static bool far_integers(tn_dtype dtype_a, const void *a, tn_dtype dtype_b, const void *b,
                         double *distance_out)
{
    uint64_t x, y;
    bool is_signed = dtype_a == TN_INT64;
    if (dtype_a != dtype_b || (!is_signed && dtype_a != TN_UINT64)) {
        return false;
    }
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    uint64_t flip = is_signed ? UINT64_C(1) << 63 : 0;
    x ^= flip;
    y ^= flip;
    *distance_out = (double)(x > y ? x - y : y - x);
    return true;
}

/* Tells whether two numbers are equal within the tolerance. */
static bool is_close(const tn_diff_options *options, double a, double b)
{
    if (isnan(a) || isnan(b)) {
        return isnan(a) && isnan(b);
    }
    if (isinf(a) || isinf(b)) {
        return a == b;
    }
    return a == b || fabs(a - b) <= options->atol + options->rtol * fabs(b);
}

/* Takes one differing number into the measures. */
static void measure(tn_value_difference *d, double abs, double b)
{
    double rel = abs / fabs(b);
    d->max_abs = abs > d->max_abs ? abs : d->max_abs;
    d->max_rel = rel > d->max_rel ? rel : d->max_rel;
}

/* Compares one real number (or one part of a complex one) of each side; true if they count as
 * equal. */
static bool compare_number(const tn_diff_options *options, tn_dtype dtype_a, const char *a,
                           tn_dtype dtype_b, const char *b, tn_value_difference *d)
{
    double x = tn_number_double(dtype_a, a), y = tn_number_double(dtype_b, b);
    bool same_float = dtype_a == dtype_b && tn_dtype_about(dtype_a)->kind == TN_KIND_FLOAT;
    uint64_t apart = same_float ? ulps(dtype_a, a, b) : 0;
    double distance = fabs(x - y);
    bool far = far_integers(dtype_a, a, dtype_b, b, &distance);
    measure(d, distance, y);
    if (far) {
        return options->tolerant && distance <= options->atol + options->rtol * fabs(y);
    }
    if (same_float && apart > d->max_ulp) {
        d->max_ulp = apart;
    }
    return options->tolerant &&
           (is_close(options, x, y) || (same_float && options->ulp > 0 && apart <= options->ulp));
}

/* The dtype of one part of a complex number; other dtypes are their own. */
static tn_dtype part_dtype(tn_dtype dtype)
{
    return dtype == TN_COMPLEX64 ? TN_FLOAT32 : dtype == TN_COMPLEX128 ? TN_FLOAT64 : dtype;
}

/* Compares chunks of `count` elements of one dtype or, tolerantly, of two. */
static void compare_chunk(const tni_value_diff *diff, const tn_tensor *a, const tn_tensor *b,
                          int64_t count, tn_value_difference *d)
{
    size_t size_a = tn_dtype_about(a->dtype)->bits / 8, size_b = tn_dtype_about(b->dtype)->bits / 8;
    bool alike = a->dtype == b->dtype;
    if (alike && memcmp(diff->chunks[0], diff->chunks[1], (size_t)count * size_a) == 0) {
        return;
    }
    tn_dtype part_a = part_dtype(a->dtype), part_b = part_dtype(b->dtype);
    size_t parts = size_a / (tn_dtype_about(part_a)->bits / 8);
    for (int64_t i = 0; i < count; i++) {
        const char *x = diff->chunks[0] + (size_t)i * size_a;
        const char *y = diff->chunks[1] + (size_t)i * size_b;
        if (alike && memcmp(x, y, size_a) == 0) {
            continue;
        }
        bool equal = true;
        for (size_t k = 0; k < parts; k++) {
            equal &= compare_number(diff->options, part_a, x + k * size_a / parts, part_b,
                                    y + k * size_b / parts, d);
        }
        d->differ += !equal;
    }
}

static tn_status compare_numbers(tni_value_diff *diff, const tn_tensor *a, const tn_tensor *b,
                                 tn_value_difference *d, tn_error *err)
{
    const tn_tensor *sides[2] = {a, b};
    unsigned widest = 0;
    tn_status status = TN_OK;
    for (int side = 0; status == TN_OK && side < 2; side++) {
        unsigned bits = tn_dtype_about(sides[side]->dtype)->bits;
        widest = bits > widest ? bits : widest;
        status = tn_reader_start(diff->readers[side], sides[side], err);
    }
    int64_t per_chunk = widest == 0 ? 1 : (int64_t)CHUNK * 8 / widest;
    for (int64_t left = a->elements; status == TN_OK && left > 0;) {
        int64_t count = left < per_chunk ? left : per_chunk;
        for (int side = 0; status == TN_OK && side < 2; side++) {
            status = tn_reader_next(diff->readers[side], count, diff->chunks[side], err);
        }
        if (status == TN_OK) {
            compare_chunk(diff, a, b, count, d);
            status = tni_cancelled(diff->ctx, err);
        }
        left -= count;
    }
    for (int side = 0; status == TN_OK && side < 2; side++) {
        status = tn_reader_end(diff->readers[side], err);
    }
    return status;
}

/* Takes element `index` out of a stream of `bits` bits each, lowest bits first. */
static unsigned packed_element(const char *bytes, int64_t index, unsigned bits)
{
    uint64_t at = (uint64_t)index * bits;
    unsigned word = (uint8_t)bytes[at / 8];
    if (at % 8 + bits > 8) {
        word |= (unsigned)(uint8_t)bytes[at / 8 + 1] << 8;
    }
    return word >> at % 8 & ((1u << bits) - 1);
}

/* Packed elements are compared bit by bit. */
static tn_status compare_packed(tni_value_diff *diff, const tn_tensor *a, const tn_tensor *b,
                                tn_value_difference *d, tn_error *err)
{
    unsigned bits = tn_dtype_about(a->dtype)->bits;
    tn_status status = tn_reader_start(diff->readers[0], a, err);
    if (status == TN_OK) {
        status = tn_reader_start(diff->readers[1], b, err);
    }
    for (int64_t left = a->elements; status == TN_OK && left > 0;) {
        int64_t count = left < CHUNK ? left : CHUNK;
        for (int side = 0; status == TN_OK && side < 2; side++) {
            status = tn_reader_next(diff->readers[side], count, diff->chunks[side], err);
        }
        for (int64_t i = 0; status == TN_OK && i < count; i++) {
            d->differ += packed_element(diff->chunks[0], i, bits) !=
                         packed_element(diff->chunks[1], i, bits);
        }
        left -= count;
    }
    for (int side = 0; status == TN_OK && side < 2; side++) {
        status = tn_reader_end(diff->readers[side], err);
    }
    return status;
}

static tn_status compare_strings(tni_value_diff *diff, const tn_tensor *a, const tn_tensor *b,
                                 tn_value_difference *d, tn_error *err)
{
    const tn_str *x, *y;
    tn_status status = tn_reader_strings(diff->readers[0], a, &x, err);
    if (status == TN_OK) {
        status = tn_reader_strings(diff->readers[1], b, &y, err);
    }
    for (int64_t i = 0; status == TN_OK && i < a->elements; i++) {
        d->differ += !tn_str_equal(x[i], y[i]);
    }
    return status;
}

bool tni_value_diff_can(tn_dtype a, tn_dtype b)
{
    const tn_dtype sides[2] = {a, b};
    for (int side = 0; side < 2; side++) {
        tn_dtype_kind kind = tn_dtype_about(sides[side])->kind;
        if (kind == TN_KIND_NONE || kind == TN_KIND_COMPLEX || kind == TN_KIND_STRING ||
            kind == TN_KIND_PACKED || kind == TN_KIND_OPAQUE) {
            return false;
        }
    }
    return true;
}

tn_status tni_value_diff_pair(tni_value_diff *diff, const tn_tensor *a, const tn_tensor *b,
                              tn_value_difference *difference_out, tn_error *err)
{
    tn_value_difference d = {.has = true};
    tn_dtype_kind kind = tn_dtype_about(a->dtype)->kind;
    tn_status status;
    if (a->dtype != b->dtype && !tni_value_diff_can(a->dtype, b->dtype)) {
        status = tni_fail(err, TN_E_UNSUPPORTED, "values of %s and %s cannot be compared",
                          tn_dtype_about(a->dtype)->name, tn_dtype_about(b->dtype)->name);
        tni_error_subject(err, a->alias[TN_SCHEME_NAME]);
        return status;
    }
    if (kind == TN_KIND_STRING) {
        status = compare_strings(diff, a, b, &d, err);
    } else if (kind == TN_KIND_PACKED) {
        status = compare_packed(diff, a, b, &d, err);
    } else {
        status = compare_numbers(diff, a, b, &d, err);
    }
    if (status == TN_OK) {
        *difference_out = d;
    }
    return status;
}
