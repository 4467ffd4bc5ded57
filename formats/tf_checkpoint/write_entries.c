/* The index's entries: one a tensor, and for a partitioned one an entry that lists its slices and
 * one a slice. */
#include "core/error.h"
#include "formats/shared/ordered_code.h"
#include "formats/tf_checkpoint/layout.h"
#include "formats/tf_checkpoint/write.h"
#include <stdlib.h>

/* Makes the key of one stored slice. */
static tn_status slice_key(tni_write *write, const tni_tf_part *part, tn_str *key_out,
                           tn_error *err)
{
    const tn_tensor *whole = tn_model_at(write->model, part->index);
    void *block;
    tn_status status =
        tni_arena_array(write->arena, 2 * (size_t)whole->rank, sizeof(int64_t), &block, err);
    if (status != TN_OK) {
        return status;
    }
    int64_t *start = block, *length = start + whole->rank;
    for (uint32_t i = 0; i < whole->rank; i++) {
        start[i] = part->box[2 * i];
        length[i] = part->box[2 * i + 1];
    }
    tni_buffer key;
    tni_buffer_init(&key, write->ctx);
    tni_ordered_put_slice(&key, part->key, whole->rank, start, length);
    status = tni_buffer_check(&key, err);
    if (status == TN_OK) {
        status = tni_arena_str(write->arena, (tn_str){key.data, key.len}, key_out, err);
    }
    tni_buffer_clear(&key);
    return status;
}

/* The shape of a slice: a length that is not said is the whole dimension. */
static tn_status slice_shape(tni_write *write, const tni_tf_part *part, const int64_t **shape_out,
                             tn_error *err)
{
    const tn_tensor *whole = tn_model_at(write->model, part->index);
    void *block;
    tn_status status = tni_arena_array(write->arena, whole->rank, sizeof(int64_t), &block, err);
    if (status == TN_OK) {
        int64_t *shape = block;
        for (uint32_t i = 0; i < whole->rank; i++) {
            int64_t length = part->box[2 * i + 1];
            shape[i] = length == TNI_TF_WHOLE ? whole->shape[i] : length;
        }
        *shape_out = shape;
    }
    return status;
}

static void add_entry(tni_tf_write *state, const tni_tf_part *part, size_t item,
                      const tni_tf_out_entry *entry)
{
    state->entry_item[state->n_entries] = part->tensor == NULL ? TN_NO_INDEX : (uint32_t)item;
    state->entries[state->n_entries] = *entry;
    state->entries[state->n_entries].shard = part->shard;
    state->entries[state->n_entries].offset = part->offset;
    state->entries[state->n_entries].size = part->bytes;
    state->entries[state->n_entries++].has_data = true;
}

/* Adds the entry of one part. */
static tn_status add_part(tni_write *write, tni_tf_write *state, size_t part_index, size_t item,
                          tn_error *err)
{
    const tni_tf_part *part = &state->parts[part_index];
    tni_tf_out_entry entry = {.key = part->key, .dtype = TN_STRING, .crc = state->graph_sum};
    tn_status status = TN_OK;
    if (part->tensor != NULL) {
        const tn_tensor *whole = tn_model_at(write->model, part->index);
        entry = (tni_tf_out_entry){
            .key = part->key, .dtype = whole->dtype, .rank = whole->rank, .shape = whole->shape};
    }
    if (part->box != NULL) {
        status = slice_key(write, part, &entry.key, err);
        if (status == TN_OK) {
            status = slice_shape(write, part, &entry.shape, err);
        }
    }
    if (status == TN_OK) {
        add_entry(state, part, item, &entry);
    }
    return status;
}

/* Adds the entry of a partitioned tensor, which lists its slices in their order. */
static tn_status add_partitioned(tni_write *write, tni_tf_write *state, const tni_tf_part *part,
                                 tn_error *err)
{
    const tn_tensor *whole = tn_model_at(write->model, part->index);
    void *block;
    tn_status status =
        tni_arena_array(write->arena, whole->n_slices, sizeof(int64_t *), &block, err);
    if (status != TN_OK) {
        return status;
    }
    const int64_t **slices = block;
    for (uint32_t i = 0; i < whole->n_slices; i++) {
        slices[i] = whole->slices + 2 * (size_t)i * whole->rank;
    }
    state->entry_item[state->n_entries] = TN_NO_INDEX;
    state->entries[state->n_entries++] = (tni_tf_out_entry){.key = part->key,
                                                            .dtype = whole->dtype,
                                                            .rank = whole->rank,
                                                            .shape = whole->shape,
                                                            .slices = slices,
                                                            .n_slices = whole->n_slices};
    return TN_OK;
}

/* An entry and the item that belongs to it, to be sorted together. */
typedef struct pair {
    tni_tf_out_entry entry;
    uint32_t item;
} pair;

static int by_key(const void *a, const void *b)
{
    return tn_str_compare(((const pair *)a)->entry.key, ((const pair *)b)->entry.key);
}

static tn_status sort_entries(tni_write *write, tni_tf_write *state, tn_error *err)
{
    void *block;
    tn_status status = tni_alloc_array(write->ctx, state->n_entries, sizeof(pair), &block, err);
    if (status != TN_OK) {
        return status;
    }
    pair *pairs = block;
    for (size_t i = 0; i < state->n_entries; i++) {
        pairs[i] = (pair){state->entries[i], state->entry_item[i]};
    }
    qsort(pairs, state->n_entries, sizeof *pairs, by_key);
    for (size_t i = 0; i < state->n_entries; i++) {
        state->entries[i] = pairs[i].entry;
        state->entry_item[i] = pairs[i].item;
        if (status == TN_OK && i > 0 && by_key(&pairs[i - 1], &pairs[i]) == 0) {
            status = tni_fail(err, TN_E_COLLISION, "two tensors would be stored under this key");
            tni_error_subject(err, pairs[i].entry.key);
        }
    }
    tni_free(write->ctx, block);
    return status;
}

/* Tells whether a part is the slice that a partitioned tensor's own entry stands for. */
static bool is_first_slice(const tni_write *write, const tni_tf_part *part)
{
    return part->box != NULL && part->box == tn_model_at(write->model, part->index)->slices;
}

tn_status tni_tf_entries_make(tni_write *write, tni_tf_write *state, tn_error *err)
{
    void *entries, *items;
    size_t count = state->n_parts;
    for (size_t i = 0; i < state->n_parts; i++) {
        count += is_first_slice(write, &state->parts[i]);
    }
    tn_status status =
        tni_arena_array(write->arena, count, sizeof(tni_tf_out_entry), &entries, err);
    if (status == TN_OK) {
        status = tni_arena_array(write->arena, count, sizeof(uint32_t), &items, err);
    }
    if (status == TN_OK) {
        state->entries = entries;
        state->entry_item = items;
    }
    size_t item = 0;
    for (size_t i = 0; status == TN_OK && i < state->n_parts; i++) {
        const tni_tf_part *part = &state->parts[i];
        status = add_part(write, state, i, item, err);
        item += part->tensor != NULL;
        if (status == TN_OK && is_first_slice(write, part)) {
            status = add_partitioned(write, state, part, err);
        }
    }
    return status == TN_OK ? sort_entries(write, state, err) : status;
}
