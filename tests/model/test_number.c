/* Numbers as text: known values, and every pattern of the small floats reads back. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <tenon/text.h>

static void check_text(tn_dtype dtype, const void *element, const char *wanted)
{
    char out[TN_NUMBER_ROOM];
    assert_int_equal(tn_number_text(dtype, element, out), strlen(wanted));
    assert_string_equal(out, wanted);
}

/* What Python's repr() gives for these values. */
static void test_float64_as_python(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } rows[] = {{0.0, "0.0"},
                {-0.0, "-0.0"},
                {1.0, "1.0"},
                {-1.5, "-1.5"},
                {0.1, "0.1"},
                {0.1 + 0.2, "0.30000000000000004"},
                {100.0, "100.0"},
                {0.0001, "0.0001"},
                {0.00012345, "0.00012345"},
                {0.00001, "1e-05"},
                {1.5e-7, "1.5e-07"},
                {123456789012345680.0, "1.2345678901234568e+17"},
                {1e16, "1e+16"},
                {9999999999999998.0, "9999999999999998.0"},
                {1e15, "1000000000000000.0"},
                {1e100, "1e+100"},
                {5e-324, "5e-324"},
                {2.2250738585072014e-308, "2.2250738585072014e-308"},
                {1.7976931348623157e308, "1.7976931348623157e+308"},
                {9007199254740993.0, "9007199254740992.0"},
                /* 2^-1017: the shortest digits are not the nearest of their length. */
                {7.120236347223045e-307, "7.120236347223045e-307"},
                {HUGE_VAL, "inf"},
                {-HUGE_VAL, "-inf"},
                {(double)NAN, "nan"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_text(TN_FLOAT64, &rows[i].value, rows[i].text);
    }
}

/* What numpy.float32's and numpy.float16's repr and ml_dtypes' tables of values say. */
static void test_smaller_floats(void **state)
{
    (void)state;
    const float tenth = 0.1f, third = 1.0f / 3, large = 16777216.0f, most = 3.4028235e38f;
    check_text(TN_FLOAT32, &tenth, "0.1");
    check_text(TN_FLOAT32, &third, "0.33333334");
    check_text(TN_FLOAT32, &large, "16777216.0");
    check_text(TN_FLOAT32, &most, "3.4028235e+38");
    const uint16_t half_tenth = 0x2E66, half_max = 0x7BFF, half_least = 0x0001, half_inf = 0xFC00;
    check_text(TN_FLOAT16, &half_tenth, "0.1");
    check_text(TN_FLOAT16, &half_max, "65500.0");
    check_text(TN_FLOAT16, &half_least, "6e-08");
    check_text(TN_FLOAT16, &half_inf, "-inf");
    const uint16_t brain_pi = 0x4049, brain_nan = 0x7FC0;
    check_text(TN_BFLOAT16, &brain_pi, "3.14");
    check_text(TN_BFLOAT16, &brain_nan, "nan");
}

