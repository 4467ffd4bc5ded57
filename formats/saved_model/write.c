/* Writing a SavedModel: with the graph of the one that it was (carry.h), or from weights alone, as
 * a checkpoint with its object graph in variables/, laid out by the checkpoint's own writer, and a
 * graph that both of TensorFlow's loaders restore it with. */
#include "formats/saved_model/write.h"

#include "core/error.h"
#include "formats/saved_model/carry.h"
#include "formats/saved_model/constant.h"
#include "formats/saved_model/layout.h"
#include "formats/shared/object_walk.h"
#include <tenon/text.h>

#define CHECKPOINT "tf_checkpoint"
#define FOLDER "variables/"
#define PREFIX "variables"

uint32_t tni_sm_dtype_number(tn_dtype dtype)
{
    for (uint32_t number = 1; number < TNI_SM_REF; number++) {
        if (tni_sm_dtype(number) == dtype) {
            return number;
        }
    }
    return 0;
}

bool tni_sm_trains(const tn_tensor *tensor)
{
    if (tensor->trainable != TN_TRAINABLE_UNKNOWN) {
        return tensor->trainable == TN_TRAINABLE_YES;
    }
    return tensor->role == TN_ROLE_VARIABLE && tn_dtype_about(tensor->dtype)->kind == TN_KIND_FLOAT;
}

/* What a variable may be: TensorFlow has operations that assign it. */
static tni_store_rule stores(tn_dtype dtype)
{
    bool known = tni_sm_dtype_number(dtype) != 0;
    tni_store_rule rule = {.how = known ? TNI_STORE_AS_IS : TNI_STORE_REFUSED};
    if (dtype == TN_QINT16 || dtype == TN_QUINT16 || dtype == TN_FLOAT8_E4M3FNUZ ||
        dtype == TN_FLOAT8_E4M3B11FNUZ || dtype == TN_FLOAT8_E5M2FNUZ || dtype == TN_VARIANT) {
        rule.how = TNI_STORE_REFUSED;
    }
    if (rule.how == TNI_STORE_REFUSED && tn_dtype_about(dtype)->kind == TN_KIND_FLOAT) {
        rule.hint = "TensorFlow has no variables of it: say --cast float32";
    } else if (rule.how == TNI_STORE_REFUSED) {
        rule.hint = "TensorFlow has no variables of it; a checkpoint holds it: --to tf_checkpoint";
    }
    return rule;
}

static bool name_ok(tn_str name, const char **why_out)
{
    tn_str rest = name, component;
    if (name.len == 0) {
        *why_out = "TensorFlow cannot load a variable without a name";
        return false;
    }
    if (!tn_utf8_valid(name)) {
        *why_out = "its name is not UTF-8";
        return false;
    }
    while (tni_object_component(&rest, &component)) {
        if (tn_str_ends(component, TN_LIT(".ATTRIBUTES"))) {
            *why_out = "TensorFlow cannot load a name with a part that ends in .ATTRIBUTES";
            return false;
        }
    }
    return true;
}

/* Names go into the checkpoint, or where its own writer or the graph judges them. */
static bool carried_name_ok(tn_str name, const char **why_out)
{
    return tni_format_find(TN_LIT(CHECKPOINT))->writer->name_ok(name, why_out);
}

static tn_status check_name(tn_str name, tn_error *err)
{
    static const char *const files[] = {".pb", ".pbtxt", ".meta"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (tn_str_ends(name, tn_str_of(files[i]))) {
            tn_status status =
                tni_fail(err, TN_E_USAGE, "a SavedModel is a folder, not a %s file", files[i]);
            tni_error_hint(err, "give a name without %s", files[i]);
            return status;
        }
    }
    return TN_OK;
}

static tn_status choose_layout(const tn_model *source, tn_str name, const char *asked, bool renamed,
                               tni_layout *layout_out, tn_error *err)
{
    (void)renamed;
    bool can = tni_sm_can_carry(source);
    bool graph = asked != NULL && strcmp(asked, "graph") == 0;
    bool weights = asked != NULL && strcmp(asked, "weights") == 0;
    if (asked != NULL && !graph && !weights) {
        tn_status status = tni_fail(err, TN_E_USAGE, "saved_model has no layout '%s'", asked);
        tni_error_hint(err, "its layouts are: graph, weights");
        return status;
    }
    if (graph && !can) {
        tn_status status =
            tni_fail(err, TN_E_IMPOSSIBLE, "the input is no SavedModel with a graph to carry");
        tni_error_hint(err, "leave --layout out");
        return status;
    }
    tn_status status = check_name(name, err);
    bool carried = can && !weights;
    bool tf2 = !carried || strcmp(tni_model_root(source)->layout, "tf2") == 0;
    if (status == TN_OK) {
        *layout_out = (tni_layout){.word = tf2 ? "tf2" : "tf1",
                                   .carries = carried && tf2,
                                   .graph = carried,
                                   .name_ok = carried ? carried_name_ok : NULL};
    }
    return status;
}

