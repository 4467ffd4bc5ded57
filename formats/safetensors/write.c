/* Lays out and writes as tensor.rs' `prepare` and `serialize_to_file` do: tensors by descending
 * alignment, then by name, back to back, after a header padded to 8. */
#include "core/buffer.h"
#include "core/checked.h"
#include "core/cursor.h"
#include "core/error.h"
#include "formats/safetensors/layout.h"
#include <inttypes.h>
#include <stdlib.h>

static int compare_names(const void *a, const void *b)
{
    const tni_item *x = a, *y = b;
    return tn_str_compare(x->key, y->key);
}

static int compare_places(const void *a, const void *b)
{
    const tni_item *x = a, *y = b;
    if (x->file != y->file) {
        return x->file < y->file ? -1 : 1;
    }
    int rank_x = tni_st_rank(tni_st_stores(x->tensor->dtype).as);
    int rank_y = tni_st_rank(tni_st_stores(y->tensor->dtype).as);
    return rank_x != rank_y ? rank_y - rank_x : compare_names(a, b);
}

static tn_status check_tensor(const tn_tensor *tensor, tn_error *err)
{
    tn_status status = TN_OK;
    const char *why;
    if (tni_st_stores(tensor->dtype).how == TNI_STORE_REFUSED) {
        status = tni_fail(err, TN_E_CANNOT_HOLD, "safetensors has no dtype for %s",
                          tn_dtype_about(tensor->dtype)->name);
    } else if (tensor->elements < 0 || tensor->n_pieces == 0) {
        status = tni_fail(err, TN_E_CANNOT_HOLD, "it has no values to write");
    } else if (!tn_format_safetensors.writer->name_ok(tensor->alias[TN_SCHEME_NAME], &why)) {
        status = tni_fail(err, TN_E_CANNOT_HOLD, "safetensors cannot hold this name: %s", why);
    }
    if (status != TN_OK) {
        tni_error_subject(err, tensor->alias[TN_SCHEME_NAME]);
    }
    return status;
}

