/* Casts: every pair of dtypes against exact integer arithmetic, all loops against each other, and
 * what is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/cast_impl.h"

__extension__ typedef unsigned __int128 wide;

/* An exact number: sign · digits · 2^exponent; what a dtype holds, taken apart by hand. */
typedef struct exact {
    enum { NUMBER, INFINITE, NOT_A_NUMBER } kind;
    bool negative;
    uint64_t digits;
    int exponent;
} exact;

/* The facts of the dtypes, written down anew. */
typedef struct layout {
    const char *name;
    int exponent_bits, mantissa_bits, bias; /* of floats; 0: an integer */
    char family;                            /* i: IEEE, f: no infinity, z: nor -0, e: e8m0 */
    int bits;                               /* that count */
    bool is_signed;
} layout;

static const layout layouts[] = {
    {"bool", 0, 0, 0, 'b', 8, false},
    {"int2", 0, 0, 0, 'n', 2, true},
    {"int4", 0, 0, 0, 'n', 4, true},
    {"int8", 0, 0, 0, 'n', 8, true},
    {"int16", 0, 0, 0, 'n', 16, true},
    {"int32", 0, 0, 0, 'n', 32, true},
    {"int64", 0, 0, 0, 'n', 64, true},
    {"uint2", 0, 0, 0, 'n', 2, false},
    {"uint4", 0, 0, 0, 'n', 4, false},
    {"uint8", 0, 0, 0, 'n', 8, false},
    {"uint16", 0, 0, 0, 'n', 16, false},
    {"uint32", 0, 0, 0, 'n', 32, false},
    {"uint64", 0, 0, 0, 'n', 64, false},
    {"float16", 5, 10, 15, 'i', 16, true},
    {"bfloat16", 8, 7, 127, 'i', 16, true},
    {"float32", 8, 23, 127, 'i', 32, true},
    {"float64", 11, 52, 1023, 'i', 64, true},
    {"float8_e4m3fn", 4, 3, 7, 'f', 8, true},
    {"float8_e5m2", 5, 2, 15, 'i', 8, true},
    {"float8_e4m3fnuz", 4, 3, 8, 'z', 8, true},
    {"float8_e4m3b11fnuz", 4, 3, 11, 'z', 8, true},
    {"float8_e5m2fnuz", 5, 2, 16, 'z', 8, true},
    {"float8_e8m0fnu", 8, 0, 127, 'e', 8, false},
};
enum { LAYOUTS = sizeof layouts / sizeof *layouts };

static tn_dtype dtype_of(const layout *of)
{
    return tn_dtype_find(tn_str_of(of->name));
}

static size_t size_of(const layout *of)
{
    return tn_dtype_about(dtype_of(of))->bits / 8;
}

static uint64_t mask(int bits)
{
    return bits == 0 ? 0 : UINT64_MAX >> (64 - bits);
}

static exact decode_integer(const layout *of, uint64_t bits)
{
    bits &= mask(of->bits);
    bool negative = of->is_signed && bits >> (of->bits - 1) != 0;
    if (of->family == 'b') {
        bits = bits != 0;
    }
    return (exact){NUMBER, negative, negative ? (0 - bits) & mask(of->bits) : bits, 0};
}

static exact decode(const layout *of, uint64_t bits)
{
    if (of->exponent_bits == 0) {
        return decode_integer(of, bits);
    }
    int width = of->exponent_bits + of->mantissa_bits;
    bool negative = of->family != 'e' && (bits >> width & 1) != 0;
    uint64_t magnitude = bits & mask(width), top = mask(of->exponent_bits);
    uint64_t mantissa = magnitude & mask(of->mantissa_bits), field = magnitude >> of->mantissa_bits;
    if (of->family == 'i' && field == top) {
        return (exact){mantissa == 0 ? INFINITE : NOT_A_NUMBER, negative, 0, 0};
    }
    if ((of->family == 'f' || of->family == 'e') && magnitude == mask(width)) {
        return (exact){NOT_A_NUMBER, negative, 0, 0};
    }
    if (of->family == 'z' && negative && magnitude == 0) {
        return (exact){NOT_A_NUMBER, negative, 0, 0};
    }
    int exponent = (int)field - of->bias - of->mantissa_bits;
    if (field == 0 && of->family != 'e') {
        return (exact){NUMBER, negative, mantissa, exponent + 1};
    }
    return (exact){NUMBER, negative, mantissa | UINT64_C(1) << of->mantissa_bits, exponent};
}

