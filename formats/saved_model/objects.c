#include "formats/saved_model/objects.h"
#include "core/error.h"
#include "core/hash.h"
#include "formats/saved_model/layout.h"

typedef struct counts {
    size_t nodes, children, slots;
} counts;

static bool count_node(tn_str message, counts *c)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    while (tni_wire_next(&wire, &field)) {
        c->children += field.tag == OBJECT_CHILD;
        c->slots += field.tag == OBJECT_SLOT;
    }
    return !wire.cursor.failed;
}

static bool count_all(tn_str message, counts *c)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    bool ok = true;
    while (ok && tni_wire_next(&wire, &field)) {
        if (field.tag == OBJECTS_NODE) {
            c->nodes++;
            ok = count_node(field.bytes, c);
        }
    }
    return ok && !wire.cursor.failed;
}

/* Where the next child and slot go. */
typedef struct filling {
    tni_sm_objects objects;
    tn_object_edge *child;
    tn_object_slot *slot;
} filling;

static bool take_node(const filling *f, uint64_t number, uint32_t *node)
{
    *node = (uint32_t)number;
    return number < f->objects.count;
}

static bool fill_child(filling *f, tn_str message)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    tn_object_edge edge = {0, TN_LIT("")};
    bool ok = true;
    while (ok && tni_wire_next(&wire, &field)) {
        if (field.tag == CHILD_NODE) {
            ok = take_node(f, field.number, &edge.node);
        } else if (field.tag == CHILD_NAME) {
            edge.name = field.bytes;
        }
    }
    *f->child++ = edge;
    return ok && !wire.cursor.failed;
}

static bool fill_slot(filling *f, uint32_t node, tn_str message)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    tn_object_slot slot = {.optimizer = node, .name = TN_LIT("")};
    bool ok = true;
    while (ok && tni_wire_next(&wire, &field)) {
        if (field.tag == SLOT_ORIGINAL) {
            ok = take_node(f, field.number, &slot.variable);
        } else if (field.tag == SLOT_NODE) {
            ok = take_node(f, field.number, &slot.node);
        } else if (field.tag == SLOT_NAME) {
            slot.name = field.bytes;
        }
    }
    *f->slot++ = slot;
    return ok && !wire.cursor.failed;
}

static bool fill_variable(tn_str message, tni_sm_variable *variable)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    variable->is = true;
    while (tni_wire_next(&wire, &field)) {
        if (field.tag == SAVED_VARIABLE_NAME) {
            variable->name = field.bytes;
        } else if (field.tag == SAVED_VARIABLE_TRAINABLE) {
            variable->trainable = field.number != 0;
        }
    }
    return !wire.cursor.failed;
}

static bool fill_node(filling *f, uint32_t number, tn_str message)
{
    tn_object *node = &f->objects.nodes[number];
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    bool ok = true;
    node->children = f->child;
    node->slots = f->slot;
    while (ok && tni_wire_next(&wire, &field)) {
        if (field.tag == OBJECT_CHILD) {
            ok = fill_child(f, field.bytes);
        } else if (field.tag == OBJECT_SLOT) {
            ok = fill_slot(f, number, field.bytes);
        } else if (field.tag == OBJECT_VARIABLE) {
            ok = fill_variable(field.bytes, &f->objects.variables[number]);
        }
    }
    node->n_children = (uint32_t)(f->child - node->children);
    node->n_slots = (uint32_t)(f->slot - node->slots);
    return ok;
}

static tn_status allocate(const counts *c, tni_arena *arena, filling *f, tn_error *err)
{
    void *nodes, *variables, *children, *slots;
    tn_status status;
    if ((status = tni_arena_array(arena, c->nodes, sizeof(tn_object), &nodes, err)) != TN_OK ||
        (status = tni_arena_array(arena, c->nodes, sizeof(tni_sm_variable), &variables, err)) !=
            TN_OK ||
        (status = tni_arena_array(arena, c->children, sizeof(tn_object_edge), &children, err)) !=
            TN_OK ||
        (status = tni_arena_array(arena, c->slots, sizeof(tn_object_slot), &slots, err)) != TN_OK) {
        return status;
    }
    *f = (filling){{nodes, variables, (uint32_t)c->nodes}, children, slots};
    return TN_OK;
}

tn_status tni_sm_objects_parse(tn_str message, tni_arena *arena, tni_sm_objects *objects_out,
                               tn_error *err)
{
    counts c = {0, 0, 0};
    filling f;
    if (!count_all(message, &c) || c.nodes == 0) {
        return tni_fail(err, TN_E_CORRUPT, "the SavedModel's object graph is damaged");
    }
    tn_status status = allocate(&c, arena, &f, err);
    if (status != TN_OK) {
        return status;
    }
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    uint32_t number = 0;
    while (tni_wire_next(&wire, &field)) {
        if (field.tag == OBJECTS_NODE && !fill_node(&f, number++, field.bytes)) {
            return tni_fail(err, TN_E_CORRUPT,
                            "node %u of the SavedModel's object graph leads to a node that is not "
                            "there, or is damaged",
                            number - 1);
        }
    }
    *objects_out = f.objects;
    return TN_OK;
}

/* Tables of a node of the SavedModel's graph, made when it is first paired: however many nodes of
 * the checkpoint claim to be it, they are made once. */
typedef struct tables {
    tni_hash children; /* edge name → number of the edge */
    tni_hash slots;    /* VARIABLE/SLOT NAME → node */
    bool has_children, has_slots;
} tables;

