/* What the outputs of a frozen graph need: nodes (extract_sub_graph in
 * tensorflow/python/framework/graph_util_impl.py) and functions of the library. */
#include "core/error.h"
#include "formats/saved_model/constant.h"
#include "formats/saved_model/freeze.h"
#include "formats/saved_model/resolve.h"
#include <stdio.h>
#include <tenon/text.h>

enum {
    ATTR_FUNCTION = TNI_LEN(10),
    LIST_STRING = TNI_LEN(2),
    LIST_FUNCTION = TNI_LEN(9),
    FUNCTION_NAME = TNI_LEN(1),
    FUNCTION_ATTR = TNI_LEN(2),
    GRADIENT_FUNCTION = TNI_LEN(2)
};

typedef struct reaching {
    tni_sm_freeze *f;
    uint32_t *stack; /* nodes, each once */
    size_t depth;
    tni_hash by_name;   /* of functions */
    uint32_t *first;    /* of each function: its first node, one more at the end */
    uint32_t *gradient; /* of each function: its gradient's, or TN_NO_INDEX */
    uint32_t *called;   /* functions whose nodes are still to be seen, each once */
    size_t n_called;
    tni_buffer values; /* a stack of attribute values, as tn_str */
} reaching;

static void call_function(reaching *r, uint32_t function)
{
    if (function != TN_NO_INDEX && !r->f->functions[function]) {
        r->f->functions[function] = true;
        r->called[r->n_called++] = function;
    }
}

/* Calls the function of a name, if there is one. */
static void call(reaching *r, tn_str name)
{
    uint32_t found = tni_hash_get(&r->by_name, name);
    call_function(r, found == TNI_HASH_NONE ? TN_NO_INDEX : found);
}

/* Calls a function that an attribute names; its own attributes are values to be seen. */
static void call_named(reaching *r, tn_str named)
{
    tni_wire wire = tni_wire_of(named);
    tni_wire_field field;
    tn_str value;
    while (tni_wire_next(&wire, &field)) {
        if (field.tag == FUNCTION_NAME) {
            call(r, field.bytes);
        } else if (field.tag == FUNCTION_ATTR &&
                   tni_sm_attr_bytes(field.bytes, MAP_VALUE, &value)) {
            tni_buffer_add(&r->values, &value, sizeof value);
        }
    }
}

/* Sees the attribute values on the stack, and those that lie in them. */
static void see_values(reaching *r)
{
    tn_str value;
    while (r->values.len > 0 && !r->values.failed) {
        r->values.len -= sizeof value;
        memcpy(&value, r->values.data + r->values.len, sizeof value);
        tni_wire wire = tni_wire_of(value), inner;
        tni_wire_field field, part;
        while (tni_wire_next(&wire, &field)) {
            if (field.tag == ATTR_FUNCTION) {
                call_named(r, field.bytes);
            }
            inner = tni_wire_of(field.tag == ATTR_LIST ? field.bytes : TN_LIT(""));
            while (tni_wire_next(&inner, &part)) {
                if (part.tag == LIST_FUNCTION) {
                    call_named(r, part.bytes);
                }
            }
        }
    }
}

/* Calls the functions that a node calls by its operation or its attributes. */
static void call_all(reaching *r, const tni_sm_node *node)
{
    tni_wire wire = tni_wire_of(node->message);
    tni_wire_field field;
    tn_str value;
    call(r, node->op);
    while (tni_wire_next(&wire, &field)) {
        if (field.tag == NODE_ATTR && tni_sm_attr_bytes(field.bytes, MAP_VALUE, &value)) {
            tni_buffer_add(&r->values, &value, sizeof value);
        }
    }
    see_values(r);
}

static tn_status need(reaching *r, uint32_t from, tn_str name, tn_error *err)
{
    uint32_t node = tni_sm_find(r->f->meta, name);
    if (node == TN_NO_INDEX) {
        return tni_sm_freeze_fail(r->f, TN_E_CORRUPT, from,
                                  "the operation needs one that is not in the graph", err);
    }
    if (r->f->fate[node] == TNI_SM_DROPPED) {
        r->f->fate[node] = TNI_SM_KEPT;
        r->stack[r->depth++] = node;
    }
    return TN_OK;
}

