/* Operations, one by one. */
#include "core/error.h"
#include "formats/saved_model/constant.h"
#include "formats/saved_model/index.h"
#include "formats/saved_model/resolve.h"
#include "formats/saved_model/restore.h"

tn_str tn_graph_function(const tn_graph *graph, size_t meta, size_t index)
{
    return graph->metas[meta].functions.at[index].key;
}

tn_status tni_sm_inputs(tn_str node, tni_arena *arena, const tn_str **inputs_out, size_t *count_out,
                        tn_error *err)
{
    tni_wire wire = tni_wire_of(node);
    tn_str input;
    size_t count = 0;
    void *block;
    while (tni_sm_next_input(&wire, &input)) {
        count++;
    }
    tn_status status = tni_arena_array(arena, count, sizeof(tn_str), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tn_str *inputs = block;
    wire = tni_wire_of(node);
    for (size_t i = 0; i < count && tni_sm_next_input(&wire, &input); i++) {
        inputs[i] = input;
    }
    *inputs_out = inputs;
    *count_out = count;
    return TN_OK;
}

tn_status tn_graph_operation(tn_graph *graph, size_t meta, size_t index, tn_operation *out,
                             tn_error *err)
{
    tni_sm_meta *m = &graph->metas[meta];
    const tni_sm_node *node = &m->nodes[index];
    tn_graph_tensor *outputs = NULL;
    tn_operation operation = {.name = node->name, .type = node->op, .function = TN_STR_NONE};
    tni_arena_clear(&graph->row);
    if (node->function != TN_NO_INDEX) {
        operation.function = m->functions.at[node->function].key;
    }
    tn_status status =
        tni_sm_inputs(node->message, &graph->row, &operation.inputs, &operation.n_inputs, err);
    if (status == TN_OK) {
        status = tni_sm_outputs(graph, m, node, &graph->row, &outputs, &operation.n_outputs,
                                &operation.known, err);
    }
    if (status == TN_OK) {
        operation.outputs = outputs;
        *out = operation;
    }
    return status;
}

tn_status tni_sm_key_of(tn_graph *graph, tni_sm_meta *meta, uint32_t node, tn_str *key_out,
                        tn_error *err)
{
    tni_sm_binding *bindings = NULL;
    uint32_t count = 0;
    void *block;
    tn_status status = TN_OK;
    if (meta->keys == NULL) {
        status = tni_arena_array(&graph->arena, meta->n_own, sizeof(tn_str), &block, err);
        if (status == TN_OK) {
            status = tni_sm_restore(graph, meta, &graph->arena, &bindings, &count, err);
        }
        if (status != TN_OK) {
            return status;
        }
        meta->keys = block;
        for (uint32_t i = 0; i < count; i++) {
            meta->keys[bindings[i].node] = bindings[i].key;
        }
    }
    *key_out = meta->keys[node].len > 0 ? meta->keys[node] : TN_LIT("");
    return TN_OK;
}