/* What a cast should give. */
typedef struct wanted {
    uint64_t bits;
    bool overflow, nan;
    exact rounded; /* as a number */
} wanted;

/* Divides by 2^shift, to the nearest, ties to even. */
static uint64_t shifted(uint64_t digits, int shift)
{
    if (shift <= 0) {
        return digits << -shift;
    }
    if (shift > 65) {
        return 0;
    }
    wide value = digits, half = (wide)1 << (shift - 1);
    wide whole = value >> shift, rest = value - (whole << shift);
    return (uint64_t)(whole + (rest > half || (rest == half && (whole & 1) != 0)));
}

static int length(uint64_t digits)
{
    int bits = 0;
    for (; digits != 0; digits >>= 1) {
        bits++;
    }
    return bits;
}

static wanted encode_float(const layout *to, exact value, tn_overflow overflow)
{
    int width = to->exponent_bits + to->mantissa_bits;
    uint64_t sign = (uint64_t)value.negative << width, nan_bits = mask(width);
    uint64_t infinity = to->family == 'i' ? mask(to->exponent_bits) << to->mantissa_bits : nan_bits;
    uint64_t largest = infinity - 1;
    if (value.kind == NOT_A_NUMBER) {
        return (wanted){.bits = sign, .nan = true, .rounded = value};
    }
    bool over = value.kind == INFINITE && to->family != 'i';
    uint64_t bits = infinity;
    if (value.kind == NUMBER && value.digits != 0) {
        int least = 1 - to->bias - to->mantissa_bits; /* exponent of the last place of subnormals */
        int place = value.exponent + length(value.digits) - to->mantissa_bits - 1;
        place = place < least ? least : place;
        bits = shifted(value.digits, place - value.exponent);
        bits += (uint64_t)(place - least) << to->mantissa_bits; /* a carry goes into the exponent */
        over = bits > largest;
    } else if (value.kind == NUMBER) {
        bits = 0;
    }
    if (over) {
        bits = overflow == TN_OVERFLOW_SATURATE ? largest : infinity;
    }
    wanted result = {.bits = sign | bits, .overflow = over};
    result.nan = over && bits == nan_bits && to->family != 'i';
    result.rounded = decode(to, result.bits);
    return result;
}

static wanted encode_integer(const layout *to, exact value)
{
    uint64_t most = mask(to->bits - to->is_signed), least = to->is_signed ? most + 1 : 0;
    uint64_t limit = value.negative ? least : most, digits = value.digits;
    bool over = value.kind != NUMBER;
    if (value.kind == NOT_A_NUMBER) {
        return (wanted){.bits = 0, .overflow = true, .rounded = {NUMBER, false, 0, 0}};
    }
    if (value.kind == NUMBER && value.exponent < 0) {
        digits = value.exponent < -63 ? 0 : digits >> -value.exponent;
    } else if (value.kind == NUMBER && digits != 0) {
        over = value.exponent + length(digits) > 64;
        digits = over ? digits : digits << value.exponent;
    }
    over = over || digits > limit;
    digits = over ? limit : digits;
    uint64_t bits = (value.negative ? 0 - digits : digits) & mask(to->bits);
    return (wanted){.bits = bits, .overflow = over, .rounded = decode(to, bits)};
}

/* Says what a cast gives, by the way that rules.md tells: through float32 to what is narrower,
 * but from float64 to float16 at once. */
static wanted expect(const layout *from, const layout *to, uint64_t bits, tn_overflow overflow)
{
    static const layout float32 = {"float32", 8, 23, 127, 'i', 32, true};
    exact value = decode(from, bits);
    if (to->family == 'b') {
        bool set = value.kind != NUMBER || value.digits != 0;
        return (wanted){.bits = set, .rounded = {NUMBER, false, set, 0}};
    }
    if (to->exponent_bits == 0) {
        return encode_integer(to, value);
    }
    if (to->mantissa_bits < 23 && strcmp(to->name, "float16") != 0) {
        exact through = encode_float(&float32, value, TN_OVERFLOW_IEEE).rounded;
        wanted result = encode_float(to, through, overflow);
        if (value.kind == NUMBER && through.kind == INFINITE) { /* it overflowed on the way */
            uint64_t sign = (uint64_t)value.negative << (to->exponent_bits + to->mantissa_bits);
            exact huge = {NUMBER, value.negative, 1, 200};
            result = encode_float(to, huge, overflow);
            assert_int_equal(result.bits & sign, sign);
        }
        return result;
    }
    return encode_float(to, value, overflow);
}

