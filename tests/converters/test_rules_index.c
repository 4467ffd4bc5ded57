/* The index over patterns: what it finds, and how few patterns names are held against. */
#include "converters/conv_rules.h"
#include "converters/rules/bind.h"
#include "converters/rules/match_index.h"

/* Compiles a list of patterns (ended by NULL) into an index. */
static void build(conv *c, tni_arena *arena, tni_match_index *index, const char *const *patterns)
{
    tn_error err = {0};
    tni_arena_init(arena, c->ctx, 1 << 26);
    tni_match_index_init(index, c->ctx);
    for (uint32_t i = 0; patterns[i] != NULL; i++) {
        tn_pattern *pattern;
        conv_ok(tni_pattern_compile(arena, tn_str_of(patterns[i]), '/', &pattern, NULL, &err),
                &err);
        conv_ok(tni_match_index_add(index, pattern, i, &err), &err);
    }
    conv_ok(tni_match_index_build(index, &err), &err);
}

/* Writes the owners that a search finds. */
static const char *search(tni_match_index *index, const char *name)
{
    static char text[256];
    size_t used = 0;
    text[0] = '\0';
    tni_match_index_search(index, tn_str_of(name));
    for (size_t i = 0; i < index->n_hits; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%u", i == 0 ? "" : " ",
                                 index->entries[index->hits[i]].owner);
    }
    return text;
}

static void files_by_the_better_end(void **state)
{
    static const char *const patterns[] = {
        "model/a/{x}", "model/b/{x}",    "{x:**}/kernel",   "{x:**}/{s:m|v|vm}",
        "re:.*",       "model/{x}/bias", "**/bias",         "exact/name",
        "{x}",         "mod*",           "{s:q|qr}/{x:**}", NULL};
    static const struct {
        const char *name, *found;
    } rows[] = {
        {"model/a/w", "0 4 8 9"},
        {"model/b/kernel", "1 2 4 8 9"},
        {"a/vm", "3 4 8"},
        {"a/v", "3 4 8"},
        {"a/xv", "4 8"},
        {"model/q/bias", "4 5 6 8 9"},
        {"bias", "4 6 8"},
        {"exact/name", "4 7 8"},
        {"exact/name2", "4 7 8"},
        {"qr/z", "4 8 10"},
        {"q/z", "4 8 10"},
        {"", "4 8"},
        {"qx", "4 8"},
    };
    conv *c = *state;
    tni_arena arena;
    tni_match_index index;
    build(c, &arena, &index, patterns);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *found = search(&index, rows[i].name);
        if (strcmp(found, rows[i].found) != 0) {
            fail_msg("%s: %s, not %s", rows[i].name, found, rows[i].found);
        }
    }
    tni_match_index_clear(&index);
    tni_arena_clear(&arena);
}

/* No pattern that matches a name is ever left out: random patterns, random names. */
static void leaves_no_match_out(void **state)
{
    static const char *const pieces[] = {"a",           "b", "/",  "{x}",     "{y:**}",   "{i:int}",
                                         "{s:a|ab|b/}", "1", "ab", "{t:1|b}", "{u:int02}"};
    static const char *const stars[] = {"a", "b", "/", "*", "**", "**/", "1"};
    conv *c = *state;
    uint64_t random = 88;
    size_t matched = 0, offered = 0;
    for (int round = 0; round < 60; round++) {
        tni_arena arena;
        tni_match_index index;
        tni_matcher matcher;
        tn_error err = {0};
        tni_arena_init(&arena, c->ctx, 1 << 26);
        tni_match_index_init(&index, c->ctx);
        tni_matcher_init(&matcher, c->ctx);
        for (uint32_t i = 0; i < 40; i++) {
            char text[128] = "";
            tn_pattern *pattern;
            bool glob = conv_random(&random, 3) == 0;
            for (uint64_t k = 1 + conv_random(&random, 5); k > 0; k--) {
                strcat(text,
                       glob ? stars[conv_random(&random, 7)] : pieces[conv_random(&random, 11)]);
            }
            if (tni_pattern_compile(&arena, tn_str_of(text), '/', &pattern, NULL, NULL) == TN_OK) {
                conv_ok(tni_match_index_add(&index, pattern, i, &err), &err);
            }
        }
        conv_ok(tni_match_index_build(&index, &err), &err);
        for (int k = 0; k < 300; k++) {
            char name[16];
            size_t len = conv_random(&random, 9);
            for (size_t i = 0; i < len; i++) {
                name[i] = "ab/1"[conv_random(&random, 4)];
            }
            tni_match_index_search(&index, (tn_str){name, len});
            offered += index.n_hits;
            for (size_t e = 0, hit = 0; e < index.count; e++) {
                bool found, listed = hit < index.n_hits && index.hits[hit] == e;
                hit += listed;
                conv_ok(tni_pattern_match(index.entries[e].pattern, &matcher, (tn_str){name, len},
                                          &found, &err),
                        &err);
                matched += found;
                if (found && !listed) {
                    fail_msg("round %d: '%.*s' is not offered to '%.*s'", round, (int)len, name,
                             (int)index.entries[e].pattern->source.len,
                             index.entries[e].pattern->source.data);
                }
            }
        }
        tni_matcher_clear(&matcher);
        tni_match_index_clear(&index);
        tni_arena_clear(&arena);
    }
    assert_true(matched > 1000 && offered > matched);
}

