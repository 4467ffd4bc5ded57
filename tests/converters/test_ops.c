/* Layout operations against loops over indexes: random shapes with axes of 0 and 1, random pieces,
 * random arguments. */
#include "converters/ops.h"

enum { MOST_PIECES = 6 };

/* Lets a box of a matrix lie transposed in its leaf. */
static void lay_transposed(ops *o, tni_piece *piece, const int64_t *shape, const int64_t *size)
{
    tni_dim *dims = ops_room(o, 2, sizeof *dims);
    dims[0] = (tni_dim){size[0], shape[1], 1};
    dims[1] = (tni_dim){size[1], 1, size[0]};
    tni_map transposed = {piece->map.to, 0, 2, dims};
    ops_ok(tni_map_canonical(&o->arena, transposed, &piece->map, NULL), NULL);
}

/* A value whose pieces are several leaves: boxes side by side along an axis, in any order. */
static tni_value random_value(ops *o, uint32_t rank, const int64_t *shape)
{
    tni_value value = ops_value(o, rank, shape);
    uint32_t axis = (uint32_t)ops_random(o, rank);
    if (rank == 0 || value.elements == 0 || ops_random(o, 3) == 0) {
        return value;
    }
    tni_piece *pieces = ops_room(o, MOST_PIECES, sizeof *pieces);
    int64_t start[OPS_RANK] = {0}, size[OPS_RANK];
    memcpy(size, shape, rank * sizeof *size);
    uint32_t n = 0;
    for (int64_t left = shape[axis]; left > 0; left -= size[axis]) {
        uint32_t at = (uint32_t)ops_random(o, n + 1);
        pieces[n] = pieces[at];
        tni_piece *piece = &pieces[at];
        start[axis] = shape[axis] - left;
        size[axis] = ++n == MOST_PIECES ? left : 1 + ops_random(o, left);
        piece->leaf = ops_leaf(o, ops_product(size, rank));
        ops_ok(tni_map_box(&o->arena, rank, shape, start, size, &piece->map, NULL), NULL);
        if (rank == 2 && ops_random(o, 2) == 0) {
            lay_transposed(o, piece, shape, size);
        }
    }
    value.pieces = pieces;
    value.n_pieces = n;
    return value;
}

/* As ops_ids, for values whose pieces need not be in order. */
static int64_t *ids_of(ops *o, const tni_value *value)
{
    tni_piece *pieces = ops_room(o, value->n_pieces, sizeof *pieces);
    tni_value sorted = *value;
    for (uint32_t i = 0; i < value->n_pieces; i++) {
        uint32_t at = i;
        for (; at > 0 && pieces[at - 1].map.to > value->pieces[i].map.to; at--) {
            pieces[at] = pieces[at - 1];
        }
        pieces[at] = value->pieces[i];
    }
    sorted.pieces = pieces;
    return ops_ids(o, &sorted);
}

static void random_shape(ops *o, uint32_t rank, int64_t *shape)
{
    static const int64_t sizes[] = {1, 2, 3, 4, 9, 2, 3, 0};
    for (uint32_t k = 0; k < rank; k++) {
        shape[k] = sizes[ops_random(o, ops_random(o, 4) == 0 ? 8 : 5)];
    }
    while (ops_product(shape, rank) > 1500) {
        shape[ops_random(o, rank)] = 1;
    }
}

static void shuffle(ops *o, uint32_t *order, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++) {
        uint32_t other = (uint32_t)ops_random(o, k + 1);
        order[k] = order[other];
        order[other] = k;
    }
}

static void transposes(void **state)
{
    ops *o = *state;
    for (int round = 0; round < 400; round++) {
        ops_next_round(o);
        uint32_t rank = (uint32_t)(round % 7);
        int64_t shape[OPS_RANK], new_shape[OPS_RANK], index[OPS_RANK], old[OPS_RANK] = {0};
        uint32_t order[OPS_RANK];
        char text[32];
        random_shape(o, rank, shape);
        shuffle(o, order, rank);
        size_t len = 0;
        for (uint32_t k = 0; k < rank; k++) {
            text[len++] = (char)('z' - k);
        }
        text[len++] = '-';
        text[len++] = '>';
        for (uint32_t k = 0; k < rank; k++) {
            text[len++] = (char)('z' - order[k]);
            new_shape[k] = shape[order[k]];
        }
        text[len] = '\0';
        tni_op op = {.kind = TNI_OP_TRANSPOSE, .axes = ops_letters(o, text)};
        tni_value in = random_value(o, rank, shape);
        tni_value *out;
        assert_int_equal(ops_apply(o, &op, &in, 1, &out), 1);
        ops_same_shape(&out[0], rank, new_shape);
        const int64_t *from = ids_of(o, &in), *to = ops_ids(o, &out[0]);
        for (int64_t e = 0; e < in.elements; e++) {
            ops_index(e, rank, new_shape, index);
            for (uint32_t k = 0; k < rank; k++) {
                old[order[k]] = index[k];
            }
            assert_int_equal(to[e], from[ops_flat(rank, shape, old)]);
        }
    }
}

