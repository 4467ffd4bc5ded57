/* Statistics of one tensor's values, in constant memory. */
#include "core/error.h"
#include "model/reader.h"
#include <tenon/text.h>

#include <math.h>

enum { BLOCK = 512, LANES = 8 };

/* The mean of 2^31 elements stays right because each block is summed on its own, and the sums of
 * blocks are added with what the addition lost (Neumaier's variant of Kahan's sum). */
typedef struct tally {
    tn_stats stats;
    double sum, lost; /* of the finite values */
    uint64_t numbers; /* all but NaN */
    uint64_t plus_inf, minus_inf;
} tally;

static void add_sum(tally *t, double value)
{
    double sum = t->sum + value;
    t->lost += fabs(t->sum) >= fabs(value) ? (t->sum - sum) + value : (value - sum) + t->sum;
    t->sum = sum;
}

static void widen(tally *t, double low, double high)
{
    t->stats.min = fmin(t->stats.min, low);
    t->stats.max = fmax(t->stats.max, high);
}

/* Adds values one by one: blocks with NaN or infinities, and what is left behind the last full
 * row of lanes. */
static void add_slow(tally *t, const double *value, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (isnan(value[i])) {
            t->stats.nan++;
            continue;
        }
        t->numbers++;
        widen(t, value[i], value[i]);
        t->stats.zeros += value[i] == 0;
        if (isinf(value[i])) {
            t->stats.inf++;
            t->plus_inf += value[i] > 0;
            t->minus_inf += value[i] < 0;
        } else {
            sum += value[i];
        }
    }
    add_sum(t, sum);
}

/* Adds rows of finite values, in lanes that the compiler can keep side by side. False, with nothing
 * added, if some value is a NaN or infinite: then a sum of its lane is too. */
static bool add_fast(tally *t, const double *value, size_t rows)
{
    double low[LANES], high[LANES], sum[LANES], zeros[LANES];
    for (size_t k = 0; k < LANES; k++) {
        low[k] = high[k] = value[k];
        sum[k] = zeros[k] = 0;
    }
    for (size_t i = 0; i < rows; i++, value += LANES) {
        for (size_t k = 0; k < LANES; k++) {
            low[k] = value[k] < low[k] ? value[k] : low[k];
            high[k] = value[k] > high[k] ? value[k] : high[k];
            sum[k] += value[k];
            zeros[k] += value[k] == 0 ? 1.0 : 0.0;
        }
    }
    double total = 0, all_zeros = 0;
    for (size_t k = 0; k < LANES; k++) {
        total += sum[k];
        all_zeros += zeros[k];
    }
    if (!isfinite(total)) {
        return false;
    }
    for (size_t k = 0; k < LANES; k++) {
        widen(t, low[k], high[k]);
    }
    t->stats.zeros += (uint64_t)all_zeros;
    t->numbers += rows * LANES;
    add_sum(t, total);
    return true;
}

static void add_block(tally *t, const double *value, size_t count)
{
    size_t rows = count / LANES;
    size_t done = rows > 0 && add_fast(t, value, rows) ? rows * LANES : 0;
    add_slow(t, value + done, count - done);
}

/* Turns elements of the dtypes that fill most files into doubles without a call for each. */
static void to_doubles(tn_dtype dtype, const void *data, size_t count, double *out)
{
    size_t unit = tn_dtype_about(dtype)->bits / 8;
    if (dtype == TN_FLOAT32) {
        const float *from = data;
        for (size_t i = 0; i < count; i++) {
            out[i] = (double)from[i];
        }
    } else if (dtype == TN_FLOAT64) {
        memcpy(out, data, count * sizeof *out);
    } else if (dtype == TN_INT32) {
        const int32_t *from = data;
        for (size_t i = 0; i < count; i++) {
            out[i] = from[i];
        }
    } else if (dtype == TN_INT64) {
        const int64_t *from = data;
        for (size_t i = 0; i < count; i++) {
            out[i] = (double)from[i];
        }
    } else if (dtype == TN_UINT8) {
        const uint8_t *from = data;
        for (size_t i = 0; i < count; i++) {
            out[i] = from[i];
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            out[i] = tn_number_double(dtype, (const char *)data + i * unit);
        }
    }
}

