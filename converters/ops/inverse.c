/* Inverse operations: what turns outputs back into inputs, given the shapes of both. */
#include "converters/ops/kinds.h"

#include "core/error.h"

static tn_str trim(tn_str text)
{
    while (text.len > 0 && text.data[0] == ' ') {
        text = tn_str_skip(text, 1);
    }
    while (text.len > 0 && text.data[text.len - 1] == ' ') {
        text.len--;
    }
    return text;
}

/* Writes "right -> left" of a text that was parsed before. */
static tn_status swap_text(tni_arena *arena, const tni_op *op, tn_str *text_out, tn_error *err)
{
    tn_str text = op->axes->text;
    size_t arrow = 0;
    while (!tn_str_starts(tn_str_skip(text, arrow), TN_LIT("->"))) {
        arrow++;
    }
    tn_str left = trim(tn_str_first(text, arrow));
    tn_str right = trim(tn_str_skip(text, arrow + 2));
    return tni_arena_format(arena, text_out, err,
                            op->kind == TNI_OP_TRANSPOSE ? "%.*s->%.*s" : "%.*s -> %.*s",
                            (int)right.len, right.data, (int)left.len, left.data);
}

static tn_status invert_axes(tni_arena *arena, const tni_op *op, const tni_value *in, tni_op *back,
                             tn_error *err)
{
    const tni_axes *axes = op->axes;
    tn_str text;
    size_t at = 0;
    void *blocks[3] = {NULL, NULL, NULL}; /* axes; sizes before, and after */
    tn_status status = tni_arena_alloc(arena, sizeof(tni_axes), &blocks[0], err);
    for (int i = 1; status == TN_OK && i < 3; i++) {
        status = tni_arena_array(arena, axes->count, sizeof(int64_t), &blocks[i], err);
    }
    if (status == TN_OK) {
        status = swap_text(arena, op, &text, err);
    }
    if (status == TN_OK && op->kind == TNI_OP_TRANSPOSE) {
        status = tni_axes_letters(arena, text, blocks[0], &at, err);
    } else if (status == TN_OK) {
        status = tni_axes_words(arena, text, blocks[0], &at, err);
    }
    int64_t *sizes = blocks[1];
    int64_t *reordered = blocks[2];
    if (status == TN_OK) {
        status = tni_op_axis_sizes(op, in, sizes, err);
    }
    for (uint32_t i = 0; status == TN_OK && i < axes->count; i++) {
        reordered[i] = sizes[axes->right.axis[i]];
    }
    back->axes = blocks[0];
    if (op->kind == TNI_OP_REARRANGE) {
        back->sizes = reordered;
        back->n_sizes = axes->count;
    }
    return status;
}

/* Records the sizes of an axis, or the shape. */
static tn_status record(tni_arena *arena, size_t count, int64_t **sizes_out, tni_op *back,
                        tn_error *err)
{
    void *block = NULL;
    tn_status status = tni_arena_array(arena, count, sizeof(int64_t), &block, err);
    if (status == TN_OK) {
        *sizes_out = block;
        back->sizes = block;
        back->n_sizes = count;
    }
    return status;
}

static tn_status invert_concat(tni_arena *arena, const tni_op *op, const tni_value *in, size_t n_in,
                               tni_op *back, tn_error *err)
{
    int64_t *sizes = NULL;
    uint32_t axis = (uint32_t)(op->axis < 0 ? op->axis + in->rank : op->axis);
    int64_t groups = op->groups == 0 ? 1 : op->groups;
    tn_status status = record(arena, n_in, &sizes, back, err);
    for (size_t i = 0; status == TN_OK && i < n_in; i++) {
        sizes[i] = in[i].shape[axis] / groups;
    }
    return status;
}

