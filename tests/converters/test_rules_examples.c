/* The examples of the rule language, and the ways in which each can fail on a model. */
#include "converters/conv_rules.h"

#define HEAD "tenon: 1\nrules:\n"

/* Names separated by spaces; "NAME:2,3" has that shape, "NAME:2:int32" a dtype too. */
static tn_model *model_of(conv *c, const char *names)
{
    static char text[4096];
    rules_tensor tensors[64] = {{NULL, NULL, TN_DTYPE_NONE}};
    size_t count = 0;
    snprintf(text, sizeof text, "%s", names);
    for (char *save, *one = strtok_r(text, " ", &save); one != NULL;
         one = strtok_r(NULL, " ", &save)) {
        char *shape = strchr(one, ':'), *dtype = shape == NULL ? NULL : strchr(shape + 1, ':');
        tensors[count].name = one;
        if (dtype != NULL) {
            *dtype = '\0';
            tensors[count].dtype = tn_dtype_find(tn_str_of(dtype + 1));
        }
        if (shape != NULL) {
            *shape = '\0';
            tensors[count].shape = shape + 1;
        }
        count++;
    }
    return rules_model(c, tensors);
}

typedef struct example {
    const char *rules, *names, *want;
} example;

static const example examples[] = {
    /* 1 to 3b: exact, scopes, globs */
    {HEAD "- {match: W, to: linear.weight}", "W", "W>linear.weight"},
    {HEAD "- {match: 'my_model/{rest:**}', to: '{rest}'}", "my_model/W my_model/a/b",
     "my_model/W>W my_model/a/b>a/b"},
    {HEAD "- {match: '**/Adam*', do: drop}\n- {match: '{x:**}/W', do: keep}", "a/W b/W a/W/Adam_2x",
     "a/W>a/W b/W>b/W"},
    {HEAD "- {match: '**/adam_m', do: drop, optional: true}\n- {match: W, do: keep}", "W", "W>W"},
    /* 4 regular expressions */
    {HEAD "- {match: 're:^blk(\\d+)_(q|k|v)$', to: 'h.{1}.{2}'}", "blk0_q blk12_v",
     "blk0_q>h.0.q blk12_v>h.12.v"},
    {HEAD "- {match: \"re:blk(\\\\d+)_q\", to: 'h.{1}.{1}'}\n- {match: '{x}x', do: keep}\n- "
          "{match: 'x{x}', do: keep}",
     "blk3_q blk3_qx xblk3_q", "blk3_q>h.3.3 blk3_qx>blk3_qx xblk3_q>xblk3_q"},
    {HEAD "- {match: 're:a(b)?/(.*)', to: '{2}{1}'}", "a/x/y.z ab/c", "a/x/y.z>x/y.z ab/c>cb"},
    {"tenon: 1\nvars: {s: a.b}\ntables: {t: {k: kernel}}\nrules:\n"
     "- {match: 're:{$s}/(k|.{2,3})', to: '{1|t}'}\n- {match: 'axb/{x}', do: keep}",
     "a.b/k axb/k", "a.b/k>kernel axb/k>axb/k"},
    /* 5 arithmetic */
    {HEAD "- {match: 'block{i:int}/w', to: 'layers.{i-1}.w'}", "block1/w block12/w",
     "block1/w>layers.0.w block12/w>layers.11.w"},
    {HEAD "- {match: 's{a:int}/u{b:int}/w', to: 'layers.{a*4+b}.w'}", "s0/u3/w s2/u0/w",
     "s0/u3/w>layers.3.w s2/u0/w>layers.8.w"},
    {HEAD "- {match: 'w{i:int}', to: 's{i//4}/u{i%4:int02}'}", "w3 w14", "w3>s0/u03 w14>s3/u02"},
    {"tenon: 1\nvars: {n: 4, scope: m}\nrules:\n"
     "- {match: '{$scope}/{s:0|1}/{i:int}', to: 'l.{s*n+i}'}",
     "m/0/3 m/1/2", "m/0/3>l.3 m/1/2>l.6"},
    {HEAD "- {match: 'a/{i:int}', to: 'b/{i*dim(\"t\", -1)}'}\n- {match: t, do: keep}", "a/3 t:5,7",
     "a/3>b/21 t>t"},
    /* 6 renumbered gaps */
    {HEAD "- {match: 'fc.{i:int}.weight', to: 'fc.{rank(i)}.weight'}",
     "fc.0.weight fc.2.weight fc.4.weight fc.10.weight",
     "fc.0.weight>fc.0.weight fc.2.weight>fc.1.weight fc.4.weight>fc.2.weight "
     "fc.10.weight>fc.3.weight"},
    {HEAD "- {match: 'fc{i:int}/{p}', to: '{rank(i)+1}/{p}'}", "fc3/b fc3/w fc7/b fc7/w",
     "fc3/b>1/b fc3/w>1/w fc7/b>2/b fc7/w>2/w"},
    {HEAD "- {match: 'x{i:int}', to: 'y{rank(i)}'}\n- {match: 'z{i:int}', to: 'v{rank(i)}'}",
     "x3 x9 z5", "x3>y0 x9>y1 z5>v0"},
    /* 7 tables */
    {"tenon: 1\ntables: {part: {kernel: weight, gamma: weight, beta: bias, moving_mean: "
     "running_mean}}\nrules:\n"
     "- {match: 'bn{i:int}/{p:gamma|beta|moving_mean}', to: 'bn{i}.{p|part}'}",
     "bn3/beta bn3/gamma bn4/moving_mean",
     "bn3/beta>bn3.bias bn3/gamma>bn3.weight bn4/moving_mean>bn4.running_mean"},
    {"tenon: 1\ntables: {n: {1: one, a/b: ab}}\nrules:\n- {match: 'x/{i:int}', to: '{i|n}'}\n"
     "- {match: 'y/{p:**}', to: 'q/{p|n}'}",
     "x/1 y/a/b", "x/1>one y/a/b>q/ab"},
    {"tenon: 1\ntables: {n: {\"a\\x01\\\"\": b}}\nrules:\n- {match: 'x/{p}', to: '{p|n}'}\n",
     "x/a\001\"", "x/a\001\">b"},
    /* 28 braces and odd bytes */
    {HEAD "- {match: 'odd{{name}}', to: ok}", "odd{name}", "odd{name}>ok"},
    {HEAD "- {match: {raw: 'caf\\xC3\\xA9/w'}, to: cafe.w}", "caf\xC3\xA9/w",
     "caf\xC3\xA9/w>cafe.w"},
};

