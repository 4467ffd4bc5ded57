/* Comparison: values of every kind, pairing by each scheme, flags on either side. */
#include "converters/conv.h"
#include <math.h>

/* Compares two models of one tensor "t"; gives the finding's values. */
static tn_value_difference differ(conv *c, const char *dtype, const char *other_dtype, size_t count,
                                  const void *a, size_t a_bytes, const void *b, size_t b_bytes,
                                  const tn_diff_options *options)
{
    static const tn_diff_options none;
    char shape[32];
    snprintf(shape, sizeof(shape), "%zu", count);
    conv_tensor x = {"t", dtype, shape, a, a_bytes}, y = {"t", other_dtype, shape, b, b_bytes};
    tn_model *left = conv_open(c->ctx, conv_safetensors(c, "a.safetensors", &x, 1));
    tn_model *right = conv_open(c->ctx, conv_safetensors(c, "b.safetensors", &y, 1));
    tn_report *report = tn_report_new(c->ctx);
    tn_differences d;
    tn_error err = {0};
    tn_value_difference values = {.has = false};
    conv_ok(tn_diff(left, right, options == NULL ? &none : options, report, &d, &err), &err);
    assert_int_equal(d.equal + d.different, 1);
    assert_int_equal(tn_report_count(report), d.different);
    if (d.different == 1) {
        const tn_finding *finding = tn_report_at(report, 0);
        values = finding->values;
        assert_true(values.has || strcmp(finding->code, "dtype") == 0);
        assert_true(finding->expected.has && finding->found.has);
        if (!values.has) {
            values.differ = UINT64_MAX; /* another dtype */
        }
    }
    tn_report_free(report);
    tn_model_free(left);
    tn_model_free(right);
    return values;
}

static uint64_t floats(conv *c, size_t n, const float *a, const float *b,
                       const tn_diff_options *options)
{
    return differ(c, "F32", "F32", n, a, 4 * n, b, 4 * n, options).differ;
}

static float bits(uint32_t word)
{
    float value;
    memcpy(&value, &word, sizeof(value));
    return value;
}

static void compares_bits(void **state)
{
    conv *c = *state;
    const float a[] = {0.0f, bits(0x7FC00001u), 1.0f, INFINITY, bits(0x7FC00001u)};
    const float b[] = {-0.0f, bits(0x7FC00002u), 1.0f, INFINITY, bits(0x7FC00001u)};
    assert_int_equal(floats(c, 5, a, a, NULL), 0);
    assert_int_equal(floats(c, 5, a, b, NULL), 2);
    tn_value_difference d = differ(c, "F32", "F32", 1, a, 4, b, 4, NULL);
    assert_int_equal(d.max_ulp, 0);
    assert_true(d.max_abs == 0.0);
    /* With a tolerance of nothing, zeros are equal and a NaN is a NaN. */
    tn_diff_options strict = {.tolerant = true};
    assert_int_equal(floats(c, 5, a, b, &strict), 0);
}

static void compares_within_tolerance(void **state)
{
    conv *c = *state;
    const float a[] = {1.0f, 100.0f, -3.0f}, b[] = {1.25f, 101.0f, -3.0f};
    assert_int_equal(floats(c, 3, a, b, NULL), 2);
    assert_int_equal(floats(c, 3, a, b, &(tn_diff_options){.tolerant = true, .atol = 0.25}), 1);
    assert_int_equal(floats(c, 3, a, b, &(tn_diff_options){.tolerant = true, .atol = 1.0}), 0);
    /* |a - b| <= rtol * |b|: 0.25 / 1.25 is 0.2. */
    assert_int_equal(floats(c, 3, a, b, &(tn_diff_options){.tolerant = true, .rtol = 0.2001}), 0);
    assert_int_equal(floats(c, 3, a, b, &(tn_diff_options){.tolerant = true, .rtol = 0.1999}), 1);
    assert_int_equal(floats(c, 3, b, a, &(tn_diff_options){.tolerant = true, .rtol = 0.2001}), 1);
    tn_value_difference d = differ(c, "F32", "F32", 3, a, 12, b, 12, NULL);
    assert_true(d.max_abs == 1.0);
    assert_true(fabs(d.max_rel - 0.2) < 1e-9);
}

static void infinities_are_far(void **state)
{
    conv *c = *state;
    const float a[] = {1.0f, -INFINITY, INFINITY, INFINITY, NAN};
    const float b[] = {INFINITY, INFINITY, 1.0f, INFINITY, 1.0f};
    tn_diff_options wide = {.tolerant = true, .rtol = 1.0, .atol = 1e30};
    assert_int_equal(floats(c, 5, a, b, &wide), 4);
    assert_int_equal(floats(c, 5, b, a, &wide), 4);
}

