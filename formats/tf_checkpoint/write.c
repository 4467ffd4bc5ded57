/* Writing checkpoints: layout, the documents' bytes, the index. Payload is moved by the engine. */
#include "formats/tf_checkpoint/write.h"

#include "core/crc32c.h"
#include "core/error.h"
#include "formats/tf_checkpoint/bundle.h"
#include "formats/tf_checkpoint/layout.h"
#include "formats/tf_checkpoint/strings.h"
#include <tenon/text.h>
#include <tenon/values.h>

static tni_store_rule stores(tn_dtype dtype)
{
    bool known = tni_tf_dtype_number(dtype) != 0;
    return (tni_store_rule){.how = known ? TNI_STORE_AS_IS : TNI_STORE_REFUSED};
}

static bool name_ok(tn_str name, const char **why_out)
{
    if (name.len == 0) {
        *why_out = "TensorFlow cannot store a tensor without a name";
        return false;
    }
    if (name.data[0] == '\0') {
        *why_out = "TensorFlow would take a name that begins with a NUL for a slice";
        return false;
    }
    if (tn_str_equal(name, TN_LIT(TNI_TF_OBJECT_GRAPH))) {
        *why_out = "TensorFlow would take it for an object graph";
        return false;
    }
    return true;
}

/* tf.train.Checkpoint.restore(…).assert_consumed() wants the counter. */
static const int64_t no_saves = 0;
static const tni_addition additions[] = {{TNI_TF_SAVE_COUNTER, TN_INT64, &no_saves}};

/* Tells whether the source's object graph goes along, edges and keys following the names that
 * tensors get: the errors are the reasons why not. */
static tn_status try_carry(const tn_model *source, bool renamed, tn_error *err)
{
    if (!renamed) {
        return TN_OK;
    }
    if (!tni_tf_any_renamed(source)) {
        return tni_fail(err, TN_E_IMPOSSIBLE,
                        "the input's object graph does not follow the names of a scheme");
    }
    return tni_tf_graph_can_follow(source, err);
}

/* Tells whether a status says that something cannot be so, not that something went wrong. */
static bool is_refusal(tn_status status)
{
    return status == TN_USAGE || status == TN_NO;
}

static tn_status choose_layout(const tn_model *source, tn_str name, const char *asked, bool renamed,
                               tni_layout *layout_out, tn_error *err)
{
    (void)name;
    bool has_graph = tni_model_carrier(tni_model_root(source), TNI_TF_GRAPH_CARRIER) != NULL;
    bool objects = asked != NULL && strcmp(asked, "objects") == 0;
    if (asked != NULL && !objects && strcmp(asked, "names") != 0) {
        tn_status status = tni_fail(err, TN_E_USAGE, "tf_checkpoint has no layout '%s'", asked);
        tni_error_hint(err, "its layouts are: names, objects");
        return status;
    }
    tni_layout layout = {.word = "names"};
    tn_error why = {0};
    tn_status status = TN_OK;
    if (has_graph && (asked == NULL || objects)) {
        status = try_carry(source, renamed, &why);
        layout = (tni_layout){.word = "objects", .carries = true};
    }
    if (objects && (!has_graph || is_refusal(status))) {
        status = TN_OK;
        layout = (tni_layout){.word = "objects", .additions = additions, .n_additions = 1};
    } else if (is_refusal(status)) {
        tni_error_hint(&why, "say --layout names to write a name-based checkpoint, or --layout "
                             "objects to make a new object graph of the names");
    }
    if (status == TN_OK) {
        *layout_out = layout;
    } else if (err != NULL && err->status == TN_OK) {
        *err = why;
    }
    return status;
}

/* Makes the object graph of the layout "objects". */
static tn_status make_graph(tni_write *write, tni_tf_write *state, tn_error *err)
{
    if (write->nest != NULL) {
        state->keys = write->nest->keys;
        return write->nest->objects.data == NULL
                   ? TN_OK
                   : tni_tf_graph_keep(write, state, write->nest->objects, err);
    }
    if (strcmp(write->layout.word, "objects") != 0) {
        return TN_OK;
    }
    return write->layout.carries ? tni_tf_graph_make(write, state, err)
                                 : tni_tf_objects_make(write, state, err);
}

