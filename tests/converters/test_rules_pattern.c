/* Patterns with holes: what they match, what they bind, what they refuse, and a slow but plain
 * matcher beside them. */
#include "converters/conv.h"
#include "converters/rules/pattern.h"
#include "converters/rules/template.h"
#include <tenon/text.h>
#include <time.h>

/* Renders `to` for a name; "-" if the pattern does not match it. */
static void render(tn_context *ctx, const char *from, const char *to, tn_str name, char *text,
                   size_t room)
{
    tni_arena arena;
    tn_pattern *pattern;
    tni_template *target;
    tni_matcher matcher;
    tni_buffer out;
    size_t at;
    tn_error err = {0};
    bool found;
    tni_arena_init(&arena, ctx, 1 << 20);
    tni_matcher_init(&matcher, ctx);
    tni_buffer_init(&out, ctx);
    conv_ok(tni_pattern_compile(&arena, tn_str_of(from), 0, &pattern, &at, &err), &err);
    char separator = strchr(to, '.') != NULL ? '.' : '/';
    conv_ok(tni_template_compile(&arena, tn_str_of(to), separator,
                                 &(tni_scope){pattern, NULL, NULL}, &target, &at, &err),
            &err);
    conv_ok(tni_pattern_match(pattern, &matcher, name, &found, &err), &err);
    if (!found) {
        snprintf(text, room, "-");
    } else if (tni_template_render(target, pattern, &(tni_values){.bound = matcher.bound}, &out,
                                   &err) != TN_OK) {
        snprintf(text, room, "! %s", tn_code_name(err.code));
    } else {
        snprintf(text, room, "%.*s", (int)out.len, out.data);
    }
    tni_buffer_clear(&out);
    tni_matcher_clear(&matcher);
    tni_arena_clear(&arena);
}

typedef struct row {
    const char *from, *to, *name, *want;
} row;

static const row rows[] = {
    {"my_model/{x:**}", "{x}", "my_model/W", "W"},
    {"my_model/{x:**}", "{x}", "my_model/a/W", "a/W"},
    {"my_model/{x:**}", "{x}", "my_model/", "-"},
    {"my_model/{x:**}", "{x}", "my_model", "-"},
    {"my_model/{x}", "{x}", "my_model/a/W", "-"},
    {"{x:**}", "a/{x}", "W", "a/W"},
    {"{x:**}/kernel", "{x}.weight", "bert/encoder/kernel", "bert.encoder.weight"},
    {"{x:**}/kernel", "{x}.weight", "kernel", "-"},
    {"{x:**}/kernel", "{x}.weight", "bert.v2/kernel", "! TN_E_NAME"},
    {"{x}/w", "{x}.w", "a.b/w", "! TN_E_NAME"},
    {"{x}.w", "{x}.v", "a/b.w", "a/b.v"},
    {"{x}.w", "{x}.v", "a.b.w", "-"},
    /* Numbers. */
    {"h{i:int}/w", "h.{i}.w", "h10/w", "h.10.w"},
    {"h{i:int}/w", "h.{i}.w", "h0/w", "h.0.w"},
    {"h{i:int}/w", "h.{i}.w", "h01/w", "-"},
    {"h{i:int}/w", "h.{i}.w", "h/w", "-"},
    {"h{i:int}/w", "h.{i}.w", "h-1/w", "-"},
    {"h{i:int}/w", "h.{i}.w", "h999999999999999999/w", "h.999999999999999999.w"},
    {"h{i:int}/w", "h.{i}.w", "h1000000000000000000/w", "-"},
    {"b_{b:int03}/x", "b.{b}.x", "b_000/x", "b.0.x"},
    {"b_{b:int03}/x", "b.{b}.x", "b_012/x", "b.12.x"},
    {"b_{b:int03}/x", "b.{b}.x", "b_12/x", "-"},
    {"b_{b:int03}/x", "b.{b}.x", "b_0012/x", "-"},
    {"b{b:int}/x", "b_{b:int03}/x", "b7/x", "b_007/x"},
    {"b{b:int}/x", "b_{b:int03}/x", "b1234/x", "b_1234/x"},
    {"{a:int}{b:int}", "{a}-{b}", "123", "1-23"},
    /* Choices. */
    {"{s:encoder|decoder}/w", "{s}.w", "decoder/w", "decoder.w"},
    {"{s:encoder|decoder}/w", "{s}.w", "coder/w", "-"},
    {"{v:**}/{s:Adam|Adam_1}", "{s}/{v}", "a/W/Adam_1", "Adam_1/a/W"},
    {"{v:**}/{s:m|v}", "{s}/{v}", "W/mv", "-"},
    {"{a:x|xy}{b}", "{a},{b}", "xyz", "x,yz"},
    /* Within a segment; the earlier hole takes the shorter piece. */
    {"layer_{i:int}_{p}", "{i}/{p}", "layer_3_kernel", "3/kernel"},
    {"{a}_{b}", "{b}/{a}", "x_1_2", "1_2/x"},
    {"{a:**}/{b:**}", "{b}|{a}", "p/q/r", "q/r|p"},
    {"{w}_slot_vr", "{w}", "q_slot_vr", "q"},
    {"{x}{y}", "{y}{x}", "ab", "ba"},
    {"{x}{y}", "{y}{x}", "a", "-"},
    /* A hole twice. */
    {"{s}/{s}/{x}", "{s}/{x}", "a/a/W", "a/W"},
    {"{s}/{s}/{x}", "{s}/{x}", "a/b/W", "-"},
    {"{s:**}/{s}/{x}", "{s}/{x}", "a/b/a/b/W", "a/b/W"},
    {"{i:int}/{i:int03}", "{i}", "7/007", "7"},
    {"{i:int}/{i:int03}", "{i}", "7/008", "-"},
    {"{i:int}/{i}", "{i}", "7/7", "7"},
    {"{i:int}/{i}", "{i}", "7/07", "-"},
    /* Braces that are letters. */
    {"odd{{name}}", "ok", "odd{name}", "ok"},
    {"{{{x}}}", "{{{x}.{x}}}", "{a}", "{a.a}"},
    {"a", "{{}}", "a", "{}"},
};

