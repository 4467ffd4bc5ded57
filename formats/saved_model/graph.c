/* The public face of graphs: opening, and what a MetaGraph is. */
#include <tenon/graph.h>

#include "core/error.h"
#include "formats/saved_model/constant.h"
#include "formats/saved_model/index.h"
#include <stdio.h>

tn_graph *tn_model_graph(const tn_model *model)
{
    return tni_model_root(model)->graph;
}

const char *tn_graph_path(const tn_graph *graph)
{
    return tni_source_path(graph->source);
}

size_t tn_graph_count(const tn_graph *graph)
{
    return graph->n_metas;
}

tn_meta_graph tn_graph_at(const tn_graph *graph, size_t meta)
{
    const tni_sm_meta *m = &graph->metas[meta];
    return (tn_meta_graph){.tags = m->tags,
                           .n_tags = m->n_tags,
                           .version = m->version,
                           .n_operations = m->n_nodes,
                           .n_own = m->n_own,
                           .n_functions = m->functions.count,
                           .n_collections = m->collections.count,
                           .n_signatures = m->signatures.count,
                           .n_assets = m->assets.count};
}

size_t tn_graph_chosen(const tn_graph *graph)
{
    if (graph->chosen != TN_NO_INDEX) {
        return graph->chosen;
    }
    return graph->n_metas == 1 ? 0 : SIZE_MAX;
}

tn_status tn_graph_say_tags(const tn_graph *graph, tn_error *err)
{
    return tni_sm_fail_tags(graph, TN_E_AMBIGUOUS, "there are several MetaGraphs: say which", err);
}

const char *tn_graph_type_name(uint32_t type)
{
    return tni_sm_dtype_word(type > TNI_SM_REF ? type - TNI_SM_REF : type);
}

/* Finds the file that holds the graph: `path` itself, the message of a SavedModel's folder, or the
 * .meta of a checkpoint. */
static tn_status find_file(tn_context *ctx, const char *path, tni_arena *arena, tn_str *file_out,
                           tn_error *err)
{
    static const char *const forms[] = {"%s", "%s/" TNI_SM_PB, "%s/" TNI_SM_TEXT,
                                        "%s/" TNI_SM_CHUNKED, "%s" TNI_SM_META_SUFFIX};
    tn_str text = tn_str_of(path);
    char prefix[4096];
    bool index = tn_str_ends(text, TN_LIT(".index")) && text.len < sizeof prefix;
    if (index) {
        snprintf(prefix, sizeof prefix, "%.*s", (int)(text.len - 6), path);
    }
    for (size_t i = index ? 4 : 0; i < sizeof forms / sizeof forms[0]; i++) {
        tni_path_kind kind;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        tn_status status = tni_arena_format(arena, file_out, err, forms[i], index ? prefix : path);
#pragma GCC diagnostic pop
        if (status == TN_OK) {
            status = tni_path_kind_of(ctx, file_out->data, &kind, err);
        }
        if (status != TN_OK || kind == TNI_PATH_FILE) {
            return status;
        }
    }
    tn_status status = tni_fail(err, TN_E_NOT_FOUND, "there is no graph");
    tni_error_path(err, path);
    tni_error_hint(err, "name a SavedModel's folder, a .meta, a checkpoint with a .meta beside it, "
                        "or a GraphDef");
    return status;
}

static tn_status open_file(tn_context *ctx, const char *path, tn_graph **graph_out, tn_error *err)
{
    tn_source *source;
    tn_status status = tni_source_open(ctx, path, &source, err);
    if (status != TN_OK) {
        return status;
    }
    status = tni_sm_index_load(ctx, source, graph_out, err);
    if (status != TN_OK) {
        tni_source_release(source);
    } else {
        (*graph_out)->own_source = true;
    }
    return status;
}

tn_status tn_graph_open(tn_context *ctx, const char *path, const char *tags, tn_graph **graph_out,
                        tn_error *err)
{
    tni_arena arena;
    tn_str file;
    tn_graph *graph = NULL;
    tni_arena_init(&arena, ctx, ctx->limits.memory);
    tn_status status = find_file(ctx, path, &arena, &file, err);
    if (status == TN_OK) {
        status = open_file(ctx, file.data, &graph, err);
    }
    tni_arena_clear(&arena);
    if (status == TN_OK) {
        status = tni_sm_choose(graph, tags, err);
    }
    if (status != TN_OK) {
        tn_graph_free(graph);
        return status;
    }
    *graph_out = graph;
    return TN_OK;
}

void tn_graph_free(tn_graph *graph)
{
    if (graph != NULL) {
        tni_sm_index_free(graph);
    }
}
