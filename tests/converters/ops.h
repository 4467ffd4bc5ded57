/* What the tests of layout operations share: values over made-up leaves, and which element of which
 * leaf stands where, found out by walking loop nests element by element. */
#ifndef TN_TESTS_CONVERTERS_OPS_H
#define TN_TESTS_CONVERTERS_OPS_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "converters/ops/op.h"
#include "core/context.h"

enum { OPS_RANK = 32, OPS_VALUES = 64, OPS_LEAF = 1 << 20, OPS_LIMIT = 1 << 16 };

typedef struct ops {
    tn_context *ctx;
    tni_arena arena;
    uint64_t random;
    int64_t n_leaves;
} ops;

static inline int ops_setup(void **state)
{
    ops *o = malloc(sizeof *o);
    assert_non_null(o);
    o->ctx = tn_context_new(NULL);
    assert_non_null(o->ctx);
    tni_arena_init(&o->arena, o->ctx, 1u << 30);
    o->random = 0x9E3779B97F4A7C15u;
    o->n_leaves = 0;
    *state = o;
    return 0;
}

static inline int ops_teardown(void **state)
{
    ops *o = *state;
    tni_arena_clear(&o->arena);
    tn_context_free(o->ctx);
    free(o);
    return 0;
}

#define OPS_TEST(function) cmocka_unit_test_setup_teardown(function, ops_setup, ops_teardown)

static inline int64_t ops_random(ops *o, int64_t below)
{
    o->random ^= o->random << 13;
    o->random ^= o->random >> 7;
    o->random ^= o->random << 17;
    return below <= 0 ? 0 : (int64_t)((o->random >> 11) % (uint64_t)below);
}

/* Frees what a round of a long test made. */
static inline void ops_next_round(ops *o)
{
    tni_arena_clear(&o->arena);
    tni_arena_init(&o->arena, o->ctx, 1u << 30);
}

static inline void *ops_room(ops *o, size_t count, size_t size)
{
    void *block = NULL;
    assert_int_equal(tni_arena_array(&o->arena, count + 1, size, &block, NULL), TN_OK);
    return block;
}

static inline void ops_ok(tn_status status, const tn_error *err)
{
    if (status != TN_OK) {
        fail_msg("%s: %s", tn_code_name(err->code), err->message);
    }
}

static inline int64_t ops_product(const int64_t *shape, uint32_t rank)
{
    int64_t product = 1;
    for (uint32_t k = 0; k < rank; k++) {
        product *= shape[k];
    }
    return product;
}

/* A leaf with a number of its own; it has no bytes. */
static inline tni_leaf *ops_leaf(ops *o, int64_t elements)
{
    tni_leaf *leaf = ops_room(o, 1, sizeof *leaf);
    *leaf = (tni_leaf){.kind = TNI_LEAF_ABSENT,
                       .dtype = TN_FLOAT32,
                       .elements = elements,
                       .offset = (uint64_t)o->n_leaves++ * OPS_LEAF};
    return leaf;
}

/* Makes a value of one whole leaf. */
static inline tni_value ops_value(ops *o, uint32_t rank, const int64_t *shape)
{
    int64_t *copy = ops_room(o, rank, sizeof *copy);
    tni_piece *piece = ops_room(o, 1, sizeof *piece);
    tni_dim *dim = ops_room(o, 1, sizeof *dim);
    for (uint32_t k = 0; k < rank; k++) {
        copy[k] = shape[k];
    }
    tni_value value = {.dtype = TN_FLOAT32,
                       .rank = rank,
                       .shape = copy,
                       .elements = ops_product(shape, rank),
                       .pieces = piece,
                       .n_pieces = 1};
    tni_map_whole(value.elements, dim, &piece->map);
    piece->leaf = ops_leaf(o, value.elements);
    return value;
}

/* Walks every piece and notes for each element of the value which element of which leaf it is: the
 * leaf's number · OPS_LEAF + the element. Every element must be there just once, and the pieces in
 * order. */
static inline int64_t *ops_ids(ops *o, const tni_value *value)
{
    int64_t *ids = ops_room(o, (size_t)value->elements, sizeof *ids);
    int64_t last = -1;
    assert_int_equal(value->elements, ops_product(value->shape, value->rank));
    for (int64_t e = 0; e < value->elements; e++) {
        ids[e] = -1;
    }
    for (uint32_t i = 0; i < value->n_pieces; i++) {
        const tni_map *map = &value->pieces[i].map;
        int64_t count = 1;
        for (uint32_t k = 0; k < map->rank; k++) {
            count *= map->dim[k].size;
        }
        assert_true(value->elements == 0 || map->to > last);
        last = map->to;
        for (int64_t n = 0; n < count; n++) {
            int64_t rest = n, to = map->to, from = map->from;
            for (uint32_t k = map->rank; k-- > 0;) {
                to += rest % map->dim[k].size * map->dim[k].to;
                from += rest % map->dim[k].size * map->dim[k].from;
                rest /= map->dim[k].size;
            }
            assert_true(to >= 0 && to < value->elements && ids[to] == -1);
            assert_true(from >= 0 && from < value->pieces[i].leaf->elements);
            ids[to] = (int64_t)value->pieces[i].leaf->offset + from;
        }
    }
    for (int64_t e = 0; e < value->elements; e++) {
        assert_true(ids[e] >= 0);
    }
    return ids;
}

static inline void ops_same(const int64_t *a, const int64_t *b, int64_t count)
{
    for (int64_t e = 0; e < count; e++) {
        assert_int_equal(a[e], b[e]);
    }
}

static inline void ops_same_shape(const tni_value *value, uint32_t rank, const int64_t *shape)
{
    assert_int_equal(value->rank, rank);
    for (uint32_t k = 0; k < rank; k++) {
        assert_int_equal(value->shape[k], shape[k]);
    }
}

/* Splits a flat index into one index a dimension, and back. */
static inline void ops_index(int64_t flat, uint32_t rank, const int64_t *shape, int64_t *index)
{
    for (uint32_t k = rank; k-- > 0;) {
        index[k] = flat % shape[k];
        flat /= shape[k];
    }
}

static inline int64_t ops_flat(uint32_t rank, const int64_t *shape, const int64_t *index)
{
    int64_t flat = 0;
    for (uint32_t k = 0; k < rank; k++) {
        flat = flat * shape[k] + index[k];
    }
    return flat;
}

static inline tni_axes *ops_letters(ops *o, const char *text)
{
    tni_axes *axes = ops_room(o, 1, sizeof *axes);
    size_t at = 0;
    tn_error err = {0};
    ops_ok(tni_axes_letters(&o->arena, tn_str_of(text), axes, &at, &err), &err);
    return axes;
}

static inline tni_axes *ops_words(ops *o, const char *text)
{
    tni_axes *axes = ops_room(o, 1, sizeof *axes);
    size_t at = 0;
    tn_error err = {0};
    ops_ok(tni_axes_words(&o->arena, tn_str_of(text), axes, &at, &err), &err);
    return axes;
}

static inline size_t ops_apply(ops *o, const tni_op *op, const tni_value *in, size_t n_in,
                               tni_value **out)
{
    size_t n_out = 0;
    tn_error err = {0};
    ops_ok(tni_op_apply(&o->arena, op, in, n_in, OPS_LIMIT, out, &n_out, &err), &err);
    return n_out;
}

#endif
