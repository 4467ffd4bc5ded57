/* Which operations a graph uses (ops_used_by_graph_def in
 * tensorflow/python/framework/meta_graph.py). */
#include "core/error.h"
#include "formats/saved_model/style_tf.h"
#include <stdlib.h>

enum { ATTR_FUNCTION = TNI_LEN(10), FUNCTION_NAME = TNI_LEN(1) };

typedef struct search {
    const tni_sm_meta *meta;
    tni_hash functions; /* name → index */
    uint32_t *first;    /* of each function: its first node, one more at the end */
    bool *seen;         /* functions that were called */
    uint32_t *stack;
    uint32_t depth;
    tn_str *ops;
    size_t count;
} search;

static int by_bytes(const void *a, const void *b)
{
    return tn_str_compare(*(const tn_str *)a, *(const tn_str *)b);
}

/* Notes a call of a function; false if there is none of this name. */
static bool call(search *s, tn_str name)
{
    uint32_t found = tni_hash_get(&s->functions, name);
    if (found == TNI_HASH_NONE) {
        return false;
    }
    if (!s->seen[found]) {
        s->seen[found] = true;
        s->stack[s->depth++] = found;
    }
    return true;
}

static void visit(search *s, const tni_sm_node *node)
{
    tn_str value, function, name;
    if (!call(s, node->op)) {
        s->ops[s->count++] = node->op;
    }
    bool calls = tn_str_equal(node->op, TN_LIT("PartitionedCall")) ||
                 tn_str_equal(node->op, TN_LIT("StatefulPartitionedCall"));
    if (calls && tni_sm_attr(node->message, TN_LIT("f"), &value) &&
        tni_sm_attr_bytes(value, ATTR_FUNCTION, &function) &&
        tni_sm_attr_bytes(function, FUNCTION_NAME, &name)) {
        (void)call(s, name);
    }
}

static tn_status prepare(search *s, tn_graph *graph, tn_error *err)
{
    const tni_sm_meta *meta = s->meta;
    void *first, *seen, *stack, *ops;
    tn_status status;
    size_t functions = meta->functions.count;
    if ((status = tni_arena_array(&graph->arena, functions + 1, sizeof(uint32_t), &first, err)) !=
            TN_OK ||
        (status = tni_arena_array(&graph->arena, functions, sizeof(bool), &seen, err)) != TN_OK ||
        (status = tni_arena_array(&graph->arena, functions, sizeof(uint32_t), &stack, err)) !=
            TN_OK ||
        (status = tni_arena_array(&graph->arena, meta->n_nodes, sizeof(tn_str), &ops, err)) !=
            TN_OK) {
        return status;
    }
    s->first = first;
    s->seen = seen;
    s->stack = stack;
    s->ops = ops;
    for (uint32_t i = meta->n_own; i < meta->n_nodes; i++) {
        s->first[meta->nodes[i].function + 1]++;
    }
    s->first[0] = meta->n_own;
    for (size_t i = 0; status == TN_OK && i < functions; i++) {
        s->first[i + 1] += s->first[i];
        status = tni_hash_set(&s->functions, meta->functions.at[i].key, (uint32_t)i, err);
    }
    return status;
}

tn_status tni_sm_used_operations(tn_graph *graph, const tni_sm_meta *meta, tn_str **ops_out,
                                 size_t *count_out, tn_error *err)
{
    search s = {.meta = meta};
    tni_hash_init(&s.functions, graph->ctx, meta->functions.count);
    tn_status status = prepare(&s, graph, err);
    for (uint32_t i = 0; status == TN_OK && i < meta->n_own; i++) {
        visit(&s, &meta->nodes[i]);
    }
    while (status == TN_OK && s.depth > 0) {
        uint32_t function = s.stack[--s.depth];
        for (uint32_t i = s.first[function]; i < s.first[function + 1]; i++) {
            visit(&s, &meta->nodes[i]);
        }
    }
    tni_hash_clear(&s.functions);
    if (status != TN_OK) {
        return status;
    }
    qsort(s.ops, s.count, sizeof *s.ops, by_bytes);
    size_t kept = 0;
    for (size_t i = 0; i < s.count; i++) {
        if (kept == 0 || !tn_str_equal(s.ops[kept - 1], s.ops[i])) {
            s.ops[kept++] = s.ops[i];
        }
    }
    *ops_out = s.ops;
    *count_out = kept;
    return TN_OK;
}
