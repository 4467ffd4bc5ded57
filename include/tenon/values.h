/* Values of tensors: read in spans, with the stored checksums checked. */
#ifndef TENON_VALUES_H
#define TENON_VALUES_H

#include <tenon/model.h>

/* Reads tensors one after another, in constant memory; not thread-safe, make one a thread. */
typedef struct tn_reader tn_reader;

/* `check` says whether stored checksums are checked (they then are before tn_reader_end succeeds).
 */
TN_API tn_status tn_reader_new(tn_context *ctx, bool check, tn_reader **reader_out, tn_error *err);
TN_API void tn_reader_free(tn_reader *reader);
/* Begins a tensor. Errors: TN_E_UNSUPPORTED (absent values, opaque dtypes), TN_E_CRC … for tensors
 * that are read out of order and so summed beforehand. */
TN_API tn_status tn_reader_start(tn_reader *reader, const tn_tensor *tensor, tn_error *err);
/* Reads the next `count` elements in row-major order into `out`, native byte order,
 * tn_dtype_bytes(count) bytes. Packed dtypes: count must cover whole bytes. Errors also: TN_E_CRC
 * of a piece that ended before this span. */
TN_API tn_status tn_reader_next(tn_reader *reader, int64_t count, void *out, tn_error *err);
/* Ends a tensor that was read to its end: checks the sums that are still open. Errors: TN_E_CRC. */
TN_API tn_status tn_reader_end(tn_reader *reader, tn_error *err);
/* Reads a whole string tensor. The strings live until the next tn_reader_start or tn_reader_free.
 * Errors also: TN_E_LIMIT ("decoded-bytes"). */
TN_API tn_status tn_reader_strings(tn_reader *reader, const tn_tensor *tensor,
                                   const tn_str **strings_out, tn_error *err);

/* A slice as NumPy's basic slicing gives it: for each dimension start, step and size (of the
 * result). */
typedef struct tn_slice {
    uint32_t rank;                /* of the tensor */
    int64_t *start, *step, *size; /* step may be negative */
    uint32_t out_rank;            /* dimensions left after integer indexes */
    int64_t *out_shape;
} tn_slice;
/* Parses `0:3,:,-1`, `...,0`, `::2` against a tensor's shape. Free with tn_slice_clear. Errors:
 * TN_E_USAGE. */
TN_API tn_status tn_slice_parse(tn_context *ctx, const char *text, const tn_tensor *tensor,
                                tn_slice *slice_out, tn_error *err);
TN_API void tn_slice_clear(tn_context *ctx, tn_slice *slice);
/* Reads a slice of a fixed-size tensor into `out` (product of out_shape elements). Checks stored
 * sums if the reader does. */
TN_API tn_status tn_reader_slice(tn_reader *reader, const tn_tensor *tensor, const tn_slice *slice,
                                 void *out, tn_error *err);

/* Statistics of one tensor's values. Complex: of the magnitudes' real parts; NaN is left out of
 * min, max and mean. */
typedef struct tn_stats {
    double min, max, mean;
    uint64_t nan, inf, zeros, elements;
} tn_stats;
/* Computes statistics in constant memory. Errors: TN_E_UNSUPPORTED for dtypes without numbers. */
TN_API tn_status tn_reader_stats(tn_reader *reader, const tn_tensor *tensor, tn_stats *stats_out,
                                 tn_error *err);

#endif
