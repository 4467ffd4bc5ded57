#include "converters/values_equal.h"

enum { CHUNK = 1 << 20 };

/* Reads both sides chunk by chunk. Reading goes on after a difference, so that the stored sums are
 * still checked. */
static tn_status compare_chunks(tn_reader *readers[2], const tn_tensor *a, char *chunks,
                                bool *equal, tn_error *err)
{
    unsigned bits = tn_dtype_about(a->dtype)->bits;
    int64_t per_chunk = (int64_t)CHUNK * 8 / bits, left = a->elements;
    if (bits < 8) {
        per_chunk = per_chunk / 8 * 8;
    }
    while (left > 0) {
        int64_t count = left < per_chunk ? left : per_chunk;
        size_t bytes = (size_t)count * bits / 8;
        for (int side = 0; side < 2; side++) {
            tn_status status = tn_reader_next(readers[side], count, chunks + side * CHUNK, err);
            if (status != TN_OK) {
                return status;
            }
        }
        *equal = *equal && memcmp(chunks, chunks + CHUNK, bytes) == 0;
        left -= count;
    }
    return TN_OK;
}

static tn_status compare_strings(tn_reader *readers[2], const tn_tensor *a, const tn_tensor *b,
                                 bool *equal, tn_error *err)
{
    const tn_str *ours, *theirs;
    tn_status status = tn_reader_strings(readers[0], a, &ours, err);
    if (status == TN_OK) {
        status = tn_reader_strings(readers[1], b, &theirs, err);
    }
    for (int64_t i = 0; status == TN_OK && i < a->elements; i++) {
        *equal = *equal && tn_str_equal(ours[i], theirs[i]);
    }
    return status;
}

static tn_status compare_fixed(tn_reader *readers[2], const tn_tensor *a, const tn_tensor *b,
                               char *chunks, bool *equal, tn_error *err)
{
    tn_status status = tn_reader_start(readers[0], a, err);
    if (status == TN_OK) {
        status = tn_reader_start(readers[1], b, err);
    }
    if (status == TN_OK) {
        status = compare_chunks(readers, a, chunks, equal, err);
    }
    for (int side = 0; status == TN_OK && side < 2; side++) {
        status = tn_reader_end(readers[side], err);
    }
    return status;
}

tn_status tni_values_equal(tn_context *ctx, const tn_tensor *a, const tn_tensor *b, bool *equal_out,
                           tn_error *err)
{
    tn_reader *readers[2] = {NULL, NULL};
    void *chunks = NULL;
    bool equal = true;
    tn_status status = tn_reader_new(ctx, true, &readers[0], err);
    if (status == TN_OK) {
        status = tn_reader_new(ctx, true, &readers[1], err);
    }
    if (status == TN_OK && tn_dtype_about(a->dtype)->kind == TN_KIND_STRING) {
        status = compare_strings(readers, a, b, &equal, err);
    } else if (status == TN_OK && (status = tni_alloc(ctx, 2 * CHUNK, &chunks, err)) == TN_OK) {
        status = compare_fixed(readers, a, b, chunks, &equal, err);
    }
    if (status == TN_OK) {
        *equal_out = equal;
    }
    tni_free(ctx, chunks);
    tn_reader_free(readers[0]);
    tn_reader_free(readers[1]);
    return status;
}
