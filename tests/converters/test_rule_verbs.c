/* The verbs on rule files: what lint finds, what test finds, inverses of whole files, and that
 * these lead back on random names whenever there is one. */
#include "converters/conv_rules.h"
#include "converters/rule_verbs/session.h"
#include <tenon/rules.h>

#define HEAD "tenon: 1\nrules:\n"
#define KEEP "tenon: 1\ndefaults: {unmatched: keep}\nrules:\n"

static tn_model *model_of(conv *c, const char *names)
{
    static char text[4096];
    rules_tensor tensors[128] = {{NULL, NULL, TN_DTYPE_NONE}};
    size_t count = 0;
    snprintf(text, sizeof text, "%s", names);
    for (char *save, *one = strtok_r(text, " ", &save); one != NULL && count < 127;
         one = strtok_r(NULL, " ", &save)) {
        tensors[count++].name = one;
    }
    return rules_model(c, tensors);
}

/* Writes "CODE LINE: message; …" of the findings. */
static void tell(const tn_report *report, char *out, size_t room)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < tn_report_count(report) && used < room; i++) {
        const tn_finding *finding = tn_report_at(report, i);
        const char *colon = strrchr(finding->rule.data, '/');
        colon = colon == NULL ? NULL : strchr(colon, ':');
        used += (size_t)snprintf(out + used, room - used, "%s%s%s: %.*s", i == 0 ? "" : "; ",
                                 finding->code, colon == NULL ? "" : colon,
                                 (int)finding->message.len, finding->message.data);
    }
}

static void lints(void **state)
{
    conv *c = *state;
    static const struct {
        const char *text, *findings;
    } rows[] = {
        {HEAD "- {match: a, to: b}\n- {match: b, to: a}\n", ""},
        {HEAD "- {match: 'my_model/{x}', to: 'm/{x}'}\n- {match: '{y}/W', to: '{y}/V'}\n",
         "rules-overlap:4: rules 1 and 2 can both match, e.g. my_model/W"},
        {HEAD
         "- {match: 'my_model/{x}', to: 'm/{x}'}\n- {match: '{y}/W', to: '{y}/V', priority: 1}\n",
         ""},
        {HEAD "- {match: a, to: b}\n- {match: a, do: drop}\n",
         "rules-overlap:4: rules 1 and 2 can both match, e.g. a"},
        {HEAD "- {match: 'a/{x}', to: 'b/{x}'}\n- {match: '**', do: keep, priority: 2}\n",
         "rule-shadowed:3: rule 1 can never claim a tensor: rule 2 lies above it and matches all "
         "that it does"},
        {HEAD "- {match: 'a/{x}', to: 'b/{x}', priority: 1}\n- {match: 'a/{x}', to: 'c/{x}'}\n",
         "rule-shadowed:4: rule 2 can never claim a tensor: rule 1 lies above it and matches all "
         "that it does"},
        {HEAD "- {match: 'a/{x}', to: 'b/{x}', priority: 1, when: {rank: 2}}\n"
              "- {match: 'a/{x}', to: 'c/{x}'}\n",
         ""},
        /* A pattern leaves counters and slots alone, which an exact name reaches. */
        {HEAD "- {match: '**', do: drop, priority: 1}\n- {match: global_step, do: keep}\n", ""},
        {"tenon: 1\ndefaults: {slots: seen, counters: seen}\nrules:\n"
         "- {match: '**', do: drop, priority: 1}\n- {match: global_step, do: keep}\n",
         "rule-shadowed:5: rule 2 can never claim a tensor: rule 1 lies above it and matches all "
         "that it does"},
        {"tenon: 1\nvars: {a: 1, bb: 2}\ntables: {t: {a: b, c: d}, u: {a: b, c: d}}\n"
         "rules: [{match: '{x:int}', to: '{x+a}.{x|u}'}]\n",
         "unused: nothing uses the variable 'bb'; unused: nothing uses the table 't'"},
        {HEAD "- {match: 're:(a)', to: '{1}b'}\n",
         "no-inverse:3: rule 1: a regular expression has no inverse"},
        {HEAD "- {match: '{x}/{y}', to: '{x}'}\n",
         "no-inverse:3: rule 1: the new names do not hold {y}"},
    };
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tn_report *report = NULL;
        tn_error err = {0};
        char text[600];
        tn_rules_options options = {0};
        conv_ok(
            tn_rules_lint(c->ctx, rules_store(c, "r.yaml", rows[i].text), &options, &report, &err),
            &err);
        tell(report, text, sizeof text);
        if (strcmp(text, rows[i].findings) != 0) {
            print_error("row %zu: %s\n", i, text);
            wrong++;
        }
        tn_report_free(report);
    }
    assert_int_equal(wrong, 0);
}

