/* Trees whose paths are the tensors' names: Keras 3's `.weights.h5`, and plain HDF5. */
#include "core/error.h"
#include "formats/keras_h5/write.h"

/* Takes over what an opened file of the same layout says beside its tensors: groups that are empty,
 * and the attributes `name` of Keras's groups. */
static tn_status carry_groups(tni_keras_tree *tree, const tni_keras_file *file, tn_error *err)
{
    static const char *const none[] = {NULL};
    const tni_hdf5_file *listing = file->listing;
    tn_status status = TN_OK;
    for (uint32_t i = 1; status == TN_OK && i < listing->count; i++) {
        const tni_hdf5_object *group = &listing->objects[i];
        bool kept = group->end == i + 1 || tni_keras_tree_has(tree, group->path);
        uint32_t node;
        if (group->kind == TNI_HDF5_GROUP && kept) {
            status = tni_keras_tree_group(tree, group->path, &node, err);
            if (status == TN_OK && node != 0) {
                status = tni_keras_tree_carry(tree, node, group, none, err);
            }
        }
    }
    return status;
}

static tn_status write_tree(tni_keras_tree *tree, tn_error *err)
{
    static const char *const none[] = {NULL};
    const tn_model *model = tree->write->model;
    tni_keras_file file;
    tn_status status = TN_OK;
    for (uint32_t i = 0; status == TN_OK && i < model->count; i++) {
        status = tni_keras_tree_dataset(tree, model->tensors[i].alias[TN_SCHEME_NAME], i, err);
    }
    if (status == TN_OK && tree->write->layout.carries &&
        tni_keras_find(tni_model_root(model), &file)) {
        status = tni_keras_tree_carry(tree, 0, &file.listing->objects[0], none, err);
        status = status == TN_OK ? carry_groups(tree, &file, err) : status;
    }
    return status;
}

tn_status tni_keras_write_plain(tni_keras_tree *tree, tn_error *err)
{
    return write_tree(tree, err);
}

/* Tells whether a path ends in `vars/SOMETHING`. */
static bool is_variable_path(tn_str path)
{
    tn_str vars = TN_LIT("vars");
    size_t at = path.len;
    while (at > 0 && path.data[at - 1] != '/') {
        at--;
    }
    tn_str above = tn_str_first(path, at > 0 ? at - 1 : 0);
    return tn_str_ends(above, vars) &&
           (above.len == vars.len || above.data[above.len - vars.len - 1] == '/');
}

tn_status tni_keras_write_three(tni_keras_tree *tree, tn_error *err)
{
    const tn_model *model = tree->write->model;
    uint32_t node;
    for (size_t i = 0; i < model->count; i++) {
        tn_str name = model->tensors[i].alias[TN_SCHEME_NAME];
        if (!is_variable_path(name)) {
            tn_status status = tni_fail(
                err, TN_E_CANNOT_HOLD,
                "Keras 3 looks for weights at paths like layers/dense/vars/0, which follow "
                "the classes of the layers");
            tni_error_subject(err, name);
            tni_error_hint(err, "name an output that ends in .h5 but not in .weights.h5, which "
                                "Keras 3 loads too, or rename the tensors");
            return status;
        }
    }
    /* Keras before 3.6 looks for the model's own variables even where it has none. */
    tn_status status = tni_keras_tree_group(tree, TN_LIT("vars"), &node, err);
    return status == TN_OK ? write_tree(tree, err) : status;
}
