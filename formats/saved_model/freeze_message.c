/* The nodes of a frozen graph that are made anew: NodeDef, AttrValue, TensorProto. */
#include "core/cursor.h"
#include "core/error.h"
#include "formats/saved_model/constant.h"
#include "formats/saved_model/freeze.h"
#include <tenon/values.h>

enum {
    NODE_DEVICE = TNI_LEN(4),
    TENSOR_INT = TNI_VAR(7),
    TENSOR_INT64 = TNI_VAR(10),
    DT_INT64 = 9
};

void tni_sm_put_head(tni_buffer *out, uint32_t tag, uint64_t length)
{
    uint8_t bytes[20];
    size_t len = tni_put_varint64(bytes, tag);
    len += tni_put_varint64(bytes + len, length);
    tni_buffer_add(out, bytes, len);
}

void tni_sm_put_bytes(tni_buffer *out, uint32_t tag, tn_str bytes)
{
    tni_sm_put_head(out, tag, bytes.len);
    tni_buffer_str(out, bytes);
}

void tni_sm_put_number(tni_buffer *out, uint32_t tag, uint64_t number)
{
    tni_sm_put_head(out, tag, number); /* a varint, as a length is */
}

/* Puts a message before the `len` bytes that stand at the end of a buffer: its tag, and its length
 * with `behind` bytes that follow the buffer. */
static void wrap(tni_buffer *out, size_t len, uint32_t tag, uint64_t behind)
{
    uint8_t head[20];
    size_t width = tni_put_varint64(head, tag);
    width += tni_put_varint64(head + width, len + behind);
    tni_buffer_zeros(out, width);
    if (!out->failed) {
        char *at = out->data + out->len - width - len;
        memmove(at + width, at, len);
        memcpy(at, head, width);
    }
}

static void put_attr(tni_buffer *out, const char *name, tn_str value)
{
    size_t from = out->len;
    tni_sm_put_bytes(out, MAP_KEY, tn_str_of(name));
    tni_sm_put_bytes(out, MAP_VALUE, value);
    wrap(out, out->len - from, NODE_ATTR, 0);
}

static void put_type_attr(tni_buffer *out, const char *name, uint64_t type)
{
    uint8_t value[20];
    size_t len = tni_put_varint64(value, ATTR_TYPE);
    len += tni_put_varint64(value + len, type);
    put_attr(out, name, (tn_str){(const char *)value, len});
}

static void put_shape(tni_buffer *out, const tn_tensor *tensor)
{
    size_t from = out->len;
    for (uint32_t i = 0; i < tensor->rank; i++) {
        size_t dim = out->len;
        if (tensor->shape[i] != 0) {
            tni_sm_put_number(out, DIM_SIZE, (uint64_t)tensor->shape[i]);
        }
        wrap(out, out->len - dim, SHAPE_DIM, 0);
    }
    wrap(out, out->len - from, TENSOR_SHAPE, 0);
}

static tn_status put_strings(const tni_sm_freeze *f, const tn_tensor *tensor, tni_buffer *out,
                             tn_error *err)
{
    tn_reader *reader;
    const tn_str *strings;
    tn_status status = tn_reader_new(f->ctx, true, &reader, err);
    if (status != TN_OK) {
        return status;
    }
    status = tn_reader_strings(reader, tensor, &strings, err);
    for (int64_t i = 0; status == TN_OK && i < tensor->elements; i++) {
        tni_sm_put_bytes(out, TENSOR_STRING, strings[i]);
    }
    tn_reader_free(reader);
    return status;
}

tn_status tni_sm_put_constant(tni_sm_freeze *f, const tni_sm_frozen *value, tn_error *err)
{
    tni_buffer *out = &f->head;
    tn_status status = TN_OK;
    size_t node = out->len;
    tni_sm_put_bytes(out, NODE_NAME, f->meta->nodes[value->node].name);
    tni_sm_put_bytes(out, NODE_OP, TN_LIT("Const"));
    put_type_attr(out, "dtype", value->type);
    size_t entry = out->len;
    tni_sm_put_bytes(out, MAP_KEY, TN_LIT("value"));
    size_t tensor = out->len;
    tni_sm_put_number(out, TENSOR_DTYPE, value->type);
    put_shape(out, value->tensor);
    if (value->tensor->dtype == TN_STRING) {
        status = put_strings(f, value->tensor, out, err);
    } else if (value->bytes > 0) {
        tni_sm_put_head(out, TENSOR_CONTENT, value->bytes);
    }
    wrap(out, out->len - tensor, ATTR_TENSOR, value->bytes);
    wrap(out, out->len - tensor, MAP_VALUE, value->bytes);
    wrap(out, out->len - entry, NODE_ATTR, value->bytes);
    wrap(out, out->len - node, GRAPH_NODE, value->bytes);
    return status != TN_OK ? status : tni_buffer_check(out, err);
}

