/* Transposes and rearrangements, which are transposes of the axes that dimensions consist of. */
#include "converters/ops/kinds.h"
#include "converters/ops/shapes.h"

#include "core/checked.h"
#include "core/error.h"

#include <inttypes.h>
#include <stdio.h>

enum { DIMENSION_ROOM = 96, TAIL_ROOM = 8 };

static uint32_t start_of(const tni_axes_side *side, uint32_t dimension)
{
    return dimension == 0 ? 0 : side->end[dimension - 1];
}

/* Writes a dimension of the left side as a text has it: "(h two d)". */
static void dimension_text(const tni_axes *axes, uint32_t dimension, char out[DIMENSION_ROOM])
{
    uint32_t first = start_of(&axes->left, dimension);
    uint32_t end = axes->left.end[dimension];
    if (end == first) {
        memcpy(out, "1", 2);
        return;
    }
    size_t len = 0;
    bool many = end - first > 1;
    len += (size_t)snprintf(out, DIMENSION_ROOM, "%s", many ? "(" : "");
    for (uint32_t i = first; i < end; i++) {
        tn_str name = axes->name[axes->left.axis[i]];
        const char *gap = i > first ? " " : "";
        if (len + name.len + 1 + TAIL_ROOM > DIMENSION_ROOM) {
            len += (size_t)snprintf(out + len, DIMENSION_ROOM - len, "%s…", gap);
            break;
        }
        len += (size_t)snprintf(out + len, DIMENSION_ROOM - len, "%s%.*s", gap, (int)name.len,
                                name.data);
    }
    (void)snprintf(out + len, DIMENSION_ROOM - len, "%s", many ? ")" : "");
}

static tn_status misfit(const tni_op *op, const tni_value *value, uint32_t dimension, int64_t known,
                        bool open, tn_error *err)
{
    char shape[TNI_SHAPE_ROOM];
    char text[DIMENSION_ROOM];
    tni_op_shape_text(value, shape);
    dimension_text(op->axes, dimension, text);
    return tni_fail(err, TN_E_SHAPE,
                    "%s: dimension %" PRIu32 " of the shape %s is %" PRId64
                    ", but %s is %s%" PRId64,
                    tni_op_name(op->kind), dimension, shape, value->shape[dimension], text,
                    open ? "a multiple of " : "", known);
}

static tn_status two_open(const tni_op *op, tn_str a, tn_str b, tn_error *err)
{
    tn_status status =
        tni_fail(err, TN_E_RULE, "%s: the sizes of '%.*s' and '%.*s' are both unknown",
                 tni_op_name(op->kind), (int)a.len, a.data, (int)b.len, b.data);
    tni_error_hint(err, "give one of them in `with:`");
    return status;
}

static tn_status negative(const tni_op *op, tn_str name, int64_t size, tn_error *err)
{
    return tni_fail(err, TN_E_SHAPE, "%s: the size of '%.*s' cannot be %" PRId64,
                    tni_op_name(op->kind), (int)name.len, name.data, size);
}

/* Computes the sizes of the axes of one dimension of the left side. */
static tn_status solve(const tni_op *op, const tni_value *value, uint32_t dimension, int64_t *sizes,
                       tn_error *err)
{
    const tni_axes *axes = op->axes;
    int64_t whole = value->shape[dimension];
    int64_t known = 1;
    bool beyond = false; /* 2^63: no dimension has that many */
    uint32_t open = TNI_AXES_MOST;
    for (uint32_t i = start_of(&axes->left, dimension); i < axes->left.end[dimension]; i++) {
        uint32_t axis = axes->left.axis[i];
        sizes[axis] = op->sizes == NULL ? TNI_AXIS_OPEN : op->sizes[axis];
        if (sizes[axis] == TNI_AXIS_OPEN && open != TNI_AXES_MOST) {
            return two_open(op, axes->name[open], axes->name[axis], err);
        }
        if (sizes[axis] == TNI_AXIS_OPEN) {
            open = axis;
        } else if (sizes[axis] < 0) {
            return negative(op, axes->name[axis], sizes[axis], err);
        } else if (!tni_mul_i64(known, sizes[axis], &known)) {
            known = INT64_MAX;
            beyond = true;
        }
    }
    bool fits = open == TNI_AXES_MOST ? whole == known : known > 0 && whole % known == 0;
    if (!fits || (beyond && known != 0)) {
        return misfit(op, value, dimension, known, open != TNI_AXES_MOST, err);
    }
    if (open != TNI_AXES_MOST) {
        sizes[open] = whole / known;
    }
    return TN_OK;
}

tn_status tni_op_axis_sizes(const tni_op *op, const tni_value *value, int64_t *sizes_out,
                            tn_error *err)
{
    const tni_axes *axes = op->axes;
    if (axes->left.rank != value->rank) {
        char shape[TNI_SHAPE_ROOM];
        tni_op_shape_text(value, shape);
        return tni_fail(err, TN_E_SHAPE,
                        "%s: '%.*s' takes %" PRIu32 " dimensions, but the shape %s has %" PRIu32,
                        tni_op_name(op->kind), (int)axes->text.len, axes->text.data,
                        axes->left.rank, shape, value->rank);
    }
    tn_status status = TN_OK;
    for (uint32_t k = 0; status == TN_OK && k < value->rank; k++) {
        status = solve(op, value, k, sizes_out, err);
    }
    return status;
}

/* Multiplies the axes of each dimension of the right side. */
static tn_status multiply(const tni_axes *axes, const int64_t *sizes, int64_t *shape, tn_error *err)
{
    for (uint32_t k = 0; k < axes->right.rank; k++) {
        shape[k] = 1;
        for (uint32_t i = start_of(&axes->right, k); i < axes->right.end[k]; i++) {
            if (!tni_mul_i64(shape[k], sizes[axes->right.axis[i]], &shape[k])) {
                return tni_fail(err, TN_E_LIMIT, "a tensor has more than 2^63 - 1 elements");
            }
        }
    }
    return TN_OK;
}

tn_status tni_op_transpose(tni_feed *feed, size_t index, tni_value *value, tn_error *err)
{
    const tni_axes *axes = feed->op->axes;
    const tni_value *in = &feed->in[index];
    void *block = NULL;
    int64_t *shape = NULL;
    tni_map map;
    tn_status status = tni_arena_array(feed->arena, axes->count, sizeof(int64_t), &block, err);
    int64_t *sizes = block;
    if (status == TN_OK) {
        status = tni_op_axis_sizes(feed->op, in, sizes, err);
    }
    if (status == TN_OK) {
        status = tni_op_shape(feed->arena, in, axes->right.rank, &shape, value, err);
    }
    if (status == TN_OK) {
        status = multiply(axes, sizes, shape, err);
    }
    if (status == TN_OK) {
        status = tni_op_count(value, err);
    }
    if (status == TN_OK) {
        status = tni_map_transpose(feed->arena, axes->count, sizes, axes->right.axis, &map, err);
    }
    return status == TN_OK ? tni_feed_one(feed, index, map, value, err) : status;
}
