/* The GraphDef of a SavedModel from weights: what TF1 sessions and the C++ loader run. For each
 * variable NAME its handle, a value to begin with, and operations that assign and read it; then one
 * operation that saves all and one that restores all, under the scope `save`. Attributes with
 * default values are left out, so that old and new versions of TensorFlow take it. */
#include "core/error.h"
#include "formats/saved_model/layout.h"
#include "formats/saved_model/write_message.h"
#include <stdio.h>

enum { MOST_ATTRS = 3, PRODUCER = 27 /* the GraphDef version that these operations are of */ };

typedef Tenon__Graph__NodeDef node_def;
typedef Tenon__Graph__AttrValue attr_value;

/* One pack at work. */
typedef struct graph {
    const tni_sm_write *w;
    const tn_str *keys;
    tni_arena node;        /* the messages of the node at hand */
    tni_arena names;       /* names of operations */
    tn_str *read, *assign; /* by tensor: operations that read it, and that assign its first value */
    tni_buffer *out;
} graph;

/* A node in the making. */
typedef struct node {
    node_def message;
    Tenon__Graph__NodeDefAttrEntry entry[MOST_ATTRS], *entries[MOST_ATTRS];
    attr_value value[MOST_ATTRS];
} node;

static void node_init(node *n, const char *op, tn_str name)
{
    tenon__graph__node_def__init(&n->message);
    n->message.op = tni_sm_data(tn_str_of(op));
    n->message.name = tni_sm_data(name);
    n->message.attr = n->entries;
}

/* Adds an attribute, to be filled; they go in the order of their names' bytes. */
static attr_value *add_attr(node *n, const char *name)
{
    size_t i = n->message.n_attr++;
    tenon__graph__attr_value__init(&n->value[i]);
    tenon__graph__node_def_attr_entry__init(&n->entry[i]);
    n->entry[i].key = tni_sm_data(tn_str_of(name));
    n->entry[i].value = &n->value[i];
    n->entries[i] = &n->entry[i];
    return &n->value[i];
}

static void add_type(node *n, const char *name, tn_dtype dtype)
{
    add_attr(n, name)->type = (Tenon__Graph__DataType)tni_sm_dtype_number(dtype);
}

/* Packs the node with these inputs, and forgets its messages. */
static tn_status put_node(graph *g, node *n, ProtobufCBinaryData *inputs, size_t n_inputs,
                          tn_error *err)
{
    n->message.input = inputs;
    n->message.n_input = n_inputs;
    tn_status status = tni_sm_put_message(GRAPH_NODE, &n->message.base, &g->node, g->out, err);
    tni_arena_clear(&g->node);
    return status;
}

/* Gives the name SCOPE/REST of what saves and restores. */
static tn_status scoped(graph *g, const char *rest, tn_str *name_out, tn_error *err)
{
    return tni_arena_format(&g->names, name_out, err, "%.*s/%s", (int)g->w->scope.len,
                            g->w->scope.data, rest);
}

/* ---------------------------------------------------------------- a variable's own operations */

/* Where one zero goes: a Const repeats the last value that it lists. */
typedef struct zero {
    Tenon__Graph__TensorProto message;
    float f[2];
    double d[2];
    int32_t i;
    int64_t l;
    uint64_t ul;
    uint32_t u;
    protobuf_c_boolean b;
    uint8_t bytes[1];
    ProtobufCBinaryData s;
} zero;

