/* Operations led back: what the inverse of a rule file says, what is refused, and that whatever is
 * written leads back, tensor by tensor and element by element. */
#include "converters/conv_rules.h"
#include "model/roles.h"
#include <tenon/rules.h>

#define HEAD "tenon: 1\nrules:\n"
#define KEEP "tenon: 1\ndefaults: {unmatched: keep}\nrules:\n"

/* The operations of a rule file led back over tensors of these shapes. */
static const struct {
    const char *text;
    rules_tensor tensors[8];
    const char *rules;
} led_back[] = {
    /* Arrows are turned round, the last one first; sizes that cut a dimension are numbers. */
    {"tenon: 1\nvars: {h: 3}\nrules:\n"
     "- {match: 'a/{x}', to: 'a.{x}', do: [{transpose: 'io->oi'}, {rearrange: '(h d) i -> (d "
     "h) i', with: {h: h}}]}\n"
     "- {match: 'b/k', do: [{transpose: 'io->oi'}]}\n- {match: c/k, do: keep}\n",
     {{"a/k", "2,6", 0}, {"b/k", "2,6", 0}, {"c/k", "3,4", 0}},
     "  - {match: \"a.{x}\", to: \"a/{x}\", do: [{rearrange: \"(d h) i -> (h d) i\", with: {h: "
     "3}}, {transpose: \"oi->io\"}]}\n"
     "  - {match: \"b/k\", do: [{transpose: \"oi->io\"}]}\n  - {match: \"c/k\", do: keep}\n"},
    /* Heads in groups: of the cut dimension one size is left open. */
    {HEAD "- {match: w, to: v, do: [{rearrange: 'h w c m -> (c m) 1 h w'}]}\n",
     {{"w", "3,3,8,2", 0}},
     "  - {match: \"v\", to: \"w\", do: [{rearrange: \"(c m) 1 h w -> h w c m\", with: {m: "
     "2}}]}\n"},
    {HEAD "- {match: 'h{i:int}', to: ['{i}.q', '{i}.k', '{i}.v'], do: [{split: {axis: 0, "
          "groups: 2, sizes: [2, 1, 1]}}]}\n",
     {{"h0", "8,3", 0}, {"h1", "8,5", 0}},
     "  - {match: [\"{i:int}.q\", \"{i:int}.k\", \"{i:int}.v\"], to: \"h{i}\", do: [{concat: "
     "{axis: 0, groups: 2}}]}\n"},
    {HEAD "- {match: ['{i:int}/a', '{i:int}/b'], to: 'c{i}', do: [{concat: {axis: -1}}]}\n",
     {{"0/a", "2,3", 0}, {"0/b", "2,5", 0}, {"1/a", "4,3", 0}, {"1/b", "4,5", 0}},
     "  - {match: \"c{i:int}\", to: [\"{i}/a\", \"{i}/b\"], do: [{split: {axis: -1, sizes: [3, "
     "5]}}]}\n"},
    /* Equal parts need no sizes, so layers of unlike shapes have one rule. */
    {HEAD "- {match: ['{i:int}/a', '{i:int}/b'], to: 'c{i}', do: [{concat: {axis: 0}}]}\n",
     {{"0/a", "2", 0}, {"0/b", "2", 0}, {"1/a", "4", 0}, {"1/b", "4", 0}},
     "  - {match: \"c{i:int}\", to: [\"{i}/a\", \"{i}/b\"], do: [{split: {axis: 0}}]}\n"},
    /* Layers of unlike shapes: choices, */
    {HEAD "- {match: 'l{i:int}', to: 'm{i+1}', do: [{reshape: [-1]}]}\n",
     {{"l0", "2,3", 0}, {"l1", "2,3", 0}, {"l2", "3,2", 0}},
     "  - {match: \"m{i:1|2}\", to: \"l{i-1}\", do: [{reshape: [2, 3]}]}\n"
     "  - {match: \"m3\", to: \"l2\", do: [{reshape: [3, 2]}]}\n"},
    /* and where no hole tells them apart, names. */
    {HEAD "- {match: '{x}/{y}', to: '{y}.{x}', do: [{reshape: [-1]}]}\n",
     {{"a/a", "2,3", 0}, {"a/b", "3,2", 0}, {"b/a", "3,2", 0}, {"b/b", "2,3", 0}},
     "  - {match: \"a.a\", to: \"a/a\", do: [{reshape: [2, 3]}]}\n"
     "  - {match: \"b.b\", to: \"b/b\", do: [{reshape: [2, 3]}]}\n"
     "  - {match: \"b.a\", to: \"a/b\", do: [{reshape: [3, 2]}]}\n"
     "  - {match: \"a.b\", to: \"b/a\", do: [{reshape: [3, 2]}]}\n"},
    {HEAD "- {match: '{x}', do: [{reshape: [-1]}]}\n",
     {{"a", "2,3", 0}, {"b", "3,2", 0}, {"c", "3,2", 0}},
     "  - {match: \"a\", do: [{reshape: [2, 3]}]}\n"
     "  - {match: [\"b\", \"c\"], do: [{reshape: [3, 2]}]}\n"},
    {HEAD "- {match: 'e{e:int}/{i:int}', to: '{i}', do: [{stack: {over: e, axis: 0}}]}\n",
     {{"e2/0", "2", 0}, {"e3/0", "2", 0}, {"e2/1", "3", 0}, {"e3/1", "3", 0}},
     "  - {match: \"{i:int}\", to: \"e{e+2}/{i}\", do: [{unstack: {over: e, axis: 0}}]}\n"},
    {HEAD "- {match: 'a{i:int}', to: 'b{i}.{e+1}', do: [{unstack: {over: e, axis: 1}}]}\n",
     {{"a0", "2,3", 0}, {"a1", "2,1", 0}},
     "  - {match: \"b{i:int}.{e:int}\", to: \"a{i}\", do: [{stack: {over: e, axis: 1}}]}\n"},
    /* What was done before a join is undone behind the split. */
    {HEAD "- {match: [a, b], to: c, do: [{transpose: 'io->oi'}, {concat: {axis: 0}}, {reshape: "
          "[-1]}]}\n",
     {{"a", "2,3", 0}, {"b", "2,5", 0}},
     "  - {match: \"c\", to: [\"a\", \"b\"], do: [{reshape: [8, 2]}, {split: {axis: 0, sizes: "
     "[3, 5]}}, {transpose: \"oi->io\"}]}\n"},
    {HEAD "- {match: [a, b], to: [c, d], do: [{concat: {axis: 0}}, {split: {axis: 0, sizes: "
          "[1, 4]}}]}\n",
     {{"a", "2", 0}, {"b", "3", 0}},
     "  - {match: [\"c\", \"d\"], to: [\"a\", \"b\"], do: [{concat: {axis: 0}}, {split: {axis: "
     "0, sizes: [2, 3]}}]}\n"},
    {HEAD "- {match: [a, b], to: c, do: [{reshape: [-1, 2]}, {concat: {axis: 0}}]}\n",
     {{"a", "2,3", 0}, {"b", "4,3", 0}},
     "  - {match: \"c\", to: [\"a\", \"b\"], do: [{split: {axis: 0, sizes: [3, 6]}}, {reshape: "
     "[-1, 3]}]}\n"},
    /* A reshape that changes nothing is not led back. */
    {HEAD "- {match: a, to: b, do: [{reshape: [-1, 3]}, {transpose: 'io->oi'}]}\n",
     {{"a", "2,3", 0}},
     "  - {match: \"b\", to: \"a\", do: [{transpose: \"oi->io\"}]}\n"},
    /* Scalars, and tensors without elements, whose sizes no other size gives. */
    {HEAD
     "- {match: a, to: b, do: [{reshape: [1]}]}\n- {match: c, to: d, do: [{rearrange: '(x y) z "
     "-> y (x z)', with: {x: 2}}]}\n",
     {{"a", "", 0}, {"c", "6,0", 0}},
     "  - {match: \"b\", to: \"a\", do: [{reshape: []}]}\n"
     "  - {match: \"d\", to: \"c\", do: [{rearrange: \"y (x z) -> (x y) z\", with: {x: 2, z: "
     "0}}]}\n"},
    {HEAD "- {match: a, to: b, do: [{partition: {axis: 0, sizes: [4, 3, 3]}}]}\n",
     {{"a", "10,4", 0}},
     "  - {match: \"b\", to: \"a\", do: [{unpartition: {}}]}\n"},
    /* Several patterns, one tensor each: the names must tell. */
    {HEAD "- {match: ['a/{x}', 'b/k/{x}'], do: [{transpose: 'io->oi'}]}\n",
     {{"a/k", "2,6", 0}, {"b/k/l", "2,6", 0}},
     "  - {match: [\"a/{x}\", \"b/k/{x}\"], do: [{transpose: \"oi->io\"}]}\n"},
    {HEAD "- {match: ['a/{x}', 'b/{x}'], to: 'c/{x}', do: [{transpose: 'io->oi'}]}\n",
     {{"a/k", "2,6", 0}, {"b/l", "2,6", 0}},
     "  - {match: \"c/k\", to: \"a/k\", do: [{transpose: \"oi->io\"}]}\n"
     "  - {match: \"c/l\", to: \"b/l\", do: [{transpose: \"oi->io\"}]}\n"},
    /* Casts that lose nothing; what had the dtype already is not cast. */
    {HEAD "- {match: '{x}', to: 'm.{x}', do: [{cast: f32}]}\n",
     {{"a", "2", TN_FLOAT16}, {"b", "2", TN_BFLOAT16}, {"c", "2", TN_FLOAT32}},
     "  - {match: \"m.a\", to: \"a\", do: [{cast: f16}]}\n"
     "  - {match: \"m.b\", to: \"b\", do: [{cast: bf16}]}\n"
     "  - {match: \"m.c\", to: \"c\"}\n"},
    {"tenon: 1\ntables: {t: {k: w, b: v, z: w}}\nrules:\n"
     "- {match: 'a/{p}', to: 'b/{p|t}', do: [{reshape: [-1]}]}\n",
     {{"a/k", "2,3", 0}, {"a/b", "2,3", 0}},
     "  - {match: \"b/{p:v|w}\", to: \"a/{p|p_back1}\", do: [{reshape: [2, 3]}]}\n"},
};

