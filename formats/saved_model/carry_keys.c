/* What becomes of keys, graph variables and edges when a SavedModel's variables get other names. */
#include "core/error.h"
#include "formats/saved_model/carry.h"
#include "formats/saved_model/index.h"
#include "formats/saved_model/objects.h"
#include <tenon/text.h>

const tn_tensor *tni_sm_carry_old(const tni_sm_carry *carry, const tn_tensor *tensor)
{
    const tn_model *root = carry->root;
    if (tensor->origin == root) {
        return &root->tensors[tensor->origin_index];
    }
    tn_str key = tensor->alias[TN_SCHEME_KEY];
    uint32_t at = key.data == NULL ? TN_NO_INDEX : tn_model_find(root, TN_SCHEME_KEY, key);
    return at < root->count ? &root->tensors[at] : NULL;
}

/* Says why a tensor cannot take the place of an old one; NULL: it can. */
static const char *unlike(const tn_tensor *tensor, const tn_tensor *old)
{
    bool same = tensor->rank == old->rank &&
                (tensor->rank == 0 ||
                 memcmp(tensor->shape, old->shape, tensor->rank * sizeof *old->shape) == 0);
    if (tensor->dtype != old->dtype) {
        return "written as another dtype";
    }
    return same ? NULL : "written in another shape";
}

/* Gives the key that follows from an old one: of the tensor itself, or of a twin. */
static tn_status key_becomes(tni_sm_carry *carry, const tn_tensor *tensor, tn_str key, bool own,
                             tn_str *to_out, tn_error *err)
{
    bool by_name =
        carry->scheme == TN_SCHEME_KEY || (carry->scheme == TN_SCHEME_NAME && !carry->objects);
    *to_out = by_name && own ? tensor->alias[TN_SCHEME_NAME] : key;
    bool by_path = carry->scheme == TN_SCHEME_NAME && carry->objects;
    return by_path ? tni_relabel_key(&carry->relabel, key, to_out, err) : TN_OK;
}

/* Tells whether a tensor of the source is a value of its checkpoint. */
static bool is_value(const tn_tensor *tensor)
{
    return !tensor->document && tensor->role != TN_ROLE_CONSTANT;
}

/* What an object's attribute is called stands in its key, and TensorFlow looks for it there
 * (tensorflow/python/checkpoint/restore.py, _extract_saveable_name). */
static tn_status check_key(const tni_sm_carry *carry, const tni_rekey *key, tn_error *err)
{
    tn_str mark = TN_LIT("/.ATTRIBUTES/");
    const char *old = memmem(key->from.data, key->from.len, mark.data, mark.len);
    if (!carry->objects || old == NULL || tn_str_equal(key->from, key->to)) {
        return TN_OK;
    }
    tn_str end = tn_str_skip(key->from, (size_t)(old - key->from.data));
    const char *new = memmem(key->to.data, key->to.len, mark.data, mark.len);
    if (new != NULL && tn_str_equal(tn_str_skip(key->to, (size_t)(new - key->to.data)), end)) {
        return TN_OK;
    }
    char text[TN_ERROR_SUBJECT];
    tn_escape(end, text, sizeof text);
    tn_status status = tni_fail(err, TN_E_CANNOT_HOLD,
                                "TensorFlow finds it in the object graph only if its key ends in "
                                "'%s'",
                                text);
    tni_error_subject(err, key->to);
    return status;
}

