#include "formats/saved_model/saver_keys.h"
#include "core/error.h"
#include "formats/saved_model/constant.h"

/* The operations that take keys as their second input. */
typedef struct saver_op {
    const char *name;
    bool restores, first_format;
} saver_op;

static const saver_op *saver_op_of(tn_str op)
{
    static const saver_op ops[] = {
        {"SaveV2", false, false},    {"RestoreV2", true, false}, {"Save", false, true},
        {"SaveSlices", false, true}, {"Restore", true, true},    {"RestoreSlice", true, true},
    };
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        if (tn_str_equal(op, tn_str_of(ops[i].name))) {
            return &ops[i];
        }
    }
    return NULL;
}

typedef struct search {
    tn_graph *graph;
    tni_sm_meta *meta;
    tni_arena *arena;
    bool *read;      /* by node: its keys are among those that are restored */
    bool *seen;      /* by own node */
    uint32_t *stack; /* each node once */
    uint32_t depth;
    tni_sm_saver_keys keys;
    size_t room; /* of keys.restored */
} search;

static void push(search *s, tn_str input)
{
    int64_t output;
    uint32_t node =
        input.len == 0 ? TN_NO_INDEX : tni_sm_find(s->meta, tni_sm_input_node(input, &output));
    if (node != TN_NO_INDEX && !s->seen[node]) {
        s->seen[node] = true;
        s->stack[s->depth++] = node;
    }
}

/* Adds keys that are restored. */
static tn_status add_restored(search *s, const tn_str *keys, size_t count, bool first_format,
                              tn_error *err)
{
    tni_sm_saver_keys *k = &s->keys;
    if (k->n_restored + count > s->room) {
        void *block;
        size_t room = (k->n_restored + count) * 2;
        tn_status status = tni_arena_array(s->arena, room, sizeof(tni_sm_restored), &block, err);
        if (status != TN_OK) {
            return status;
        }
        if (k->n_restored > 0) {
            memcpy(block, k->restored, k->n_restored * sizeof(tni_sm_restored));
        }
        k->restored = block;
        s->room = room;
    }
    for (size_t i = 0; i < count; i++) {
        k->restored[k->n_restored++] = (tni_sm_restored){keys[i], first_format};
    }
    return TN_OK;
}

/* Takes a Const for a list of keys. Each is read once, however many operations it feeds. */
static tn_status list(search *s, uint32_t node, const saver_op *op, tn_error *err)
{
    const tni_sm_node *n = &s->meta->nodes[node];
    tn_str value = TN_LIT(""), tensor = TN_LIT(""), *strings;
    size_t count;
    s->keys.listed[node] = true;
    if (!op->restores || s->read[node] || !tni_sm_attr(n->message, TN_LIT("value"), &value) ||
        !tni_sm_attr_bytes(value, ATTR_TENSOR, &tensor)) {
        return TN_OK;
    }
    s->read[node] = true;
    tn_status status =
        tni_sm_constant_strings(&s->graph->image, tensor, s->arena, &strings, &count, err);
    if (status != TN_OK) {
        tni_error_subject(err, n->name);
        return status;
    }
    return add_restored(s, strings, count, op->first_format, err);
}

/* Visits an own node: what saves or restores has its keys listed. The values that are saved lead to
 * no further keys. */
static tn_status visit(search *s, uint32_t node, tn_error *err)
{
    enum { KEYS = 1, VALUES = 3 };
    const tni_sm_node *n = &s->meta->nodes[node];
    const saver_op *op = saver_op_of(n->op);
    tni_wire wire = tni_wire_of(n->message);
    tn_status status = TN_OK;
    tn_str input;
    for (uint32_t i = 0; status == TN_OK && tni_sm_next_input(&wire, &input); i++) {
        int64_t output;
        uint32_t from = tni_sm_find(s->meta, tni_sm_input_node(input, &output));
        if (op != NULL && i == KEYS && from != TN_NO_INDEX &&
            tn_str_equal(s->meta->nodes[from].op, TN_LIT("Const"))) {
            status = list(s, from, op, err);
        } else if (op == NULL || i < VALUES || output < 0) {
            push(s, input);
        }
    }
    return status;
}

/* Begins at one SaverDef. */
static void push_saver(search *s, tn_str message)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    while (tni_wire_next(&wire, &field)) {
        if (field.tag == SAVER_SAVE_TENSOR || field.tag == SAVER_RESTORE_OP) {
            push(s, field.bytes);
        }
    }
}

