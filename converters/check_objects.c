/* The loader "objects": what tf.train.Checkpoint.restore does
 * (tensorflow/python/checkpoint/checkpoint.py, restore.py). From the two roots on, children of
 * equal edge names meet, breadth first; an object of the file that has met one stays with it. Slot
 * variables meet through their optimizer and their variable; a slot that the program's optimizer
 * has not made yet is made by the restore. */
#include "converters/check.h"
#include "converters/object_index.h"
#include "core/hash.h"

typedef struct meeting {
    tni_checking *check;
    const tn_object *a, *b;
    size_t n_a, n_b;
    tni_object_index children_b, slots_b, values_a, values_b;
    uint32_t *b_of_a; /* by object of A, or TN_NO_INDEX */
    uint32_t *a_of_b; /* by object of B: the first that met it, or TN_NO_INDEX */
    bool *made;       /* by object of A: a slot that the restore makes */
    uint32_t *queue;  /* objects of A that met */
    size_t n_queue;
} meeting;

static tn_status allocate_indexes(meeting *m, tn_error *err)
{
    tni_arena *arena = &m->check->arena;
    tn_status status =
        tni_object_index_make(arena, m->b, m->n_b, TNI_OBJECT_CHILDREN, &m->children_b, err);
    if (status == TN_OK) {
        status = tni_object_index_make(arena, m->b, m->n_b, TNI_OBJECT_SLOTS, &m->slots_b, err);
    }
    if (status == TN_OK) {
        status = tni_object_index_make(arena, m->a, m->n_a, TNI_OBJECT_VALUES, &m->values_a, err);
    }
    if (status == TN_OK) {
        status = tni_object_index_make(arena, m->b, m->n_b, TNI_OBJECT_VALUES, &m->values_b, err);
    }
    return status;
}

