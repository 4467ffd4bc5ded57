/* Shapes as messages show them. */
#ifndef TN_MODEL_SHAPE_TEXT_H
#define TN_MODEL_SHAPE_TEXT_H

#include <tenon/model.h>

enum { TNI_SHAPE_ROOM = 128 };

/* Writes "[2, 3]", "[]" for a scalar, "?" for an unknown dimension or shape; a shape that is too
 * long ends in "…". */
void tni_shape_text(const tn_tensor *tensor, char out[TNI_SHAPE_ROOM]);

#endif