/* Counts complex numbers as wholes: NaN or infinite if either part is, zero if both are. The tally
 * has counted the real parts. */
static void count_complex(tally *t, tn_dtype dtype, const void *data, const double *real,
                          size_t count)
{
    size_t unit = tn_dtype_about(dtype)->bits / 8;
    tn_dtype part = dtype == TN_COMPLEX64 ? TN_FLOAT32 : TN_FLOAT64;
    for (size_t i = 0; i < count; i++) {
        double imaginary = tn_number_double(part, (const char *)data + i * unit + unit / 2);
        t->stats.nan += isnan(imaginary) && !isnan(real[i]);
        t->stats.inf += isinf(imaginary) && !isinf(real[i]);
        t->stats.zeros -= real[i] == 0 && imaginary != 0;
    }
}

static void add_elements(tally *t, tn_dtype dtype, const void *data, size_t count)
{
    size_t unit = tn_dtype_about(dtype)->bits / 8;
    double block[BLOCK];
    for (size_t done = 0; done < count; done += BLOCK) {
        size_t n = count - done < BLOCK ? count - done : BLOCK;
        const char *from = (const char *)data + done * unit;
        to_doubles(dtype, from, n, block);
        add_block(t, block, n);
        if (tn_dtype_about(dtype)->kind == TN_KIND_COMPLEX) {
            count_complex(t, dtype, from, block, n);
        }
    }
}

static void finish(tally *t)
{
    tn_stats *stats = &t->stats;
    if (t->numbers == 0) {
        stats->min = stats->max = stats->mean = (double)NAN;
    } else if (t->plus_inf > 0 && t->minus_inf > 0) {
        stats->mean = (double)NAN;
    } else if (t->plus_inf > 0 || t->minus_inf > 0) {
        stats->mean = t->plus_inf > 0 ? (double)INFINITY : -(double)INFINITY;
    } else {
        /* `lost` is no number where the sum itself left the range of a double. */
        stats->mean = (isfinite(t->lost) ? t->sum + t->lost : t->sum) / (double)t->numbers;
    }
}

static tn_status read_all(tn_reader *reader, const tn_tensor *tensor, tally *t, tn_error *err)
{
    int64_t most = (int64_t)(reader->slab / (tn_dtype_about(tensor->dtype)->bits / 8));
    tn_status status = tn_reader_start(reader, tensor, err);
    if (status == TN_OK) {
        status = tni_reader_chunk(reader, err);
    }
    for (int64_t left = tensor->elements; status == TN_OK && left > 0; left -= most) {
        int64_t count = left < most ? left : most;
        status = tn_reader_next(reader, count, reader->chunk, err);
        if (status == TN_OK) {
            add_elements(t, tensor->dtype, reader->chunk, (size_t)count);
        }
    }
    return status == TN_OK ? tn_reader_end(reader, err) : status;
}

tn_status tn_reader_stats(tn_reader *reader, const tn_tensor *tensor, tn_stats *stats_out,
                          tn_error *err)
{
    const tn_dtype_info *about = tn_dtype_about(tensor->dtype);
    if (about->bits == 0 || about->bits % 8 != 0) {
        tn_status status = tni_fail(err, TN_E_UNSUPPORTED,
                                    "there are no statistics for values of dtype %s", about->name);
        tni_error_subject(err, tensor->alias[TN_SCHEME_NAME]);
        return status;
    }
    tally t = {.stats = {.min = (double)INFINITY, .max = -(double)INFINITY}};
    tn_status status = read_all(reader, tensor, &t, err);
    if (status == TN_OK) {
        t.stats.elements = (uint64_t)tensor->elements;
        finish(&t);
        *stats_out = t.stats;
    }
    return status;
}
