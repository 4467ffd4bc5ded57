/* The engine. What is copied as it is becomes runs for the copy loop (move.c); everything else is
 * computed (compute.c). */
#include "converters/engine.h"

#include "converters/compute.h"
#include "converters/plan.h"
#include "core/crc32c.h"
#include "core/error.h"
#include "model/model.h"
#include "model/reader.h"

/* The runs of a write, and for each which item and leaf it belongs to. */
typedef struct fill {
    tni_write *write;
    tni_run *runs;
    uint32_t *item;        /* of each run */
    const tni_leaf **leaf; /* of each run */
    size_t n_runs;
    uint64_t total, done;
} fill;

/* Tells whether an item is moved by runs alone. */
static bool is_moved(const tni_item *item)
{
    return !item->written && (item->stored || tni_tensor_is_plain(item->tensor));
}

/* Tells whether an item goes through a reader. */
static bool is_computed(const tni_item *item)
{
    return !item->written && !is_moved(item);
}

static size_t runs_of(const tni_item *item)
{
    return is_moved(item) ? item->tensor->n_pieces : 0;
}

static void add_run(fill *f, uint32_t index, const tni_leaf *leaf, uint64_t skip)
{
    const tni_item *item = &f->write->items[index];
    if (leaf->bytes == 0) {
        return;
    }
    f->runs[f->n_runs] = (tni_run){.source = leaf->source,
                                   .from = leaf->offset,
                                   .bytes = leaf->bytes,
                                   .sink = f->write->files[item->file].sink,
                                   .to = item->offset + skip};
    f->item[f->n_runs] = index;
    f->leaf[f->n_runs] = leaf;
    f->n_runs++;
}

/* Adds an item's runs in ascending order of their place in it. Plain pieces tile the tensor, so the
 * next one begins where the last ended; few pieces, so a search for it is cheap enough. */
static tn_status add_item(fill *f, uint32_t index, tn_error *err)
{
    const tni_item *item = &f->write->items[index];
    const tn_tensor *tensor = item->tensor;
    uint64_t bits = tn_dtype_about(tensor->dtype)->bits, skip = 0;
    int64_t next = 0;
    for (uint32_t found = 0; found < tensor->n_pieces; found++) {
        const tni_piece *piece = NULL;
        for (uint32_t i = 0; piece == NULL && i < tensor->n_pieces; i++) {
            uint32_t k = (found + i) % tensor->n_pieces;
            if (tensor->pieces[k].map.to == next) {
                piece = &tensor->pieces[k];
            }
        }
        if (piece == NULL) {
            tn_status status = tni_fail(err, TN_E_CORRUPT, "its pieces do not tile the tensor");
            tni_error_subject(err, tensor->alias[TN_SCHEME_NAME]);
            return status;
        }
        add_run(f, index, piece->leaf, skip);
        next += tni_map_elements(&piece->map);
        skip = item->stored ? piece->leaf->bytes : (uint64_t)next * bits / 8;
    }
    return TN_OK;
}

static tn_status make_runs(fill *f, tn_error *err)
{
    tni_write *write = f->write;
    size_t most = 0;
    for (size_t i = 0; i < write->n_items; i++) {
        most += runs_of(&write->items[i]);
        f->total += write->items[i].bytes;
    }
    void *runs = NULL, *item = NULL, *leaf = NULL;
    tn_status status = tni_alloc_array(write->ctx, most, sizeof(tni_run), &runs, err);
    if (status == TN_OK) {
        status = tni_alloc_array(write->ctx, most, sizeof(uint32_t), &item, err);
    }
    if (status == TN_OK) {
        status = tni_alloc_array(write->ctx, most, sizeof(tni_leaf *), &leaf, err);
    }
    f->runs = runs;
    f->item = item;
    f->leaf = leaf;
    for (uint32_t i = 0; status == TN_OK && i < write->n_items; i++) {
        if (is_moved(&write->items[i])) {
            status = add_item(f, i, err);
        }
    }
    return status;
}

