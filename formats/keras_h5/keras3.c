/* The layout of `.weights.h5`: every object that is saved has a group `vars`
 * with its variables by number (keras/src/saving/saving_lib.py; before Keras 3:
 * keras/saving/saving_lib.py of 2.12). */
#include "formats/keras_h5/layout.h"

/* Tells what a dataset is by the part of the program that saved it. */
static tn_role role_of(const tn_tensor *tensor)
{
    tn_str name = tensor->alias[TN_SCHEME_NAME];
    if (tn_str_starts(name, TN_LIT("optimizer/"))) {
        const tn_dtype_info *dtype = tn_dtype_about(tensor->dtype);
        bool first = tn_str_ends(name, TN_LIT("/vars/0"));
        return first && tensor->rank == 0 && dtype->kind == TN_KIND_INT ? TN_ROLE_COUNTER
                                                                        : TN_ROLE_STATE;
    }
    return tn_str_starts(name, TN_LIT("metrics/")) ? TN_ROLE_STATE : TN_ROLE_VARIABLE;
}

tn_status tni_keras_three(tni_keras_reading *r, tn_error *err)
{
    const tni_hdf5_file *file = r->file.listing;
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < file->count; i++) {
        tn_tensor *tensor;
        if (file->objects[i].kind == TNI_HDF5_DATASET) {
            status = tni_keras_add(r, &file->objects[i], &tensor, err);
            if (status == TN_OK) {
                tensor->role = role_of(tensor);
            }
        }
    }
    return status;
}
