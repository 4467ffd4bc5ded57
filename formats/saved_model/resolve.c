/* What get_tensor_by_name and get_operation_by_name would do with a name (as_graph_element in
 * tensorflow/python/framework/ops.py), and what the name is. */
#include "formats/saved_model/resolve.h"
#include "core/error.h"
#include "formats/saved_model/constant.h"
#include "formats/saved_model/objects.h"
#include <inttypes.h>
#include <stdio.h>

const char *tn_graph_why_word(tn_graph_why why)
{
    static const char *const words[] = {NULL,
                                        "is_operation",
                                        "is_tensor",
                                        "no_such_operation",
                                        "no_such_output",
                                        "bad_operation_name",
                                        "malformed",
                                        "unknown_op"};
    return words[why];
}

const char *tn_graph_kind_word(tn_graph_kind kind)
{
    static const char *const words[] = {NULL,        "variable",   "constant", "intermediate",
                                        "operation", "collection", "signature"};
    return words[kind];
}

/* Reads an integer as Python's int() does: white space around it, a sign, underscores between
 * digits. It is capped, as no output has such a number. False: it is none. */
static bool python_int(tn_str text, int64_t *number_out)
{
    static const char space[] = " \t\n\r\v\f";
    size_t from = 0, to = text.len;
    int64_t number = 0;
    while (from < to && memchr(space, text.data[from], sizeof space - 1) != NULL) {
        from++;
    }
    while (to > from && memchr(space, text.data[to - 1], sizeof space - 1) != NULL) {
        to--;
    }
    bool negative = from < to && text.data[from] == '-';
    from += from < to && (text.data[from] == '-' || text.data[from] == '+');
    bool digit = false; /* the last character was one */
    for (size_t i = from; i < to; i++) {
        char c = text.data[i];
        if (c == '_' && digit && i + 1 < to) {
            digit = false;
            continue;
        }
        if (c < '0' || c > '9') {
            return false;
        }
        digit = true;
        number = number > INT32_MAX ? number : number * 10 + (c - '0');
    }
    *number_out = negative ? -number : number;
    return digit;
}

typedef struct resolving {
    tn_graph *graph;
    tni_sm_meta *meta;
    tn_resolution r;
    uint32_t node;            /* that the name leads to, or TN_NO_INDEX */
    tn_graph_tensor *outputs; /* of it */
    size_t n_outputs;
    bool known;
    bool tensor; /* the name has a ':' */
} resolving;

/* Finds the node, and whether the name is one of its outputs. */
static tn_status look(resolving *s, tn_error *err)
{
    tn_resolution *r = &s->r;
    tn_str name = r->query, operation = name;
    const char *colon = name.len == 0 ? NULL : memchr(name.data, ':', name.len);
    int64_t output = 0;
    bool proper = true;
    s->tensor = colon != NULL;
    if (colon != NULL) {
        size_t cut = (size_t)(colon - name.data);
        tn_str rest = tn_str_skip(name, cut + 1);
        operation = tn_str_first(name, cut);
        proper = python_int(rest, &output);
    }
    s->node = tni_sm_find(s->meta, operation);
    tn_status status = TN_OK;
    if (s->node != TN_NO_INDEX) {
        r->operation = s->meta->nodes[s->node].name;
        status = tni_sm_outputs(s->graph, s->meta, &s->meta->nodes[s->node], &s->graph->arena,
                                &s->outputs, &s->n_outputs, &s->known, err);
    }
    bool there = s->node != TN_NO_INDEX;
    int64_t count = (int64_t)s->n_outputs;
    output += output < 0 ? count : 0; /* Python's lists count from their end */
    if (colon == NULL) {
        r->as_tensor = there ? TN_GRAPH_IS_OPERATION : TN_GRAPH_BAD_OPERATION_NAME;
        r->as_operation = there ? TN_GRAPH_FITS : TN_GRAPH_NO_SUCH_OPERATION;
        return status;
    }
    r->as_operation = TN_GRAPH_IS_TENSOR;
    r->as_tensor = !proper                         ? TN_GRAPH_MALFORMED
                   : !there                        ? TN_GRAPH_NO_SUCH_OPERATION
                   : !s->known                     ? TN_GRAPH_UNKNOWN_OP
                   : output < 0 || output >= count ? TN_GRAPH_NO_SUCH_OUTPUT
                                                   : TN_GRAPH_FITS;
    if (status == TN_OK && r->as_tensor == TN_GRAPH_FITS) {
        r->output = output;
        r->tensor = s->outputs[output];
        r->has_shape = r->tensor.known_rank;
    }
    return status;
}

