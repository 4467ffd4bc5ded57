/* Roles, slots and owners of a checkpoint with an object graph. */
#include "model/roles.h"
#include "core/hash.h"
#include "formats/tf_checkpoint/layout.h"
#include "formats/tf_checkpoint/names.h"

#define MANY (UINT32_MAX - 1)
enum { MAX_SCOPES = 16 };

/* Children of Keras optimizers (2.11 and later) that list one variable for each trained one:
 * keras/src/optimizers/, their build methods. */
static const struct slot_list {
    const char *edge, *slot;
    bool factored;
} slot_lists[] = {
    {"_momentums", "momentum", false},
    {"momentums", "momentum", false},
    {"_velocities", "velocity", false},
    {"_velocity_hats", "velocity_hat", false},
    {"_accumulators", "accumulator", false},
    {"_linears", "linear", false},
    {"_average_gradients", "average_gradient", false},
    {"_accumulated_grads", "accumulated_grad", false},
    {"_accumulated_delta_vars", "accumulated_delta_var", false},
    {"_m", "m", false},
    {"_u", "u", false},
    {"_r", "r", true},
    {"_c", "c", true},
    {"_v", "v", true},
    {"_model_variables_moving_average", "average", false},
};

/* What roles are worked out from. */
typedef struct work {
    tni_tf_naming *n;
    bool *trained; /* by node: an optimizer lists it as trained */
    bool *below;   /* by node: an optimizer leads to it */
    bool *done;    /* by node: a list whose items were seen to; many optimizers may share one */
    const uint32_t **items; /* by node: a list's items, once asked for */
    tni_hash full;          /* full name → the only variable with a path that has it, or MANY */
} work;

static void mark(work *w, uint32_t slot_node, tn_str slot, uint32_t owner_node)
{
    tni_tf_naming *n = w->n;
    uint32_t entry = n->entry_of[slot_node];
    if (entry == TN_NO_INDEX) {
        return;
    }
    uint32_t owner = owner_node == TN_NO_INDEX ? TN_NO_INDEX : n->entry_of[owner_node];
    if (owner != TN_NO_INDEX && n->names[owner].twin_of != TN_NO_INDEX) {
        owner = n->names[owner].twin_of;
    }
    n->names[entry].role = TN_ROLE_SLOT;
    n->names[entry].slot = slot;
    n->names[entry].slot_of = owner == entry ? TN_NO_INDEX : owner;
}

