/* Leaves of one value: what a rule makes from nothing. */
#ifndef TN_MODEL_FILL_H
#define TN_MODEL_FILL_H

#include "model/model.h"

/* Makes a leaf whose `elements` elements of `dtype` (of whole bytes) are all *element, in native
 * byte order. It lives as long as the model. Errors: TN_E_NOMEM. */
tn_status tni_fill_leaf(tn_model *model, tn_dtype dtype, int64_t elements, const void *element,
                        const tni_leaf **leaf_out, tn_error *err);

#endif
