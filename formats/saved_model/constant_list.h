/* Constants whose values the message lists: numbers in fields by kind of dtype, and strings. */
#ifndef TN_FORMATS_SAVED_MODEL_CONSTANT_LIST_H
#define TN_FORMATS_SAVED_MODEL_CONSTANT_LIST_H

#include "formats/saved_model/constant.h"

/* Has a leaf show the bytes of a field's value, in the file or in the image. */
void tni_sm_value_place(const tni_sm_image *image, tn_str value, tni_leaf *leaf);

/* Fills a leaf with listed values, or with strings in the field of content (`content`). Errors: as
 * tni_sm_constant_leaf. */
tn_status tni_sm_list_leaf(const tni_sm_image *image, const tni_sm_tensor *tensor, bool content,
                           tni_arena *arena, tni_leaf *leaf, tn_error *err);

#endif
