/* What operations say and compute about shapes. */
#ifndef TN_CONVERTERS_OPS_SHAPES_H
#define TN_CONVERTERS_OPS_SHAPES_H

#include "converters/ops/op.h"
#include "model/shape_text.h"

/* Writes a value's shape as messages show it: "[2, 3]". */
void tni_op_shape_text(const tni_value *value, char out[TNI_SHAPE_ROOM]);
/* Counts an operation's axis from the start, for a shape of `rank` dimensions. Errors: TN_E_SHAPE,
 * which shows the value's own shape. */
tn_status tni_op_axis(const tni_op *op, const tni_value *value, uint32_t rank, uint32_t *axis_out,
                      tn_error *err);
/* Gives a value the dtype of another and a shape of `rank` dimensions, which the caller fills in.
 */
tn_status tni_op_shape(tni_arena *arena, const tni_value *like, uint32_t rank, int64_t **shape_out,
                       tni_value *value, tn_error *err);
/* Counts the elements of a value whose shape was filled in. Errors: TN_E_LIMIT. */
tn_status tni_op_count(tni_value *value, tn_error *err);

/* A shape seen along one axis: what stands before it and behind it is one dimension each. */
typedef struct tni_along {
    int64_t before, length, behind;
} tni_along;
/* Sees a shape along an axis of it. */
tni_along tni_op_along(const tni_value *value, uint32_t axis);

#endif
