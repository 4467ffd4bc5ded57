/* What operations refuse, and in which words. */
#include "converters/ops.h"

/* Applies and expects a failure. */
static void fails(ops *o, const tni_op *op, const tni_value *in, size_t n_in, tn_code code,
                  const char *message)
{
    tni_value *out = NULL;
    size_t n_out = 77;
    tn_error err = {0};
    assert_int_equal(tni_op_apply(&o->arena, op, in, n_in, OPS_LIMIT, &out, &n_out, &err),
                     tn_code_status(code));
    assert_int_equal(err.code, code);
    assert_string_equal(err.message, message);
    assert_null(out);
    assert_int_equal(n_out, 77);
}

static void transpose_and_rearrange(void **state)
{
    ops *o = *state;
    tni_value m = ops_value(o, 2, (const int64_t[]){768, 64});
    tni_op op = {.kind = TNI_OP_TRANSPOSE, .axes = ops_letters(o, "hwio->oihw")};
    fails(o, &op, &m, 1, TN_E_SHAPE,
          "transpose: 'hwio->oihw' takes 4 dimensions, but the shape [768, 64] has 2");
    op = (tni_op){.kind = TNI_OP_REARRANGE, .axes = ops_words(o, "(h two d) x -> (h d two) x")};
    fails(o, &op, &m, 1, TN_E_RULE, "rearrange: the sizes of 'h' and 'two' are both unknown");
    op.sizes = (const int64_t[]){7, 2, -1, -1};
    fails(
        o, &op, &m, 1, TN_E_SHAPE,
        "rearrange: dimension 0 of the shape [768, 64] is 768, but (h two d) is a multiple of 14");
    op.sizes = (const int64_t[]){12, 2, 16, -1};
    fails(o, &op, &m, 1, TN_E_SHAPE,
          "rearrange: dimension 0 of the shape [768, 64] is 768, but (h two d) is 384");
    op.sizes = (const int64_t[]){12, 2, -1, 65};
    fails(o, &op, &m, 1, TN_E_SHAPE,
          "rearrange: dimension 1 of the shape [768, 64] is 64, but x is 65");
    op.sizes = (const int64_t[]){12, 0, -1, -1};
    fails(o, &op, &m, 1, TN_E_SHAPE,
          "rearrange: dimension 0 of the shape [768, 64] is 768, but (h two d) is a multiple of 0");
    op.sizes = (const int64_t[]){12, -2, -1, -1};
    fails(o, &op, &m, 1, TN_E_SHAPE, "rearrange: the size of 'two' cannot be -2");
    op.sizes = (const int64_t[]){INT64_MAX, 3, -1, -1};
    fails(o, &op, &m, 1, TN_E_SHAPE,
          "rearrange: dimension 0 of the shape [768, 64] is 768, but (h two d) is a multiple of "
          "9223372036854775807");
    op.sizes = (const int64_t[]){INT64_MAX, 3, 256, -1};
    fails(o, &op, &m, 1, TN_E_SHAPE,
          "rearrange: dimension 0 of the shape [768, 64] is 768, but (h two d) is "
          "9223372036854775807");
    tni_value none = ops_value(o, 2, (const int64_t[]){0, 64});
    op.axes = ops_words(o, "(h two d) x -> (h two) d x");
    op.sizes = (const int64_t[]){INT64_MAX, 3, 0, -1};
    fails(o, &op, &none, 1, TN_E_LIMIT, "a tensor has more than 2^63 - 1 elements");
    op.sizes = (const int64_t[]){0, INT64_MAX, 3, -1};
    op.axes = ops_words(o, "(h two d) x -> h (two d) x");
    fails(o, &op, &none, 1, TN_E_LIMIT, "a tensor has more than 2^63 - 1 elements");
    op = (tni_op){.kind = TNI_OP_REARRANGE, .axes = ops_words(o, "1 i -> i")};
    fails(o, &op, &m, 1, TN_E_SHAPE,
          "rearrange: dimension 0 of the shape [768, 64] is 768, but 1 is 1");
}

