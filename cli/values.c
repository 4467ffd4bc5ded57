#include "cli/values.h"

#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"
#include "cli/print.h"

enum { BLOCK = 1 << 20 }; /* bytes that are read at once */

/* Says whose values could not be read. */
static tn_status in_tensor(const cli_values *values, tn_status status, tn_error *err)
{
    if (status != TN_OK && err->subject[0] == '\0') {
        tn_escape(values->tensor->alias[TN_SCHEME_NAME], err->subject, sizeof err->subject);
    }
    return status;
}

static tn_status start_slice(cli_values *values, const char *text, tn_error *err)
{
    tn_status status = tn_slice_parse(values->ctx, text, values->tensor, &values->slice, err);
    if (status != TN_OK) {
        return status;
    }
    values->sliced = true;
    values->rank = values->slice.out_rank;
    values->shape = values->slice.out_shape;
    values->count = 1;
    for (uint32_t i = 0; i < values->rank; i++) {
        values->count *= (uint64_t)values->shape[i];
    }
    return TN_OK;
}

/* Makes the buffers for `count` elements: what is read, and what it is cast to. */
static tn_status make_buffers(cli_values *values, size_t bytes, size_t bytes_cast, tn_error *err)
{
    bool casts = values->dtype != values->tensor->dtype;
    values->buffer = malloc((casts ? bytes_cast : bytes) + 1);
    values->stored = casts ? malloc(bytes + 1) : NULL;
    if (values->buffer == NULL || (casts && values->stored == NULL)) {
        return cli_fail(err, TN_E_NOMEM, "there is not enough memory for the values");
    }
    return TN_OK;
}

/* Returns where elements are read to. */
static void *read_to(const cli_values *values)
{
    return values->stored != NULL ? values->stored : values->buffer;
}

/* Casts what was read. */
static void cast_buffered(cli_values *values)
{
    if (values->stored != NULL) {
        tn_dtype from = values->tensor->dtype;
        tn_cast(from, values->dtype, TN_OVERFLOW_ERROR, values->stored, values->buffer,
                (size_t)values->buffered,
                tn_cast_lossless(from, values->dtype) ? NULL : &values->lost);
    }
}

/* Reads a whole slice: its order in the file is not that of its values. */
static tn_status read_slice(cli_values *values, tn_error *err)
{
    uint64_t bytes = 0, bytes_cast = 0, limit = tn_context_limits(values->ctx)->decoded_bytes;
    if (!tn_dtype_bytes(values->tensor->dtype, values->count, &bytes) ||
        !tn_dtype_bytes(values->dtype, values->count, &bytes_cast) || bytes > limit ||
        bytes_cast > limit) {
        tn_status status =
            cli_fail(err, TN_E_LIMIT, "the slice takes more memory than the limit allows");
        cli_hint(err, "take a smaller slice, or raise --limit decoded-bytes=VALUE");
        return status;
    }
    tn_status status = make_buffers(values, (size_t)bytes, (size_t)bytes_cast, err);
    if (status == TN_OK) {
        values->whole = true;
        values->buffered = values->count;
        status =
            tn_reader_slice(values->reader, values->tensor, &values->slice, read_to(values), err);
    }
    if (status == TN_OK) {
        cast_buffered(values);
    }
    return status;
}

/* Returns how many elements are read at once; packed ones take a byte at most. */
static uint64_t block_elements(const cli_values *values)
{
    size_t size = tn_dtype_about(values->tensor->dtype)->bits / 8;
    size = values->size > size ? values->size : size;
    return values->size != 0 ? BLOCK / size : BLOCK;
}

static tn_status start_stream(cli_values *values, tn_error *err)
{
    tn_status status = make_buffers(values, BLOCK, BLOCK, err);
    return status == TN_OK ? tn_reader_start(values->reader, values->tensor, err) : status;
}