/* Compares the runs' sums with those stored in the source, and combines them into the items'. */
static tn_status settle_runs(fill *f, tn_error *err)
{
    for (size_t i = 0; i < f->n_runs; i++) {
        const tni_run *run = &f->runs[i];
        tni_item *item = &f->write->items[f->item[i]];
        tn_status status = tni_leaf_compare(f->leaf[i], run->crc, err);
        if (status != TN_OK) {
            tni_error_subject(err, item->tensor->alias[TN_SCHEME_NAME]);
            return status;
        }
        bool first = i == 0 || f->item[i - 1] != f->item[i];
        item->crc = first ? run->crc : tni_crc32c_combine(item->crc, run->crc, run->bytes);
    }
    return TN_OK;
}

/* Proves the sums of stored forms that only their decoder can check (string blocks). */
static tn_status prove_stored(const fill *f, tn_error *err)
{
    for (size_t i = 0; i < f->n_runs; i++) {
        const tni_leaf *leaf = f->leaf[i];
        if (leaf->decoder != NULL && leaf->decoder->verify != NULL) {
            tn_status status = leaf->decoder->verify(leaf, err);
            if (status != TN_OK) {
                tni_error_subject(err, f->write->items[f->item[i]].tensor->alias[TN_SCHEME_NAME]);
                return status;
            }
        }
    }
    return TN_OK;
}

/* Lists the items that are computed. */
static tn_status list_computed(fill *f, uint32_t **items_out, size_t *count_out, tn_error *err)
{
    void *items;
    size_t count = 0;
    tn_status status =
        tni_alloc_array(f->write->ctx, f->write->n_items, sizeof(uint32_t), &items, err);
    for (uint32_t i = 0; status == TN_OK && i < f->write->n_items; i++) {
        if (is_computed(&f->write->items[i])) {
            ((uint32_t *)items)[count++] = i;
        }
    }
    if (status == TN_OK) {
        *items_out = items;
        *count_out = count;
    }
    return status;
}

static tn_status compute(fill *f, tn_error *err)
{
    uint32_t *items = NULL;
    size_t count = 0;
    tn_status status = list_computed(f, &items, &count, err);
    if (status == TN_OK && count > 0) {
        status = tni_compute(f->write, items, count, f->total, &f->done, err);
    }
    tni_free(f->write->ctx, items);
    return status;
}

tn_status tni_engine_fill(tni_write *write, tn_error *err)
{
    fill f = {.write = write};
    tn_status status = make_runs(&f, err);
    if (status == TN_OK) {
        status = prove_stored(&f, err);
    }
    if (status == TN_OK) {
        status = compute(&f, err);
    }
    if (status == TN_OK) {
        tni_moving moving = {.phase = "copy", .done = f.done, .total = f.total};
        status = tni_move(write->ctx, f.runs, f.n_runs, &moving, err);
    }
    if (status == TN_OK) {
        status = settle_runs(&f, err);
    }
    tni_free(write->ctx, f.runs);
    tni_free(write->ctx, f.item);
    tni_free(write->ctx, f.leaf);
    return status;
}

uint64_t tni_engine_memory(const tni_write *write)
{
    uint64_t bytes = 0, runs = 0, computed = 0, computed_bytes = 0;
    for (size_t i = 0; i < write->n_items; i++) {
        bytes += write->items[i].bytes;
        runs += runs_of(&write->items[i]);
        computed += is_computed(&write->items[i]);
        computed_bytes += is_computed(&write->items[i]) ? write->items[i].bytes : 0;
    }
    uint64_t computing =
        computed == 0 ? 0 : tni_compute_memory(write->ctx, computed, computed_bytes);
    return runs * (sizeof(tni_run) + sizeof(uint32_t) + sizeof(tni_leaf *)) +
           tni_move_memory(write->ctx, runs, bytes) + computing;
}
