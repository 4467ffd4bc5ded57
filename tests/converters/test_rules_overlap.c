/* Overlaps told from patterns alone: names that both match, proofs that there is none, and the same
 * asked of all short names. */
#include "converters/conv.h"
#include "converters/rules/overlap.h"

static tni_overlap compare(tn_context *ctx, const char *a, const char *b, char *witness,
                           size_t room)
{
    tni_arena arena;
    tn_pattern *first, *second;
    tni_overlap overlap;
    tn_str name;
    tn_error err = {0};
    tni_arena_init(&arena, ctx, 1 << 28);
    conv_ok(tni_pattern_compile(&arena, tn_str_of(a), '/', &first, NULL, &err), &err);
    conv_ok(tni_pattern_compile(&arena, tn_str_of(b), '/', &second, NULL, &err), &err);
    conv_ok(tni_patterns_overlap(&arena, first, second, &overlap, &name, &err), &err);
    snprintf(witness, room, "%.*s", (int)name.len, name.data == NULL ? "" : name.data);
    tni_arena_clear(&arena);
    return overlap;
}

typedef struct row {
    const char *a, *b;
    tni_overlap overlap;
    const char *witness;
} row;

static const row rows[] = {
    {"my_model/{x:**}", "{x:**}/W", TNI_OVERLAP, "my_model/W"},
    {"my_model/{x:**}", "my_model/W", TNI_OVERLAP, "my_model/W"},
    {"a", "a", TNI_OVERLAP, "a"},
    {"a", "b", TNI_APART, ""},
    {"{x}/w", "{x}/{y}/w", TNI_APART, ""},
    {"{x:**}/w", "{x}/{y}/w", TNI_OVERLAP, "x/x/w"},
    {"h{i:int}", "h{i:int03}", TNI_OVERLAP, "h100"},
    {"h{i:int02}", "h{i:int03}", TNI_APART, ""},
    {"h{i:int}", "h0{x}", TNI_APART, ""},
    {"h{i:int}", "h{s:00|01}", TNI_APART, ""},
    {"h{i:int}", "h{s:00|10}", TNI_OVERLAP, "h10"},
    {"{i:int}", "1000000000000000000", TNI_APART, ""},
    {"{i:int}", "999999999999999999", TNI_OVERLAP, "999999999999999999"},
    {"{s:weight|bias}", "{s:gamma|beta}", TNI_APART, ""},
    {"{a}_{b:weight|bias}", "{s:q|k}_{t:bias|beta}", TNI_OVERLAP, "k_bias"},
    {"**/Adam*", "{v:**}/{s:m|v}", TNI_APART, ""},
    {"**/Adam*", "{v:**}/{s:m|Adam_1}", TNI_OVERLAP, "x/Adam_1"},
    {"**/bias", "bias", TNI_OVERLAP, "bias"},
    {"**/bias", "*bias", TNI_OVERLAP, "bias"},
    {"*", "{x}/{y}", TNI_APART, ""},
    {"**", "{x}/{y}", TNI_OVERLAP, "x/x"},
    {"a*", "*b", TNI_OVERLAP, "ab"},
    {"layer_{i:int}/{p}", "layer_{i:int}/attn/{p}", TNI_APART, ""},
    {"re:a", "a", TNI_UNKNOWN, ""},
    {"{x}/{x}", "{y:**}", TNI_OVERLAP, "x/x"},
    {"{x}/{x}", "a/b", TNI_UNKNOWN, "a/b"},
    {"{x}/{x}", "a/b/c", TNI_APART, ""},
};

