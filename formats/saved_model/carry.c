/* Writing a SavedModel from a SavedModel: the checkpoint by its own writer, the graph as splices of
 * the old one, the other files as they are. */
#include "formats/saved_model/carry.h"
#include "core/buffer.h"
#include "core/error.h"
#include "formats/saved_model/index.h"
#include "formats/saved_model/rename.h"

#define CHECKPOINT "tf_checkpoint"
#define FOLDER "variables/"
#define PREFIX "variables"

bool tni_sm_can_carry(const tn_model *source)
{
    const tn_model *root = tni_model_root(source);
    bool any = false;
    if (strcmp(root->format->name, "saved_model") != 0 || root->graph->kind != TNI_SM_MODEL) {
        return false;
    }
    for (size_t i = 0; !any && i < root->count; i++) {
        any = root->tensors[i].role != TN_ROLE_CONSTANT;
    }
    return any;
}

static const tni_writer_ops *checkpoint_writer(void)
{
    return tni_format_find(TN_LIT(CHECKPOINT))->writer;
}

/* ---------------------------------------------------------------- layout */

static tn_status begin(tni_write *write, tni_sm_carry *carry, tn_error *err)
{
    const tn_model *root = tni_model_root(write->model);
    tn_str path = tn_str_of(tni_source_path(root->graph->source));
    tn_scheme scheme = write->options.scheme;
    *carry = (tni_sm_carry){.root = root};
    carry->folder = tn_str_first(path, path.len - tni_source_name(root->graph->source).len);
    carry->scheme = scheme == TN_SCHEME_OBJECT ? TN_SCHEME_NAME : scheme;
    carry->objects = root->n_objects > 0;
    tni_sm_new_edges_init(&carry->edges, write->arena);
    tni_sm_new_edges_init(&carry->copied, write->arena);
    if (scheme == TN_SCHEME_ORDER) {
        return tni_fail(err, TN_E_IMPOSSIBLE, "a graph has no names that count its variables");
    }
    if (carry->objects && !write->layout.carries) {
        return tni_fail(err, TN_E_IMPOSSIBLE,
                        "its checkpoint has an object graph, which its graph knows nothing of");
    }
    return TN_OK;
}

/* Has the checkpoint laid out by its own writer. */
static tn_status lay_out_checkpoint(tni_write *write, tni_sm_carry *carry, tn_error *err)
{
    carry->variables = (tni_write){
        .ctx = write->ctx,
        .arena = write->arena,
        .model = write->model,
        .name = PREFIX,
        .options.max_shard_size = write->options.max_shard_size,
        .layout = {.word = carry->objects ? "objects" : "names", .carries = carry->objects},
        .notes = write->notes,
        .nest = carry->nest.keys == NULL ? NULL : &carry->nest};
    return checkpoint_writer()->layout(&carry->variables, err);
}

static tn_status append(void *state, const void *data, size_t len, tn_error *err)
{
    tni_buffer_add(state, data, len);
    return tni_buffer_check(state, err);
}

/* Writes a message anew in memory. */
static tn_status splice_text(tni_write *write, tn_str text, const tni_splices *splices,
                             tn_str *text_out, tn_error *err)
{
    tni_buffer out;
    size_t from = 0;
    tn_status status = TN_OK;
    tni_buffer_init(&out, write->ctx);
    for (size_t i = 0; status == TN_OK && i < splices->count; i++) {
        const tni_splice *splice = &splices->at[i];
        status = append(&out, text.data + from, (size_t)splice->at - from, err);
        if (status == TN_OK) {
            status = append(&out, splice->bytes.data, splice->bytes.len, err);
        }
        from = (size_t)(splice->at + splice->gone);
    }
    if (status == TN_OK) {
        status = append(&out, text.data + from, text.len - from, err);
    }
    if (status == TN_OK) {
        status = tni_arena_str(write->arena, (tn_str){out.data, out.len}, text_out, err);
    }
    tni_buffer_clear(&out);
    return status;
}

/* Makes the checkpoint's object graph with other keys and full names. */
static tn_status make_objects(tni_write *write, tni_sm_carry *carry, tn_error *err)
{
    tni_sm_new_names names;
    tni_splices splices;
    tni_sm_rename rename = {.names = &names};
    const tni_carrier *graph = tni_model_carrier(carry->root, TNI_SM_OBJECTS_CARRIER);
    tni_sm_new_names_init(&names, write->arena);
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < carry->n_keys; i++) {
        status = tni_sm_new_key(&names, carry->keys[i].from, carry->keys[i].to, err);
    }
    for (size_t i = 0; status == TN_OK && i < carry->n_nodes; i++) {
        status = tni_sm_new_node(&names, carry->nodes[i].from, carry->nodes[i].to, err);
    }
    if (status == TN_OK) {
        status =
            tni_sm_rename_objects(write->ctx, graph->bytes, &rename, write->arena, &splices, err);
    }
    if (status == TN_OK) {
        status = splice_text(write, graph->bytes, &splices, &carry->nest.objects, err);
    }
    tni_sm_new_names_clear(&names);
    return status;
}