/* Reads a decimal index below `limit` without sign or superfluous zeros. */
static bool parse_index(tn_str text, uint32_t limit, uint32_t *index_out)
{
    uint64_t index = 0;
    if (text.len == 0 || text.len > 10 || (text.len > 1 && text.data[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        index = 10 * index + (uint64_t)(text.data[i] - '0');
    }
    *index_out = (uint32_t)index;
    return index < limit;
}

/* Puts the items of a list node in order; false if they are not 0 … n-1. */
static bool order_items(const tn_object *list, uint32_t *items)
{
    memset(items, 0xFF, list->n_children * sizeof(uint32_t));
    for (uint32_t i = 0; i < list->n_children; i++) {
        uint32_t index;
        if (!parse_index(list->children[i].name, list->n_children, &index) ||
            items[index] != TN_NO_INDEX) {
            return false;
        }
        items[index] = list->children[i].node;
    }
    return true;
}

/* Gives the items of a list node by index, and their number: 0 if the node is no list. */
static tn_status list_items(const work *w, uint32_t node, const uint32_t **items_out,
                            uint32_t *count_out, tn_error *err)
{
    static const uint32_t none[1] = {TN_NO_INDEX};
    const tn_object *list = &w->n->graph->nodes[node];
    if (w->items[node] == NULL) {
        void *items;
        tn_status status =
            tni_arena_array(w->n->scratch, list->n_children, sizeof(uint32_t), &items, err);
        if (status != TN_OK) {
            return status;
        }
        w->items[node] = order_items(list, items) ? items : none;
    }
    *items_out = w->items[node];
    *count_out = w->items[node] == none ? 0 : list->n_children;
    return TN_OK;
}

/* Tells whether a slot's entry has a shape that fits its owner's. */
static bool fits(const work *w, uint32_t slot_node, uint32_t owner_node, bool factored)
{
    const tni_tf_naming *n = w->n;
    uint32_t slot = n->entry_of[slot_node], owner = n->entry_of[owner_node];
    if (slot == TN_NO_INDEX || owner == TN_NO_INDEX) {
        return false;
    }
    const tni_tf_entry *a = &n->entries[slot], *b = &n->entries[owner];
    return tni_slot_fits(a->shape, a->rank, b->shape, b->rank, factored);
}

/* Keras 2.11 and later call a slot OPTIMIZER/SLOT/FULL-NAME-OF-THE-OWNER. Finds the owner, and puts
 * the slot's word into *slot. */
static uint32_t owner_by_full_name(const work *w, uint32_t slot_node, tn_str *slot)
{
    uint32_t entry = w->n->entry_of[slot_node];
    tn_str rest = entry == TN_NO_INDEX ? TN_STR_NONE : w->n->names[entry].full;
    for (int scopes = 0; rest.len > 0 && scopes < MAX_SCOPES; scopes++) {
        const char *slash = memchr(rest.data, '/', rest.len);
        if (slash == NULL) {
            break;
        }
        tn_str before = tn_str_first(rest, (size_t)(slash - rest.data));
        rest = tn_str_skip(rest, before.len + 1);
        uint32_t owner = scopes == 0 ? TNI_HASH_NONE : tni_hash_get(&w->full, rest);
        if (owner != TNI_HASH_NONE && owner != MANY &&
            fits(w, slot_node, w->n->names[owner].node, false)) {
            *slot = before;
            return w->n->names[owner].node;
        }
    }
    return TN_NO_INDEX;
}

/* The variables that an optimizer trains, in its order; none where it does not list them (Keras 2).
 */
typedef struct trained_list {
    const uint32_t *nodes;
    uint32_t count;
} trained_list;

static bool is_slot(const work *w, uint32_t node)
{
    uint32_t entry = w->n->entry_of[node];
    return entry != TN_NO_INDEX && w->n->names[entry].role == TN_ROLE_SLOT;
}

/* Marks the slots of one list of an optimizer. */
static tn_status mark_list(work *w, const struct slot_list *list, uint32_t node,
                           trained_list owners, tn_error *err)
{
    const uint32_t *items;
    uint32_t count;
    tn_status status = list_items(w, node, &items, &count, err);
    if (status != TN_OK || w->done[node]) {
        return status;
    }
    w->done[node] = true;
    for (uint32_t i = 0; i < count; i++) {
        tn_str slot = tn_str_of(list->slot);
        uint32_t owner = TN_NO_INDEX;
        if (is_slot(w, items[i])) {
            continue;
        }
        if (owners.count == 0) {
            owner = owner_by_full_name(w, items[i], &slot);
        } else if (count == owners.count && fits(w, items[i], owners.nodes[i], list->factored)) {
            owner = owners.nodes[i];
        }
        mark(w, items[i], slot, owner);
    }
    return TN_OK;
}

static tn_status find_trained(work *w, uint32_t optimizer, trained_list *owners_out, tn_error *err)
{
    uint32_t node = tni_tf_child(w->n->graph, optimizer, TN_LIT("_trainable_variables"));
    trained_list owners = {NULL, 0};
    tn_status status = TN_OK;
    if (node != TN_NO_INDEX) {
        status = list_items(w, node, &owners.nodes, &owners.count, err);
    }
    if (status != TN_OK) {
        return status;
    }
    for (uint32_t i = 0; i < owners.count && !w->done[node]; i++) {
        w->trained[owners.nodes[i]] = true;
    }
    if (node != TN_NO_INDEX) {
        w->done[node] = true;
    }
    *owners_out = owners;
    return TN_OK;
}

static tn_status mark_lists(work *w, uint32_t optimizer, tn_error *err)
{
    const tn_object *object = &w->n->graph->nodes[optimizer];
    trained_list owners;
    tn_status status = find_trained(w, optimizer, &owners, err);
    for (uint32_t i = 0; status == TN_OK && i < object->n_children; i++) {
        const tn_object_edge *edge = &object->children[i];
        for (size_t k = 0; status == TN_OK && k < sizeof(slot_lists) / sizeof(slot_lists[0]); k++) {
            if (tn_str_equal(edge->name, tn_str_of(slot_lists[k].edge))) {
                status = mark_list(w, &slot_lists[k], edge->node, owners, err);
            }
        }
    }
    return status;
}

/* Marks all nodes that an optimizer leads to. */
static tn_status find_below(work *w, tn_error *err)
{
    const tni_tf_graph *graph = w->n->graph;
    void *block;
    tn_status status =
        tni_arena_array(w->n->scratch, graph->n_nodes, sizeof(uint32_t), &block, err);
    if (status != TN_OK) {
        return status;
    }
    uint32_t *waiting = block, count = 0;
    for (uint32_t i = 0; i < graph->n_nodes; i++) {
        if (w->n->optimizer[i]) {
            w->below[i] = true;
            waiting[count++] = i;
        }
    }
    while (count > 0) {
        const tn_object *node = &graph->nodes[waiting[--count]];
        for (uint32_t i = 0; i < node->n_children; i++) {
            uint32_t to = node->children[i].node;
            if (!w->below[to]) {
                w->below[to] = true;
                waiting[count++] = to;
            }
        }
    }
    return TN_OK;
}

static tn_status collect_full_names(work *w, tn_error *err)
{
    tn_status status = TN_OK;
    for (uint32_t i = 0; status == TN_OK && i < w->n->count; i++) {
        const tni_tf_name *name = &w->n->names[i];
        uint32_t old = TNI_HASH_NONE;
        if (name->node != TN_NO_INDEX && !name->pathless && name->full.data != NULL) {
            status = tni_hash_add(&w->full, name->full, i, &old, err);
        }
        if (status == TN_OK && old != TNI_HASH_NONE) {
            status = tni_hash_set(&w->full, name->full, MANY, err);
        }
    }
    return status;
}

static bool contains(tn_str text, tn_str part)
{
    return memmem(text.data, text.len, part.data, part.len) != NULL;
}

static tn_role role_of(const work *w, const tni_tf_entry *entry, const tni_tf_name *name)
{
    if (name->node == TN_NO_INDEX) {
        /* A key that belongs to no object's attribute and is not spelt like one is shown as what it
         * seems to be, so that no weight is ever hidden. */
        bool attribute = contains(entry->key, TN_LIT(TNI_TF_ATTRIBUTES)) ||
                         tn_str_equal(entry->key, TN_LIT(TNI_TF_OBJECT_GRAPH));
        return attribute ? TN_ROLE_METADATA : TN_ROLE_VARIABLE;
    }
    tn_str last = tni_last_component(name->object), full = tni_last_component(name->full);
    if (tni_is_counter(last) || tni_is_counter(full)) {
        return TN_ROLE_COUNTER;
    }
    bool optimizers = name->pathless && w->below[name->node] && !w->trained[name->node];
    bool state = optimizers || tni_is_random_state(last) || tni_is_random_state(full) ||
                 tni_is_state_path(name->object);
    return state ? TN_ROLE_STATE : TN_ROLE_VARIABLE;
}

static tn_status mark_slots(work *w, tn_error *err)
{
    const tni_tf_graph *graph = w->n->graph;
    tn_status status = TN_OK;
    for (uint32_t i = 0; i < graph->n_slots; i++) {
        mark(w, graph->slots[i].node, graph->slots[i].name, graph->slots[i].variable);
    }
    for (uint32_t i = 0; status == TN_OK && i < graph->n_nodes; i++) {
        status = w->n->optimizer[i] ? mark_lists(w, i, err) : TN_OK;
    }
    return status;
}

tn_status tni_tf_roles_find(tni_tf_naming *naming, tn_error *err)
{
    work w = {.n = naming};
    void *flags, *items;
    size_t nodes = naming->graph->n_nodes;
    tn_status status = tni_arena_array(naming->scratch, nodes, 3 * sizeof(bool), &flags, err);
    if (status == TN_OK) {
        status = tni_arena_array(naming->scratch, nodes, sizeof(uint32_t *), &items, err);
    }
    if (status != TN_OK) {
        return status;
    }
    w.trained = flags;
    w.below = w.trained + nodes;
    w.done = w.below + nodes;
    w.items = items;
    tni_hash_init(&w.full, naming->ctx, 0);
    if ((status = find_below(&w, err)) == TN_OK &&
        (status = collect_full_names(&w, err)) == TN_OK) {
        status = mark_slots(&w, err);
    }
    for (uint32_t i = 0; status == TN_OK && i < naming->count; i++) {
        tni_tf_name *name = &naming->names[i];
        if (name->role != TN_ROLE_SLOT) {
            name->role = role_of(&w, &naming->entries[i], name);
        }
    }
    tni_hash_clear(&w.full);
    return status;
}