/* Needs the nodes that a node is placed with: `_class` names them as "loc:@NAME". */
static tn_status need_colocated(reaching *r, uint32_t node, tn_error *err)
{
    tn_str value, list;
    tni_wire_field field;
    tn_status status = TN_OK;
    if (!tni_sm_attr(r->f->meta->nodes[node].message, TN_LIT("_class"), &value) ||
        !tni_sm_attr_bytes(value, ATTR_LIST, &list)) {
        return TN_OK;
    }
    tni_wire wire = tni_wire_of(list);
    while (status == TN_OK && tni_wire_next(&wire, &field)) {
        if (field.tag == LIST_STRING && tn_str_starts(field.bytes, TN_LIT("loc:@"))) {
            status = need(r, node, tn_str_skip(field.bytes, 5), err);
        }
    }
    return status;
}

static tn_status visit(reaching *r, uint32_t at, tn_error *err)
{
    const tni_sm_node *node = &r->f->meta->nodes[at];
    tni_wire wire = tni_wire_of(node->message);
    tn_str input;
    int64_t output;
    tn_status status = TN_OK;
    while (status == TN_OK && tni_sm_next_input(&wire, &input)) {
        status = need(r, at, tni_sm_input_node(input, &output), err);
    }
    if (status == TN_OK) {
        status = need_colocated(r, at, err);
    }
    call_all(r, node);
    return status;
}

/* Sees the nodes of the functions that are called. */
static tn_status visit_functions(reaching *r, tn_error *err)
{
    const tni_sm_meta *meta = r->f->meta;
    while (r->n_called > 0) {
        uint32_t function = r->called[--r->n_called];
        for (uint32_t i = r->first[function]; i < r->first[function + 1]; i++) {
            if (tni_sm_is_variable_op(meta->nodes[i].op)) {
                return tni_sm_freeze_fail(r->f, TN_E_UNSUPPORTED, i,
                                          "a function that the outputs call has a variable of its "
                                          "own, whose value no checkpoint holds",
                                          err);
            }
            call_all(r, &meta->nodes[i]);
        }
        call_function(r, r->gradient[function]);
    }
    return tni_buffer_check(&r->values, err);
}

/* Says which names would have fit. */
static tn_status no_such_output(const tni_sm_freeze *f, const tn_resolution *r, tn_error *err)
{
    char names[TN_ERROR_TEXT] = "", one[TN_ERROR_SUBJECT];
    size_t used = 0;
    tn_status status =
        tni_fail(err, TN_E_NO_MATCH, "--outputs: %.*s", (int)r->message.len, r->message.data);
    tni_error_path(err, tni_source_path(f->graph->source));
    tni_error_subject(err, r->query);
    for (size_t i = 0; i < r->n_candidates; i++) {
        tn_escape(r->candidates[i], one, sizeof one);
        int n = snprintf(names + used, sizeof names - used, "%s%s", i == 0 ? "" : ", ", one);
        if (n < 0 || (size_t)n >= sizeof names - used) {
            break;
        }
        used += (size_t)n;
    }
    if (used > 0) {
        tni_error_hint(err, "near it: %s", names);
    }
    return status;
}

/* Marks the outputs: names of operations or of their tensors. */
static tn_status need_outputs(reaching *r, tn_error *err)
{
    tni_sm_freeze *f = r->f;
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < f->n_outputs; i++) {
        tn_resolution found;
        status = tn_graph_resolve(f->graph, (size_t)(f->meta - f->graph->metas), f->outputs[i],
                                  &found, err);
        if (status != TN_OK) {
            return status;
        }
        bool fits = found.as_operation == TN_GRAPH_FITS || found.as_tensor == TN_GRAPH_FITS ||
                    found.as_tensor == TN_GRAPH_UNKNOWN_OP;
        status = fits ? need(r, 0, found.operation, err) : no_such_output(f, &found, err);
    }
    return status;
}

typedef void (*each_field)(void *state, bool in_library, const tni_wire_field *field);

static void walk_graph(tn_str graph, each_field each, void *state)
{
    tni_wire wire = tni_wire_of(graph), library;
    tni_wire_field field, part;
    while (tni_wire_next(&wire, &field)) {
        each(state, false, &field);
        library = tni_wire_of(field.tag == GRAPH_LIBRARY ? field.bytes : TN_LIT(""));
        while (tni_wire_next(&library, &part)) {
            each(state, true, &part);
        }
    }
}

