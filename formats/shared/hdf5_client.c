#include "formats/shared/hdf5_client.h"
#include "core/error.h"
#include "formats/shared/hdf5_decode.h"
#include "formats/shared/hdf5_wire.h"

uint32_t tni_hdf5_index(const tni_hdf5_file *file, const tni_hdf5_object *object)
{
    return (uint32_t)(object - file->objects);
}

const tni_hdf5_object *tni_hdf5_child(const tni_hdf5_file *file, const tni_hdf5_object *group,
                                      tn_str name)
{
    uint32_t low = 0, high = group->n_children;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const tni_hdf5_object *object = &file->objects[group->children[middle]];
        int order = tn_str_compare(object->name, name);
        if (order == 0) {
            return object;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

const tni_hdf5_object *tni_hdf5_find(const tni_hdf5_file *file, tn_str path)
{
    const tni_hdf5_object *at = &file->objects[0];
    while (at != NULL && path.len > 0) {
        const char *slash = memchr(path.data, '/', path.len);
        size_t len = slash == NULL ? path.len : (size_t)(slash - path.data);
        at = tni_hdf5_child(file, at, tn_str_first(path, len));
        path = tn_str_skip(path, slash == NULL ? len : len + 1);
    }
    return at;
}

const tni_hdf5_attribute *tni_hdf5_attribute_of(const tni_hdf5_object *object, const char *name)
{
    for (uint32_t i = 0; i < object->n_attributes; i++) {
        if (tn_str_equal(object->attributes[i].name, tn_str_of(name))) {
            return &object->attributes[i];
        }
    }
    return NULL;
}

static tn_status fail_type(const tni_hdf5_object *object, tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_UNSUPPORTED,
                                "its values are of a type that is neither a number nor a string");
    tni_error_subject(err, object->path);
    return status;
}

tn_status tni_hdf5_fill(const tni_hdf5_file *file, tn_model *model, const tni_hdf5_object *object,
                        tn_dtype dtype, tn_tensor *tensor, tn_error *err)
{
    tni_leaf *leaf;
    bool same = dtype == object->dtype && dtype != TN_DTYPE_NONE;
    bool told = object->dtype == TN_DTYPE_NONE && object->opaque_size > 0 &&
                tni_hdf5_element(dtype, 0) == object->opaque_size;
    if (!same && !told) {
        return fail_type(object, err);
    }
    tn_status status = tni_tensor_form(model, tensor, dtype, object->rank, object->shape, err);
    if (status == TN_OK) {
        status = tni_tensor_leaf(model, tensor, &leaf, err);
    }
    if (status != TN_OK) {
        return status;
    }
    leaf->source = file->source;
    leaf->offset = object->offset;
    leaf->bytes = object->bytes;
    if (object->layout == TNI_HDF5_CONTIGUOUS && dtype != TN_STRING) {
        leaf->kind = TNI_LEAF_RANGE;
        leaf->encoding = object->swapped ? TNI_ENCODING_SWAPPED : TNI_ENCODING_RAW;
        return TN_OK;
    }
    if (dtype == TN_STRING) {
        tensor->bytes = object->bytes;
    }
    return tni_hdf5_decoder(file, model, object, leaf, err);
}