static void leads_operations_back(void **state)
{
    conv *c = *state;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof led_back / sizeof led_back[0]; i++) {
        char *text = NULL;
        tn_error err = {0};
        tn_model *model = rules_model(c, led_back[i].tensors);
        tn_status status = rules_invert(c, led_back[i].text, model, &text, &err);
        const char *rules = strstr(text, "rules:\n");
        if (status != TN_OK || rules == NULL || strcmp(rules + 7, led_back[i].rules) != 0) {
            print_error("row %zu: %s: %s\n%s\n", i, err.subject, err.message, text);
            wrong++;
        }
        free(text);
        tn_model_free(model);
    }
    assert_int_equal(wrong, 0);
}

/* Without a model operations are led back as far as the rule file tells. */
static void leads_operations_back_unseen(void **state)
{
    conv *c = *state;
    static const struct {
        const char *text, *rules;
    } rows[] = {
        {"tenon: 1\nvars: {h: 3}\nrules:\n"
         "- {match: 'a/{x}', to: 'a.{x}', do: [{transpose: 'io->oi'}, {rearrange: '(h d) i -> (d "
         "h) i', with: {h: h}}]}\n",
         "vars: {h: \"3\"}\ndefaults: {unmatched: error, slots: follow, counters: keep}\nrules:\n"
         "  - {match: \"a.{x}\", to: \"a/{x}\", do: [{rearrange: \"(d h) i -> (h d) i\", with: {h: "
         "\"h\"}}, {transpose: \"oi->io\"}]}\n"},
        {"tenon: 1\nvars: {g: 2}\nrules:\n"
         "- {match: 'h{i:int}', to: ['{i}.q', '{i}.k'], do: [{split: {axis: 0, groups: 2*g, sizes: "
         "[2, g]}}]}\n",
         "rules:\n  - {match: [\"{i:int}.q\", \"{i:int}.k\"], to: \"h{i}\", do: [{concat: {axis: "
         "0, groups: \"2*g\"}}]}\n"},
        {HEAD "- {match: 'a{e:int}', to: b, do: [{stack: {over: e, axis: -1}}], expect: {e: "
              "1..8}}\n",
         "rules:\n  - {match: \"b\", to: \"a{e+1}\", do: [{unstack: {over: e, axis: -1}}]}\n"},
        {HEAD "- {match: b, to: 'a{e}', do: [{unstack: {over: e, axis: 0}}]}\n",
         "rules:\n  - {match: \"a{e:int}\", to: \"b\", do: [{stack: {over: e, axis: 0}}]}\n"},
        /* No variable is needed for what is not written. */
        {"tenon: 1\nvars: {n: 2}\nrules:\n- {match: b, to: a, do: [{partition: {axis: 0, sizes: "
         "[1, "
         "n]}}]}\n",
         "\"\ndefaults: {unmatched: error, slots: follow, counters: keep}\nrules:\n  - {match: "
         "\"a\", to: \"b\", do: [{unpartition: {}}]}\n"},
    };
    static const struct {
        const char *operation, *part;
    } bad[] = {
        {"reshape: [-1]", "by the shape before, which only a model tells"},
        {"cast: f32", "by the dtype before, which only a model tells"},
        {"unpartition: {}", "by the sizes of the parts, which only a model tells"},
        {"rearrange: 'h w c m -> (c m) 1 h w'", "by sizes, which only a model tells"},
    };
    size_t wrong = 0;
    char *text = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tn_error err = {0};
        if (rules_invert(c, rows[i].text, NULL, &text, &err) != TN_OK ||
            strstr(text, rows[i].rules) == NULL) {
            print_error("row %zu: %s\n%s\n", i, err.message, text);
            wrong++;
        }
        free(text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char rules[200];
        tn_error err = {0};
        snprintf(rules, sizeof rules, HEAD "- {match: a, to: b, do: [{%s}]}\n", bad[i].operation);
        if (rules_invert(c, rules, NULL, &text, &err) != TN_NO || err.code != TN_E_NO_INVERSE ||
            strstr(err.message, bad[i].part) == NULL ||
            strcmp(err.hint, "give the model: tenon rules invert FILE MODEL") != 0) {
            print_error("%s: %s (%s)\n", bad[i].operation, err.message, err.hint);
            wrong++;
        }
        free(text);
    }
    assert_int_equal(wrong, 0);
}

