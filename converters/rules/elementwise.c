#include "converters/rules/elementwise.h"

#include "core/error.h"
#include "model/linear.h"
#include "model/shape_text.h"

/* Makes a leaf that is another one, cast. */
static tn_status cast_leaf(tn_model *model, const tni_leaf *leaf, const tni_casting *how,
                           const tni_leaf **leaf_out, tn_error *err)
{
    typedef struct cast_leaf {
        tni_leaf leaf;
        tni_leaf_cast cast;
    } made;
    void *block;
    if (leaf->cast != NULL) {
        return tni_fail(err, TN_E_OVERLAP, "it is cast to %s already, and a tensor is cast once",
                        tn_dtype_about(leaf->dtype)->name);
    }
    tn_status status = tni_arena_alloc(&model->arena, sizeof(made), &block, err);
    if (status == TN_OK) {
        made *both = block;
        both->leaf = *leaf;
        both->leaf.dtype = how->dtype;
        both->leaf.cast = &both->cast;
        both->cast =
            (tni_leaf_cast){.from = leaf->dtype, .overflow = how->overflow, .report = how->report};
        *leaf_out = &both->leaf;
    }
    return status;
}

tn_status tni_cast_value(tn_model *model, const tni_casting *how, tni_value *value, tn_error *err)
{
    tn_dtype dtype = how->dtype;
    void *block;
    if (value->dtype == dtype) {
        return TN_OK;
    }
    if (!tn_cast_known(value->dtype, dtype)) {
        return tni_fail(err, TN_E_IMPOSSIBLE, "values of %s cannot be cast to %s",
                        tn_dtype_about(value->dtype)->name, tn_dtype_about(dtype)->name);
    }
    tn_status status =
        tni_arena_array(&model->arena, value->n_pieces, sizeof(tni_piece), &block, err);
    tni_piece *pieces = block;
    for (uint32_t i = 0; status == TN_OK && i < value->n_pieces; i++) {
        /* Pieces of one leaf stand together as a rule. */
        bool same = i > 0 && value->pieces[i].leaf == value->pieces[i - 1].leaf;
        pieces[i] = (tni_piece){value->pieces[i].map, same ? pieces[i - 1].leaf : NULL};
        if (!same) {
            status = cast_leaf(model, value->pieces[i].leaf, how, &pieces[i].leaf, err);
        }
    }
    if (status == TN_OK) {
        value->pieces = pieces;
        value->dtype = dtype;
    }
    return status;
}

/* Makes a value one leaf, all of it. */
static tn_status make_whole(tn_model *model, const tni_leaf *leaf, tni_value *value, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_alloc(&model->arena, sizeof(tni_whole_piece), &block, err);
    if (status == TN_OK) {
        tni_whole_piece *whole = block;
        whole->piece.leaf = leaf;
        tni_map_whole(value->elements, &whole->dim, &whole->piece.map);
        value->pieces = &whole->piece;
        value->n_pieces = 1;
        value->slices = NULL;
        value->n_slices = 0;
    }
    return status;
}

/* Makes a record of a value, as readers want it. */
static tn_tensor tensor_of(const tni_value *value)
{
    return (tn_tensor){.alias = {TN_LIT("operand")},
                       .shape = value->shape,
                       .rank = value->rank,
                       .dtype = value->dtype,
                       .elements = value->elements,
                       .pieces = value->pieces,
                       .n_pieces = value->n_pieces,
                       .slot_of = TN_NO_INDEX};
}

static bool is_real_float(tn_dtype dtype)
{
    return tn_dtype_about(dtype)->kind == TN_KIND_FLOAT && tn_cast_known(TN_FLOAT64, dtype);
}

/* Checks that two values can be added up. */
static tn_status can_sum(const tni_value *a, const tni_value *b, const char *what, tn_error *err)
{
    tn_tensor one = tensor_of(a), two = tensor_of(b);
    if (!is_real_float(a->dtype) || !is_real_float(b->dtype)) {
        tn_dtype dtype = is_real_float(a->dtype) ? b->dtype : a->dtype;
        return tni_fail(err, TN_E_SHAPE, "%s works on floating tensors, not on %s", what,
                        tn_dtype_about(dtype)->name);
    }
    if (two.rank != one.rank ||
        (one.rank > 0 && memcmp(two.shape, one.shape, one.rank * sizeof(int64_t)) != 0)) {
        char own[TNI_SHAPE_ROOM], its[TNI_SHAPE_ROOM];
        tni_shape_text(&one, own);
        tni_shape_text(&two, its);
        return tni_fail(err, TN_E_SHAPE, "%s: the shapes %s and %s differ", what, own, its);
    }
    return TN_OK;
}

tn_status tni_add_to_value(tn_model *model, const tni_value *other, double scale, double number,
                           tni_value *value, tn_error *err)
{
    tn_tensor one = tensor_of(value), two = {.rank = 0};
    tni_operand operands[2] = {{&one, 1}, {&two, scale}};
    tni_linear sum = {.operands = operands, .count = 1, .constant = number, .divisor = 1};
    tn_status status = can_sum(value, other == NULL ? value : other, "add", err);
    if (status != TN_OK) {
        return status;
    }
    if (other != NULL) {
        two = tensor_of(other);
        sum.count = 2;
    }
    const tni_leaf *leaf;
    status = tni_linear_leaf(model, &sum, value->dtype, &leaf, err);
    return status == TN_OK ? make_whole(model, leaf, value, err) : status;
}

tn_status tni_mean_of_values(tn_model *model, tni_value *values, size_t count, tn_error *err)
{
    void *operand_block = NULL, *tensor_block = NULL;
    tn_status status = tni_alloc_array(model->ctx, count, sizeof(tni_operand), &operand_block, err);
    if (status == TN_OK) {
        status = tni_alloc_array(model->ctx, count, sizeof(tn_tensor), &tensor_block, err);
    }
    tni_operand *operands = operand_block;
    tn_tensor *tensors = tensor_block;
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        status = can_sum(&values[0], &values[i], "mean", err);
        tensors[i] = tensor_of(&values[i]);
        operands[i] = (tni_operand){&tensors[i], 1};
    }
    tni_linear sum = {.operands = operands, .count = (uint32_t)count, .divisor = (double)count};
    const tni_leaf *leaf = NULL;
    if (status == TN_OK) {
        status = tni_linear_leaf(model, &sum, values[0].dtype, &leaf, err);
    }
    tni_free(model->ctx, operand_block);
    tni_free(model->ctx, tensor_block);
    return status == TN_OK ? make_whole(model, leaf, &values[0], err) : status;
}