static void reshape(void **state)
{
    ops *o = *state;
    tni_value v = ops_value(o, 2, (const int64_t[]){10, 10});
    tni_value none = ops_value(o, 2, (const int64_t[]){0, 10});
    tni_op op = {.kind = TNI_OP_RESHAPE, .sizes = (const int64_t[]){-1, 768}, .n_sizes = 2};
    fails(o, &op, &v, 1, TN_E_SHAPE,
          "reshape: the shape [10, 10] has 100 elements, but [?, 768] takes a multiple of 768");
    op.sizes = (const int64_t[]){-1, 0};
    fails(o, &op, &none, 1, TN_E_SHAPE,
          "reshape: the shape [0, 10] has 0 elements, but [?, 0] takes a multiple of 0");
    op.sizes = (const int64_t[]){4, 24};
    fails(o, &op, &v, 1, TN_E_SHAPE,
          "reshape: the shape [10, 10] has 100 elements, but [4, 24] takes 96");
    op.sizes = (const int64_t[]){-1, -1};
    fails(o, &op, &v, 1, TN_E_SHAPE, "reshape: only one dimension may be -1");
    op.sizes = (const int64_t[]){-50, -2};
    fails(o, &op, &v, 1, TN_E_SHAPE, "reshape: a dimension cannot be -50");
    op.sizes = (const int64_t[]){INT64_MAX, 3};
    fails(o, &op, &v, 1, TN_E_LIMIT, "a tensor has more than 2^63 - 1 elements");
    op.n_sizes = 0;
    fails(o, &op, &v, 1, TN_E_SHAPE,
          "reshape: the shape [10, 10] has 100 elements, but [] takes 1");
}

static void split(void **state)
{
    ops *o = *state;
    tni_value v = ops_value(o, 2, (const int64_t[]){12, 4});
    tni_value two[2] = {v, v};
    tni_op op = {.kind = TNI_OP_SPLIT, .axis = 2, .parts = 2};
    fails(o, &op, &v, 1, TN_E_SHAPE, "split: there is no axis 2 for the shape [12, 4]");
    op.axis = -3;
    fails(o, &op, &v, 1, TN_E_SHAPE, "split: there is no axis -3 for the shape [12, 4]");
    op.axis = 0;
    fails(o, &op, two, 2, TN_E_SHAPE, "split takes one tensor, not 2");
    fails(o, &op, two, 0, TN_E_SHAPE, "split takes one tensor, not 0");
    op.parts = 5;
    fails(o, &op, &v, 1, TN_E_SHAPE,
          "split: axis 0 of the shape [12, 4] is 12, which does not divide into 5 equal parts");
    op.groups = 5;
    fails(o, &op, &v, 1, TN_E_SHAPE,
          "split: axis 0 of the shape [12, 4] is 12, which does not divide into 5 equal groups");
    op.groups = 3;
    op.parts = 3;
    fails(o, &op, &v, 1, TN_E_SHAPE,
          "split: axis 0 of the shape [12, 4] is 12, which does not divide into 3 equal groups of "
          "equal parts");
    op.groups = -1;
    fails(o, &op, &v, 1, TN_E_SHAPE, "split: there cannot be -1 groups");
    op = (tni_op){.kind = TNI_OP_SPLIT, .sizes = (const int64_t[]){8, 2, 1}, .n_sizes = 3};
    fails(o, &op, &v, 1, TN_E_SHAPE,
          "split: axis 0 of the shape [12, 4] is 12, but the sizes add up to 11");
    op.groups = 2;
    fails(o, &op, &v, 1, TN_E_SHAPE,
          "split: a group is 6 (axis 0 of the shape [12, 4] in 2 groups), but the sizes add up to "
          "11");
    op.sizes = (const int64_t[]){8, -4, 2};
    fails(o, &op, &v, 1, TN_E_SHAPE, "split: a size cannot be -4");
    op.sizes = (const int64_t[]){INT64_MAX, INT64_MAX, 2};
    fails(o, &op, &v, 1, TN_E_SHAPE,
          "split: a group is 6 (axis 0 of the shape [12, 4] in 2 groups), but the sizes add up to "
          "9223372036854775807");
    op = (tni_op){.kind = TNI_OP_UNSTACK, .parts = 8};
    fails(o, &op, &v, 1, TN_E_SHAPE,
          "unstack: axis 0 of the shape [12, 4] gives 12 tensors, but 8 are wanted");
    tni_value scalar = ops_value(o, 0, NULL);
    fails(o, &op, &scalar, 1, TN_E_SHAPE, "unstack: there is no axis 0 for the shape []");
}