/* Begins at the savers of the collection. */
static void push_collected(search *s)
{
    const tni_sm_entries *collections = &s->meta->collections;
    for (uint32_t i = 0; i < collections->count; i++) {
        if (!tn_str_equal(collections->at[i].key, TN_LIT("savers"))) {
            continue;
        }
        tni_wire wire = tni_wire_of(collections->at[i].message), inner;
        tni_wire_field field, item;
        while (tni_wire_next(&wire, &field)) {
            inner = tni_wire_of(field.tag == COLLECTION_BYTES ? field.bytes : TN_LIT(""));
            while (tni_wire_next(&inner, &item)) {
                if (item.tag == COLLECTION_ITEM) {
                    push_saver(s, item.bytes);
                }
            }
        }
    }
}

static tn_status search_own(search *s, tn_error *err)
{
    tn_status status = TN_OK;
    push(s, s->meta->save_tensor);
    push(s, s->meta->restore_op);
    push_collected(s);
    while (status == TN_OK && s->depth > 0) {
        status = visit(s, s->stack[--s->depth], err);
    }
    return status;
}

/* Lists the keys of one operation of a function, whose inputs are called NODE:OUTPUT:0. */
static tn_status visit_inner(search *s, const tni_hash *nodes, uint32_t node, const saver_op *op,
                             tn_error *err)
{
    enum { UP_TO_KEYS = 2 };
    tni_wire wire = tni_wire_of(s->meta->nodes[node].message);
    tn_str input = TN_LIT("");
    bool there = true;
    for (uint32_t i = 0; there && i < UP_TO_KEYS; i++) {
        there = tni_sm_next_input(&wire, &input);
    }
    const char *colon = there && input.len > 0 ? memchr(input.data, ':', input.len) : NULL;
    if (colon == NULL) {
        return TN_OK;
    }
    uint32_t from = tni_hash_get(nodes, tn_str_first(input, (size_t)(colon - input.data)));
    bool constant = from != TNI_HASH_NONE && tn_str_equal(s->meta->nodes[from].op, TN_LIT("Const"));
    return constant ? list(s, from, op, err) : TN_OK;
}

/* Lists the keys of one function, whose nodes are [from, until). */
static tn_status search_function(search *s, uint32_t from, uint32_t until, tn_error *err)
{
    bool any = false;
    tni_hash nodes;
    tn_status status = TN_OK;
    for (uint32_t i = from; i < until; i++) {
        any = any || saver_op_of(s->meta->nodes[i].op) != NULL;
    }
    if (!any) {
        return TN_OK;
    }
    tni_hash_init(&nodes, s->arena->ctx, until - from);
    for (uint32_t i = from; status == TN_OK && i < until; i++) {
        status = tni_hash_add(&nodes, s->meta->nodes[i].name, i, NULL, err);
    }
    for (uint32_t i = from; status == TN_OK && i < until; i++) {
        const saver_op *op = saver_op_of(s->meta->nodes[i].op);
        status = op == NULL ? TN_OK : visit_inner(s, &nodes, i, op, err);
    }
    tni_hash_clear(&nodes);
    return status;
}

static tn_status search_functions(search *s, tn_error *err)
{
    tn_status status = TN_OK;
    uint32_t from = s->meta->n_own;
    while (status == TN_OK && from < s->meta->n_nodes) {
        uint32_t until = from;
        while (until < s->meta->n_nodes &&
               s->meta->nodes[until].function == s->meta->nodes[from].function) {
            until++;
        }
        status = search_function(s, from, until, err);
        from = until;
    }
    return status;
}

tn_status tni_sm_saver_keys_find(tn_graph *graph, tni_sm_meta *meta, tni_arena *arena,
                                 tni_sm_saver_keys *keys_out, tn_error *err)
{
    search s = {.graph = graph, .meta = meta, .arena = arena};
    void *listed, *read, *seen, *stack;
    tn_status status;
    if ((status = tni_arena_array(arena, meta->n_nodes, sizeof(bool), &listed, err)) != TN_OK ||
        (status = tni_arena_array(arena, meta->n_nodes, sizeof(bool), &read, err)) != TN_OK ||
        (status = tni_arena_array(arena, meta->n_own, sizeof(bool), &seen, err)) != TN_OK ||
        (status = tni_arena_array(arena, meta->n_own, sizeof(uint32_t), &stack, err)) != TN_OK ||
        (status = tni_sm_index_names(graph, meta, err)) != TN_OK) {
        return status;
    }
    s.keys.listed = listed;
    s.read = read;
    s.seen = seen;
    s.stack = stack;
    status = search_own(&s, err);
    if (status == TN_OK) {
        status = search_functions(&s, err);
    }
    if (status == TN_OK) {
        *keys_out = s.keys;
    }
    return status;
}
