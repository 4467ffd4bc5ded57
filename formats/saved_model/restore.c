#include "formats/saved_model/restore.h"
#include "core/error.h"
#include "formats/saved_model/constant.h"

/* The strings of a Const, read once. */
typedef struct names {
    tn_str *at;
    size_t count;
    bool read;
} names;

typedef struct search {
    tn_graph *graph;
    tni_sm_meta *meta;
    tni_arena *arena;
    bool *seen;      /* by node */
    uint32_t *stack; /* each node once */
    uint32_t depth;
    names *constants; /* by node */
    tni_sm_binding *bindings;
    uint32_t count;
} search;

static bool is_op(const search *s, uint32_t node, const char *op)
{
    return tn_str_equal(s->meta->nodes[node].op, tn_str_of(op));
}

static void push(search *s, uint32_t node)
{
    if (node != TN_NO_INDEX && !s->seen[node]) {
        s->seen[node] = true;
        s->stack[s->depth++] = node;
    }
}

/* Gives the node behind input `number`, and which of its outputs; TN_NO_INDEX: there is none. */
static uint32_t input_of(const search *s, uint32_t node, uint32_t number, int64_t *output_out)
{
    tni_wire wire = tni_wire_of(s->meta->nodes[node].message);
    tn_str input;
    for (uint32_t i = 0; tni_sm_next_input(&wire, &input); i++) {
        if (i == number) {
            return tni_sm_find(s->meta, tni_sm_input_node(input, output_out));
        }
    }
    return TN_NO_INDEX;
}

/* Reads the strings of a Const. Where a node is none, *strings_out has no strings. */
static tn_status read_names(search *s, uint32_t node, const names **strings_out, tn_error *err)
{
    static const names none = {NULL, 0, true};
    *strings_out = &none;
    if (node == TN_NO_INDEX || !is_op(s, node, "Const")) {
        return TN_OK;
    }
    names *n = &s->constants[node];
    tn_str value = TN_LIT(""), tensor = TN_LIT("");
    tn_status status = TN_OK;
    if (!n->read && tni_sm_attr(s->meta->nodes[node].message, TN_LIT("value"), &value) &&
        tni_sm_attr_bytes(value, ATTR_TENSOR, &tensor)) {
        status =
            tni_sm_constant_strings(&s->graph->image, tensor, s->arena, &n->at, &n->count, err);
        if (status != TN_OK) {
            tni_error_subject(err, s->meta->nodes[node].name);
        }
    }
    n->read = true;
    *strings_out = n;
    return status;
}

static bool is_restore(const search *s, uint32_t node)
{
    return is_op(s, node, "RestoreV2") || is_op(s, node, "Restore") ||
           is_op(s, node, "RestoreSlice");
}

/* Follows a value to the operation that restores it. */
static uint32_t follow(const search *s, uint32_t node, uint32_t number, int64_t *output_out)
{
    enum { STEPS = 64 };
    uint32_t at = input_of(s, node, number, output_out);
    for (int i = 0; i < STEPS && at != TN_NO_INDEX && !is_restore(s, at); i++) {
        bool through = is_op(s, at, "Identity") || is_op(s, at, "Reshape");
        at = through ? input_of(s, at, 0, output_out) : TN_NO_INDEX;
    }
    return at != TN_NO_INDEX && is_restore(s, at) ? at : TN_NO_INDEX;
}

/* An assignment: notes the key that its variable gets its value from. */
static tn_status bind(search *s, uint32_t node, tn_error *err)
{
    int64_t output = 0, ignored;
    const names *keys, *slices;
    uint32_t variable = input_of(s, node, 0, &ignored);
    uint32_t restore = follow(s, node, 1, &output);
    if (variable == TN_NO_INDEX || restore == TN_NO_INDEX || output < 0) {
        return TN_OK;
    }
    tn_status status = read_names(s, input_of(s, restore, 1, &ignored), &keys, err);
    if (status == TN_OK) {
        status = read_names(s, input_of(s, restore, 2, &ignored), &slices, err);
    }
    if (status == TN_OK && (uint64_t)output < keys->count) {
        size_t k = (size_t)output;
        s->bindings[s->count++] =
            (tni_sm_binding){variable, keys->at[k], k < slices->count ? slices->at[k] : TN_LIT("")};
    }
    return status;
}

static tn_status visit(search *s, uint32_t node, tn_error *err)
{
    tn_str input;
    int64_t output;
    if (is_op(s, node, "Assign") || is_op(s, node, "AssignVariableOp")) {
        return bind(s, node, err);
    }
    tni_wire wire = tni_wire_of(s->meta->nodes[node].message);
    while (tni_sm_next_input(&wire, &input)) {
        push(s, tni_sm_find(s->meta, tni_sm_input_node(input, &output)));
    }
    return TN_OK;
}

static tn_status prepare(search *s, tn_error *err)
{
    void *seen, *stack, *constants, *bindings;
    size_t count = s->meta->n_own;
    tn_status status;
    if ((status = tni_arena_array(s->arena, count, sizeof(bool), &seen, err)) != TN_OK ||
        (status = tni_arena_array(s->arena, count, sizeof(uint32_t), &stack, err)) != TN_OK ||
        (status = tni_arena_array(s->arena, count, sizeof(names), &constants, err)) != TN_OK ||
        (status = tni_arena_array(s->arena, count, sizeof(tni_sm_binding), &bindings, err)) !=
            TN_OK) {
        return status;
    }
    s->seen = seen;
    s->stack = stack;
    s->constants = constants;
    s->bindings = bindings;
    return tni_sm_index_names(s->graph, s->meta, err);
}

tn_status tni_sm_restore(tn_graph *graph, tni_sm_meta *meta, tni_arena *arena,
                         tni_sm_binding **bindings_out, uint32_t *count_out, tn_error *err)
{
    search s = {.graph = graph, .meta = meta, .arena = arena};
    int64_t output;
    tn_status status = prepare(&s, err);
    if (status == TN_OK && meta->restore_op.len > 0) {
        push(&s, tni_sm_find(meta, tni_sm_input_node(meta->restore_op, &output)));
        while (status == TN_OK && s.depth > 0) {
            status = visit(&s, s.stack[--s.depth], err);
        }
    }
    for (uint32_t i = 0; status == TN_OK && meta->restore_op.len == 0 && i < meta->n_own; i++) {
        if (tni_sm_is_variable_op(meta->nodes[i].op)) {
            s.bindings[s.count++] = (tni_sm_binding){i, meta->nodes[i].name, TN_LIT("")};
        }
    }
    if (status == TN_OK) {
        *bindings_out = s.bindings;
        *count_out = s.count;
    }
    return status;
}