/* Notes one tensor: its own key and those of its twins, which stand from place[old] on. */
static tn_status note(tni_sm_carry *carry, const tn_tensor *tensor, const size_t *place,
                      tn_error *err)
{
    const tn_tensor *old = tni_sm_carry_old(carry, tensor);
    if (old == NULL || !is_value(old)) {
        tn_status status =
            tni_fail(err, TN_E_IMPOSSIBLE, "the input's graph has no variable that this could be");
        tni_error_subject(err, tensor->alias[TN_SCHEME_NAME]);
        return status;
    }
    tni_rekey *rekeys = &carry->keys[place[old - carry->root->tensors]];
    bool again = rekeys->to.data != NULL;
    tn_status status = TN_OK;
    for (uint32_t k = 0; status == TN_OK && k < 1 + old->n_twins; k++) {
        rekeys[k].why = again ? "written more than once" : unlike(tensor, old);
        if (rekeys[k].why == NULL) {
            status = key_becomes(carry, tensor, rekeys[k].from, k == 0, &rekeys[k].to, err);
            status = status == TN_OK ? check_key(carry, &rekeys[k], err) : status;
        } else {
            rekeys[k].to = TN_STR_NONE;
        }
    }
    return status;
}

/* An object graph cannot do without a value that it speaks of. */
static tn_status check_all_there(const tni_sm_carry *carry, tn_error *err)
{
    for (size_t i = 0; carry->objects && i < carry->n_keys; i++) {
        if (carry->keys[i].to.data == NULL) {
            char name[TN_ERROR_SUBJECT];
            tn_escape(carry->keys[i].from, name, sizeof name);
            return tni_fail(err, TN_E_IMPOSSIBLE, "its graph restores '%s', which is %s", name,
                            carry->keys[i].why);
        }
    }
    return TN_OK;
}

tn_status tni_sm_carry_keys(tni_write *write, tni_sm_carry *carry, tn_error *err)
{
    const tn_model *root = carry->root;
    void *keys, *places;
    size_t most = 0;
    for (size_t i = 0; i < root->count; i++) {
        most += 1 + (size_t)root->tensors[i].n_twins;
    }
    tn_status status = tni_arena_array(write->arena, most, sizeof(tni_rekey), &keys, err);
    if (status == TN_OK) {
        status = tni_arena_array(write->arena, root->count, sizeof(size_t), &places, err);
    }
    if (status != TN_OK) {
        return status;
    }
    size_t *place = places;
    carry->keys = keys;
    for (size_t i = 0; i < root->count; i++) {
        const tn_tensor *tensor = &root->tensors[i];
        place[i] = carry->n_keys;
        for (uint32_t k = 0; is_value(tensor) && k < 1 + tensor->n_twins; k++) {
            tn_str key = k == 0 ? tensor->alias[TN_SCHEME_KEY] : tensor->twins[k - 1];
            carry->keys[carry->n_keys++] = (tni_rekey){key, TN_STR_NONE, "left out"};
        }
    }
    for (size_t i = 0; status == TN_OK && i < write->model->count; i++) {
        status = note(carry, &write->model->tensors[i], place, err);
    }
    return status == TN_OK ? check_all_there(carry, err) : status;
}

tn_status tni_sm_carry_nodes(tni_write *write, tni_sm_carry *carry, tn_error *err)
{
    void *block;
    tn_status status =
        tni_arena_array(write->arena, write->model->count, sizeof(tni_rekey), &block, err);
    carry->nodes = block;
    for (size_t i = 0; status == TN_OK && i < write->model->count; i++) {
        const tn_tensor *tensor = &write->model->tensors[i];
        const tn_tensor *old = tni_sm_carry_old(carry, tensor);
        tn_str from = old == NULL ? TN_STR_NONE : old->alias[TN_SCHEME_FULL];
        tn_str to = tensor->alias[TN_SCHEME_NAME];
        if (from.data != NULL && !tn_str_equal(from, to)) {
            carry->nodes[carry->n_nodes++] = (tni_rekey){from, to, NULL};
        }
    }
    return status;
}

