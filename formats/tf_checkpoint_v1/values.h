/* Decoder leaves over the values of stored slices. */
#ifndef TN_FORMATS_TF_CHECKPOINT_V1_VALUES_H
#define TN_FORMATS_TF_CHECKPOINT_V1_VALUES_H

#include "formats/tf_checkpoint_v1/places.h"
#include "formats/tf_checkpoint_v1/words.h"
#include "model/model.h"

typedef struct tni_v1_cache tni_v1_cache;

/* Makes what all leaves of a model share: room for one decompressed block. It goes with the model.
 */
tn_status tni_v1_cache_new(tn_model *model, tni_v1_cache **cache_out, tn_error *err);

/* Makes a leaf, whose dtype and elements are set, decode the slice at `place`. Errors: TN_E_NOMEM,
 * TN_E_LIMIT. */
tn_status tni_v1_values_leaf(tn_model *model, tni_v1_cache *cache, const tni_v1_type *type,
                             const tni_v1_place *place, tni_leaf *leaf, tn_error *err);

#endif
