#include "converters/mapped.h"

#include "core/error.h"
#include "core/hash.h"
#include "model/fill.h"
#include "model/roles.h"
#include <tenon/text.h>

tn_status tni_map_begin(const tn_model *base, tn_model **model_out, tn_error *err)
{
    tn_model *model;
    tn_status status = tni_model_new(base->ctx, &model, err);
    if (status == TN_OK) {
        model->base = base;
        model->format = base->format;
        model->path = base->path;
        model->resolved = base->resolved;
        model->layout = base->layout;
        model->in_file_order = true;
        *model_out = model;
    }
    return status;
}

static tn_status collision(const tn_model *base, tn_str name, uint32_t a, uint32_t b, tn_error *err)
{
    char first[TN_ERROR_SUBJECT], second[TN_ERROR_SUBJECT];
    tn_escape(base->tensors[a].alias[TN_SCHEME_NAME], first, sizeof first);
    tn_escape(base->tensors[b].alias[TN_SCHEME_NAME], second, sizeof second);
    tn_status status =
        tni_fail(err, TN_E_COLLISION, "'%s' and '%s' would both have this name", first, second);
    tni_error_path(err, base->path);
    tni_error_subject(err, name);
    return status;
}

/* Checks that no two kept tensors get one name. */
static tn_status check_names(const tn_model *base, const bool *keep, const tn_str *names,
                             tn_error *err)
{
    tni_hash taken;
    tn_status status = TN_OK;
    tni_hash_init(&taken, base->ctx, base->count);
    for (uint32_t i = 0; status == TN_OK && i < base->count; i++) {
        uint32_t other = TNI_HASH_NONE;
        if (keep[i]) {
            status = tni_hash_add(&taken, names[i], i, &other, err);
        }
        if (status == TN_OK && other != TNI_HASH_NONE) {
            status = collision(base, names[i], other, i, err);
        }
    }
    tni_hash_clear(&taken);
    return status;
}