/* The largest and smallest numbers and the special patterns, from ml_dtypes' README. */
static void test_float8_landmarks(void **state)
{
    (void)state;
    static const struct {
        tn_dtype dtype;
        uint8_t bits;
        double value;
    } rows[] = {
        {TN_FLOAT8_E4M3FN, 0x7E, 448},
        {TN_FLOAT8_E4M3FN, 0x01, 0x1p-9},
        {TN_FLOAT8_E4M3FN, 0xB8, -1},
        {TN_FLOAT8_E4M3FN, 0x7F, (double)NAN},
        {TN_FLOAT8_E5M2, 0x7B, 57344},
        {TN_FLOAT8_E5M2, 0x01, 0x1p-16},
        {TN_FLOAT8_E5M2, 0x7C, HUGE_VAL},
        {TN_FLOAT8_E5M2, 0xFE, (double)NAN},
        {TN_FLOAT8_E4M3FNUZ, 0x7F, 240},
        {TN_FLOAT8_E4M3FNUZ, 0x01, 0x1p-10},
        {TN_FLOAT8_E4M3FNUZ, 0x80, (double)NAN},
        {TN_FLOAT8_E4M3FNUZ, 0xFF, -240},
        {TN_FLOAT8_E4M3B11FNUZ, 0x7F, 30},
        {TN_FLOAT8_E4M3B11FNUZ, 0x01, 0x1p-13},
        {TN_FLOAT8_E4M3B11FNUZ, 0x80, (double)NAN},
        {TN_FLOAT8_E5M2FNUZ, 0x7F, 57344},
        {TN_FLOAT8_E5M2FNUZ, 0x01, 0x1p-17},
        {TN_FLOAT8_E5M2FNUZ, 0x80, (double)NAN},
        {TN_FLOAT8_E8M0FNU, 0x00, 0x1p-127},
        {TN_FLOAT8_E8M0FNU, 0x7F, 1},
        {TN_FLOAT8_E8M0FNU, 0xFE, 0x1p127},
        {TN_FLOAT8_E8M0FNU, 0xFF, (double)NAN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double value = tn_number_double(rows[i].dtype, &rows[i].bits);
        assert_true(isnan(rows[i].value) ? isnan(value) : value == rows[i].value);
    }
}

/* Counts digits without leading and trailing zeros. */
static unsigned significant(const char *text)
{
    unsigned digits = 0, zeros = 0;
    for (const char *p = text; *p != '\0' && *p != 'e'; p++) {
        if (*p >= '0' && *p <= '9' && (digits > 0 || *p != '0')) {
            digits++;
            zeros = *p == '0' ? zeros + 1 : 0;
        }
    }
    return digits - zeros;
}

/* The pattern whose value is nearest to `value`, ties to the even pattern: by trying them all. */
static uint32_t nearest(const double *values, uint32_t count, double value)
{
    uint32_t best = count;
    for (uint32_t bits = 0; bits < count; bits++) {
        if (isfinite(values[bits]) && signbit(values[bits]) == signbit(value)) {
            double step =
                best == count ? 0 : fabs(values[bits] - value) - fabs(values[best] - value);
            if (best == count || step < 0 || (step == 0 && bits % 2 == 0)) {
                best = bits;
            }
        }
    }
    return best;
}

static void test_every_float8_reads_back(void **state)
{
    (void)state;
    static const tn_dtype dtypes[] = {TN_FLOAT8_E4M3FN,      TN_FLOAT8_E5M2,     TN_FLOAT8_E4M3FNUZ,
                                      TN_FLOAT8_E4M3B11FNUZ, TN_FLOAT8_E5M2FNUZ, TN_FLOAT8_E8M0FNU};
    for (size_t d = 0; d < sizeof dtypes / sizeof dtypes[0]; d++) {
        double values[256];
        for (unsigned i = 0; i < 256; i++) {
            const uint8_t bits = (uint8_t)i;
            values[i] = tn_number_double(dtypes[d], &bits);
        }
        for (unsigned i = 0; i < 256; i++) {
            const uint8_t bits = (uint8_t)i;
            char text[TN_NUMBER_ROOM];
            tn_number_text(dtypes[d], &bits, text);
            if (isfinite(values[i])) {
                assert_int_equal(nearest(values, 256, strtod(text, NULL)), i);
            } else {
                assert_string_equal(text, isnan(values[i]) ? "nan" : i < 128 ? "inf" : "-inf");
            }
        }
    }
}

/* Rounds to bfloat16 as hardware does, from the bits of a float32. */
static uint16_t to_bfloat16(double value)
{
    float single = (float)value;
    uint32_t bits;
    memcpy(&bits, &single, sizeof bits);
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

/* Rounds to float16 through the integer multiple of the last place. */
static uint16_t to_float16(double value)
{
    int exponent;
    double size = fabs(value);
    frexp(size, &exponent);
    int last = size == 0 || exponent - 11 < -24 ? -24 : exponent - 11;
    double units = nearbyint(ldexp(size, -last));
    uint32_t bits = (uint32_t)units + ((uint32_t)(last + 24) << 10);
    return (uint16_t)(bits | (signbit(value) ? 0x8000u : 0));
}

static void test_every_16_bit_float_reads_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 65536; i++) {
        const uint16_t bits = (uint16_t)i;
        char text[TN_NUMBER_ROOM];
        tn_number_text(TN_BFLOAT16, &bits, text);
        if ((i & 0x7F80) != 0x7F80) {
            assert_int_equal(to_bfloat16(strtod(text, NULL)), i);
            assert_true(significant(text) <= 4);
        }
        tn_number_text(TN_FLOAT16, &bits, text);
        if ((i & 0x7C00) != 0x7C00) {
            assert_int_equal(to_float16(strtod(text, NULL)), i);
            assert_true(significant(text) <= 5);
        }
    }
}

