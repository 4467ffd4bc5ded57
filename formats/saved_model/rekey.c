/* A graph whose checkpoint gets other keys: which variables are renamed along, and whether it still
 * restores. */
#include "formats/saved_model/rekey.h"
#include "core/buffer.h"
#include "core/error.h"
#include "formats/saved_model/copies.h"
#include "formats/saved_model/read.h"
#include "formats/saved_model/rename.h"
#include "formats/saved_model/restore.h"
#include <tenon/text.h>

typedef struct rekeying {
    tn_graph *graph;
    tni_arena *arena;
    const tni_sm_changes *changes;
    const tni_rekeys *keys;
    tni_hash by_key;  /* old key → its place in keys->at */
    tni_hash by_node; /* a variable's old name → its place in changes->nodes */
    tni_sm_new_names *names;
    tni_sm_rename *renames; /* by MetaGraph, as names */
} rekeying;

static const tni_rekey *find(const rekeying *r, tn_str key)
{
    uint32_t at = tni_hash_get(&r->by_key, key);
    return at == TNI_HASH_NONE ? NULL : &r->keys->at[at];
}

/* Checks that what a graph restores is in the new checkpoint, if it was in the old one. */
static tn_status check_restored(const rekeying *r, const tni_sm_restored *restored, tn_error *err)
{
    char name[TN_ERROR_SUBJECT];
    const tni_rekey *key = find(r, restored->key);
    if (restored->first_format && !r->keys->first_format) {
        return tni_fail(err, TN_E_IMPOSSIBLE,
                        "it restores by operations that read TensorFlow's "
                        "first checkpoint format alone");
    }
    if (key == NULL || key->to.data != NULL) {
        return TN_OK;
    }
    tn_escape(key->from, name, sizeof name);
    return tni_fail(err, TN_E_IMPOSSIBLE, "it restores '%s', which is %s", name, key->why);
}

/* Finds "/part_N" within a name, such that the name without it is the key: how TensorFlow calls the
 * parts of a partitioned variable, and their slots. */
static bool find_part(tn_str name, tn_str key, size_t *at_out, size_t *len_out)
{
    tn_str head = TN_LIT("/part_");
    for (size_t at = 0; at < name.len && at <= key.len; at++) {
        size_t len = head.len;
        if (!tn_str_starts(tn_str_skip(name, at), head)) {
            continue;
        }
        while (at + len < name.len && name.data[at + len] >= '0' && name.data[at + len] <= '9') {
            len++;
        }
        if (len > head.len && name.len - len == key.len &&
            tn_str_equal(tn_str_first(name, at), tn_str_first(key, at)) &&
            tn_str_equal(tn_str_skip(name, at + len), tn_str_skip(key, at))) {
            *at_out = at;
            *len_out = len;
            return true;
        }
    }
    return false;
}

/* Gives what the name of a part becomes: the new key with the part's number before what a slot adds
 * to its variable's name, or at its end. */
static tn_status part_becomes(const rekeying *r, tn_str name, const tni_rekey *key, tn_str *to_out,
                              tn_error *err)
{
    size_t at, len;
    if (!find_part(name, key->from, &at, &len)) {
        *to_out = name;
        return TN_OK;
    }
    tn_str part = tn_str_first(tn_str_skip(name, at), len), slot = tn_str_skip(name, at + len);
    bool kept = tn_str_ends(key->to, slot) && key->to.len > slot.len;
    size_t before = kept ? key->to.len - slot.len : key->to.len;
    tni_buffer text;
    tni_buffer_init(&text, r->arena->ctx);
    tni_buffer_str(&text, tn_str_first(key->to, before));
    tni_buffer_str(&text, part);
    tni_buffer_str(&text, tn_str_skip(key->to, before));
    tn_status status = tni_buffer_check(&text, err);
    if (status == TN_OK) {
        status = tni_arena_str(r->arena, (tn_str){text.data, text.len}, to_out, err);
    }
    tni_buffer_clear(&text);
    return status;
}

/* Says what a variable becomes, if it can be called so. */
static tn_status say_node(tni_sm_new_names *names, tn_str name, tn_str to, tn_error *err)
{
    if (!tn_str_equal(to, name) && !tni_sm_node_name_ok(to)) {
        char text[TN_ERROR_SUBJECT];
        tn_escape(to, text, sizeof text);
        return tni_fail(err, TN_E_CANNOT_HOLD, "no operation can be called '%s'", text);
    }
    return tni_sm_new_node(names, name, to, err);
}

