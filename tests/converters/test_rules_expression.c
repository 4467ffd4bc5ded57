/* Expressions: values as Python computes them, overflow, and for everything that is wrong the
 * offset.
 */
#include "converters/conv.h"
#include "converters/rules/template.h"

enum { ZERO = 1000000007 }; /* stands for a division by zero */

/* What the tests' expressions may name: holes {i} and {j}, a choice of numbers, a segment,
 * variables.
 */
static const char pattern_text[] = "a/{i:int}/{j:int03}/{c:7|08}/{s:p|q}/{x}";
static const char name_text[] = "a/11/003/08/q/z";

static tn_status size_of(const void *sizes, tn_str name, int64_t axis, int64_t *size_out,
                         tn_error *err)
{
    assert_null(sizes);
    if (!tn_str_equal(name, TN_LIT("emb/w:0"))) {
        return tni_fail(err, TN_E_NAME, "no tensor");
    }
    *size_out = 768 + axis;
    return TN_OK;
}

/* Compiles and runs; *at_out is the offset of a compile error. */
static tn_status run(tn_context *ctx, const char *text, int64_t *value_out, size_t *at_out,
                     tn_error *err)
{
    static tni_var vars[] = {{{"n", 1}, {"-7", 2}},
                             {{"big", 3}, {"9223372036854775807", 19}},
                             {{"word", 4}, {"x1", 2}},
                             {{"huge", 4}, {"9223372036854775808", 19}}};
    static const int64_t ranked[] = {2, 5, 11, 12};
    tni_vars all = {vars, 4};
    tni_seen_numbers seen[8] = {{ranked, 4}};
    tni_arena arena;
    tn_pattern *pattern;
    tni_matcher matcher;
    tni_expression expression;
    size_t end = 0;
    bool found = false;
    tni_arena_init(&arena, ctx, 1 << 20);
    tni_matcher_init(&matcher, ctx);
    conv_ok(tni_pattern_compile(&arena, tn_str_of(pattern_text), 0, &pattern, NULL, err), err);
    conv_ok(tni_pattern_match(pattern, &matcher, tn_str_of(name_text), &found, err), err);
    assert_true(found);
    tni_scope scope = {pattern, &all, NULL};
    tni_values values = {.bound = matcher.bound, .seen = seen, .size = size_of};
    tn_status status =
        tni_expression_compile(&arena, tn_str_of(text), &scope, &expression, &end, at_out, err);
    if (status == TN_OK) {
        assert_int_equal(end, strlen(text));
        status = tni_expression_run(&expression, &values, value_out, err);
    }
    tni_matcher_clear(&matcher);
    tni_arena_clear(&arena);
    return status;
}

typedef struct row {
    const char *text;
    int64_t value;
} row;

/* By Python 3.11, with i = 11, j = 3, n = -7. */
static const row python_rows[] = {{"8-i%i-(-6)*j", 26},
                                  {"-(n*n + -5)", -44},
                                  {"j*j%12-27 + -(i%35)", -29},
                                  {"n--9 + i*-(j//n)", 13},
                                  {"(n) % (j-i)", -7},
                                  {"2*i*n%8//i", 0},
                                  {"j-j%-(n)*n-2*(8)", 8},
                                  {"(j)//2*j*27 + n//n % 36", 82},
                                  {"-((j)%-7*j)", 12},
                                  {"(-(j)%35*-5)", -160},
                                  {"(n)", -7},
                                  {"n*n*-8-j*n*j%(j)", -392},
                                  {"i%i-i*i%j % j", -1},
                                  {"i%-(-1)*(i)", 0},
                                  {"-8*-4", 32},
                                  {"-2//n-(j)//(i) % (n)", 0},
                                  {"(24//i%n % j)", 1},
                                  {"(i)//n", -2},
                                  {"(j)", 3},
                                  {"j + 22//j*-(i//i)", -4},
                                  {"(-5 % -9-40)", -45},
                                  {"-(13 % n)", 1},
                                  {"j-j % 24-n", 7},
                                  {"-6%i + n % (n)", 5},
                                  {"-1%i//i + (j) % -6", -3},
                                  {"25-i*(-7) + i % i%n*i", 102},
                                  {"n//-5//35*n%j//j//33--7", 7},
                                  {"i//j//n//i", -1},
                                  {"j%8 % -2%(i%3)", 1},
                                  {"((n)//i + 39)", 38},
                                  {"10 % -(15 + i)", -16},
                                  {"(j % i*24)", 72},
                                  {"-6%39 + i//i*i", 44},
                                  {"(i) + 10//i//i", 11},
                                  {"-((35 + 33))", -68},
                                  {"13%i//j*-(j + -2)", 0},
                                  {"(10%j%-(n))", 1},
                                  {"n-n", 0},
                                  {"i-n//-5//i%-4", 11},
                                  {"(-6 % -9*n//j)", 14},
                                  {"(j-(n))", 10},
                                  {"(-(n))*(30-i)", 133},
                                  {"-(j + (18))", -21},
                                  {"(-(37//j))", -12},
                                  {"j--3//i*n + n%12", 1},
                                  {"-(-(n % n))", 0},
                                  {"n % j % (20)", 2},
                                  {"-9//-9", 1},
                                  {"14*n % (-8)-(n) + n*-3", 26},
                                  {"n*29*i//11", -203},
                                  {"-7%-(30 % n)", 3},
                                  {"j//-6%3-n-i%n//37", 10},
                                  {"j % -3-(j) % (-8*n)", -3},
                                  {"j//(i//11)", 3},
                                  {"i + i-j + n*-2", 33},
                                  {"i//-9", -2},
                                  {"-(j)", -3},
                                  {"i//24*-8-j", -3},
                                  {"j//-8*i % -2//(n)", 0},
                                  {"23 % (j)", 2},
                                  {"n % i", 4},
                                  {"(29--2)%(i)%-(n)", 2},
                                  {"(-2//j)//9*-9//27--2", 2},
                                  {"(-(21))*i", -231},
                                  {"(-7)*-(i)-i + j", 69},
                                  {"(i)*j-j//-3 + 31*(n)", -183},
                                  {"n*n + -1", 48},
                                  {"(i + i%-5%j)", 13},
                                  {"34 % j//i//i%j % j", 0},
                                  {"(-(j) % i//i)", 0}};