static void binds_and_renders(void **state)
{
    conv *c = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[200];
        render(c->ctx, rows[i].from, rows[i].to, tn_str_of(rows[i].name), text, sizeof text);
        if (strcmp(text, rows[i].want) != 0) {
            fail_msg("'%s' -> '%s' on '%s': '%s', not '%s'", rows[i].from, rows[i].to, rows[i].name,
                     text, rows[i].want);
        }
    }
    char text[64];
    render(c->ctx, "{x}/w", "{x}", TN_LIT("\xFF\x01/w"), text, sizeof text);
    assert_string_equal(text, "\xFF\x01");
}

typedef struct refusal {
    const char *from, *part;
    size_t at;
} refusal;

static const refusal refusals[] = {
    {"a/{x", "'{' has no '}'", 2},
    {"a/x}", "'}' has no '{'", 3},
    {"a{", "'{' has no '}'", 1},
    {"{a{b}}", "'{' has no '}'", 0},
    {"{}", "has no name", 0},
    {"a/{1x}", "has no name", 2},
    {"a/{x y}", "has no name", 2},
    {"{$x}", "has no name", 0},
    {"{x:}", "no type ''", 0},
    {"b/{x:word}", "no type 'word'", 2},
    {"{x:int3}", "no type 'int3'", 0},
    {"{x:int00}", "no type 'int00'", 0},
    {"{x:int019}", "no type 'int019'", 0},
    {"{x:a|}", "empty word", 0},
    {"{x:a|a}", "a word twice", 0},
    {"q/{x:a/b|c}", "holds the separator", 2},
    {"*/{x}", "mixes stars and holes", 2},
    {"{x}/*", "mixes stars and holes", 4},
    {"a/{x:int}{x:**}", "two different types", 9},
    {"re:^(a$", "missing closing parenthesis", 7},
};

static void refuses_with_the_place(void **state)
{
    conv *c = *state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        tni_arena arena;
        tn_pattern *pattern = NULL;
        size_t at = 99;
        tn_error err = {0};
        tni_arena_init(&arena, c->ctx, 1 << 20);
        tn_status status =
            tni_pattern_compile(&arena, tn_str_of(refusals[i].from), 0, &pattern, &at, &err);
        if (status != TN_RULE_FILE || strstr(err.message, refusals[i].part) == NULL ||
            at != refusals[i].at) {
            fail_msg("'%s': '%s' at %zu", refusals[i].from, err.message, at);
        }
        assert_null(pattern);
        tni_arena_clear(&arena);
    }
}

