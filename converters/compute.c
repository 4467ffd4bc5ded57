#include "converters/compute.h"

#include "converters/move.h"
#include "converters/work.h"
#include "core/crc32c.h"
#include "core/error.h"
#include "model/reader.h"

enum { CHUNK = TNI_WINDOW };

/* What one worker has of its own. */
typedef struct bench {
    tn_reader *reader;
    void *chunk;
} bench;

typedef struct computing {
    tni_write *write;
    const uint32_t *items;
    bench benches[TNI_WORKERS_MOST];
    uint64_t total;
    atomic_uint_fast64_t done; /* bytes */
} computing;

/* Writes one item: evaluated in chunks, summed before it is written. */
static tn_status compute_item(void *state, unsigned worker, size_t index, tn_error *err)
{
    computing *c = state;
    tni_item *item = &c->write->items[c->items[index]];
    const bench *own = &c->benches[worker];
    uint64_t unit = tn_dtype_about(item->tensor->dtype)->bits / 8, to = item->offset;
    int64_t per_chunk = (int64_t)(CHUNK / unit), left = item->tensor->elements;
    tn_status status = tn_reader_start(own->reader, item->tensor, err);
    item->crc = 0;
    while (status == TN_OK && left > 0) {
        int64_t count = left < per_chunk ? left : per_chunk;
        size_t bytes = (size_t)count * unit;
        const void *data;
        status = tni_reader_take(own->reader, count, own->chunk, &data, err);
        if (status == TN_OK) {
            tn_sink *sink = c->write->files[item->file].sink;
            item->crc = tni_crc32c(item->crc, data, bytes);
            status = tni_sink_write(sink, to, data, bytes, err);
            tni_sink_written(sink, to, bytes);
        }
        if (status == TN_OK) {
            atomic_fetch_add(&c->done, bytes);
            status = tni_cancelled(c->write->ctx, err);
        }
        to += bytes;
        left -= count;
    }
    return status == TN_OK ? tn_reader_end(own->reader, err) : status;
}

static tn_status report(void *state, tn_error *err)
{
    computing *c = state;
    return tni_progress(c->write->ctx, "copy", atomic_load(&c->done), c->total, err);
}

/* Gives each worker its reader; together they stage and compute ahead no more than one alone
 * would. */
static tn_status make_benches(computing *c, unsigned workers, tn_error *err)
{
    tn_status status = TN_OK;
    for (unsigned i = 0; status == TN_OK && i < workers; i++) {
        bench *own = &c->benches[i];
        status = tn_reader_new(c->write->ctx, true, &own->reader, err);
        if (status == TN_OK) {
            own->reader->budget = TNI_READER_BUDGET / workers;
            status = tni_alloc(c->write->ctx, CHUNK, &own->chunk, err);
        }
    }
    return status;
}

tn_status tni_compute(tni_write *write, const uint32_t *items, size_t count, uint64_t total,
                      uint64_t *done_inout, tn_error *err)
{
    computing c = {.write = write, .items = items, .total = total, .done = *done_inout};
    unsigned workers = tni_workers_for(write->ctx, count);
    const tni_work work = {
        .count = count, .workers = workers, .task = compute_item, .report = report, .state = &c};
    tn_status status = make_benches(&c, workers, err);
    if (status == TN_OK) {
        status = tni_work_run(write->ctx, &work, err);
    }
    for (unsigned i = 0; i < workers; i++) {
        tni_free(write->ctx, c.benches[i].chunk);
        tn_reader_free(c.benches[i].reader);
    }
    *done_inout = atomic_load(&c.done);
    return status;
}

uint64_t tni_compute_memory(const tn_context *ctx, uint64_t count, uint64_t bytes)
{
    uint64_t most = (uint64_t)TNI_READER_BUDGET * (1 + TNI_READER_AHEAD);
    /* A tensor is staged, and computed ahead, at most once each. */
    uint64_t held = bytes < most / 2 ? 2 * bytes : most;
    return held + (uint64_t)CHUNK * 2 * tni_workers_for(ctx, count);
}