static void join(void **state)
{
    ops *o = *state;
    tni_value v[2] = {ops_value(o, 2, (const int64_t[]){2, 3}),
                      ops_value(o, 2, (const int64_t[]){3, 3})};
    tni_op op = {.kind = TNI_OP_CONCAT, .axis = 1};
    fails(o, &op, v, 2, TN_E_SHAPE,
          "concat: the shapes [2, 3] and [3, 3] differ in more than axis 1");
    op.axis = -3;
    fails(o, &op, v, 2, TN_E_SHAPE, "concat: there is no axis -3 for the shape [2, 3]");
    op = (tni_op){.kind = TNI_OP_CONCAT, .groups = 3};
    fails(o, &op, v, 2, TN_E_SHAPE,
          "concat: axis 0 of the shape [2, 3] is 2, which does not divide into 3 equal groups");
    op.groups = -2;
    fails(o, &op, v, 2, TN_E_SHAPE, "concat: there cannot be -2 groups");
    op.groups = 0;
    fails(o, &op, v, 0, TN_E_SHAPE, "concat takes at least one tensor");
    v[1].dtype = TN_BFLOAT16;
    fails(o, &op, v, 2, TN_E_SHAPE, "concat: the dtypes float32 and bfloat16 differ");
    op.kind = TNI_OP_STACK;
    fails(o, &op, v, 2, TN_E_SHAPE, "stack: the shapes [2, 3] and [3, 3] differ");
    v[1].shape = v[0].shape;
    fails(o, &op, v, 2, TN_E_SHAPE, "stack: the dtypes float32 and bfloat16 differ");
    op.axis = 3;
    fails(o, &op, v, 2, TN_E_SHAPE, "stack: there is no axis 3 for the shape [2, 3]");
    fails(o, &op, v, 0, TN_E_SHAPE, "stack takes at least one tensor");
    /* Two tensors of 2^62 elements and a bit: described without pieces, as a bare shape is. */
    tni_value huge = {.dtype = TN_INT8,
                      .rank = 1,
                      .shape = (const int64_t[]){INT64_MAX / 2 + 1},
                      .elements = INT64_MAX / 2 + 1};
    const tni_value twice[2] = {huge, huge};
    op = (tni_op){.kind = TNI_OP_CONCAT};
    fails(o, &op, twice, 2, TN_E_LIMIT, "a tensor has more than 2^63 - 1 elements");
    op.kind = TNI_OP_STACK;
    fails(o, &op, twice, 2, TN_E_LIMIT, "a tensor has more than 2^63 - 1 elements");
}

static void partition(void **state)
{
    ops *o = *state;
    tni_value v = ops_value(o, 2, (const int64_t[]){10, 4});
    tni_op op = {.kind = TNI_OP_PARTITION, .sizes = (const int64_t[]){4, 3, 2}, .n_sizes = 3};
    fails(o, &op, &v, 1, TN_E_SHAPE,
          "partition: axis 0 of the shape [10, 4] is 10, but the sizes add up to 9");
    op.sizes = (const int64_t[]){4, 6, 0};
    fails(o, &op, &v, 1, TN_E_SHAPE, "partition: a slice of the shape [10, 4] cannot be 0");
    op.sizes = (const int64_t[]){INT64_MAX, INT64_MAX, 1};
    fails(o, &op, &v, 1, TN_E_SHAPE,
          "partition: axis 0 of the shape [10, 4] is 10, but the sizes add up to "
          "9223372036854775807");
    op.axis = 2;
    fails(o, &op, &v, 1, TN_E_SHAPE, "partition: there is no axis 2 for the shape [10, 4]");
}

/* float4 elements share bytes, and strings have no size: nothing of them moves. */
static void elements_that_stay(void **state)
{
    ops *o = *state;
    tni_value v = ops_value(o, 2, (const int64_t[]){4, 6});
    tni_value *out;
    tni_op op = {.kind = TNI_OP_TRANSPOSE, .axes = ops_letters(o, "io->oi")};
    v.dtype = TN_FLOAT4_E2M1FN;
    fails(o, &op, &v, 1, TN_E_UNSUPPORTED,
          "transpose: elements of float4_e2m1fn can only be carried whole and in order");
    op = (tni_op){.kind = TNI_OP_SPLIT, .parts = 2};
    v.dtype = TN_STRING;
    fails(o, &op, &v, 1, TN_E_UNSUPPORTED,
          "split: elements of string can only be carried whole and in order");
    op = (tni_op){.kind = TNI_OP_RESHAPE, .sizes = (const int64_t[]){24}, .n_sizes = 1};
    assert_int_equal(ops_apply(o, &op, &v, 1, &out), 1);
    assert_int_equal(out[0].dtype, TN_STRING);
    assert_int_equal(out[0].rank, 1);
}

