/* Dtypes: names, sizes, overflow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <tenon/dtype.h>

static void test_names_are_unique_and_found(void **state)
{
    (void)state;
    for (int i = TN_DTYPE_NONE + 1; i < TN_DTYPE_COUNT; i++) {
        const tn_dtype_info *about = tn_dtype_about((tn_dtype)i);
        assert_int_equal(tn_dtype_find(tn_str_of(about->name)), i);
        assert_int_equal(tn_dtype_find(tn_str_of(about->short_name)), i);
    }
}

static void test_unknown(void **state)
{
    (void)state;
    assert_int_equal(tn_dtype_find(TN_LIT("?")), TN_DTYPE_NONE);
    assert_int_equal(tn_dtype_find(TN_LIT("")), TN_DTYPE_NONE);
    assert_int_equal(tn_dtype_find(TN_LIT("float3")), TN_DTYPE_NONE);
    assert_int_equal(tn_dtype_find((tn_str){"float32\0", 8}), TN_DTYPE_NONE);
    assert_string_equal(tn_dtype_about(TN_DTYPE_NONE)->name, "?");
    assert_string_equal(tn_dtype_about((tn_dtype)9999)->name, "?");
}

/* The words of cli.md and the sizes that NumPy and ml_dtypes give them. */
static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t bytes;
    } rows[] = {{"bool", 1}, {"i8", 1},        {"uint16", 2},      {"f16", 2},
                {"bf16", 2}, {"float32", 4},   {"f64", 8},         {"f8_e4m3fn", 1},
                {"i4", 1},   {"complex64", 8}, {"complex128", 16}, {"qint32", 4}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t bytes = 0;
        assert_true(tn_dtype_bytes(tn_dtype_find(tn_str_of(rows[i].name)), 10, &bytes));
        assert_int_equal(bytes, rows[i].bytes * 10);
    }
}

static void test_bytes_refuses(void **state)
{
    (void)state;
    uint64_t bytes = 7;
    assert_false(tn_dtype_bytes(TN_STRING, 1, &bytes));
    assert_false(tn_dtype_bytes(TN_DTYPE_NONE, 1, &bytes));
    assert_false(tn_dtype_bytes(TN_FLOAT64, UINT64_MAX / 8 + 1, &bytes));
    assert_false(tn_dtype_bytes(TN_FLOAT4_E2M1FN, 3, &bytes));
    assert_false(tn_dtype_bytes(TN_FLOAT6_E2M3FN, UINT64_MAX / 4, &bytes));
    assert_int_equal(bytes, 7);
    assert_true(tn_dtype_bytes(TN_FLOAT4_E2M1FN, 4, &bytes));
    assert_int_equal(bytes, 2);
    assert_true(tn_dtype_bytes(TN_FLOAT6_E3M2FN, 4, &bytes));
    assert_int_equal(bytes, 3);
    assert_true(tn_dtype_bytes(TN_FLOAT64, 0, &bytes));
    assert_int_equal(bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_unique_and_found),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_bytes_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