/* Lists the names of the object graph's variables. */
static tn_status list_variables(resolving *s, tn_error *err)
{
    tni_sm_objects objects;
    tni_sm_meta *meta = s->meta;
    if (meta->has_variables) {
        return TN_OK;
    }
    tn_status status = tni_sm_objects_parse(meta->objects, &s->graph->arena, &objects, err);
    if (status != TN_OK) {
        return status;
    }
    tni_hash_init(&meta->by_variable, s->graph->ctx, objects.count);
    meta->has_variables = true;
    for (uint32_t i = 0; status == TN_OK && i < objects.count; i++) {
        uint32_t old = TNI_HASH_NONE;
        tn_str name = objects.variables[i].name;
        if (objects.variables[i].is && name.len > 0) {
            status = tni_hash_add(&meta->by_variable, name, i, &old, err);
        }
        if (status == TN_OK && old != TNI_HASH_NONE) {
            status = tni_hash_set(&meta->by_variable, name, TNI_SM_MANY, err);
        }
    }
    return status;
}

/* A TF2 graph restores in a function; its variables are known by their own names, if those are not
 * the names of several. */
static tn_status find_by_name(resolving *s, tn_error *err)
{
    tn_str node = s->meta->nodes[s->node].message, value, name = s->meta->nodes[s->node].name;
    tn_status status = list_variables(s, err);
    if (status != TN_OK) {
        return status;
    }
    if (tni_sm_attr(node, TN_LIT("shared_name"), &value)) {
        (void)tni_sm_attr_bytes(value, ATTR_STRING, &name);
    }
    uint32_t found = tni_hash_get(&s->meta->by_variable, name);
    if (found != TNI_HASH_NONE && found != TNI_SM_MANY) {
        s->r.value_name = name;
    }
    return TN_OK;
}

/* Says where the value of a variable can be read. */
static tn_status find_value(resolving *s, tn_error *err)
{
    tn_str key;
    tn_status status = tni_sm_key_of(s->graph, s->meta, s->node, &key, err);
    if (status != TN_OK) {
        return status;
    }
    if (s->meta->objects.data != NULL && key.len == 0) {
        return find_by_name(s, err);
    }
    if (key.len > 0) {
        s->r.value_name = s->r.value_key = key;
    }
    return TN_OK;
}

/* Says what an operation that was found is. */
static tn_status tell_operation(resolving *s, tn_error *err)
{
    tn_resolution *r = &s->r;
    const tni_sm_node *node = &s->meta->nodes[s->node];
    tn_status status =
        tni_sm_inputs(node->message, &s->graph->arena, &r->inputs, &r->n_inputs, err);
    if (status != TN_OK) {
        return status;
    }
    if (tni_sm_is_variable_op(node->op)) {
        r->kind = TN_GRAPH_VARIABLE;
        return find_value(s, err);
    }
    if (tn_str_equal(node->op, TN_LIT("Const"))) {
        r->kind = TN_GRAPH_CONSTANT;
        r->value_name = r->value_key = node->name;
    } else if (s->known && s->n_outputs == 0) {
        r->kind = TN_GRAPH_OPERATION;
        status = tni_sm_reached(s->graph, s->meta, s->node, &r->state, &r->n_state, err);
    } else {
        r->kind = TN_GRAPH_INTERMEDIATE;
    }
    return status;
}

/* Lists the tensors of a signature: inputs, then outputs. */
static tn_status take_signature(resolving *s, const tn_signature *signature, tn_error *err)
{
    void *block;
    size_t count = signature->n_inputs + signature->n_outputs;
    tn_status status = tni_arena_array(&s->graph->arena, count, sizeof(tn_str), &block, err);
    if (status == TN_OK) {
        tn_str *members = block;
        for (size_t i = 0; i < count; i++) {
            members[i] = i < signature->n_inputs ? signature->inputs[i].name
                                                 : signature->outputs[i - signature->n_inputs].name;
        }
        s->r.kind = TN_GRAPH_SIGNATURE;
        s->r.members = members;
        s->r.n_members = count;
    }
    return status;
}

/* A name that is no operation may be a collection's or a signature's. */
static tn_status tell_other(resolving *s, size_t meta, tn_error *err)
{
    const tn_collection *collections;
    const tn_signature *signatures;
    tn_status status = tn_graph_collections(s->graph, meta, &collections, err);
    for (uint32_t i = 0; status == TN_OK && i < s->meta->collections.count; i++) {
        if (tn_str_equal(collections[i].key, s->r.query)) {
            s->r.kind = TN_GRAPH_COLLECTION;
            s->r.members = collections[i].items;
            s->r.n_members = collections[i].n_items;
            return TN_OK;
        }
    }
    if (status == TN_OK) {
        status = tn_graph_signatures(s->graph, meta, &signatures, err);
    }
    for (uint32_t i = 0; status == TN_OK && i < s->meta->signatures.count; i++) {
        if (tn_str_equal(signatures[i].key, s->r.query)) {
            return take_signature(s, &signatures[i], err);
        }
    }
    return status;
}

