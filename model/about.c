/* What a model says of itself: the public accessors. */
#include "model/model.h"

size_t tn_model_count(const tn_model *model)
{
    return model->count;
}

const tn_tensor *tn_model_at(const tn_model *model, size_t index)
{
    return &model->tensors[index];
}

const char *tn_model_path(const tn_model *model)
{
    return model->path;
}

const char *tn_model_resolved(const tn_model *model)
{
    return model->resolved;
}

const char *tn_model_layout(const tn_model *model)
{
    return model->layout;
}

size_t tn_model_files(const tn_model *model, const tn_model_file **files_out)
{
    *files_out = model->files;
    return model->n_files;
}

size_t tn_model_metadata(const tn_model *model, const tn_pair **pairs_out)
{
    *pairs_out = model->metadata;
    return model->n_metadata;
}

size_t tn_model_producer(const tn_model *model, const tn_pair **pairs_out)
{
    *pairs_out = model->producer;
    return model->n_producer;
}

const tn_report *tn_model_findings(const tn_model *model)
{
    return model->findings;
}

size_t tn_model_objects(const tn_model *model, const tn_object **objects_out)
{
    *objects_out = model->objects;
    return model->n_objects;
}

static const char *encoding_word(const tni_leaf *leaf)
{
    static const char *const words[] = {
        [TNI_ENCODING_RAW] = "raw",         [TNI_ENCODING_SWAPPED] = "swapped",
        [TNI_ENCODING_STRINGS] = "strings", [TNI_ENCODING_CHUNKED] = "chunked",
        [TNI_ENCODING_DEFLATE] = "deflate", [TNI_ENCODING_BLOCKS] = "blocks"};
    return leaf->kind == TNI_LEAF_ABSENT ? "absent" : words[leaf->encoding];
}

void tn_tensor_stored(const tn_tensor *tensor, size_t index, tn_stored *stored_out)
{
    const tni_leaf *leaf = tensor->pieces[index].leaf;
    static const char *const sums[] = {[TNI_SUM_NONE] = NULL,
                                       [TNI_SUM_CRC32C] = "crc32c",
                                       [TNI_SUM_TF_STRING] = "tf-crc32c",
                                       [TNI_SUM_BLOCK] = "block-crc32c"};
    *stored_out = (tn_stored){
        .file = leaf->source != NULL ? tni_source_name(leaf->source) : TN_STR_NONE,
        .offset = leaf->offset,
        .bytes = leaf->bytes,
        .encoding = encoding_word(leaf),
        .sum_kind = sums[leaf->sum_kind],
        .sum = leaf->sum,
    };
}