/* Renames a variable along with its key, if that is its own name. */
static tn_status rename_variable(const rekeying *r, tni_sm_new_names *names, tn_str name,
                                 const tni_sm_binding *binding, tn_error *err)
{
    const tni_rekey *key = find(r, binding->key);
    tn_str to = name;
    tn_status status = TN_OK;
    bool renamed = key != NULL && key->to.data != NULL;
    if (renamed && binding->slice.len > 0) {
        status = part_becomes(r, name, key, &to, err);
        bool part = status == TN_OK && to.data != name.data;
        if (part) {
            status = tni_sm_new_node(names, key->from, key->to, err);
        }
    } else if (renamed && tn_str_equal(name, key->from)) {
        to = key->to;
    }
    return status == TN_OK ? say_node(names, name, to, err) : status;
}

/* Renames the variables that are to have other names whatever their keys. */
static tn_status rename_nodes(const rekeying *r, const tni_sm_meta *meta, tni_sm_new_names *names,
                              tn_error *err)
{
    tn_status status = TN_OK;
    for (uint32_t i = 0; status == TN_OK && i < meta->n_own; i++) {
        const tni_sm_node *node = &meta->nodes[i];
        if (tni_sm_is_variable_op(node->op)) {
            uint32_t at = tni_hash_get(&r->by_node, node->name);
            tn_str to = at == TNI_HASH_NONE ? node->name : r->changes->nodes[at].to;
            status = say_node(names, node->name, to, err);
        }
    }
    for (size_t i = 0; status == TN_OK && i < r->changes->n_nodes; i++) {
        tn_str from = r->changes->nodes[i].from;
        if (tni_hash_get(&names->nodes, from) == TNI_HASH_NONE) {
            char text[TN_ERROR_SUBJECT];
            tn_escape(from, text, sizeof text);
            status =
                tni_fail(err, TN_E_IMPOSSIBLE, "no variable of its graph is called '%s'", text);
        }
    }
    return status;
}

static tn_status add_names(const rekeying *r, tni_sm_meta *meta, tni_sm_new_names *names,
                           const tni_sm_binding *bindings, uint32_t count, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < r->keys->count; i++) {
        const tni_rekey *key = &r->keys->at[i];
        status = key->to.data == NULL ? TN_OK : tni_sm_new_key(names, key->from, key->to, err);
    }
    if (status == TN_OK && !r->changes->follow) {
        return rename_nodes(r, meta, names, err);
    }
    for (uint32_t i = 0; status == TN_OK && i < count; i++) {
        status = rename_variable(r, names, meta->nodes[bindings[i].node].name, &bindings[i], err);
    }
    return status;
}

/* Finds the copies of the checkpoint's object graph, where that changes: whoever saves with this
 * graph saves them. */
static tn_status find_copies(const rekeying *r, const tni_sm_meta *meta, tni_sm_rename *rename,
                             tn_error *err)
{
    const tni_sm_changes *changes = r->changes;
    bool saved = false;
    size_t found = 0;
    rename->edges = changes->edges;
    rename->copied = changes->copied;
    if (changes->objects == NULL) {
        return TN_OK;
    }
    for (size_t i = 0; i < rename->keys.n_restored; i++) {
        saved = saved || tn_str_equal(rename->keys.restored[i].key, TN_LIT(TNI_SM_OBJECTS_KEY));
    }
    tn_status status = tni_sm_copies_find(meta, changes->objects, changes->n_objects, r->arena,
                                          &rename->copies, &found, err);
    if (status == TN_OK && saved && found == 0) {
        status = tni_fail(err, TN_E_IMPOSSIBLE,
                          "what it saves holds another object graph than its checkpoint does");
    }
    return status;
}

/* Checks that no two operations have the same name. */
static tn_status check_nodes(const rekeying *r, const tni_sm_meta *meta,
                             const tni_sm_new_names *names, tn_error *err)
{
    tni_hash taken;
    tn_status status = TN_OK;
    tni_hash_init(&taken, r->arena->ctx, meta->n_own);
    for (uint32_t i = 0; status == TN_OK && names->any && i < meta->n_own; i++) {
        tn_str old = meta->nodes[i].name, name;
        uint32_t other = TNI_HASH_NONE;
        char text[TN_ERROR_SUBJECT];
        status = tni_sm_node_becomes(names, old, &name, err);
        if (status == TN_OK) {
            status = tni_hash_add(&taken, name, i, &other, err);
        }
        if (status == TN_OK && other != TNI_HASH_NONE) {
            tn_escape(name, text, sizeof text);
            status = tni_fail(err, TN_E_COLLISION, "two operations would be called '%s'", text);
        }
    }
    tni_hash_clear(&taken);
    return status;
}