static tn_status list_items(tni_write *write, tni_st_state *state, tn_error *err)
{
    size_t count = tn_model_count(write->model);
    void *block;
    tn_status status = tni_arena_array(write->arena, count, sizeof(tni_item), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tni_item *items = block;
    for (size_t i = 0; i < count; i++) {
        const tn_tensor *tensor = tn_model_at(write->model, i);
        status = check_tensor(tensor, err);
        if (status != TN_OK) {
            return status;
        }
        items[i] = (tni_item){.tensor = tensor,
                              .index = (uint32_t)i,
                              .key = tensor->alias[TN_SCHEME_NAME],
                              .bytes = tensor->bytes};
        if (!tni_add_u64(state->total_size, tensor->bytes, &state->total_size)) {
            return tni_fail(err, TN_E_CANNOT_HOLD, "the tensors' sizes overflow");
        }
    }
    if (count > 1) {
        qsort(items, count, sizeof *items, compare_names);
    }
    write->items = items;
    write->n_items = count;
    return TN_OK;
}

static int compare_pairs(const void *a, const void *b)
{
    return tn_str_compare(((const tn_pair *)a)->key, ((const tn_pair *)b)->key);
}

/* Takes the metadata, and says "format": "pt" where nothing says a format: transformers 4 refuses a
 * file that has metadata without it. */
static tn_status gather_metadata(tni_write *write, tni_st_state *state, tn_error *err)
{
    size_t count = write->n_metadata;
    void *block;
    tn_status status = tni_arena_array(write->arena, count + 1, sizeof(tn_pair), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tn_pair *pairs = block;
    bool has_format = false;
    for (size_t i = 0; i < count; i++) {
        pairs[i] = write->metadata[i];
        has_format = has_format || tn_str_equal(pairs[i].key, TN_LIT("format"));
    }
    if (!has_format) {
        pairs[count++] = (tn_pair){TN_LIT("format"), TN_LIT("pt")};
    }
    qsort(pairs, count, sizeof *pairs, compare_pairs);
    state->metadata = pairs;
    state->n_metadata = count;
    return TN_OK;
}

static tn_status header_text(const tni_write *write, size_t shard, uint64_t base, tni_buffer *out,
                             tn_error *err)
{
    const tni_st_state *state = write->state;
    size_t first = state->first[shard];
    tni_st_emit_header(out, state->metadata, state->n_metadata, write->items + first,
                       state->first[shard + 1] - first, base);
    return tni_buffer_check(out, err);
}

static tn_status check_header_size(const tni_write *write, uint64_t len, tn_error *err)
{
    if (len > TNI_ST_HEADER_MAX) {
        tn_status status =
            tni_fail(err, TN_E_CANNOT_HOLD,
                     "the header would have %" PRIu64 " bytes, safetensors allows 100000000", len);
        tni_error_hint(err, "--max-shard-size 5G");
        return status;
    }
    if (len > TNI_ST_HEADER_LARGE) {
        return tn_report_say(
            write->notes, TN_SEVERITY_WARNING, "header-large", TN_STR_NONE, err,
            "the header has %" PRIu64 " bytes; Hugging Face's hub reads none above 25000000", len);
    }
    return TN_OK;
}

/* Places one shard's items behind its header, whose text does not depend on where the data begins.
 */
static tn_status place_shard(tni_write *write, size_t shard, tn_error *err)
{
    tni_st_state *state = write->state;
    uint64_t end = 0;
    for (size_t i = state->first[shard]; i < state->first[shard + 1]; i++) {
        write->items[i].offset = end;
        end += write->items[i].bytes; /* at most total_size, which was checked */
    }
    tni_buffer text;
    tni_buffer_init(&text, write->ctx);
    tn_status status = header_text(write, shard, 0, &text, err);
    uint64_t len = text.len;
    tni_buffer_clear(&text);
    if (status == TN_OK) {
        status = check_header_size(write, len, err);
    }
    uint64_t data = TNI_ST_PREFIX + len;
    if (status == TN_OK && !tni_add_u64(data, end, &write->files[shard].size)) {
        status = tni_fail(err, TN_E_CANNOT_HOLD, "the file's size overflows");
    }
    if (status != TN_OK) {
        return status;
    }
    state->data[shard] = data;
    for (size_t i = state->first[shard]; i < state->first[shard + 1]; i++) {
        write->items[i].offset += data;
    }
    return TN_OK;
}

/* Sorts the items by place and notes where each shard's begin. */
static tn_status sort_items(tni_write *write, tni_st_state *state, tn_error *err)
{
    void *data, *first;
    tn_status status = tni_arena_array(write->arena, state->n_shards, sizeof(uint64_t), &data, err);
    if (status == TN_OK) {
        status = tni_arena_array(write->arena, state->n_shards + 1, sizeof(size_t), &first, err);
    }
    if (status != TN_OK) {
        return status;
    }
    state->data = data;
    state->first = first;
    if (write->n_items > 1) {
        qsort(write->items, write->n_items, sizeof *write->items, compare_places);
    }
    size_t i = 0;
    for (size_t shard = 0; shard < state->n_shards; shard++) {
        state->first[shard] = i;
        while (i < write->n_items && write->items[i].file == shard) {
            i++;
        }
    }
    state->first[state->n_shards] = i;
    return TN_OK;
}

static tn_status name_one(tni_write *write, tn_error *err)
{
    void *files;
    tn_status status = tni_arena_array(write->arena, 1, sizeof(tni_out_file), &files, err);
    if (status == TN_OK) {
        write->files = files;
        write->n_files = 1;
        write->index_file = 0;
        write->layout.word = "single";
        status = tni_arena_str(write->arena, tn_str_of(write->name), &write->files[0].name, err);
    }
    return status;
}

static tn_status index_size(tni_write *write, tn_error *err)
{
    tni_buffer text;
    tni_buffer_init(&text, write->ctx);
    tn_status status = tni_st_index_text(write, &text, err);
    write->files[write->index_file].size = text.len;
    tni_buffer_clear(&text);
    return status;
}

tn_status tni_st_layout(tni_write *write, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_alloc(write->arena, sizeof(tni_st_state), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tni_st_state *state = write->state = block;
    state->n_shards = 1;
    status = list_items(write, state, err);
    if (status == TN_OK) {
        status = gather_metadata(write, state, err);
    }
    if (status == TN_OK && write->options.max_shard_size > 0) {
        status = tni_st_split(write, &state->n_shards, err);
    }
    bool sharded = state->n_shards > 1;
    if (status == TN_OK) {
        status = sharded ? tni_st_name_shards(write, state->n_shards, err) : name_one(write, err);
    }
    if (status == TN_OK) {
        status = sort_items(write, state, err);
    }
    for (size_t i = 0; status == TN_OK && i < state->n_shards; i++) {
        status = place_shard(write, i, err);
    }
    return status == TN_OK && sharded ? index_size(write, err) : status;
}

static tn_status write_header(tni_write *write, size_t shard, tn_error *err)
{
    const tni_st_state *state = write->state;
    tni_buffer text;
    tni_buffer_init(&text, write->ctx);
    tn_status status = header_text(write, shard, state->data[shard], &text, err);
    uint8_t prefix[TNI_ST_PREFIX];
    tni_store_u64le(prefix, text.len);
    tn_sink *sink = write->files[shard].sink;
    if (status == TN_OK) {
        status = tni_sink_write(sink, 0, prefix, sizeof prefix, err);
    }
    if (status == TN_OK) {
        status = tni_sink_write(sink, TNI_ST_PREFIX, text.data, text.len, err);
    }
    tni_buffer_clear(&text);
    return status;
}

static tn_status write_index(tni_write *write, tn_error *err)
{
    tni_buffer text;
    tni_buffer_init(&text, write->ctx);
    tn_status status = tni_st_index_text(write, &text, err);
    if (status == TN_OK) {
        status = tni_sink_write(write->files[write->index_file].sink, 0, text.data, text.len, err);
    }
    tni_buffer_clear(&text);
    return status;
}

tn_status tni_st_headers(tni_write *write, tn_error *err)
{
    const tni_st_state *state = write->state;
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < state->n_shards; i++) {
        status = write_header(write, i, err);
    }
    return status == TN_OK && state->n_shards > 1 ? write_index(write, err) : status;
}