static const row rows[] = {
    {"7", 7},
    {"i-1", 10},
    {"i*4+j", 47},
    {"c", 8},
    {"c+1", 9},
    {"-i", -11},
    {"--i", 11},
    {"-2*3", -6},
    {"2--3", 5},
    {"rank(i)", 2},
    {"rank( i )*2+1", 5},
    {"dim(\"emb/w:0\", 0)", 768},
    {"dim('emb/w:0',-1)//n", -110},
    {"big", INT64_MAX},
    {"-big-1", INT64_MIN},
    {"(-big-1)%-1", 0},
    {"big%2", 1},
    {"((((i))))", 11},
    {"9223372036854775807", INT64_MAX},
    {"0009", 9},
};

static size_t check_rows(conv *c, const row *all, size_t count)
{
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        tn_error err = {0};
        int64_t value = 0;
        size_t at = 0;
        tn_status status = run(c->ctx, all[i].text, &value, &at, &err);
        bool good = all[i].value == ZERO ? status == TN_NO && strstr(err.message, "by zero") != NULL
                                         : status == TN_OK && value == all[i].value;
        if (!good) {
            print_error("%s: %" PRId64 ", not %" PRId64 " (%s)\n", all[i].text, value, all[i].value,
                        err.message);
            wrong++;
        }
    }
    return wrong;
}

static void computes_as_python_does(void **state)
{
    assert_int_equal(check_rows(*state, python_rows, sizeof python_rows / sizeof python_rows[0]),
                     0);
    assert_int_equal(check_rows(*state, rows, sizeof rows / sizeof rows[0]), 0);
}

typedef struct refusal {
    const char *text;
    size_t at;
    const char *part;
} refusal;

static const refusal refusals[] = {
    {"i-", 2, "ends where a number or a name"},
    {"i+*2", 2, "stands '*2' where a number or a name"},
    {"(i+1", 0, "nothing closes a '('"},
    {"i*(j+(2)", 2, "nothing closes a '('"},
    {"i+1)", 3, "a ')' has no '('"},
    {"i j", 2, "stands 'j' where an operator"},
    {"i/2", 1, "'/' is no operator"},
    {"i**2", 2, "where a number or a name"},
    {"2^3", 1, "where an operator"},
    {"9223372036854775808", 0, "does not fit 64 bits"},
    {"i+99999999999999999999999999999999", 2, "does not fit 64 bits"},
    {"1+word", 2, "the variable 'word' is no whole number: 'x1'"},
    {"huge", 0, "the variable 'huge' is no whole number"},
    {"x+1", 0, "the hole {x} is not bound to numbers"},
    {"1+s", 2, "the hole {s} is not bound to numbers"},
    {"i+k", 2, "there is no hole or variable 'k'"},
    {"rank(k)", 5, "where the name of a hole"},
    {"rank(x)", 5, "the hole {x} is not bound to numbers"},
    {"rank(i", 6, "ends where a ')'"},
    {"rank", 0, "no hole or variable 'rank'"},
    {"dim(emb, 0)", 4, "where a tensor's name in quotes"},
    {"dim(\"emb)", 5, "where a tensor's name in quotes"},
    {"dim(\"emb\" 0)", 10, "where a comma"},
    {"dim(\"emb\", i)", 11, "where an axis"},
    {"dim(\"emb\", 0", 12, "ends where a ')'"},
    {"1.5", 1, "stands '.5' where an operator"},
};

