/* The loader "objects": what tf.train.Checkpoint.restore does
 * (tensorflow/python/checkpoint/checkpoint.py, restore.py). From the two roots on, children of
 * equal edge names meet, breadth first; an object of the file that has met one stays with it. Slot
 * variables meet through their optimizer and their variable; a slot that the program's optimizer
 * has not made yet is made by the restore. */
#include "converters/check.h"

typedef struct meeting {
    tni_checking *check;
    const tn_object *a, *b;
    size_t n_a, n_b;
    uint32_t *b_of_a; /* by object of A, or TN_NO_INDEX */
    bool *b_met;      /* by object of B */
    bool *made;       /* by object of A: a slot that the restore makes */
    uint32_t *queue;  /* objects of A that met */
} meeting;

static uint32_t child_of(const tn_object *object, tn_str name)
{
    for (uint32_t i = 0; i < object->n_children; i++) {
        if (tn_str_equal(object->children[i].name, name)) {
            return object->children[i].node;
        }
    }
    return TN_NO_INDEX;
}

static tn_status allocate(meeting *m, tn_error *err)
{
    tni_arena *arena = &m->check->arena;
    void *b_of_a, *b_met, *made, *queue;
    tn_status status = tni_arena_array(arena, m->n_a, sizeof(uint32_t), &b_of_a, err);
    if (status == TN_OK) {
        status = tni_arena_array(arena, m->n_b, sizeof(bool), &b_met, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(arena, m->n_a, sizeof(bool), &made, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(arena, m->n_a, sizeof(uint32_t), &queue, err);
    }
    if (status == TN_OK) {
        m->b_of_a = b_of_a;
        m->b_met = b_met;
        m->made = made;
        m->queue = queue;
        for (size_t i = 0; i < m->n_a; i++) {
            m->b_of_a[i] = TN_NO_INDEX;
        }
    }
    return status;
}

static void meet(meeting *m, uint32_t a, uint32_t b, size_t *end)
{
    if (m->b_of_a[a] == TN_NO_INDEX) {
        m->b_of_a[a] = b;
        m->b_met[b] = true;
        m->queue[(*end)++] = a;
    }
}

static void walk(meeting *m)
{
    size_t end = 0;
    meet(m, 0, 0, &end);
    for (size_t next = 0; next < end; next++) {
        const tn_object *object = &m->a[m->queue[next]];
        const tn_object *partner = &m->b[m->b_of_a[m->queue[next]]];
        for (uint32_t i = 0; i < object->n_children; i++) {
            uint32_t b = child_of(partner, object->children[i].name);
            if (b != TN_NO_INDEX) {
                meet(m, object->children[i].node, b, &end);
            }
        }
    }
    m->check->overlap = end > 1;
}

/* Finds the slot of B's optimizer for a variable; TN_NO_INDEX: it has not been made. */
static uint32_t slot_of(const tn_object *optimizer, uint32_t variable, tn_str name)
{
    for (uint32_t i = 0; i < optimizer->n_slots; i++) {
        const tn_object_slot *slot = &optimizer->slots[i];
        if (slot->variable == variable && tn_str_equal(slot->name, name)) {
            return slot->node;
        }
    }
    return TN_NO_INDEX;
}

/* Keras's optimizers since 2.11 keep their state in a list, and raise an error when they are given
 * slot variables. */
static bool refuses_slots(const tn_object *optimizer)
{
    return optimizer->n_slots == 0 && child_of(optimizer, TN_LIT("_variables")) != TN_NO_INDEX;
}

static void meet_slots(meeting *m)
{
    size_t end = 0;
    for (size_t o = 0; o < m->n_a; o++) {
        uint32_t optimizer = m->b_of_a[o];
        if (optimizer != TN_NO_INDEX && m->a[o].n_slots > 0 && refuses_slots(&m->b[optimizer])) {
            m->check->legacy_slots = true;
        }
        for (uint32_t i = 0; optimizer != TN_NO_INDEX && i < m->a[o].n_slots; i++) {
            const tn_object_slot *slot = &m->a[o].slots[i];
            uint32_t variable = m->b_of_a[slot->variable];
            if (variable == TN_NO_INDEX || m->b_of_a[slot->node] != TN_NO_INDEX) {
                continue;
            }
            uint32_t b = slot_of(&m->b[optimizer], variable, slot->name);
            if (b == TN_NO_INDEX) {
                m->made[slot->node] = true;
            } else {
                end = 0; /* slots have no children to walk to */
                meet(m, slot->node, b, &end);
            }
        }
    }
}

/* The tensor that a value is stored in, by its key. */
static uint32_t tensor_of(const tn_model *model, const tn_object_value *value)
{
    return tn_model_find(model, TN_SCHEME_KEY, value->key);
}

static const tn_object_value *value_of(const tn_object *object, tn_str name)
{
    for (uint32_t i = 0; i < object->n_attributes; i++) {
        if (tn_str_equal(object->attributes[i].name, name)) {
            return &object->attributes[i];
        }
    }
    return NULL;
}

/* Finds for each object of B one of A that met it. */
static tn_status invert(const meeting *m, uint32_t **a_of_b_out, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(&m->check->arena, m->n_b, sizeof(uint32_t), &block, err);
    if (status == TN_OK) {
        uint32_t *a_of_b = block;
        for (size_t i = 0; i < m->n_b; i++) {
            a_of_b[i] = TN_NO_INDEX;
        }
        for (size_t i = m->n_a; i-- > 0;) {
            if (m->b_of_a[i] != TN_NO_INDEX) {
                a_of_b[m->b_of_a[i]] = (uint32_t)i;
            }
        }
        *a_of_b_out = a_of_b;
    }
    return status;
}

/* Adds the want of one value of B. */
static void add_want(meeting *m, const tn_object_value *value, uint32_t partner)
{
    tni_checking *check = m->check;
    uint32_t b = tensor_of(check->b, value);
    if (b != TN_NO_INDEX && check->chosen_b[b].cause != TNI_KEPT) {
        return;
    }
    tni_want want = {.name =
                         b != TN_NO_INDEX ? check->b->tensors[b].alias[TN_SCHEME_NAME] : value->key,
                     .b = b,
                     .a = TN_NO_INDEX};
    const tn_object_value *given =
        partner == TN_NO_INDEX ? NULL : value_of(&m->a[partner], value->name);
    if (given != NULL) {
        want.a = tensor_of(check->a, given);
        want.met = want.a != TN_NO_INDEX || b == TN_NO_INDEX;
    }
    if (want.a != TN_NO_INDEX && check->chosen_a[want.a].cause != TNI_KEPT) {
        want.a = TN_NO_INDEX;
        want.met = false;
    }
    check->wants[check->n_wants++] = want;
}

/* Marks what is stored for one value: its tensor, or, where several keys begin with the value's key
 * (lookup tables, iterators), all of them. */
static void use_value(tni_checking *check, const tn_object_value *value)
{
    uint32_t tensor = tensor_of(check->a, value);
    if (tensor != TN_NO_INDEX) {
        check->used[tensor] = true;
        return;
    }
    for (size_t i = 0; i < check->a->count; i++) {
        const tn_tensor *one = &check->a->tensors[i];
        check->used[i] = check->used[i] || (one->role == TN_ROLE_METADATA &&
                                            tn_str_starts(one->alias[TN_SCHEME_KEY], value->key));
    }
}

/* Marks the tensors of A that a restore takes: values of objects that met one with such a value,
 * and slots that are made. */
static void mark_used(meeting *m)
{
    for (size_t i = 0; i < m->n_a; i++) {
        uint32_t b = m->b_of_a[i];
        for (uint32_t k = 0; k < m->a[i].n_attributes; k++) {
            const tn_object_value *value = &m->a[i].attributes[k];
            if (m->made[i] || (b != TN_NO_INDEX && value_of(&m->b[b], value->name) != NULL)) {
                use_value(m->check, value);
            }
        }
    }
}

tn_status tni_check_by_objects(tni_checking *check, tn_error *err)
{
    meeting m = {.check = check};
    m.n_a = tn_model_objects(tni_model_root(check->a), &m.a);
    m.n_b = tn_model_objects(tni_model_root(check->b), &m.b);
    uint32_t *a_of_b;
    void *wants;
    size_t values = 0;
    for (size_t i = 0; i < m.n_b; i++) {
        values += m.b[i].n_attributes;
    }
    tn_status status = allocate(&m, err);
    if (status == TN_OK) {
        status = tni_arena_array(&check->arena, values, sizeof(tni_want), &wants, err);
    }
    if (status == TN_OK) {
        check->wants = wants;
        walk(&m);
        meet_slots(&m);
        status = invert(&m, &a_of_b, err);
    }
    for (size_t i = 0; status == TN_OK && i < m.n_b; i++) {
        for (uint32_t k = 0; k < m.b[i].n_attributes; k++) {
            add_want(&m, &m.b[i].attributes[k], a_of_b[i]);
        }
    }
    if (status == TN_OK) {
        mark_used(&m);
    }
    return status;
}
