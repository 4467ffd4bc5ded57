#include "core/error.h"
#include "formats/keras_h5/layout.h"
#include "model/roles.h"

const char *tni_keras_word(tni_keras_layout layout)
{
    static const char *const words[] = {"legacy", "keras3", "plain"};
    return words[layout];
}

tn_status tni_keras_keep(tn_model *model, const tni_keras_file *file, tn_error *err)
{
    return tni_model_carry(model, "keras_h5", (tn_str){(const char *)file, sizeof *file}, err);
}

bool tni_keras_find(const tn_model *model, tni_keras_file *file_out)
{
    const tni_carrier *carrier = tni_model_carrier(model, "keras_h5");
    if (carrier != NULL) {
        memcpy(file_out, carrier->bytes.data, sizeof *file_out);
    }
    return carrier != NULL;
}

/* Tells the dtype of a dataset. What HDF5 has no type for, Keras stores as
 * opaque bytes, with an attribute that names the dtype in Keras 3's own layout
 * only; there bfloat16 is the one of two bytes (keras/src/saving/saving_lib.py,
 * H5Entry). */
static tn_status dtype_of(tni_keras_reading *r, const tni_hdf5_object *object, tn_dtype *dtype_out,
                          tn_error *err)
{
    const tni_hdf5_attribute *told = tni_hdf5_attribute_of(object, "dtype");
    tn_dtype dtype = object->dtype;
    tn_status status = TN_OK;
    if (dtype == TN_DTYPE_NONE && told != NULL && told->dtype == TN_STRING && told->elements == 1) {
        dtype = tn_dtype_find(told->strings[0]);
    } else if (dtype == TN_DTYPE_NONE && object->opaque_size == 2) {
        dtype = TN_BFLOAT16;
        status = tn_report_say(r->model->findings, TN_SEVERITY_NOTE, "dtype-assumed", object->path,
                               err, "stored as two opaque bytes, taken for bfloat16");
    }
    *dtype_out = dtype;
    return status;
}

tn_status tni_keras_add(tni_keras_reading *r, const tni_hdf5_object *object, tn_tensor **tensor_out,
                        tn_error *err)
{
    tn_tensor *tensor;
    tn_dtype dtype;
    tn_str key;
    tn_status status = dtype_of(r, object, &dtype, err);
    if (status == TN_OK) {
        status = tni_arena_format(&r->model->arena, &key, err, "/%.*s", (int)object->path.len,
                                  object->path.data);
    }
    if (status == TN_OK) {
        status = tni_model_add(r->model, &tensor, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tensor->alias[TN_SCHEME_KEY] = key;
    tensor->alias[TN_SCHEME_NAME] = tn_str_skip(key, 1);
    tensor->role = TN_ROLE_VARIABLE;
    status = tni_hdf5_fill(r->file.listing, r->model, object, dtype, tensor, err);
    if (status == TN_OK) {
        *tensor_out = tensor;
    }
    return status;
}

/* Adds every dataset. */
static tn_status read_plain(tni_keras_reading *r, tn_error *err)
{
    const tni_hdf5_file *file = r->file.listing;
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < file->count; i++) {
        tn_tensor *tensor;
        if (file->objects[i].kind == TNI_HDF5_DATASET) {
            status = tni_keras_add(r, &file->objects[i], &tensor, err);
        }
    }
    return status == TN_OK ? tni_roles_by_name(r->model, err) : status;
}

static bool is_group(const tni_hdf5_object *object)
{
    return object != NULL && object->kind == TNI_HDF5_GROUP;
}

/* Tells whether a group is the `vars` of something: it holds datasets alone. */
static bool holds_variables(const tni_hdf5_file *file, uint32_t index)
{
    const tni_hdf5_object *group = &file->objects[index];
    if (group->kind != TNI_HDF5_GROUP || !tn_str_equal(group->name, TN_LIT("vars")) ||
        group->end == index + 1) {
        return false;
    }
    for (uint32_t i = index + 1; i < group->end; i++) {
        if (file->objects[i].kind != TNI_HDF5_DATASET) {
            return false;
        }
    }
    return true;
}

/* Tells the layout by the attributes and groups of the root. */
static void find_layout(tni_keras_file *file)
{
    const tni_hdf5_file *listing = file->listing;
    const tni_hdf5_object *root = &listing->objects[0];
    const tni_hdf5_object *weights = tni_hdf5_child(listing, root, TN_LIT(TNI_KERAS_MODEL_WEIGHTS));
    file->layout = TNI_KERAS_LEGACY;
    if (tni_keras_has_list(root, TNI_KERAS_LAYER_NAMES)) {
        return;
    }
    file->whole = is_group(weights) && tni_keras_has_list(weights, TNI_KERAS_LAYER_NAMES);
    if (file->whole) {
        return;
    }
    bool three = is_group(tni_hdf5_child(listing, root, TN_LIT("layers"))) ||
                 is_group(tni_hdf5_child(listing, root, TN_LIT("_layer_checkpoint_dependencies")));
    for (uint32_t i = 0; !three && i < listing->count; i++) {
        three = holds_variables(listing, i);
    }
    file->layout = three ? TNI_KERAS_THREE : TNI_KERAS_PLAIN;
}

static bool is_version(tn_str name)
{
    return tn_str_equal(name, TN_LIT("keras_version")) || tn_str_equal(name, TN_LIT("backend"));
}

/* Shows the root's texts: who wrote the file, the model's configuration, what
 * the user added. */
static tn_status show_texts(tni_keras_reading *r, tn_error *err)
{
    const tni_hdf5_object *root = &r->file.listing->objects[0];
    tn_status status = TN_OK;
    for (uint32_t i = 0; status == TN_OK && i < root->n_attributes; i++) {
        const tni_hdf5_attribute *attribute = &root->attributes[i];
        if (attribute->dtype != TN_STRING || attribute->rank != 0 || attribute->elements != 1) {
            continue;
        }
        if (is_version(attribute->name)) {
            status = tni_model_producer_add(r->model, attribute->name, attribute->strings[0], err);
        } else {
            status = tni_model_metadata_add(r->model, attribute->name, attribute->strings[0], err);
        }
    }
    return status;
}

static tn_status read_tensors(tni_keras_reading *r, tn_error *err)
{
    find_layout(&r->file);
    r->model->layout = tni_keras_word(r->file.layout);
    switch (r->file.layout) {
    case TNI_KERAS_LEGACY:
        r->model->in_file_order = true;
        return tni_keras_legacy(r, err);
    case TNI_KERAS_THREE:
        return tni_keras_three(r, err);
    case TNI_KERAS_PLAIN:
        break;
    }
    return read_plain(r, err);
}

tn_status tni_keras_h5_open(tni_read *read, tn_error *err)
{
    tn_model *model = read->model;
    tni_keras_reading r = {.model = model};
    tni_arena_init(&r.scratch, read->ctx, read->ctx->limits.memory);
    tn_status status = tni_hdf5_open(model, read->main, &r.file.listing, err);
    if (status == TN_OK) {
        status =
            tni_model_file(model, tni_source_name(read->main), tni_source_size(read->main), err);
    }
    if (status == TN_OK && (status = show_texts(&r, err)) == TN_OK &&
        (status = read_tensors(&r, err)) == TN_OK) {
        status = tni_keras_keep(model, &r.file, err);
    }
    tni_arena_clear(&r.scratch);
    return status == TN_OK ? tni_model_finish(model, err) : status;
}