tn_status tni_made_of_value(tn_model *model, tn_str name, const tni_value *form,
                            const void *element, tni_made *made_out, tn_error *err)
{
    const tni_leaf *leaf;
    void *block;
    tn_status status = tni_fill_leaf(model, form->dtype, form->elements, element, &leaf, err);
    if (status == TN_OK) {
        status = tni_arena_alloc(&model->arena, sizeof(tni_whole_piece), &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tni_whole_piece *whole = block;
    whole->piece.leaf = leaf;
    tni_map_whole(form->elements, &whole->dim, &whole->piece.map);
    *made_out = (tni_made){.name = name, .value = *form, .owner = TN_NO_INDEX};
    made_out->value.pieces = &whole->piece;
    made_out->value.n_pieces = 1;
    return TN_OK;
}

/* Takes all names away. */
static void forget_names(tn_tensor *tensor)
{
    for (int scheme = 0; scheme < TN_SCHEME_COUNT; scheme++) {
        tensor->alias[scheme] = TN_STR_NONE;
    }
    tensor->twins = NULL;
    tensor->twin_pieces = NULL;
    tensor->n_twins = 0;
}

/* Where the tensors of a base go, kept ones and made ones. */
typedef struct moving {
    tn_model *model;
    const tn_model *base;
    const tni_made *made;
    size_t n_made, next;  /* made: the first that is not there yet */
    uint32_t *new_index;  /* by tensor of the base */
    uint32_t *made_index; /* by made tensor */
} moving;

static tn_status add_kept(moving *m, uint32_t i, tn_str name, bool renamed, tn_error *err)
{
    tn_tensor *tensor;
    m->new_index[i] = (uint32_t)m->model->count;
    tn_status status = tni_model_add(m->model, &tensor, err);
    if (status == TN_OK) {
        *tensor = m->base->tensors[i];
        if (renamed) {
            forget_names(tensor);
        }
        tensor->alias[TN_SCHEME_NAME] = name;
    }
    return status;
}

static tn_status add_made(moving *m, tn_error *err)
{
    tn_tensor *tensor;
    const tni_made *made = &m->made[m->next];
    m->made_index[m->next++] = (uint32_t)m->model->count;
    tn_status status = tni_model_add(m->model, &tensor, err);
    if (status != TN_OK) {
        return status;
    }
    if (made->n_from > 0) {
        *tensor = m->base->tensors[made->from[0]];
    } else {
        tensor->role =
            tni_is_counter(tni_last_component(made->name)) ? TN_ROLE_COUNTER : TN_ROLE_VARIABLE;
    }
    tensor->twin_pieces = made->twin_pieces;
    if (!made->keeps_names) {
        forget_names(tensor);
    }
    tensor->alias[TN_SCHEME_NAME] = made->name;
    tensor->dtype = made->value.dtype;
    tensor->rank = made->value.rank;
    tensor->shape = made->value.shape;
    tensor->elements = made->value.elements;
    tensor->pieces = made->value.pieces;
    tensor->n_pieces = made->value.n_pieces;
    tensor->slices = made->value.slices;
    tensor->n_slices = made->value.n_slices;
    tensor->slot_of = TN_NO_INDEX; /* set at the end */
    if (tn_dtype_about(tensor->dtype)->bits != 0 &&
        !tn_dtype_bytes(tensor->dtype, (uint64_t)tensor->elements, &tensor->bytes)) {
        status = tni_fail(err, TN_E_SHAPE, "its elements do not fill whole bytes");
        tni_error_subject(err, made->name);
    }
    return status;
}

/* Makes a variable of a slot that has outlived its own under a name that no slot has: an average
 * that takes its variable's place. `was` is its index in the base. */
static void settle_role(const moving *m, uint32_t was, tn_tensor *tensor)
{
    uint32_t owner = m->base->tensors[was].slot_of;
    size_t family = 0;
    tn_str base;
    if (owner != TN_NO_INDEX && m->new_index[owner] == TN_NO_INDEX &&
        !tni_slot_base(tensor->alias[TN_SCHEME_NAME], &family, &base)) {
        tensor->role = TN_ROLE_VARIABLE;
        tensor->slot = TN_STR_NONE;
        tensor->trainable = m->base->tensors[owner].trainable;
    }
}

/* Tells the slots where their owners are now. */
static void settle_owners(moving *m, const bool *keep, const bool *renamed)
{
    for (uint32_t i = 0; i < m->base->count; i++) {
        uint32_t owner = m->base->tensors[i].slot_of;
        if (keep[i]) {
            tn_tensor *tensor = &m->model->tensors[m->new_index[i]];
            tensor->slot_of = owner == TN_NO_INDEX ? TN_NO_INDEX : m->new_index[owner];
            if (renamed != NULL && renamed[i]) {
                settle_role(m, i, tensor);
            }
        }
    }
    for (size_t k = 0; k < m->n_made; k++) {
        tn_tensor *tensor = &m->model->tensors[m->made_index[k]];
        if (m->made[k].owner != TN_NO_INDEX) {
            tensor->slot_of = m->made_index[m->made[k].owner];
        } else if (m->made[k].n_from > 0 && !m->made[k].keeps_names) {
            settle_role(m, m->made[k].from[0], tensor);
        }
    }
}

static tn_status move_all(moving *m, const bool *keep, const tn_str *names, const bool *renamed,
                          tn_error *err)
{
    size_t count = m->n_made;
    for (size_t i = 0; i < m->base->count; i++) {
        count += keep[i];
    }
    tn_status status = tni_model_reserve(m->model, count, err);
    for (uint32_t i = 0; status == TN_OK && i < m->base->count; i++) {
        m->new_index[i] = TN_NO_INDEX;
        if (keep[i]) {
            status = add_kept(m, i, names[i], renamed != NULL && renamed[i], err);
        }
        while (status == TN_OK && m->next < m->n_made && tni_made_stands_at(&m->made[m->next], i)) {
            /* A second copy does not take the tensor's slots away from it. */
            m->new_index[i] = keep[i] ? m->new_index[i] : (uint32_t)m->model->count;
            status = add_made(m, err);
        }
    }
    while (status == TN_OK && m->next < m->n_made) {
        status = add_made(m, err);
    }
    if (status == TN_OK) {
        settle_owners(m, keep, renamed);
    }
    return status;
}

tn_status tni_map_fill(tn_model *model, const bool *keep, const tn_str *names, const bool *renamed,
                       const tni_made *made, size_t n_made, tn_error *err)
{
    moving m = {.model = model, .base = model->base, .made = made, .n_made = n_made};
    void *new_index = NULL, *made_index = NULL;
    tn_status status =
        tni_alloc_array(model->ctx, model->base->count, sizeof(uint32_t), &new_index, err);
    if (status == TN_OK) {
        status = tni_alloc_array(model->ctx, n_made, sizeof(uint32_t), &made_index, err);
    }
    m.new_index = new_index;
    m.made_index = made_index;
    if (status == TN_OK) {
        status = move_all(&m, keep, names, renamed, err);
    }
    tni_free(model->ctx, new_index);
    tni_free(model->ctx, made_index);
    return status == TN_OK ? tni_model_finish(model, err) : status;
}

/* Makes the additions and fills the model with them. */
static tn_status fill_added(tn_model *model, const bool *keep, const tn_str *names,
                            const tni_addition *additions, size_t count, tn_error *err)
{
    void *block;
    if (count == 0) {
        return tni_map_fill(model, keep, names, NULL, NULL, 0, err);
    }
    tn_status status = tni_arena_array(&model->arena, count, sizeof(tni_made), &block, err);
    tni_made *made = block;
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        tni_value form = {.dtype = additions[i].dtype, .elements = 1};
        status = tni_made_of_value(model, tn_str_of(additions[i].name), &form, additions[i].element,
                                   &made[i], err);
    }
    return status == TN_OK ? tni_map_fill(model, keep, names, NULL, made, count, err) : status;
}

tn_status tni_map_named(const tn_model *base, const bool *keep, const tn_str *names,
                        const tni_addition *additions, size_t n_additions, tn_model **model_out,
                        tn_error *err)
{
    tn_model *model = NULL;
    tn_status status = check_names(base, keep, names, err);
    if (status == TN_OK) {
        status = tni_map_begin(base, &model, err);
    }
    if (status == TN_OK) {
        status = fill_added(model, keep, names, additions, n_additions, err);
    }
    if (status != TN_OK) {
        tn_model_free(model);
        return status;
    }
    *model_out = model;
    return TN_OK;
}

tn_status tni_map_renamed(const tn_model *base, const bool *keep, const tn_str *names,
                          const bool *renamed, tn_model **model_out, tn_error *err)
{
    tn_model *model = NULL;
    tn_status status = tni_map_begin(base, &model, err);
    if (status == TN_OK) {
        status = tni_map_fill(model, keep, names, renamed, NULL, 0, err);
    }
    if (status != TN_OK) {
        tn_model_free(model);
        return status;
    }
    *model_out = model;
    return TN_OK;
}
