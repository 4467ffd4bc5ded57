/* One tensor into several along an axis: split and unstack. */
#include "converters/ops/kinds.h"
#include "converters/ops/shapes.h"

#include "core/checked.h"
#include "core/error.h"

#include <inttypes.h>

/* A split that is worked out: each of `groups` groups of the axis is `length` long and gives each
 * output its part. */
typedef struct cutting {
    uint32_t axis;
    size_t parts;
    int64_t groups, length;
} cutting;

static tn_status uneven(const tni_op *op, const tni_value *in, const cutting *cuts, tn_error *err)
{
    char shape[TNI_SHAPE_ROOM];
    tni_op_shape_text(in, shape);
    int64_t whole = in->shape[cuts->axis];
    if (cuts->groups == 1) {
        return tni_fail(err, TN_E_SHAPE,
                        "split: axis %" PRIu32 " of the shape %s is %" PRId64
                        ", which does not divide into %zu equal parts",
                        cuts->axis, shape, whole, cuts->parts);
    }
    return tni_fail(err, TN_E_SHAPE,
                    "split: axis %" PRIu32 " of the shape %s is %" PRId64
                    ", which does not divide into %" PRId64 " equal groups%s",
                    cuts->axis, shape, whole, cuts->groups,
                    op->sizes == NULL && whole % cuts->groups == 0 ? " of equal parts" : "");
}

static tn_status wrong_sum(const tni_value *in, const cutting *cuts, int64_t sum, tn_error *err)
{
    char shape[TNI_SHAPE_ROOM];
    tni_op_shape_text(in, shape);
    if (cuts->groups == 1) {
        return tni_fail(err, TN_E_SHAPE,
                        "split: axis %" PRIu32 " of the shape %s is %" PRId64
                        ", but the sizes add up to %" PRId64,
                        cuts->axis, shape, cuts->length, sum);
    }
    return tni_fail(err, TN_E_SHAPE,
                    "split: a group is %" PRId64 " (axis %" PRIu32 " of the shape %s in %" PRId64
                    " groups), but the sizes add up to %" PRId64,
                    cuts->length, cuts->axis, shape, cuts->groups, sum);
}

static tn_status check_sizes(const tni_op *op, const tni_value *in, const cutting *cuts,
                             tn_error *err)
{
    int64_t sum = 0;
    for (size_t i = 0; i < op->n_sizes; i++) {
        if (op->sizes[i] < 0) {
            return tni_fail(err, TN_E_SHAPE, "split: a size cannot be %" PRId64, op->sizes[i]);
        }
        if (!tni_add_i64(sum, op->sizes[i], &sum)) {
            sum = INT64_MAX;
        }
    }
    return sum == cuts->length ? TN_OK : wrong_sum(in, cuts, sum, err);
}

static tn_status plan(const tni_op *op, const tni_value *in, cutting *cuts, tn_error *err)
{
    tn_status status = tni_op_axis(op, in, in->rank, &cuts->axis, err);
    if (status != TN_OK) {
        return status;
    }
    int64_t whole = in->shape[cuts->axis];
    cuts->groups = op->groups == 0 ? 1 : op->groups;
    cuts->parts = op->sizes == NULL ? (size_t)op->parts : op->n_sizes;
    if (cuts->groups < 1) {
        return tni_fail(err, TN_E_SHAPE, "split: there cannot be %" PRId64 " groups", cuts->groups);
    }
    cuts->length = whole / cuts->groups;
    if (whole % cuts->groups != 0) {
        return uneven(op, in, cuts, err);
    }
    if (op->sizes != NULL) {
        return check_sizes(op, in, cuts, err);
    }
    bool even = cuts->parts > 0 && cuts->length % (int64_t)cuts->parts == 0;
    return even ? TN_OK : uneven(op, in, cuts, err);
}