/* One side of a random rearrangement: which axes make up each dimension. */
typedef struct side {
    uint32_t order[OPS_RANK];
    uint32_t end[OPS_RANK]; /* of a dimension in `order` */
    uint32_t rank;
} side;

/* Groups axes in their order, with ones in between. */
static void group(ops *o, side *s, uint32_t axes)
{
    uint32_t at = 0;
    s->rank = 0;
    while (at < axes || ops_random(o, 5) == 0) {
        at += ops_random(o, 5) == 0 ? 0 : (uint32_t)(1 + ops_random(o, 3));
        at = at > axes ? axes : at;
        s->end[s->rank++] = at;
    }
}

static size_t write_side(const side *s, char *text, size_t room)
{
    size_t len = 0;
    for (uint32_t k = 0; k < s->rank; k++) {
        uint32_t first = k == 0 ? 0 : s->end[k - 1];
        bool many = s->end[k] - first > 1;
        len += (size_t)snprintf(text + len, room - len, "%s%s", k > 0 ? " " : "", many ? "(" : "");
        for (uint32_t i = first; i < s->end[k]; i++) {
            len += (size_t)snprintf(text + len, room - len, "%sx%" PRIu32, i > first ? " " : "",
                                    s->order[i]);
        }
        len += (size_t)snprintf(text + len, room - len, "%s",
                                many ? ")" : (s->end[k] == first ? "1" : ""));
    }
    return len;
}

static void side_shape(const side *s, const int64_t *sizes, int64_t *shape)
{
    for (uint32_t k = 0; k < s->rank; k++) {
        shape[k] = 1;
        for (uint32_t i = k == 0 ? 0 : s->end[k - 1]; i < s->end[k]; i++) {
            shape[k] *= sizes[s->order[i]];
        }
    }
}

/* Leaves one size of each dimension open. */
static void open_sizes(ops *o, const side *left, const int64_t *sizes, int64_t *given)
{
    for (uint32_t k = 0; k < left->rank; k++) {
        uint32_t first = k == 0 ? 0 : left->end[k - 1];
        uint32_t n = left->end[k] - first;
        for (uint32_t i = first; i < left->end[k]; i++) {
            given[i] = sizes[i];
        }
        if (n > 0) {
            given[first + (uint32_t)ops_random(o, n)] = TNI_AXIS_OPEN;
        }
    }
}

static void rearranges(void **state)
{
    ops *o = *state;
    for (int round = 0; round < 500; round++) {
        ops_next_round(o);
        uint32_t axes = (uint32_t)(round % 8);
        int64_t sizes[OPS_RANK], given[OPS_RANK], shape[OPS_RANK], new_shape[OPS_RANK];
        int64_t index[OPS_RANK], walk[OPS_RANK], walk_shape[OPS_RANK];
        side left, right;
        char text[512];
        random_shape(o, axes, sizes);
        for (uint32_t i = 0; i < axes; i++) {
            sizes[i] += sizes[i] == 0; /* a given size is 1 at least */
            left.order[i] = i;
        }
        shuffle(o, right.order, axes);
        group(o, &left, axes);
        group(o, &right, axes);
        open_sizes(o, &left, sizes, given);
        size_t len = write_side(&left, text, sizeof text);
        len += (size_t)snprintf(text + len, sizeof text - len, " -> ");
        len += write_side(&right, text + len, sizeof text - len);
        assert_true(len < sizeof text);
        side_shape(&left, sizes, shape);
        side_shape(&right, sizes, new_shape);
        tni_op op = {
            .kind = TNI_OP_REARRANGE, .axes = ops_words(o, text), .sizes = given, .n_sizes = axes};
        tni_value in = random_value(o, left.rank, shape);
        tni_value *out;
        assert_int_equal(ops_apply(o, &op, &in, 1, &out), 1);
        ops_same_shape(&out[0], right.rank, new_shape);
        const int64_t *from = ids_of(o, &in), *to = ops_ids(o, &out[0]);
        for (uint32_t i = 0; i < axes; i++) {
            walk_shape[i] = sizes[right.order[i]];
        }
        for (int64_t e = 0; e < in.elements; e++) {
            ops_index(e, axes, walk_shape, walk);
            for (uint32_t i = 0; i < axes; i++) {
                index[right.order[i]] = walk[i];
            }
            assert_int_equal(to[e], from[ops_flat(axes, sizes, index)]);
        }
    }
}