static void counts_ulps(void **state)
{
    conv *c = *state;
    const float a[] = {1.0f, -1.0f, bits(1), 2.0f};
    const float b[] = {bits(0x3F800001u), bits(0xBF800003u), bits(0x80000001u), 2.0f};
    tn_value_difference d = differ(c, "F32", "F32", 4, a, 16, b, 16, NULL);
    assert_int_equal(d.differ, 3);
    assert_int_equal(d.max_ulp, 3);
    assert_int_equal(floats(c, 4, a, b, &(tn_diff_options){.tolerant = true, .ulp = 1}), 2);
    assert_int_equal(floats(c, 4, a, b, &(tn_diff_options){.tolerant = true, .ulp = 2}), 1);
    assert_int_equal(floats(c, 4, a, b, &(tn_diff_options){.tolerant = true, .ulp = 3}), 0);
    const float nan[] = {NAN}, one[] = {1.0f};
    d = differ(c, "F32", "F32", 1, nan, 4, one, 4, NULL);
    assert_true(d.max_ulp == UINT64_MAX);
    assert_int_equal(
        floats(c, 1, nan, one, &(tn_diff_options){.tolerant = true, .ulp = UINT64_MAX - 1}), 1);
    /* bfloat16, float64, and the exponents without a sign. */
    const uint16_t x[] = {0x3F80}, y[] = {0x3F82};
    assert_int_equal(differ(c, "BF16", "BF16", 1, x, 2, y, 2, NULL).max_ulp, 2);
    const double p[] = {-0.0}, q[] = {5e-324};
    assert_int_equal(differ(c, "F64", "F64", 1, p, 8, q, 8, NULL).max_ulp, 1);
    const uint8_t e[] = {0x7F}, f[] = {0x80};
    assert_int_equal(differ(c, "F8_E8M0", "F8_E8M0", 1, e, 1, f, 1, NULL).max_ulp, 1);
}

/* Beyond 2^53 a double does not tell neighbours apart. */
static void compares_large_integers(void **state)
{
    conv *c = *state;
    const int64_t a[] = {INT64_C(9007199254740992), INT64_MIN, -5},
                  b[] = {INT64_C(9007199254740993), INT64_MAX, -5};
    tn_diff_options strict = {.tolerant = true}, one = {.tolerant = true, .atol = 1};
    tn_value_difference d = differ(c, "I64", "I64", 3, a, 24, b, 24, NULL);
    assert_int_equal(d.differ, 2);
    assert_true(d.max_abs == 18446744073709551615.0);
    assert_int_equal(differ(c, "I64", "I64", 3, a, 24, b, 24, &strict).differ, 2);
    assert_int_equal(differ(c, "I64", "I64", 3, a, 24, b, 24, &one).differ, 1);
    d = differ(c, "I64", "I64", 1, a, 8, b, 8, NULL);
    assert_true(d.max_abs == 1.0);
    const uint64_t x[] = {UINT64_MAX}, y[] = {UINT64_MAX - 1};
    assert_int_equal(differ(c, "U64", "U64", 1, x, 8, y, 8, &strict).differ, 1);
    assert_int_equal(differ(c, "U64", "U64", 1, x, 8, y, 8, &one).differ, 0);
}

static void compares_complex_and_bool(void **state)
{
    conv *c = *state;
    const float a[] = {1, 2, 3, 4}, b[] = {1, 2.5f, 3, 4};
    tn_value_difference d = differ(c, "C64", "C64", 2, a, 16, b, 16, NULL);
    assert_int_equal(d.differ, 1);
    assert_true(d.max_abs == 0.5);
    assert_int_equal(
        differ(c, "C64", "C64", 2, a, 16, b, 16, &(tn_diff_options){.tolerant = true, .atol = 0.5})
            .differ,
        0);
    assert_int_equal(differ(c, "BOOL", "BOOL", 2, "\0\1", 2, "\1\1", 2, NULL).differ, 1);
}

/* Two elements of four bits a byte; four of six bits in three bytes. */
static void compares_packed(void **state)
{
    conv *c = *state;
    assert_int_equal(differ(c, "F4", "F4", 4, "\x21\x43", 2, "\x21\x43", 2, NULL).differ, 0);
    assert_int_equal(differ(c, "F4", "F4", 4, "\x21\x43", 2, "\x22\x43", 2, NULL).differ, 1);
    assert_int_equal(differ(c, "F4", "F4", 4, "\x21\x43", 2, "\x12\x43", 2, NULL).differ, 2);
    assert_int_equal(
        differ(c, "F6_E2M3", "F6_E2M3", 4, "\x3F\x00\x00", 3, "\x00\x00\x00", 3, NULL).differ, 1);
    assert_int_equal(
        differ(c, "F6_E2M3", "F6_E2M3", 4, "\xFF\xFF\xFF", 3, "\x00\x00\x00", 3, NULL).differ, 4);
}

