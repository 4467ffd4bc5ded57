#include "core/error.h"
#include "core/order.h"
#include "formats/safetensors/layout.h"
#include "model/roles.h"

tn_status tni_st_add(tn_model *model, tn_source *source, const tni_st_header *header,
                     const tni_st_entry *entry, tn_error *err)
{
    tn_tensor *tensor;
    tn_status status = tni_model_add(model, &tensor, err);
    if (status == TN_OK) {
        status = tni_arena_str(&model->arena, entry->name, &tensor->alias[TN_SCHEME_NAME], err);
    }
    if (status != TN_OK) {
        return status;
    }
    tensor->alias[TN_SCHEME_KEY] = tensor->alias[TN_SCHEME_NAME];
    tensor->role = TN_ROLE_VARIABLE;
    status = tni_tensor_form(model, tensor, entry->dtype, entry->rank, entry->shape, err);
    tni_leaf *leaf;
    if (status == TN_OK) {
        status = tni_tensor_leaf(model, tensor, &leaf, err);
    }
    if (status == TN_OK) {
        leaf->kind = TNI_LEAF_RANGE;
        leaf->encoding = TNI_ENCODING_RAW;
        leaf->source = source;
        leaf->offset = header->data + entry->begin;
        leaf->bytes = entry->end - entry->begin;
    }
    return status;
}

/* Adds all tensors, in the order in which they are listed, so that they are made where they stay.
 */
static tn_status add_all(tni_read *read, const tni_st_header *header, tn_error *err)
{
    if (header->count == 0) {
        return TN_OK;
    }
    tni_names_view names = {&header->entries->name, sizeof *header->entries, header->count};
    uint32_t *order = NULL;
    tn_status status = tni_model_reserve(read->model, header->count, err);
    if (status == TN_OK) {
        status = tni_names_order(read->ctx, &names, &order, err);
    }
    for (size_t i = 0; status == TN_OK && i < header->count; i++) {
        const tni_st_entry *entry = &header->entries[order == NULL ? i : order[i]];
        status = tni_st_add(read->model, read->main, header, entry, err);
    }
    tni_free(read->ctx, order);
    return status;
}

static tn_status fill(tni_read *read, const tni_st_header *header, tn_error *err)
{
    tn_model *model = read->model;
    tn_status status =
        tni_model_file(model, tni_source_name(read->main), tni_source_size(read->main), err);
    for (size_t i = 0; status == TN_OK && i < header->n_metadata; i++) {
        status =
            tni_model_metadata_add(model, header->metadata[i].key, header->metadata[i].value, err);
    }
    return status == TN_OK ? add_all(read, header, err) : status;
}

tn_status tni_st_open_single(tni_read *read, tn_error *err)
{
    tni_st_header header;
    tn_status status =
        tni_st_header_read(&header, read->ctx, read->main, read->model->findings, err);
    if (status == TN_OK) {
        status = fill(read, &header, err);
    }
    tni_st_header_clear(&header);
    if (status != TN_OK) {
        return status;
    }
    read->model->layout = "single";
    status = tni_roles_by_name(read->model, err);
    return status == TN_OK ? tni_model_finish(read->model, err) : status;
}
