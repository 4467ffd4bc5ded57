/* Sums of tensors against sums taken one by one in double. */
#include "model/build.h"
#include "model/linear.h"

enum { COUNT = 10000 };

static const int64_t shape[1] = {COUNT};

/* Makes a tensor of float32 values; *values_out are they. */
static tn_tensor floats(build *b, float **values_out)
{
    float *values = build_bytes(b, COUNT * sizeof *values);
    for (int i = 0; i < COUNT; i++) {
        values[i] = (float)build_random(b, 1u << 30) / 1000.0f - 400000.0f;
    }
    *values_out = values;
    tni_leaf *leaf =
        build_leaf(b, TN_FLOAT32, COUNT, (const uint8_t *)values, COUNT * sizeof *values);
    return build_whole(b, 1, shape, leaf);
}

static tn_tensor sum_of(build *b, tn_model *model, const tni_linear *linear, tn_dtype dtype)
{
    const tni_leaf *leaf;
    assert_int_equal(tni_linear_leaf(model, linear, dtype, &leaf, NULL), TN_OK);
    return build_whole(b, 1, shape, leaf);
}

static void read_all(build *b, const tn_tensor *tensor, int step, void *out)
{
    size_t unit = tn_dtype_about(tensor->dtype)->bits / 8;
    tn_reader *reader = build_reader(b, true, 1 << 20, 1 << 16);
    assert_int_equal(tn_reader_start(reader, tensor, NULL), TN_OK);
    for (int i = 0; i < COUNT; i += step) {
        int count = COUNT - i < step ? COUNT - i : step;
        assert_int_equal(tn_reader_next(reader, count, (char *)out + (size_t)i * unit, NULL),
                         TN_OK);
    }
    assert_int_equal(tn_reader_end(reader, NULL), TN_OK);
    tn_reader_free(reader);
}

static void means_and_sums(void **state)
{
    build *b = *state;
    tn_model *model;
    float *x, *y, *z, got[COUNT];
    tn_tensor tx = floats(b, &x), ty = floats(b, &y), tz = floats(b, &z);
    const tni_operand three[] = {{&tx, 1}, {&ty, 1}, {&tz, 1}}, two[] = {{&tx, 1}, {&ty, -0.5}};
    assert_int_equal(tni_model_new(b->ctx, &model, NULL), TN_OK);
    tn_tensor mean = sum_of(b, model, &(tni_linear){three, 3, 0, 3}, TN_FLOAT32);
    tn_tensor sum = sum_of(b, model, &(tni_linear){two, 2, 1e-3, 1}, TN_FLOAT32);
    for (int step = COUNT; step > 100; step /= 7) {
        read_all(b, &mean, step, got);
        for (int i = 0; i < COUNT; i++) {
            assert_true(got[i] == (float)(((double)x[i] + (double)y[i] + (double)z[i]) / 3));
        }
    }
    read_all(b, &sum, 999, got);
    for (int i = 0; i < COUNT; i++) {
        assert_true(got[i] == (float)((double)x[i] + -0.5 * (double)y[i] + 1e-3));
    }
    tn_model_free(model);
}

static void damaged_operands(void **state)
{
    build *b = *state;
    tn_model *model;
    float *x, got[4];
    tn_tensor tx = floats(b, &x);
    ((tni_leaf *)(uintptr_t)tx.pieces[0].leaf)->sum ^= 4;
    tx.alias[TN_SCHEME_NAME] = TN_LIT("damaged");
    const tni_operand one[] = {{&tx, 1}};
    assert_int_equal(tni_model_new(b->ctx, &model, NULL), TN_OK);
    tn_tensor sum = sum_of(b, model, &(tni_linear){one, 1, 1, 1}, TN_FLOAT32);
    tn_reader *reader = build_reader(b, true, 1 << 20, 1 << 16);
    tn_error err = {0};
    assert_int_equal(tn_reader_start(reader, &sum, NULL), TN_OK);
    assert_int_equal(tn_reader_next(reader, 4, got, &err), TN_CORRUPT);
    assert_string_equal(err.subject, "damaged");
    tn_reader_free(reader);
    tn_model_free(model);
}

static void sums_out_of_range(void **state)
{
    build *b = *state;
    tn_model *model;
    float *x;
    uint16_t got[COUNT];
    tn_tensor tx = floats(b, &x);
    const tni_operand one[] = {{&tx, 1000}};
    assert_int_equal(tni_model_new(b->ctx, &model, NULL), TN_OK);
    tn_tensor sum = sum_of(b, model, &(tni_linear){one, 1, 0, 1}, TN_FLOAT16);
    tn_reader *reader = build_reader(b, true, 1 << 20, 1 << 16);
    tn_error err = {0};
    assert_int_equal(tn_reader_start(reader, &sum, NULL), TN_OK);
    assert_int_equal(tn_reader_next(reader, COUNT, got, &err), TN_NO);
    assert_int_equal(err.code, TN_E_OVERFLOW);
    tn_reader_free(reader);
    tn_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BUILD_TEST(means_and_sums),
        BUILD_TEST(damaged_operands),
        BUILD_TEST(sums_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
