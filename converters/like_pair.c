/* Pairing by names, and slots by their variables. */
#include "converters/like.h"
#include "model/roles.h"

/* The schemes whose names may mean a tensor, in the order in which they are tried. */
static const tn_scheme schemes[] = {TN_SCHEME_NAME, TN_SCHEME_FULL, TN_SCHEME_KEY,
                                    TN_SCHEME_OBJECT};
enum { SCHEMES = sizeof schemes / sizeof schemes[0] };

bool tni_like_fits(const tn_tensor *source, const tn_tensor *target)
{
    bool fits = !source->any_shape && (target->any_shape || source->rank == target->rank);
    for (uint32_t i = 0; fits && !target->any_shape && i < source->rank; i++) {
        fits = source->shape[i] == target->shape[i] || target->shape[i] < 0;
    }
    return fits;
}

bool tni_like_take(tni_pairs *p, uint32_t target, uint32_t source, const char *by)
{
    tni_like_pair *pair = &p->pair[target];
    if (source == TN_NO_INDEX || !p->wanted[target] || pair->by != NULL || p->used[source] ||
        !p->may_serve[source]) {
        return false;
    }
    if (!tni_like_fits(&p->in->tensors[source], &p->like->tensors[target])) {
        pair->near = pair->near == TN_NO_INDEX ? source : pair->near;
        return false;
    }
    pair->source = source;
    pair->by = by;
    p->used[source] = true;
    p->found++;
    return true;
}

/* Takes the first component off a path. */
static tn_str take_part(tn_str *path)
{
    const char *slash = path->len == 0 ? NULL : memchr(path->data, '/', path->len);
    size_t len = slash == NULL ? path->len : (size_t)(slash - path->data);
    tn_str part = tn_str_first(*path, len);
    *path = tn_str_skip(*path, slash == NULL ? len : len + 1);
    return part;
}

/* Tells whether a path leads through a list of all variables, whose numbers are no names: Keras
 * makes some of these lists of sets, in another order each time (export_archive.py). */
static bool is_numbered(tn_str path)
{
    static const char *const lists[] = {
        "variables",      "trainable_variables",  "non_trainable_variables",
        "_all_variables", "_trainable_variables", "_non_trainable_variables",
        "_variables"};
    while (path.len > 0) {
        tn_str part = take_part(&path);
        for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
            if (tn_str_equal(part, tn_str_of(lists[i])) && path.len > 0 && path.data[0] >= '0' &&
                path.data[0] <= '9') {
                return true;
            }
        }
    }
    return false;
}

/* Finds for a target without a source the tensor of the input that has in one scheme the name that
 * it has in another, which must be the name of no other target. */
static uint32_t find(const tni_pairs *p, uint32_t target, tn_scheme its, tn_scheme theirs)
{
    tn_str name = p->like->tensors[target].alias[its];
    if (!p->wanted[target] || p->pair[target].by != NULL) {
        return TN_NO_INDEX;
    }
    bool path = its != TN_SCHEME_NAME && its != TN_SCHEME_FULL;
    if (name.len == 0 || tn_model_find(p->like, its, name) != target ||
        (path && is_numbered(name))) {
        return TN_NO_INDEX;
    }
    return tn_model_find(p->in, theirs, name);
}

/* Pairs what a rule renamed: its new name may be any of the target's. */
static void by_rules(tni_pairs *p)
{
    for (size_t s = 0; p->renamed != NULL && s < SCHEMES; s++) {
        for (uint32_t i = 0; i < p->like->count; i++) {
            uint32_t source = find(p, i, schemes[s], TN_SCHEME_NAME);
            if (source != TN_NO_INDEX && p->renamed[source]) {
                tni_like_take(p, i, source, "rule");
            }
        }
    }
}

void tni_like_by_names(tni_pairs *p)
{
    by_rules(p);
    for (size_t s = 0; s < SCHEMES; s++) {
        for (uint32_t i = 0; i < p->like->count; i++) {
            tni_like_take(p, i, find(p, i, schemes[s], schemes[s]), tn_scheme_name(schemes[s]));
        }
    }
    for (size_t its = 0; its < SCHEMES; its++) {
        for (size_t theirs = 0; theirs < SCHEMES; theirs++) {
            for (uint32_t i = 0; its != theirs && i < p->like->count; i++) {
                tni_like_take(p, i, find(p, i, schemes[its], schemes[theirs]), "alias");
            }
        }
    }
}

/* Tells whether a slot is one of TensorFlow 1's momentum, which holds sums of gradients; Keras's
 * holds steps (optimizers/sgd.py), so neither is a value for the other. */
static bool is_old_momentum(const tn_tensor *slot)
{
    tn_str base;
    size_t family = 0;
    while (tni_slot_base(slot->alias[TN_SCHEME_NAME], &family, &base)) {
        if (strcmp(tni_slot_families()[family - 1].id, "tf1-momentum") == 0) {
            return true;
        }
    }
    return false;
}

static bool is_slot(const tn_tensor *tensor)
{
    return tensor->role == TN_ROLE_SLOT && tensor->slot_of != TN_NO_INDEX;
}

/* Pairs a slot with one in the chain of those that its variable's source has. */
static void pair_slot(tni_pairs *p, uint32_t target, uint32_t first, const uint32_t *next)
{
    const tn_tensor *slot = &p->like->tensors[target];
    for (uint32_t i = first; i != TN_NO_INDEX; i = next[i]) {
        const tn_tensor *source = &p->in->tensors[i];
        if (tn_str_equal(source->slot, slot->slot) &&
            is_old_momentum(source) == is_old_momentum(slot) &&
            tni_like_take(p, target, i, "slot")) {
            return;
        }
    }
}

tn_status tni_like_by_slots(tni_pairs *p, tn_error *err)
{
    void *block;
    size_t count = p->in->count;
    tn_status status = tni_arena_array(p->arena, 2 * count, sizeof(uint32_t), &block, err);
    if (status != TN_OK) {
        return status;
    }
    uint32_t *first = block, *next = first + count; /* by owner, by slot: chains of slots */
    for (size_t i = 0; i < 2 * count; i++) {
        first[i] = TN_NO_INDEX;
    }
    for (size_t i = count; i > 0; i--) {
        const tn_tensor *tensor = &p->in->tensors[i - 1];
        if (is_slot(tensor)) {
            next[i - 1] = first[tensor->slot_of];
            first[tensor->slot_of] = (uint32_t)i - 1;
        }
    }
    for (uint32_t i = 0; i < p->like->count; i++) {
        const tn_tensor *slot = &p->like->tensors[i];
        uint32_t owner = is_slot(slot) ? p->pair[slot->slot_of].source : TN_NO_INDEX;
        if (owner != TN_NO_INDEX) {
            pair_slot(p, i, first[owner], next);
        }
    }
    return TN_OK;
}