static void finds_witnesses_and_proofs(void **state)
{
    conv *c = *state;
    size_t wrong = 0;
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        const row *one = &rows[i / 2];
        char witness[64];
        tni_overlap overlap = i % 2 == 0 ? compare(c->ctx, one->a, one->b, witness, sizeof witness)
                                         : compare(c->ctx, one->b, one->a, witness, sizeof witness);
        if (overlap != one->overlap || strcmp(witness, one->witness) != 0) {
            print_error("%s, %s: %d '%s'\n", one->a, one->b, (int)overlap, witness);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

/* Tells whether some name of up to six bytes over a small alphabet matches both. */
static bool some_short_name(const tn_pattern *a, const tn_pattern *b, tni_matcher *matcher)
{
    static const char alphabet[] = "ab/01";
    for (size_t len = 0; len <= 6; len++) {
        size_t total = 1;
        for (size_t i = 0; i < len; i++) {
            total *= 5;
        }
        for (size_t k = 0; k < total; k++) {
            char name[8];
            size_t rest = k;
            bool first = false, second = false;
            for (size_t i = 0; i < len; i++, rest /= 5) {
                name[i] = alphabet[rest % 5];
            }
            tn_str text = {name, len};
            assert_int_equal(tni_pattern_match(a, matcher, text, &first, NULL), TN_OK);
            if (first) {
                assert_int_equal(tni_pattern_match(b, matcher, text, &second, NULL), TN_OK);
            }
            if (first && second) {
                return true;
            }
        }
    }
    return false;
}

/* Random pairs of patterns, against all short names: none may match where a proof says so. */
static void agrees_with_all_short_names(void **state)
{
    static const char *const holes[] = {"a",       "b",        "/", "{x}", "{y:**}",
                                        "{i:int}", "{s:a|ab}", "0", "1",   "{u:int02}"};
    static const char *const stars[] = {"a", "b", "/", "*", "**", "**/", "1"};
    conv *c = *state;
    uint64_t random = 20261;
    size_t apart = 0, overlapping = 0;
    for (int round = 0; round < 400; round++) {
        tni_arena arena;
        tni_matcher matcher;
        tn_pattern *pair[2] = {NULL, NULL};
        tni_arena_init(&arena, c->ctx, 1 << 28);
        tni_matcher_init(&matcher, c->ctx);
        for (int side = 0; side < 2; side++) {
            char text[128] = "";
            bool glob = conv_random(&random, 3) == 0;
            for (uint64_t k = 1 + conv_random(&random, 3); k > 0; k--) {
                strcat(text,
                       glob ? stars[conv_random(&random, 7)] : holes[conv_random(&random, 10)]);
            }
            conv_ok(tni_pattern_compile(&arena, tn_str_of(text), '/', &pair[side], NULL, NULL),
                    &(tn_error){0});
        }
        tni_overlap overlap;
        tn_str witness;
        tn_error err = {0};
        conv_ok(tni_patterns_overlap(&arena, pair[0], pair[1], &overlap, &witness, &err), &err);
        bool some = some_short_name(pair[0], pair[1], &matcher);
        apart += overlap == TNI_APART;
        overlapping += overlap == TNI_OVERLAP;
        if ((overlap == TNI_APART && some) ||
            (overlap != TNI_APART && !some && witness.len <= 6 && !pair[0]->repeats &&
             !pair[1]->repeats && memchr(witness.data, 'x', witness.len) == NULL)) {
            fail_msg("%.*s and %.*s: %d, '%.*s'", (int)pair[0]->source.len, pair[0]->source.data,
                     (int)pair[1]->source.len, pair[1]->source.data, (int)overlap, (int)witness.len,
                     witness.data);
        }
        tni_matcher_clear(&matcher);
        tni_arena_clear(&arena);
    }
    assert_true(apart > 50 && overlapping > 50);
}

/* Rules: priorities part them, conditions leave it open. */
static void compares_rules(void **state)
{
    conv *c = *state;
    static const char text[] = "tenon: 1\nrules:\n"
                               "- {match: 'my_model/{x:**}', do: drop}\n"
                               "- {match: [a, 're:b', '{x:**}/W'], do: drop}\n"
                               "- {match: '{x:**}/W', do: drop, priority: 1}\n"
                               "- {match: '{x:**}/W', do: drop, when: {rank: 2}}\n"
                               "- {match: [a, 're:b'], do: drop}\n"
                               "- {match: b, do: drop}\n";
    static const struct {
        size_t a, b;
        tni_overlap overlap;
        const char *witness;
    } pairs[] = {
        {0, 1, TNI_OVERLAP, "my_model/W"}, {0, 2, TNI_APART, NULL},
        {0, 3, TNI_UNKNOWN, "my_model/W"}, {0, 4, TNI_UNKNOWN, NULL},
        {0, 5, TNI_APART, NULL},           {4, 5, TNI_UNKNOWN, NULL},
        {1, 4, TNI_OVERLAP, "a"},
    };
    const char *path = conv_at(c, "r.yaml");
    tni_rule_options options = {.rules = &path, .n_rules = 1};
    tni_arena arena;
    tni_rulesets sets;
    tn_error err = {0};
    conv_store(path, text, strlen(text));
    tni_arena_init(&arena, c->ctx, 1 << 28);
    conv_ok(tni_rules_load(&arena, &options, &sets, &err), &err);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        tni_overlap overlap;
        tn_str witness;
        const tni_rule *rules = sets.at[0].rules;
        conv_ok(tni_rules_overlap(&arena, &rules[pairs[i].a], &rules[pairs[i].b], &overlap,
                                  &witness, &err),
                &err);
        assert_int_equal(overlap, pairs[i].overlap);
        if (pairs[i].witness != NULL) {
            assert_true(tn_str_equal(witness, tn_str_of(pairs[i].witness)));
        }
    }
    tni_arena_clear(&arena);
}

/* Large patterns end, with an answer or without. */
static void ends_soon(void **state)
{
    conv *c = *state;
    static char a[4096], b[4096];
    char witness[64];
    for (size_t i = 0; i + 4 < sizeof a; i += 3) {
        memcpy(a + i, "**a", 4);
        memcpy(b + i, "*b*", 4);
    }
    assert_int_equal(compare(c->ctx, a, b, witness, sizeof witness), TNI_UNKNOWN);
    a[600] = b[600] = '\0';
    assert_int_equal(compare(c->ctx, a, b, witness, sizeof witness), TNI_OVERLAP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONV_TEST(finds_witnesses_and_proofs),
        CONV_TEST(agrees_with_all_short_names),
        CONV_TEST(compares_rules),
        CONV_TEST(ends_soon),
    };
    return cmocka_run_group_tests_name("converters/rules/overlap", tests, NULL, NULL);
}