/* What no operation leads back names the rule, the tensor and the reason. */
static void refuses_operations(void **state)
{
    conv *c = *state;
    static const rules_tensor tensors[] = {
        {"a", "2,3", 0}, {"b", "3,4", 0}, {"c0", "2,6", 0}, {"c1", "2,6", 0}, {NULL, NULL, 0}};
    static const struct {
        const char *rule, *subject, *part;
    } rows[] = {
        {"{match: a, to: x, do: [{cast: bf16}]}", "a",
         "rule 2 cannot be led back: it casts f32→bf16: names invertible, values not"},
        {"{match: a, to: x, do: [{add: {value: 1}}]}", "a",
         "'add {value: 1}' changes values: names invertible, values not"},
        {"{match: [a, b], to: x, do: [{reshape: [-1]}, {concat: {axis: 0}}]}", "a",
         "'reshape [-1]' was done with tensors of unlike shapes"},
        {"{match: 'c{i:int}', to: 'x{2*e+i}', do: [{unstack: {over: e, axis: 0}}]}", "c0",
         "{2*e+i} cannot be undone"},
        {"{match: 'c{i:int}', to: 'x{i}.{2*e}', do: [{unstack: {over: e, axis: 0}}]}", "",
         "the new names cannot be led back"},
        {"{match: 'c{i:int}', to: x, do: [{transpose: 'io->oi'}, {stack: {over: i, axis: 0}}, "
         "{unpartition: {}}, {cast: f16}]}",
         "c0", "it casts f32→f16"},
        /* Only the elements tell that these come back in the wrong order. */
        {"{match: 'c{i:int}', to: 'x{i}.{9-e}', do: [{unstack: {over: e, axis: 0}}]}", "c0",
         "its elements come back in another order"},
    };
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char rules[300], *text = NULL;
        tn_error err = {0};
        tn_model *model = rules_model(c, tensors);
        snprintf(rules, sizeof rules, KEEP "- {match: none, to: y, optional: true}\n- %s\n",
                 rows[i].rule);
        tn_status status = rules_invert(c, rules, model, &text, &err);
        if (status != TN_NO || err.code != TN_E_NO_INVERSE || text[0] != '\0' ||
            strcmp(err.subject, rows[i].subject) != 0 ||
            strstr(err.message, rows[i].part) == NULL) {
            print_error("row %zu: %s: %s\n%s\n", i, err.subject, err.message, text);
            wrong++;
        }
        free(text);
        tn_model_free(model);
    }
    assert_int_equal(wrong, 0);
}