static void says_where_it_is_wrong(void **state)
{
    conv *c = *state;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        tn_error err = {0};
        int64_t value;
        size_t at = 99;
        tn_status status = run(c->ctx, refusals[i].text, &value, &at, &err);
        if (status != TN_RULE_FILE || at != refusals[i].at ||
            strstr(err.message, refusals[i].part) == NULL) {
            print_error("%s: at %zu: %s\n", refusals[i].text, at, err.message);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static void checks_every_step(void **state)
{
    conv *c = *state;
    static const char *const large[] = {"big+1",        "-big-2",    "big*2",
                                        "(-big-1)//-1", "-(-big-1)", "big*big%5"};
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
        tn_error err = {0};
        int64_t value = 4711;
        size_t at;
        assert_int_equal(run(c->ctx, large[i], &value, &at, &err), TN_NO);
        assert_int_equal(err.code, TN_E_NAME);
        assert_non_null(strstr(err.message, "exceeds 64 bits"));
        assert_int_equal(value, 4711);
    }
    tn_error err = {0};
    int64_t value;
    size_t at;
    assert_int_equal(run(c->ctx, "dim('other', 0)", &value, &at, &err), TN_NO);
    assert_string_equal(err.message, "no tensor");
}

/* Depth and length are bounded, and refused as such. */
static void bounds_depth_and_length(void **state)
{
    conv *c = *state;
    static const char heads[] = {'(', '-', '1'};
    static char text[4000];
    for (size_t k = 0; k < sizeof heads; k++) {
        tn_error err = {0};
        int64_t value;
        size_t at, len = 0;
        for (int i = 0; i < 1000; i++) {
            text[len++] = heads[k];
            if (heads[k] == '1') {
                text[len++] = '+';
            }
        }
        text[len++] = '1';
        for (int i = 0; heads[k] == '(' && i < 1000; i++) {
            text[len++] = ')';
        }
        text[len] = '\0';
        assert_int_equal(run(c->ctx, text, &value, &at, &err), TN_RULE_FILE);
        assert_non_null(strstr(err.message, "more than 256 steps"));
    }
    tn_error err = {0};
    int64_t value;
    size_t at, len = 0;
    for (int i = 0; i < 120; i++) {
        text[len++] = '(';
    }
    text[len++] = 'i';
    for (int i = 0; i < 120; i++) {
        text[len++] = ')';
    }
    text[len] = '\0';
    conv_ok(run(c->ctx, text, &value, &at, &err), &err);
    assert_int_equal(value, 11);
}

/* Whatever bytes it is made of, an expression is computed or refused. */
static void survives_any_text(void **state)
{
    conv *c = *state;
    static const char *const pieces[] = {"i", "j",  "n",    "x",   "1", "0", "+",  "-",
                                         "*", "//", "%",    "/",   "(", ")", " ",  "rank(",
                                         ",", "\"", "dim(", "big", ":", "'", "99", "emb/w:0"};
    uint64_t random = 1147;
    size_t good = 0;
    for (int i = 0; i < 20000; i++) {
        char text[128];
        size_t len = 0, n = 1 + conv_random(&random, 7), at = 0;
        for (size_t k = 0; k < n; k++) {
            const char *piece = pieces[conv_random(&random, sizeof pieces / sizeof pieces[0])];
            memcpy(text + len, piece, strlen(piece));
            len += strlen(piece);
        }
        text[len] = '\0';
        if (strchr(text, ':') != NULL) {
            continue; /* where an expression ends */
        }
        tn_error err = {0};
        int64_t value;
        tn_status status = run(c->ctx, text, &value, &at, &err);
        good += status == TN_OK;
        assert_true(status == TN_OK || (status == TN_RULE_FILE && at <= len) ||
                    (status == TN_NO && err.code == TN_E_NAME));
    }
    assert_in_range(good, 1000, 12000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONV_TEST(computes_as_python_does), CONV_TEST(says_where_it_is_wrong),
        CONV_TEST(checks_every_step),       CONV_TEST(bounds_depth_and_length),
        CONV_TEST(survives_any_text),
    };
    return cmocka_run_group_tests_name("converters/rules/expression", tests, NULL, NULL);
}