/* An open size next to a dimension of 0 is 0. */
static void rearranges_nothing(void **state)
{
    ops *o = *state;
    tni_value in = ops_value(o, 2, (const int64_t[]){0, 5});
    tni_value *out;
    tni_op op = {.kind = TNI_OP_REARRANGE,
                 .axes = ops_words(o, "(h d) x -> x h d"),
                 .sizes = (const int64_t[]){3, -1, -1}};
    assert_int_equal(ops_apply(o, &op, &in, 1, &out), 1);
    ops_same_shape(&out[0], 3, (const int64_t[]){5, 3, 0});
    assert_int_equal(out[0].elements, 0);
}

static void reshapes(void **state)
{
    ops *o = *state;
    for (int round = 0; round < 200; round++) {
        ops_next_round(o);
        uint32_t rank = (uint32_t)(round % 7);
        int64_t shape[OPS_RANK], asked[OPS_RANK], wanted[OPS_RANK];
        random_shape(o, rank, shape);
        tni_value in = random_value(o, rank, shape);
        int64_t rest = in.elements;
        uint32_t n = 0;
        while (rest > 1 || ops_random(o, 3) == 0) {
            int64_t factor = 1 + ops_random(o, rest < 7 ? rest : 7);
            wanted[n++] = rest % factor == 0 ? factor : rest;
            rest /= wanted[n - 1];
        }
        if (in.elements == 0) {
            wanted[n++] = 0;
        }
        memcpy(asked, wanted, sizeof asked);
        if (n > 0 && in.elements > 0) {
            asked[ops_random(o, n)] = -1;
        }
        tni_op op = {.kind = TNI_OP_RESHAPE, .sizes = asked, .n_sizes = n};
        tni_value *out;
        assert_int_equal(ops_apply(o, &op, &in, 1, &out), 1);
        ops_same_shape(&out[0], n, wanted);
        ops_same(ids_of(o, &in), ops_ids(o, &out[0]), in.elements);
    }
}

/* Cuts `length` into sizes, some of them 0. */
static size_t random_sizes(ops *o, int64_t length, int64_t *sizes)
{
    size_t n = 1 + (size_t)ops_random(o, 4);
    for (size_t i = 0; i + 1 < n; i++) {
        sizes[i] = ops_random(o, length + 1);
        length -= sizes[i];
    }
    sizes[n - 1] = length;
    return n;
}

/* Splits along an axis, in groups or not, and joins again. */
static void splits_and_concats(void **state)
{
    ops *o = *state;
    for (int round = 0; round < 500; round++) {
        ops_next_round(o);
        uint32_t rank = 1 + (uint32_t)(round % 6);
        int64_t shape[OPS_RANK], index[OPS_RANK], sizes[8];
        random_shape(o, rank, shape);
        uint32_t axis = (uint32_t)ops_random(o, rank);
        int64_t groups = 1 + ops_random(o, 3);
        int64_t length = ops_random(o, 7);
        shape[axis] = groups * length;
        tni_op op = {.kind = TNI_OP_SPLIT,
                     .axis = ops_random(o, 2) == 0 ? axis : (int64_t)axis - rank,
                     .groups = groups == 1 ? ops_random(o, 2) : groups};
        op.n_sizes = random_sizes(o, length, sizes);
        op.sizes = sizes;
        if (ops_random(o, 3) == 0) {
            op.parts = length % 2 == 0 ? 2 : 1;
            op.sizes = NULL;
            op.n_sizes = 0;
        }
        tni_value in = random_value(o, rank, shape);
        tni_value *out;
        size_t n = ops_apply(o, &op, &in, 1, &out);
        assert_int_equal(n, op.sizes == NULL ? (size_t)op.parts : op.n_sizes);
        const int64_t *from = ids_of(o, &in);
        int64_t offset = 0;
        for (size_t i = 0; i < n; i++) {
            int64_t size = op.sizes == NULL ? length / op.parts : op.sizes[i];
            int64_t part[OPS_RANK];
            memcpy(part, shape, sizeof part);
            part[axis] = groups * size;
            ops_same_shape(&out[i], rank, part);
            const int64_t *to = ops_ids(o, &out[i]);
            for (int64_t e = 0; e < out[i].elements; e++) {
                ops_index(e, rank, part, index);
                index[axis] = index[axis] / size * length + offset + index[axis] % size;
                assert_int_equal(to[e], from[ops_flat(rank, shape, index)]);
            }
            offset += size;
        }
        tni_op join = {.kind = TNI_OP_CONCAT, .axis = op.axis, .groups = op.groups};
        tni_value *joined;
        assert_int_equal(ops_apply(o, &join, out, n, &joined), 1);
        ops_same_shape(&joined[0], rank, shape);
        ops_same(from, ops_ids(o, &joined[0]), in.elements);
    }
}