/* ---------------------------------------------------------------- layout */

/* Keeps what is in a buffer. */
static tn_status keep(tni_sm_write *w, const tni_buffer *buffer, tn_str *text_out, tn_error *err)
{
    tn_status status = tni_buffer_check(buffer, err);
    tn_str text = {buffer->len == 0 ? "" : buffer->data, buffer->len};
    return status == TN_OK ? tni_arena_str(w->arena, text, text_out, err) : status;
}

/* Gives the checkpoint's key of each tensor: its path, escaped. */
static tn_status make_keys(tni_sm_write *w, tn_error *err)
{
    void *keys = NULL, *paths = NULL;
    tni_arena scratch;
    tni_buffer text;
    tni_arena_init(&scratch, w->arena->ctx, UINT64_MAX);
    tni_buffer_init(&text, w->arena->ctx);
    tn_status status = tni_arena_array(w->arena, w->count, sizeof(tn_str), &keys, err);
    if (status == TN_OK) {
        status = tni_arena_array(&scratch, w->n_objects, sizeof(tn_str), &paths, err);
    }
    tn_str *path = paths;
    w->nest.keys = status == TN_OK ? keys : NULL;
    for (uint32_t i = 1; status == TN_OK && i < w->n_objects; i++) {
        const tni_sm_object *object = &w->objects[i];
        tni_buffer_reset(&text);
        if (object->parent != 0) {
            tni_buffer_str(&text, path[object->parent]);
            tni_buffer_char(&text, '/');
        }
        tni_object_escape(object->edge, &text);
        status = tni_buffer_check(&text, err);
        if (status == TN_OK) {
            tn_str made = {text.len == 0 ? "" : text.data, text.len};
            status = tni_arena_str(&scratch, made, &path[i], err);
        }
        if (status == TN_OK && object->tensor != TN_NO_INDEX) {
            tni_buffer_text(&text, "/.ATTRIBUTES/VARIABLE_VALUE");
            status = keep(w, &text, &w->nest.keys[object->tensor], err);
        }
    }
    tni_buffer_clear(&text);
    tni_arena_clear(&scratch);
    return status;
}

static tn_status make_main(tni_sm_write *w, tn_error *err)
{
    tni_buffer graph, objects, model;
    tn_context *ctx = w->arena->ctx;
    tni_buffer_init(&graph, ctx);
    tni_buffer_init(&objects, ctx);
    tni_buffer_init(&model, ctx);
    tn_status status = tni_sm_pack_graph(w, w->nest.keys, &graph, err);
    if (status == TN_OK) {
        status = tni_sm_pack_objects(w, &objects, err);
    }
    if (status == TN_OK) {
        status = tni_sm_pack_model(w, (tn_str){graph.data, graph.len},
                                   (tn_str){objects.data, objects.len}, &model, err);
    }
    if (status == TN_OK && model.len > INT32_MAX) { /* as for every message of protobuf */
        status = tni_fail(err, TN_E_CANNOT_HOLD,
                          "the graph of a SavedModel has at most 2 GiB, which is too little for "
                          "%u tensors",
                          w->count);
    }
    if (status == TN_OK) {
        status = keep(w, &model, &w->main, err);
    }
    tni_buffer_clear(&model);
    tni_buffer_clear(&objects);
    tni_buffer_clear(&graph);
    return status;
}

static tn_status make_checkpoint_objects(tni_sm_write *w, tn_error *err)
{
    tni_buffer objects;
    tni_buffer_init(&objects, w->arena->ctx);
    tn_status status = tni_sm_pack_checkpoint_objects(w, w->nest.keys, &objects, err);
    if (status == TN_OK) {
        status = keep(w, &objects, &w->nest.objects, err);
    }
    tni_buffer_clear(&objects);
    return status;
}

/* Has the checkpoint laid out by its own writer, and takes over its files below variables/, and its
 * items, which are in the same files. */
