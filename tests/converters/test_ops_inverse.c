/* Inverse operations: chains of random operations, applied and taken back, give the map from a
 * tensor to itself. */
#include "converters/ops.h"

enum { CHAIN = 5 };

/* One operation of a chain, with what it was applied to. */
typedef struct link {
    tni_op op;
    const tni_value *in;
    size_t n_in;
} link;

static tni_axes *random_letters(ops *o, uint32_t rank)
{
    char *text = ops_room(o, 2 * (size_t)rank + 3, 1);
    size_t len = 0;
    for (int s = 0; s < 2; s++) {
        for (uint32_t k = 0; k < rank; k++) {
            text[len++] = (char)('a' + k);
        }
        memcpy(text + len, s == 0 ? "->" : "", s == 0 ? 2 : 0);
        len += s == 0 ? 2 : 0;
    }
    for (uint32_t k = rank; k > 1; k--) {
        char *right = text + rank + 2;
        uint32_t other = (uint32_t)ops_random(o, k);
        char moved = right[k - 1];
        right[k - 1] = right[other];
        right[other] = moved;
    }
    return ops_letters(o, text);
}

static int64_t divisor(ops *o, int64_t size)
{
    int64_t found = 1 + ops_random(o, size < 6 ? size : 6);
    return size == 0 || size % found != 0 ? 1 : found;
}

/* Cuts the first dimension in two axes, swaps them, and puts a 1 and the others in reverse. */
static void random_rearrange(ops *o, const tni_value *value, tni_op *op)
{
    char *text = ops_room(o, 512, 1);
    size_t len = 0;
    uint32_t rank = value->rank;
    len += (size_t)snprintf(text + len, 512 - len, "(one  two)");
    for (uint32_t k = 1; k < rank; k++) {
        len += (size_t)snprintf(text + len, 512 - len, " a%" PRIu32, k);
    }
    bool apart = ops_random(o, 2) == 0 && rank < 6;
    len += (size_t)snprintf(text + len, 512 - len, apart ? "->two" : "->(two one)");
    for (uint32_t k = rank; k-- > 1;) {
        len += (size_t)snprintf(text + len, 512 - len, " a%" PRIu32, k);
    }
    len += (size_t)snprintf(text + len, 512 - len, apart ? " one" : " 1 1");
    op->kind = TNI_OP_REARRANGE;
    op->axes = ops_words(o, text);
    int64_t *sizes = ops_room(o, op->axes->count, sizeof *sizes);
    for (uint32_t i = 0; i < op->axes->count; i++) {
        sizes[i] = TNI_AXIS_OPEN;
    }
    sizes[ops_random(o, 2)] = divisor(o, value->shape[0]);
    op->sizes = sizes;
    op->n_sizes = op->axes->count;
}

static void random_split(ops *o, const tni_value *value, uint32_t axis, tni_op *op)
{
    int64_t *sizes = ops_room(o, 3, sizeof *sizes);
    op->kind = TNI_OP_SPLIT;
    op->groups = divisor(o, value->shape[axis]);
    int64_t length = value->shape[axis] / op->groups;
    sizes[0] = ops_random(o, length + 1);
    sizes[1] = ops_random(o, length - sizes[0] + 1);
    sizes[2] = length - sizes[0] - sizes[1];
    op->sizes = sizes;
    op->n_sizes = 3;
    if (ops_random(o, 3) == 0) {
        op->sizes = NULL;
        op->n_sizes = 0;
        op->parts = divisor(o, length);
    }
}

static void random_partition(ops *o, const tni_value *value, uint32_t axis, tni_op *op)
{
    int64_t *sizes = ops_room(o, 2, sizeof *sizes);
    int64_t length = value->shape[axis];
    op->kind = TNI_OP_UNPARTITION;
    if (length > 1) {
        op->kind = TNI_OP_PARTITION;
        sizes[0] = 1 + ops_random(o, length - 1);
        sizes[1] = length - sizes[0];
        op->sizes = sizes;
        op->n_sizes = 2;
    }
}

static bool equal_shapes(const tni_value *values, size_t count, uint32_t but)
{
    for (size_t i = 1; i < count; i++) {
        for (uint32_t k = 0; k < values->rank; k++) {
            if (values[i].rank != values->rank ||
                (k != but && values[i].shape[k] != values->shape[k])) {
                return false;
            }
        }
    }
    return true;
}