/* Returns |a - b| exactly if it fits 64 digits, and 0 for what is equal or no number. */
static double distance(exact a, exact b)
{
    if (a.kind != NUMBER || b.kind != NUMBER) {
        return 0;
    }
    a.exponent = a.digits == 0 ? b.exponent : a.exponent;
    b.exponent = b.digits == 0 ? a.exponent : b.exponent;
    int low = a.exponent < b.exponent ? a.exponent : b.exponent;
    if (a.exponent - low > 63 || b.exponent - low > 63) {
        exact larger = a.exponent > b.exponent ? a : b; /* the other is nothing beside it */
        return (double)larger.digits * __builtin_exp2((double)larger.exponent);
    }
    wide one = (wide)a.digits << (a.exponent - low), two = (wide)b.digits << (b.exponent - low);
    wide apart = a.negative != b.negative ? one + two : one > two ? one - two : two - one;
    return (double)apart * __builtin_exp2((double)low);
}

/* A generator whose numbers are the same everywhere: xorshift64*. */
static uint64_t next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

static void put(unsigned char *out, size_t size, uint64_t bits)
{
    uint8_t one = (uint8_t)bits;
    uint16_t two = (uint16_t)bits;
    uint32_t four = (uint32_t)bits;
    memcpy(out,
           size == 1   ? (void *)&one
           : size == 2 ? (void *)&two
           : size == 4 ? (void *)&four
                       : (void *)&bits,
           size);
}

static uint64_t take(const unsigned char *in, size_t size)
{
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    switch (size) {
    case 1:
        return *in;
    case 2:
        memcpy(&two, in, size);
        return two;
    case 4:
        memcpy(&four, in, size);
        return four;
    default:
        memcpy(&eight, in, size);
        return eight;
    }
}

enum { SAMPLES = 1 << 16, WIDE_SAMPLES = 1 << 13, BYTE_SAMPLES = 512 };

/* Gives bits of a source: all patterns of up to 16 bits; of wider ones random ones, ones around
 * ties and limits of the target, and small numbers. */
static uint64_t sample(const layout *from, const layout *to, uint64_t i, uint64_t *random)
{
    if (size_of(from) <= 2) {
        return i;
    }
    uint64_t bits = next(random);
    if (from->exponent_bits == 0) { /* lengths evenly spread, with a few digits around a power */
        int shift = (int)(next(random) % 64);
        bits = i % 3 == 0 ? (UINT64_C(1) << shift) + bits % 5 - 2 : bits >> shift;
        return i % 2 == 0 ? bits : 0 - bits;
    }
    int drop = from->mantissa_bits - (to->exponent_bits == 0 ? 3 : to->mantissa_bits);
    if (drop > 1 && i % 4 == 1) { /* a tie, or a neighbour of one */
        bits = (bits >> drop << drop | UINT64_C(1) << (drop - 1)) + bits % 3 - 1;
    }
    if (i % 4 != 0) { /* exponents that the target has, and some beyond */
        int most = to->exponent_bits == 0 ? to->bits + 2 : (1 << (to->exponent_bits - 1)) + 4;
        int least = to->exponent_bits == 0 ? 3 : most + to->mantissa_bits + 2;
        int exponent = from->bias - least + (int)(next(random) % (uint64_t)(most + least));
        exponent = exponent < 0 ? 0 : exponent;
        uint64_t field = (uint64_t)exponent & mask(from->exponent_bits);
        bits &= ~(mask(from->exponent_bits) << from->mantissa_bits);
        bits |= field << from->mantissa_bits;
    }
    return bits;
}

/* Gives an infinity in the place of a NaN, or 1: some vector loops are left where a NaN is. */
static uint64_t without_nan(const layout *from, uint64_t bits)
{
    bool nan = decode(from, bits).kind == NOT_A_NUMBER;
    return !nan                  ? bits
           : from->family == 'i' ? bits >> from->mantissa_bits << from->mantissa_bits
                                 : 1;
}

static bool targeted(const layout *to)
{
    return to->family != 'z' && to->family != 'e';
}

