#include "formats/shared/splice.h"
#include "core/crc32c.h"
#include "core/error.h"

enum { BLOCK = 1 << 18 };

/* Hands over a range of the old file. */
static tn_status copy(tn_context *ctx, tn_source *source, uint64_t from, uint64_t until,
                      uint8_t *block, tni_splices_take take, void *state, tn_error *err)
{
    tn_status status = TN_OK;
    while (status == TN_OK && from < until) {
        size_t len = until - from < BLOCK ? (size_t)(until - from) : BLOCK;
        status = tni_cancelled(ctx, err);
        if (status == TN_OK) {
            status = tni_source_read(source, from, block, len, err);
        }
        if (status == TN_OK) {
            status = take(state, block, len, err);
        }
        from += len;
    }
    return status;
}

tn_status tni_splices_run(tn_context *ctx, tn_source *source, const tni_splices *splices,
                          tni_splices_take take, void *state, tn_error *err)
{
    void *block;
    uint64_t from = 0;
    tn_status status = tni_alloc(ctx, BLOCK, &block, err);
    if (status != TN_OK) {
        return status;
    }
    for (size_t i = 0; status == TN_OK && i < splices->count; i++) {
        const tni_splice *splice = &splices->at[i];
        status = copy(ctx, source, from, splice->at, block, take, state, err);
        for (size_t at = 0; status == TN_OK && at < splice->bytes.len; at += BLOCK) {
            size_t left = splice->bytes.len - at;
            status = take(state, splice->bytes.data + at, left < BLOCK ? left : BLOCK, err);
        }
        from = splice->at + splice->gone;
    }
    if (status == TN_OK) {
        status = copy(ctx, source, from, tni_source_size(source), block, take, state, err);
    }
    tni_free(ctx, block);
    return status;
}

/* Where the bytes go. */
typedef struct target {
    tn_sink *sink;
    tni_splices_sum sum; /* of what went there so far */
} target;

static tn_status put(void *state, const void *data, size_t len, tn_error *err)
{
    target *t = state;
    tn_status status =
        t->sink == NULL ? TN_OK : tni_sink_write(t->sink, t->sum.size, data, len, err);
    t->sum.size += len;
    t->sum.crc = tni_crc32c(t->sum.crc, data, len);
    return status;
}

tn_status tni_splices_write(tn_context *ctx, tn_source *source, const tni_splices *splices,
                            tn_sink *sink, tni_splices_sum *sum_out, tn_error *err)
{
    target t = {.sink = sink};
    tn_status status = tni_splices_run(ctx, source, splices, put, &t, err);
    if (status == TN_OK) {
        *sum_out = t.sum;
    }
    return status;
}