/* Chooses an operation that these values can take. */
static tni_op random_op(ops *o, const tni_value *values, size_t count)
{
    tni_op op = {.kind = TNI_OP_TRANSPOSE};
    uint32_t rank = values->rank;
    uint32_t axis = (uint32_t)ops_random(o, rank);
    int64_t choice = ops_random(o, 7);
    bool equal = equal_shapes(values, count, UINT32_MAX);
    op.axis = ops_random(o, 2) == 0 ? axis : (int64_t)axis - rank;
    op.axis = rank == 0 ? 0 : op.axis;
    if (choice == 0 && rank > 0 && rank < 7 && equal) {
        random_rearrange(o, values, &op);
    } else if (choice == 1 && equal) {
        int64_t *sizes = ops_room(o, 1, sizeof *sizes);
        sizes[0] = -1;
        op = (tni_op){.kind = TNI_OP_RESHAPE, .sizes = sizes, .n_sizes = 1};
    } else if (choice <= 3 && rank > 0 && count == 1) {
        random_split(o, values, axis, &op);
    } else if (choice <= 4 && rank > 0 && count == 1 && values->shape[axis] > 0) {
        op.kind = TNI_OP_UNSTACK;
    } else if (choice <= 3 && rank > 0 && count > 1 && equal_shapes(values, count, axis)) {
        op.kind = TNI_OP_CONCAT;
    } else if (choice <= 4 && count > 1 && equal) {
        op.kind = TNI_OP_STACK;
    } else if (choice == 5 && rank > 0 && equal) {
        random_partition(o, values, axis, &op);
    } else {
        op.axes = random_letters(o, rank);
    }
    return op;
}

static bool takes_each(tni_op_kind kind)
{
    return kind <= TNI_OP_UNPARTITION;
}

/* Takes one operation back. */
static void take_back(ops *o, const link *done, tni_value **values, size_t *count)
{
    tn_error err = {0};
    tni_op back;
    if (!takes_each(done->op.kind)) {
        ops_ok(tni_op_inverse(&o->arena, &done->op, done->in, done->n_in, &back, &err), &err);
        *count = ops_apply(o, &back, *values, *count, values);
        return;
    }
    tni_value *all = ops_room(o, *count, sizeof *all);
    for (size_t i = 0; i < *count; i++) {
        tni_value *one;
        ops_ok(tni_op_inverse(&o->arena, &done->op, &done->in[i], 1, &back, &err), &err);
        assert_int_equal(ops_apply(o, &back, *values + i, 1, &one), 1);
        all[i] = *one;
    }
    *values = all;
}

/* All outputs together hold each element once; without one of them that has elements, not. */
static void check_tiling(ops *o, const tni_value *values, size_t count, const tni_value *in)
{
    bool tile = false;
    const tni_leaf *leaf = in->pieces[0].leaf;
    tn_error err = {0};
    ops_ok(tni_values_tile(&o->arena, values, count, leaf, &tile, &err), &err);
    assert_true(tile);
    if (in->elements > 0 && values[0].elements > 0) {
        ops_ok(tni_values_tile(&o->arena, values + 1, count - 1, leaf, &tile, &err), &err);
        assert_false(tile);
    }
    tni_value *twice = ops_room(o, count + 1, sizeof *twice);
    memcpy(twice, values, count * sizeof *twice);
    twice[count] = values[0];
    if (values[0].elements > 0) {
        ops_ok(tni_values_tile(&o->arena, twice, count + 1, leaf, &tile, &err), &err);
        assert_false(tile);
    }
}

static tni_value first_value(ops *o)
{
    static const int64_t sizes[] = {1, 2, 3, 4, 6, 8, 12, 0};
    int64_t shape[6];
    uint32_t rank = (uint32_t)ops_random(o, 7);
    for (uint32_t k = 0; k < rank; k++) {
        shape[k] = sizes[ops_random(o, ops_random(o, 8) == 0 ? 8 : 7)];
    }
    while (ops_product(shape, rank) > 3000) {
        shape[ops_random(o, rank)] = 1;
    }
    return ops_value(o, rank, shape);
}

static void chains_come_back(void **state)
{
    ops *o = *state;
    for (int round = 0; round < 1500; round++) {
        ops_next_round(o);
        tni_value in = first_value(o);
        tni_value *values = &in;
        size_t count = 1;
        link chain[CHAIN];
        int length = 1 + round % CHAIN;
        for (int i = 0; i < length; i++) {
            chain[i] = (link){random_op(o, values, count), values, count};
            count = ops_apply(o, &chain[i].op, values, count, &values);
        }
        check_tiling(o, values, count, &in);
        for (int i = length; i-- > 0;) {
            take_back(o, &chain[i], &values, &count);
        }
        assert_int_equal(count, 1);
        ops_same_shape(&values[0], in.rank, in.shape);
        ops_same(ops_ids(o, &in), ops_ids(o, &values[0]), in.elements);
        if (length == 1 && in.elements > 0) {
            assert_int_equal(values[0].n_pieces, 1);
            assert_true(tni_map_is_run(&values[0].pieces[0].map));
        }
    }
}

