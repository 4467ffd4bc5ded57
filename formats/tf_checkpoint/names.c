/* The law of names for checkpoints with an object graph. */
#include "formats/tf_checkpoint/names.h"
#include "core/hash.h"
#include "formats/tf_checkpoint/layout.h"

#define MANY (UINT32_MAX - 1)

tn_str tni_tf_bare_key(tn_str key)
{
    tn_str suffix = TN_LIT(TNI_TF_VARIABLE_SUFFIX);
    /* The root's own value has nothing before the suffix. */
    bool bare = key.len > suffix.len && tn_str_ends(key, suffix);
    return bare ? tn_str_first(key, key.len - suffix.len) : key;
}

uint32_t tni_tf_child(const tni_tf_graph *graph, uint32_t node, tn_str name)
{
    const tn_object *object = &graph->nodes[node];
    for (uint32_t i = 0; i < object->n_children; i++) {
        if (tn_str_equal(object->children[i].name, name)) {
            return object->children[i].node;
        }
    }
    return TN_NO_INDEX;
}

static bool counts_iterations(tn_str edge)
{
    return tn_str_equal(edge, TN_LIT("_iterations")) || tn_str_equal(edge, TN_LIT("iterations")) ||
           tn_str_equal(edge, TN_LIT("iter"));
}

static void find_optimizers(tni_tf_naming *n)
{
    for (uint32_t i = 0; i < n->graph->n_nodes; i++) {
        const tn_object *node = &n->graph->nodes[i];
        n->optimizer[i] = node->n_slots > 0;
        for (uint32_t k = 0; !n->optimizer[i] && k < node->n_children; k++) {
            n->optimizer[i] = counts_iterations(node->children[k].name);
        }
    }
}

/* Tells each entry the node whose variable it is. */
static tn_status bind(tni_tf_naming *n, tn_error *err)
{
    tni_hash by_key;
    tn_status status = TN_OK;
    tni_hash_init(&by_key, n->ctx, n->count);
    for (uint32_t i = 0; status == TN_OK && i < n->count; i++) {
        status = tni_hash_add(&by_key, n->entries[i].key, i, NULL, err);
    }
    for (uint32_t i = 0; status == TN_OK && i < n->graph->n_attributes; i++) {
        const tni_tf_attribute *attribute = &n->graph->attributes[i];
        if (!tn_str_equal(attribute->name, TN_LIT(TNI_TF_VARIABLE_VALUE))) {
            continue;
        }
        /* A variable that was not initialised has an attribute but no entry. */
        uint32_t entry = tni_hash_get(&by_key, attribute->key);
        if (entry == TNI_HASH_NONE || n->entries[entry].hidden) {
            continue;
        }
        n->names[entry].node = attribute->node;
        n->names[entry].full = attribute->full_name.len == 0 ? TN_STR_NONE : attribute->full_name;
        n->entry_of[attribute->node] = entry;
    }
    tni_hash_clear(&by_key);
    return status;
}

/* Gives the path that names a node, of several the one that its own key spells; none if there is
 * none. */
static tn_status spell(tni_tf_naming *n, tni_tf_paths *paths, uint32_t entry, tn_str *path_out,
                       tn_error *err)
{
    uint32_t node = n->names[entry].node;
    tn_str key = n->entries[entry].key, own = tni_tf_bare_key(key), path;
    if (node == 0 || paths->parent[node] == TN_NO_INDEX) {
        return TN_OK;
    }
    bool leads = false;
    tn_status status = TN_OK;
    if (own.len < key.len) {
        status = tni_tf_path_leads_to(paths, own, node, &leads, err);
    }
    path = own;
    if (status == TN_OK && !leads) {
        status = tni_tf_path_text(paths, node, n->keep, &path, err);
    }
    if (status == TN_OK) {
        *path_out = path;
    }
    return status;
}

/* Gives every variable its object path: the one that may name it, else the shortest of all. */
static tn_status find_objects(tni_tf_naming *n, tn_error *err)
{
    tni_tf_paths all = {.parent = NULL};
    tn_status status = TN_OK;
    for (uint32_t i = 0; status == TN_OK && i < n->count; i++) {
        tni_tf_name *name = &n->names[i];
        if (name->node == TN_NO_INDEX) {
            continue;
        }
        status = spell(n, &n->paths, i, &name->object, err);
        name->pathless = name->object.data == NULL;
        if (status != TN_OK || !name->pathless) {
            continue;
        }
        if (all.parent == NULL) {
            status = tni_tf_paths_find(n->graph, NULL, n->scratch, &all, err);
        }
        if (status == TN_OK) {
            status = spell(n, &all, i, &name->object, err);
        }
    }
    return status;
}

/* Names in use, for full names that must be nobody else's. */
typedef struct used {
    tni_hash full;  /* full name → its only holder, or MANY */
    tni_hash names; /* names that are not full names */
} used;

static bool is_listed(const tni_tf_name *name)
{
    return name->twin_of == TN_NO_INDEX;
}

static bool wants_full(const tni_tf_name *name)
{
    return name->pathless && name->full.data != NULL && is_listed(name);
}