/* Gives each part its shard and offset; a shard ends before the part that would make it longer than
 * asked. */
static tn_status place_parts(const tni_write *write, tni_tf_write *state, tn_error *err)
{
    uint64_t most = write->options.max_shard_size, end = 0;
    uint32_t shard = 0;
    for (size_t i = 0; i < state->n_parts; i++) {
        tni_tf_part *part = &state->parts[i];
        if (most != 0 && end > 0 && part->bytes > most - (end < most ? end : most)) {
            shard++;
            end = 0;
        }
        part->shard = shard;
        part->offset = end;
        end += part->bytes;
        if (end < part->bytes || end > INT64_MAX) {
            return tni_fail(err, TN_E_CANNOT_HOLD, "the tensors' sizes overflow");
        }
    }
    state->shards = shard + 1;
    return TN_OK;
}

static tn_status list_files(tni_write *write, tni_tf_write *state, uint64_t index_size,
                            tn_error *err)
{
    void *block;
    size_t count = (size_t)state->shards + 1 + state->meta.there;
    tn_status status = tni_arena_array(write->arena, count, sizeof(tni_out_file), &block, err);
    if (status != TN_OK) {
        return status;
    }
    write->files = block;
    write->n_files = count;
    write->index_file = state->shards;
    if (state->meta.there) {
        state->meta.file = state->shards + 1;
        write->files[state->meta.file] =
            (tni_out_file){.name = state->meta.name, .size = state->meta.size};
    }
    for (size_t i = 0; i < state->n_parts; i++) {
        const tni_tf_part *part = &state->parts[i];
        write->files[part->shard].size = part->offset + part->bytes;
    }
    for (uint32_t i = 0; status == TN_OK && i < state->shards; i++) {
        if (state->links != NULL && state->links[i] != NULL) {
            write->files[i].link = state->links[i];
            write->files[i].size = tni_source_size(state->links[i]);
        }
        status = tni_tf_shard_name(state->prefix, i, state->shards, write->arena,
                                   &write->files[i].name, err);
    }
    tni_out_file *index = &write->files[write->index_file];
    index->size = index_size;
    if (status == TN_OK) {
        status = tni_arena_format(write->arena, &index->name, err, "%.*s%s", (int)state->prefix.len,
                                  state->prefix.data, TNI_TF_INDEX_SUFFIX);
    }
    return status;
}

static tn_status list_items(tni_write *write, tni_tf_write *state, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(write->arena, state->n_parts, sizeof(tni_item), &block, err);
    if (status == TN_OK) {
        write->items = block;
    }
    for (size_t i = 0; status == TN_OK && i < state->n_parts; i++) {
        const tni_tf_part *part = &state->parts[i];
        if (part->tensor == NULL) {
            state->graph_shard = part->shard;
            state->graph_offset = part->offset;
            continue;
        }
        write->items[write->n_items++] = (tni_item){.tensor = part->tensor,
                                                    .index = part->index,
                                                    .key = part->key,
                                                    .file = part->shard,
                                                    .stored = part->stored,
                                                    .written = part->linked,
                                                    .offset = part->offset,
                                                    .bytes = part->bytes,
                                                    .crc = part->linked ? part->leaf->sum : 0};
    }
    return status;
}