/* Says the checkpoint's keys and object graph where they do not follow from the names. */
static tn_status make_nest(tni_write *write, tni_sm_carry *carry, tn_error *err)
{
    void *block;
    size_t count = write->model->count;
    bool follows =
        carry->scheme == TN_SCHEME_NAME || (carry->scheme == TN_SCHEME_KEY && !carry->objects);
    if (follows) {
        return TN_OK;
    }
    tn_status status = tni_arena_array(write->arena, count + 1, sizeof(tn_str), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tn_str *keys = block;
    for (size_t i = 0; i < count; i++) {
        const tn_tensor *tensor = &write->model->tensors[i];
        keys[i] = carry->scheme == TN_SCHEME_KEY
                      ? tensor->alias[TN_SCHEME_NAME]
                      : tni_sm_carry_old(carry, tensor)->alias[TN_SCHEME_KEY];
    }
    carry->nest.keys = keys;
    return carry->objects ? make_objects(write, carry, err) : TN_OK;
}

/* Finds out what changes in the graph. */
static tn_status change_graph(tni_write *write, tni_sm_carry *carry, tni_splices *splices_out,
                              tn_error *err)
{
    bool plain = carry->scheme == TN_SCHEME_NAME && !carry->objects;
    tni_sm_changes changes = {.keys = {carry->keys, carry->n_keys, false},
                              .follow = plain,
                              .nodes = carry->nodes,
                              .n_nodes = carry->n_nodes,
                              .edges = &carry->edges,
                              .copied = &carry->copied};
    bool any = carry->n_nodes > 0 || carry->copied.count > 0;
    for (size_t i = 0; !any && i < carry->n_keys; i++) {
        any = !tn_str_equal(carry->keys[i].from, carry->keys[i].to);
    }
    if (carry->objects && any) {
        changes.objects = carry->root->objects;
        changes.n_objects = (uint32_t)carry->root->n_objects;
    }
    return tni_sm_change(carry->root->graph, &changes, write->arena, splices_out, err);
}

/* Puts the checkpoint's files and the others together. */
static tn_status list_files(tni_write *write, tni_sm_carry *carry, const tni_splices *splices,
                            tn_error *err)
{
    void *block;
    const tni_write *inner = &carry->variables;
    size_t most = inner->n_files + tni_sm_carry_most_files(carry);
    tn_status status = tni_arena_array(write->arena, most, sizeof(tni_out_file), &block, err);
    tni_out_file *files = block;
    for (size_t i = 0; status == TN_OK && i < inner->n_files; i++) {
        files[i].size = inner->files[i].size;
        status = tni_arena_format(write->arena, &files[i].name, err, FOLDER "%.*s",
                                  (int)inner->files[i].name.len, inner->files[i].name.data);
    }
    if (status != TN_OK) {
        return status;
    }
    write->files = files;
    write->n_files = inner->n_files;
    write->index_file = (uint32_t)inner->n_files;
    write->items = inner->items;
    write->n_items = inner->n_items;
    return tni_sm_carry_files(write, carry, splices, files, err);
}

/* Lays the output out. *renames_out tells whether renames that the object graph cannot follow are
 * in its way. */
static tn_status lay_out(tni_write *write, tni_sm_carry *carry, bool *renames_out, tn_error *err)
{
    tni_splices splices;
    tn_status status = begin(write, carry, err);
    bool by_path = carry->objects && carry->scheme == TN_SCHEME_NAME;
    if (status == TN_OK && by_path) {
        status = tni_sm_carry_edges(write, carry, err);
        *renames_out = status != TN_OK;
    }
    if (status == TN_OK && carry->scheme == TN_SCHEME_FULL) {
        status = tni_sm_carry_nodes(write, carry, err);
    }
    if (status == TN_OK && (status = tni_sm_carry_keys(write, carry, err)) == TN_OK &&
        (status = make_nest(write, carry, err)) == TN_OK) {
        status = lay_out_checkpoint(write, carry, err);
        *renames_out = status != TN_OK && by_path;
    }
    if (status == TN_OK && (status = change_graph(write, carry, &splices, err)) == TN_OK) {
        status = list_files(write, carry, &splices, err);
    }
    tni_sm_new_edges_clear(&carry->edges);
    tni_sm_new_edges_clear(&carry->copied);
    return status;
}

tn_status tni_sm_carry_layout(tni_write *write, tn_error *err)
{
    void *block;
    tn_error why = {0};
    bool renames = false;
    tn_status status = tni_arena_alloc(write->arena, sizeof(tni_sm_carry), &block, err);
    if (status != TN_OK) {
        return status;
    }
    write->state = block;
    status = lay_out(write, block, &renames, &why);
    if (status == TN_USAGE || status == TN_NO) {
        tni_error_hint(&why,
                       "%ssay --layout weights for a new SavedModel of the weights alone, without "
                       "the input's graph and signatures",
                       renames ? "rename keys or graph names with --scheme key or full, or " : "");
    }
    if (status != TN_OK && err != NULL && err->status == TN_OK) {
        *err = why;
    }
    return status;
}

/* ---------------------------------------------------------------- writing */

/* Copies one file, the graph's with its splices. */
static tn_status copy(tni_write *write, const tni_sm_carry *carry, tni_sm_file *file, tn_error *err)
{
    bool main = file == carry->files;
    tni_splices_sum sum = {0};
    tn_source *source = NULL;
    tn_status status = TN_OK;
    if (main) {
        source = tni_source_retain(carry->root->graph->source);
    } else {
        status = tni_source_open(write->ctx, file->path.data, &source, err);
    }
    if (status == TN_OK) {
        status = tni_splices_write(write->ctx, source, &file->edit, write->files[file->file].sink,
                                   &sum, err);
    }
    if (status == TN_OK && sum.size != file->edit.size) {
        status = tni_fail(err, TN_E_CHANGED, "the file changed while it was read");
    }
    if (status == TN_OK) {
        status = tni_source_unchanged(source, err);
    }
    if (status != TN_OK) {
        tni_error_path(err, file->path.data);
    }
    tni_source_release(source);
    file->sum = sum.crc;
    return status;
}

tn_status tni_sm_carry_headers(tni_write *write, tn_error *err)
{
    tni_sm_carry *carry = write->state;
    tn_status status = TN_OK;
    for (size_t i = 0; i < carry->variables.n_files; i++) {
        carry->variables.files[i].sink = write->files[i].sink;
    }
    for (size_t i = 0; status == TN_OK && i < carry->n_files; i++) {
        status = copy(write, carry, &carry->files[i], err);
    }
    return status == TN_OK ? checkpoint_writer()->headers(&carry->variables, err) : status;
}

tn_status tni_sm_carry_finish(tni_write *write, tn_error *err)
{
    tni_sm_carry *carry = write->state;
    return checkpoint_writer()->finish(&carry->variables, err);
}

/* ---------------------------------------------------------------- read-back */

static tn_status wrong(tn_str name, const char *what, tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_VERIFY, "the staged output %s", what);
    tni_error_subject(err, name);
    tni_error_hint(err, "nothing was written in its place; please report this as a bug of tenon");
    return status;
}