tn_status values_start(cli_values *values, tn_context *ctx, tn_reader *reader,
                       const tn_tensor *tensor, tn_dtype dtype, const char *slice, tn_error *err)
{
    const tn_dtype_info *about = tn_dtype_about(dtype);
    *values = (struct cli_values){.tensor = tensor,
                                  .dtype = dtype,
                                  .rank = tensor->rank,
                                  .shape = tensor->shape,
                                  .count = tensor->elements < 0 ? 0 : (uint64_t)tensor->elements,
                                  .ctx = ctx,
                                  .reader = reader,
                                  .size = about->bits / 8 * (about->kind != TN_KIND_PACKED)};
    tn_status status = slice == NULL ? TN_OK : start_slice(values, slice, err);
    if (status != TN_OK) {
        return in_tensor(values, status, err);
    }
    if (about->kind == TN_KIND_STRING) {
        status = tn_reader_strings(reader, tensor, &values->strings, err);
    } else {
        status = values->sliced ? read_slice(values, err) : start_stream(values, err);
    }
    return in_tensor(values, status, err);
}

/* Fills the buffer with the elements that come next. */
static tn_status fill(cli_values *values, tn_error *err)
{
    uint64_t left = values->count - values->next, room = block_elements(values);
    values->buffered = left < room ? left : room;
    values->at = 0;
    tn_status status =
        tn_reader_next(values->reader, (int64_t)values->buffered, read_to(values), err);
    if (status == TN_OK) {
        cast_buffered(values);
    }
    return in_tensor(values, status, err);
}

tn_status values_next(cli_values *values, const void **element_out, tn_error *err)
{
    if (values->at == values->buffered) {
        tn_status status = fill(values, err);
        if (status != TN_OK) {
            return status;
        }
    }
    *element_out = values->buffer + values->at++ * values->size;
    values->next++;
    return TN_OK;
}

/* Finds which string of the tensor is element `n` of the slice. */
static uint64_t sliced_index(const cli_values *values, uint64_t n)
{
    const tn_slice *slice = &values->slice;
    uint64_t index = 0, stride = 1;
    for (uint32_t i = slice->rank; i-- > 0;) {
        uint64_t size = (uint64_t)slice->size[i];
        int64_t at = slice->start[i] + slice->step[i] * (int64_t)(n % size);
        n /= size;
        index += (uint64_t)at * stride;
        stride *= (uint64_t)values->tensor->shape[i];
    }
    return index;
}

tn_str values_string(cli_values *values)
{
    uint64_t n = values->next++;
    return values->strings[values->sliced ? sliced_index(values, n) : n];
}

tn_status values_block(cli_values *values, const void **bytes_out, size_t *len_out, tn_error *err)
{
    tn_status status = TN_OK;
    uint64_t bytes = 0;
    if (values->next == values->count) {
        *len_out = 0;
        return TN_OK;
    }
    if (!values->whole) {
        status = fill(values, err);
    }
    if (status != TN_OK) {
        return status;
    }
    if (!tn_dtype_bytes(values->dtype, values->buffered, &bytes)) {
        return in_tensor(
            values, cli_fail(err, TN_E_UNSUPPORTED, "the elements do not fill whole bytes"), err);
    }
    values->next += values->buffered;
    *bytes_out = values->buffer;
    *len_out = (size_t)bytes;
    return TN_OK;
}

/* Refuses a cast that could not hold every value. */
static tn_status check_cast(const cli_values *values, tn_error *err)
{
    if (values->lost.overflows == 0) {
        return TN_OK;
    }
    char *count = text_count(values->lost.overflows, "value");
    tn_status status =
        cli_fail(err, TN_E_OVERFLOW, "%s of %s overflow%s %s", count,
                 tn_dtype_about(values->tensor->dtype)->name,
                 values->lost.overflows == 1 ? "s" : "", tn_dtype_about(values->dtype)->name);
    free(count);
    return status;
}

tn_status values_end(cli_values *values, tn_error *err)
{
    tn_status status = TN_OK;
    if (values->strings == NULL && !values->whole) { /* else checked when they were read */
        status = tn_reader_end(values->reader, err);
    }
    if (status == TN_OK) {
        status = check_cast(values, err);
    }
    return in_tensor(values, status, err);
}

void values_clear(cli_values *values)
{
    free(values->buffer);
    free(values->stored);
    if (values->sliced) {
        tn_slice_clear(values->ctx, &values->slice);
    }
    *values = (struct cli_values){0};
}
