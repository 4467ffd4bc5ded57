/* What `saved_model_cli show --all` prints (tensorflow/python/tools/saved_model_cli.py, 2.21).
 * Where it prints a set in no order, ours is in order. */
#include "formats/saved_model/style_tf.h"
#include "core/error.h"
#include "formats/saved_model/constant.h"
#include <inttypes.h>
#include <stdlib.h>

static void put_tensor(tni_buffer *out, const tn_graph_tensor *tensor)
{
    const char *word = tni_sm_dtype_word(tensor->type);
    const char *ref = "";
    if (word == NULL) {
        word = tn_graph_type_name(tensor->type);
        ref = "_REF";
    }
    tni_buffer_format(out, "        dtype: DT_%s%s\n        shape: ", word == NULL ? "?" : word,
                      word == NULL ? "" : ref);
    if (!tensor->known_rank) {
        tni_buffer_text(out, "unknown_rank");
    } else {
        tni_buffer_char(out, '(');
        for (uint32_t i = 0; i < tensor->rank; i++) {
            tni_buffer_format(out, "%s%" PRId64, i == 0 ? "" : ", ", tensor->shape[i]);
        }
        tni_buffer_char(out, ')');
    }
    tni_buffer_text(out, "\n        name: ");
    tni_buffer_str(out, tensor->name);
    tni_buffer_char(out, '\n');
}

static void put_tensors(tni_buffer *out, const char *word, const tn_graph_tensor *tensors,
                        size_t count)
{
    tni_buffer_format(out, "  The given SavedModel SignatureDef contains the following %s(s):\n",
                      word);
    for (size_t i = 0; i < count; i++) {
        tni_buffer_format(out, "    %ss['", word);
        tni_buffer_str(out, tensors[i].key);
        tni_buffer_text(out, "'] tensor_info:\n");
        put_tensor(out, &tensors[i]);
    }
}

static void put_signature(tni_buffer *out, const tn_signature *signature)
{
    tni_buffer_text(out, "\nsignature_def['");
    tni_buffer_str(out, signature->key);
    tni_buffer_text(out, "']:\n");
    put_tensors(out, "input", signature->inputs, signature->n_inputs);
    put_tensors(out, "output", signature->outputs, signature->n_outputs);
    tni_buffer_text(out, "  Method name is: ");
    tni_buffer_str(out, signature->method);
    tni_buffer_char(out, '\n');
}

static tn_status put_operations(tn_graph *graph, const tni_sm_meta *meta, tni_buffer *out,
                                tn_error *err)
{
    tn_str *ops;
    size_t count;
    tn_status status = tni_sm_used_operations(graph, meta, &ops, &count, err);
    if (status != TN_OK) {
        return status;
    }
    tni_buffer_text(out, "The MetaGraph with tag set [");
    for (uint32_t i = 0; i < meta->n_tags; i++) {
        tni_buffer_text(out, i == 0 ? "'" : ", '");
        tni_buffer_str(out, meta->tags[i]);
        tni_buffer_char(out, '\'');
    }
    tni_buffer_text(out, "] contains the following ops: ");
    tni_buffer_text(out, count == 0 ? "set()" : "{");
    for (size_t i = 0; i < count; i++) {
        tni_buffer_text(out, i == 0 ? "'" : ", '");
        tni_buffer_str(out, ops[i]);
        tni_buffer_char(out, '\'');
    }
    tni_buffer_text(out, count == 0 ? "\n" : "}\n");
    return TN_OK;
}

static tn_status put_meta(tn_graph *graph, size_t number, tni_buffer *out, tn_error *err)
{
    const tni_sm_meta *meta = &graph->metas[number];
    const tn_signature *signatures;
    tn_status status = tn_graph_signatures(graph, number, &signatures, err);
    if (status != TN_OK) {
        return status;
    }
    tni_buffer_text(out, "\nMetaGraphDef with tag-set: '");
    for (uint32_t i = 0; i < meta->n_tags; i++) {
        tni_buffer_text(out, i == 0 ? "" : ", ");
        tni_buffer_str(out, meta->tags[i]);
    }
    tni_buffer_text(out, "' contains the following SignatureDefs:\n");
    for (uint32_t i = 0; i < meta->signatures.count; i++) {
        put_signature(out, &signatures[i]);
    }
    return put_operations(graph, meta, out, err);
}

/* Compares two MetaGraphs' tags as Python compares lists. */
static int by_tags(const void *a, const void *b, void *user)
{
    const tni_sm_meta *metas = user;
    const tni_sm_meta *x = &metas[*(const uint32_t *)a], *y = &metas[*(const uint32_t *)b];
    for (uint32_t i = 0; i < x->n_tags && i < y->n_tags; i++) {
        int order = tn_str_compare(x->tags[i], y->tags[i]);
        if (order != 0) {
            return order;
        }
    }
    return (x->n_tags > y->n_tags) - (x->n_tags < y->n_tags);
}

static tn_status put_all(tn_graph *graph, tni_buffer *out, tn_error *err)
{
    void *block;
    bool objects = false;
    tn_status status =
        tni_arena_array(&graph->arena, graph->n_metas, sizeof(uint32_t), &block, err);
    if (status != TN_OK) {
        return status;
    }
    uint32_t *order = block;
    for (uint32_t i = 0; i < graph->n_metas; i++) {
        order[i] = i;
        objects = objects || graph->metas[i].objects.data != NULL;
    }
    qsort_r(order, graph->n_metas, sizeof *order, by_tags, graph->metas);
    for (uint32_t i = 0; status == TN_OK && i < graph->n_metas; i++) {
        status = put_meta(graph, order[i], out, err);
    }
    if (status == TN_OK && objects) {
        status = tni_sm_put_functions(graph, &graph->metas[0], out, err);
    }
    return status == TN_OK ? tni_buffer_check(out, err) : status;
}

tn_status tn_graph_tf_text(tn_graph *graph, tn_str *text_out, tn_error *err)
{
    tni_buffer out;
    tni_buffer_init(&out, graph->ctx);
    tn_status status = put_all(graph, &out, err);
    if (status == TN_OK) {
        status = tni_arena_str(&graph->arena, (tn_str){out.len == 0 ? "" : out.data, out.len},
                               text_out, err);
    }
    tni_buffer_clear(&out);
    return status;
}
