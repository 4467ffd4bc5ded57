/* Reading of tensors whose pieces are not whole leaves in order: staged where the leaves fit the
 * budget, else tiled. */
#include "core/checked.h"
#include "core/error.h"
#include "model/reader.h"

#include <inttypes.h>
#include <stdlib.h>

static int by_address(const void *a, const void *b)
{
    uintptr_t left = (uintptr_t)((const tni_staged *)a)->leaf;
    uintptr_t right = (uintptr_t)((const tni_staged *)b)->leaf;
    return (left > right) - (left < right);
}

static bool feeds(const tni_piece *piece, int64_t first, int64_t count)
{
    int64_t low, high;
    return tni_map_leaf_range(&piece->map, first, count, &low, &high);
}

/* Lists the leaves that feed elements [first, first + count), each once. */
static tn_status list_leaves(tn_reader *reader, const tn_tensor *tensor, int64_t first,
                             int64_t count, tn_error *err)
{
    void *block;
    tn_status status =
        tni_alloc_array(reader->ctx, tensor->n_pieces, sizeof(tni_staged), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tni_free(reader->ctx, reader->staged);
    reader->staged = block;
    size_t n = 0;
    for (uint32_t i = 0; i < tensor->n_pieces; i++) {
        if (feeds(&tensor->pieces[i], first, count)) {
            reader->staged[n++].leaf = tensor->pieces[i].leaf;
        }
    }
    qsort(reader->staged, n, sizeof(tni_staged), by_address);
    size_t distinct = 0;
    for (size_t i = 0; i < n; i++) {
        if (distinct == 0 || reader->staged[distinct - 1].leaf != reader->staged[i].leaf) {
            reader->staged[distinct++] = reader->staged[i];
        }
    }
    reader->n_staged = distinct;
    return TN_OK;
}

/* Tells whether a leaf's elements can be used where they lie. */
static bool stays_in_memory(const tni_leaf *leaf)
{
    return leaf->kind == TNI_LEAF_MEMORY && leaf->cast == NULL;
}

/* Computes the bytes that the listed leaves need in the stage; leaves in memory need none. False:
 * more than the budget. */
static bool fits_budget(const tn_reader *reader, size_t *bytes_out)
{
    uint64_t total = 0;
    for (size_t i = 0; i < reader->n_staged; i++) {
        const tni_leaf *leaf = reader->staged[i].leaf;
        uint64_t bytes;
        if (stays_in_memory(leaf)) {
            continue;
        }
        if (!tni_mul_u64((uint64_t)leaf->elements, reader->unit, &bytes) ||
            !tni_add_u64(bytes, 15, &bytes) || !tni_add_u64(total, bytes / 16 * 16, &total) ||
            total > reader->budget) {
            return false;
        }
    }
    *bytes_out = (size_t)total;
    return true;
}

static tn_status load_leaves(tn_reader *reader, size_t bytes, tn_error *err)
{
    tn_status status = tni_reader_stage(reader, bytes, err);
    size_t at = 0;
    for (size_t i = 0; status == TN_OK && i < reader->n_staged; i++) {
        tni_staged *staged = &reader->staged[i];
        if (stays_in_memory(staged->leaf)) {
            staged->data = staged->leaf->memory;
            status = tni_leaf_prove(reader, staged->leaf, err);
            continue;
        }
        void *to = (char *)reader->stage + at;
        staged->data = to;
        status = tni_leaf_load(reader, staged->leaf, to, err);
        at += ((size_t)staged->leaf->elements * reader->unit + 15) / 16 * 16;
    }
    return status;
}

tn_status tni_reader_prepare(tn_reader *reader, const tn_tensor *tensor, int64_t first,
                             int64_t count, tn_error *err)
{
    unsigned bits = tn_dtype_about(tensor->dtype)->bits;
    if (bits % 8 != 0) {
        return tni_fail(err, TN_E_UNSUPPORTED,
                        "elements of %s can only be read whole and in order, because several "
                        "share a byte",
                        tn_dtype_about(tensor->dtype)->name);
    }
    reader->tensor = tensor;
    reader->unit = bits / 8;
    reader->mode = TNI_READ_IDLE;
    size_t bytes;
    tn_status status = list_leaves(reader, tensor, first, count, err);
    if (status != TN_OK) {
        return status;
    }
    bool staged = fits_budget(reader, &bytes);
    if (staged) {
        status = load_leaves(reader, bytes, err);
    }
    for (size_t i = 0; !staged && status == TN_OK && i < reader->n_staged; i++) {
        status = tni_leaf_prove(reader, reader->staged[i].leaf, err);
    }
    if (status == TN_OK) {
        reader->mode = staged ? TNI_READ_STAGED : TNI_READ_TILED;
    }
    return status;
}

static void gather_staged(const tn_reader *reader, const tni_piece *piece, int64_t first,
                          int64_t count, void *out)
{
    tni_staged key = {piece->leaf, NULL};
    const tni_staged *found =
        bsearch(&key, reader->staged, reader->n_staged, sizeof(tni_staged), by_address);
    /* A leaf that was not staged feeds nothing of what was prepared for. */
    if (found != NULL) {
        tni_map_gather(&piece->map, first, count, found->data, 0, reader->unit, out);
    }
}

tn_status tni_reader_span(tn_reader *reader, int64_t first, int64_t count, void *out, tn_error *err)
{
    const tn_tensor *tensor = reader->tensor;
    /* The longer a span is, the longer are the parts of a leaf that feed it. */
    int64_t most = (int64_t)(reader->budget / reader->unit) * TNI_READER_AHEAD;
    char *to = out;
    tn_status status = TN_OK;
    for (int64_t done = 0; status == TN_OK && done < count; done += most) {
        int64_t part = count - done < most ? count - done : most;
        status = tni_cancelled(reader->ctx, err);
        for (uint32_t i = 0; status == TN_OK && i < tensor->n_pieces; i++) {
            if (reader->mode == TNI_READ_STAGED) {
                gather_staged(reader, &tensor->pieces[i], first + done, part, to);
            } else {
                status = tni_reader_tile(reader, &tensor->pieces[i], first + done, part, to, err);
            }
        }
        to += (size_t)part * reader->unit;
    }
    if (status == TN_OK) {
        tni_clear_high_bits(tensor->dtype, out, count);
    }
    return status;
}
