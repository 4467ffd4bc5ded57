/* JSON parser against jansson: both accept and refuse the same texts and read the same values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>
#include <jansson.h>

#include "core/json.h"

static tn_context *ctx;

static int set_up(void **state)
{
    (void)state;
    ctx = tn_context_new(NULL);
    return ctx == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    tn_context_free(ctx);
    return 0;
}

/* Compares what the parser reads with one of jansson's values; recursion is fine over our own
 * texts. Objects must not have the same key twice. */
static void compare(tni_json *json, const tni_json_token *token, json_t *value);

static void compare_object(tni_json *json, json_t *object)
{
    tni_json_token token;
    size_t members = 0;
    for (;; members++) {
        assert_int_equal(tni_json_next(json, &token, NULL), TN_OK);
        if (token.type == TNI_JSON_OBJECT_END) {
            break;
        }
        assert_int_equal(token.type, TNI_JSON_KEY);
        json_t *member = json_object_getn(object, token.text.data, token.text.len);
        assert_non_null(member);
        assert_int_equal(tni_json_next(json, &token, NULL), TN_OK);
        compare(json, &token, member);
    }
    assert_int_equal(members, json_object_size(object));
}

static void compare_array(tni_json *json, json_t *array)
{
    tni_json_token token;
    for (size_t i = 0; i < json_array_size(array); i++) {
        assert_int_equal(tni_json_next(json, &token, NULL), TN_OK);
        compare(json, &token, json_array_get(array, i));
    }
    assert_int_equal(tni_json_next(json, &token, NULL), TN_OK);
    assert_int_equal(token.type, TNI_JSON_ARRAY_END);
}

static void compare_number(tn_str text, json_t *value)
{
    char copy[64];
    assert_true(text.len < sizeof copy);
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    int64_t integer;
    if (json_is_integer(value)) {
        assert_true(tni_json_i64(text, &integer));
        assert_true(integer == json_integer_value(value));
    } else {
        assert_false(tni_json_i64(text, &integer));
        assert_true(strtod(copy, NULL) == json_real_value(value));
    }
}

static void compare(tni_json *json, const tni_json_token *token, json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        assert_int_equal(token->type, TNI_JSON_OBJECT);
        compare_object(json, value);
        break;
    case JSON_ARRAY:
        assert_int_equal(token->type, TNI_JSON_ARRAY);
        compare_array(json, value);
        break;
    case JSON_STRING:
        assert_int_equal(token->type, TNI_JSON_STRING);
        assert_int_equal(token->text.len, json_string_length(value));
        assert_memory_equal(token->text.data, json_string_value(value), token->text.len);
        break;
    case JSON_INTEGER:
    case JSON_REAL:
        assert_int_equal(token->type, TNI_JSON_NUMBER);
        compare_number(token->text, value);
        break;
    case JSON_TRUE:
        assert_int_equal(token->type, TNI_JSON_TRUE);
        break;
    case JSON_FALSE:
        assert_int_equal(token->type, TNI_JSON_FALSE);
        break;
    case JSON_NULL:
    default:
        assert_int_equal(token->type, TNI_JSON_NULL);
    }
}

/* Reads all tokens; returns the first failure. */
static tn_status drain(tn_str text, bool lenient, tn_error *err)
{
    tni_json json;
    tni_json_token token;
    tni_json_init(&json, ctx, text, "x.json", 0, 0);
    json.lenient_numbers = lenient;
    tn_status status;
    do {
        status = tni_json_next(&json, &token, err);
    } while (status == TN_OK && token.type != TNI_JSON_END);
    tni_json_clear(&json);
    return status;
}