static tn_status allocate(meeting *m, tn_error *err)
{
    tni_arena *arena = &m->check->arena;
    void *b_of_a, *a_of_b, *made, *queue, *wants;
    tn_status status = tni_arena_array(arena, m->n_a, sizeof(uint32_t), &b_of_a, err);
    if (status == TN_OK) {
        status = tni_arena_array(arena, m->n_b, sizeof(uint32_t), &a_of_b, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(arena, m->n_a, sizeof(bool), &made, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(arena, m->n_a, sizeof(uint32_t), &queue, err);
    }
    if (status == TN_OK) {
        status = allocate_indexes(m, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(arena, m->values_b.count, sizeof(tni_want), &wants, err);
    }
    if (status == TN_OK) {
        m->b_of_a = memset(b_of_a, 0xFF, m->n_a * sizeof(uint32_t));
        m->a_of_b = memset(a_of_b, 0xFF, m->n_b * sizeof(uint32_t));
        m->made = made;
        m->queue = queue;
        m->check->wants = wants;
    }
    return status;
}

static void meet(meeting *m, uint32_t a, uint32_t b)
{
    if (m->b_of_a[a] == TN_NO_INDEX) {
        m->b_of_a[a] = b;
        m->a_of_b[b] = m->a_of_b[b] == TN_NO_INDEX ? a : m->a_of_b[b];
        m->queue[m->n_queue++] = a;
    }
}

static void walk(meeting *m)
{
    meet(m, 0, 0);
    for (size_t next = 0; next < m->n_queue; next++) {
        const tn_object *object = &m->a[m->queue[next]];
        uint32_t partner = m->b_of_a[m->queue[next]];
        for (uint32_t i = 0; i < object->n_children; i++) {
            uint32_t b =
                tni_object_index_find(&m->children_b, partner, 0, object->children[i].name);
            if (b != TN_NO_INDEX) {
                meet(m, object->children[i].node, b);
            }
        }
    }
    m->check->overlap = m->n_queue > 1;
}

static bool has_child(const meeting *m, uint32_t b, tn_str name)
{
    return tni_object_index_find(&m->children_b, b, 0, name) != TN_NO_INDEX;
}

/* A slot that the program's optimizer does not have: an optimizer of the old kind makes it. One
 * that lists its variables does not, and Keras 2's refuses the whole restore
 * (tf_keras/src/optimizers/optimizer.py, _create_or_restore_slot_variable). */
static void meet_new_slot(meeting *m, uint32_t optimizer, uint32_t slot)
{
    const tn_object *object = &m->a[slot];
    bool lists = has_child(m, optimizer, TN_LIT("_variables"));
    m->made[slot] = !lists && object->n_children == 0 && object->n_attributes == 1;
    if (lists && !has_child(m, optimizer, TN_LIT("_trainable_variables"))) {
        m->check->legacy_slots = true;
    }
}

static void meet_slots(meeting *m)
{
    for (size_t o = 0; o < m->n_a; o++) {
        uint32_t optimizer = m->b_of_a[o];
        for (uint32_t i = 0; optimizer != TN_NO_INDEX && i < m->a[o].n_slots; i++) {
            const tn_object_slot *slot = &m->a[o].slots[i];
            uint32_t variable = m->b_of_a[slot->variable];
            if (variable == TN_NO_INDEX || m->b_of_a[slot->node] != TN_NO_INDEX) {
                continue;
            }
            uint32_t b = tni_object_index_find(&m->slots_b, optimizer, variable, slot->name);
            if (b == TN_NO_INDEX) {
                meet_new_slot(m, optimizer, slot->node);
            } else {
                meet(m, slot->node, b);
            }
        }
    }
}

/* The tensor that a value is stored in, by its key. */
static uint32_t tensor_of(const tn_model *model, const tn_object_value *value)
{
    return tn_model_find(model, TN_SCHEME_KEY, value->key);
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
    uint32_t given = partner == TN_NO_INDEX
                         ? TN_NO_INDEX
                         : tni_object_index_find(&m->values_a, partner, 0, value->name);
    if (given != TN_NO_INDEX) {
        want.a = tensor_of(check->a, &m->a[partner].attributes[given]);
        want.met = want.a != TN_NO_INDEX || b == TN_NO_INDEX;
    }
    if (want.a != TN_NO_INDEX && !tni_check_may_serve(check, want.a)) {
        want.a = TN_NO_INDEX;
        want.met = false;
    }
    check->wants[check->n_wants++] = want;
}

/* Marks the tensors of A that a restore takes: values of objects that met one with such a value,
 * and slots that are made. Keys of values that stand for several tensors go to `several`. */
static tn_status mark_used(meeting *m, tni_hash *several, tn_error *err)
{
    tn_status status = TN_OK;
    for (uint32_t i = 0; i < m->n_a; i++) {
        uint32_t b = m->b_of_a[i];
        for (uint32_t k = 0; status == TN_OK && k < m->a[i].n_attributes; k++) {
            const tn_object_value *value = &m->a[i].attributes[k];
            uint32_t tensor = tensor_of(m->check->a, value);
            bool taken = m->made[i] ||
                         (b != TN_NO_INDEX &&
                          tni_object_index_find(&m->values_b, b, 0, value->name) != TN_NO_INDEX);
            if (taken && tensor != TN_NO_INDEX) {
                m->check->used[tensor] = true;
            } else if (taken) {
                status = tni_hash_set(several, value->key, 1, err);
            }
        }
    }
    return status;
}

/* Tells whether a key is that of a value with something behind it: `…/table-keys` of `…/table`,
 * `…/ITERATOR_STATE` of `…/ITERATOR`. */
static bool is_part(tn_str key, const tni_hash *several)
{
    for (size_t len = key.len; len > 0 && key.data[len - 1] != '/'; len--) {
        bool cut = len < key.len && (key.data[len] == '-' || key.data[len] == '_');
        if (cut && tni_hash_get(several, tn_str_first(key, len)) != TNI_HASH_NONE) {
            return true;
        }
    }
    return false;
}

static tn_status mark_all_used(meeting *m, tn_error *err)
{
    const tni_checking *check = m->check;
    tni_hash several;
    tni_hash_init(&several, check->a->ctx, 0);
    tn_status status = mark_used(m, &several, err);
    for (size_t i = 0; status == TN_OK && several.count > 0 && i < check->a->count; i++) {
        const tn_tensor *tensor = &check->a->tensors[i];
        if (tensor->role == TN_ROLE_METADATA && is_part(tensor->alias[TN_SCHEME_KEY], &several)) {
            check->used[i] = true;
        }
    }
    tni_hash_clear(&several);
    return status;
}

/* A restore makes the counter of a program that has none yet (Checkpoint.restore,
 * _maybe_create_save_counter), and that is a match. A program whose own file has no counter uses
 * `write` and `read`, so that a file without one serves it as well. */
static void meet_counter(meeting *m)
{
    const tn_object *root = &m->a[0];
    for (uint32_t i = 0; i < root->n_children; i++) {
        const tn_object *counter = &m->a[root->children[i].node];
        if (tn_str_equal(root->children[i].name, TN_LIT("save_counter")) &&
            counter->n_attributes == 1 && !has_child(m, 0, TN_LIT("save_counter"))) {
            m->made[root->children[i].node] = true;
            m->check->overlap = true;
        }
    }
}

tn_status tni_check_by_objects(tni_checking *check, tn_error *err)
{
    meeting m = {.check = check};
    m.n_a = tn_model_objects(tni_model_root(check->a), &m.a);
    m.n_b = tn_model_objects(tni_model_root(check->b), &m.b);
    tn_status status = allocate(&m, err);
    if (status != TN_OK) {
        return status;
    }
    walk(&m);
    meet_counter(&m);
    meet_slots(&m);
    for (size_t i = 0; i < m.n_b; i++) {
        for (uint32_t k = 0; k < m.b[i].n_attributes; k++) {
            add_want(&m, &m.b[i].attributes[k], m.a_of_b[i]);
        }
    }
    return mark_all_used(&m, err);
}
