#include "formats/saved_model/read.h"
#include "core/error.h"

static void free_graph(void *state)
{
    tni_sm_index_free(state);
}

/* Says what wrote the file. */
static tn_status add_producer(tn_model *model, const tn_graph *graph, tn_error *err)
{
    const tni_sm_meta *meta = &graph->metas[0];
    tn_status status = TN_OK;
    if (meta->version.len > 0) {
        status = tni_model_producer_add(model, TN_LIT("tensorflow"), meta->version, err);
    }
    if (status == TN_OK && meta->git_version.len > 0) {
        status = tni_model_producer_add(model, TN_LIT("tensorflow_git"), meta->git_version, err);
    }
    return status;
}

/* TF2 is what TensorFlow's own loader takes for it: one MetaGraph, with an object graph. */
static const char *layout_of(const tn_graph *graph)
{
    static const char *const words[] = {"tf1", "meta", "graph"};
    bool tf2 =
        graph->kind == TNI_SM_MODEL && graph->n_metas == 1 && graph->metas[0].objects.data != NULL;
    return tf2 ? "tf2" : words[graph->kind];
}

static tn_status fill(tni_read *read, tn_graph *graph, tni_arena *scratch, tn_error *err)
{
    tn_model *model = read->model;
    tn_status status;
    model->layout = layout_of(graph);
    model->graph = graph;
    if ((status = tni_sm_choose(graph, read->tags, err)) != TN_OK ||
        (status = add_producer(model, graph, err)) != TN_OK ||
        (status = tni_model_file(model, tni_source_name(read->main), tni_source_size(read->main),
                                 err)) != TN_OK ||
        (status = tni_sm_add_variables(read, graph, scratch, err)) != TN_OK ||
        (status = tni_sm_add_constants(read, graph, scratch, err)) != TN_OK) {
        return status;
    }
    return tni_model_finish(model, err);
}

tn_status tni_sm_open(tni_read *read, tn_error *err)
{
    tn_graph *graph;
    tni_arena scratch;
    tn_status status = tni_sm_index_load(read->ctx, read->main, &graph, err);
    if (status == TN_OK) {
        status = tni_model_close_with(read->model, free_graph, graph, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tni_arena_init(&scratch, read->ctx, read->ctx->limits.memory);
    status = fill(read, graph, &scratch, err);
    tni_arena_clear(&scratch);
    return status;
}
