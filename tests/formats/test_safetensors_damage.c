/* Damage: a file cut at every byte, every bit of it turned, every allocation failing once. */
#include "st_file.h"

static const char header[] =
    "{\"__metadata__\":{\"format\":\"pt\"},"
    "\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
    "\"b\\u00e4\":{\"dtype\":\"I16\",\"shape\":[5],\"data_offsets\":[24,34]},"
    "\"c\":{\"dtype\":\"F4\",\"shape\":[2,2],\"data_offsets\":[34,36]},"
    "\"d\":{\"dtype\":\"BOOL\",\"shape\":[],\"data_offsets\":[36,37]}}   ";

enum { DATA = 37, TENSORS = 4 };

static const struct {
    tn_dtype dtype;
    uint64_t begin, bytes;
    int64_t elements;
} forms[TENSORS] = {{TN_FLOAT32, 0, 24, 6},
                    {TN_INT16, 24, 10, 5},
                    {TN_FLOAT4_E2M1FN, 34, 2, 4},
                    {TN_BOOL, 36, 1, 1}};

static void test_cut(void **state)
{
    (void)state;
    tn_context *ctx = tn_context_new(NULL);
    st_bytes file = st_file(header, sizeof header - 1, DATA);
    for (size_t len = 0; len < file.len; len++) {
        uint8_t *cut = malloc(len + 1); /* of its own, so that a sanitizer sees every byte beyond */
        memcpy(cut, file.at, len);
        tn_model *model;
        tn_error err = {0};
        assert_int_equal(st_open(ctx, cut, len, &model, &err), TN_CORRUPT);
        assert_int_equal(err.code, TN_E_TRUNCATED);
        assert_int_equal(err.offset, len);
        free(cut);
    }
    free(file.at);
    tn_context_free(ctx);
}

/* Names and metadata carry no redundancy; everything else must come out as it went in, or not at
 * all. */
static void check_forms(const tn_model *model, size_t data)
{
    bool seen[TENSORS] = {false};
    assert_int_equal(tn_model_count(model), TENSORS);
    for (size_t i = 0; i < TENSORS; i++) {
        const tn_tensor *tensor = tn_model_at(model, i);
        tn_stored stored;
        tn_tensor_stored(tensor, 0, &stored);
        size_t which = 0;
        while (which < TENSORS && forms[which].begin + data != stored.offset) {
            which++;
        }
        assert_true(which < TENSORS && !seen[which]);
        seen[which] = true;
        assert_int_equal(tensor->dtype, forms[which].dtype);
        assert_int_equal(tensor->elements, forms[which].elements);
        assert_int_equal(tensor->bytes, forms[which].bytes);
        assert_int_equal(stored.bytes, forms[which].bytes);
    }
}

static void test_bits(void **state)
{
    (void)state;
    tn_context *ctx = tn_context_new(NULL);
    st_bytes file = st_file(header, sizeof header - 1, DATA);
    size_t head = file.len - DATA, opened = 0;
    for (size_t bit = 0; bit < head * 8; bit++) {
        file.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
        tn_model *model;
        tn_error err = {0};
        if (st_open(ctx, file.at, file.len, &model, &err) == TN_OK) {
            check_forms(model, head);
            tn_model_free(model);
            opened++;
        } else {
            assert_int_not_equal(err.code, TN_E_NONE);
            assert_true(err.message[0] != '\0');
        }
        file.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(opened > 0 && opened < 200); /* names, metadata, white space */
    free(file.at);
    tn_context_free(ctx);
}

static void test_allocations(void **state)
{
    (void)state;
    st_bytes file = st_file(header, sizeof header - 1, DATA);
    st_failing failing = {0, 0};
    tn_allocator allocator = {st_failing_resize, st_failing_release, &failing};
    tn_context *ctx = tn_context_new(&(tn_context_options){.allocator = &allocator});
    tn_status status = TN_NOMEM;
    unsigned long rounds = 0;
    while (status != TN_OK) {
        tn_model *model;
        tn_error err = {0};
        failing.calls = 0;
        failing.at = ++rounds;
        status = st_open(ctx, file.at, file.len, &model, &err);
        assert_true(status == TN_OK || err.code == TN_E_NOMEM);
        if (status == TN_OK) {
            tn_model_free(model);
        }
    }
    assert_true(rounds > 5);
    failing.at = 0;
    tn_context_free(ctx);
    free(file.at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
