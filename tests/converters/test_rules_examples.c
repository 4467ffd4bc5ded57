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
    /* 4 with a way back, tested on the names */
    {HEAD "- {match: 're:^blk(\\d+)_(q|k|v)$', to: 'h.{1}.{2}', "
          "back: 're:^h\\.(\\d+)\\.(q|k|v)$ => blk{1}_{2}'}",
     "blk0_q blk12_v", "blk0_q>h.0.q blk12_v>h.12.v"},
    {HEAD "- {match: 're:a(.)', to: 'b{1}', back: 'b{x} => a{x}'}", "ax", "ax>bx"},
    {HEAD "- {match: 's{a:int}/u{b:int}', to: 'l.{a*4+b}', expect: {b: 0..3}, "
          "back: 'l.{n:int} => s{n//4}/u{n%4}'}",
     "s0/u0 s0/u1 s0/u2 s1/u3", "s0/u0>l.0 s0/u1>l.1 s0/u2>l.2 s1/u3>l.7"},
    /* 5 and 6 with what is expected */
    {HEAD "- {match: 's{a:int}/u{b:int}/w', to: 'layers.{a*4+b}.w', expect: {b: 0..3}}",
     "s0/u0/w s0/u1/w s0/u2/w s0/u3/w s1/u2/w",
     "s0/u0/w>layers.0.w s0/u1/w>layers.1.w s0/u2/w>layers.2.w s0/u3/w>layers.3.w "
     "s1/u2/w>layers.6.w"},
    {HEAD "- {match: 'fc.{i:int}.weight', to: 'fc.{rank(i)}.weight', expect: {i: [4, 0, 2]}}",
     "fc.0.weight fc.2.weight fc.4.weight",
     "fc.0.weight>fc.0.weight fc.2.weight>fc.1.weight fc.4.weight>fc.2.weight"},
    {HEAD "- {match: 'a/{i:int03}', to: 'b/{i}', expect: {i: [0, 10]}}", "a/000 a/010",
     "a/000>b/0 a/010>b/10"},
    {HEAD "- {match: 'a/{i:int}/{p}', to: 'b/{i}/{p}', expect: {i: 0..}}",
     "a/0/w a/0/b a/1/b a/2/w", "a/0/b>b/0/b a/0/w>b/0/w a/1/b>b/1/b a/2/w>b/2/w"},
    {HEAD "- {match: 'a/{i:int}/{p:**}/b', to: 'l.{i}.{p}.b', "
          "expect: {i: 0.., p: [u, v/w], complete: true}}",
     "a/0/u/b a/0/v/w/b a/1/u/b a/1/v/w/b",
     "a/0/u/b>l.0.u.b a/0/v/w/b>l.0.v.w.b a/1/u/b>l.1.u.b a/1/v/w/b>l.1.v.w.b"},
    {HEAD "- {match: ['{p:u|v}/{i:int}', 'w/{i:int}/{p}'], do: keep, "
          "expect: {i: 0.., p: [u, v], complete: true}}",
     "u/0 v/0 u/1 v/1 w/0/v w/1/u w/0/u w/1/v",
     "u/0>u/0 u/1>u/1 v/0>v/0 v/1>v/1 w/0/u>w/0/u w/0/v>w/0/v w/1/u>w/1/u w/1/v>w/1/v"},
    {HEAD "- {match: 'a/{i:int}', do: keep, expect: {i: 5-2 ..}}\n"
          "- {match: 'c/{i:int}', do: keep, optional: true, expect: {i: 0..}}",
     "a/3", "a/3>a/3"},
    {HEAD "- {match: 'a/{p}', to: 'b/{p}', expect: {p: [w, b], count: 2}}", "a/w a/b",
     "a/b>b/b a/w>b/w"},
    /* 20 twins */
    {HEAD "- {match: '{v:**}/EMA', to: '{v}', priority: 2}\n"
          "- {match: '{v:**}', do: drop, priority: 1, when: {exists: '{v}/EMA'}}\n"
          "- {match: '{v:**}', do: keep}",
     "a/w a/w/EMA b", "a/w/EMA>a/w b>b"},
    {HEAD "- {match: '{x:**}', do: drop, otherwise: true}\n- {match: 'a/{x}', to: '{x}'}\n"
          "- {match: 'a/b', do: keep, priority: -3}\n- {match: a/c, do: keep, priority: 1}",
     "a/b a/c q", "a/b>b a/c>a/c"},
    {HEAD "- {match: '{x:**}', do: drop, otherwise: true}\n- {match: 'a', do: keep}", "a", "a>a"},
    /* 23 expectations and assertions */
    {"tenon: 1\nvars: {n: 3, d: 7}\nassert: [{unmatched_source: 0}, {params: 2*d*d+n*d*d+4}]\n"
     "rules:\n- {match: 'enc/{i:int}/w', to: 'e.{i}.w', "
     "expect: {count: n, i: 0..n-1, shape: [d, 'd'], dtype: f32}}\n- {match: '{x}', do: keep}",
     "enc/0/w:7,7 enc/1/w:7,7 enc/2/w:7,7 b:7,7 c:7,7:int32 d",
     "b>b c>c d>d enc/0/w>e.0.w enc/1/w>e.1.w enc/2/w>e.2.w"},
    {"tenon: 1\ndefaults: {unmatched: keep}\nassert: [{unmatched_source: [c, b, z]}]\n"
     "rules:\n- {match: a, to: d}",
     "a b c", "a>d b>b c>c"},
    {"tenon: 1\ndefaults: {unmatched: drop}\nassert: [{unmatched_source: 2}]\n"
     "rules:\n- {match: a, to: d}",
     "a b c", "a>d"},
    /* 22 guards */
    {"tenon: 1\nvars: {m: a}\nfrom: {has: ['{$m}/w', '**/b'], not: ['a/{x}/c']}\n"
     "to: {has: [d.w], not: ['{x:**}/w', a/w]}\nrules:\n- {match: '{$m}/{x}', to: 'd.{x}'}",
     "a/w a/b", "a/b>d.b a/w>d.w"},
    /* 25 conditions on shape and dtype */
    {HEAD "- {match: '{x:**}/w', when: {rank: 2}, to: '{x}.weight'}\n"
          "- {match: '{x:**}/w', when: {rank: 1, dtype: f32}, to: '{x}.vector'}\n"
          "- {match: '{x:**}/w', when: {dtype: int32}, to: '{x}.number'}\n"
          "- {match: '{x}/{n:int}', when: {shape: [n, n+1]}, to: '{x}.square'}\n"
          "- {match: '{x}/{n:int}', otherwise: true, do: keep}",
     "a/w:2,3 b/w:7 c/w:7:int32 d/3:3,4 e/3:3,3",
     "a/w>a.weight b/w>b.vector c/w>c.number d/3>d.square e/3>e/3"},
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
    {HEAD "- {match: 're:a(.)', to: 'b{1}', back: 'b{x} => c{x}'}", "ax", TN_E_NAME, "ax",
     "r.yaml:3: 'back' makes 'cx' of the new name 'bx'"},
    {HEAD "- {match: 're:a(.)', to: 'b{1}', back: 'c{x} => a{x}'}", "ax", TN_E_NAME, "ax",
     "r.yaml:3: 'back' does not match the new name 'bx'"},
    {HEAD "- {match: 'a/{i:int}', do: keep, expect: {i: 0..3}}", "a/0 a/1 a/4", TN_E_EXPECT, "a/4",
     "r.yaml:3: the rule expects no '4' for {i}"},
    {HEAD "- {match: 'a/{i:int}', do: keep, expect: {i: 1..}}", "a/0 a/1", TN_E_EXPECT, "a/0",
     "r.yaml:3: the rule expects no '0' for {i}"},
    {HEAD "- {match: 'a/{p}', do: keep, expect: {p: [w, b]}}", "a/w a/x", TN_E_EXPECT, "a/x",
     "the rule expects no 'x' for {p}"},
    {HEAD "- {match: 'a/{p}', do: keep, expect: {shape: [2, 3]}}", "a/w:2,3 a/x:2,4", TN_E_EXPECT,
     "a/x", "the rule expects another shape than float32 [2, 4]"},
    {HEAD "- {match: 'a/{p}', do: keep, expect: {dtype: float16}}", "a/w:2,3", TN_E_EXPECT, "a/w",
     "the rule expects another dtype than float32 [2, 3]"},
    {HEAD "- {match: 'a/{i:int}', do: keep, expect: {shape: [i*9223372036854775807]}}", "a/2",
     TN_E_NAME, "a/2", "r.yaml:3: i*9223372036854775807 exceeds 64 bits"},
    {HEAD "- {match: 'a/{x}', do: keep, priority: 2}\n- {match: '{x}/w', do: drop, priority: 2}\n"
          "- {match: '{x:**}', do: drop, priority: 1}",
     "a/w", TN_E_OVERLAP, "a/w", "r.yaml:3 and"},
    {HEAD "- {match: 'a/{x}', do: keep, otherwise: true}\n"
          "- {match: '{x}/w', do: drop, otherwise: true}",
     "a/w", TN_E_OVERLAP, "a/w", "r.yaml:4 both claim"},
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

