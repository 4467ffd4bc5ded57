/* Names-and-shapes lists (names_list), right and wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <tenon/tenon.h>

#include "support/scratch.h"

/* Opens a text as a list. */
static tn_status open_list(tn_context *ctx, const char *text, tn_model **model_out, tn_error *err)
{
    tn_scratch scratch;
    tn_scratch_make(&scratch);
    tn_scratch_write(&scratch, "list.json", text);
    tn_status status = tn_open(ctx, tn_scratch_at(&scratch, "list.json"), NULL, model_out, err);
    tn_scratch_remove(&scratch);
    return status;
}

/* A document of `ls --json` is a list too: its own members are no tensors. */
static void ls_document(void **state)
{
    tn_context *ctx = *state;
    tn_model *model;
    tn_error err = {0};
    const char *text =
        "{\"tenon\":1,\"verb\":\"ls\",\"inputs\":[{\"path\":\"x\"}],\"tensors\":[{\"name\":\"a/w\","
        "\"dtype\":\"float32\",\"shape\":[2,3],\"elements\":6,\"aliases\":{\"key\":\"k\"}},"
        "{\"name\":\"b\",\"dtype\":null,\"shape\":null}],\"totals\":{\"tensors\":2}}";
    assert_int_equal(open_list(ctx, text, &model, &err), TN_OK);
    assert_int_equal(tn_model_count(model), 2);
    const tn_tensor *first = tn_model_at(model, 0);
    assert_true(tn_str_equal(first->alias[TN_SCHEME_NAME], TN_LIT("a/w")));
    assert_int_equal(first->dtype, TN_FLOAT32);
    assert_int_equal(first->rank, 2);
    assert_int_equal(first->elements, 6);
    assert_true(tn_model_at(model, 1)->any_shape);
    tn_model_free(model);
}

static const struct {
    const char *text, *message;
    tn_code code;
    uint64_t offset;
} bad[] = {
    {"{\"a\": [1, -2]}", "whole numbers", TN_E_CORRUPT, 10},
    {"{\"a\": [1.5]}", "whole numbers", TN_E_CORRUPT, 7},
    {"{\"a\": 3}", "list of sizes", TN_E_CORRUPT, 6},
    {"{\"a\": {\"shape\": \"x\"}}", "list of sizes", TN_E_CORRUPT, 16},
    {"{\"a\": {\"dtype\": \"float31\"}}", "no dtype", TN_E_CORRUPT, 16},
    {"{\"a\": {\"shpae\": [3]}}", "has a shape", TN_E_CORRUPT, 19},
    {"{\"a\": {}}", "has a shape", TN_E_CORRUPT, 7},
    {"{\"a\": {\"dtype\": 7}}", "no dtype", TN_E_CORRUPT, 16},
    {"{\"tenon\":1,\"tensors\":[3]}", "object with a name", TN_E_CORRUPT, 22},
    {"{\"a\": [9223372036854775807, 2], \"b\": {\"shape\": [4611686018427387904, 4]}}", "63 bits",
     TN_E_CORRUPT, UINT64_MAX},
};

static void errors(void **state)
{
    tn_context *ctx = *state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tn_model *model = NULL;
        tn_error err = {0};
        tn_status status = open_list(ctx, bad[i].text, &model, &err);
        if (status != TN_CORRUPT || err.code != bad[i].code ||
            strstr(err.message, bad[i].message) == NULL ||
            (bad[i].offset != UINT64_MAX && err.offset != bad[i].offset)) {
            fail_msg("%s: status %d, offset %llu: %s", bad[i].text, status,
                     (unsigned long long)err.offset, err.message);
        }
    }
}

static void name_twice(void **state)
{
    tn_model *model = NULL;
    tn_error err = {0};
    assert_int_equal(open_list(*state, "{\"a\": [1], \"a\": [2]}", &model, &err), TN_CORRUPT);
    assert_string_equal(err.subject, "a");
}

/* Every truncation ends in an error, never in a shorter list. */
static void truncations(void **state)
{
    const char *whole =
        "{\"a\": [1, null], \"b\": {\"shape\": [2], \"dtype\": \"int8\"}, \"c\": null}";
    char text[128];
    for (size_t len = 1; len < strlen(whole); len++) {
        tn_model *model = NULL;
        snprintf(text, sizeof text, "%.*s", (int)len, whole);
        assert_int_not_equal(open_list(*state, text, &model, NULL), TN_OK);
    }
}

static int set_up(void **state)
{
    *state = tn_context_new(NULL);
    return *state == NULL;
}

static int tear_down(void **state)
{
    tn_context_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ls_document),
        cmocka_unit_test(errors),
        cmocka_unit_test(name_twice),
        cmocka_unit_test(truncations),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
