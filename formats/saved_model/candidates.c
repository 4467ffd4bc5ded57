/* Names near one that is not there, and variables that an operation reaches. */
#include "core/error.h"
#include "formats/saved_model/resolve.h"
#include <stdlib.h>
#include <tenon/text.h>

enum { MOST = 5 };

/* How a name is near: the less the nearer; 99: not at all. */
static unsigned nearness(tn_str name, tn_str wanted)
{
    enum { FAR = 99, TYPOS = 2 };
    const char *slash = wanted.len == 0 ? NULL : memrchr(wanted.data, '/', wanted.len);
    tn_str last = slash == NULL ? wanted : tn_str_skip(wanted, (size_t)(slash - wanted.data) + 1);
    if (wanted.len == 0 || name.len == 0) {
        return FAR;
    }
    if (name.len > wanted.len && tn_str_ends(name, wanted) &&
        name.data[name.len - wanted.len - 1] == '/') {
        return 1; /* in a scope */
    }
    if (wanted.len > name.len && tn_str_ends(wanted, name) &&
        wanted.data[wanted.len - name.len - 1] == '/') {
        return 2; /* in one scope less */
    }
    if (name.len > wanted.len && tn_str_starts(name, wanted) && name.data[wanted.len] == '_') {
        return 3; /* a further one of the name: W_1 */
    }
    unsigned typos = tn_edit_distance(name, wanted, TYPOS + 1);
    if (typos <= TYPOS && typos < wanted.len) {
        return 3 + typos;
    }
    if (name.len > last.len && tn_str_ends(name, last) &&
        name.data[name.len - last.len - 1] == '/') {
        return 7; /* the same last component */
    }
    bool inside =
        name.len > wanted.len && tn_str_starts(name, wanted) && name.data[wanted.len] == '/';
    return inside ? 8 : FAR;
}

tn_status tni_sm_candidates(tn_graph *graph, tni_sm_meta *meta, tn_str operation, bool tensor,
                            const tn_str **names_out, size_t *count_out, tn_error *err)
{
    unsigned best[MOST];
    uint32_t found[MOST];
    size_t count = 0;
    void *block;
    for (uint32_t i = 0; i < meta->n_own; i++) {
        unsigned near = nearness(meta->nodes[i].name, operation);
        size_t at = count;
        while (at > 0 && best[at - 1] > near) {
            at--;
        }
        if (near == 99 || at == MOST) {
            continue;
        }
        count += count < MOST;
        for (size_t k = count - 1; k > at; k--) {
            best[k] = best[k - 1];
            found[k] = found[k - 1];
        }
        best[at] = near;
        found[at] = i;
    }
    tn_status status = tni_arena_array(&graph->arena, count, sizeof(tn_str), &block, err);
    tn_str *names = block;
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        tn_str name = meta->nodes[found[i]].name;
        status = tni_arena_format(&graph->arena, &names[i], err, "%.*s%s", (int)name.len, name.data,
                                  tensor ? ":0" : "");
    }
    if (status == TN_OK) {
        *names_out = names;
        *count_out = count;
    }
    return status;
}

static int by_bytes(const void *a, const void *b)
{
    return tn_str_compare(*(const tn_str *)a, *(const tn_str *)b);
}

/* Walks backwards from a node; lists the nodes that make variables. */
static tn_status walk_back(tn_graph *graph, const tni_sm_meta *meta, uint32_t from,
                           uint32_t **variables_out, size_t *count_out, tn_error *err)
{
    void *seen_block = NULL, *stack_block = NULL, *found_block = NULL;
    size_t depth = 0, count = 0;
    tn_status status;
    if ((status = tni_arena_array(&graph->arena, meta->n_own, sizeof(bool), &seen_block, err)) !=
            TN_OK ||
        (status = tni_arena_array(&graph->arena, meta->n_own, sizeof(uint32_t), &stack_block,
                                  err)) != TN_OK ||
        (status = tni_arena_array(&graph->arena, meta->n_own, sizeof(uint32_t), &found_block,
                                  err)) != TN_OK) {
        return status;
    }
    bool *seen = seen_block;
    uint32_t *stack = stack_block, *found = found_block;
    stack[depth++] = from;
    seen[from] = true;
    while (depth > 0) {
        const tni_sm_node *node = &meta->nodes[stack[--depth]];
        tni_wire wire = tni_wire_of(node->message);
        tn_str input;
        int64_t output;
        if (tni_sm_is_variable_op(node->op)) {
            found[count++] = stack[depth];
        }
        while (tni_sm_next_input(&wire, &input)) {
            uint32_t next = tni_sm_find(meta, tni_sm_input_node(input, &output));
            if (next != TN_NO_INDEX && !seen[next]) {
                seen[next] = true;
                stack[depth++] = next;
            }
        }
    }
    *variables_out = found;
    *count_out = count;
    return TN_OK;
}

tn_status tni_sm_reached(tn_graph *graph, tni_sm_meta *meta, uint32_t node,
                         const tn_str **names_out, size_t *count_out, tn_error *err)
{
    uint32_t *variables;
    size_t count, kept = 0;
    void *block;
    tn_status status = walk_back(graph, meta, node, &variables, &count, err);
    if (status == TN_OK) {
        status = tni_arena_array(&graph->arena, count, sizeof(tn_str), &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tn_str *names = block;
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        status = tni_sm_key_of(graph, meta, variables[i], &names[i], err);
        if (status == TN_OK && names[i].len == 0) {
            names[i] = meta->nodes[variables[i]].name;
        }
    }
    if (status != TN_OK) {
        return status;
    }
    qsort(names, count, sizeof *names, by_bytes);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || !tn_str_equal(names[kept - 1], names[i])) {
            names[kept++] = names[i];
        }
    }
    *names_out = names;
    *count_out = kept;
    return TN_OK;
}