static void stacks_and_unstacks(void **state)
{
    ops *o = *state;
    for (int round = 0; round < 300; round++) {
        ops_next_round(o);
        uint32_t rank = (uint32_t)(round % 6);
        int64_t shape[OPS_RANK], whole[OPS_RANK], index[OPS_RANK], inner[OPS_RANK];
        random_shape(o, rank, shape);
        size_t n = 1 + (size_t)ops_random(o, 4);
        uint32_t axis = (uint32_t)ops_random(o, rank + 1);
        tni_value in[4], *out, *again;
        const int64_t *from[4];
        for (size_t i = 0; i < n; i++) {
            in[i] = random_value(o, rank, shape);
            from[i] = ids_of(o, &in[i]);
        }
        for (uint32_t k = 0; k <= rank; k++) {
            whole[k] = k == axis ? (int64_t)n : shape[k - (k > axis)];
        }
        tni_op op = {.kind = TNI_OP_STACK,
                     .axis = ops_random(o, 2) == 0 ? axis : (int64_t)axis - rank - 1};
        assert_int_equal(ops_apply(o, &op, in, n, &out), 1);
        ops_same_shape(&out[0], rank + 1, whole);
        const int64_t *to = ops_ids(o, &out[0]);
        for (int64_t e = 0; e < out[0].elements; e++) {
            ops_index(e, rank + 1, whole, index);
            for (uint32_t k = 0; k < rank; k++) {
                inner[k] = index[k + (k >= axis)];
            }
            assert_int_equal(to[e], from[index[axis]][ops_flat(rank, shape, inner)]);
        }
        op.kind = TNI_OP_UNSTACK;
        op.parts = ops_random(o, 2) == 0 ? 0 : (int64_t)n;
        assert_int_equal(ops_apply(o, &op, out, 1, &again), n);
        for (size_t i = 0; i < n; i++) {
            ops_same_shape(&again[i], rank, shape);
            ops_same(from[i], ops_ids(o, &again[i]), in[i].elements);
        }
    }
}

static void partitions(void **state)
{
    ops *o = *state;
    tni_value in = ops_value(o, 2, (const int64_t[]){10, 4});
    tni_value *out, *whole;
    tni_op op = {.kind = TNI_OP_PARTITION, .sizes = (const int64_t[]){4, 3, 3}, .n_sizes = 3};
    static const int64_t rows[] = {0, 4, 0, 4, 4, 3, 0, 4, 7, 3, 0, 4};
    static const int64_t columns[] = {0, 10, 0, 1, 0, 10, 1, 3};
    ops_apply(o, &op, &in, 1, &out);
    assert_int_equal(out[0].n_slices, 3);
    assert_memory_equal(out[0].slices, rows, sizeof rows);
    ops_same(ops_ids(o, &in), ops_ids(o, &out[0]), 40);
    tni_op back = {.kind = TNI_OP_UNPARTITION};
    ops_apply(o, &back, out, 1, &whole);
    assert_null(whole[0].slices);
    assert_int_equal(whole[0].n_slices, 0);
    ops_same(ops_ids(o, &in), ops_ids(o, &whole[0]), 40);
    /* A new partition takes the place of the old one; any other operation makes it whole. */
    op = (tni_op){
        .kind = TNI_OP_PARTITION, .axis = -1, .sizes = (const int64_t[]){1, 3}, .n_sizes = 2};
    ops_apply(o, &op, out, 1, &whole);
    assert_int_equal(whole[0].n_slices, 2);
    assert_memory_equal(whole[0].slices, columns, sizeof columns);
    op = (tni_op){.kind = TNI_OP_TRANSPOSE, .axes = ops_letters(o, "io->oi")};
    ops_apply(o, &op, out, 1, &whole);
    assert_null(whole[0].slices);
    /* One slice is none. */
    op = (tni_op){.kind = TNI_OP_PARTITION, .sizes = (const int64_t[]){10}, .n_sizes = 1};
    ops_apply(o, &op, out, 1, &whole);
    assert_null(whole[0].slices);
}

