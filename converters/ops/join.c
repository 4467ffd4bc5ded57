/* Several tensors into one along an axis: concat and stack. */
#include "converters/ops/kinds.h"
#include "converters/ops/shapes.h"

#include "core/checked.h"
#include "core/error.h"

#include <inttypes.h>

static tn_status other_dtype(const tni_feed *feed, const tni_value *value, tn_error *err)
{
    tn_status status =
        tni_fail(err, TN_E_SHAPE, "%s: the dtypes %s and %s differ", tni_op_name(feed->op->kind),
                 tn_dtype_about(feed->in->dtype)->name, tn_dtype_about(value->dtype)->name);
    tni_error_hint(err, "cast one of them first");
    return status;
}

static tn_status other_shape(const tni_feed *feed, const tni_value *value, uint32_t apart,
                             tn_error *err)
{
    char first[TNI_SHAPE_ROOM];
    char second[TNI_SHAPE_ROOM];
    tni_op_shape_text(feed->in, first);
    tni_op_shape_text(value, second);
    if (feed->op->kind == TNI_OP_STACK) {
        return tni_fail(err, TN_E_SHAPE, "stack: the shapes %s and %s differ", first, second);
    }
    return tni_fail(err, TN_E_SHAPE,
                    "concat: the shapes %s and %s differ in more than axis %" PRIu32, first, second,
                    apart);
}

/* Checks that all inputs are alike but for the size of axis `apart`. */
static tn_status check_alike(const tni_feed *feed, uint32_t apart, tn_error *err)
{
    const tni_value *first = feed->in;
    for (size_t i = 1; i < feed->n_in; i++) {
        const tni_value *value = &feed->in[i];
        bool alike = value->rank == first->rank;
        for (uint32_t k = 0; alike && k < first->rank; k++) {
            alike = k == apart || value->shape[k] == first->shape[k];
        }
        if (!alike) {
            return other_shape(feed, value, apart, err);
        }
        if (value->dtype != first->dtype) {
            return other_dtype(feed, value, err);
        }
    }
    return TN_OK;
}

/* Adds up the axis, whose groups must be equal in each input. */
static tn_status add_up(const tni_feed *feed, uint32_t axis, int64_t groups, int64_t *sum_out,
                        tn_error *err)
{
    int64_t sum = 0;
    if (groups < 1) {
        return tni_fail(err, TN_E_SHAPE, "concat: there cannot be %" PRId64 " groups", groups);
    }
    for (size_t i = 0; i < feed->n_in; i++) {
        int64_t size = feed->in[i].shape[axis];
        if (size % groups != 0) {
            char shape[TNI_SHAPE_ROOM];
            tni_op_shape_text(&feed->in[i], shape);
            return tni_fail(err, TN_E_SHAPE,
                            "concat: axis %" PRIu32 " of the shape %s is %" PRId64
                            ", which does not divide into %" PRId64 " equal groups",
                            axis, shape, size, groups);
        }
        if (!tni_add_i64(sum, size, &sum)) {
            return tni_fail(err, TN_E_LIMIT, "a tensor has more than 2^63 - 1 elements");
        }
    }
    *sum_out = sum;
    return TN_OK;
}

/* Puts the inputs side by side in each group. */
static tn_status fill(tni_feed *feed, uint32_t axis, int64_t groups, tni_value *value,
                      tn_error *err)
{
    tni_along along = tni_op_along(value, axis);
    const int64_t whole[4] = {along.before, groups, along.length / groups, along.behind};
    int64_t start[4] = {0};
    tni_map_list list;
    tn_status status = TN_OK;
    tni_map_list_init(&list, feed->arena, feed->limit);
    for (size_t i = 0; status == TN_OK && i < feed->n_in; i++) {
        tni_map map;
        const int64_t size[4] = {along.before, groups, feed->in[i].shape[axis] / groups,
                                 along.behind};
        status = tni_map_box(feed->arena, 4, whole, start, size, &map, err);
        if (status == TN_OK) {
            status = tni_feed_pull(feed, i, map, &list, err);
        }
        start[2] += size[2];
    }
    return status == TN_OK ? tni_feed_finish(feed, &list, value, err) : status;
}

tn_status tni_op_concat(tni_feed *feed, tni_value *value, tn_error *err)
{
    const tni_value *first = feed->in;
    int64_t groups = feed->op->groups == 0 ? 1 : feed->op->groups;
    uint32_t axis;
    int64_t sum = 0;
    int64_t *shape = NULL;
    tn_status status = tni_op_axis(feed->op, first, first->rank, &axis, err);
    if (status == TN_OK) {
        status = check_alike(feed, axis, err);
    }
    if (status == TN_OK) {
        status = add_up(feed, axis, groups, &sum, err);
    }
    if (status == TN_OK) {
        status = tni_op_shape(feed->arena, first, first->rank, &shape, value, err);
    }
    if (status == TN_OK) {
        memcpy(shape, first->shape, first->rank * sizeof *shape);
        shape[axis] = sum;
        status = tni_op_count(value, err);
    }
    return status == TN_OK ? fill(feed, axis, groups, value, err) : status;
}

tn_status tni_op_stack(tni_feed *feed, tni_value *value, tn_error *err)
{
    const tni_value *first = feed->in;
    uint32_t axis;
    int64_t *shape = NULL;
    tni_map_list list;
    tn_status status = tni_op_axis(feed->op, first, first->rank + 1, &axis, err);
    if (status == TN_OK) {
        status = check_alike(feed, UINT32_MAX, err);
    }
    if (status == TN_OK) {
        status = tni_op_shape(feed->arena, first, first->rank + 1, &shape, value, err);
    }
    if (status == TN_OK) {
        memcpy(shape, first->shape, axis * sizeof *shape);
        shape[axis] = (int64_t)feed->n_in;
        memcpy(shape + axis + 1, first->shape + axis, (first->rank - axis) * sizeof *shape);
        status = tni_op_count(value, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tni_along along = tni_op_along(value, axis);
    const int64_t whole[3] = {along.before, along.length, along.behind};
    const int64_t size[3] = {along.before, 1, along.behind};
    tni_map_list_init(&list, feed->arena, feed->limit);
    for (size_t i = 0; status == TN_OK && i < feed->n_in; i++) {
        tni_map map;
        const int64_t start[3] = {0, (int64_t)i, 0};
        status = tni_map_box(feed->arena, 3, whole, start, size, &map, err);
        if (status == TN_OK) {
            status = tni_feed_pull(feed, i, map, &list, err);
        }
    }
    return status == TN_OK ? tni_feed_finish(feed, &list, value, err) : status;
}
