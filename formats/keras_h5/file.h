/* What an opened HDF5 file was found to be, in Keras's terms. Writers of this
 * drawer read it again where they carry over what only HDF5 can hold. */
#ifndef TN_FORMATS_KERAS_H5_FILE_H
#define TN_FORMATS_KERAS_H5_FILE_H

#include "formats/shared/hdf5_client.h"

/* The trees that HDF5 files with weights have. */
typedef enum tni_keras_layout {
    TNI_KERAS_LEGACY, /* save_weights("x.h5") of Keras 1 and 2, save("x.h5") of
                         all versions */
    TNI_KERAS_THREE,  /* .weights.h5: groups `vars` with numbered datasets */
    TNI_KERAS_PLAIN   /* any other tree */
} tni_keras_layout;

/* Where a tensor of the legacy layout is that belongs to no layer. */
#define TNI_KERAS_TOP (UINT32_MAX - 1)       /* in top_level_model_weights */
#define TNI_KERAS_OPTIMIZER (UINT32_MAX - 2) /* in optimizer_weights */

typedef struct tni_keras_layer {
    tn_str name;           /* also the path of its group, below the group of all layers */
    uint32_t first, count; /* its tensors */
} tni_keras_layer;

typedef struct tni_keras_file {
    const tni_hdf5_file *listing;
    tni_keras_layout layout;
    /* Legacy only: */
    bool whole;                    /* a whole model, with its weights in model_weights */
    bool has_top;                  /* there is a top_level_model_weights */
    const tni_keras_layer *layers; /* as layer_names lists them, those without weights too */
    uint32_t n_layers;
    const tn_str *weight;  /* by tensor: as weight_names spells it */
    const uint32_t *layer; /* by tensor: index of its layer, or one of the above */
} tni_keras_file;

/* Keeps the finding with the model. */
tn_status tni_keras_keep(tn_model *model, const tni_keras_file *file, tn_error *err);
/* Tells what a model was found to be; false if this drawer did not open it. */
bool tni_keras_find(const tn_model *model, tni_keras_file *file_out);

/* Returns the word of a layout: "legacy", "keras3", "plain". */
const char *tni_keras_word(tni_keras_layout layout);

#endif
