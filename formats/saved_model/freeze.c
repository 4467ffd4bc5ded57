/* Freezing: a graph of TensorFlow 1 with its variables as constants, alone in one file
 * (convert_variables_to_constants in tensorflow/python/framework/convert_to_constants.py). */
#include "formats/saved_model/freeze.h"
#include "core/error.h"

/* Splits the path, and refuses what no new file can be. */
static tn_status find_place(tni_sm_freeze *f, const char *out, bool replace, tn_str *folder_out,
                            tn_str *name_out, tn_error *err)
{
    const char *slash = strrchr(out, '/');
    size_t cut = slash == NULL ? 0 : (size_t)(slash - out) + 1;
    tni_path_kind kind;
    tn_status status = tni_arena_str(&f->arena, (tn_str){out, cut}, folder_out, err);
    if (status == TN_OK) {
        status = tni_arena_str(&f->arena, tn_str_of(out + cut), name_out, err);
    }
    if (status == TN_OK) {
        status = tni_path_kind_of(f->ctx, out, &kind, err);
    }
    if (status != TN_OK) {
        return status;
    }
    if (kind == TNI_PATH_FOLDER || name_out->len == 0) {
        status = tni_fail(err, TN_E_USAGE, "the output is a folder");
        tni_error_hint(err, "name a file in it: %s%sfrozen.pb", out, cut == strlen(out) ? "" : "/");
    } else if (kind == TNI_PATH_OTHER) {
        status = tni_fail(err, TN_E_USAGE, "the output is neither a new name nor a regular file");
    } else if (tn_str_equal(*name_out, TN_LIT(TNI_SM_PB)) ||
               tn_str_ends(*name_out, TN_LIT(".pbtxt")) ||
               tn_str_ends(*name_out, TN_LIT(TNI_SM_META_SUFFIX))) {
        status = tni_fail(err, TN_E_USAGE,
                          "a frozen graph is a GraphDef in binary form, and would "
                          "be taken for something else by this name");
        tni_error_hint(err, "name it so: %.*sfrozen.pb", (int)cut, out);
    } else if (kind == TNI_PATH_FILE && !replace) {
        status = tni_fail(err, TN_E_EXISTS, "the output exists");
        tni_error_hint(err, "say -f to replace it, or choose another name");
    }
    tni_error_path(status == TN_OK ? NULL : err, out);
    return status;
}

static tn_status not_input(const tni_sm_freeze *f, const char *out, tn_source *input, tn_error *err)
{
    uint64_t device, inode, out_device, out_inode;
    tni_path_kind kind;
    tn_source *old;
    tn_status status = tni_path_kind_of(f->ctx, out, &kind, err);
    if (status != TN_OK || kind != TNI_PATH_FILE) {
        return status;
    }
    status = tni_source_open(f->ctx, out, &old, err);
    if (status != TN_OK) {
        return status;
    }
    bool same = tni_source_identity(old, &out_device, &out_inode) &&
                tni_source_identity(input, &device, &inode) && device == out_device &&
                inode == out_inode;
    tni_source_release(old);
    if (same) {
        status = tni_fail(err, TN_E_SAME_FILE, "the output would replace the input's file %s",
                          tni_source_path(input));
        tni_error_path(err, out);
        tni_error_hint(err, "write it under another name");
    }
    return status;
}

/* Calls a check with each file that is read. */
static tn_status each_input(const tni_sm_freeze *f, const char *out, tn_error *err)
{
    tn_status status = out != NULL ? not_input(f, out, f->graph->source, err)
                                   : tni_source_unchanged(f->graph->source, err);
    for (size_t i = 0; f->checkpoint != NULL && status == TN_OK && i < f->checkpoint->n_sources;
         i++) {
        tn_source *source = f->checkpoint->sources[i];
        status = out != NULL ? not_input(f, out, source, err) : tni_source_unchanged(source, err);
    }
    return status;
}

/* Writes into the staging folder and proves it. */
static tn_status stage(tni_sm_freeze *f, tni_output *output, tn_str name, tn_error *err)
{
    tn_sink *sink;
    uint32_t crc = 0;
    tn_str path;
    tn_status status;
    if ((status = tni_output_create(output, name, f->size, &sink, err)) != TN_OK ||
        (status = tni_sm_freeze_write(f, sink, &crc, err)) != TN_OK ||
        (status = each_input(f, NULL, err)) != TN_OK ||
        (status = tni_arena_format(&f->arena, &path, err, "%s/%.*s", tni_output_staged(output),
                                   (int)name.len, name.data)) != TN_OK) {
        return status;
    }
    return tni_sm_freeze_read_back(f, path.data, crc, err);
}

static tn_status write_output(tni_sm_freeze *f, tn_str folder, tn_str name, bool replace,
                              tn_error *err)
{
    tni_output *output = NULL;
    const tni_output_options options = {.replace = replace};
    tn_status status = tni_output_new(f->ctx, folder.data, name, &options, &output, err);
    if (status == TN_OK) {
        status = stage(f, output, name, err);
    }
    if (status == TN_OK) {
        status = tni_output_commit(output, name, err);
    }
    tni_output_free(output);
    return status;
}

static tn_status take_outputs(tni_sm_freeze *f, const tn_freeze_options *options, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(&f->arena, options->n_outputs, sizeof(tn_str), &block, err);
    if (status != TN_OK) {
        return status;
    }
    for (size_t i = 0; i < options->n_outputs; i++) {
        ((tn_str *)block)[i] = tn_str_of(options->outputs[i]);
    }
    f->outputs = block;
    f->n_outputs = options->n_outputs;
    return options->n_outputs > 0 ? TN_OK
                                  : tni_fail(err, TN_E_USAGE, "no outputs of the graph are named");
}

static tn_status freeze(tni_sm_freeze *f, const char *out, const tn_freeze_options *options,
                        tn_error *err)
{
    tn_str folder, name;
    tn_status status;
    if ((status = take_outputs(f, options, err)) != TN_OK ||
        (status = find_place(f, out, options->replace, &folder, &name, err)) != TN_OK ||
        (status = tni_sm_freeze_reach(f, err)) != TN_OK ||
        (status = tni_sm_freeze_fates(f, err)) != TN_OK ||
        (status = tni_sm_freeze_values(f, err)) != TN_OK ||
        (status = tni_sm_freeze_layout(f, err)) != TN_OK ||
        (status = each_input(f, out, err)) != TN_OK) {
        return status;
    }
    return write_output(f, folder, name, options->replace, err);
}

tn_status tn_graph_freeze(tn_graph *graph, size_t meta, const char *out,
                          const tn_freeze_options *options, tn_frozen *frozen_out, tn_error *err)
{
    tni_sm_freeze f = {.ctx = graph->ctx, .graph = graph, .meta = &graph->metas[meta]};
    tni_arena_init(&f.arena, f.ctx, f.ctx->limits.memory);
    tni_buffer_init(&f.head, f.ctx);
    tni_buffer_init(&f.parts, f.ctx);
    tn_status status = freeze(&f, out, options, err);
    if (status == TN_OK) {
        *frozen_out = (tn_frozen){.operations = f.n_nodes,
                                  .variables = f.n_values,
                                  .functions = f.n_functions,
                                  .bytes = f.size};
    }
    tni_buffer_clear(&f.parts);
    tni_buffer_clear(&f.head);
    tn_model_free(f.checkpoint);
    tni_arena_clear(&f.arena);
    return status;
}
