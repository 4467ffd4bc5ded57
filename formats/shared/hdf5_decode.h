/* Leaves whose values the helper decodes. */
#ifndef TN_FORMATS_SHARED_HDF5_DECODE_H
#define TN_FORMATS_SHARED_HDF5_DECODE_H

#include "formats/shared/hdf5_client.h"

/* Makes a leaf ask the helper for its values. */
tn_status tni_hdf5_decoder(const tni_hdf5_file *file, tn_model *model,
                           const tni_hdf5_object *object, tni_leaf *leaf, tn_error *err);

#endif