static void tests_on_a_model(void **state)
{
    conv *c = *state;
    static const struct {
        const char *text, *names, *findings;
        uint64_t renamed, kept, dropped;
    } rows[] = {
        {KEEP "- {match: 'a/{x}', to: 'b.{x}'}\n", "a/w a/v c", "", 2, 1, 0},
        {KEEP "- {match: 'a/{x}', to: 'b/{x}'}\n- {match: encoder/w, to: w}\n", "a/w encoder/v",
         "dead-rule:5: rule 2 matched nothing; nearest name encoder/v", 1, 1, 0},
        {HEAD "- {match: '{x:**}', to: 'model/{x}'}\n", "w a/v",
         "not-idempotent:3: rule 1 is not idempotent: a second run would give model/model/a/v", 2,
         0, 0},
        {KEEP "- {match: 'a/{x}', do: drop}\n", "a/w a/v c",
         "rule-drops:4: rule 1 drops 2 tensors: they do not come back", 0, 1, 2},
        {KEEP "- {match: '{x}_{y}', to: '{y}_{x}'}\n", "a_b_c",
         "not-idempotent:4: rule 1 is not idempotent: a second run would give c_a_b; no-inverse:4: "
         "a_b_c: rule 1 cannot be led back: it becomes b_c_a, which leads back to c_a_b",
         1, 0, 0},
        {HEAD "- {match: 'fc{i:int}', to: 'fc.{rank(i)}'}\n", "fc0 fc2 fc4", "", 3, 0, 0},
    };
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tn_report *report = NULL;
        tn_error err = {0};
        char text[600];
        tn_rules_options options = {0};
        tn_rules_tested tested;
        tn_model *model = model_of(c, rows[i].names);
        conv_ok(tn_rules_test(c->ctx, rules_store(c, "r.yaml", rows[i].text), model, &options,
                              &tested, &report, &err),
                &err);
        tell(report, text, sizeof text);
        if (strcmp(text, rows[i].findings) != 0 || tested.renamed != rows[i].renamed ||
            tested.kept != rows[i].kept || tested.dropped != rows[i].dropped) {
            print_error("row %zu: %s\n", i, text);
            wrong++;
        }
        tn_report_free(report);
        tn_model_free(model);
    }
    assert_int_equal(wrong, 0);
}

