#include "converters/ops/shapes.h"

#include "core/checked.h"
#include "core/error.h"

#include <inttypes.h>

void tni_op_shape_text(const tni_value *value, char out[TNI_SHAPE_ROOM])
{
    tn_tensor tensor = {.shape = value->shape, .rank = value->rank};
    tni_shape_text(&tensor, out);
}

tn_status tni_op_axis(const tni_op *op, const tni_value *value, uint32_t rank, uint32_t *axis_out,
                      tn_error *err)
{
    int64_t axis = op->axis < 0 ? op->axis + rank : op->axis;
    if (axis < 0 || axis >= rank) {
        char shape[TNI_SHAPE_ROOM];
        tni_op_shape_text(value, shape);
        return tni_fail(err, TN_E_SHAPE, "%s: there is no axis %" PRId64 " for the shape %s",
                        tni_op_name(op->kind), op->axis, shape);
    }
    *axis_out = (uint32_t)axis;
    return TN_OK;
}

tn_status tni_op_shape(tni_arena *arena, const tni_value *like, uint32_t rank, int64_t **shape_out,
                       tni_value *value, tn_error *err)
{
    void *shape = NULL;
    tn_status status = tni_arena_array(arena, rank, sizeof(int64_t), &shape, err);
    if (status == TN_OK) {
        *value = (tni_value){.dtype = like->dtype, .rank = rank, .shape = shape};
        *shape_out = shape;
    }
    return status;
}

tn_status tni_op_count(tni_value *value, tn_error *err)
{
    if (!tni_shape_elements(value->shape, value->rank, &value->elements)) {
        return tni_fail(err, TN_E_LIMIT, "a tensor has more than 2^63 - 1 elements");
    }
    return TN_OK;
}

tni_along tni_op_along(const tni_value *value, uint32_t axis)
{
    /* Parts of a shape whose elements were counted cannot overflow. */
    tni_along along = {0, value->shape[axis], 0};
    const int64_t *rest = value->shape + axis + 1;
    (void)tni_shape_elements(value->shape, axis, &along.before);
    (void)tni_shape_elements(rest, value->rank - axis - 1, &along.behind);
    return along;
}