/* Prepares the names of one MetaGraph. */
static tn_status prepare(const rekeying *r, uint32_t index, tn_error *err)
{
    tni_sm_meta *meta = &r->graph->metas[index];
    tni_sm_new_names *names = &r->names[index];
    tni_sm_rename *rename = &r->renames[index];
    tni_sm_binding *bindings = NULL;
    uint32_t count = 0;
    rename->names = names;
    tn_status status = tni_sm_restore(r->graph, meta, r->arena, &bindings, &count, err);
    if (status == TN_OK) {
        status = tni_sm_saver_keys_find(r->graph, meta, r->arena, &rename->keys, err);
    }
    for (size_t i = 0; status == TN_OK && i < rename->keys.n_restored; i++) {
        status = check_restored(r, &rename->keys.restored[i], err);
    }
    for (uint32_t i = 0; status == TN_OK && meta->restore_op.len == 0 && i < count; i++) {
        status = check_restored(r, &(tni_sm_restored){.key = bindings[i].key}, err);
    }
    if (status == TN_OK) {
        status = find_copies(r, meta, rename, err);
    }
    if (status == TN_OK) {
        status = add_names(r, meta, names, bindings, count, err);
    }
    return status == TN_OK ? check_nodes(r, meta, names, err) : status;
}

static tn_status rekey(rekeying *r, tni_splices *splices_out, tn_error *err)
{
    void *names, *renames;
    tni_splices splices = {.count = 0};
    tn_status status = tni_arena_array(r->arena, r->graph->n_metas, sizeof *r->names, &names, err);
    if (status == TN_OK) {
        status = tni_arena_array(r->arena, r->graph->n_metas, sizeof *r->renames, &renames, err);
    }
    if (status != TN_OK) {
        return status;
    }
    r->names = names;
    r->renames = renames;
    for (uint32_t i = 0; i < r->graph->n_metas; i++) {
        tni_sm_new_names_init(&r->names[i], r->arena);
    }
    for (uint32_t i = 0; status == TN_OK && i < r->graph->n_metas; i++) {
        status = prepare(r, i, err);
    }
    if (status == TN_OK) {
        status = tni_sm_rename_graph(r->graph, r->renames, r->arena, &splices, err);
    }
    for (uint32_t i = 0; i < r->graph->n_metas; i++) {
        tni_sm_new_names_clear(&r->names[i]);
    }
    if (status == TN_OK && splices.count > 0 && r->graph->image.source == NULL) {
        status = tni_fail(err, TN_E_UNSUPPORTED, "a graph in text form is not renamed");
    }
    if (status == TN_OK) {
        splices.size = splices.count == 0 ? tni_source_size(r->graph->source) : splices.size;
        *splices_out = splices;
    }
    return status;
}

tn_status tni_sm_change(tn_graph *graph, const tni_sm_changes *changes, tni_arena *arena,
                        tni_splices *splices_out, tn_error *err)
{
    const tni_rekeys *keys = &changes->keys;
    rekeying r = {.graph = graph, .arena = arena, .changes = changes, .keys = keys};
    tn_status status = TN_OK;
    tni_hash_init(&r.by_key, arena->ctx, keys->count);
    tni_hash_init(&r.by_node, arena->ctx, changes->n_nodes);
    for (size_t i = 0; status == TN_OK && i < keys->count; i++) {
        status = tni_hash_add(&r.by_key, keys->at[i].from, (uint32_t)i, NULL, err);
    }
    for (size_t i = 0; status == TN_OK && i < changes->n_nodes; i++) {
        status = tni_hash_add(&r.by_node, changes->nodes[i].from, (uint32_t)i, NULL, err);
    }
    if (status == TN_OK) {
        status = rekey(&r, splices_out, err);
    }
    tni_hash_clear(&r.by_node);
    tni_hash_clear(&r.by_key);
    return status;
}

tn_status tni_sm_rekey(const tn_model *model, const tni_rekeys *keys, tni_arena *arena,
                       tni_splices *splices_out, tn_error *err)
{
    tni_sm_changes changes = {.keys = *keys, .follow = true};
    return tni_sm_change(model->graph, &changes, arena, splices_out, err);
}
