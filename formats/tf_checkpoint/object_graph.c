#include "formats/tf_checkpoint/object_graph.h"
#include "core/error.h"
#include "formats/shared/wire.h"

enum {
    GRAPH_NODE = TNI_WIRE_TAG(1, TNI_WIRE_LEN),
    NODE_CHILD = TNI_WIRE_TAG(1, TNI_WIRE_LEN),
    NODE_ATTRIBUTE = TNI_WIRE_TAG(2, TNI_WIRE_LEN),
    NODE_SLOT = TNI_WIRE_TAG(3, TNI_WIRE_LEN),
    CHILD_NODE = TNI_WIRE_TAG(1, TNI_WIRE_VARINT),
    CHILD_NAME = TNI_WIRE_TAG(2, TNI_WIRE_LEN),
    ATTRIBUTE_NAME = TNI_WIRE_TAG(1, TNI_WIRE_LEN),
    ATTRIBUTE_FULL_NAME = TNI_WIRE_TAG(2, TNI_WIRE_LEN),
    ATTRIBUTE_KEY = TNI_WIRE_TAG(3, TNI_WIRE_LEN),
    SLOT_VARIABLE = TNI_WIRE_TAG(1, TNI_WIRE_VARINT),
    SLOT_NAME = TNI_WIRE_TAG(2, TNI_WIRE_LEN),
    SLOT_NODE = TNI_WIRE_TAG(3, TNI_WIRE_VARINT)
};

/* How much of everything there is, counted before memory is asked for. A count fits 32 bits
 * because the message is shorter than 4 GiB and each thing takes at least two bytes. */
typedef struct totals {
    size_t nodes, children, attributes, slots;
} totals;

static bool count_node(tn_str message, totals *t)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    while (tni_wire_next(&wire, &field)) {
        t->children += field.tag == NODE_CHILD;
        t->attributes += field.tag == NODE_ATTRIBUTE;
        t->slots += field.tag == NODE_SLOT;
    }
    return !wire.cursor.failed;
}

static bool count_graph(tn_str message, totals *t)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    while (tni_wire_next(&wire, &field)) {
        if (field.tag == GRAPH_NODE) {
            t->nodes++;
            if (!count_node(field.bytes, t)) {
                return false;
            }
        }
    }
    return !wire.cursor.failed;
}

/* A filling: where the next child, attribute and slot go. */
typedef struct filling {
    tni_tf_graph graph;
    tn_object_edge *child;
    tn_error *err;
} filling;

/* Takes the id of a node that object `from` says is its `what`; false, with the error, if there is
 * no such node (ids are int32: negative ones are long). */
static bool take_node(const filling *f, uint32_t from, const char *what, uint64_t number,
                      uint32_t *node)
{
    if (number >= f->graph.n_nodes) {
        tni_fail(f->err, TN_E_CORRUPT,
                 "the object graph is damaged: object #%u has %s #%lld, and there are %u objects",
                 from, what, (long long)number, f->graph.n_nodes);
        return false;
    }
    *node = (uint32_t)number;
    return true;
}

static bool fill_child(filling *f, uint32_t from, tn_str message)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    tn_object_edge edge = {0, TN_LIT("")};
    bool ok = true;
    while (ok && tni_wire_next(&wire, &field)) {
        if (field.tag == CHILD_NODE) {
            ok = take_node(f, from, "a child", field.number, &edge.node);
        } else if (field.tag == CHILD_NAME) {
            edge.name = field.bytes;
        }
    }
    *f->child++ = edge;
    return ok && !wire.cursor.failed;
}

static bool fill_attribute(filling *f, uint32_t node, tn_str message)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    tni_tf_attribute attribute = {node, TN_LIT(""), TN_LIT(""), TN_LIT("")};
    while (tni_wire_next(&wire, &field)) {
        if (field.tag == ATTRIBUTE_NAME) {
            attribute.name = field.bytes;
        } else if (field.tag == ATTRIBUTE_FULL_NAME) {
            attribute.full_name = field.bytes;
        } else if (field.tag == ATTRIBUTE_KEY) {
            attribute.key = field.bytes;
        }
    }
    f->graph.attributes[f->graph.n_attributes++] = attribute;
    return !wire.cursor.failed;
}

static bool fill_slot(filling *f, uint32_t node, tn_str message)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    tni_tf_slot slot = {node, 0, 0, TN_LIT("")};
    bool ok = true;
    while (ok && tni_wire_next(&wire, &field)) {
        if (field.tag == SLOT_VARIABLE) {
            ok = take_node(f, node, "a slot of variable", field.number, &slot.variable);
        } else if (field.tag == SLOT_NODE) {
            ok = take_node(f, node, "a slot", field.number, &slot.node);
        } else if (field.tag == SLOT_NAME) {
            slot.name = field.bytes;
        }
    }
    f->graph.slots[f->graph.n_slots++] = slot;
    return ok && !wire.cursor.failed;
}

static bool fill_node(filling *f, uint32_t index, tn_str message)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    tn_object *node = &f->graph.nodes[index];
    bool ok = true;
    node->children = f->child;
    node->attributes = f->graph.attributes + f->graph.n_attributes;
    node->slots = f->graph.slots + f->graph.n_slots;
    while (ok && tni_wire_next(&wire, &field)) {
        if (field.tag == NODE_CHILD) {
            ok = fill_child(f, index, field.bytes);
            node->n_children++;
        } else if (field.tag == NODE_ATTRIBUTE) {
            ok = fill_attribute(f, index, field.bytes);
            node->n_attributes++;
        } else if (field.tag == NODE_SLOT) {
            ok = fill_slot(f, index, field.bytes);
            node->n_slots++;
        }
    }
    return ok;
}

static bool fill_graph(filling *f, tn_str message)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    uint32_t index = 0;
    bool ok = true;
    while (ok && tni_wire_next(&wire, &field)) {
        if (field.tag == GRAPH_NODE) {
            ok = fill_node(f, index++, field.bytes);
        }
    }
    return ok;
}

static tn_status allocate(filling *f, const totals *t, tni_arena *arena, tn_error *err)
{
    void *nodes, *children, *attributes, *slots;
    tn_status status;
    if ((status = tni_arena_array(arena, t->nodes, sizeof(tn_object), &nodes, err)) != TN_OK ||
        (status = tni_arena_array(arena, t->children, sizeof(tn_object_edge), &children, err)) !=
            TN_OK ||
        (status = tni_arena_array(arena, t->attributes, sizeof(tni_tf_attribute), &attributes,
                                  err)) != TN_OK ||
        (status = tni_arena_array(arena, t->slots, sizeof(tni_tf_slot), &slots, err)) != TN_OK) {
        return status;
    }
    *f = (filling){.graph = {nodes, (uint32_t)t->nodes, attributes, 0, slots, 0},
                   .child = children,
                   .err = err};
    return TN_OK;
}

tn_status tni_tf_graph_parse(tn_str message, tni_arena *arena, tni_tf_graph *graph_out,
                             tn_error *err)
{
    totals t = {0};
    filling f;
    if (message.len > UINT32_MAX || !count_graph(message, &t)) {
        return tni_fail(err, TN_E_CORRUPT, "the object graph is damaged");
    }
    if (t.nodes == 0) {
        return tni_fail(err, TN_E_CORRUPT, "the object graph has no root");
    }
    tn_status status = allocate(&f, &t, arena, err);
    if (status != TN_OK) {
        return status;
    }
    if (!fill_graph(&f, message)) {
        return tni_fail(err, TN_E_CORRUPT, "the object graph is damaged"); /* unless it was said */
    }
    *graph_out = f.graph;
    return TN_OK;
}