/* Proposes the outputs of an operation that was found. */
static tn_status propose_outputs(resolving *s, tn_error *err)
{
    enum { MOST = 5 };
    void *block;
    size_t count = s->n_outputs < MOST ? s->n_outputs : MOST;
    tn_status status = tni_arena_array(&s->graph->arena, count, sizeof(tn_str), &block, err);
    tn_str *names = block;
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        status = tni_arena_format(&s->graph->arena, &names[i], err, "%.*s:%zu",
                                  (int)s->r.operation.len, s->r.operation.data, i);
    }
    if (status == TN_OK) {
        s->r.candidates = names;
        s->r.n_candidates = count;
    }
    return status;
}

static tn_status propose(resolving *s, tn_error *err)
{
    tn_resolution *r = &s->r;
    if (r->as_tensor == TN_GRAPH_FITS) {
        return TN_OK;
    }
    if (s->node != TN_NO_INDEX) {
        return propose_outputs(s, err);
    }
    const char *colon = r->query.len == 0 ? NULL : memchr(r->query.data, ':', r->query.len);
    tn_str operation =
        colon == NULL ? r->query : tn_str_first(r->query, (size_t)(colon - r->query.data));
    return tni_sm_candidates(s->graph, s->meta, operation, colon != NULL, &r->candidates,
                             &r->n_candidates, err);
}

/* Puts it into a sentence. */
static tn_status tell(resolving *s, tn_error *err)
{
    tn_resolution *r = &s->r;
    tn_str type = s->node == TN_NO_INDEX ? TN_LIT("") : s->meta->nodes[s->node].op;
    tni_arena *arena = &s->graph->arena;
    const char *what = r->kind == TN_GRAPH_VARIABLE   ? "a variable"
                       : r->kind == TN_GRAPH_CONSTANT ? "a constant"
                                                      : "computed when the graph runs";
    switch (r->as_tensor) {
    case TN_GRAPH_FITS:
        return tni_arena_format(arena, &r->message, err, "output %" PRId64 " of %.*s (%.*s), %s",
                                r->output, (int)r->operation.len, r->operation.data, (int)type.len,
                                type.data, what);
    case TN_GRAPH_IS_OPERATION:
        if (s->known && s->n_outputs == 0) {
            return tni_arena_format(arena, &r->message, err,
                                    "an operation (%.*s) without outputs: fetch it by its name, "
                                    "it has no tensor",
                                    (int)type.len, type.data);
        }
        if (!s->known) {
            return tni_arena_format(arena, &r->message, err, "an operation (%.*s)", (int)type.len,
                                    type.data);
        }
        return tni_arena_format(arena, &r->message, err,
                                "an operation (%.*s) with %zu output%s, %s", (int)type.len,
                                type.data, s->n_outputs, s->n_outputs == 1 ? "" : "s", what);
    case TN_GRAPH_NO_SUCH_OUTPUT:
        return tni_arena_format(arena, &r->message, err,
                                "the operation %.*s (%.*s) has %zu output%s", (int)r->operation.len,
                                r->operation.data, (int)type.len, type.data, s->n_outputs,
                                s->n_outputs == 1 ? "" : "s");
    case TN_GRAPH_UNKNOWN_OP:
        return tni_arena_format(arena, &r->message, err,
                                "nobody knows how many outputs an operation of type %.*s has",
                                (int)type.len, type.data);
    case TN_GRAPH_MALFORMED:
        r->message = TN_LIT("a tensor is called OPERATION:NUMBER");
        return TN_OK;
    case TN_GRAPH_NO_SUCH_OPERATION:
    case TN_GRAPH_BAD_OPERATION_NAME:
    case TN_GRAPH_IS_TENSOR:
        break;
    }
    r->message = r->kind == TN_GRAPH_COLLECTION  ? TN_LIT("a collection, and no operation")
                 : r->kind == TN_GRAPH_SIGNATURE ? TN_LIT("a signature, and no operation")
                                                 : TN_LIT("the graph has no such operation");
    return TN_OK;
}

tn_status tn_graph_resolve(tn_graph *graph, size_t meta, tn_str name, tn_resolution *out,
                           tn_error *err)
{
    resolving s = {.graph = graph,
                   .meta = &graph->metas[meta],
                   .r = {.query = name,
                         .operation = TN_STR_NONE,
                         .value_name = TN_STR_NONE,
                         .value_key = TN_STR_NONE}};
    tn_status status = tni_sm_index_names(graph, s.meta, err);
    if (status == TN_OK) {
        status = look(&s, err);
    }
    if (status == TN_OK) {
        status = s.node != TN_NO_INDEX ? tell_operation(&s, err) : tell_other(&s, meta, err);
    }
    if (status == TN_OK) {
        status = propose(&s, err);
    }
    if (status == TN_OK) {
        status = tell(&s, err);
    }
    if (status == TN_OK) {
        *out = s.r;
    }
    return status;
}
