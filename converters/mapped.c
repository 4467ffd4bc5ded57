#include "converters/mapped.h"

#include "core/error.h"
#include "core/hash.h"
#include <tenon/text.h>

/* Makes an empty model above `base`. */
static tn_status derive(const tn_model *base, tn_model **model_out, tn_error *err)
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

/* Copies the kept tensors' records; new_index tells where each went. */
static tn_status copy_kept(tn_model *model, const tn_model *base, const bool *keep,
                           const tn_str *names, const bool *renamed, uint32_t *new_index,
                           tn_error *err)
{
    for (uint32_t i = 0; i < base->count; i++) {
        new_index[i] = keep[i] ? (uint32_t)model->count : TN_NO_INDEX;
        tn_tensor *tensor;
        if (!keep[i]) {
            continue;
        }
        tn_status status = tni_model_add(model, &tensor, err);
        if (status != TN_OK) {
            return status;
        }
        *tensor = base->tensors[i];
        if (renamed != NULL && renamed[i]) {
            forget_names(tensor);
        }
        tensor->alias[TN_SCHEME_NAME] = names[i];
    }
    for (size_t i = 0; i < model->count; i++) {
        tn_tensor *tensor = &model->tensors[i];
        if (tensor->slot_of != TN_NO_INDEX) {
            tensor->slot_of = new_index[tensor->slot_of];
        }
    }
    return TN_OK;
}

tn_status tni_map_named(const tn_model *base, const bool *keep, const tn_str *names,
                        tn_model **model_out, tn_error *err)
{
    tn_status status = check_names(base, keep, names, err);
    return status != TN_OK ? status : tni_map_renamed(base, keep, names, NULL, model_out, err);
}

tn_status tni_map_renamed(const tn_model *base, const bool *keep, const tn_str *names,
                          const bool *renamed, tn_model **model_out, tn_error *err)
{
    tn_model *model = NULL;
    void *new_index = NULL;
    tn_status status = derive(base, &model, err);
    if (status == TN_OK) {
        status = tni_alloc_array(base->ctx, base->count, sizeof(uint32_t), &new_index, err);
    }
    if (status == TN_OK) {
        status = copy_kept(model, base, keep, names, renamed, new_index, err);
    }
    tni_free(base->ctx, new_index);
    if (status == TN_OK) {
        status = tni_model_finish(model, err);
    }
    if (status != TN_OK) {
        tn_model_free(model);
        return status;
    }
    *model_out = model;
    return TN_OK;
}