static void do_what_they_say(void **state)
{
    conv *c = *state;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        tn_model *model = model_of(c, examples[i].names);
        rules_run run;
        tn_error err = {0};
        char got[2048] = "";
        if (rules_start(c, model, examples[i].rules, &run, &err) == TN_OK) {
            rules_result(&run, model, got, sizeof got);
        }
        if (strcmp(got, examples[i].want) != 0) {
            print_error("%s\non %s: %s (%s: %s), not %s\n", examples[i].rules, examples[i].names,
                        got, tn_code_name(err.code), err.message, examples[i].want);
            wrong++;
        }
        rules_end(&run);
        tn_model_free(model);
    }
    assert_int_equal(wrong, 0);
}

typedef struct failure {
    const char *rules, *names;
    tn_code code;
    const char *subject, *part;
} failure;

static const failure failures[] = {
    {HEAD "- {match: 'b{i:int}', to: 'l{i-1}'}", "b0 b1", TN_E_NAME, "b0", "{i-1} is -1 here"},
    {HEAD "- {match: 'b{i:int}', to: 'l{i*100}'}", "b999999999999999999", TN_E_NAME,
     "b999999999999999999", "i*100 exceeds 64 bits"},
    {HEAD "- {match: 'b{i:int}/{j:int}', to: 'l{i//j}'}", "b1/0", TN_E_NAME, "b1/0",
     "i//j divides by zero"},
    {HEAD "- {match: 'b{i:int}', to: 'l{i+dim(\"t\", 0)}'}", "b1", TN_E_NAME, "b1",
     "there is no tensor 't'"},
    {HEAD "- {match: 'b{i:int}', to: 'l{i+dim(\"b1\", 1)}'}", "b1", TN_E_NAME, "b1",
     "'b1' has no size along that axis"},
    {"tenon: 1\ntables: {part: {kernel: weight}}\nrules:\n- {match: 'a/{p}', to: 'b/{p|part}'}",
     "a/kernel a/bias", TN_E_NAME, "a/bias", "the table 'part' has no word 'bias'"},
    {HEAD "- {match: 're:(a|aa)+b', to: 'c'}", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab!",
     TN_E_LIMIT, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab!",
     "r.yaml:3: the regular expression 're:(a|aa)+b' would be searched for too long"},
    {HEAD "- {match: 're:(([a-z])+.)+[A-Z]([a-z])+', to: 'c'}",
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaAa!", TN_E_LIMIT, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaAa!",
     "would be searched for too long"},
    {HEAD "- {match: 'a/{i:int}', to: 'b/{i//2}'}", "a/2 a/3", TN_E_COLLISION, "b/1",
     "two tensors would have this name"},
    {HEAD "- {match: 'a/{x}', to: 'b/{x}'}\n- {match: '{x}/w', to: 'c/{x}'}", "a/w", TN_E_OVERLAP,
     "a/w", "r.yaml:3 and"},
    {HEAD "- {match: '{x}/w', to: '{x}.w'}", "a.b/w", TN_E_NAME, "a.b/w",
     "r.yaml:3: the segment 'a.b' holds"},
};