static json_t *load_with_jansson(tn_str text)
{
    return json_loadb(text.data, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
}

/* The text lies in a block of just its size, so that the sanitizer sees any step outside. */
static void check_like_jansson(tn_str given)
{
    char *exact = malloc(given.len == 0 ? 1 : given.len);
    assert_non_null(exact);
    memcpy(exact, given.data, given.len);
    const tn_str text = {exact, given.len};
    json_t *value = load_with_jansson(text);
    tn_error err = {0};
    tn_status status = drain(text, false, &err);
    if ((status == TN_OK) != (value != NULL)) {
        fail_msg("jansson %s, tenon says \"%s\": %.*s", value ? "accepts" : "refuses", err.message,
                 (int)text.len, text.data);
    }
    if (value != NULL) {
        tni_json json;
        tni_json_token token;
        tni_json_init(&json, ctx, text, NULL, 0, 0);
        assert_int_equal(tni_json_next(&json, &token, NULL), TN_OK);
        compare(&json, &token, value);
        tni_json_clear(&json);
        json_decref(value);
    } else {
        assert_int_equal(err.code, TN_E_CORRUPT);
        assert_true(err.has_offset);
        assert_true(err.offset <= text.len);
    }
    free(exact);
}

static const char *const samples[] = {
    "{\"__metadata__\":{\"format\":\"pt\"},\"a.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],"
    "\"data_offsets\":[0,24]}}",
    " [ 1 , -2.5e-3 , 0 , -0 , 1E+2, true , false , null , \"\" ] \n\t\r ",
    "\"a\\u0041\\n\\\"\\\\\\/\\b\\f\\r\\t\\u0000\\ud83d\\ude42\\u20AC\"",
    "\"gr\xC3\xB6\xC3\x9F"
    "e \xE6\x97\xA5 \xF0\x9F\x99\x82 and more than eight plain bytes\"",
    "[[[[{}],[]]],{\"a\":{\"b\":[{\"c\":null}]}}]",
    "-9223372036854775808",
    "9223372036854775807",
    "{\"\":0,\"k\\u0065y\":[1,2,3],\"xyz\":{}}",
    "\"",
    "[1,]",
    "{\"a\":1,}",
    "{,}",
    "{\"a\" 1}",
    "{\"a\"}",
    "{a:1}",
    "[1 2]",
    "[01]",
    "[1.]",
    "[.5]",
    "[+1]",
    "[1e]",
    "[-]",
    "[NaN]",
    "[Infinity]",
    "[-Infinity]",
    "nul",
    "truefalse",
    "1 2",
    "[",
    "]",
    "}",
    "{\"a\":",
    "[}",
    "{]",
    "\"\\x41\"",
    "\"\\u12g4\"",
    "\"\\u123",
    "\"\\ud800\"",
    "\"\\ud800x\"",
    "\"\\ud800\\u0041\"",
    "\"\\udc00\\ud800\"",
    "\"a\x01\"",
    "\"12345678\x1F\"",
    "\"tab\there\"",
    "\"\x7F\"",
    "\"\xC0\x80\"",
    "\"\xED\xA0\x80\"",
    "\"\xF4\x90\x80\x80\"",
    "\"\xFF\"",
    "\"\xE2\x82\"",
    "\"\xE2\x82",
    "\xEF\xBB\xBF[]",
    "/* comment */ 1",
    "'a'",
    "",
    "   ",
};

enum { SAMPLES = sizeof samples / sizeof samples[0] };

static void test_samples(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        check_like_jansson(tn_str_of(samples[i]));
    }
    check_like_jansson((tn_str){"\"a\0b\"", 5});
    check_like_jansson((tn_str){"[1]\0", 4});
}

/* Every beginning of every sample, and each with one byte replaced or removed. */
static void test_broken_samples(void **state)
{
    (void)state;
    static const char bytes[] = "\"\\{}[],:0-.e1u\x01\x80\xC3\xED\xF0 tn";
    for (size_t i = 0; i < SAMPLES; i++) {
        size_t len = strlen(samples[i]);
        if (strstr(samples[i], "922337") != NULL) {
            continue; /* jansson refuses larger integers */
        }
        for (size_t at = 0; at < len; at++) {
            char text[256];
            assert_true(len < sizeof text);
            check_like_jansson((tn_str){samples[i], at});
            for (size_t k = 0; k < sizeof bytes - 1; k++) {
                memcpy(text, samples[i], len);
                text[at] = bytes[k];
                check_like_jansson((tn_str){text, len});
            }
            memcpy(text, samples[i], at);
            memcpy(text + at, samples[i] + at + 1, len - at - 1);
            check_like_jansson((tn_str){text, len - 1});
        }
    }
}

static void test_offsets(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t offset;
    } rows[] = {
        {"", 0},
        {"[1,]", 3},
        {"{\"a\":1,}", 7},
        {"[1 2]", 3},
        {"[01]", 2},
        {"[-x]", 2},
        {"\"abc", 4},
        {"\"ab\x01\"", 3},
        {"\"a long string \xFF\"", 15},
        {"[\"ok\\n\", \"a\\q\"]", 11},
        {"\"x\\ud800\"", 2},
        {"{} x", 3},
        {"{\"a\";1}", 4},
        {"[tru]", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tn_error err = {0};
        assert_int_equal(drain(tn_str_of(rows[i].text), false, &err), TN_CORRUPT);
        assert_true(err.has_offset);
        assert_int_equal(err.offset, rows[i].offset);
        assert_string_equal(err.path, "x.json");
    }
}

