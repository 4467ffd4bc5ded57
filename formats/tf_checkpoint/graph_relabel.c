#include "formats/tf_checkpoint/graph_relabel.h"

#include "formats/shared/wire.h"

/* Field tags of TrackableObjectGraph and its parts. */
enum {
    TAG_NODES = TNI_WIRE_TAG(1, TNI_WIRE_LEN),
    TAG_CHILDREN = TNI_WIRE_TAG(1, TNI_WIRE_LEN),
    TAG_ATTRIBUTES = TNI_WIRE_TAG(2, TNI_WIRE_LEN),
    TAG_LOCAL_NAME = TNI_WIRE_TAG(2, TNI_WIRE_LEN),
    TAG_KEY = TNI_WIRE_TAG(3, TNI_WIRE_LEN)
};

typedef struct edit {
    tni_relabel *relabel;
    tni_buffer part; /* a child or an attribute */
    tni_buffer node;
    tn_error *err;
} edit;

static tn_str text_of(const tni_buffer *buffer)
{
    return (tn_str){buffer->len == 0 ? "" : buffer->data, buffer->len};
}

/* Gives the last occurrence of a string field, which is the one that counts; "" if there is none.
 */
static tn_str last_of(tn_str message, uint32_t tag)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    tn_str found = TN_LIT("");
    while (tni_wire_next(&wire, &field)) {
        if (field.tag == tag) {
            found = field.bytes;
        }
    }
    return found;
}

/* Copies a message with another value of a string field, which may not be there yet. */
static void put_changed(tn_str message, uint32_t tag, tn_str value, tni_buffer *out)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    bool put = false;
    tni_buffer_reset(out);
    for (size_t from = 0; tni_wire_next(&wire, &field); from = wire.cursor.pos) {
        if (field.tag != tag) {
            tni_buffer_add(out, message.data + from, wire.cursor.pos - from);
        } else if (!put && value.len > 0) {
            tni_wire_put_len(out, tag, value);
            put = true;
        }
    }
    if (!put && value.len > 0) {
        tni_wire_put_len(out, tag, value);
    }
}

/* Puts one string of a child or an attribute in its place in the node. */
static void edit_part(edit *e, const tni_wire_field *field, uint32_t tag, tn_str value)
{
    put_changed(field->bytes, tag, value, &e->part);
    tni_wire_put_len(&e->node, field->tag, text_of(&e->part));
    e->node.failed = e->node.failed || e->part.failed;
}

static tn_status edit_node(edit *e, uint32_t index, tn_str message)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    uint32_t child = 0;
    tn_status status = TN_OK;
    tni_buffer_reset(&e->node);
    for (size_t from = 0; status == TN_OK && tni_wire_next(&wire, &field); from = wire.cursor.pos) {
        tn_str was = TN_LIT(""), is = was;
        uint32_t tag = 0;
        if (field.tag == TAG_CHILDREN) {
            tag = TAG_LOCAL_NAME;
            was = e->relabel->walk.nodes[index].children[child].name;
            is = tni_relabel_edge(e->relabel, index, child++);
        } else if (field.tag == TAG_ATTRIBUTES) {
            tag = TAG_KEY;
            was = last_of(field.bytes, TAG_KEY);
            status = tni_relabel_key(e->relabel, was, &is, e->err);
        }
        if (tag != 0 && !tn_str_equal(was, is)) {
            edit_part(e, &field, tag, is);
        } else {
            tni_buffer_add(&e->node, message.data + from, wire.cursor.pos - from);
        }
    }
    return status;
}

tn_status tni_tf_graph_relabel(tn_context *ctx, tn_str message, tni_relabel *relabel,
                               tni_buffer *out, tn_error *err)
{
    edit e = {.relabel = relabel, .err = err};
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    uint32_t index = 0;
    tn_status status = TN_OK;
    tni_buffer_init(&e.part, ctx);
    tni_buffer_init(&e.node, ctx);
    for (size_t from = 0; status == TN_OK && tni_wire_next(&wire, &field); from = wire.cursor.pos) {
        if (field.tag == TAG_NODES) {
            status = edit_node(&e, index++, field.bytes);
        }
        if (field.tag == TAG_NODES && !tn_str_equal(text_of(&e.node), field.bytes)) {
            tni_wire_put_len(out, TAG_NODES, text_of(&e.node));
        } else {
            tni_buffer_add(out, message.data + from, wire.cursor.pos - from);
        }
        out->failed = out->failed || e.node.failed;
    }
    tni_buffer_clear(&e.part);
    tni_buffer_clear(&e.node);
    return status == TN_OK ? tni_buffer_check(out, err) : status;
}