void tni_sm_graph_fields(const tni_sm_freeze *f, each_field each, void *state)
{
    size_t left = (size_t)(f->meta - f->graph->metas);
    tn_str message = tni_sm_image_message(&f->graph->image), meta = message;
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    if (f->graph->kind == TNI_SM_GRAPH) {
        walk_graph(message, each, state);
        return;
    }
    while (f->graph->kind == TNI_SM_MODEL && tni_wire_next(&wire, &field)) {
        if (field.tag == SAVED_MODEL_META_GRAPH && left-- == 0) {
            meta = field.bytes;
            break;
        }
    }
    wire = tni_wire_of(meta);
    while (tni_wire_next(&wire, &field)) {
        if (field.tag == META_GRAPH_DEF) {
            walk_graph(field.bytes, each, state);
        }
    }
}

tn_status tni_sm_hash_functions(const tni_sm_freeze *f, tni_hash *functions_out, tn_error *err)
{
    tn_status status = TN_OK;
    tni_hash_init(functions_out, f->ctx, f->meta->functions.count);
    for (uint32_t i = 0; status == TN_OK && i < f->meta->functions.count; i++) {
        status = tni_hash_set(functions_out, f->meta->functions.at[i].key, i, err);
    }
    return status;
}

static void take_gradient(void *state, bool in_library, const tni_wire_field *field)
{
    reaching *r = state;
    tn_str name = TN_LIT(""), gradient = TN_LIT("");
    if (!in_library || field->tag != TNI_SM_LIBRARY_GRADIENT) {
        return;
    }
    (void)tni_sm_attr_bytes(field->bytes, TNI_SM_GRADIENT_NAME, &name);
    (void)tni_sm_attr_bytes(field->bytes, GRADIENT_FUNCTION, &gradient);
    uint32_t of = tni_hash_get(&r->by_name, name), found = tni_hash_get(&r->by_name, gradient);
    if (of != TNI_HASH_NONE && found != TNI_HASH_NONE) {
        r->gradient[of] = found;
    }
}

static tn_status make_lists(reaching *r, tn_error *err)
{
    tni_sm_freeze *f = r->f;
    size_t count = f->meta->functions.count, own = f->meta->n_own;
    void *fate, *functions, *stack, *first, *called, *gradient;
    tn_status status;
    if ((status = tni_arena_array(&f->arena, own, sizeof *f->fate, &fate, err)) != TN_OK ||
        (status = tni_arena_array(&f->arena, own, sizeof *r->stack, &stack, err)) != TN_OK ||
        (status = tni_arena_array(&f->arena, count, sizeof(bool), &functions, err)) != TN_OK ||
        (status = tni_arena_array(&f->arena, count + 1, sizeof *r->first, &first, err)) != TN_OK ||
        (status = tni_arena_array(&f->arena, count, sizeof *r->gradient, &gradient, err)) !=
            TN_OK ||
        (status = tni_arena_array(&f->arena, count, sizeof *r->called, &called, err)) != TN_OK) {
        return status;
    }
    f->fate = fate;
    f->functions = functions;
    r->stack = stack;
    r->first = first;
    r->called = called;
    r->gradient = gradient;
    return TN_OK;
}

static tn_status prepare(reaching *r, tn_error *err)
{
    const tni_sm_meta *meta = r->f->meta;
    tn_status status = make_lists(r, err);
    if (status == TN_OK) {
        status = tni_sm_index_names(r->f->graph, r->f->meta, err);
    }
    if (status != TN_OK) {
        return status;
    }
    for (uint32_t i = meta->n_own; i < meta->n_nodes; i++) {
        r->first[meta->nodes[i].function + 1]++;
    }
    r->first[0] = meta->n_own;
    for (size_t i = 0; i < meta->functions.count; i++) {
        r->first[i + 1] += r->first[i];
        r->gradient[i] = TN_NO_INDEX;
    }
    tni_sm_graph_fields(r->f, take_gradient, r);
    return TN_OK;
}

tn_status tni_sm_freeze_reach(tni_sm_freeze *f, tn_error *err)
{
    reaching r = {.f = f};
    tni_buffer_init(&r.values, f->ctx);
    tn_status status = tni_sm_hash_functions(f, &r.by_name, err);
    if (status == TN_OK) {
        status = prepare(&r, err);
    }
    if (status == TN_OK) {
        status = need_outputs(&r, err);
    }
    while (status == TN_OK && r.depth > 0) {
        status = visit(&r, r.stack[--r.depth], err);
    }
    if (status == TN_OK) {
        status = visit_functions(&r, err);
    }
    tni_buffer_clear(&r.values);
    tni_hash_clear(&r.by_name);
    return status;
}