/* The slices of a stored tensor, one of them with an open length. */
static void values_of_tensors(void **state)
{
    ops *o = *state;
    static const int64_t shape[] = {5, 2};
    static const int64_t slices[] = {0, 3, 0, -1, 3, 2, 0, 2};
    static const int64_t wanted[] = {0, 3, 0, 2, 3, 2, 0, 2};
    tni_value parts[2] = {ops_value(o, 2, (const int64_t[]){3, 2}),
                          ops_value(o, 2, (const int64_t[]){2, 2})};
    tni_value *joined, value;
    tni_op op = {.kind = TNI_OP_CONCAT};
    ops_apply(o, &op, parts, 2, &joined);
    tn_tensor tensor = {.rank = 2,
                        .shape = shape,
                        .elements = 10,
                        .dtype = TN_FLOAT32,
                        .pieces = joined->pieces,
                        .n_pieces = joined->n_pieces};
    assert_int_equal(tensor.n_pieces, 2);
    ops_ok(tni_value_of(&o->arena, &tensor, &value, NULL), NULL);
    assert_null(value.slices);
    tensor.slices = slices;
    tensor.n_slices = 2;
    ops_ok(tni_value_of(&o->arena, &tensor, &value, NULL), NULL);
    assert_int_equal(value.n_slices, 2);
    assert_memory_equal(value.slices, wanted, sizeof wanted);
    assert_ptr_equal(value.pieces, joined->pieces);
}

/* Values without pieces: shapes alone, of any size. */
static void shapes_alone(void **state)
{
    ops *o = *state;
    const int64_t shape[] = {1 << 20, INT64_C(1) << 40};
    tni_value in = {.dtype = TN_INT8, .rank = 2, .shape = shape, .elements = INT64_C(1) << 60};
    tni_value *out;
    tni_op op = {.kind = TNI_OP_TRANSPOSE, .axes = ops_letters(o, "io->oi")};
    assert_int_equal(ops_apply(o, &op, &in, 1, &out), 1);
    ops_same_shape(&out[0], 2, (const int64_t[]){INT64_C(1) << 40, 1 << 20});
    assert_int_equal(out[0].n_pieces, 0);
    op = (tni_op){.kind = TNI_OP_SPLIT, .axis = 1, .parts = 4};
    assert_int_equal(ops_apply(o, &op, out, 1, &out), 4);
    ops_same_shape(&out[3], 2, (const int64_t[]){INT64_C(1) << 40, 1 << 18});
}

/* Operations of one kind after another stay few pieces: a grouped split of what a concat of a
 * thousand parts made costs no product of both. */
static void stays_small(void **state)
{
    ops *o = *state;
    enum { PARTS = 4000 };
    tni_value *in = ops_room(o, PARTS, sizeof *in);
    tni_value *out, *again;
    for (size_t i = 0; i < PARTS; i++) {
        in[i] = ops_value(o, 2, (const int64_t[]){2, 3});
    }
    tni_op op = {.kind = TNI_OP_CONCAT};
    ops_apply(o, &op, in, PARTS, &out);
    assert_int_equal(out[0].n_pieces, PARTS);
    op = (tni_op){.kind = TNI_OP_SPLIT, .parts = PARTS};
    assert_int_equal(ops_apply(o, &op, out, 1, &again), PARTS);
    for (size_t i = 0; i < PARTS; i++) {
        assert_int_equal(again[i].n_pieces, 1);
        assert_ptr_equal(again[i].pieces[0].leaf, in[i].pieces[0].leaf);
        assert_true(tni_map_is_run(&again[i].pieces[0].map));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPS_TEST(transposes),  OPS_TEST(rearranges),         OPS_TEST(rearranges_nothing),
        OPS_TEST(reshapes),    OPS_TEST(splits_and_concats), OPS_TEST(stacks_and_unstacks),
        OPS_TEST(partitions),  OPS_TEST(values_of_tensors),  OPS_TEST(shapes_alone),
        OPS_TEST(stays_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
