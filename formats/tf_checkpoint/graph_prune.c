#include "formats/tf_checkpoint/graph_prune.h"

#include "core/error.h"
#include "formats/shared/wire.h"
#include "formats/tf_checkpoint/object_graph.h"

/* Field tags of TrackableObjectGraph and TrackableObject. */
enum {
    TAG_NODES = TNI_WIRE_TAG(1, TNI_WIRE_LEN),
    TAG_ATTRIBUTES = TNI_WIRE_TAG(2, TNI_WIRE_LEN),
    TAG_SLOTS = TNI_WIRE_TAG(3, TNI_WIRE_LEN),
    TAG_SAVER = TNI_WIRE_TAG(4, TNI_WIRE_LEN),
    TAG_HAS_VALUES = TNI_WIRE_TAG(5, TNI_WIRE_LEN)
};

typedef struct prune {
    tn_context *ctx;
    tni_arena arena;
    tni_tf_graph graph;
    const tni_names *present, *written;
    bool *lost;             /* by attribute: goes away */
    bool *bare;             /* by node: had attributes and keeps none */
    bool *has;              /* by node: has_checkpoint_values */
    size_t attribute, slot; /* next of the graph's lists while copying */
} prune;

/* Finds the first name that is not less than `name`. */
static size_t lower_bound(const tni_names *names, tn_str name)
{
    size_t low = 0, high = names->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tn_str_compare(names->at[middle], name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool has_beginning(const tni_names *names, tn_str key)
{
    size_t at = lower_bound(names, key);
    return at < names->count && tn_str_starts(names->at[at], key);
}

/* Tells whether the value of an attribute was stored and now is not. */
static bool is_lost(const prune *p, tn_str key)
{
    if (tni_names_has(p->present, key)) {
        return !tni_names_has(p->written, key);
    }
    return has_beginning(p->present, key) && !has_beginning(p->written, key);
}

static void find_lost(prune *p)
{
    const tni_tf_graph *g = &p->graph;
    for (uint32_t i = 0; i < g->n_attributes; i++) {
        p->lost[i] = is_lost(p, g->attributes[i].key);
    }
    for (uint32_t i = 0; i < g->n_attributes; i++) {
        p->bare[g->attributes[i].node] = true;
    }
    for (uint32_t i = 0; i < g->n_attributes; i++) {
        if (!p->lost[i]) {
            p->bare[g->attributes[i].node] = false;
        }
    }
}

/* Lists for each node the nodes that lead to it: parents[first[n] … first[n + 1]). */
static tn_status list_parents(prune *p, uint32_t **first_out, uint32_t **parents_out, tn_error *err)
{
    const tni_tf_graph *g = &p->graph;
    void *first, *parents;
    size_t edges = 0;
    for (uint32_t n = 0; n < g->n_nodes; n++) {
        edges += g->nodes[n].n_children;
    }
    tn_status status =
        tni_arena_array(&p->arena, (size_t)g->n_nodes + 2, sizeof(uint32_t), &first, err);
    if (status == TN_OK) {
        status = tni_arena_array(&p->arena, edges, sizeof(uint32_t), &parents, err);
    }
    if (status != TN_OK) {
        return status;
    }
    uint32_t *start = (uint32_t *)first + 1, *list = parents;
    for (uint32_t n = 0; n < g->n_nodes; n++) {
        for (uint32_t k = 0; k < g->nodes[n].n_children; k++) {
            start[g->nodes[n].children[k].node + 1]++;
        }
    }
    for (uint32_t n = 0; n < g->n_nodes; n++) {
        start[n + 1] += start[n];
    }
    for (uint32_t n = 0; n < g->n_nodes; n++) {
        for (uint32_t k = 0; k < g->nodes[n].n_children; k++) {
            list[start[g->nodes[n].children[k].node]++] = n;
        }
    }
    *first_out = first; /* filling moved each start to the next one's: read them one place lower */
    *parents_out = list;
    return TN_OK;
}

/* Marks nodes that hold something themselves: attributes, slot references, a saver of their own. */
static void mark_holders(prune *p, tn_str message)
{
    const tni_tf_graph *g = &p->graph;
    for (uint32_t i = 0; i < g->n_attributes; i++) {
        p->has[g->attributes[i].node] |= !p->lost[i];
    }
    for (uint32_t i = 0; i < g->n_slots; i++) {
        p->has[g->slots[i].optimizer] |= !p->bare[g->slots[i].node];
    }
    tni_wire wire = tni_wire_of(message);
    tni_wire_field node, field;
    for (uint32_t n = 0; tni_wire_next(&wire, &node);) {
        if (node.tag != TAG_NODES) {
            continue;
        }
        tni_wire inner = tni_wire_of(node.bytes);
        while (tni_wire_next(&inner, &field)) {
            p->has[n] |= field.tag == TAG_SAVER;
        }
        n++;
    }
}

/* Hands has_checkpoint_values up to all nodes that lead to one that has. */
static tn_status spread(prune *p, tn_error *err)
{
    uint32_t *first, *parents;
    void *block;
    tn_status status = list_parents(p, &first, &parents, err);
    if (status == TN_OK) {
        status = tni_arena_array(&p->arena, p->graph.n_nodes, sizeof(uint32_t), &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    uint32_t *todo = block;
    size_t count = 0;
    for (uint32_t n = 0; n < p->graph.n_nodes; n++) {
        if (p->has[n]) {
            todo[count++] = n;
        }
    }
    while (count > 0) {
        uint32_t n = todo[--count];
        for (uint32_t k = first[n]; k < first[n + 1]; k++) {
            if (!p->has[parents[k]]) {
                p->has[parents[k]] = true;
                todo[count++] = parents[k];
            }
        }
    }
    return TN_OK;
}

/* Copies one node's message without what goes. */
static void copy_node(prune *p, uint32_t n, tn_str message, tni_buffer *out)
{
    static const char yes[] = {0x08, 0x01};
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    for (size_t from = 0; tni_wire_next(&wire, &field); from = wire.cursor.pos) {
        bool keep = true;
        if (field.tag == TAG_ATTRIBUTES) {
            keep = !p->lost[p->attribute++];
        } else if (field.tag == TAG_SLOTS) {
            keep = !p->bare[p->graph.slots[p->slot++].node];
        } else if (field.tag == TAG_HAS_VALUES) {
            tni_wire_put_len(out, TAG_HAS_VALUES, (tn_str){yes, p->has[n] ? sizeof yes : 0});
            keep = false;
        }
        if (keep) {
            tni_buffer_add(out, message.data + from, wire.cursor.pos - from);
        }
    }
}

static tn_status copy_graph(prune *p, tn_str message, tni_buffer *out, tn_error *err)
{
    tni_buffer node;
    tni_buffer_init(&node, p->ctx);
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    uint32_t n = 0;
    for (size_t from = 0; tni_wire_next(&wire, &field); from = wire.cursor.pos) {
        if (field.tag != TAG_NODES) {
            tni_buffer_add(out, message.data + from, wire.cursor.pos - from);
            continue;
        }
        tni_buffer_reset(&node);
        copy_node(p, n++, field.bytes, &node);
        tni_wire_put_len(out, TAG_NODES, (tn_str){node.len == 0 ? "" : node.data, node.len});
        out->failed = out->failed || node.failed;
    }
    tni_buffer_clear(&node);
    return tni_buffer_check(out, err);
}

static tn_status prepare(prune *p, tn_str message, tn_error *err)
{
    void *lost, *bare, *has;
    tn_status status = tni_tf_graph_parse(message, &p->arena, &p->graph, err);
    if (status == TN_OK) {
        status = tni_arena_array(&p->arena, p->graph.n_attributes, sizeof(bool), &lost, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(&p->arena, p->graph.n_nodes, sizeof(bool), &bare, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(&p->arena, p->graph.n_nodes, sizeof(bool), &has, err);
    }
    if (status == TN_OK) {
        p->lost = lost;
        p->bare = bare;
        p->has = has;
    }
    return status;
}

tn_status tni_tf_graph_prune(tn_context *ctx, tn_str message, const tni_names *present,
                             const tni_names *written, tni_buffer *out, tn_error *err)
{
    prune p = {.ctx = ctx, .present = present, .written = written};
    tni_arena_init(&p.arena, ctx, ctx->limits.memory);
    tn_status status = prepare(&p, message, err);
    bool any = false;
    if (status == TN_OK) {
        find_lost(&p);
        for (uint32_t i = 0; i < p.graph.n_attributes; i++) {
            any = any || p.lost[i];
        }
    }
    if (status == TN_OK && !any) {
        tni_buffer_str(out, message);
        status = tni_buffer_check(out, err);
    } else if (status == TN_OK) {
        mark_holders(&p, message);
        status = spread(&p, err);
        if (status == TN_OK) {
            status = copy_graph(&p, message, out, err);
        }
    }
    tni_arena_clear(&p.arena);
    return status;
}
