/* Orders of many names, against sorting them one by one with tn_natural_compare. */
#include "core/order.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <tenon/text.h>

enum { ROOM = 64, MANY = 3000 };

/* A name among other fields, as in an array of tensors. */
typedef struct named {
    uint32_t before;
    tn_str name;
    char text[ROOM];
} named;

static tni_names_view view_of(const named *at, size_t count)
{
    return (tni_names_view){&at->name, sizeof *at, count};
}

static void set(named *one, const char *text, size_t len)
{
    memcpy(one->text, text, len);
    one->name = (tn_str){one->text, len};
}

static int by_name(const void *a, const void *b, void *user)
{
    const named *at = user;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int order = tn_natural_compare(at[x].name, at[y].name);
    return order != 0 ? order : (x > y) - (x < y);
}

/* Compares with the order that the comparison alone gives. */
static void assert_ordered(tn_context *ctx, const named *at, size_t count)
{
    tni_names_view view = view_of(at, count);
    uint32_t *order, *wanted = malloc(count * sizeof *wanted);
    bool sorted = true;
    for (uint32_t i = 0; i < count; i++) {
        wanted[i] = i;
        sorted = sorted && (i == 0 || tn_natural_compare(at[i - 1].name, at[i].name) < 0);
    }
    named *copy = malloc(count * sizeof *copy);
    memcpy(copy, at, count * sizeof *copy);
    qsort_r(wanted, count, sizeof *wanted, by_name, copy);
    assert_int_equal(tni_names_order(ctx, &view, &order, NULL), TN_OK);
    if (sorted) {
        assert_null(order);
    } else {
        assert_memory_equal(order, wanted, count * sizeof *wanted);
    }
    tni_free(ctx, order);
    free(wanted);
    free(copy);
}

/* Makes a name of digits, zeros, letters, NULs and high bytes behind a common start. */
static void make_random(named *one, unsigned *seed, const char *start)
{
    static const char bytes[] = "0001239/._ab\0\xC3\xFF";
    char text[ROOM];
    size_t len = strlen(start);
    memcpy(text, start, len);
    for (size_t more = (size_t)rand_r(seed) % 14; more > 0; more--) {
        text[len++] = bytes[(size_t)rand_r(seed) % (sizeof bytes - 1)];
    }
    set(one, text, len);
}

static void random_names(void **state)
{
    static const char *const starts[] = {"", "layer_", "model/layer_1", "a0", "\xFF"};
    tn_context *ctx = *state;
    named *at = calloc(MANY, sizeof *at);
    for (unsigned seed = 1; seed < 40; seed++) {
        unsigned random = seed;
        size_t count = 1 + (size_t)rand_r(&random) % (seed < 35 ? 200 : MANY);
        for (size_t i = 0; i < count; i++) {
            make_random(&at[i], &random, starts[seed % 5]);
        }
        assert_ordered(ctx, at, count);
    }
    free(at);
}

static void layers(void **state)
{
    named *at = calloc(MANY, sizeof *at);
    for (unsigned i = 0; i < MANY; i++) {
        char text[ROOM];
        int len = snprintf(text, sizeof text, "model/layer_%u/kernel", i * 7919U % MANY);
        set(&at[i], text, (size_t)len);
    }
    assert_ordered(*state, at, MANY);
    for (unsigned i = 0; i < MANY; i++) {
        char text[ROOM];
        int len = snprintf(text, sizeof text, "model/layer_%u/kernel", i);
        set(&at[i], text, (size_t)len);
    }
    assert_ordered(*state, at, MANY);
    free(at);
}

/* A run of 300 digits is longer than a key can say. */
static void long_numbers(void **state)
{
    char digits[3][301];
    tn_str names[3];
    for (int i = 0; i < 3; i++) {
        memset(digits[i], '9' - i, 300);
        names[i] = (tn_str){digits[i], 300};
    }
    tni_names_view view = {names, sizeof *names, 3};
    uint32_t *order;
    assert_int_equal(tni_names_order(*state, &view, &order, NULL), TN_OK);
    assert_memory_equal(order, ((uint32_t[]){2, 1, 0}), 12);
    tni_free(*state, order);
}

static void assert_repeat(tn_context *ctx, const named *at, size_t count, size_t before,
                          size_t again)
{
    tni_names_view view = view_of(at, count);
    size_t found_before = 1, found_again = 1;
    assert_int_equal(tni_names_repeat(ctx, &view, &found_before, &found_again, NULL), TN_OK);
    assert_int_equal(found_before, before);
    assert_int_equal(found_again, again);
}

static void repeats(void **state)
{
    named *at = calloc(MANY, sizeof *at);
    for (unsigned i = 0; i < MANY; i++) {
        char text[ROOM];
        set(&at[i], text, (size_t)snprintf(text, sizeof text, "w%u", i));
    }
    assert_repeat(*state, at, MANY, SIZE_MAX, SIZE_MAX);
    assert_repeat(*state, at, 0, SIZE_MAX, SIZE_MAX);
    at[2000] = at[10];
    at[2000].name.data = at[2000].text;
    at[1500] = at[700];
    at[1500].name.data = at[1500].text;
    assert_repeat(*state, at, MANY, 700, 1500);
    for (unsigned i = 0; i < MANY; i++) {
        set(&at[i], "same", 4);
    }
    assert_repeat(*state, at, MANY, 0, 1);
    free(at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_names),
        cmocka_unit_test(layers),
        cmocka_unit_test(long_numbers),
        cmocka_unit_test(repeats),
    };
    tn_context *ctx = tn_context_new(NULL);
    struct CMUnitTest with_context[sizeof tests / sizeof *tests];
    memcpy(with_context, tests, sizeof tests);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        with_context[i].initial_state = ctx;
    }
    int failed = cmocka_run_group_tests(with_context, NULL, NULL);
    tn_context_free(ctx);
    return failed;
}