static void zero_init(zero *z, tn_dtype dtype)
{
    Tenon__Graph__TensorProto *m = &z->message;
    *z = (zero){.s = {0, z->bytes}};
    tenon__graph__tensor_proto__init(m);
    m->dtype = (Tenon__Graph__DataType)tni_sm_dtype_number(dtype);
    if (dtype == TN_FLOAT32) {
        m->n_float_val = 1;
        m->float_val = z->f;
    } else if (dtype == TN_FLOAT64) {
        m->n_double_val = 1;
        m->double_val = z->d;
    } else if (dtype == TN_COMPLEX64) {
        m->n_scomplex_val = 2;
        m->scomplex_val = z->f;
    } else if (dtype == TN_COMPLEX128) {
        m->n_dcomplex_val = 2;
        m->dcomplex_val = z->d;
    } else if (dtype == TN_FLOAT16 || dtype == TN_BFLOAT16) {
        m->n_half_val = 1;
        m->half_val = &z->i;
    } else if (dtype == TN_INT64) {
        m->n_int64_val = 1;
        m->int64_val = &z->l;
    } else if (dtype == TN_UINT64) {
        m->n_uint64_val = 1;
        m->uint64_val = &z->ul;
    } else if (dtype == TN_UINT32) {
        m->n_uint32_val = 1;
        m->uint32_val = &z->u;
    } else if (dtype == TN_BOOL) {
        m->n_bool_val = 1;
        m->bool_val = &z->b;
    } else if (dtype == TN_STRING) {
        m->n_string_val = 1;
        m->string_val = &z->s;
    } else if (tn_dtype_about(dtype)->kind == TN_KIND_FLOAT) {
        m->float8_val = (ProtobufCBinaryData){1, z->bytes};
    } else {
        m->n_int_val = 1;
        m->int_val = &z->i;
    }
}

/* The value to begin with, of one zero however large the variable is. */
static tn_status put_initial(graph *g, uint32_t index, tn_str name, tn_error *err)
{
    const tn_tensor *tensor = tn_model_at(g->w->model, index);
    Tenon__Graph__TensorShapeProto shape;
    node n = {.message = TENON__GRAPH__NODE_DEF__INIT};
    zero z;
    zero_init(&z, tensor->dtype);
    node_init(&n, "Const", name);
    tn_status status = tni_sm_shape_message(tensor, &g->node, &shape, err);
    z.message.tensor_shape = &shape;
    add_type(&n, "dtype", tensor->dtype);
    add_attr(&n, "value")->tensor = &z.message;
    return status == TN_OK ? put_node(g, &n, NULL, 0, err) : status;
}

static tn_status put_handle(graph *g, uint32_t index, tn_error *err)
{
    const tn_tensor *tensor = tn_model_at(g->w->model, index);
    tn_str name = g->w->places[index].graph;
    Tenon__Graph__TensorShapeProto shape;
    node n = {.message = TENON__GRAPH__NODE_DEF__INIT};
    tn_status status = tni_sm_shape_message(tensor, &g->node, &shape, err);
    node_init(&n, "VarHandleOp", name);
    add_type(&n, "dtype", tensor->dtype);
    add_attr(&n, "shape")->shape = &shape;
    add_attr(&n, "shared_name")->s = tni_sm_data(name);
    return status == TN_OK ? put_node(g, &n, NULL, 0, err) : status;
}

/* An operation with one attribute, its inputs' dtype. */
static tn_status put_typed(graph *g, const char *op, tn_str name, const char *attr, tn_dtype dtype,
                           const tn_str *inputs, size_t n_inputs, tn_error *err)
{
    ProtobufCBinaryData data[2];
    node n = {.message = TENON__GRAPH__NODE_DEF__INIT};
    for (size_t i = 0; i < n_inputs; i++) {
        data[i] = tni_sm_data(inputs[i]);
    }
    node_init(&n, op, name);
    add_type(&n, attr, dtype);
    return put_node(g, &n, data, n_inputs, err);
}

static tn_status put_variable(graph *g, uint32_t index, tn_error *err)
{
    tn_str initial, name = g->w->places[index].graph;
    tn_dtype dtype = tn_model_at(g->w->model, index)->dtype;
    tn_str *assign = &g->assign[index], *read = &g->read[index];
    tn_status status = tni_sm_own_name(g->w, index, TNI_SM_INITIAL, &g->names, &initial, err);
    if (status == TN_OK) {
        status = tni_sm_own_name(g->w, index, TNI_SM_ASSIGN, &g->names, assign, err);
    }
    if (status == TN_OK) {
        status = tni_sm_own_name(g->w, index, TNI_SM_READ, &g->names, read, err);
    }
    if (status == TN_OK) {
        status = put_initial(g, index, initial, err);
    }
    if (status == TN_OK) {
        status = put_handle(g, index, err);
    }
    if (status == TN_OK) {
        tn_str inputs[] = {name, initial};
        status = put_typed(g, "AssignVariableOp", *assign, "dtype", dtype, inputs, 2, err);
    }
    return status == TN_OK ? put_typed(g, "ReadVariableOp", *read, "dtype", dtype, &name, 1, err)
                           : status;
}

