/* Writing checkpoints: one file, whose values the engine moves where they are plain. */
#include "formats/tf_checkpoint_v1/write.h"
#include "core/buffer.h"
#include "core/crc32c.h"
#include "core/cursor.h"
#include "core/error.h"
#include "formats/shared/ordered_code.h"
#include "formats/shared/table.h"
#include "formats/tf_checkpoint_v1/encode.h"
#include <stdlib.h>
#include <tenon/text.h>

/* TensorFlow's Save op takes all that the format can hold but quint16. */
static const tni_v1_type *type_of(tn_dtype dtype)
{
    return dtype == TN_QUINT16 ? NULL : tni_v1_type_of(dtype);
}

static tni_store_rule stores(tn_dtype dtype)
{
    return (tni_store_rule){.how = type_of(dtype) != NULL ? TNI_STORE_AS_IS : TNI_STORE_REFUSED};
}

static bool name_ok(tn_str name, const char **why_out)
{
    if (name.len == 0) {
        *why_out = "TensorFlow cannot store a tensor without a name";
        return false;
    }
    if (!tn_utf8_valid(name)) {
        *why_out = "TensorFlow cannot parse a name that is not UTF-8";
        return false;
    }
    return true;
}

static tn_status choose_layout(const tn_model *source, tn_str name, const char *asked, bool renamed,
                               tni_layout *layout_out, tn_error *err)
{
    (void)source;
    (void)name;
    (void)renamed;
    if (asked != NULL && strcmp(asked, "names") != 0) {
        tn_status status = tni_fail(err, TN_E_USAGE, "tf_checkpoint_v1 has no layout '%s'", asked);
        tni_error_hint(err, "its only layout is: names");
        return status;
    }
    *layout_out = (tni_layout){.word = "names"};
    return TN_OK;
}

static int by_key(const void *a, const void *b)
{
    return tn_str_compare(((const tni_v1_entry *)a)->key, ((const tni_v1_entry *)b)->key);
}

/* Fills one tensor's entry with what it says by itself. */
static tn_status make_entry(tni_write *write, uint32_t index, tni_buffer *key, tni_v1_entry *entry,
                            tn_error *err)
{
    const tn_tensor *tensor = tn_model_at(write->model, index);
    int64_t start[TNI_TF_MAX_RANK] = {0}, length[TNI_TF_MAX_RANK];
    *entry = (tni_v1_entry){.tensor = tensor, .type = type_of(tensor->dtype), .index = index};
    tn_status status = TN_OK;
    if (entry->type == NULL || tensor->rank > TNI_TF_MAX_RANK || tensor->elements < 0 ||
        tensor->n_pieces == 0) {
        status = tni_fail(err, TN_E_CANNOT_HOLD,
                          "tf_checkpoint_v1 cannot hold a tensor of this dtype or shape");
        tni_error_subject(err, tensor->alias[TN_SCHEME_NAME]);
        return status;
    }
    for (uint32_t i = 0; i < tensor->rank; i++) {
        length[i] = TNI_TF_WHOLE;
    }
    tni_buffer_reset(key);
    tni_ordered_put_slice(key, tensor->alias[TN_SCHEME_NAME], tensor->rank, start, length);
    status = tni_buffer_check(key, err);
    return status == TN_OK
               ? tni_arena_str(write->arena, (tn_str){key->data, key->len}, &entry->key, err)
               : status;
}

static tn_status list_entries(tni_write *write, tni_v1_write *state, tn_error *err)
{
    void *entries;
    size_t count = tn_model_count(write->model);
    tn_status status =
        tni_arena_array(write->arena, count + 1, sizeof(tni_v1_entry), &entries, err);
    if (status != TN_OK) {
        return status;
    }
    tni_buffer key;
    tni_buffer_init(&key, write->ctx);
    state->entries = entries; /* the first is the meta's */
    state->n_entries = count + 1;
    for (uint32_t i = 0; status == TN_OK && i < count; i++) {
        status = make_entry(write, i, &key, &state->entries[i + 1], err);
    }
    tni_buffer_clear(&key);
    if (status == TN_OK && count > 1) {
        qsort(state->entries + 1, count, sizeof *state->entries, by_key);
    }
    return status;
}

/* Learns how many bytes each tensor's values take. */
static tn_status measure(tni_write *write, tni_v1_write *state, tn_error *err)
{
    tn_reader *reader;
    tn_status status = tn_reader_new(write->ctx, false, &reader, err);
    if (status != TN_OK) {
        return status;
    }
    for (size_t i = 1; status == TN_OK && i < state->n_entries; i++) {
        tni_v1_entry *entry = &state->entries[i];
        status =
            tni_v1_measure(write->ctx, reader, entry->tensor, entry->type, &entry->payload, err);
    }
    tn_reader_free(reader);
    return status;
}

static tn_status list_items(tni_write *write, const tni_v1_write *state, tn_error *err)
{
    void *items;
    size_t count = state->n_entries - 1;
    tn_status status = tni_arena_array(write->arena, count, sizeof(tni_item), &items, err);
    if (status != TN_OK) {
        return status;
    }
    write->items = items;
    write->n_items = count;
    for (size_t i = 0; i < count; i++) {
        const tni_v1_entry *entry = &state->entries[i + 1];
        write->items[i] = (tni_item){.tensor = entry->tensor,
                                     .index = entry->index,
                                     .key = entry->tensor->alias[TN_SCHEME_NAME],
                                     .offset = entry->offset + entry->head.len,
                                     .bytes = entry->payload};
    }
    return TN_OK;
}

