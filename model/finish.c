/* Ending the filling of a model: display order, unique names, origins. */
#include "core/error.h"
#include "core/order.h"
#include "model/model.h"

/* Moves the tensors into the order given, cycle by cycle; the order is used up. */
static void move_tensors(tn_tensor *tensors, uint32_t *order, size_t count)
{
    for (uint32_t first = 0; first < count; first++) {
        tn_tensor moved = tensors[first];
        uint32_t at = first;
        while (order[at] != first && order[at] != at) {
            uint32_t from = order[at];
            tensors[at] = tensors[from];
            order[at] = at;
            at = from;
        }
        tensors[at] = moved;
        order[at] = at;
    }
}

static bool has_slots(const tn_model *model)
{
    for (size_t i = 0; i < model->count; i++) {
        if (model->tensors[i].slot_of != TN_NO_INDEX) {
            return true;
        }
    }
    return false;
}

/* Tells the slots where their owners will be. */
static tn_status follow_owners(tn_model *model, const uint32_t *order, tn_error *err)
{
    void *block;
    tn_status status = tni_alloc_array(model->ctx, model->count, sizeof(uint32_t), &block, err);
    if (status != TN_OK) {
        return status;
    }
    uint32_t *new_index = block;
    for (uint32_t i = 0; i < model->count; i++) {
        new_index[order[i]] = i;
    }
    for (uint32_t i = 0; i < model->count; i++) {
        if (model->tensors[i].slot_of != TN_NO_INDEX) {
            model->tensors[i].slot_of = new_index[model->tensors[i].slot_of];
        }
    }
    tni_free(model->ctx, block);
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
    if (model->count == 0) {
        return TN_OK; /* there is no first tensor to point at */
    }
    tni_names_view names = {&model->tensors->alias[TN_SCHEME_NAME], sizeof(tn_tensor),
                            model->count};
    uint32_t *order = NULL;
    tn_status status = tni_names_order(model->ctx, &names, &order, err);
    if (status != TN_OK || order == NULL) {
        return status;
    }
    status = check_neighbours(model, order, err);
    if (status == TN_OK && !model->in_file_order && has_slots(model)) {
        status = follow_owners(model, order, err);
    }
    if (status == TN_OK && !model->in_file_order) {
        move_tensors(model->tensors, order, model->count);
    }
    tni_free(model->ctx, order);
    return status;
}

tn_status tni_model_finish(tn_model *model, tn_error *err)
{
    /* A mapped model keeps the order below it, and who maps has checked the names. */
    bool mapped = model->base != NULL && model->in_file_order;
    tn_status status = mapped ? TN_OK : sort_by_name(model, err);
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