static void test_base_and_token_offsets(void **state)
{
    (void)state;
    const tn_str text = TN_LIT(" {\"a\" : [ 12, {} ] }!");
    static const size_t offsets[] = {1, 2, 8, 10, 14, 15, 17, 19};
    tni_json json;
    tni_json_token token;
    tn_error err = {0};
    tni_json_init(&json, ctx, text, "p", 1000, 0);
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        assert_int_equal(tni_json_next(&json, &token, &err), TN_OK);
        assert_int_equal(token.offset, offsets[i]);
    }
    assert_int_equal(tni_json_next(&json, &token, &err), TN_CORRUPT);
    assert_int_equal(err.offset, 1020);
    tni_json_clear(&json);
}

static void test_lenient_numbers(void **state)
{
    (void)state;
    assert_int_equal(drain(TN_LIT("[NaN,Infinity,-Infinity]"), true, NULL), TN_OK);
    assert_int_equal(drain(TN_LIT("[-NaN]"), true, NULL), TN_CORRUPT);
    assert_int_equal(drain(TN_LIT("[Inf]"), true, NULL), TN_CORRUPT);
    assert_int_equal(drain(TN_LIT("[nan]"), true, NULL), TN_CORRUPT);
}

static void test_depth(void **state)
{
    (void)state;
    enum { DEEP = 1000000 };
    char *text = malloc(DEEP);
    assert_non_null(text);
    memset(text, '[', DEEP / 2);
    memset(text + DEEP / 2, ']', DEEP / 2);
    for (unsigned limit = DEEP / 2 - 1; limit <= DEEP / 2; limit++) {
        tni_json json;
        tni_json_token token;
        tn_error err = {0};
        tni_json_init(&json, ctx, (tn_str){text, DEEP}, NULL, 0, limit);
        tn_status status = tni_json_next(&json, &token, &err);
        if (status == TN_OK) {
            status = tni_json_skip(&json, &token, &err);
        }
        assert_int_equal(status, limit == DEEP / 2 ? TN_OK : TN_LIMIT);
        tni_json_clear(&json);
    }
    tn_error err = {0};
    assert_int_equal(drain((tn_str){text, DEEP}, false, &err), TN_LIMIT);
    assert_int_equal(err.offset, 100);
    free(text);
}

static void test_expect_and_skip(void **state)
{
    (void)state;
    const tn_str text = TN_LIT("{\"skip\":{\"a\":[1,{\"b\":\"\\n\"}],\"c\":2},\"n\":3}");
    tni_json json;
    tni_json_token token;
    tn_error err = {0};
    tni_json_init(&json, ctx, text, NULL, 0, 0);
    assert_int_equal(tni_json_expect(&json, TNI_JSON_OBJECT, "an object", &token, &err), TN_OK);
    assert_int_equal(tni_json_expect(&json, TNI_JSON_KEY, "a key", &token, &err), TN_OK);
    assert_int_equal(tni_json_next(&json, &token, &err), TN_OK);
    assert_int_equal(tni_json_skip(&json, &token, &err), TN_OK);
    assert_int_equal(tni_json_expect(&json, TNI_JSON_KEY, "a key", &token, &err), TN_OK);
    assert_true(tn_str_equal(token.text, TN_LIT("n")));
    assert_int_equal(tni_json_expect(&json, TNI_JSON_STRING, "a string", &token, &err), TN_CORRUPT);
    assert_string_equal(err.message, "a string is due here, but there is a number");
    assert_int_equal(err.offset, text.len - 2);
    tni_json_clear(&json);
}

static void test_integers(void **state)
{
    (void)state;
    uint64_t u = 7;
    int64_t i = 7;
    assert_false(tni_json_u64(TN_LIT("18446744073709551616"), &u));
    assert_false(tni_json_u64(TN_LIT("-1"), &u));
    assert_false(tni_json_u64(TN_LIT("1.0"), &u));
    assert_false(tni_json_u64(TN_LIT("1e2"), &u));
    assert_false(tni_json_i64(TN_LIT("9223372036854775808"), &i));
    assert_false(tni_json_i64(TN_LIT("-9223372036854775809"), &i));
    assert_int_equal(u, 7);
    assert_int_equal(i, 7);
    assert_true(tni_json_u64(TN_LIT("18446744073709551615"), &u));
    assert_true(u == UINT64_MAX);
    assert_true(tni_json_i64(TN_LIT("-9223372036854775808"), &i));
    assert_true(i == INT64_MIN);
    assert_true(tni_json_i64(TN_LIT("-0"), &i));
    assert_int_equal(i, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),         cmocka_unit_test(test_broken_samples),
        cmocka_unit_test(test_offsets),         cmocka_unit_test(test_base_and_token_offsets),
        cmocka_unit_test(test_lenient_numbers), cmocka_unit_test(test_depth),
        cmocka_unit_test(test_expect_and_skip), cmocka_unit_test(test_integers),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