/* Warns where TensorFlow's own tools would stumble over what we write. */
static tn_status warn(tni_write *write, const tni_tf_write *state, tn_error *err)
{
    tn_status status = TN_OK;
    if (strpbrk(write->name, "*?[\\") != NULL) {
        status = tn_report_say(write->notes, TN_SEVERITY_WARNING, "glob-prefix", TN_STR_NONE, err,
                               "TensorFlow takes * ? [ \\ in a prefix for patterns and may not "
                               "find this checkpoint");
    }
    for (size_t i = 0; status == TN_OK && i < state->n_entries; i++) {
        tn_str key = state->entries[i].key;
        bool slice = state->entry_item[i] != TN_NO_INDEX && key.data[0] == '\0';
        if (!slice && !tn_utf8_valid(key)) {
            return tn_report_say(write->notes, TN_SEVERITY_WARNING, "not-utf8", key, err,
                                 "TensorFlow cannot list a checkpoint with this name: it is not "
                                 "UTF-8");
        }
    }
    return status;
}

static tn_status layout(tni_write *write, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_alloc(write->arena, sizeof(tni_tf_write), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tni_tf_write *state = block;
    tni_buffer index;
    write->state = state;
    state->prefix = tn_str_of(write->name);
    tni_buffer_init(&index, write->ctx);
    if ((status = make_graph(write, state, err)) == TN_OK &&
        (status = tni_tf_parts_list(write, state, err)) == TN_OK &&
        (status = write->options.link ? tni_tf_parts_link(write, state, err)
                                      : place_parts(write, state, err)) == TN_OK &&
        (status = list_items(write, state, err)) == TN_OK &&
        (status = tni_meta_plan(write, false, &state->meta, err)) == TN_OK &&
        (status = tni_tf_entries_make(write, state, err)) == TN_OK &&
        (status = tni_tf_index_build(write->ctx, state->entries, state->n_entries, state->shards,
                                     &index, err)) == TN_OK &&
        (status = list_files(write, state, index.len, err)) == TN_OK) {
        status = warn(write, state, err);
    }
    tni_buffer_clear(&index);
    tni_free(write->ctx, state->parts);
    state->parts = NULL;
    return status;
}

/* Checks the sum that a tensor without strings has all the same; a reader has nothing to read. */
static tn_status prove_empty(const tn_tensor *tensor, tn_error *err)
{
    const tni_leaf *leaf = tensor->n_pieces == 1 ? tensor->pieces[0].leaf : NULL;
    bool can = tensor->elements == 0 && leaf != NULL && leaf->decoder != NULL;
    return can && leaf->decoder->verify != NULL ? leaf->decoder->verify(leaf, err) : TN_OK;
}

/* Writes strings of a big-endian file anew: their sums are stored in the writer's byte order. */
static tn_status write_strings(tni_write *write, tni_item *item, tn_reader *reader,
                               uint32_t *sum_out, tn_error *err)
{
    const tn_str *strings;
    tni_buffer block;
    tn_status status = prove_empty(item->tensor, err);
    if (status == TN_OK) {
        status = tn_reader_strings(reader, item->tensor, &strings, err);
    }
    if (status != TN_OK) {
        tni_error_subject(err, item->key);
        return status;
    }
    tni_buffer_init(&block, write->ctx);
    tni_tf_strings_encode(strings, (size_t)item->tensor->elements, &block, sum_out);
    status = tni_buffer_check(&block, err);
    if (status == TN_OK && block.len != item->bytes) {
        status = tni_fail(err, TN_E_CORRUPT, "its strings are not stored in the shortest form");
        tni_error_subject(err, item->key);
    }
    if (status == TN_OK) {
        item->crc = tni_crc32c(0, block.data, block.len);
        status =
            tni_sink_write(write->files[item->file].sink, item->offset, block.data, block.len, err);
    }
    tni_buffer_clear(&block);
    return status;
}

/* Writes what the engine does not move: the object graph, and strings that have to be written anew.
 */
static tn_status headers(tni_write *write, tn_error *err)
{
    tni_tf_write *state = write->state;
    tn_reader *reader = NULL;
    tn_status status = tn_reader_new(write->ctx, true, &reader, err);
    if (status == TN_OK && state->graph.data != NULL &&
        write->files[state->graph_shard].link == NULL) {
        status = tni_sink_write(write->files[state->graph_shard].sink, state->graph_offset,
                                state->graph.data, state->graph.len, err);
    }
    for (size_t i = 0; status == TN_OK && i < state->n_entries; i++) {
        if (state->entry_item[i] == TN_NO_INDEX) {
            continue;
        }
        tni_item *item = &write->items[state->entry_item[i]];
        if (tn_dtype_about(item->tensor->dtype)->bits == 0 && !item->stored && !item->written) {
            item->written = true;
            status = write_strings(write, item, reader, &state->entries[i].crc, err);
        }
    }
    tn_reader_free(reader);
    return status == TN_OK ? tni_meta_write(write, &state->meta, err) : status;
}

static tn_status read_back(tni_write *write, const char *staged, tn_error *err)
{
    const tni_tf_write *state = write->state;
    return tni_meta_read_back(write, &state->meta, staged, err);
}

static tn_status finish(tni_write *write, tn_error *err)
{
    tni_tf_write *state = write->state;
    tni_buffer index;
    for (size_t i = 0; i < state->n_entries; i++) {
        if (state->entry_item[i] == TN_NO_INDEX) {
            continue;
        }
        const tni_item *item = &write->items[state->entry_item[i]];
        bool linked = write->files[item->file].link != NULL;
        if (item->stored) {
            state->entries[i].crc = item->tensor->pieces[0].leaf->sum;
        } else if (linked || !item->written) {
            state->entries[i].crc = item->crc;
        }
    }
    tni_buffer_init(&index, write->ctx);
    tn_status status = tni_tf_index_build(write->ctx, state->entries, state->n_entries,
                                          state->shards, &index, err);
    if (status == TN_OK) {
        status =
            tni_sink_write(write->files[write->index_file].sink, 0, index.data, index.len, err);
    }
    tni_buffer_clear(&index);
    return status;
}

static tn_status mains(tn_str name, tni_arena *arena, tni_names *mains_out, tn_error *err)
{
    void *block;
    tn_str prefix;
    if (tni_tf_prefix(name, &prefix)) {
        tn_status status =
            tni_fail(err, TN_E_USAGE, "a checkpoint is named by its prefix, not by its index");
        tni_error_hint(err, "%.*s", (int)prefix.len, prefix.data);
        return status;
    }
    tn_status status = tni_arena_array(arena, 1, sizeof(tn_str), &block, err);
    if (status == TN_OK) {
        *mains_out = (tni_names){block, 1};
        status = tni_arena_format(arena, block, err, "%.*s%s", (int)name.len, name.data,
                                  TNI_TF_INDEX_SUFFIX);
    }
    return status;
}

static tn_status look_around(tni_write *write, const tni_names *siblings, tn_error *err)
{
    const tni_tf_write *state = write->state;
    return tni_meta_look_around(write, &state->meta, siblings, err);
}

/* Names that TensorFlow users give to checkpoints: ckpt-7, model.ckpt-1000, model.ckpt. */
static bool claims(tn_str name)
{
    size_t digits = 0;
    while (digits < name.len && name.data[name.len - 1 - digits] >= '0' &&
           name.data[name.len - 1 - digits] <= '9') {
        digits++;
    }
    tn_str stem = tn_str_first(name, name.len - digits);
    if (tn_str_ends(name, TN_LIT(TNI_TF_INDEX_SUFFIX))) {
        return true;
    }
    if (digits == 0 || !tn_str_ends(stem, TN_LIT("ckpt-"))) {
        return false;
    }
    return stem.len == 5 || stem.data[stem.len - 6] == '.';
}

const tni_writer_ops tni_tf_writer = {
    .stores = stores,
    .roles = (1u << TN_ROLE_COUNT) - 1u,
    .choose_layout = choose_layout,
    .name_ok = name_ok,
    .layout = layout,
    .headers = headers,
    .finish = finish,
    .read_back = read_back,
    .mains = mains,
    .look_around = look_around,
    .claims = claims,
    .links = true,
    .documents_follow = true,
    .bare_names = true,
};
