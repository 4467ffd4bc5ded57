/* The object graph that goes with what is written. */
#include "core/error.h"
#include "formats/tf_checkpoint/graph_prune.h"
#include "formats/tf_checkpoint/layout.h"
#include "formats/tf_checkpoint/strings.h"
#include "formats/tf_checkpoint/write.h"
#include <stdlib.h>

static int by_bytes(const void *a, const void *b)
{
    return tn_str_compare(*(const tn_str *)a, *(const tn_str *)b);
}

/* Lists the keys under which the source holds a model's tensors, twins included, sorted. */
static tn_status list_keys(tni_arena *arena, const tn_model *model, tni_names *names_out,
                           tn_error *err)
{
    size_t most = 0;
    for (size_t i = 0; i < model->count; i++) {
        most += 1 + (size_t)model->tensors[i].n_twins;
    }
    void *block;
    tn_status status = tni_arena_array(arena, most, sizeof(tn_str), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tni_names names = {block, 0};
    for (size_t i = 0; i < model->count; i++) {
        const tn_tensor *tensor = &model->tensors[i];
        names.at[names.count++] = tni_tf_stored_key(tensor);
        for (uint32_t k = 0; k < tensor->n_twins; k++) {
            names.at[names.count++] = tensor->twins[k];
        }
    }
    qsort(names.at, names.count, sizeof *names.at, by_bytes);
    *names_out = names;
    return TN_OK;
}

/* Takes what is not written out of the source's graph, and has the rest follow the names that
 * tensors get. *relabel_out stays NULL where none is renamed. */
static tn_status edit_graph(const tn_model *model, tni_arena *arena, tni_buffer *out,
                            tni_relabel **relabel_out, tn_error *err)
{
    const tn_model *root = tni_model_root(model);
    const tni_carrier *graph = tni_model_carrier(root, TNI_TF_GRAPH_CARRIER);
    tni_names present, written;
    tni_buffer pruned;
    void *relabel = NULL;
    bool follows = tni_tf_any_renamed(model);
    tni_buffer_init(&pruned, model->ctx);
    tn_status status = list_keys(arena, root, &present, err);
    if (status == TN_OK) {
        status = list_keys(arena, model, &written, err);
    }
    if (status == TN_OK) {
        status = tni_tf_graph_prune(model->ctx, graph->bytes, &present, &written,
                                    follows ? &pruned : out, err);
    }
    if (status == TN_OK && follows) {
        status = tni_arena_alloc(arena, sizeof(tni_relabel), &relabel, err);
    }
    if (status == TN_OK && follows) {
        status = tni_relabel_begin(root->objects, (uint32_t)root->n_objects, arena, relabel, err);
    }
    if (status == TN_OK && follows) {
        status = tni_tf_graph_follow(model, (tn_str){pruned.data, pruned.len}, relabel, out, err);
    }
    tni_buffer_clear(&pruned);
    *relabel_out = relabel;
    return status;
}

tn_status tni_tf_graph_can_follow(const tn_model *model, tn_error *err)
{
    tni_arena arena;
    tni_buffer graph;
    tni_relabel *relabel;
    tni_arena_init(&arena, model->ctx, model->ctx->limits.memory);
    tni_buffer_init(&graph, model->ctx);
    tn_status status = edit_graph(model, &arena, &graph, &relabel, err);
    tni_buffer_clear(&graph);
    tni_arena_clear(&arena);
    return status;
}

tn_status tni_tf_graph_keep(tni_write *write, tni_tf_write *state, tn_str graph, tn_error *err)
{
    tni_buffer block;
    tni_buffer_init(&block, write->ctx);
    tni_tf_strings_encode(&graph, 1, &block, &state->graph_sum);
    tn_status status = tni_buffer_check(&block, err);
    if (status == TN_OK) {
        status = tni_arena_str(write->arena, (tn_str){block.data, block.len}, &state->graph, err);
    }
    tni_buffer_clear(&block);
    return status;
}

tn_status tni_tf_graph_make(tni_write *write, tni_tf_write *state, tn_error *err)
{
    const tn_model *root = tni_model_root(write->model);
    const tni_carrier *graph = tni_model_carrier(root, TNI_TF_GRAPH_CARRIER);
    tni_buffer edited;
    tni_buffer_init(&edited, write->ctx);
    tn_status status = edit_graph(write->model, write->arena, &edited, &state->relabel, err);
    if (status == TN_OK) {
        tn_str text = {edited.len == 0 ? "" : edited.data, edited.len};
        state->graph_kept = tn_str_equal(text, graph->bytes);
        status = tni_tf_graph_keep(write, state, text, err);
    }
    tni_buffer_clear(&edited);
    return status;
}