typedef struct refusal {
    const char *rules, *names;
    tn_code code;
    uint32_t line, column;
    const char *part;
} refusal;

/* What a model as a whole fails: the place in the file is said. */
static const refusal refusals[] = {
    {HEAD "- {match: 'a/{i:int}', do: keep, expect: {i: 0..3}}", "a/0 a/1 a/3", TN_E_EXPECT, 3, 46,
     "'i': no tensor of in has 2 there"},
    {HEAD "- {match: 'a/{i:int}', do: keep, expect: {i: 0..3}}", "a/0 a/1 a/2", TN_E_EXPECT, 3, 46,
     "'i': no tensor of in has 3 there"},
    {HEAD "- {match: 'a/{i:int}', do: keep, expect: {i: 2..900000000000000000}}", "a/2",
     TN_E_EXPECT, 3, 46, "has 3 there"},
    {HEAD "- {match: 'a/{i:int}', do: keep, expect: {i: 0..}}", "a/0 a/1 a/3", TN_E_EXPECT, 3, 46,
     "'i': no tensor of in has 2 there"},
    {HEAD "- {match: 'a/{i:int}', do: keep, expect: {i: 0..}}", "a/1", TN_E_EXPECT, 3, 46,
     "'i': no tensor of in has 0 there"},
    {HEAD "- {match: ['{p:u|v}/{i:int}', 'w/{i:int}/{p}'], do: keep, expect: {i: 0.., p: [u]}}",
     "u/0 w/2/u", TN_E_EXPECT, 3, 71, "'i': no tensor of in has 1 there"},
    {HEAD "- {match: ['a/{i:int}', 'b/{i:int}'], do: keep, expect: {i: 0.., complete: true}}",
     "a/0 b/0 b/1", TN_E_EXPECT, 3, 57,
     "the rule claims 3 tensors of in, but patterns and values have 4"},
    {HEAD "- {match: 'a/{i:int}/{p}', do: keep, expect: {i: 0.., p: [v, w], complete: true}}",
     "a/0/v a/0/w a/1/w", TN_E_EXPECT, 3, 46,
     "'complete': the rule claims 3 tensors of in, but patterns and values have 4 combinations"},
    {HEAD "- {match: 'a/{i:int}', do: keep, expect: {i: [5, 1]}}", "a/1", TN_E_EXPECT, 3, 46,
     "'i': no tensor of in has 5 there"},
    {HEAD "- {match: 'a/{p}', do: keep, expect: {p: [w, b]}}", "a/w", TN_E_EXPECT, 3, 42,
     "'p': no tensor of in has b there"},
    {HEAD "- {match: 'a/{p}', do: keep, expect: {count: 2}}", "a/w", TN_E_EXPECT, 3, 38,
     "'expect': the rule claims 1 tensor of in, not 2"},
    {HEAD "- {match: '{x}/w', do: keep, when: {rank: 2}}", "a/w", TN_E_NO_MATCH, 3, 3,
     "matches no tensor"},
    {"tenon: 1\nfrom: {has: [a, b]}\n"
     "rules: [{match: '**', do: keep}]",
     "a", TN_E_EXPECT, 2, 13, "'has': in lacks 'b'"},
    {"tenon: 1\nfrom: {not: ['x/**']}\n"
     "rules: [{match: '**', do: keep}]",
     "a x/y", TN_E_EXPECT, 2, 13, "'not': in has 'x/**'"},
    {"tenon: 1\nto: {has: [b]}\n"
     "rules: [{match: '**', do: keep}]",
     "a", TN_E_EXPECT, 2, 11, "'has': the result lacks 'b'"},
    {"tenon: 1\nto: {not: [a]}\n"
     "rules: [{match: '**', do: keep}]",
     "a", TN_E_EXPECT, 2, 11, "'not': the result has 'a'"},
    {"tenon: 1\nassert: [{params: 5}]\n"
     "rules: [{match: '**', do: keep}]",
     "a", TN_E_EXPECT, 2, 19, "'params': the variables have 4 elements, not 5"},
    {"tenon: 1\ndefaults: {unmatched: keep}\nassert: [{unmatched_source: 0}]\n"
     "rules: [{match: 'a', do: keep}]",
     "a b c", TN_E_EXPECT, 3, 29, "'unmatched_source': no rule claims 2 tensors: b"},
    {"tenon: 1\ndefaults: {unmatched: keep}\nassert: [{unmatched_source: [b]}]\n"
     "rules: [{match: 'a', do: keep}]",
     "a b c", TN_E_EXPECT, 3, 29, "no rule claims 1 tensor besides: c"},
    {"tenon: 1\nassert: [{unmatched_source: 3}]\n"
     "rules: [{match: '**', do: keep}]",
     "a", TN_E_EXPECT, 2, 29, "no rule claims 0 tensors"},
};

static void fail_with_the_place(void **state)
{
    conv *c = *state;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const refusal *row = &refusals[i];
        tn_model *model = model_of(c, row->names);
        rules_run run;
        tn_error err = {0};
        tn_status status = rules_start(c, model, row->rules, &run, &err);
        if (status == TN_OK || err.code != row->code || err.line != row->line ||
            err.column != row->column || strstr(err.message, row->part) == NULL ||
            strstr(err.path, "r.yaml") == NULL) {
            print_error("%s\non %s: %s %u:%u %s: %s\n", row->rules, row->names,
                        tn_code_name(err.code), err.line, err.column, err.path, err.message);
            wrong++;
        }
        rules_end(&run);
        tn_model_free(model);
    }
    assert_int_equal(wrong, 0);
}

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
        CONV_TEST(fail_with_the_place),
    };
    return cmocka_run_group_tests_name("converters/rules/examples", tests, NULL, NULL);
}