/* ---------------------------------------------------------------- saving and restoring */

/* A constant of strings: a vector of `count`, or with `scalar` one. */
static tn_status put_strings(graph *g, tn_str name, ProtobufCBinaryData *strings, size_t count,
                             bool scalar, tn_error *err)
{
    Tenon__Graph__TensorProto value = TENON__GRAPH__TENSOR_PROTO__INIT;
    Tenon__Graph__TensorShapeProto shape = TENON__GRAPH__TENSOR_SHAPE_PROTO__INIT;
    Tenon__Graph__TensorShapeProtoDim dim = TENON__GRAPH__TENSOR_SHAPE_PROTO_DIM__INIT;
    Tenon__Graph__TensorShapeProtoDim *dims[] = {&dim};
    node n = {.message = TENON__GRAPH__NODE_DEF__INIT};
    dim.size = (int64_t)count;
    shape.dim = dims;
    shape.n_dim = !scalar;
    value.dtype = TENON__GRAPH__DATA_TYPE__DT_STRING;
    value.tensor_shape = &shape;
    value.string_val = strings;
    value.n_string_val = count;
    node_init(&n, "Const", name);
    add_type(&n, "dtype", TN_STRING);
    add_attr(&n, "value")->tensor = &value;
    return put_node(g, &n, NULL, 0, err);
}

/* The names of the tensors, and for each that it is whole. */
static tn_status put_lists(graph *g, tn_str names, tn_str slices, tn_error *err)
{
    void *block;
    tni_arena arena;
    tni_arena_init(&arena, g->node.ctx, UINT64_MAX);
    tn_status status =
        tni_arena_array(&arena, g->w->count, sizeof(ProtobufCBinaryData), &block, err);
    ProtobufCBinaryData *strings = block;
    for (uint32_t i = 0; status == TN_OK && i < g->w->count; i++) {
        strings[i] = tni_sm_data(g->keys[i]);
    }
    if (status == TN_OK) {
        status = put_strings(g, names, strings, g->w->count, false, err);
    }
    for (uint32_t i = 0; status == TN_OK && i < g->w->count; i++) {
        strings[i] = tni_sm_data(TN_LIT(""));
    }
    if (status == TN_OK) {
        status = put_strings(g, slices, strings, g->w->count, false, err);
    }
    tni_arena_clear(&arena);
    return status;
}

/* A string that a caller may feed: the loaders put the checkpoint's path there. */
static tn_status put_placeholder(graph *g, tn_str name, tn_str input, tn_error *err)
{
    Tenon__Graph__TensorShapeProto scalar = TENON__GRAPH__TENSOR_SHAPE_PROTO__INIT;
    ProtobufCBinaryData data = tni_sm_data(input);
    node n = {.message = TENON__GRAPH__NODE_DEF__INIT};
    node_init(&n, "PlaceholderWithDefault", name);
    add_type(&n, "dtype", TN_STRING);
    add_attr(&n, "shape")->shape = &scalar;
    return put_node(g, &n, &data, 1, err);
}