/* Puts an attribute of the old node under a name of the new one, if the old one has it. */
static void put_old_attr(tni_sm_freeze *f, uint32_t node, const char *from, const char *to)
{
    tn_str value;
    if (tni_sm_attr(f->meta->nodes[node].message, tn_str_of(from), &value)) {
        put_attr(&f->head, to, value);
    }
}

/* Puts the attributes of what reads a variable. */
static void put_read_attrs(tni_sm_freeze *f, uint32_t node, uint64_t type, bool gather)
{
    put_type_attr(&f->head, gather ? "Tparams" : "T", type);
    put_old_attr(f, node, "Tindices", "Tindices");
    put_old_attr(f, node, "_class", "_class");
}

/* Puts all fields of a node that passes a variable on but its operation and what is no longer true
 * of its output. */
static void put_passing_fields(tni_sm_freeze *f, uint32_t node, uint64_t type)
{
    tni_wire wire = tni_wire_of(f->meta->nodes[node].message);
    tni_wire_field field;
    tn_str key;
    put_type_attr(&f->head, "T", type);
    while (tni_wire_next(&wire, &field)) {
        bool attr = field.tag == NODE_ATTR;
        bool old = attr && tni_sm_attr_bytes(field.bytes, MAP_KEY, &key) &&
                   (tn_str_equal(key, TN_LIT("T")) || tn_str_equal(key, TN_LIT("_output_shapes")));
        if ((attr && !old) || field.tag == NODE_DEVICE) {
            tni_sm_put_bytes(&f->head, field.tag, field.bytes);
        }
    }
}

/* Puts the inputs: data as they were, then the axis, then what is waited for. */
static void put_inputs(tni_sm_freeze *f, uint32_t node, tn_str axis)
{
    for (int control = 0; control < 2; control++) {
        tni_wire wire = tni_wire_of(f->meta->nodes[node].message);
        tn_str input;
        while (tni_sm_next_input(&wire, &input)) {
            if ((input.len > 0 && input.data[0] == '^') == (control == 1)) {
                tni_sm_put_bytes(&f->head, NODE_INPUT, input);
            }
        }
        if (control == 0 && axis.data != NULL) {
            tni_sm_put_bytes(&f->head, NODE_INPUT, axis);
        }
    }
}

tn_status tni_sm_put_rewritten(tni_sm_freeze *f, uint32_t node, tn_str axis, tn_error *err)
{
    const tni_sm_node *old = &f->meta->nodes[node];
    uint32_t variable = f->rewritten_for[node];
    uint64_t type = f->values[f->value_of[variable]].type;
    const tni_sm_rewrite *row = tni_sm_rewrite_of(
        old->op, !tn_str_equal(f->meta->nodes[variable].op, TN_LIT("VarHandleOp")));
    size_t from = f->head.len;
    tni_sm_put_bytes(&f->head, NODE_NAME, old->name);
    tni_sm_put_bytes(&f->head, NODE_OP, tn_str_of(row->to));
    put_inputs(f, node, axis);
    if (row->passes) {
        put_passing_fields(f, node, type);
    } else {
        put_read_attrs(f, node, type, !tn_str_equal(tn_str_of(row->to), TN_LIT("Identity")));
    }
    if (axis.data != NULL) {
        put_old_attr(f, node, "Tindices", "Taxis");
    }
    wrap(&f->head, f->head.len - from, GRAPH_NODE, 0);
    return tni_buffer_check(&f->head, err);
}

tn_status tni_sm_put_axis(tni_sm_freeze *f, uint32_t node, tn_str name, tn_error *err)
{
    tni_buffer *out = &f->head;
    const tn_tensor scalar = {.rank = 0};
    tn_str value;
    uint64_t type = 0;
    if (!tni_sm_attr(f->meta->nodes[node].message, TN_LIT("Tindices"), &value) ||
        !tni_sm_attr_number(value, ATTR_TYPE, &type)) {
        return tni_sm_freeze_fail(f, TN_E_CORRUPT, node, "the operation says no Tindices", err);
    }
    size_t from = out->len;
    tni_sm_put_bytes(out, NODE_NAME, name);
    tni_sm_put_bytes(out, NODE_OP, TN_LIT("Const"));
    put_type_attr(out, "dtype", type);
    size_t entry = out->len;
    tni_sm_put_bytes(out, MAP_KEY, TN_LIT("value"));
    size_t tensor = out->len;
    tni_sm_put_number(out, TENSOR_DTYPE, type);
    put_shape(out, &scalar);
    tni_sm_put_number(out, type == DT_INT64 ? TENSOR_INT64 : TENSOR_INT, 0);
    wrap(out, out->len - tensor, ATTR_TENSOR, 0);
    wrap(out, out->len - tensor, MAP_VALUE, 0);
    wrap(out, out->len - entry, NODE_ATTR, 0);
    wrap(out, out->len - from, GRAPH_NODE, 0);
    return tni_buffer_check(out, err);
}