/* Over several stages each is led back, the last one first; what is not names its file. */
static void leads_stages_back(void **state)
{
    conv *c = *state;
    static const rules_tensor tensors[] = {
        {"a", "4,3", 0}, {"b", "2,3", 0}, {"c", "2", TN_FLOAT16}, {NULL, NULL, TN_DTYPE_NONE}};
    static const struct {
        const char *last; /* rule of the second stage */
        bool inverted;
        const char *finding; /* the file and what is wrong; NULL: nothing is */
    } rows[] = {
        {"{match: [a.1, b], to: ab, do: [{concat: {axis: 0}}, {transpose: 'io->oi'}]}", true, NULL},
        {"{match: a.1, to: a.3, do: [{cast: bf16}]}", false,
         "two.yaml:4: a.1: rule 1 cannot be led back: it casts f32→bf16: names invertible, values "
         "not"},
        {"{match: 'a.{i:int}', to: 'e', do: [{stack: {over: i, axis: 0}}]}", true, NULL},
        {"{match: d, to: c, do: [{cast: f32}]}", true, NULL},
    };
    tn_model *model = rules_model(c, tensors);
    const char *path = rules_store(c, "r.yaml", "tenon: 1\nstages: [one.yaml, two.yaml]\n");
    rules_store(c, "one.yaml",
                KEEP
                "- {match: a, to: [a.1, a.2], do: [{split: {axis: 0}}]}\n- {match: c, to: d}\n");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[300];
        tn_report *report = NULL;
        tn_rules_options options = {0};
        tn_rules_tested tested;
        tn_error err = {0};
        snprintf(text, sizeof text, KEEP "- %s\n", rows[i].last);
        rules_store(c, "two.yaml", text);
        conv_ok(tn_rules_test(c->ctx, path, model, &options, &tested, &report, &err), &err);
        assert_int_equal(tested.inverted, rows[i].inverted);
        assert_int_equal(tn_report_count(report), rows[i].finding != NULL);
        if (rows[i].finding != NULL) {
            const tn_finding *finding = tn_report_at(report, 0);
            const char *file = strrchr(finding->rule.data, '/') + 1;
            snprintf(text, sizeof text, "%s: %.*s", file, (int)finding->message.len,
                     finding->message.data);
            assert_string_equal(text, rows[i].finding);
        }
        tn_report_free(report);
    }
    tn_model_free(model);
}