/* SaveV2 or RestoreV2: inputs, and the dtypes of all tensors. */
static tn_status put_all(graph *g, const char *op, tn_str name, const tn_str *first,
                         const tn_str *more, tn_error *err)
{
    void *types, *data;
    size_t n_inputs = 3 + (more == NULL ? 0 : g->w->count);
    Tenon__Graph__AttrValueListValue list = TENON__GRAPH__ATTR_VALUE_LIST_VALUE__INIT;
    node n = {.message = TENON__GRAPH__NODE_DEF__INIT};
    tn_status status = tni_arena_array(&g->node, g->w->count, sizeof *list.type, &types, err);
    if (status == TN_OK) {
        status = tni_arena_array(&g->node, n_inputs, sizeof(ProtobufCBinaryData), &data, err);
    }
    if (status != TN_OK) {
        return status;
    }
    ProtobufCBinaryData *inputs = data;
    list.type = types;
    list.n_type = g->w->count;
    for (uint32_t i = 0; i < g->w->count; i++) {
        tn_dtype dtype = tn_model_at(g->w->model, i)->dtype;
        list.type[i] = (Tenon__Graph__DataType)tni_sm_dtype_number(dtype);
    }
    for (size_t i = 0; i < n_inputs; i++) {
        inputs[i] = tni_sm_data(i < 3 ? first[i] : more[i - 3]);
    }
    node_init(&n, op, name);
    add_attr(&n, "dtypes")->list = &list;
    return put_node(g, &n, inputs, n_inputs, err);
}

/* An operation that does nothing but wait for others. */
static tn_status put_waiting(graph *g, tn_str name, const tn_str *others, tn_error *err)
{
    void *data;
    tni_arena arena;
    node n = {.message = TENON__GRAPH__NODE_DEF__INIT};
    tni_arena_init(&arena, g->node.ctx, UINT64_MAX);
    tn_status status =
        tni_arena_array(&arena, g->w->count, sizeof(ProtobufCBinaryData), &data, err);
    ProtobufCBinaryData *inputs = data;
    for (uint32_t i = 0; status == TN_OK && i < g->w->count; i++) {
        tn_str input;
        status = tni_arena_format(&arena, &input, err, "^%.*s", (int)others[i].len, others[i].data);
        inputs[i] = tni_sm_data(input);
    }
    node_init(&n, "NoOp", name);
    if (status == TN_OK) {
        status = put_node(g, &n, inputs, g->w->count, err);
    }
    tni_arena_clear(&arena);
    return status;
}

/* The path of the checkpoint: a default, and where it is fed. */
static tn_status put_path(graph *g, tn_str *path_out, tn_error *err)
{
    tn_str input, name;
    ProtobufCBinaryData model = tni_sm_data(TN_LIT("model"));
    tn_status status;
    if ((status = scoped(g, "filename/input", &input, err)) != TN_OK ||
        (status = scoped(g, "filename", &name, err)) != TN_OK ||
        (status = scoped(g, TNI_SM_FED, path_out, err)) != TN_OK ||
        (status = put_strings(g, input, &model, 1, true, err)) != TN_OK ||
        (status = put_placeholder(g, name, input, err)) != TN_OK) {
        return status;
    }
    return put_placeholder(g, *path_out, name, err);
}

static tn_status put_save(graph *g, tn_str path, tn_error *err)
{
    tn_str save, names, slices, done, wait;
    tn_status status;
    if ((status = scoped(g, "SaveV2", &save, err)) != TN_OK ||
        (status = scoped(g, "SaveV2/tensor_names", &names, err)) != TN_OK ||
        (status = scoped(g, "SaveV2/shape_and_slices", &slices, err)) != TN_OK ||
        (status = scoped(g, TNI_SM_SAVED, &done, err)) != TN_OK ||
        (status = put_lists(g, names, slices, err)) != TN_OK) {
        return status;
    }
    tn_str first[] = {path, names, slices};
    status = put_all(g, "SaveV2", save, first, g->read, err);
    if (status == TN_OK) {
        status = tni_arena_format(&g->names, &wait, err, "^%.*s", (int)save.len, save.data);
    }
    tn_str inputs[] = {path, status == TN_OK ? wait : TN_LIT("")};
    return status == TN_OK ? put_typed(g, "Identity", done, "T", TN_STRING, inputs, 2, err)
                           : status;
}

