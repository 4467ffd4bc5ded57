/* Splits an output into shards as huggingface_hub's split_state_dict_into_shards_factory
 * (serialization/_base.py) does with tensors sorted by name, as transformers hands them over. */
#include "core/buffer.h"
#include "core/checked.h"
#include "core/error.h"
#include "formats/safetensors/layout.h"
#include <stdlib.h>

/* A shard is numbered when it is closed: one that holds a single tensor above the limit at once,
 * and so before the one that was being filled. Until then its items carry its provisional number.
 */
typedef struct split {
    uint32_t *closed_as; /* provisional number → final number */
    uint32_t n_open, n_closed;
} split;

static uint32_t open_shard(split *s)
{
    return s->n_open++;
}

static void close_shard(split *s, uint32_t provisional)
{
    s->closed_as[provisional] = s->n_closed++;
}

static void assign(tni_write *write, split *s)
{
    uint64_t limit = write->options.max_shard_size, filled = 0;
    uint32_t current = 0;
    bool is_open = false;
    for (size_t i = 0; i < write->n_items; i++) {
        tni_item *item = &write->items[i];
        if (item->bytes > limit) {
            item->file = open_shard(s);
            close_shard(s, item->file);
            continue;
        }
        if (is_open && item->bytes > limit - filled) {
            close_shard(s, current);
            is_open = false;
        }
        if (!is_open) {
            current = open_shard(s);
            is_open = true;
            filled = 0;
        }
        item->file = current;
        filled += item->bytes;
    }
    if (is_open) {
        close_shard(s, current);
    }
}

tn_status tni_st_split(tni_write *write, size_t *n_shards_out, tn_error *err)
{
    void *block;
    if (write->n_items == 0) {
        return TN_OK;
    }
    tn_status status = tni_alloc_array(write->ctx, write->n_items, sizeof(uint32_t), &block, err);
    if (status != TN_OK) {
        return status;
    }
    split s = {.closed_as = block};
    assign(write, &s);
    for (size_t i = 0; i < write->n_items; i++) {
        write->items[i].file = s.closed_as[write->items[i].file];
    }
    tni_free(write->ctx, block);
    *n_shards_out = s.n_closed;
    return TN_OK;
}

static tn_status check_stem(tn_str name, tn_str shard, tn_error *err)
{
    if (tn_utf8_valid(shard) && tni_st_shard_name_ok(shard)) {
        return TN_OK;
    }
    tn_status status =
        tni_fail(err, TN_E_CANNOT_HOLD,
                 "an index cannot name shards of this file: a shard's name must be UTF-8 without "
                 "'\\', ':' and '..'");
    tni_error_subject(err, name);
    return status;
}

static tn_str stem_of(tn_str name)
{
    bool whole = !tn_str_ends(name, TN_LIT(TNI_ST_SUFFIX));
    return whole ? name : tn_str_first(name, name.len - (sizeof TNI_ST_SUFFIX - 1));
}

tn_status tni_st_index_name(tni_arena *arena, tn_str name, tn_str *index_out, tn_error *err)
{
    tn_str stem = stem_of(name);
    return tni_arena_format(arena, index_out, err, "%.*s" TNI_ST_INDEX_SUFFIX, (int)stem.len,
                            stem.data);
}

tn_status tni_st_name_shards(tni_write *write, size_t n_shards, tn_error *err)
{
    tn_str name = tn_str_of(write->name), stem = stem_of(name);
    void *block;
    tn_status status =
        tni_arena_array(write->arena, n_shards + 1, sizeof(tni_out_file), &block, err);
    if (status != TN_OK) {
        return status;
    }
    write->files = block;
    write->n_files = n_shards + 1;
    write->index_file = (uint32_t)n_shards;
    write->layout.word = "sharded";
    for (size_t i = 0; status == TN_OK && i < n_shards; i++) {
        status = tni_arena_format(write->arena, &write->files[i].name, err,
                                  "%.*s-%05zu-of-%05zu" TNI_ST_SUFFIX, (int)stem.len, stem.data,
                                  i + 1, n_shards);
    }
    if (status == TN_OK) {
        status = check_stem(name, write->files[0].name, err);
    }
    if (status == TN_OK) {
        status = tni_st_index_name(write->arena, name, &write->files[n_shards].name, err);
    }
    return status;
}

static int compare_names(const void *a, const void *b)
{
    const tni_item *const *x = a, *const *y = b;
    return tn_str_compare((*x)->key, (*y)->key);
}

tn_status tni_st_index_text(const tni_write *write, tni_buffer *out, tn_error *err)
{
    void *block;
    const tni_st_state *state = write->state;
    tn_status status = tni_alloc_array(write->ctx, write->n_items, sizeof(tni_item *), &block, err);
    if (status != TN_OK) {
        return status;
    }
    const tni_item **sorted = block;
    for (size_t i = 0; i < write->n_items; i++) {
        sorted[i] = &write->items[i];
    }
    qsort(sorted, write->n_items, sizeof *sorted, compare_names);
    tni_st_emit_index(out, write->files, sorted, write->n_items, state->total_size);
    tni_free(write->ctx, block);
    return tni_buffer_check(out, err);
}
