/* Tensors built by hand for the tests of the value reader, over memory sources. */
#ifndef TESTS_MODEL_BUILD_H
#define TESTS_MODEL_BUILD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/arena.h"
#include "core/context.h"
#include "model/reader.h"

enum { MOST_LEAVES = 128 };

typedef struct build {
    tn_context *ctx;
    tni_arena arena;
    tn_source *sources[MOST_LEAVES];
    size_t n_sources;
    uint64_t random;
} build;

static inline void build_init(build *b)
{
    b->ctx = tn_context_new(NULL);
    assert_non_null(b->ctx);
    tni_arena_init(&b->arena, b->ctx, 1u << 30);
    b->n_sources = 0;
    b->random = 0x9E3779B97F4A7C15u;
}

static inline void build_clear(build *b)
{
    for (size_t i = 0; i < b->n_sources; i++) {
        tni_source_release(b->sources[i]);
    }
    tni_arena_clear(&b->arena);
    tn_context_free(b->ctx);
}

/* A test with a build of its own as its state. */
static inline int build_setup(void **state)
{
    build *b = malloc(sizeof *b);
    assert_non_null(b);
    build_init(b);
    *state = b;
    return 0;
}

static inline int build_teardown(void **state)
{
    build_clear(*state);
    free(*state);
    return 0;
}

#define BUILD_TEST(test) cmocka_unit_test_setup_teardown(test, build_setup, build_teardown)

static inline uint64_t build_random(build *b, uint64_t below)
{
    b->random ^= b->random << 13;
    b->random ^= b->random >> 7;
    b->random ^= b->random << 17;
    return below == 0 ? 0 : (b->random >> 11) % below;
}

static inline void *build_bytes(build *b, size_t bytes)
{
    void *block;
    assert_int_equal(tni_arena_alloc(&b->arena, bytes + 1, &block, NULL), TN_OK);
    return block;
}

static inline uint8_t *build_noise(build *b, size_t bytes)
{
    uint8_t *noise = build_bytes(b, bytes);
    for (size_t i = 0; i < bytes; i++) {
        noise[i] = (uint8_t)build_random(b, 256);
    }
    return noise;
}

/* CRC-32C bit by bit, so that expected sums do not come from the code under test. */
static inline uint32_t build_crc(const uint8_t *data, size_t len)
{
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (int k = 0; k < 8; k++) {
            crc = (crc & 1u) != 0 ? (crc >> 1) ^ 0x82F63B78u : crc >> 1;
        }
    }
    return ~crc;
}

/* Makes a range leaf with a right sum; its bytes stand 7 bytes into a source of their own. */
static inline tni_leaf *build_leaf(build *b, tn_dtype dtype, int64_t elements, const uint8_t *bytes,
                                   size_t len)
{
    uint8_t *file = build_bytes(b, len + 7);
    if (len > 0) {
        memcpy(file + 7, bytes, len);
    }
    assert_true(b->n_sources < MOST_LEAVES);
    tn_source **source = &b->sources[b->n_sources++];
    assert_int_equal(tni_source_memory(b->ctx, file, len + 7, "leaf.bin", source, NULL), TN_OK);
    tni_leaf *leaf = build_bytes(b, sizeof *leaf);
    *leaf = (tni_leaf){.kind = TNI_LEAF_RANGE,
                       .sum_kind = TNI_SUM_CRC32C,
                       .dtype = dtype,
                       .sum = build_crc(bytes, len),
                       .elements = elements,
                       .source = *source,
                       .offset = 7,
                       .bytes = len,
                       .ctx = b->ctx};
    return leaf;
}

static inline tn_tensor build_tensor(build *b, tn_dtype dtype, uint32_t rank, const int64_t *shape,
                                     uint32_t n_pieces)
{
    tn_tensor tensor = {.rank = rank, .dtype = dtype, .elements = 1, .n_pieces = n_pieces};
    tensor.alias[TN_SCHEME_NAME] = TN_LIT("a/tensor");
    int64_t *copy = build_bytes(b, rank * sizeof *copy);
    for (uint32_t i = 0; i < rank; i++) {
        copy[i] = shape[i];
        tensor.elements *= shape[i];
    }
    tensor.shape = copy;
    tensor.pieces = build_bytes(b, n_pieces * sizeof(tni_piece));
    return tensor;
}

static inline void build_piece(tn_tensor *tensor, uint32_t index, tni_map map, const tni_leaf *leaf)
{
    tni_piece *pieces = (tni_piece *)(uintptr_t)tensor->pieces;
    pieces[index] = (tni_piece){map, leaf};
}

/* Makes a tensor of one whole leaf. */
static inline tn_tensor build_whole(build *b, uint32_t rank, const int64_t *shape,
                                    const tni_leaf *leaf)
{
    tn_tensor tensor = build_tensor(b, leaf->dtype, rank, shape, 1);
    tni_map map;
    void *dim;
    assert_int_equal(tni_arena_alloc(&b->arena, sizeof(tni_dim), &dim, NULL), TN_OK);
    tni_map_whole(tensor.elements, dim, &map);
    build_piece(&tensor, 0, map, leaf);
    return tensor;
}

/* Makes a tensor that is cut along one dimension at `at`, of two leaves that are copied out of
 * `bytes` element by element. */
static inline tn_tensor build_cut(build *b, tn_dtype dtype, uint32_t rank, const int64_t *shape,
                                  uint32_t dim, int64_t at, const uint8_t *bytes, size_t unit)
{
    tn_tensor tensor = build_tensor(b, dtype, rank, shape, 2);
    int64_t inner = 1;
    for (uint32_t k = dim + 1; k < rank; k++) {
        inner *= shape[k];
    }
    for (uint32_t part = 0; part < 2; part++) {
        int64_t start[8] = {0}, size[8];
        memcpy(size, shape, rank * sizeof *size);
        start[dim] = part == 0 ? 0 : at;
        size[dim] = part == 0 ? at : shape[dim] - at;
        int64_t elements = tensor.elements / shape[dim] * size[dim];
        uint8_t *own = build_bytes(b, (size_t)elements * unit);
        size_t n = 0;
        for (int64_t e = 0; e < tensor.elements; e++) {
            int64_t where = e / inner % shape[dim];
            if (where >= start[dim] && where < start[dim] + size[dim]) {
                memcpy(own + n++ * unit, bytes + (size_t)e * unit, unit);
            }
        }
        tni_map map;
        assert_int_equal(tni_map_box(&b->arena, rank, shape, start, size, &map, NULL), TN_OK);
        build_piece(&tensor, part, map,
                    build_leaf(b, dtype, elements, own, (size_t)elements * unit));
    }
    return tensor;
}

static inline tn_reader *build_reader(build *b, bool check, size_t budget, size_t slab)
{
    tn_reader *reader = NULL;
    assert_int_equal(tn_reader_new(b->ctx, check, &reader, NULL), TN_OK);
    reader->budget = budget;
    reader->slab = slab;
    return reader;
}

#endif
