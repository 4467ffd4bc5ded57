/* Ending the filling of a model: display order, unique names, origins. */
#include "core/error.h"
#include "model/model.h"
#include <stdlib.h>
#include <tenon/text.h>

static int by_name(const void *a, const void *b, void *tensors)
{
    const tn_tensor *at = tensors;
    return tn_natural_compare(at[*(const uint32_t *)a].alias[TN_SCHEME_NAME],
                              at[*(const uint32_t *)b].alias[TN_SCHEME_NAME]);
}

/* Tells whether the tensors already stand in natural order, as those of most files nearly do. */
static bool is_sorted(const tn_model *model)
{
    for (uint32_t i = 1; i < model->count; i++) {
        uint32_t pair[2] = {i - 1, i};
        if (by_name(&pair[0], &pair[1], model->tensors) >= 0) {
            return false;
        }
    }
    return true;
}

/* Moves the tensors into the order given; slot_of follows. */
static tn_status reorder(tn_model *model, const uint32_t *order, tn_error *err)
{
    void *moved, *place;
    tn_status status = tni_alloc_array(model->ctx, model->count, sizeof(uint32_t), &place, err);
    if (status != TN_OK) {
        return status;
    }
    status = tni_alloc_array(model->ctx, model->count, sizeof(tn_tensor), &moved, err);
    if (status != TN_OK) {
        tni_free(model->ctx, place);
        return status;
    }
    uint32_t *new_index = place;
    tn_tensor *tensors = moved;
    for (uint32_t i = 0; i < model->count; i++) {
        new_index[order[i]] = i;
    }
    for (uint32_t i = 0; i < model->count; i++) {
        tensors[i] = model->tensors[order[i]];
        if (tensors[i].slot_of != TN_NO_INDEX) {
            tensors[i].slot_of = new_index[tensors[i].slot_of];
        }
    }
    tni_free(model->ctx, place);
    tni_free(model->ctx, model->tensors);
    model->tensors = tensors;
    model->room = model->count;
    return TN_OK;
}

static tn_status duplicate(tn_str name, tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_CORRUPT, "two tensors have this name");
    tni_error_subject(err, name);
    return status;
}

/* Checks uniqueness of names that stand in the order `order`, where equal ones are neighbours. */
static tn_status check_neighbours(const tn_model *model, const uint32_t *order, tn_error *err)
{
    for (size_t i = 1; i < model->count; i++) {
        tn_str name = model->tensors[order[i]].alias[TN_SCHEME_NAME];
        if (tn_str_equal(model->tensors[order[i - 1]].alias[TN_SCHEME_NAME], name)) {
            return duplicate(name, err);
        }
    }
    return TN_OK;
}

static tn_status sort_by_name(tn_model *model, tn_error *err)
{
    if (is_sorted(model)) {
        return TN_OK;
    }
    void *block;
    tn_status status = tni_alloc_array(model->ctx, model->count, sizeof(uint32_t), &block, err);
    if (status != TN_OK) {
        return status;
    }
    uint32_t *order = block;
    for (uint32_t i = 0; i < model->count; i++) {
        order[i] = i;
    }
    qsort_r(order, model->count, sizeof *order, by_name, model->tensors);
    status = check_neighbours(model, order, err);
    if (status == TN_OK && !model->in_file_order) {
        status = reorder(model, order, err);
    }
    tni_free(model->ctx, block);
    return status;
}

tn_status tni_model_finish(tn_model *model, tn_error *err)
{
    tn_status status = sort_by_name(model, err);
    for (uint32_t i = 0; status == TN_OK && i < model->count; i++) {
        tn_tensor *tensor = &model->tensors[i];
        status = tni_check_limit(tensor->alias[TN_SCHEME_NAME].len, model->ctx->limits.name_bytes,
                                 "name-bytes", err);
        if (tensor->origin == NULL) {
            tensor->origin = model;
            tensor->origin_index = i;
        }
    }
    return status;
}
