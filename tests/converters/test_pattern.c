/* Patterns against names: every rule of the glob, and a slow but plain matcher beside it. */
#include "converters/conv.h"
#include <time.h>

static bool matches(tn_context *ctx, const char *text, tn_str name)
{
    tn_pattern *pattern;
    tn_error err = {0};
    conv_ok(tn_pattern_new(ctx, text, &pattern, &err), &err);
    bool found = tn_pattern_matches(pattern, name);
    tn_pattern_free(pattern);
    return found;
}

typedef struct row {
    const char *pattern, *name;
    bool match;
} row;

static const row rows[] = {
    {"dense/kernel", "dense/kernel", true},
    {"dense/kernel", "dense/kerne", false},
    {"dense/kernel", "dense/kernel2", false},
    {"", "", true},
    {"", "a", false},
    {"*", "", true},
    {"*", "abc", true},
    {"*", "a/b", false},
    {"**", "a/b.c/d", true},
    {"**", "", true},
    {"dense/*", "dense/kernel", true},
    {"dense/*", "dense/", true},
    {"dense/*", "dense/a/b", false},
    {"dense/**", "dense/a/b", true},
    {"dense/**", "dense", false},
    {"*/kernel", "dense/kernel", true},
    {"*/kernel", "kernel", false},
    {"*/kernel", "a/b/kernel", false},
    {"**/bias", "bias", true},
    {"**/bias", "a/bias", true},
    {"**/bias", "a/b/bias", true},
    {"**/bias", "abias", false},
    {"**/bias", "a/xbias", false},
    {"**/*Adam*", "x/y/Adam_1", true},
    {"**/*Adam*", "Adam/x", false},
    {"a/**/b", "a/b", true},
    {"a/**/b", "a/x/y/b", true},
    {"a/**/b", "a/xb", false},
    {"a/**/b", "ab", false},
    {"a/**/**/b", "a/b", true},
    {"a/**/**/b", "a/x/b", true},
    {"a/****", "a/x/y", true},
    {"a***", "a/x/y", true},
    {"a**b", "a/x/b", true},
    {"layer_*/w", "layer_10/w", true},
    {"*a*a*", "banana", true},
    {"*a*a*a*a*", "banana", false},
    /* Without a slash, but with a dot, the dot separates. */
    {"layers.*.weight", "layers.0.weight", true},
    {"layers.*.weight", "layers.0.x.weight", false},
    {"layers.**", "layers.0.x.weight", true},
    {"**.weight", "weight", true},
    {"**.weight", "a.b.weight", true},
    {"**.weight", "a/weight", false},
    {"*.weight", "a/b.weight", true},
    {"*", "a.b", true},
    {"a.*/x", "a.b.c/x", true},
    /* Escapes are read; what they stand for is a byte. */
    {"a\\n*", "a\nb", true},
    {"a\\\\b", "a\\b", true},
    {"a\\x41", "aA", true},
};

static void follows_the_rules(void **state)
{
    conv *c = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool found = matches(c->ctx, rows[i].pattern, tn_str_of(rows[i].name));
        if (found != rows[i].match) {
            fail_msg("'%s' on '%s': %s", rows[i].pattern, rows[i].name,
                     found ? "matches" : "does not match");
        }
    }
    assert_true(matches(c->ctx, "a*b",
                        TN_LIT("a\0x\xFF"
                               "b")));
    assert_true(matches(c->ctx, "a\\x00b", TN_LIT("a\0b")));
    assert_false(matches(c->ctx, "a\\x00b", TN_LIT("a\0c")));
}

/* The rules once more, by trying everything: `sub` is `**` with its separator. */
static bool naive(const char *p, const char *p0, const char *n, char separator)
{
    if (*p == '\0') {
        return *n == '\0';
    }
    if (*p != '*') {
        return *n == *p && naive(p + 1, p0, n + 1, separator);
    }
    bool twice = p[1] == '*';
    bool subtree = twice && p[2] == separator && (p == p0 || p[-1] == separator);
    const char *rest = p + (subtree ? 3 : twice ? 2 : 1);
    if (naive(rest, p0, n, separator)) {
        return true;
    }
    for (; *n != '\0' && (twice || *n != separator); n++) {
        if ((!subtree || *n == separator) && naive(rest, p0, n + 1, separator)) {
            return true;
        }
    }
    return false;
}

static void agrees_with_trying_everything(void **state)
{
    conv *c = *state;
    static const char *const tokens[] = {"a", "b", "/", "*", "**", "**/", "/**/"};
    uint64_t random = 0x9E3779B97F4A7C15u;
    size_t found = 0;
    for (int i = 0; i < 20000; i++) {
        char pattern[64] = "", name[16] = "";
        size_t n = conv_random(&random, 6), len = conv_random(&random, 9);
        for (size_t k = 0; k < n; k++) {
            strcat(pattern, tokens[conv_random(&random, 7)]);
        }
        for (size_t k = 0; k < len; k++) {
            name[k] = "ab/"[conv_random(&random, 3)];
        }
        bool want = naive(pattern, pattern, name, '/');
        found += want;
        if (matches(c->ctx, pattern, tn_str_of(name)) != want) {
            fail_msg("'%s' on '%s' should be %d", pattern, name, want);
        }
    }
    assert_in_range(found, 2000, 18000);
}

static void tells_exact_names(void **state)
{
    conv *c = *state;
    static const row texts[] = {
        {"a/b", NULL, true}, {"", NULL, true}, {"a*", NULL, false}, {"**", NULL, false}};
    for (size_t i = 0; i < 4; i++) {
        tn_pattern *pattern;
        assert_int_equal(tn_pattern_new(c->ctx, texts[i].pattern, &pattern, NULL), TN_OK);
        assert_int_equal(tn_pattern_is_exact(pattern), texts[i].match);
        tn_pattern_free(pattern);
    }
    tn_pattern_free(NULL);
}

static void refuses(void **state)
{
    conv *c = *state;
    tn_pattern *pattern = NULL;
    tn_error err = {0};
    static const char *const bad[] = {"a\\", "a\\q", "\\x4", "\\u{110000}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        err = (tn_error){0};
        assert_int_equal(tn_pattern_new(c->ctx, bad[i], &pattern, &err), TN_RULE_FILE);
        assert_int_equal(err.code, TN_E_RULE);
        assert_non_null(strstr(err.message, "escape"));
        assert_null(pattern);
    }
    char *text = malloc(5000);
    memset(text, 'a', 4999);
    text[4999] = '\0';
    err = (tn_error){0};
    assert_int_equal(tn_pattern_new(c->ctx, text, &pattern, &err), TN_RULE_FILE);
    assert_non_null(strstr(err.message, "4096"));
    text[4096] = '\0';
    assert_true(matches(c->ctx, text, tn_str_of(text)));
    free(text);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A matcher that goes back would take for ever on these. */
static void takes_bounded_time(void **state)
{
    conv *c = *state;
    static const char *const parts[] = {"**a", "*a", "**/a", "**", "*"};
    char *name = malloc(4000);
    memset(name, 'a', 4000);
    double start = seconds();
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        char text[1024] = "";
        while (strlen(text) + strlen(parts[i]) < 800) {
            strcat(text, parts[i]);
        }
        strcat(text, "b");
        assert_false(matches(c->ctx, text, (tn_str){name, 4000}));
    }
    assert_true(seconds() - start < 5.0);
    free(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONV_TEST(follows_the_rules),  CONV_TEST(agrees_with_trying_everything),
        CONV_TEST(tells_exact_names),  CONV_TEST(refuses),
        CONV_TEST(takes_bounded_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
