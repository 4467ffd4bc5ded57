/* Hash table: large sets, hostile keys, failing memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "core/hash.h"

static void test_empty(void **state)
{
    (void)state;
    tn_context *ctx = tn_context_new(NULL);
    tni_hash hash;
    tni_hash_init(&hash, ctx, 0);
    assert_int_equal(tni_hash_get(&hash, TN_LIT("x")), TNI_HASH_NONE);
    tni_hash_clear(&hash);
    tn_context_free(ctx);
}

static void test_add_and_set(void **state)
{
    (void)state;
    tn_context *ctx = tn_context_new(NULL);
    tni_hash hash;
    uint32_t old;
    tni_hash_init(&hash, ctx, 3);
    assert_int_equal(tni_hash_add(&hash, TN_LIT("a"), 1, &old, NULL), TN_OK);
    assert_int_equal(old, TNI_HASH_NONE);
    assert_int_equal(tni_hash_add(&hash, TN_LIT("a"), 2, &old, NULL), TN_OK);
    assert_int_equal(old, 1);
    assert_int_equal(tni_hash_get(&hash, TN_LIT("a")), 1);
    assert_int_equal(tni_hash_set(&hash, TN_LIT("a"), 3, NULL), TN_OK);
    assert_int_equal(tni_hash_get(&hash, TN_LIT("a")), 3);
    assert_int_equal(hash.count, 1);
    tni_hash_clear(&hash);
    tn_context_free(ctx);
}

/* Names that differ in a NUL, a length or a single bit are different names. */
static void test_neighbouring_keys(void **state)
{
    (void)state;
    static char zeros[300];
    tn_context *ctx = tn_context_new(NULL);
    tni_hash hash;
    tni_hash_init(&hash, ctx, 0);
    for (uint32_t i = 0; i < sizeof zeros; i++) {
        uint32_t old;
        assert_int_equal(tni_hash_add(&hash, (tn_str){zeros, i}, i, &old, NULL), TN_OK);
        assert_int_equal(old, TNI_HASH_NONE);
    }
    for (uint32_t i = 0; i < sizeof zeros; i++) {
        assert_int_equal(tni_hash_get(&hash, (tn_str){zeros, i}), i);
    }
    tni_hash_clear(&hash);
    tn_context_free(ctx);
}

enum { MANY = 1000000, KEY = 24 };

/* A million names with a long common beginning, added with and without a forecast. */
static void fill_and_look_up(size_t expected)
{
    tn_context *ctx = tn_context_new(NULL);
    char *keys = malloc((size_t)MANY * KEY);
    assert_non_null(keys);
    tni_hash hash;
    tni_hash_init(&hash, ctx, expected);
    clock_t start = clock();
    for (uint32_t i = 0; i < MANY; i++) {
        char *key = keys + (size_t)i * KEY;
        int len = snprintf(key, KEY, "model/layer/w%u", i);
        assert_int_equal(tni_hash_add(&hash, (tn_str){key, (size_t)len}, i, NULL, NULL), TN_OK);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(tni_hash_get(&hash, tn_str_of(keys + (size_t)i * KEY)), i);
    }
    assert_int_equal(hash.count, MANY);
    assert_int_equal(tni_hash_get(&hash, TN_LIT("model/layer/w1000000")), TNI_HASH_NONE);
    /* One bucket for all would take hours. */
    assert_true(clock() - start < 60 * CLOCKS_PER_SEC);
    tni_hash_clear(&hash);
    free(keys);
    tn_context_free(ctx);
}

static void test_many_keys(void **state)
{
    (void)state;
    fill_and_look_up(0);
    fill_and_look_up(MANY);
}

static void test_seeds_differ(void **state)
{
    (void)state;
    tn_context *ctx = tn_context_new(NULL);
    tni_hash a, b;
    tni_hash_init(&a, ctx, 0);
    tni_hash_init(&b, ctx, 0);
    assert_true(a.seed != b.seed);
    tn_context_free(ctx);
}

static void test_huge_forecast_is_refused_by_memory(void **state)
{
    (void)state;
    tn_context *ctx = tn_context_new(NULL);
    tni_hash hash;
    tni_hash_init(&hash, ctx, SIZE_MAX);
    tn_error err = {0};
    assert_int_equal(tni_hash_add(&hash, TN_LIT("a"), 1, NULL, &err), TN_NOMEM);
    assert_int_equal(tni_hash_get(&hash, TN_LIT("a")), TNI_HASH_NONE);
    tni_hash_clear(&hash);
    tn_context_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_add_and_set),
        cmocka_unit_test(test_neighbouring_keys),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_seeds_differ),
        cmocka_unit_test(test_huge_forecast_is_refused_by_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
