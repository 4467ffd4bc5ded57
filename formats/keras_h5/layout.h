/* What the files of this drawer share. */
#ifndef TN_FORMATS_KERAS_H5_LAYOUT_H
#define TN_FORMATS_KERAS_H5_LAYOUT_H

#include "formats/format.h"
#include "formats/keras_h5/file.h"

/* Names that Keras gives to groups and attributes
 * (keras/src/legacy/saving/legacy_h5_format.py). */
#define TNI_KERAS_MODEL_WEIGHTS "model_weights"
#define TNI_KERAS_OPTIMIZER_WEIGHTS "optimizer_weights"
#define TNI_KERAS_TOP_WEIGHTS "top_level_model_weights"
#define TNI_KERAS_LAYER_NAMES "layer_names"
#define TNI_KERAS_WEIGHT_NAMES "weight_names"

extern const tni_writer_ops tni_keras_writer;

/* A file while it is read. */
typedef struct tni_keras_reading {
    tn_model *model;
    tni_keras_file file;
    tni_arena scratch; /* freed after reading */
} tni_keras_reading;

/* Opens an HDF5 file. */
tn_status tni_keras_h5_open(tni_read *read, tn_error *err);

/* Adds a dataset as a tensor with the key "/path", named by its path. Errors:
 * TN_E_UNSUPPORTED if its type has no dtype. */
tn_status tni_keras_add(tni_keras_reading *r, const tni_hdf5_object *object, tn_tensor **tensor_out,
                        tn_error *err);

/* Reads a list of names that may be split over several attributes: NAME, else
 * NAME0, NAME1 … An absent one is empty. The names live as long as the file's
 * listing. Errors: TN_E_CORRUPT. */
tn_status tni_keras_list(tni_keras_reading *r, const tni_hdf5_object *group, const char *name,
                         tni_names *names_out, tn_error *err);
/* Tells whether a group has such a list. */
bool tni_keras_has_list(const tni_hdf5_object *group, const char *name);

/* Adds the weights of a file of the legacy layout, with names, roles, slots and
 * order. */
tn_status tni_keras_legacy(tni_keras_reading *r, tn_error *err);
/* Adds the datasets of a file of Keras 3's layout. */
tn_status tni_keras_three(tni_keras_reading *r, tn_error *err);

/* Names the tensors of the legacy layout. */
tn_status tni_keras_name_all(tni_keras_reading *r, tn_error *err);
/* Gives the weights of layers their places in get_weights(): scheme `order`.
 * `major` is the leading number of keras_version. */
tn_status tni_keras_order(tni_keras_reading *r, unsigned major, tn_error *err);
/* Tells the optimizer's state apart: slots with their owners, counters, other
 * state. */
tn_status tni_keras_slots(tni_keras_reading *r, tn_error *err);

#endif