/* unstack of an axis of size 0 makes nothing of a variable and of its slot; of an axis of size 1 it
 * counts, too. */
static void counts_none_and_one(void **state)
{
    conv *c = *state;
    static const char rules[] =
        HEAD "- {match: '{x}/w', to: '{x}.{e+7}', do: [{unstack: {over: e, axis: 0}}]}\n";
    static const rules_tensor tensors[] = {
        {"a/w", "0,3", 0}, {"a/w/Adam", "0,3", 0}, {"b/w", "1,3", 0}, {"b/w/Adam", "1,3", 0}};
    tn_model *model;
    rules_run run;
    tn_error err = {0};
    conv_ok(tni_model_new(c->ctx, &model, &err), &err);
    model->path = "in";
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        rules_add(model, &tensors[i]);
    }
    conv_ok(tni_roles_by_name(model, &err), &err);
    conv_ok(tni_model_finish(model, &err), &err);
    conv_ok(rules_start(c, model, rules, &run, &err), &err);
    const tn_model *after = run.naming.model;
    assert_int_equal(after->count, 2);
    assert_true(tn_str_equal(after->tensors[0].alias[TN_SCHEME_NAME], TN_LIT("b.7")));
    assert_true(tn_str_equal(after->tensors[1].alias[TN_SCHEME_NAME], TN_LIT("b.7/Adam")));
    rules_end(&run);
    tn_model_free(model);
}

int main(void)
{
    conv_in_memory();
    const struct CMUnitTest tests[] = {
        CONV_TEST(leads_operations_back), CONV_TEST(leads_operations_back_unseen),
        CONV_TEST(refuses_operations),    CONV_TEST(leads_stages_back),
        CONV_TEST(counts_none_and_one),
    };
    return cmocka_run_group_tests_name("converters/rules/back", tests, NULL, NULL);
}