static void inverts_files(void **state)
{
    conv *c = *state;
    static const struct {
        const char *text, *names, *rules; /* names NULL: without a model */
    } rows[] = {
        {KEEP "- {match: 'm/{x:**}', to: '{x}'}\n", "m/a/w m/v",
         "  - {match: \"{x:**}\", to: \"m/{x}\"}\n"},
        /* What stays is named, for the inverse would take it for renamed. */
        {KEEP "- {match: 'm/{x:**}', to: '{x}'}\n", "m/a/w b/w",
         "  - {match: \"{x:**}\", to: \"m/{x}\"}\n"
         "  - {match: \"b/w\", do: keep, priority: 1}\n"},
        /* What is made from nothing is dropped. */
        {HEAD "- {match: 'm/{x:**}', to: '{x}'}\n- {make: head.bias, init: zeros, shape: [2], "
              "dtype: f32}\n",
         "m/a",
         "  - {match: \"{x:**}\", to: \"m/{x}\"}\n"
         "  - {match: \"head.bias\", do: drop, priority: 1}\n"},
        /* So is a second name that was written. */
        {HEAD "- {match: 'm/{x:**}', to: '{x}'}\n- {tie: head, with: a, if_target_has_no_alias: "
              "copy}\n",
         "m/a",
         "  - {match: \"{x:**}\", to: \"m/{x}\"}\n  - {match: \"head\", do: drop, priority: 1}\n"},
        {HEAD "- {match: m, to: a, do: [{reshape: [2, 2]}]}\n- {tie: head, with: a, "
              "if_target_has_no_alias: copy}\n",
         "m",
         "  - {match: \"a\", to: \"m\", do: [{reshape: [4]}]}\n  - {match: \"head\", do: drop}\n"},
        {HEAD "- {match: m, to: a}\n- {tie: head, with: a}\n", "m",
         "  - {match: \"a\", to: \"m\"}\n"},
        /* Names that look alike: the inverse of the rule that made them claims them. */
        {HEAD "- {match: 'm/{x:**}', to: '{x}'}\n- {match: 'a/{x}', to: 'b/{x}'}\n", "m/c/w a/w",
         "  - {match: \"{x:**}\", to: \"m/{x}\"}\n"
         "  - {match: \"b/{x}\", to: \"a/{x}\", priority: 1}\n"},
        {HEAD "- {match: 'm/{x:**}', to: '{x}'}\n- {match: c, to: d}\n", NULL,
         "  - {match: \"{x:**}\", to: \"m/{x}\"}\n  - {match: \"d\", to: \"c\", priority: 1}\n"},
        /* Rules and words that met nothing leave no trace. */
        {"tenon: 1\ntables: {t: {a: x, b: x, c: y}}\nrules:\n"
         "- {match: 'n/{p}', to: '{p|t}', optional: true}\n- {match: 'm/{p}', to: 'm.{p|t}'}\n",
         "m/a m/c", "  - {match: \"m.{p:x|y}\", to: \"m/{p|p_back2}\"}\n"},
        {"tenon: 1\ntables: {t: {a: x, b: x, c: y}}\nrules:\n- {match: 'm/{p}', to: 'm.{p|t}'}\n",
         "m/b", "  - {match: \"m.x\", to: \"m/b\"}\n"},
        {HEAD "- {match: 're:^b(\\d)(q|k)$', to: 'h.{1}.{2}', back: 're:^h\\.(\\d)\\.(q|k)$ => "
              "b{1}{2}'}\n",
         "b0q b1k",
         "  - {match: \"re:^h\\\\.(\\\\d)\\\\.(q|k)$\", to: \"b{1}{2}\", back: "
         "\"re:^b(\\\\d)(q|k)$ => "
         "h.{1}.{2}\"}\n"},
    };
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = NULL;
        tn_error err = {0};
        tn_model *model = rows[i].names == NULL ? NULL : model_of(c, rows[i].names);
        tn_status status = rules_invert(c, rows[i].text, model, &text, &err);
        const char *rules = strstr(text, "rules:\n");
        if (status != TN_OK || rules == NULL || strcmp(rules + 7, rows[i].rules) != 0) {
            print_error("row %zu: %s\n%s\n", i, err.message, text);
            wrong++;
        }
        free(text);
        tn_model_free(model);
    }
    assert_int_equal(wrong, 0);
}