/* The checkpoint, and the graph of its Saver behind it. */
static tn_status list_files(tni_write *write, tni_v1_write *state, tn_error *err)
{
    void *files;
    tni_meta_beside *meta = &state->meta;
    tn_status status = tni_meta_plan(write, true, meta, err);
    if (status == TN_OK) {
        status = tni_arena_array(write->arena, 2, sizeof(tni_out_file), &files, err);
    }
    if (status != TN_OK) {
        return status;
    }
    write->files = files;
    write->n_files = 1u + meta->there;
    write->files[0] =
        (tni_out_file){.name = tn_str_of(write->name), .size = state->end_offset + state->end.len};
    if (meta->there) {
        meta->file = 1;
        write->files[1] = (tni_out_file){.name = meta->name, .size = meta->size};
    }
    return TN_OK;
}

static tn_status layout(tni_write *write, tn_error *err)
{
    void *made;
    tn_status status = tni_arena_alloc(write->arena, sizeof(tni_v1_write), &made, err);
    if (status != TN_OK) {
        return status;
    }
    tni_v1_write *state = made;
    write->state = state;
    if (write->options.max_shard_size != 0) {
        status = tn_report_say(write->notes, TN_SEVERITY_WARNING, "one-file", TN_STR_NONE, err,
                               "tf_checkpoint_v1 is written as one file, whatever "
                               "--max-shard-size says");
    }
    if (status == TN_OK && (status = list_entries(write, state, err)) == TN_OK &&
        (status = measure(write, state, err)) == TN_OK &&
        (status = tni_v1_messages_make(write, state, err)) == TN_OK &&
        (status = tni_v1_blocks_place(write, state, err)) == TN_OK &&
        (status = list_items(write, state, err)) == TN_OK) {
        status = list_files(write, state, err);
    }
    return status;
}

/* Writes all but the values that the engine moves and the sums of blocks. */
static tn_status headers(tni_write *write, tn_error *err)
{
    tni_v1_write *state = write->state;
    tn_sink *sink = write->files[0].sink;
    tn_reader *reader;
    tn_status status = tn_reader_new(write->ctx, true, &reader, err);
    if (status != TN_OK) {
        return status;
    }
    for (size_t i = 0; status == TN_OK && i < state->n_entries; i++) {
        const tni_v1_entry *entry = &state->entries[i];
        status = tni_sink_write(sink, entry->offset, entry->head.data, entry->head.len, err);
        if (status == TN_OK && i > 0 && !tni_v1_type_plain(entry->type)) {
            tni_item *item = &write->items[i - 1];
            item->written = true;
            status = tni_v1_encode(write->ctx, reader, entry->tensor, entry->type, sink,
                                   item->offset, item->bytes, &item->crc, err);
        }
    }
    tn_reader_free(reader);
    if (status == TN_OK) {
        status = tni_sink_write(sink, state->end_offset, state->end.data, state->end.len, err);
    }
    return status == TN_OK ? tni_meta_write(write, &state->meta, err) : status;
}

/* Writes a block's restarts and its sum, put together of the sums of its parts. */
static tn_status finish_block(tni_write *write, const tni_v1_write *state,
                              const tni_v1_out_block *block, tn_error *err)
{
    tni_buffer tail;
    uint8_t sum[4];
    uint32_t crc = 0;
    for (size_t i = block->first; i < block->first + block->count; i++) {
        const tni_v1_entry *entry = &state->entries[i];
        crc = tni_crc32c(crc, entry->head.data, entry->head.len);
        if (i > 0) {
            crc = tni_crc32c_combine(crc, write->items[i - 1].crc, entry->payload);
        }
    }
    tni_buffer_init(&tail, write->ctx);
    tni_buffer_str(&tail, block->tail);
    tni_buffer_char(&tail, 0); /* not compressed */
    tn_status status = tni_buffer_check(&tail, err);
    if (status == TN_OK) {
        tni_store_u32le(sum, tni_crc32c_mask(tni_crc32c(crc, tail.data, tail.len)));
        tni_buffer_add(&tail, sum, sizeof sum);
        status = tni_buffer_check(&tail, err);
    }
    if (status == TN_OK) {
        status = tni_sink_write(write->files[0].sink, block->offset + block->size - block->tail.len,
                                tail.data, tail.len, err);
    }
    tni_buffer_clear(&tail);
    return status;
}

static tn_status finish(tni_write *write, tn_error *err)
{
    const tni_v1_write *state = write->state;
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < state->n_blocks; i++) {
        status = finish_block(write, state, &state->blocks[i], err);
    }
    return status;
}

static tn_status read_back(tni_write *write, const char *staged, tn_error *err)
{
    const tni_v1_write *state = write->state;
    return tni_meta_read_back(write, &state->meta, staged, err);
}

/* A .meta that no other one replaces stays, as beside a checkpoint of the second format. */
static tn_status look_around(tni_write *write, const tni_names *siblings, tn_error *err)
{
    const tni_v1_write *state = write->state;
    return tni_meta_look_around(write, &state->meta, siblings, err);
}

static tn_status mains(tn_str name, tni_arena *arena, tni_names *mains_out, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(arena, 1, sizeof(tn_str), &block, err);
    if (status == TN_OK) {
        *mains_out = (tni_names){block, 1};
        status = tni_arena_str(arena, name, block, err);
    }
    return status;
}

const tni_writer_ops tni_v1_writer = {
    .stores = stores,
    .roles = ((1u << TN_ROLE_COUNT) - 1u) & ~(1u << TN_ROLE_METADATA),
    .choose_layout = choose_layout,
    .name_ok = name_ok,
    .layout = layout,
    .headers = headers,
    .finish = finish,
    .read_back = read_back,
    .mains = mains,
    .look_around = look_around,
    .bare_names = true,
};