static tn_status lay_out_checkpoint(tni_write *write, tni_sm_write *w, tn_error *err)
{
    void *block;
    const tni_writer_ops *writer = tni_format_find(TN_LIT(CHECKPOINT))->writer;
    w->variables = (tni_write){.ctx = write->ctx,
                               .arena = write->arena,
                               .model = write->model,
                               .name = PREFIX,
                               .options.max_shard_size = write->options.max_shard_size,
                               .layout.word = "objects",
                               .notes = write->notes,
                               .nest = &w->nest};
    tni_write *inner = &w->variables;
    tn_status status = writer->layout(inner, err);
    if (status == TN_OK) {
        status =
            tni_arena_array(write->arena, inner->n_files + 1, sizeof(tni_out_file), &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    write->files = block;
    write->n_files = inner->n_files + 1;
    write->index_file = (uint32_t)inner->n_files;
    write->items = inner->items;
    write->n_items = inner->n_items;
    for (size_t i = 0; status == TN_OK && i < inner->n_files; i++) {
        write->files[i].size = inner->files[i].size;
        status = tni_arena_format(write->arena, &write->files[i].name, err, FOLDER "%.*s",
                                  (int)inner->files[i].name.len, inner->files[i].name.data);
    }
    write->files[write->index_file] =
        (tni_out_file){.name = TN_LIT(TNI_SM_PB), .size = w->main.len};
    return status;
}

static tn_status make_parts(tni_write *write, tni_sm_write *w, tn_error *err)
{
    tn_status status;
    if ((status = tni_sm_paths_make(w, err)) != TN_OK ||
        (status = tni_sm_names_make(w, err)) != TN_OK || (status = make_keys(w, err)) != TN_OK ||
        (status = make_checkpoint_objects(w, err)) != TN_OK ||
        (status = make_main(w, err)) != TN_OK ||
        (status = lay_out_checkpoint(write, w, err)) != TN_OK) {
        return status;
    }
    return tni_sm_tell(write, w, err);
}

static tn_status layout(tni_write *write, tn_error *err)
{
    void *block;
    if (write->layout.graph) {
        return tni_sm_carry_layout(write, err);
    }
    tn_status status = tni_arena_alloc(write->arena, sizeof(tni_sm_write), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tni_sm_write *w = block;
    w->model = write->model;
    w->arena = write->arena;
    w->count = (uint32_t)tn_model_count(write->model);
    write->state = w;
    tni_hash_init(&w->taken, write->ctx, w->count);
    status = make_parts(write, w, err);
    tni_hash_clear(&w->taken);
    return status;
}

/* ---------------------------------------------------------------- writing */

static tn_status headers(tni_write *write, tn_error *err)
{
    if (write->layout.graph) {
        return tni_sm_carry_headers(write, err);
    }
    tni_sm_write *w = write->state;
    tni_write *inner = &w->variables;
    for (size_t i = 0; i < inner->n_files; i++) {
        inner->files[i].sink = write->files[i].sink;
    }
    tn_sink *main = write->files[write->index_file].sink;
    tn_status status = tni_sink_write(main, 0, w->main.data, w->main.len, err);
    const tni_writer_ops *writer = tni_format_find(TN_LIT(CHECKPOINT))->writer;
    return status == TN_OK ? writer->headers(inner, err) : status;
}

static tn_status finish(tni_write *write, tn_error *err)
{
    if (write->layout.graph) {
        return tni_sm_carry_finish(write, err);
    }
    tni_sm_write *w = write->state;
    return tni_format_find(TN_LIT(CHECKPOINT))->writer->finish(&w->variables, err);
}

static tn_status read_back(tni_write *write, const char *staged, tn_error *err)
{
    return write->layout.graph ? tni_sm_carry_read_back(write, staged, err) : TN_OK;
}

static tn_status mains(tn_str name, tni_arena *arena, tni_names *mains_out, tn_error *err)
{
    void *block;
    (void)name;
    tn_status status = tni_arena_array(arena, 2, sizeof(tn_str), &block, err);
    if (status == TN_OK) {
        tn_str *main = block;
        main[0] = TN_LIT(TNI_SM_PB);
        main[1] = TN_LIT(TNI_SM_TEXT);
        *mains_out = (tni_names){main, 2};
    }
    return status;
}

const tni_writer_ops tni_sm_writer = {
    .stores = stores,
    .roles = ((1u << TN_ROLE_COUNT) - 1u) & ~(1u << TN_ROLE_METADATA),
    .choose_layout = choose_layout,
    .name_ok = name_ok,
    .layout = layout,
    .headers = headers,
    .finish = finish,
    .read_back = read_back,
    .mains = mains,
    .folder = true,
    .schemes = true,
    .documents_follow = true,
    .bare_names = true,
};
