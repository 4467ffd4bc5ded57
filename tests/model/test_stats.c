/* Statistics against sums in long double. */
#include "build.h"

#include <math.h>

static int setup(void **state)
{
    static build b;
    build_init(&b);
    *state = &b;
    return 0;
}

static int teardown(void **state)
{
    build_clear(*state);
    return 0;
}

static tn_stats stats_of(build *b, tn_dtype dtype, int64_t elements, const void *values)
{
    size_t unit = tn_dtype_about(dtype)->bits / 8;
    tni_leaf *leaf = build_leaf(b, dtype, elements, values, (size_t)elements * unit);
    tn_tensor tensor = build_whole(b, 1, &elements, leaf);
    tn_reader *reader = build_reader(b, true, 1 << 20, 4096);
    tn_stats stats = {0};
    assert_int_equal(tn_reader_stats(reader, &tensor, &stats, NULL), TN_OK);
    assert_int_equal(stats.elements, elements);
    tn_reader_free(reader);
    return stats;
}

static void expect_near(double got, long double want)
{
    assert_true(fabsl((long double)got - want) <= 1e-14L * fabsl(want));
}

static void random_floats(void **state)
{
    build *b = *state;
    for (int64_t n = 1; n < 5000; n = n * 2 + 3) {
        float *f = build_bytes(b, (size_t)n * sizeof *f);
        long double sum = 0;
        float low = INFINITY, high = -INFINITY;
        uint64_t zeros = 0;
        for (int64_t i = 0; i < n; i++) {
            f[i] = build_random(b, 9) == 0 ? -0.0F : (float)build_random(b, 100000) / 7.0F - 5000;
            sum += (long double)f[i];
            low = f[i] < low ? f[i] : low;
            high = f[i] > high ? f[i] : high;
            zeros += f[i] == 0;
        }
        tn_stats stats = stats_of(b, TN_FLOAT32, n, f);
        assert_true(stats.min == (double)low && stats.max == (double)high);
        assert_int_equal(stats.zeros, zeros);
        assert_int_equal(stats.nan + stats.inf, 0);
        assert_true(fabsl((long double)stats.mean - sum / n) <= 1e-11L);
    }
}

/* Small values that a plain running sum of doubles would lose: every block adds up to 1, behind a
 * block that adds up to 1e17 and before one that takes it away. */
static void sums_that_cancel(void **state)
{
    build *b = *state;
    enum { BLOCK = 512, BLOCKS = 40 };
    double *d = build_bytes(b, BLOCK * BLOCKS * sizeof *d);
    long double sum = 0;
    double plain = 0;
    memset(d, 0, BLOCK * BLOCKS * sizeof *d);
    for (size_t i = 0; i < BLOCKS; i++) {
        d[i * BLOCK + i] = i == 0 ? 1e17 : i + 1 == BLOCKS ? -1e17 : 1;
        sum += (long double)d[i * BLOCK + i];
        plain += d[i * BLOCK + i];
    }
    assert_true(plain != 38 && sum == 38);
    tn_stats stats = stats_of(b, TN_FLOAT64, BLOCK * BLOCKS, d);
    expect_near(stats.mean, sum / (BLOCK * BLOCKS));
    assert_int_equal(stats.zeros, BLOCK * BLOCKS - BLOCKS);
}

static void not_numbers_and_infinities(void **state)
{
    build *b = *state;
    float f[20] = {0};
    for (int i = 0; i < 20; i++) {
        f[i] = (float)(i - 3);
    }
    f[7] = NAN;
    f[15] = -NAN;
    tn_stats stats = stats_of(b, TN_FLOAT32, 20, f);
    assert_int_equal(stats.nan, 2);
    assert_int_equal(stats.inf, 0);
    assert_int_equal(stats.zeros, 1);
    assert_true(stats.min == -3 && stats.max == 16);
    expect_near(stats.mean, (130.0L - 4 - 12) / 18);
    f[2] = INFINITY;
    stats = stats_of(b, TN_FLOAT32, 20, f);
    assert_int_equal(stats.inf, 1);
    assert_true(isinf(stats.max) && stats.min == -3 && isinf(stats.mean) && stats.mean > 0);
    f[3] = -INFINITY;
    stats = stats_of(b, TN_FLOAT32, 20, f);
    assert_int_equal(stats.inf, 2);
    assert_int_equal(stats.zeros, 0);
    assert_true(isinf(stats.min) && stats.min < 0 && isnan(stats.mean));
    float none[3] = {NAN, NAN, NAN};
    stats = stats_of(b, TN_FLOAT32, 3, none);
    assert_true(isnan(stats.min) && isnan(stats.max) && isnan(stats.mean));
    assert_int_equal(stats.nan, 3);
    stats = stats_of(b, TN_FLOAT32, 0, NULL);
    assert_true(isnan(stats.min) && isnan(stats.mean));
}