static void compares_dtypes(void **state)
{
    conv *c = *state;
    const float a[] = {1, 2};
    const uint16_t b[] = {0x3F80, 0x4001}; /* bfloat16 1, 2.015625 */
    tn_diff_options strict = {.tolerant = true}, loose = {.tolerant = true, .atol = 0.02};
    assert_true(differ(c, "F32", "BF16", 2, a, 8, b, 4, NULL).differ == UINT64_MAX);
    assert_int_equal(differ(c, "F32", "BF16", 2, a, 8, b, 4, &strict).differ, 1);
    assert_int_equal(differ(c, "F32", "BF16", 2, a, 8, b, 4, &loose).differ, 0);
    /* What cannot be compared is another dtype, not a failure of the whole. */
    const float pair[] = {1, 0, 2, 0};
    assert_true(differ(c, "F32", "C64", 2, a, 8, pair, 16, &loose).differ == UINT64_MAX);
    assert_true(differ(c, "F4", "U8", 2, "\x21", 1, "\1\2", 2, &loose).differ == UINT64_MAX);
}

static tn_differences diff(conv *c, const char *a, const char *b, const tn_diff_options *options,
                           tn_report **report_out)
{
    static const tn_diff_options none;
    tn_model *x = conv_open(c->ctx, a), *y = conv_open(c->ctx, b);
    tn_report *report = tn_report_new(c->ctx);
    tn_differences d = {0};
    tn_error err = {0};
    conv_ok(tn_diff(x, y, options == NULL ? &none : options, report, &d, &err), &err);
    tn_model_free(x);
    tn_model_free(y);
    if (report_out != NULL) {
        *report_out = report;
    } else {
        tn_report_free(report);
    }
    return d;
}

static const char *keras(void)
{
    return TN_FIXTURES "/tf_checkpoint/good-keras2-sequential/ckpt";
}

/* Writes the Keras fixture's variables under the names of one scheme. */
static const char *by_scheme(conv *c, tn_scheme scheme, const char *name)
{
    tn_convert_options options = {
        .weights_only = true, .has_scheme = true, .scheme = scheme, .replace = true};
    conv_must(c->ctx, keras(), conv_at(c, name), &options);
    return conv_at(c, name);
}

static void pairs_by_the_best_scheme(void **state)
{
    conv *c = *state;
    tn_diff_options weights = {.weights_only = true};
    tn_differences d =
        diff(c, keras(), by_scheme(c, TN_SCHEME_NAME, "a.safetensors"), &weights, NULL);
    assert_int_equal(d.matched_by, TN_SCHEME_NAME);
    assert_int_equal(d.equal, 4);
    assert_int_equal(d.different + d.only_a + d.only_b, 0);
    /* Of the two only the checkpoint has full names, so only names and keys can pair. */
    d = diff(c, keras(), by_scheme(c, TN_SCHEME_KEY, "b.safetensors"), &weights, NULL);
    assert_int_equal(d.matched_by, TN_SCHEME_KEY);
    assert_int_equal(d.equal, 4);
    d = diff(c, keras(), TN_FIXTURES "/tf_checkpoint/good-tf215-sequential/ckpt", &weights, NULL);
    assert_int_equal(d.matched_by, TN_SCHEME_NAME);
    assert_int_equal(d.equal + d.different, 4);
    d = diff(c, keras(), by_scheme(c, TN_SCHEME_FULL, "c.safetensors"), &weights, NULL);
    assert_int_equal(d.equal, 0);
    assert_int_equal(d.only_a, 4);
    assert_int_equal(d.only_b, 4);
}

static void notes_what_counts_little(void **state)
{
    conv *c = *state;
    static const char *const drop[] = {"iteration"};
    tn_report *report;
    char out[TN_SCRATCH_PATH];
    tn_convert_options options = {.drop = drop, .n_drop = 1, .layout = "names"};
    snprintf(out, sizeof(out), "%s", conv_at(c, "o.ckpt"));
    conv_must(c->ctx, keras(), out, &options);
    tn_differences d = diff(c, keras(), out, NULL, &report);
    assert_int_equal(d.only_a + d.only_b + d.different, 0);
    assert_int_equal(d.equal, 13);
    /* The counter and the object graph. */
    assert_int_equal(tn_report_severity(report, TN_SEVERITY_NOTE), 2);
    assert_int_equal(tn_report_severity(report, TN_SEVERITY_ERROR), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(tn_report_at(report, i)->code, "only_a");
    }
    tn_report_free(report);
}

