/* Reading single files: the fixtures against what the official library says, and every rule of the
 * format broken once. */
#include "st_file.h"
#include <jansson.h>
#include <tenon/values.h>

static tn_context *ctx;

static int set_up(void **state)
{
    (void)state;
    ctx = tn_context_new(NULL);
    return ctx == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    tn_context_free(ctx);
    return 0;
}

/* ---- files that are wrong */

typedef struct bad {
    const char *what, *header;
    size_t data;
    tn_code code;
    uint64_t offset;
    const char *subject;
} bad;

#define T(name, dtype, shape, begin, end)                                                        \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end \
    "]}"

static const bad bads[] = {
    /* JSON */
    {"no header", "", 0, TN_E_CORRUPT, 8, ""},
    {"an array", "[]", 0, TN_E_CORRUPT, 8, ""},
    {"cut", "{", 0, TN_E_CORRUPT, 9, ""},
    {"trailing text", "{} x", 0, TN_E_CORRUPT, 11, ""},
    {"a second object", "{}{}", 0, TN_E_CORRUPT, 10, ""},
    {"a comment", "{}//", 0, TN_E_CORRUPT, 10, ""},
    {"trailing comma", "{" T("a", "U8", "[1]", "0", "1") ",}", 1, TN_E_CORRUPT, 61, ""},
    {"single quotes", "{'a':1}", 0, TN_E_CORRUPT, 9, ""},
    {"a byte order mark", "\xef\xbb\xbf{}", 0, TN_E_CORRUPT, 8, ""},
    {"invalid UTF-8", "{\"a\xff\":1}", 0, TN_E_CORRUPT, 11, ""},
    {"an overlong form", "{\"a\xc0\xaf\":1}", 0, TN_E_CORRUPT, 11, ""},
    {"a raw control character", "{\"a\n\":1}", 0, TN_E_CORRUPT, 11, ""},
    {"a lone surrogate", "{\"\\ud800\":1}", 0, TN_E_CORRUPT, 10, ""},
    /* tensor objects */
    {"a number", "{\"a\":1}", 0, TN_E_CORRUPT, 13, "a"},
    {"an array form", "{\"a\":[\"U8\",[1],[0,1]]}", 1, TN_E_CORRUPT, 13, "a"},
    {"null", "{\"a\":null}", 0, TN_E_CORRUPT, 13, "a"},
    {"no dtype", "{\"a\":{\"shape\":[],\"data_offsets\":[0,1]}}", 1, TN_E_CORRUPT, 9, "a"},
    {"no shape", "{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1, TN_E_CORRUPT, 9, "a"},
    {"no offsets", "{\"a\":{\"dtype\":\"U8\",\"shape\":[]}}", 1, TN_E_CORRUPT, 9, "a"},
    {"an extra field", "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"x\":0,\"data_offsets\":[0,1]}}", 1,
     TN_E_CORRUPT, 39, "a"},
    {"a field twice",
     "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
     TN_E_CORRUPT, 27, "a"},
    {"a field twice by an escape", "{\"a\":{\"dtype\":\"U8\",\"d\\u0074ype\":\"U8\"}}", 1,
     TN_E_CORRUPT, 27, "a"},
    {"an unknown dtype", "{" T("a", "X9", "[1]", "0", "1") "}", 1, TN_E_UNSUPPORTED, 22, "a"},
    {"a dtype in small letters", "{" T("a", "u8", "[1]", "0", "1") "}", 1, TN_E_UNSUPPORTED, 22,
     "a"},
    {"a dtype that is a number", "{\"a\":{\"dtype\":8}}", 1, TN_E_CORRUPT, 22, "a"},
    {"a shape that is a number", "{" T("a", "U8", "1", "0", "1") "}", 1, TN_E_CORRUPT, 35, "a"},
    {"a float dimension", "{" T("a", "U8", "[1.0]", "0", "1") "}", 1, TN_E_CORRUPT, 36, "a"},
    {"an exponent", "{" T("a", "U8", "[1e0]", "0", "1") "}", 1, TN_E_CORRUPT, 36, "a"},
    {"a negative zero", "{" T("a", "U8", "[-0]", "0", "0") "}", 0, TN_E_CORRUPT, 36, "a"},
    {"a negative dimension", "{" T("a", "U8", "[-1]", "0", "1") "}", 1, TN_E_CORRUPT, 36, "a"},
    {"a leading zero", "{" T("a", "U8", "[01]", "0", "1") "}", 1, TN_E_CORRUPT, 37, "a"},
    {"a quoted dimension", "{" T("a", "U8", "[\"1\"]", "0", "1") "}", 1, TN_E_CORRUPT, 36, "a"},
    {"a dimension of 2^64", "{" T("a", "U8", "[18446744073709551616]", "0", "1") "}", 1,
     TN_E_CORRUPT, 36, "a"},
    {"one offset", "{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0]}}", 0, TN_E_CORRUPT,
     56, "a"},
    {"three offsets", "{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0,0]}}", 0,
     TN_E_CORRUPT, 59, "a"},
    {"a negative offset", "{" T("a", "U8", "[1]", "-1", "0") "}", 0, TN_E_CORRUPT, 55, "a"},
    /* names twice */
    {"a name twice", "{" T("a", "U8", "[1]", "0", "1") "," T("a", "U8", "[1]", "1", "2") "}", 2,
     TN_E_CORRUPT, 61, "a"},
    {"a name twice by an escape",
     "{" T("a", "U8", "[1]", "0", "1") "," T("\\u0061", "U8", "[1]", "1", "2") "}", 2, TN_E_CORRUPT,
     61, "a"},
    /* metadata */
    {"metadata null", "{\"__metadata__\":null}", 0, TN_E_CORRUPT, 24, "__metadata__"},
    {"metadata array", "{\"__metadata__\":[]}", 0, TN_E_CORRUPT, 24, "__metadata__"},
    {"a metadata number", "{\"__metadata__\":{\"a\":1}}", 0, TN_E_CORRUPT, 29, "__metadata__"},
    {"metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0, TN_E_CORRUPT, 27, ""},
    {"metadata twice by an escape", "{\"__metadata__\":{},\"\\u005f_metadata__\":{}}", 0,
     TN_E_CORRUPT, 27, ""},
    {"a metadata key twice", "{\"__metadata__\":{\"a\":\"\",\"\\u0061\":\"\"}}", 0, TN_E_CORRUPT,
     32, "a"},
    /* places */
    {"a hole at the start", "{" T("a", "U8", "[1]", "1", "2") "}", 2, TN_E_CORRUPT, 9, "a"},
    {"a hole", "{" T("a", "U8", "[1]", "0", "1") "," T("b", "U8", "[1]", "2", "3") "}", 3,
     TN_E_CORRUPT, 61, "b"},
    {"a hole, entries out of order",
     "{" T("b", "U8", "[1]", "2", "3") "," T("a", "U8", "[1]", "0", "1") "}", 3, TN_E_CORRUPT, 9,
     "b"},
    {"an overlap", "{" T("a", "U8", "[2]", "0", "2") "," T("b", "U8", "[1]", "1", "2") "}", 2,
     TN_E_CORRUPT, 61, "b"},
    {"the same place twice",
     "{" T("a", "U8", "[1]", "0", "1") "," T("b", "U8", "[1]", "0", "1") "}", 1, TN_E_CORRUPT, 61,
     "b"},
    {"an end before its begin", "{" T("a", "U8", "[1]", "1", "0") "}", 1, TN_E_CORRUPT, 9, "a"},
    {"an empty tensor inside another",
     "{" T("a", "U8", "[2]", "0", "2") "," T("b", "U8", "[0]", "1", "1") "}", 2, TN_E_CORRUPT, 61,
     "b"},
    {"too few bytes", "{" T("a", "F32", "[1]", "0", "3") "}", 3, TN_E_CORRUPT, 9, "a"},
    {"too many bytes", "{" T("a", "F32", "[1]", "0", "5") "}", 5, TN_E_CORRUPT, 9, "a"},
    {"half bytes", "{" T("a", "F4", "[3]", "0", "2") "}", 2, TN_E_CORRUPT, 9, "a"},
    {"three six-bit elements", "{" T("a", "F6_E2M3", "[3]", "0", "3") "}", 3, TN_E_CORRUPT, 9, "a"},
    {"trailing bytes", "{" T("a", "U8", "[1]", "0", "1") "}", 3, TN_E_CORRUPT, 62, ""},
    {"data without a tensor", "{}", 1, TN_E_CORRUPT, 10, ""},
    {"an empty tensor before hidden data", "{" T("a", "U8", "[0]", "0", "0") "}", 4, TN_E_CORRUPT,
     61, ""},
    {"cut data", "{" T("a", "U8", "[4]", "0", "4") "}", 3, TN_E_TRUNCATED, 64, "a"},
    {"cut data of the second",
     "{" T("a", "U8", "[1]", "0", "1") "," T("b", "U8", "[4]", "1", "5") "}", 3, TN_E_TRUNCATED,
     116, "b"},
    /* overflow, with and without a zero */
    {"a product of 2^64", "{" T("a", "U8", "[4294967296,4294967296]", "0", "0") "}", 0,
     TN_E_CORRUPT, 9, "a"},
    {"a product of 2^64 and a zero", "{" T("a", "U8", "[9223372036854775807,4,0]", "0", "0") "}", 0,
     TN_E_CORRUPT, 9, "a"},
    {"a zero and a product of 2^64", "{" T("a", "U8", "[0,9223372036854775807,4]", "0", "0") "}", 0,
     TN_E_CORRUPT, 9, "a"},
    {"a dimension of 2^63", "{" T("a", "U8", "[0,9223372036854775808]", "0", "0") "}", 0,
     TN_E_CORRUPT, 38, "a"},
    {"bits beyond 2^64", "{" T("a", "F64", "[2305843009213693952]", "0", "0") "}", 0, TN_E_CORRUPT,
     9, "a"},
    {"an end of 2^64-1",
     "{" T("a", "U8", "[18446744073709551615]", "0", "18446744073709551615") "}", 0, TN_E_CORRUPT,
     36, "a"},
};

static void test_bad_headers(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof bads / sizeof bads[0]; i++) {
        const bad *row = &bads[i];
        st_bytes file = st_file(row->header, strlen(row->header), row->data);
        tn_model *model = NULL;
        tn_error err = {0};
        tn_status status = st_open(ctx, file.at, file.len, &model, &err);
        if (status == TN_OK || err.code != row->code || !err.has_offset ||
            err.offset != row->offset || strcmp(err.subject, row->subject) != 0 ||
            strcmp(err.path, "x.safetensors") != 0) {
            wrong++;
            print_error("%s: %s at %llu subject '%s' path '%s': %s\n", row->what,
                        tn_code_name(err.code), (unsigned long long)err.offset, err.subject,
                        err.path, err.message);
        }
        assert_null(model);
        free(file.at);
    }
    assert_int_equal(wrong, 0);
}

static void expect_prefix(const char *what, const void *bytes, size_t len, tn_code code,
                          uint64_t offset, const char *hint)
{
    tn_model *model;
    tn_error err = {0};
    if (st_open(ctx, bytes, len, &model, &err) == TN_OK || err.code != code ||
        err.offset != offset || strcmp(err.hint, hint) != 0) {
        fail_msg("%s: %s at %llu, hint '%s'", what, tn_code_name(err.code),
                 (unsigned long long)err.offset, err.hint);
    }
}

static void test_bad_prefixes(void **state)
{
    (void)state;
    const char *again = "download or copy the file again";
    expect_prefix("nothing", "", 0, TN_E_TRUNCATED, 0, again);
    expect_prefix("seven bytes", "\2\0\0\0\0\0\0", 7, TN_E_TRUNCATED, 7, again);
    expect_prefix("a cut header", "\3\0\0\0\0\0\0\0{}", 10, TN_E_TRUNCATED, 10, again);
    expect_prefix("100,000,001", "\1\xe1\xf5\5\0\0\0\0{}", 10, TN_E_CORRUPT, 0, "");
    expect_prefix("100,000,000", "\0\xe1\xf5\5\0\0\0\0{}", 10, TN_E_TRUNCATED, 10, again);
    expect_prefix("all ones", "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, TN_E_CORRUPT, 0, "");
    expect_prefix("a pointer", "version https://git-lfs", 23, TN_E_CORRUPT, 0, "git lfs pull");
}

/* ---- limits */

static void expect_limit(tn_limits limits, const char *header, size_t data)
{
    tn_context *small = tn_context_new(&(tn_context_options){.limits = &limits});
    st_bytes file = st_file(header, strlen(header), data);
    tn_model *model;
    tn_error err = {0};
    assert_int_equal(st_open(small, file.at, file.len, &model, &err), TN_LIMIT);
    assert_int_equal(err.code, TN_E_LIMIT);
    free(file.at);
    tn_context_free(small);
}

static void test_limits(void **state)
{
    (void)state;
    const char *two = "{" T("abc", "U8", "[1,1]", "0", "1") "," T("b", "U8", "[1]", "1", "2") "}";
    tn_limits limits = tn_limits_default();
    limits.tensors = 1;
    expect_limit(limits, two, 2);
    limits = tn_limits_default();
    limits.rank = 1;
    expect_limit(limits, two, 2);
    limits = tn_limits_default();
    limits.name_bytes = 2;
    expect_limit(limits, two, 2);
    limits = tn_limits_default();
    limits.header_bytes = 16;
    expect_limit(limits, two, 2);
}

/* ---- files that are odd, but right */

static tn_model *open_good(const char *header, size_t data, st_bytes *file)
{
    tn_model *model = NULL;
    tn_error err = {0};
    *file = st_file(header, strlen(header), data);
    if (st_open(ctx, file->at, file->len, &model, &err) != TN_OK) {
        fail_msg("%s: %s", header, err.message);
    }
    return model;
}

static void test_odd_headers(void **state)
{
    (void)state;
    st_bytes file;
    tn_model *model =
        open_good(" \t\r\n{" T("b", "U8", "[1]", "4", "5") "," T(
                      "z", "F32", "[0,7]", "4", "4") "," T("a", "F32", "[]", "0", "4") "}\n",
                  5, &file);
    assert_int_equal(tn_model_count(model), 3);
    assert_int_equal(st_findings(model, "leading-space"), 1);
    assert_string_equal(tn_model_layout(model), "single");
    const tn_tensor *a = tn_model_at(model, 0);
    assert_string_equal(a->alias[TN_SCHEME_NAME].data, "a");
    assert_string_equal(a->alias[TN_SCHEME_KEY].data, "a");
    assert_int_equal(a->rank, 0);
    assert_int_equal(a->elements, 1);
    tn_stored stored;
    tn_tensor_stored(a, 0, &stored);
    assert_int_equal(stored.offset, file.len - 5);
    assert_int_equal(stored.bytes, 4);
    assert_string_equal(stored.encoding, "raw");
    tn_model_free(model);
    free(file.at);

    model = open_good("{" T("a", "U8", "[281474976710656,0]", "0", "0") "}", 0, &file);
    assert_int_equal(st_findings(model, "shape-large"), 1);
    tn_model_free(model);
    free(file.at);

    model = open_good("{" T("a", "U8", "[281474976710655,0]", "0", "0") "}", 0, &file);
    assert_int_equal(tn_report_count(tn_model_findings(model)), 0);
    tn_model_free(model);
    free(file.at);

    model = open_good("{" T("../../etc/passwd", "BOOL", "[2]", "0", "2") "}", 2, &file);
    assert_string_equal(tn_model_at(model, 0)->alias[TN_SCHEME_NAME].data, "../../etc/passwd");
    tn_model_free(model);
    free(file.at);
}

/* ---- the fixtures */

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void check_values(const tn_tensor *tensor, const char *hex)
{
    tn_reader *reader;
    tn_error err = {0};
    size_t len = strlen(hex) / 2;
    assert_int_equal(tensor->bytes, len);
    uint8_t *bytes = malloc(len + 1);
    assert_int_equal(tn_reader_new(ctx, true, &reader, &err), TN_OK);
    assert_int_equal(tn_reader_start(reader, tensor, &err), TN_OK);
    assert_int_equal(tn_reader_next(reader, tensor->elements, bytes, &err), TN_OK);
    assert_int_equal(tn_reader_end(reader, &err), TN_OK);
    for (size_t i = 0; i < len; i++) {
        char byte[3];
        snprintf(byte, sizeof byte, "%02x", bytes[i]);
        assert_memory_equal(byte, hex + 2 * i, 2);
    }
    tn_reader_free(reader);
    free(bytes);
}

static void check_tensor(const tn_model *model, const json_t *expected)
{
    const json_t *key = json_object_get(expected, "key"), *shape;
    tn_str name = {json_string_value(key), json_string_length(key)};
    uint32_t index = tn_model_find(model, TN_SCHEME_NAME, name);
    assert_int_not_equal(index, TN_NO_INDEX);
    assert_int_equal(tn_model_find(model, TN_SCHEME_KEY, name), index);
    const tn_tensor *tensor = tn_model_at(model, index);
    assert_string_equal(tn_dtype_about(tensor->dtype)->name, text_of(expected, "dtype"));
    shape = json_object_get(expected, "shape");
    assert_int_equal(tensor->rank, json_array_size(shape));
    for (size_t i = 0; i < tensor->rank; i++) {
        assert_int_equal(tensor->shape[i], json_integer_value(json_array_get(shape, i)));
    }
    check_values(tensor, text_of(expected, "hex"));
}

static void check_fixture(const char *fixture)
{
    char path[512];
    snprintf(path, sizeof path, TN_FIXTURES "/safetensors/%s/expected.json", fixture);
    json_t *expected = json_load_file(path, JSON_ALLOW_NUL, NULL);
    assert_non_null(expected);
    snprintf(path, sizeof path, TN_FIXTURES "/safetensors/%s/%s", fixture,
             text_of(expected, "path"));
    tn_model *model;
    tn_error err = {0};
    if (tni_open_with(ctx, &tn_format_safetensors, path, &model, &err) != TN_OK) {
        fail_msg("%s: %s", path, err.message);
    }
    assert_string_equal(tn_model_layout(model), text_of(expected, "layout"));
    json_t *tensors = json_object_get(expected, "tensors"), *metadata, *value;
    assert_int_equal(tn_model_count(model), json_array_size(tensors));
    for (size_t i = 0; i < json_array_size(tensors); i++) {
        check_tensor(model, json_array_get(tensors, i));
    }
    const tn_pair *pairs;
    metadata = json_object_get(expected, "metadata");
    assert_int_equal(tn_model_metadata(model, &pairs), json_object_size(metadata));
    for (size_t i = 0; i < json_object_size(metadata); i++) {
        value = json_object_get(metadata, pairs[i].key.data);
        assert_string_equal(pairs[i].value.data, json_string_value(value));
    }
    tn_model_free(model);
    json_decref(expected);
}

static void test_fixtures(void **state)
{
    (void)state;
    static const char *const fixtures[] = {
        "good-dtypes",   "good-empty-file", "good-escaped-names",   "good-leading-space",
        "good-metadata", "good-names",      "good-packed-floats",   "good-padded-header",
        "good-shapes",   "good-sharded",    "good-unaligned-header"};
    for (size_t i = 0; i < sizeof fixtures / sizeof fixtures[0]; i++) {
        check_fixture(fixtures[i]);
    }
}

/* ---- probing */

static tni_grade grade(const char *name, const void *head, size_t len)
{
    tni_probe probe = {.name = tn_str_of(name),
                       .head = head,
                       .head_len = len,
                       .tail = head,
                       .tail_len = len,
                       .size = len};
    return tn_format_safetensors.probe(&probe);
}

static void test_probe(void **state)
{
    (void)state;
    const char *index = "{\"weight_map\":{\"a\":\"x.safetensors\"}}";
    assert_int_equal(grade("x", "\2\0\0\0\0\0\0\0{}", 10), TNI_GRADE_CERTAIN);
    assert_int_equal(grade("x", "\3\0\0\0\0\0\0\0 {}", 11), TNI_GRADE_CERTAIN);
    assert_int_equal(grade("x", "\3\0\0\0\0\0\0\0{}", 10), TNI_GRADE_LIKELY);
    assert_int_equal(grade("x", "\2\0\0\0\0\0\0\0[]", 10), TNI_GRADE_NO);
    assert_int_equal(grade("x.safetensors", "\2\0\0\0\0\0\0\0[]", 10), TNI_GRADE_NAME);
    assert_int_equal(grade("x.safetensors", "", 0), TNI_GRADE_NAME);
    assert_int_equal(grade("x", "", 0), TNI_GRADE_NO);
    assert_int_equal(grade("x.safetensors", "<!DOCTYPE html>", 15), TNI_GRADE_NO);
    assert_int_equal(grade("x.safetensors.index.json", index, strlen(index)), TNI_GRADE_CERTAIN);
    assert_int_equal(grade("x.json", index, strlen(index)), TNI_GRADE_LIKELY);
    assert_int_equal(grade("x.json", "{\"a\":[1]}", 9), TNI_GRADE_NO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_headers), cmocka_unit_test(test_bad_prefixes),
        cmocka_unit_test(test_limits),      cmocka_unit_test(test_odd_headers),
        cmocka_unit_test(test_fixtures),    cmocka_unit_test(test_probe),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