static void refuses_targets(void **state)
{
    conv *c = *state;
    static const struct {
        const char *from, *to, *part;
    } bad[] = {
        {"{x}", "{y}", "nothing binds the hole {y}"},
        {"a", "{y}", "nothing binds"},
        {"a*", "{y}", "nothing binds"},
        {"{x}", "{x:int}", "takes no type"},
        {"{x:**}", "{x:**}", "takes no type"},
        {"{i:int}", "{i:int3}", "takes no type"},
        {"{i:int}", "{i-}", "ends where a number or a name"},
        {"{x}", "{rank(x)}", "not bound to numbers"},
        {"{i:int}", "{1}", "nothing binds the hole {1}"},
        {"{p}", "{p|part}", "there is no table 'part'"},
        {"{x}", "{x", "has no '}'"},
        {"{x}", "{}", "has no name"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        tni_arena arena;
        tn_pattern *pattern;
        tni_template *target = NULL;
        size_t at;
        tn_error err = {0};
        tni_arena_init(&arena, c->ctx, 1 << 20);
        conv_ok(tni_pattern_compile(&arena, tn_str_of(bad[i].from), 0, &pattern, &at, &err), &err);
        tn_status status =
            tni_template_compile(&arena, tn_str_of(bad[i].to), '/',
                                 &(tni_scope){pattern, NULL, NULL}, &target, &at, &err);
        if (status != TN_RULE_FILE || strstr(err.message, bad[i].part) == NULL) {
            fail_msg("'%s' -> '%s': '%s'", bad[i].from, bad[i].to, err.message);
        }
        assert_null(target);
        tni_arena_clear(&arena);
    }
}

/* Matching by trying everything, from the text itself; binds the first reading found. Types: S
 * segment, P path, I int, C choice ab|b, 2 int02; lower-case letters and '/' stand for themselves.
 * `hole` counts the holes; equal digits after a type name one hole. */
typedef struct plain {
    const char *kinds;
    tn_str bound[10];
} plain;

static bool plain_number(tn_str t, bool two)
{
    for (size_t i = 0; i < t.len; i++) {
        if (t.data[i] < '0' || t.data[i] > '9') {
            return false;
        }
    }
    return two ? t.len == 2 : t.len == 1 || (t.len > 1 && t.data[0] != '0');
}

static bool plain_fits(char kind, tn_str t)
{
    switch (kind) {
    case 'S':
        return memchr(t.data, '/', t.len) == NULL;
    case 'P':
        return true;
    case 'I':
        return plain_number(t, false);
    case '2':
        return plain_number(t, true);
    default:
        return tn_str_equal(t, TN_LIT("ab")) || tn_str_equal(t, TN_LIT("b"));
    }
}

static bool plain_match(plain *m, const char *p, tn_str name)
{
    if (*p == '\0') {
        return name.len == 0;
    }
    if (*p < 'A' || *p > 'Z') {
        bool literal = name.len > 0 && *p == *name.data && *p != '#';
        return literal && plain_match(m, p + 1, tn_str_skip(name, 1));
    }
    size_t hole = (size_t)(p[1] - '0');
    char kind = *p == 'T' ? '2' : *p;
    tn_str before = m->bound[hole];
    /* A choice is tried in the order of its words. */
    for (size_t turn = 1; turn <= name.len || (kind == 'C' && turn == 2); turn++) {
        size_t len = kind == 'C' && turn <= 2 ? 3 - turn : turn;
        tn_str t = tn_str_first(name, len <= name.len ? len : 0);
        if (t.len == 0 || !plain_fits(kind, t) ||
            (before.data != NULL && !tn_str_equal(before, t))) {
            continue;
        }
        m->bound[hole] = t;
        if (plain_match(m, p + 2, tn_str_skip(name, t.len))) {
            return true;
        }
        m->bound[hole] = before;
    }
    return false;
}

static void spell_pattern(const char *p, char *text, size_t room)
{
    static const char *const types[] = {
        ['S'] = "", ['P'] = ":**", ['I'] = ":int", ['C'] = ":ab|b", ['T'] = ":int02"};
    size_t used = 0;
    for (; *p != '\0'; p++) {
        if (*p < 'A' || *p > 'Z') {
            used += (size_t)snprintf(text + used, room - used, "%c", *p);
        } else {
            used += (size_t)snprintf(text + used, room - used, "{h%c%s}", p[1], types[(int)*p]);
            p++;
        }
    }
}

static void agrees_with_trying_everything(void **state)
{
    conv *c = *state;
    uint64_t random = 0x9E3779B97F4A7C15u;
    size_t found = 0, repeated = 0;
    for (int round = 0; round < 60000; round++) {
        char p[64] = "", text[256] = "", name[16] = "";
        char kinds[10] = {0};
        size_t n = 1 + conv_random(&random, 5), len = conv_random(&random, 8), used = 0;
        for (size_t k = 0; k < n; k++) {
            if (conv_random(&random, 2) == 0) {
                p[used++] = "ab/1"[conv_random(&random, 4)];
                continue;
            }
            char hole = (char)('0' + conv_random(&random, 4));
            if (kinds[hole - '0'] == 0) {
                kinds[hole - '0'] = "SPICT"[conv_random(&random, 5)];
            } else {
                repeated++;
            }
            p[used++] = kinds[hole - '0'];
            p[used++] = hole;
        }
        for (size_t k = 0; k < len; k++) {
            name[k] = "ab/10"[conv_random(&random, 5)];
        }
        spell_pattern(p, text, sizeof text);
        tni_arena arena;
        tn_pattern *pattern;
        tni_matcher matcher;
        tn_error err = {0};
        bool got;
        tni_arena_init(&arena, c->ctx, 1 << 20);
        tni_matcher_init(&matcher, c->ctx);
        conv_ok(tni_pattern_compile(&arena, tn_str_of(text), '/', &pattern, NULL, &err), &err);
        conv_ok(tni_pattern_match(pattern, &matcher, tn_str_of(name), &got, &err), &err);
        plain m = {.kinds = p};
        bool want = plain_match(&m, p, tn_str_of(name));
        if (want != got) {
            fail_msg("'%s' on '%s' should be %d", text, name, want);
        }
        for (int h = 0; want && h < 4; h++) {
            char hole[3] = {'h', (char)('0' + h), 0};
            int slot = tni_pattern_slot(pattern, tn_str_of(hole));
            assert_int_equal(slot >= 0, m.bound[h].data != NULL);
            if (slot >= 0 && !tn_str_equal(matcher.bound[slot].text, m.bound[h])) {
                fail_msg("'%s' on '%s': h%d is '%.*s', not '%.*s'", text, name, h,
                         (int)matcher.bound[slot].text.len, matcher.bound[slot].text.data,
                         (int)m.bound[h].len, m.bound[h].data);
            }
        }
        found += want;
        tni_matcher_clear(&matcher);
        tni_arena_clear(&arena);
    }
    assert_in_range(found, 2000, 50000);
    assert_in_range(repeated, 5000, 200000);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static tn_status match_long(tn_context *ctx, const char *text, size_t len, bool *found)
{
    tni_arena arena;
    tn_pattern *pattern;
    tni_matcher matcher;
    tn_error err = {0};
    char *name = malloc(len);
    memset(name, 'a', len);
    tni_arena_init(&arena, ctx, 1 << 20);
    tni_matcher_init(&matcher, ctx);
    conv_ok(tni_pattern_compile(&arena, tn_str_of(text), 0, &pattern, NULL, &err), &err);
    tn_status status = tni_pattern_match(pattern, &matcher, (tn_str){name, len}, found, &err);
    tni_matcher_clear(&matcher);
    tni_arena_clear(&arena);
    free(name);
    return status;
}

static void is_bounded(void **state)
{
    conv *c = *state;
    bool found;
    double start = seconds();
    assert_int_equal(
        match_long(c->ctx, "{a:**}{b:**}{c:**}{d:**}{e:**}{f:**}{g:**}x", 60000, &found), TN_OK);
    assert_false(found);
    assert_int_equal(match_long(c->ctx, "{a:**}a{b:**}a{c:**}a{d:**}a{e}a{f}a{g}", 60000, &found),
                     TN_OK);
    assert_true(found);
    /* A repeated hole is searched for no longer than TNI_MATCH_STEPS. */
    assert_int_equal(match_long(c->ctx, "{a:**}{b:**}{c:**}{d:**}{a}b{b}{c}{d}", 3000, &found),
                     TN_OK);
    assert_false(found);
    assert_int_equal(match_long(c->ctx,
                                "{a:**}{b:**}{c:**}{d:**}{a}{b}{c}{d}{d}{d}{d}{a}{a}{a}{b}{b}{b}",
                                2999, &found),
                     TN_LIMIT);
    assert_true(seconds() - start < 20);
}

/* Whatever bytes an argument holds, it compiles or is refused, and matches in the end. */
static void survives_any_bytes(void **state)
{
    conv *c = *state;
    uint64_t random = 77;
    size_t compiled = 0;
    for (int i = 0; i < 30000; i++) {
        static const char bytes[] = "{}{}{}**:/.|=$\\xaint03re_\x01\xC3\xA9";
        char text[40];
        size_t len = conv_random(&random, sizeof text - 1);
        for (size_t k = 0; k < len; k++) {
            text[k] = bytes[conv_random(&random, sizeof bytes - 1)];
        }
        text[len] = '\0';
        tn_pattern *pattern;
        tn_error err = {0};
        tn_status status = tn_pattern_new(c->ctx, text, &pattern, &err);
        if (status == TN_OK) {
            compiled++;
            tn_pattern_matches(pattern, tn_str_of(text));
            tn_pattern_matches(pattern, TN_LIT("a/int03/x.re"));
            tn_pattern_matches(pattern, TN_LIT(""));
            tn_pattern_free(pattern);
        } else {
            assert_int_equal(status, TN_RULE_FILE);
            assert_true(err.message[0] != '\0');
        }
    }
    assert_in_range(compiled, 300, 29000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONV_TEST(binds_and_renders), CONV_TEST(refuses_with_the_place),
        CONV_TEST(refuses_targets),   CONV_TEST(agrees_with_trying_everything),
        CONV_TEST(is_bounded),        CONV_TEST(survives_any_bytes),
    };
    return cmocka_run_group_tests_name("converters/rules/pattern", tests, NULL, NULL);
}