static void limits_pieces(void **state)
{
    ops *o = *state;
    tni_value v = ops_value(o, 2, (const int64_t[]){3, 50});
    tni_value *out;
    size_t n_out = 0;
    tn_error err = {0};
    tni_op op = {.kind = TNI_OP_UNSTACK, .axis = 1};
    tn_status status = tni_op_apply(&o->arena, &op, &v, 1, 50, &out, &n_out, &err);
    ops_ok(status, &err);
    assert_int_equal(n_out, 50);
    status = tni_op_apply(&o->arena, &op, &v, 1, 49, &out, &n_out, &err);
    assert_int_equal(status, TN_LIMIT);
    assert_string_equal(err.message, "50 exceeds the limit pieces (49)");
    /* Outputs that have no element count as well. */
    tni_value none = ops_value(o, 2, (const int64_t[]){0, INT64_C(1) << 40});
    err = (tn_error){0};
    status = tni_op_apply(&o->arena, &op, &none, 1, 1000, &out, &n_out, &err);
    assert_int_equal(status, TN_LIMIT);
    /* One output of many pieces, and several outputs of some. */
    tni_value parts[6];
    for (int i = 0; i < 6; i++) {
        parts[i] = ops_value(o, 1, (const int64_t[]){5});
    }
    op = (tni_op){.kind = TNI_OP_CONCAT};
    err = (tn_error){0};
    assert_int_equal(tni_op_apply(&o->arena, &op, parts, 6, 5, &out, &n_out, &err), TN_LIMIT);
    ops_ok(tni_op_apply(&o->arena, &op, parts, 6, 6, &out, &n_out, &(tn_error){0}), &err);
    tni_value joined = out[0];
    op = (tni_op){.kind = TNI_OP_SPLIT, .sizes = (const int64_t[]){12, 18}, .n_sizes = 2};
    assert_int_equal(tni_op_apply(&o->arena, &op, &joined, 1, 7, &out, &n_out, NULL), TN_OK);
    assert_int_equal(out[0].n_pieces + out[1].n_pieces, 7);
    assert_int_equal(tni_op_apply(&o->arena, &op, &joined, 1, 6, &out, &n_out, NULL), TN_LIMIT);
}

static void stops_when_cancelled(void **state)
{
    ops *o = *state;
    tni_value v = ops_value(o, 1, (const int64_t[]){8});
    tni_value *out;
    size_t n_out = 0;
    tni_op op = {.kind = TNI_OP_UNSTACK};
    tn_context_cancel(o->ctx);
    assert_int_equal(tni_op_apply(&o->arena, &op, &v, 1, 50, &out, &n_out, NULL), TN_CANCELLED);
}

static void unknown_shapes(void **state)
{
    ops *o = *state;
    const int64_t shape[] = {-1, 768};
    tn_tensor tensor = {.rank = 2, .shape = shape, .elements = -1, .dtype = TN_FLOAT32};
    tni_value value = {.rank = 77};
    tn_error err = {0};
    assert_int_equal(tni_value_of(&o->arena, &tensor, &value, &err), TN_NO);
    assert_string_equal(err.message, "the shape [?, 768] is not fully known");
    tensor = (tn_tensor){.any_shape = true, .elements = -1};
    err = (tn_error){0};
    assert_int_equal(tni_value_of(&o->arena, &tensor, &value, &err), TN_NO);
    assert_string_equal(err.message, "the shape ? is not fully known");
    assert_int_equal(value.rank, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPS_TEST(transpose_and_rearrange),
        OPS_TEST(reshape),
        OPS_TEST(split),
        OPS_TEST(join),
        OPS_TEST(partition),
        OPS_TEST(elements_that_stay),
        OPS_TEST(limits_pieces),
        OPS_TEST(stops_when_cancelled),
        OPS_TEST(unknown_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