/* A NaN is only compared as one: payloads are compared between the loops, and with NumPy. */
static void check_element(const layout *from, const layout *to, uint64_t in, uint64_t out,
                          wanted want)
{
    uint64_t sign = UINT64_C(1) << (to->bits - 1);
    bool equal = want.nan
                     ? decode(to, out).kind == NOT_A_NUMBER && (out & sign) == (want.bits & sign)
                     : out == want.bits;
    if (!equal) {
        fail_msg("%s %#llx to %s: %#llx, not %#llx", from->name, (unsigned long long)in, to->name,
                 (unsigned long long)out, (unsigned long long)want.bits);
    }
}

/* Adds to `stats` what one cast should count. */
static void count(const layout *to, exact value, wanted want, tn_cast_stats *stats)
{
    double apart = distance(value, want.rounded);
    exact result = want.rounded;
    bool lost = value.kind == NOT_A_NUMBER && to->family == 'b';
    lost = lost || (value.kind == INFINITE && to->family == 'b');
    stats->nans += value.kind == NOT_A_NUMBER;
    stats->overflows += want.overflow;
    stats->inexact += !want.overflow && (apart > 0 || lost);
    if (!want.overflow && apart > stats->max_abs_err) {
        stats->max_abs_err = apart;
    }
    stats->subnormals += to->exponent_bits != 0 && result.kind == NUMBER && result.digits != 0 &&
                         length(result.digits) + result.exponent < 2 - to->bias;
}

static void check_pair(const tni_cast_impl *impl, const layout *from, const layout *to,
                       tn_overflow overflow)
{
    static unsigned char in[2 * SAMPLES * 8], out[2 * SAMPLES * 8];
    uint64_t random = 88172645463325252u;
    size_t size = size_of(from);
    size_t half = size == 1 ? BYTE_SAMPLES : size == 2 ? SAMPLES : WIDE_SAMPLES;
    size_t n = from->exponent_bits != 0 ? 2 * half : half;
    tn_cast_stats want = {0}, found = {0};
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = sample(from, to, i % half, &random);
        put(in + i * size, size, i < half ? bits : without_nan(from, bits));
    }
    tni_cast_with(impl, dtype_of(from), dtype_of(to), overflow, in, out, n, &found);
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = take(in + i * size_of(from), size_of(from));
        wanted one = expect(from, to, bits, overflow);
        check_element(from, to, bits, take(out + i * size_of(to), size_of(to)), one);
        count(to, decode(from, bits), one, &want);
    }
    if (found.overflows != want.overflows || found.inexact != want.inexact ||
        found.nans != want.nans || found.subnormals != want.subnormals ||
        found.max_abs_err != want.max_abs_err) {
        fail_msg("%s to %s: counted %llu %llu %llu %llu %.17g, not %llu %llu %llu %llu %.17g",
                 from->name, to->name, (unsigned long long)found.overflows,
                 (unsigned long long)found.inexact, (unsigned long long)found.subnormals,
                 (unsigned long long)found.nans, found.max_abs_err,
                 (unsigned long long)want.overflows, (unsigned long long)want.inexact,
                 (unsigned long long)want.subnormals, (unsigned long long)want.nans,
                 want.max_abs_err);
    }
    if (tn_cast_lossless(dtype_of(from), dtype_of(to))) {
        assert_int_equal(want.overflows + want.inexact, 0);
    } else if (size_of(from) == 1) {
        if (want.overflows + want.inexact == 0) { /* and all values were there */
            fail_msg("%s to %s loses nothing", from->name, to->name);
        }
    }
}

static void check_all(const tni_cast_impl *impl, tn_overflow overflow)
{
    for (size_t i = 0; i < LAYOUTS; i++) {
        for (size_t k = 0; k < LAYOUTS; k++) {
            bool known = i == k || targeted(&layouts[k]);
            assert_int_equal(tn_cast_known(dtype_of(&layouts[i]), dtype_of(&layouts[k])), known);
            if (i != k && known) {
                check_pair(impl, &layouts[i], &layouts[k], overflow);
            }
        }
    }
}

static void test_every_pair_is_exact(void **state)
{
    (void)state;
    check_all(&tni_cast_portable, TN_OVERFLOW_SATURATE);
}

static void test_every_pair_is_exact_in_vectors(void **state)
{
    (void)state;
    check_all(tni_cast_choose(), TN_OVERFLOW_ERROR);
}