/* A text of n digits is the shortest if no text of n - 1 digits reads back. */
static void check_shortest(double value, const char *text)
{
    unsigned digits = significant(text);
    assert_in_range(digits, 1, 17);
    if (digits > 1) {
        char shorter[40];
        snprintf(shorter, sizeof shorter, "%.*e", (int)digits - 2, value);
        assert_true(strtod(shorter, NULL) != value);
    }
}

static void test_samples_of_large_floats(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252u;
    for (int i = 0; i < 100000; i++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        char text[TN_NUMBER_ROOM];
        double both;
        float single;
        memcpy(&both, &seed, sizeof both);
        memcpy(&single, &seed, sizeof single);
        if (isfinite(both)) {
            tn_number_text(TN_FLOAT64, &both, text);
            assert_true(strtod(text, NULL) == both);
            check_shortest(both, text);
        }
        if (isfinite(single)) {
            tn_number_text(TN_FLOAT32, &single, text);
            assert_true(strtof(text, NULL) == single);
            assert_true(significant(text) <= 9);
        }
    }
}

static void test_integers(void **state)
{
    (void)state;
    const int64_t least = INT64_MIN;
    const uint64_t most = UINT64_MAX;
    const uint8_t byte = 0xFE, nibble = 0x0E, crumb = 0x02;
    const uint16_t half = 0x8000;
    check_text(TN_INT64, &least, "-9223372036854775808");
    check_text(TN_UINT64, &most, "18446744073709551615");
    check_text(TN_INT8, &byte, "-2");
    check_text(TN_QINT8, &byte, "-2");
    check_text(TN_QUINT8, &byte, "254");
    check_text(TN_INT4, &nibble, "-2");
    check_text(TN_UINT4, &nibble, "14");
    check_text(TN_INT2, &crumb, "-2");
    check_text(TN_UINT2, &crumb, "2");
    check_text(TN_QINT16, &half, "-32768");
    check_text(TN_QUINT16, &half, "32768");
    assert_true(tn_number_double(TN_INT64, &least) == -0x1p63);
    assert_true(tn_number_double(TN_UINT64, &most) == 0x1p64);
}

static void test_bool_and_complex(void **state)
{
    (void)state;
    const uint8_t no = 0, yes = 1;
    check_text(TN_BOOL, &no, "False");
    check_text(TN_BOOL, &yes, "True");
    const float small[] = {1.5f, 2.0f};
    const double large[] = {-0.0, -1e-5}, special[] = {(double)NAN, HUGE_VAL};
    check_text(TN_COMPLEX64, small, "1.5+2j");
    check_text(TN_COMPLEX128, large, "-0-1e-05j");
    check_text(TN_COMPLEX128, special, "nan+infj");
    assert_true(tn_number_double(TN_COMPLEX64, small) == 1.5);
    check_text(TN_STRING, "", "?");
    assert_true(isnan(tn_number_double(TN_STRING, "")));
}

static void test_json(void **state)
{
    (void)state;
    const double values[] = {0.1, (double)NAN, HUGE_VAL, -HUGE_VAL, -0.0, 1e300};
    const float pair[] = {1.0f, -HUGE_VALF};
    const uint8_t yes = 1, byte = 200;
    char *text;
    size_t len;
    tn_json_out out;
    FILE *stream = open_memstream(&text, &len);
    assert_non_null(stream);
    tn_json_start(&out, stream, false);
    tn_json_array(&out);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        tn_json_number(&out, TN_FLOAT64, &values[i]);
    }
    tn_json_number(&out, TN_COMPLEX64, pair);
    tn_json_number(&out, TN_BOOL, &yes);
    tn_json_number(&out, TN_UINT8, &byte);
    tn_json_number(&out, TN_INT8, &byte);
    tn_json_array_end(&out);
    fclose(stream);
    assert_string_equal(text, "[0.1,\"NaN\",\"Infinity\",\"-Infinity\",-0.0,1e+300,"
                              "[1.0,\"-Infinity\"],true,200,-56]");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_float64_as_python),
        cmocka_unit_test(test_smaller_floats),
        cmocka_unit_test(test_float8_landmarks),
        cmocka_unit_test(test_every_float8_reads_back),
        cmocka_unit_test(test_every_16_bit_float_reads_back),
        cmocka_unit_test(test_samples_of_large_floats),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_bool_and_complex),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