/* The inverse of one operation. */
static tni_op inverse(ops *o, const tni_op *op, const tni_value *in, size_t n_in)
{
    tni_op back;
    tn_error err = {0};
    ops_ok(tni_op_inverse(&o->arena, op, in, n_in, &back, &err), &err);
    return back;
}

static void same_text(const tni_op *op, const char *text)
{
    assert_int_equal(op->axes->text.len, strlen(text));
    assert_memory_equal(op->axes->text.data, text, strlen(text));
}

static void same_sizes(const tni_op *op, size_t n, const int64_t *sizes)
{
    assert_int_equal(op->n_sizes, n);
    assert_memory_equal(op->sizes, sizes, n * sizeof *sizes);
}

/* The arguments that a rule file would show. */
static void shows_arguments(void **state)
{
    ops *o = *state;
    tni_value v = ops_value(o, 2, (const int64_t[]){24, 5});
    tni_op op = {.kind = TNI_OP_TRANSPOSE, .axes = ops_letters(o, "io->oi")};
    tni_op back = inverse(o, &op, &v, 1);
    assert_int_equal(back.kind, TNI_OP_TRANSPOSE);
    same_text(&back, "oi->io");
    op = (tni_op){.kind = TNI_OP_REARRANGE,
                  .axes = ops_words(o, "(h two d) x->  (h d two) x "),
                  .sizes = (const int64_t[]){3, 2, -1, -1}};
    back = inverse(o, &op, &v, 1);
    same_text(&back, "(h d two) x -> (h two d) x");
    same_sizes(&back, 4, (const int64_t[]){3, 4, 2, 5});
    op = (tni_op){.kind = TNI_OP_RESHAPE, .sizes = (const int64_t[]){-1}, .n_sizes = 1};
    back = inverse(o, &op, &v, 1);
    assert_int_equal(back.kind, TNI_OP_RESHAPE);
    same_sizes(&back, 2, (const int64_t[]){24, 5});
    op = (tni_op){.kind = TNI_OP_SPLIT,
                  .axis = -2,
                  .sizes = (const int64_t[]){3, 1, 2},
                  .n_sizes = 3,
                  .groups = 4};
    back = inverse(o, &op, &v, 1);
    assert_int_equal(back.kind, TNI_OP_CONCAT);
    assert_int_equal(back.axis, -2);
    assert_int_equal(back.groups, 4);
    tni_value *parts;
    size_t n = ops_apply(o, &op, &v, 1, &parts);
    back = inverse(o, &back, parts, n);
    assert_int_equal(back.kind, TNI_OP_SPLIT);
    assert_int_equal(back.groups, 4);
    same_sizes(&back, 3, op.sizes);
    op = (tni_op){.kind = TNI_OP_UNSTACK, .axis = -1};
    back = inverse(o, &op, &v, 1);
    assert_int_equal(back.kind, TNI_OP_STACK);
    assert_int_equal(back.axis, -1);
    n = ops_apply(o, &op, &v, 1, &parts);
    back = inverse(o, &back, parts, n);
    assert_int_equal(back.kind, TNI_OP_UNSTACK);
    assert_int_equal(back.parts, 5);
}

static void partitions_come_back(void **state)
{
    ops *o = *state;
    tni_value v = ops_value(o, 2, (const int64_t[]){10, 4});
    tni_value *cut;
    tni_op op = {.kind = TNI_OP_PARTITION, .sizes = (const int64_t[]){4, 3, 3}, .n_sizes = 3};
    tni_op back = inverse(o, &op, &v, 1);
    assert_int_equal(back.kind, TNI_OP_UNPARTITION);
    ops_apply(o, &op, &v, 1, &cut);
    tni_op whole = {.kind = TNI_OP_UNPARTITION};
    back = inverse(o, &whole, cut, 1);
    assert_int_equal(back.kind, TNI_OP_PARTITION);
    assert_int_equal(back.axis, 0);
    same_sizes(&back, 3, op.sizes);
    back = inverse(o, &whole, &v, 1);
    assert_int_equal(back.kind, TNI_OP_UNPARTITION);
    /* Cut in four, along both axes: no rule makes that. */
    static const int64_t grid[] = {0, 5, 0, 2, 0, 5, 2, 2, 5, 5, 0, 2, 5, 5, 2, 2};
    v.slices = grid;
    v.n_slices = 4;
    tn_error err = {0};
    assert_int_equal(tni_op_inverse(&o->arena, &whole, &v, 1, &back, &err), TN_NO);
    assert_int_equal(err.code, TN_E_SHAPE);
    assert_string_equal(err.message, "unpartition: the slices that it had before do not follow "
                                     "each other along one axis, which no rule can write");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPS_TEST(chains_come_back),
        OPS_TEST(shows_arguments),
        OPS_TEST(partitions_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