typedef struct pairing {
    const tni_sm_objects *saved;
    const tn_object *checkpoint;
    uint32_t *pairs;
    uint32_t *queue;
    tables *tables; /* by node of `saved` */
    uint32_t first, last;
    tni_arena *arena;
} pairing;

static void pair(pairing *p, uint32_t checkpoint, uint32_t saved)
{
    if (p->pairs[checkpoint] == TN_NO_INDEX) {
        p->pairs[checkpoint] = saved;
        p->queue[p->last++] = checkpoint;
    }
}

static tn_status list_children(pairing *p, uint32_t saved, tn_error *err)
{
    const tn_object *node = &p->saved->nodes[saved];
    tables *t = &p->tables[saved];
    tn_status status = TN_OK;
    if (t->has_children) {
        return TN_OK;
    }
    t->has_children = true;
    tni_hash_init(&t->children, p->arena->ctx, node->n_children);
    for (uint32_t i = 0; status == TN_OK && i < node->n_children; i++) {
        status = tni_hash_add(&t->children, node->children[i].name, i, NULL, err);
    }
    return status;
}

/* Pairs the children of two nodes by their names. */
static tn_status pair_children(pairing *p, const tn_object *ours, uint32_t saved, tn_error *err)
{
    const tn_object *theirs = &p->saved->nodes[saved];
    tn_status status = list_children(p, saved, err);
    for (uint32_t i = 0; status == TN_OK && i < ours->n_children; i++) {
        uint32_t found = tni_hash_get(&p->tables[saved].children, ours->children[i].name);
        if (found != TNI_HASH_NONE) {
            pair(p, ours->children[i].node, theirs->children[found].node);
        }
    }
    return status;
}

/* Spells which slot of which variable a slot is, for a table. */
static tn_status slot_key(tni_arena *arena, uint32_t variable, tn_str name, tn_str *key_out,
                          tn_error *err)
{
    return tni_arena_format(arena, key_out, err, "%u/%.*s", variable, (int)name.len, name.data);
}

static tn_status list_slots(pairing *p, uint32_t saved, tn_error *err)
{
    const tn_object *node = &p->saved->nodes[saved];
    tables *t = &p->tables[saved];
    tn_status status = TN_OK;
    if (t->has_slots) {
        return TN_OK;
    }
    t->has_slots = true;
    tni_hash_init(&t->slots, p->arena->ctx, node->n_slots);
    for (uint32_t i = 0; status == TN_OK && i < node->n_slots; i++) {
        tn_str key;
        status = slot_key(p->arena, node->slots[i].variable, node->slots[i].name, &key, err);
        if (status == TN_OK) {
            status = tni_hash_add(&t->slots, key, node->slots[i].node, NULL, err);
        }
    }
    return status;
}

/* Pairs the slots of two optimizers by variable and slot name. */
static tn_status pair_slots(pairing *p, const tn_object *ours, uint32_t saved, tn_error *err)
{
    tn_status status = list_slots(p, saved, err);
    for (uint32_t i = 0; status == TN_OK && i < ours->n_slots; i++) {
        const tn_object_slot *slot = &ours->slots[i];
        uint32_t variable = p->pairs[slot->variable];
        tn_str key;
        if (variable == TN_NO_INDEX || p->pairs[slot->node] != TN_NO_INDEX) {
            continue;
        }
        status = slot_key(p->arena, variable, slot->name, &key, err);
        uint32_t found = status == TN_OK ? tni_hash_get(&p->tables[saved].slots, key) : 0;
        if (status == TN_OK && found != TNI_HASH_NONE) {
            p->pairs[slot->node] = found;
        }
    }
    return status;
}

static tn_status prepare(pairing *p, uint32_t count, tn_error *err)
{
    void *pairs, *queue, *tables_of;
    tn_status status;
    if ((status = tni_arena_array(p->arena, count, sizeof(uint32_t), &pairs, err)) != TN_OK ||
        (status = tni_arena_array(p->arena, count, sizeof(uint32_t), &queue, err)) != TN_OK ||
        (status = tni_arena_array(p->arena, p->saved->count, sizeof(tables), &tables_of, err)) !=
            TN_OK) {
        return status;
    }
    p->pairs = pairs;
    p->queue = queue;
    p->tables = tables_of;
    memset(pairs, 0xFF, count * sizeof(uint32_t));
    return TN_OK;
}

static void clear_tables(pairing *p)
{
    for (uint32_t i = 0; i < p->saved->count; i++) {
        if (p->tables[i].has_children) {
            tni_hash_clear(&p->tables[i].children);
        }
        if (p->tables[i].has_slots) {
            tni_hash_clear(&p->tables[i].slots);
        }
    }
}

tn_status tni_sm_objects_pair(const tni_sm_objects *saved, const tn_object *checkpoint,
                              uint32_t count, tni_arena *arena, uint32_t **pairs_out, tn_error *err)
{
    pairing p = {.saved = saved, .checkpoint = checkpoint, .arena = arena};
    tn_status status = prepare(&p, count, err);
    if (status != TN_OK) {
        return status;
    }
    pair(&p, 0, 0);
    while (status == TN_OK && p.first < p.last) {
        uint32_t node = p.queue[p.first++];
        status = pair_children(&p, &checkpoint[node], p.pairs[node], err);
    }
    for (uint32_t i = 0; status == TN_OK && i < count; i++) {
        if (p.pairs[i] != TN_NO_INDEX && checkpoint[i].n_slots > 0) {
            status = pair_slots(&p, &checkpoint[i], p.pairs[i], err);
        }
    }
    clear_tables(&p);
    if (status == TN_OK) {
        *pairs_out = p.pairs;
    }
    return status;
}
