/* Operations that move no element: reshapes and partitions. */
#include "converters/ops/kinds.h"
#include "converters/ops/shapes.h"

#include "core/checked.h"
#include "core/error.h"

#include <inttypes.h>

static tn_status misfit(const tni_op *op, const tni_value *in, int64_t wanted, bool open,
                        tn_error *err)
{
    char shape[TNI_SHAPE_ROOM];
    char asked[TNI_SHAPE_ROOM];
    tni_value argument = {.rank = (uint32_t)op->n_sizes, .shape = op->sizes};
    tni_op_shape_text(in, shape);
    tni_op_shape_text(&argument, asked);
    return tni_fail(err, TN_E_SHAPE,
                    "reshape: the shape %s has %" PRId64 " elements, but %s takes %s%" PRId64,
                    shape, in->elements, asked, open ? "a multiple of " : "", wanted);
}

/* Multiplies the sizes that are given, and finds the one that is not. */
static tn_status read_sizes(const tni_op *op, int64_t *given_out, size_t *open_out, tn_error *err)
{
    int64_t given = 1;
    size_t open = op->n_sizes;
    bool zero = false;
    for (size_t i = 0; i < op->n_sizes; i++) {
        if (op->sizes[i] == -1 && open < op->n_sizes) {
            return tni_fail(err, TN_E_SHAPE, "reshape: only one dimension may be -1");
        }
        if (op->sizes[i] < -1) {
            return tni_fail(err, TN_E_SHAPE, "reshape: a dimension cannot be %" PRId64,
                            op->sizes[i]);
        }
        if (op->sizes[i] == -1) {
            open = i;
        } else if (op->sizes[i] == 0) {
            zero = true;
        } else if (!tni_mul_i64(given, op->sizes[i], &given)) {
            return tni_fail(err, TN_E_LIMIT, "a tensor has more than 2^63 - 1 elements");
        }
    }
    *given_out = zero ? 0 : given;
    *open_out = open;
    return TN_OK;
}

tn_status tni_op_reshape(tni_feed *feed, size_t index, tni_value *value, tn_error *err)
{
    const tni_op *op = feed->op;
    const tni_value *in = &feed->in[index];
    int64_t given = 0;
    size_t open = 0;
    int64_t *shape = NULL;
    tn_status status = read_sizes(op, &given, &open, err);
    if (status != TN_OK) {
        return status;
    }
    bool has_open = open < op->n_sizes;
    if (has_open ? given == 0 || in->elements % given != 0 : in->elements != given) {
        return misfit(op, in, given, has_open, err);
    }
    status = tni_op_shape(feed->arena, in, (uint32_t)op->n_sizes, &shape, value, err);
    if (status != TN_OK) {
        return status;
    }
    for (size_t i = 0; i < op->n_sizes; i++) {
        shape[i] = i == open ? in->elements / given : op->sizes[i];
    }
    status = tni_op_count(value, err);
    return status == TN_OK ? tni_feed_same(feed, index, value, err) : status;
}

/* Checks that the slices, none of them empty, follow each other to the end of the axis. */
static tn_status check_slices(const tni_op *op, const tni_value *in, uint32_t axis, tn_error *err)
{
    char shape[TNI_SHAPE_ROOM];
    int64_t sum = 0;
    tni_op_shape_text(in, shape);
    for (size_t i = 0; i < op->n_sizes; i++) {
        if (op->sizes[i] < 1) {
            return tni_fail(err, TN_E_SHAPE,
                            "partition: a slice of the shape %s cannot be %" PRId64, shape,
                            op->sizes[i]);
        }
        if (!tni_add_i64(sum, op->sizes[i], &sum)) {
            sum = INT64_MAX;
        }
    }
    if (sum != in->shape[axis]) {
        return tni_fail(err, TN_E_SHAPE,
                        "partition: axis %" PRIu32 " of the shape %s is %" PRId64
                        ", but the sizes add up to %" PRId64,
                        axis, shape, in->shape[axis], sum);
    }
    return TN_OK;
}

static tn_status cut(tni_feed *feed, const tni_value *in, uint32_t axis, tni_value *value,
                     tn_error *err)
{
    const tni_op *op = feed->op;
    size_t numbers = 2 * (size_t)in->rank;
    int64_t start = 0;
    void *block = NULL;
    tn_status status =
        tni_arena_array(feed->arena, op->n_sizes, numbers * sizeof(int64_t), &block, err);
    if (status != TN_OK) {
        return status;
    }
    int64_t *slices = block;
    for (size_t i = 0; i < op->n_sizes; i++) {
        int64_t *slice = slices + i * numbers;
        for (uint32_t k = 0; k < in->rank; k++) {
            slice[2 * k + 1] = in->shape[k];
        }
        slice[2 * axis] = start;
        slice[2 * axis + 1] = op->sizes[i];
        start += op->sizes[i];
    }
    value->slices = slices;
    value->n_slices = (uint32_t)op->n_sizes;
    return TN_OK;
}

tn_status tni_op_unpartition(tni_feed *feed, size_t index, tni_value *value, tn_error *err)
{
    *value = feed->in[index];
    value->slices = NULL;
    value->n_slices = 0;
    return tni_feed_same(feed, index, value, err);
}

tn_status tni_op_partition(tni_feed *feed, size_t index, tni_value *value, tn_error *err)
{
    const tni_op *op = feed->op;
    const tni_value *in = &feed->in[index];
    uint32_t axis;
    tn_status status = tni_op_axis(op, in, in->rank, &axis, err);
    if (status == TN_OK) {
        status = check_slices(op, in, axis, err);
    }
    if (status == TN_OK) {
        status = tni_check_limit(op->n_sizes, feed->limit, "pieces", err);
    }
    if (status == TN_OK) {
        status = tni_op_unpartition(feed, index, value, err);
    }
    /* A slice that covers everything is none: containers have no other form for it. */
    return status == TN_OK && op->n_sizes > 1 ? cut(feed, in, axis, value, err) : status;
}