/* Tells whether slice `index` is whole but for one axis, where it begins at `start`. */
static bool runs_along(const tni_value *value, uint32_t index, uint32_t axis, int64_t start)
{
    const int64_t *slice = value->slices + 2 * (size_t)index * value->rank;
    bool along = slice[2 * axis] == start;
    for (uint32_t k = 0; along && k < value->rank; k++) {
        along = k == axis || (slice[2 * k] == 0 && slice[2 * k + 1] == value->shape[k]);
    }
    return along;
}

static uint32_t cut_axis(const tni_value *value)
{
    uint32_t axis = 0;
    while (axis < value->rank && value->slices[2 * axis + 1] == value->shape[axis]) {
        axis++;
    }
    return axis;
}

/* Says how a value was partitioned. */
static tn_status invert_partition(tni_arena *arena, const tni_op *op, const tni_value *in,
                                  tni_op *back, tn_error *err)
{
    back->kind = TNI_OP_UNPARTITION;
    if (in->slices == NULL) {
        return TN_OK;
    }
    int64_t *sizes = NULL;
    int64_t start = 0;
    uint32_t axis = cut_axis(in);
    tn_status status = record(arena, in->n_slices, &sizes, back, err);
    for (uint32_t i = 0; status == TN_OK && i < in->n_slices; i++) {
        if (axis == in->rank || !runs_along(in, i, axis, start)) {
            return tni_fail(err, TN_E_SHAPE,
                            "%s: the slices that it had before do not follow each other along one "
                            "axis, which no rule can write",
                            tni_op_name(op->kind));
        }
        sizes[i] = in->slices[2 * ((size_t)i * in->rank + axis) + 1];
        start += sizes[i];
    }
    back->kind = TNI_OP_PARTITION;
    back->axis = axis;
    return status;
}

static tn_status invert_reshape(tni_arena *arena, const tni_value *in, tni_op *back, tn_error *err)
{
    int64_t *shape = NULL;
    tn_status status = record(arena, in->rank, &shape, back, err);
    if (status == TN_OK && in->rank > 0) {
        memcpy(shape, in->shape, in->rank * sizeof *shape);
    }
    return status;
}

tn_status tni_op_inverse(tni_arena *arena, const tni_op *op, const tni_value *in, size_t n_in,
                         tni_op *inverse_out, tn_error *err)
{
    static const tni_op_kind kinds[TNI_OP_COUNT] = {
        [TNI_OP_TRANSPOSE] = TNI_OP_TRANSPOSE,   [TNI_OP_REARRANGE] = TNI_OP_REARRANGE,
        [TNI_OP_RESHAPE] = TNI_OP_RESHAPE,       [TNI_OP_PARTITION] = TNI_OP_UNPARTITION,
        [TNI_OP_UNPARTITION] = TNI_OP_PARTITION, [TNI_OP_SPLIT] = TNI_OP_CONCAT,
        [TNI_OP_UNSTACK] = TNI_OP_STACK,         [TNI_OP_CONCAT] = TNI_OP_SPLIT,
        [TNI_OP_STACK] = TNI_OP_UNSTACK,
    };
    tni_op back = {.kind = kinds[op->kind], .axis = op->axis, .groups = op->groups};
    tn_status status = TN_OK;
    if (op->kind == TNI_OP_TRANSPOSE || op->kind == TNI_OP_REARRANGE) {
        status = invert_axes(arena, op, in, &back, err);
    } else if (op->kind == TNI_OP_RESHAPE) {
        status = invert_reshape(arena, in, &back, err);
    } else if (op->kind == TNI_OP_CONCAT) {
        status = invert_concat(arena, op, in, n_in, &back, err);
    } else if (op->kind == TNI_OP_PARTITION || op->kind == TNI_OP_UNPARTITION) {
        status = invert_partition(arena, op, in, &back, err);
    } else if (op->kind == TNI_OP_STACK) {
        back.parts = (int64_t)n_in;
    }
    if (status == TN_OK) {
        *inverse_out = back;
    }
    return status;
}