static void fail_with_rule_and_tensor(void **state)
{
    conv *c = *state;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        const failure *row = &failures[i];
        tn_model *model = model_of(c, row->names);
        rules_run run;
        tn_error err = {0};
        tn_status status = rules_start(c, model, row->rules, &run, &err);
        if (status == TN_OK || err.code != row->code || strcmp(err.subject, row->subject) != 0 ||
            strstr(err.message, row->part) == NULL || strstr(err.message, "r.yaml:") == NULL) {
            print_error("%s\non %s: %s %s: %s\n", row->rules, row->names, tn_code_name(err.code),
                        err.subject, err.message);
            wrong++;
        }
        rules_end(&run);
        tn_model_free(model);
    }
    assert_int_equal(wrong, 0);
}

/* What is printed is the same rule file: run in its stead it does the same. */
static void print_as_rule_files(void **state)
{
    conv *c = *state;
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        tn_model *model = model_of(c, examples[i].names);
        rules_run run, again;
        tn_error err = {0};
        char got[2048], *text = NULL;
        size_t len = 0;
        conv_ok(rules_start(c, model, examples[i].rules, &run, &err), &err);
        FILE *out = open_memstream(&text, &len);
        assert_non_null(out);
        tni_rules_print(&run.naming.sets.at[0], out);
        assert_int_equal(fclose(out), 0);
        tn_status status = rules_start(c, model, text, &again, &err);
        if (status != TN_OK) {
            fail_msg("%s: %s\n%s", examples[i].rules, err.message, text);
        }
        rules_result(&again, model, got, sizeof got);
        assert_string_equal(got, examples[i].want);
        free(text);
        rules_end(&again);
        rules_end(&run);
        tn_model_free(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONV_TEST(do_what_they_say),
        CONV_TEST(print_as_rule_files),
        CONV_TEST(fail_with_rule_and_tensor),
    };
    return cmocka_run_group_tests_name("converters/rules/examples", tests, NULL, NULL);
}