/* Makes one output: `size` of each group, from `offset` on. */
static tn_status take(tni_feed *feed, const cutting *cuts, int64_t offset, int64_t size,
                      tni_value *value, tn_error *err)
{
    const tni_value *in = feed->in;
    int64_t *shape = NULL;
    tni_map map;
    tni_along along = tni_op_along(in, cuts->axis);
    const int64_t old[4] = {along.before, cuts->groups, cuts->length, along.behind};
    const int64_t start[4] = {0, 0, offset, 0};
    const int64_t step[4] = {1, 1, 1, 1};
    const int64_t part[4] = {along.before, cuts->groups, size, along.behind};
    tn_status status = tni_op_shape(feed->arena, in, in->rank, &shape, value, err);
    if (status == TN_OK) {
        memcpy(shape, in->shape, in->rank * sizeof *shape);
        shape[cuts->axis] = cuts->groups * size;
        status = tni_op_count(value, err);
    }
    if (status == TN_OK) {
        status = tni_map_slice(feed->arena, 4, old, start, step, part, &map, err);
    }
    return status == TN_OK ? tni_feed_one(feed, 0, map, value, err) : status;
}

/* Makes room for outputs, whose number counts against the limit of their pieces. */
static tn_status make_room(tni_feed *feed, uint64_t count, tni_value **values_out, tn_error *err)
{
    void *block = NULL;
    tn_status status = tni_check_limit(count, feed->limit, "pieces", err);
    if (status == TN_OK) {
        status = tni_arena_array(feed->arena, count, sizeof(tni_value), &block, err);
    }
    if (status == TN_OK) {
        *values_out = block;
    }
    return status;
}

tn_status tni_op_split(tni_feed *feed, tni_value **out_out, size_t *n_out, tn_error *err)
{
    const tni_op *op = feed->op;
    cutting cuts = {0};
    tni_value *values = NULL;
    int64_t offset = 0;
    tn_status status = plan(op, feed->in, &cuts, err);
    if (status == TN_OK) {
        status = make_room(feed, cuts.parts, &values, err);
    }
    for (size_t i = 0; status == TN_OK && i < cuts.parts; i++) {
        int64_t size = op->sizes == NULL ? cuts.length / (int64_t)cuts.parts : op->sizes[i];
        status = take(feed, &cuts, offset, size, &values[i], err);
        offset += size;
    }
    if (status == TN_OK) {
        *out_out = values;
        *n_out = cuts.parts;
    }
    return status;
}

/* Makes the output at one index of the axis. */
static tn_status pick(tni_feed *feed, uint32_t axis, int64_t index, tni_value *value, tn_error *err)
{
    const tni_value *in = feed->in;
    int64_t *shape = NULL;
    tni_map map;
    tni_along along = tni_op_along(in, axis);
    const int64_t old[3] = {along.before, along.length, along.behind};
    const int64_t start[3] = {0, index, 0};
    const int64_t step[3] = {1, 1, 1};
    const int64_t part[3] = {along.before, 1, along.behind};
    tn_status status = tni_op_shape(feed->arena, in, in->rank - 1, &shape, value, err);
    if (status == TN_OK) {
        memcpy(shape, in->shape, axis * sizeof *shape);
        memcpy(shape + axis, in->shape + axis + 1, (in->rank - axis - 1) * sizeof *shape);
        status = tni_op_count(value, err);
    }
    if (status == TN_OK) {
        status = tni_map_slice(feed->arena, 3, old, start, step, part, &map, err);
    }
    return status == TN_OK ? tni_feed_one(feed, 0, map, value, err) : status;
}

tn_status tni_op_unstack(tni_feed *feed, tni_value **out_out, size_t *n_out, tn_error *err)
{
    const tni_op *op = feed->op;
    const tni_value *in = feed->in;
    uint32_t axis;
    tni_value *values = NULL;
    tn_status status = tni_op_axis(op, in, in->rank, &axis, err);
    if (status == TN_OK && op->parts != 0 && op->parts != in->shape[axis]) {
        char shape[TNI_SHAPE_ROOM];
        tni_op_shape_text(in, shape);
        status = tni_fail(err, TN_E_SHAPE,
                          "unstack: axis %" PRIu32 " of the shape %s gives %" PRId64
                          " tensors, but %" PRId64 " are wanted",
                          axis, shape, in->shape[axis], op->parts);
    }
    if (status == TN_OK) {
        status = make_room(feed, (uint64_t)in->shape[axis], &values, err);
    }
    for (int64_t i = 0; status == TN_OK && i < in->shape[axis]; i++) {
        status = pick(feed, axis, i, &values[i], err);
    }
    if (status == TN_OK) {
        *out_out = values;
        *n_out = (size_t)in->shape[axis];
    }
    return status;
}