/* Three tensors of which one differs, on the other side by its key alone. */
static void flags_work_on_either_side(void **state)
{
    conv *c = *state;
    static const char *const w0[] = {"model/layer_with_weights-0/kernel"};
    static const char *const full[] = {"hidden/kernel"};
    static const char *const keys[] = {
        "model/layer_with_weights-0/kernel/.ATTRIBUTES/VARIABLE_VALUE"};
    static const char *const nothing[] = {"nothing"};
    char b[TN_SCRATCH_PATH];
    snprintf(b, sizeof(b), "%s", by_scheme(c, TN_SCHEME_KEY, "b.safetensors"));
    tn_diff_options only = {.only = w0, .n_only = 1};
    tn_differences d = diff(c, keras(), b, &only, NULL);
    assert_int_equal(d.equal, 1);
    assert_int_equal(d.only_a + d.only_b, 0);
    only.only = keys; /* B's name, A's key */
    assert_int_equal(diff(c, keras(), b, &only, NULL).equal, 1);
    only.only = full; /* an alias of A alone */
    assert_int_equal(diff(c, keras(), b, &only, NULL).equal, 1);
    /* Dropped on one side is dropped. */
    tn_diff_options drop = {.drop = w0, .n_drop = 1, .weights_only = true};
    d = diff(c, keras(), b, &drop, NULL);
    assert_int_equal(d.equal, 3);
    assert_int_equal(d.only_a + d.only_b, 0);
    tn_model *x = conv_open(c->ctx, keras()), *y = conv_open(c->ctx, b);
    tn_report *report = tn_report_new(c->ctx);
    tn_diff_options typo = {.drop = nothing, .n_drop = 1};
    tn_error err = {0};
    assert_int_equal(tn_diff(x, y, &typo, report, &d, &err), TN_NO_MATCH);
    typo.ignore_unmatch = true;
    assert_int_equal(tn_diff(x, y, &typo, report, &d, NULL), TN_OK);
    tn_report_free(report);
    tn_model_free(x);
    tn_model_free(y);
}

static void compares_strings(void **state)
{
    conv *c = *state;
    const char *in = TN_FIXTURES "/tf_checkpoint/good-strings/ckpt";
    char out[TN_SCRATCH_PATH];
    snprintf(out, sizeof(out), "%s", conv_at(c, "s.ckpt"));
    conv_must(c->ctx, in, out, NULL);
    tn_differences d = diff(c, in, out, NULL, NULL);
    assert_true(d.equal > 2);
    assert_int_equal(d.different, 0);
}

static void compares_shapes(void **state)
{
    conv *c = *state;
    static const float data[6] = {1, 2, 3, 4, 5, 6};
    conv_tensor a[] = {{"t", "F32", "2,3", data, 24}, {"u", "F32", "6", data, 24}};
    conv_tensor b[] = {{"t", "F32", "3,2", data, 24}, {"v", "F32", "6", data, 24}};
    char x[TN_SCRATCH_PATH];
    tn_report *report;
    snprintf(x, sizeof(x), "%s", conv_safetensors(c, "a.safetensors", a, 2));
    tn_differences d = diff(c, x, conv_safetensors(c, "b.safetensors", b, 2), NULL, &report);
    assert_int_equal(d.different, 1);
    assert_int_equal(d.only_a, 1);
    assert_int_equal(d.only_b, 1);
    assert_string_equal(tn_report_at(report, 0)->code, "shape");
    assert_int_equal(tn_report_at(report, 0)->expected.shape[0], 2);
    assert_int_equal(tn_report_at(report, 0)->found.shape[0], 3);
    assert_string_equal(tn_report_at(report, 1)->code, "only_a");
    assert_string_equal(tn_report_at(report, 2)->code, "only_b");
    tn_report_free(report);
    /* Names and shapes alone do not see values. */
    static const float other[6] = {0};
    conv_tensor e = {"t", "F32", "6", data, 24}, f = {"t", "F32", "6", other, 24};
    snprintf(x, sizeof(x), "%s", conv_safetensors(c, "a.safetensors", &e, 1));
    const char *y = conv_safetensors(c, "b.safetensors", &f, 1);
    assert_int_equal(diff(c, x, y, NULL, NULL).different, 1);
    assert_int_equal(diff(c, x, y, &(tn_diff_options){.no_values = true}, NULL).equal, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONV_TEST(compares_bits),
        CONV_TEST(compares_within_tolerance),
        CONV_TEST(infinities_are_far),
        CONV_TEST(counts_ulps),
        CONV_TEST(compares_large_integers),
        CONV_TEST(compares_complex_and_bool),
        CONV_TEST(compares_packed),
        CONV_TEST(compares_dtypes),
        CONV_TEST(pairs_by_the_best_scheme),
        CONV_TEST(notes_what_counts_little),
        CONV_TEST(flags_work_on_either_side),
        CONV_TEST(compares_strings),
        CONV_TEST(compares_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