static void refuses_with_rule_and_tensor(void **state)
{
    conv *c = *state;
    static const struct {
        const char *text, *names, *subject, *part, *hint;
        uint32_t line;
    } rows[] = {
        {HEAD "- {match: b, to: c}\n- {match: '{x}_{y}', to: '{x}'}\n", "b a_w", "a_w",
         "rule 2 cannot be led back: the new names do not hold {y}", "", 4},
        {HEAD "- {match: 'fc{i:int}', to: 'fc.{rank(i)}'}\n", NULL, "",
         "{rank(i)} cannot be undone", "give the model", 3},
        {HEAD "- {match: 'm/{x:**}', to: '{x}'}\n- {match: 'a/{x}', to: 'b/{x}'}\n", NULL, "",
         "a new name of rule 1 may be one of rule 2", "give the model", 4},
        {HEAD "- {match: 'a/{i:int}', to: '{i}.{i+1}'}\n- {match: 'b/{i:int}', to: '{i-1}.{i}'}\n",
         "a/1 b/5", "", "rule 1 cannot be led back: its new names and those of rule 2 look alike",
         "", 3},
        {HEAD "- {match: a, do: drop}\n", "a", "", "nothing comes back", "", 0},
    };
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = NULL;
        tn_error err = {0};
        tn_model *model = rows[i].names == NULL ? NULL : model_of(c, rows[i].names);
        tn_status status = rules_invert(c, rows[i].text, model, &text, &err);
        if (status != TN_NO || err.code != TN_E_NO_INVERSE || text[0] != '\0' ||
            strcmp(err.subject, rows[i].subject) != 0 || err.line != rows[i].line ||
            strstr(err.message, rows[i].part) == NULL || strstr(err.hint, rows[i].hint) == NULL) {
            print_error("row %zu: %s: %u: %s (%s)\n", i, err.subject, err.line, err.message,
                        err.hint);
            wrong++;
        }
        free(text);
        tn_model_free(model);
    }
    assert_int_equal(wrong, 0);
}

static const char *const from_parts[] = {
    "a", "b", "{x}", "{x:**}", "{i:int}", "{p:w|v}", "n{i:int}", "{y}_{i:int}", "{q:a|b|ab}"};
static const char *const to_parts[] = {"a",     "b",          "{x}",   "{y}", "{i}", "{i+1}",
                                       "{2*i}", "n{i:int02}", "{p|t}", "{q}", "{p}"};

/* Appends random parts, with separators. */
static void add_side(uint64_t *random, const char *const *parts, size_t count, char separator,
                     char *out)
{
    size_t n = 1 + conv_random(random, 3);
    for (size_t i = 0; i < n; i++) {
        out += sprintf(out, "%s%s", parts[conv_random(random, count)],
                       i + 1 < n ? (char[]){separator, '\0'} : "");
    }
}

static void random_rules(uint64_t *random, char *out)
{
    out += sprintf(out,
                   "tenon: 1\ntables: {t: {w: weight, v: value}}\n"
                   "defaults: {unmatched: %s}\nrules:\n",
                   conv_random(random, 3) > 0 ? "keep" : "drop");
    size_t n = 1 + conv_random(random, 3);
    for (size_t i = 0; i < n; i++) {
        char from[200], to[200];
        add_side(random, from_parts, sizeof from_parts / sizeof *from_parts, '/', from);
        add_side(random, to_parts, sizeof to_parts / sizeof *to_parts,
                 conv_random(random, 2) > 0 ? '/' : '.', to);
        if (conv_random(random, 8) == 0) {
            out +=
                sprintf(out, "- {match: '%s', do: drop, optional: true, priority: %zu}\n", from, i);
        } else if (conv_random(random, 8) == 0) {
            out +=
                sprintf(out, "- {match: '%s', do: keep, optional: true, priority: %zu}\n", from, i);
        } else {
            out += sprintf(out, "- {match: '%s', to: '%s', optional: true, priority: %zu}\n", from,
                           to, i);
        }
    }
}

static void random_names(uint64_t *random, char *out)
{
    static const char *const words[] = {"a", "b", "w",  "v",   "n1",    "n12",
                                        "3", "0", "ab", "a_1", "b_a_2", "x"};
    for (size_t i = 0; i < 8; i++) {
        size_t n = 1 + conv_random(random, 3);
        for (size_t k = 0; k < n; k++) {
            out += sprintf(out, "%s%s", k > 0 ? "/" : "",
                           words[conv_random(random, sizeof words / sizeof *words)]);
        }
        out += sprintf(out, " ");
    }
}