static void other_dtypes(void **state)
{
    build *b = *state;
    const int64_t i64[5] = {-9007199254740993, 0, 7, 7, 9007199254740992};
    tn_stats stats = stats_of(b, TN_INT64, 5, i64);
    assert_true(stats.min == -9007199254740992.0 && stats.max == 9007199254740992.0);
    assert_int_equal(stats.zeros, 1);
    const int32_t i32[3] = {INT32_MIN, INT32_MAX, 4};
    stats = stats_of(b, TN_INT32, 3, i32);
    assert_true(stats.min == -2147483648.0 && stats.max == 2147483647.0 && stats.mean == 1);
    const uint8_t u8[4] = {255, 0, 1, 0};
    stats = stats_of(b, TN_UINT8, 4, u8);
    assert_true(stats.min == 0 && stats.max == 255 && stats.mean == 64);
    stats = stats_of(b, TN_INT8, 4, u8);
    assert_true(stats.min == -1 && stats.max == 1 && stats.mean == 0);
    stats = stats_of(b, TN_BOOL, 2, u8 + 1);
    assert_true(stats.min == 0 && stats.max == 1 && stats.mean == 0.5);
    const uint16_t half[4] = {0x3C00, 0xC000, 0x7C00, 0x8000}; /* 1, -2, inf, -0 */
    stats = stats_of(b, TN_FLOAT16, 4, half);
    assert_true(stats.min == -2 && isinf(stats.max));
    assert_int_equal(stats.zeros, 1);
    const uint16_t brain[2] = {0x3F80, 0xC040}; /* 1, -3 */
    stats = stats_of(b, TN_BFLOAT16, 2, brain);
    assert_true(stats.min == -3 && stats.max == 1 && stats.mean == -1);
    const uint8_t nibble[3] = {0xFF, 0x07, 0xF8}; /* -1, 7, -8 with bits that do not count */
    stats = stats_of(b, TN_INT4, 3, nibble);
    assert_true(stats.min == -8 && stats.max == 7);
}

static void complex_numbers_count_as_wholes(void **state)
{
    build *b = *state;
    const float c[12] = {0, 0, 0, 1, 3, NAN, NAN, NAN, 1, -INFINITY, INFINITY, INFINITY};
    tn_stats stats = stats_of(b, TN_COMPLEX64, 6, c);
    assert_int_equal(stats.zeros, 1);
    assert_int_equal(stats.nan, 2);
    assert_int_equal(stats.inf, 2);
    assert_true(stats.min == 0 && isinf(stats.max));
    const double d[4] = {2, 5, 4, 5};
    stats = stats_of(b, TN_COMPLEX128, 2, d);
    assert_true(stats.min == 2 && stats.max == 4 && stats.mean == 3);
}

static void refusals(void **state)
{
    build *b = *state;
    const int64_t shape[1] = {2};
    tn_stats stats;
    uint8_t bytes[8] = {0};
    tn_reader *reader = build_reader(b, true, 64, 64);
    tni_leaf *leaf = build_leaf(b, TN_FLOAT32, 2, bytes, 8);
    tn_tensor tensor = build_whole(b, 1, shape, leaf);
    leaf->sum ^= 1;
    assert_int_equal(tn_reader_stats(reader, &tensor, &stats, NULL), TN_CORRUPT);
    tensor.dtype = TN_STRING;
    tn_error err = {0};
    assert_int_equal(tn_reader_stats(reader, &tensor, &stats, &err), TN_UNSUPPORTED);
    assert_string_equal(err.subject, "a/tensor");
    assert_non_null(strstr(err.message, "string"));
    tn_reader_free(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_floats, setup, teardown),
        cmocka_unit_test_setup_teardown(sums_that_cancel, setup, teardown),
        cmocka_unit_test_setup_teardown(not_numbers_and_infinities, setup, teardown),
        cmocka_unit_test_setup_teardown(other_dtypes, setup, teardown),
        cmocka_unit_test_setup_teardown(complex_numbers_count_as_wholes, setup, teardown),
        cmocka_unit_test_setup_teardown(refusals, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
