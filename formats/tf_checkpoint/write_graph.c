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

/* Lists a model's keys, twins included, sorted. */
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
        names.at[names.count++] = tensor->alias[TN_SCHEME_KEY];
        for (uint32_t k = 0; k < tensor->n_twins; k++) {
            names.at[names.count++] = tensor->twins[k];
        }
    }
    qsort(names.at, names.count, sizeof *names.at, by_bytes);
    *names_out = names;
    return TN_OK;
}

tn_status tni_tf_graph_make(tni_write *write, tni_tf_write *state, tn_error *err)
{
    const tn_model *root = tni_model_root(write->model);
    const tni_carrier *graph = tni_model_carrier(root, "tf_object_graph");
    tni_names present, written;
    tni_buffer pruned, block;
    tni_buffer_init(&pruned, write->ctx);
    tni_buffer_init(&block, write->ctx);
    tn_status status = list_keys(write->arena, root, &present, err);
    if (status == TN_OK) {
        status = list_keys(write->arena, write->model, &written, err);
    }
    if (status == TN_OK) {
        status = tni_tf_graph_prune(write->ctx, graph->bytes, &present, &written, &pruned, err);
    }
    if (status == TN_OK) {
        tn_str text = {pruned.len == 0 ? "" : pruned.data, pruned.len};
        state->graph_kept = tn_str_equal(text, graph->bytes);
        tni_tf_strings_encode(&text, 1, &block, &state->graph_sum);
        status = tni_buffer_check(&block, err);
    }
    if (status == TN_OK) {
        status = tni_arena_str(write->arena, (tn_str){block.data, block.len}, &state->graph, err);
    }
    tni_buffer_clear(&block);
    tni_buffer_clear(&pruned);
    return status;
}