/* Leaves each name once; the model refuses twins. */
static tn_model *random_model(conv *c, uint64_t *random)
{
    char names[1024], once[1024] = "", *save;
    random_names(random, names);
    for (char *one = strtok_r(names, " ", &save); one != NULL; one = strtok_r(NULL, " ", &save)) {
        char padded[200], so_far[1100];
        snprintf(padded, sizeof padded, " %s ", one);
        snprintf(so_far, sizeof so_far, " %s ", once);
        if (strstr(so_far, padded) == NULL) {
            size_t len = strlen(once);
            snprintf(once + len, sizeof once - len, "%s%s", len > 0 ? " " : "", one);
        }
    }
    return model_of(c, once);
}

/* Applies an inverse to a result, and compares all names with those of the beginning. */
static void check_identity(conv *c, const char *rules, const char *inverse, const tn_model *model,
                           const rules_run *forward)
{
    rules_run back;
    tn_error err = {0};
    const tn_model *middle = forward->naming.model;
    if (rules_start(c, middle, inverse, &back, &err) != TN_OK) {
        fail_msg("%s\n%s\n%s", rules, inverse, err.message);
    }
    assert_int_equal(back.naming.model->count, middle->count);
    for (size_t i = 0; i < middle->count; i++) {
        uint32_t source = forward->naming.source[back.naming.source[i]];
        tn_str was = model->tensors[source].alias[TN_SCHEME_NAME];
        tn_str is = back.naming.model->tensors[i].alias[TN_SCHEME_NAME];
        if (!tn_str_equal(was, is)) {
            fail_msg("%s\n%s\n%.*s came back as %.*s", rules, inverse, (int)was.len, was.data,
                     (int)is.len, is.data);
        }
    }
    rules_end(&back);
}

/* Random rules over random names: whatever tn_rules_invert writes leads back, by the way of
 * --rules, and lint accepts it; otherwise it names the rule, or says that nothing comes back. */
static void leads_back_or_refuses(void **state)
{
    conv *c = *state;
    uint64_t random = 20260611;
    size_t applied = 0, inverted = 0, refused = 0;
    for (int i = 0; i < 24000; i++) {
        char rules[1200], *text = NULL;
        tn_error err = {0};
        rules_run forward;
        random_rules(&random, rules);
        tn_model *model = random_model(c, &random);
        tn_status status = rules_start(c, model, rules, &forward, &err);
        if (status == TN_OK && forward.naming.any_renamed) {
            applied++;
            status = rules_invert(c, rules, model, &text, &err);
            if (status == TN_OK) {
                tn_report *report = NULL;
                tn_rules_options options = {0};
                inverted++;
                check_identity(c, rules, text, model, &forward);
                conv_ok(
                    tn_rules_lint(c->ctx, rules_store(c, "b.yaml", text), &options, &report, &err),
                    &err);
                if (tn_report_severity(report, TN_SEVERITY_ERROR) > 0) {
                    fail_msg("%s\n%s\n%s", rules, text, tn_report_at(report, 0)->message.data);
                }
                tn_report_free(report);
            } else {
                refused++;
                bool said = strstr(err.message, "rule ") != NULL ||
                            strstr(err.message, "nothing comes back") != NULL ||
                            strstr(err.message, "cannot be led back") != NULL;
                if (err.code != TN_E_NO_INVERSE || !said) {
                    fail_msg("%s\n%s %s", rules, tn_code_name(err.code), err.message);
                }
            }
            free(text);
        }
        rules_end(&forward);
        tn_model_free(model);
    }
    print_message("%zu applied: %zu inverted, %zu refused\n", applied, inverted, refused);
    assert_true(inverted > 120);
    assert_true(refused > 100);
}

int main(void)
{
    conv_in_memory();
    const struct CMUnitTest tests[] = {
        CONV_TEST(lints),
        CONV_TEST(tests_on_a_model),
        CONV_TEST(inverts_files),
        CONV_TEST(refuses_with_rule_and_tensor),
        CONV_TEST(leads_back_or_refuses),
    };
    return cmocka_run_group_tests_name("converters/rule_verbs", tests, NULL, NULL);
}