/* Says to the relabelling what becomes of all paths. */
static tn_status say_paths(tni_write *write, tni_sm_carry *carry, tn_error *err)
{
    const tn_model *root = carry->root;
    tn_status status = tni_relabel_begin(root->objects, (uint32_t)root->n_objects, write->arena,
                                         &carry->relabel, err);
    for (size_t i = 0; status == TN_OK && i < write->model->count; i++) {
        const tn_tensor *tensor = &write->model->tensors[i];
        const tn_tensor *old = tni_sm_carry_old(carry, tensor);
        bool path = old != NULL && tensor->role != TN_ROLE_METADATA &&
                    old->alias[TN_SCHEME_OBJECT].data != NULL &&
                    tn_str_equal(old->alias[TN_SCHEME_OBJECT], old->alias[TN_SCHEME_NAME]);
        if (path) {
            status = tni_relabel_path(&carry->relabel, old->alias[TN_SCHEME_NAME],
                                      tensor->alias[TN_SCHEME_NAME], err);
        }
        if (status != TN_OK) {
            tni_error_subject(err, tensor->alias[TN_SCHEME_NAME]);
        }
    }
    return status == TN_OK ? tni_relabel_end(&carry->relabel, err) : status;
}

/* Says what becomes of the edges of one object in both graphs. */
static tn_status say_edges(tni_sm_carry *carry, uint32_t object, uint32_t saved, tn_error *err)
{
    const tn_object *node = &carry->root->objects[object];
    tn_status status = TN_OK;
    for (uint32_t k = 0; status == TN_OK && k < node->n_children; k++) {
        tn_str from = node->children[k].name;
        tn_str to = tni_relabel_edge(&carry->relabel, object, k);
        if (!tn_str_equal(from, to)) {
            status = tni_sm_new_edge(&carry->copied, object, from, to, err);
        }
        if (status == TN_OK && saved != TN_NO_INDEX) {
            status = tni_sm_new_edge(&carry->edges, saved, from, to, err);
        }
    }
    return status;
}

/* Refuses two edges of one name at an object of the SavedModel, which has more edges than the
 * checkpoint knows. */
static tn_status check_edges(const tni_sm_carry *carry, const tni_sm_objects *saved,
                             tni_arena *scratch, tn_error *err)
{
    tni_hash taken;
    tn_status status = TN_OK;
    tni_hash_init(&taken, scratch->ctx, 0);
    for (uint32_t i = 0; status == TN_OK && i < saved->count; i++) {
        for (uint32_t k = 0; status == TN_OK && k < saved->nodes[i].n_children; k++) {
            tn_str name, key;
            uint32_t old = TNI_HASH_NONE;
            tn_str from = saved->nodes[i].children[k].name;
            status = tni_sm_edge_becomes(&carry->edges, i, from, &name, err);
            if (status == TN_OK) {
                status = tni_sm_edge_key(scratch, i, name, &key, err);
            }
            if (status == TN_OK) {
                status = tni_hash_add(&taken, key, k, &old, err);
            }
            if (status == TN_OK && old != TNI_HASH_NONE) {
                char text[TN_ERROR_SUBJECT];
                tn_escape(name, text, sizeof text);
                status =
                    tni_fail(err, TN_E_COLLISION,
                             "an object of the SavedModel would have two edges called '%s'", text);
            }
        }
    }
    tni_hash_clear(&taken);
    return status;
}

tn_status tni_sm_carry_edges(tni_write *write, tni_sm_carry *carry, tn_error *err)
{
    tni_arena scratch;
    tni_sm_objects saved;
    uint32_t *pairs;
    const tn_model *root = carry->root;
    tn_status status = say_paths(write, carry, err);
    if (status != TN_OK || carry->relabel.n_changed == 0) {
        return status;
    }
    tni_arena_init(&scratch, write->ctx, write->ctx->limits.memory);
    status = tni_sm_objects_parse(root->graph->metas[0].objects, &scratch, &saved, err);
    if (status == TN_OK) {
        status = tni_sm_objects_pair(&saved, root->objects, (uint32_t)root->n_objects, &scratch,
                                     &pairs, err);
    }
    for (uint32_t i = 0; status == TN_OK && i < root->n_objects; i++) {
        status = say_edges(carry, i, pairs[i], err);
    }
    if (status == TN_OK) {
        status = check_edges(carry, &saved, &scratch, err);
    }
    tni_arena_clear(&scratch);
    return status;
}