enum { RULES = 500, NAMES = 5000 };

/* Writes a text with `#` as a number of three digits and `@` as a plain one. */
static const char *numbered(const char *form, int number, int other)
{
    static char text[200];
    size_t used = 0;
    for (; *form != '\0'; form++) {
        size_t room = sizeof text - used;
        int len = *form == '#'   ? snprintf(text + used, room, "%03d", number)
                  : *form == '@' ? snprintf(text + used, room, "%d", other)
                                 : snprintf(text + used, room, "%c", *form);
        used += (size_t)len;
    }
    return text;
}

/* Counts how often a name is held against a pattern when RULES rules claim NAMES names. */
static uint64_t tries_of(conv *c, const char *rule, const char *name)
{
    static char text[1 << 17];
    size_t len = 0;
    tn_model *model;
    tn_error err = {0};
    conv_ok(tni_model_new(c->ctx, &model, &err), &err);
    model->path = "in";
    len += (size_t)snprintf(text, sizeof text, "tenon: 1\nrules:\n");
    for (int i = 0; i < RULES; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "- {match: '%s', do: keep}\n",
                                numbered(rule, i, 0));
    }
    for (int i = 0; i < NAMES; i++) {
        rules_add(model, &(rules_tensor){.name = numbered(name, i % RULES, i / RULES)});
    }
    conv_ok(tni_model_finish(model, &err), &err);
    const char *path = conv_at(c, "r.yaml");
    conv_store(path, text, len);
    tni_rule_options options = {.rules = &path, .n_rules = 1};
    tni_rulesets sets;
    tni_arena arena;
    bool renamed[NAMES] = {false};
    tni_arena_init(&arena, c->ctx, 1 << 28);
    conv_ok(tni_rules_load(&arena, &options, &sets, &err), &err);
    tni_stage stage = {.arena = &arena, .model = model, .renamed = renamed, .set = &sets.at[0]};
    conv_ok(tni_stage_bind(&stage, &err), &err);
    tni_arena_clear(&arena);
    tn_model_free(model);
    return stage.tries;
}

/* Each name is held against the one pattern that it fits, whichever end tells it. */
static void tries_few_patterns(void **state)
{
    conv *c = *state;
    assert_int_equal(tries_of(c, "m/block#/{x:**}", "m/block#/k@/w"), NAMES);
    assert_int_equal(tries_of(c, "m/{x:**}/block#", "m/k@/block#"), NAMES);
    assert_int_equal(tries_of(c, "m/**/block#", "m/k@/block#"), NAMES);
    assert_int_equal(tries_of(c, "m/{x:**}/{s:w|b}#", "m/k@/w#"), NAMES);
    assert_int_equal(tries_of(c, "m/{x}/b#/{s}", "m/k@/b#/w"), NAMES * RULES); /* no end does */
    assert_int_equal(tries_of(c, "m/{x:**}/b#_{s:weight|bias}", "m/k@/b#_bias"), NAMES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONV_TEST(files_by_the_better_end),
        CONV_TEST(leaves_no_match_out),
        CONV_TEST(tries_few_patterns),
    };
    return cmocka_run_group_tests_name("converters/rules/index", tests, NULL, NULL);
}