static tn_status compare_file(tni_write *write, const tni_sm_file *file, const char *staged,
                              tn_error *err)
{
    tn_str path, name = write->files[file->file].name;
    tn_source *source;
    tni_splices_sum sum;
    tni_splices none = {.count = 0};
    tn_status status =
        tni_arena_format(write->arena, &path, err, "%s/%.*s", staged, (int)name.len, name.data);
    if (status == TN_OK) {
        status = tni_source_open(write->ctx, path.data, &source, err);
    }
    if (status != TN_OK) {
        return status;
    }
    status = tni_splices_write(write->ctx, source, &none, NULL, &sum, err);
    if (status == TN_OK && (sum.size != file->edit.size || sum.crc != file->sum)) {
        status = wrong(name, "reads back with other bytes", err);
    }
    tni_source_release(source);
    return status;
}

/* Everything that the graph was told to restore has been written: items were read back already. */
static tn_status compare_keys(const tni_write *write, const tni_sm_carry *carry, tn_error *err)
{
    tni_hash keys;
    tn_status status = TN_OK;
    tni_hash_init(&keys, write->ctx, write->n_items);
    for (size_t i = 0; status == TN_OK && i < write->n_items; i++) {
        status = tni_hash_set(&keys, write->items[i].key, (uint32_t)i, err);
    }
    for (size_t i = 0; status == TN_OK && i < carry->n_keys; i++) {
        tn_str to = carry->keys[i].to;
        if (to.data != NULL && tni_hash_get(&keys, to) == TNI_HASH_NONE) {
            status = wrong(to, "lacks what its graph restores", err);
        }
    }
    tni_hash_clear(&keys);
    return status;
}

tn_status tni_sm_carry_read_back(tni_write *write, const char *staged, tn_error *err)
{
    const tni_sm_carry *carry = write->state;
    tn_status status = compare_keys(write, carry, err);
    for (size_t i = 0; status == TN_OK && i < carry->n_files; i++) {
        status = compare_file(write, &carry->files[i], staged, err);
    }
    return status;
}