/* Hands one restored value to its variable; gives the name of the operation that does it. */
static tn_status put_restored(graph *g, tn_str restore, uint32_t index, tn_str *assign_out,
                              tn_error *err)
{
    char text[64];
    tn_str value, name, from = restore;
    tn_dtype dtype = tn_model_at(g->w->model, index)->dtype;
    snprintf(text, sizeof text, "Identity_%u", index + 1);
    tn_status status = scoped(g, text, &value, err);
    snprintf(text, sizeof text, index == 0 ? "AssignVariableOp" : "AssignVariableOp_%u", index);
    if (status == TN_OK) {
        status = scoped(g, text, &name, err);
    }
    if (status == TN_OK && index > 0) {
        status = tni_arena_format(&g->names, &from, err, "%.*s:%u", (int)restore.len, restore.data,
                                  index);
    }
    if (status == TN_OK) {
        status = put_typed(g, "Identity", value, "T", dtype, &from, 1, err);
    }
    if (status == TN_OK) {
        tn_str inputs[] = {g->w->places[index].graph, value};
        status = put_typed(g, "AssignVariableOp", name, "dtype", dtype, inputs, 2, err);
        *assign_out = name;
    }
    return status;
}

static tn_status put_restore(graph *g, tn_str path, tn_error *err)
{
    tn_str restore, names, slices, all;
    tn_status status;
    if ((status = scoped(g, "RestoreV2", &restore, err)) != TN_OK ||
        (status = scoped(g, "RestoreV2/tensor_names", &names, err)) != TN_OK ||
        (status = scoped(g, "RestoreV2/shape_and_slices", &slices, err)) != TN_OK ||
        (status = scoped(g, TNI_SM_RESTORE, &all, err)) != TN_OK ||
        (status = put_lists(g, names, slices, err)) != TN_OK) {
        return status;
    }
    tn_str first[] = {path, names, slices};
    void *block;
    status = put_all(g, "RestoreV2", restore, first, NULL, err);
    if (status == TN_OK) {
        status = tni_arena_array(&g->names, g->w->count, sizeof(tn_str), &block, err);
    }
    tn_str *assigned = status == TN_OK ? block : NULL;
    for (uint32_t i = 0; status == TN_OK && i < g->w->count; i++) {
        status = put_restored(g, restore, i, &assigned[i], err);
    }
    return status == TN_OK ? put_waiting(g, all, assigned, err) : status;
}

/* ---------------------------------------------------------------- all of it */

static tn_status put_nodes(graph *g, tn_error *err)
{
    void *read, *assign;
    tn_str path;
    tn_status status = tni_arena_array(&g->names, g->w->count, sizeof(tn_str), &read, err);
    if (status == TN_OK) {
        status = tni_arena_array(&g->names, g->w->count, sizeof(tn_str), &assign, err);
    }
    if (status == TN_OK) {
        g->read = read;
        g->assign = assign;
    }
    for (uint32_t i = 0; status == TN_OK && i < g->w->count; i++) {
        status = put_variable(g, i, err);
    }
    if (status == TN_OK) {
        status = put_path(g, &path, err);
    }
    if (status == TN_OK) {
        status = put_save(g, path, err);
    }
    if (status == TN_OK) {
        status = put_restore(g, path, err);
    }
    return status == TN_OK ? put_waiting(g, g->w->init, g->assign, err) : status;
}

tn_status tni_sm_pack_graph(const tni_sm_write *w, const tn_str *keys, tni_buffer *out,
                            tn_error *err)
{
    graph g = {.w = w, .keys = keys, .out = out};
    Tenon__Graph__VersionDef versions = TENON__GRAPH__VERSION_DEF__INIT;
    versions.producer = PRODUCER;
    tni_arena_init(&g.node, w->arena->ctx, UINT64_MAX);
    tni_arena_init(&g.names, w->arena->ctx, w->arena->ctx->limits.memory);
    tn_status status = put_nodes(&g, err);
    if (status == TN_OK) {
        status = tni_sm_put_message(GRAPH_VERSIONS, &versions.base, &g.node, out, err);
    }
    tni_arena_clear(&g.names);
    tni_arena_clear(&g.node);
    return status;
}