/* Payloads of NaN, all lengths and all alignments, with nothing written behind. */
static void test_vectors_equal_loops(void **state)
{
    (void)state;
    static unsigned char in[1200 * 8 + 64], one[1200 * 8 + 64], two[1200 * 8 + 64];
    uint64_t random = 4101842887655102017u;
    for (size_t i = 0; i < sizeof in; i++) {
        in[i] = next(&random) % 4 == 0 ? 0xFF : (unsigned char)(next(&random) >> 56);
    }
    for (size_t pair = 0; pair < LAYOUTS * LAYOUTS; pair++) {
        const layout *from = &layouts[pair / LAYOUTS], *to = &layouts[pair % LAYOUTS];
        if (from == to || !targeted(to)) {
            continue;
        }
        for (size_t n = 0; n <= 1100; n += n < 70 ? 1 : 257) {
            size_t at = n % 9, behind = n * size_of(to);
            memset(one, 0xA5, sizeof one);
            memset(two, 0xA5, sizeof two);
            tni_cast_with(&tni_cast_portable, dtype_of(from), dtype_of(to), TN_OVERFLOW_IEEE,
                          in + at, one + (n % 5), n, NULL);
            tni_cast_with(tni_cast_choose(), dtype_of(from), dtype_of(to), TN_OVERFLOW_IEEE,
                          in + at, two + (n % 5), n, NULL);
            assert_memory_equal(one, two, sizeof one);
            assert_int_equal(one[n % 5 + behind], 0xA5);
        }
    }
}

static void test_equal_dtypes_are_copied(void **state)
{
    (void)state;
    const uint32_t in[2] = {0x7F800001, 0xFFFFFFFF};
    uint32_t out[2] = {0, 0};
    tn_cast_stats stats = {0};
    tn_cast(TN_FLOAT32, TN_FLOAT32, TN_OVERFLOW_ERROR, in, out, 2, &stats);
    assert_memory_equal(in, out, sizeof in);
    assert_int_equal(stats.inexact + stats.overflows, 0);
}

static void test_complex_is_two_floats(void **state)
{
    (void)state;
    const double in[4] = {1e300, -0.0, 0.1, 3};
    float out[4] = {0};
    double back[4] = {0};
    tn_cast_stats stats = {0};
    assert_true(tn_cast_known(TN_COMPLEX128, TN_COMPLEX64));
    tn_cast(TN_COMPLEX128, TN_COMPLEX64, TN_OVERFLOW_ERROR, in, out, 2, &stats);
    assert_int_equal(stats.overflows, 1);
    assert_int_equal(stats.inexact, 1);
    assert_true(out[0] > 3e38f && out[1] == 0 && __builtin_signbit(out[1]) && out[3] == 3);
    tn_cast(TN_COMPLEX64, TN_COMPLEX128, TN_OVERFLOW_ERROR, out, back, 2, NULL);
    assert_true(back[2] == (double)0.1f && back[3] == 3);
    assert_true(tn_cast_lossless(TN_COMPLEX64, TN_COMPLEX128));
    assert_false(tn_cast_lossless(TN_COMPLEX128, TN_COMPLEX64));
}

static void test_what_is_unknown(void **state)
{
    (void)state;
    assert_false(tn_cast_known(TN_FLOAT32, TN_STRING));
    assert_false(tn_cast_known(TN_STRING, TN_STRING));
    assert_false(tn_cast_known(TN_COMPLEX64, TN_FLOAT32));
    assert_false(tn_cast_known(TN_FLOAT32, TN_COMPLEX64));
    assert_false(tn_cast_known(TN_QINT8, TN_INT8));
    assert_false(tn_cast_known(TN_FLOAT32, TN_QUINT16));
    assert_false(tn_cast_known(TN_FLOAT4_E2M1FN, TN_FLOAT32));
    assert_false(tn_cast_known(TN_FLOAT4_E2M1FN, TN_FLOAT4_E2M1FN));
    assert_false(tn_cast_known(TN_FLOAT32, TN_DTYPE_NONE));
    assert_true(tn_cast_known(TN_QINT8, TN_QINT8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_pair_is_exact),
        cmocka_unit_test(test_every_pair_is_exact_in_vectors),
        cmocka_unit_test(test_vectors_equal_loops),
        cmocka_unit_test(test_equal_dtypes_are_copied),
        cmocka_unit_test(test_complex_is_two_floats),
        cmocka_unit_test(test_what_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