static tn_status collect_used(tni_tf_naming *n, used *u, tn_error *err)
{
    tn_status status = TN_OK;
    for (uint32_t i = 0; status == TN_OK && i < n->count; i++) {
        const tni_tf_name *name = &n->names[i];
        if (n->entries[i].hidden || !is_listed(name)) {
            continue;
        }
        if (!wants_full(name)) {
            status = tni_hash_add(&u->names, name->name, i, NULL, err);
        }
        if (status == TN_OK && name->full.data != NULL) {
            uint32_t old;
            status = tni_hash_add(&u->full, name->full, i, &old, err);
            if (status == TN_OK && old != TNI_HASH_NONE) {
                status = tni_hash_set(&u->full, name->full, MANY, err);
            }
        }
    }
    return status;
}

/* Names a variable by its key; where that is the full name by which another one was named, that one
 * has lost it, and so on. */
static tn_status fall_back(tni_tf_naming *n, used *u, uint32_t entry, tn_error *err)
{
    for (;;) {
        tni_tf_name *name = &n->names[entry];
        name->name = tni_tf_bare_key(n->entries[entry].key);
        tn_status status = tni_hash_add(&u->names, name->name, entry, NULL, err);
        if (status != TN_OK) {
            return status;
        }
        uint32_t other = tni_hash_get(&u->full, name->name);
        if (other == TNI_HASH_NONE || other == MANY || other == entry ||
            !wants_full(&n->names[other]) ||
            n->names[other].name.data != n->names[other].full.data) {
            return TN_OK;
        }
        entry = other;
    }
}

static tn_status name_pathless(tni_tf_naming *n, tn_error *err)
{
    used u;
    tni_hash_init(&u.full, n->ctx, n->count);
    tni_hash_init(&u.names, n->ctx, n->count);
    tn_status status = collect_used(n, &u, err);
    for (uint32_t i = 0; status == TN_OK && i < n->count; i++) {
        const tni_tf_name *name = &n->names[i];
        if (wants_full(name) && name->name.data == name->full.data &&
            (tni_hash_get(&u.full, name->full) == MANY ||
             tni_hash_get(&u.names, name->full) != TNI_HASH_NONE)) {
            status = fall_back(n, &u, i, err);
        }
    }
    tni_hash_clear(&u.full);
    tni_hash_clear(&u.names);
    return status;
}

static tn_status name_all(tni_tf_naming *n, tn_error *err)
{
    bool any = false;
    for (uint32_t i = 0; i < n->count; i++) {
        tni_tf_name *name = &n->names[i];
        if (name->node == TN_NO_INDEX) {
            name->name = n->entries[i].key;
        } else if (!name->pathless) {
            name->name = name->object;
        } else if (name->full.data != NULL) {
            name->name = name->full;
            any = true;
        } else {
            name->name = tni_tf_bare_key(n->entries[i].key);
        }
    }
    return any ? name_pathless(n, err) : TN_OK;
}

static tn_status allocate(tni_tf_naming *n, tn_error *err)
{
    void *names, *optimizer, *entry_of;
    size_t nodes = n->graph->n_nodes;
    tn_status status;
    if ((status = tni_arena_array(n->scratch, n->count, sizeof(tni_tf_name), &names, err)) !=
            TN_OK ||
        (status = tni_arena_array(n->scratch, nodes, sizeof(bool), &optimizer, err)) != TN_OK ||
        (status = tni_arena_array(n->scratch, nodes, sizeof(uint32_t), &entry_of, err)) != TN_OK) {
        return status;
    }
    n->names = names;
    n->optimizer = optimizer;
    n->entry_of = entry_of;
    memset(entry_of, 0xFF, nodes * sizeof(uint32_t));
    for (uint32_t i = 0; i < n->count; i++) {
        tni_tf_name *name = &n->names[i];
        name->node = name->slot_of = name->twin = name->twin_of = TN_NO_INDEX;
    }
    return TN_OK;
}

tn_status tni_tf_names_make(const tni_tf_graph *graph, const tni_tf_entry *entries, uint32_t count,
                            tni_arena *keep, tni_arena *scratch, tni_tf_name **names_out,
                            tn_error *err)
{
    tni_tf_naming n = {.ctx = keep->ctx,
                       .graph = graph,
                       .entries = entries,
                       .count = count,
                       .keep = keep,
                       .scratch = scratch};
    tn_status status;
    if ((status = allocate(&n, err)) != TN_OK || (status = bind(&n, err)) != TN_OK) {
        return status;
    }
    find_optimizers(&n);
    if ((status = tni_tf_paths_find(graph, n.optimizer, scratch, &n.paths, err)) != TN_OK ||
        (status = find_objects(&n, err)) != TN_OK ||
        (status = tni_tf_twins_find(&n, err)) != TN_OK || (status = name_all(&n, err)) != TN_OK ||
        (status = tni_tf_roles_find(&n, err)) != TN_OK) {
        return status;
    }
    *names_out = n.names;
    return TN_OK;
}
