/* Rule files that name others: include, stages, vars_from, inputs, slot_families, assignment_map;
 * and that nothing leads out of a file's own folder. */
#include "converters/conv_rules.h"
#include "converters/rules/loading.h"
#include "converters/rules/presets.h"
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file of the test's folder. */
typedef struct file {
    const char *name, *text;
} file;

#define FILES_MOST 8
#define HEAD "tenon: 1\nrules:\n"

static void store(conv *c, const file *files)
{
    for (; files->name != NULL; files++) {
        const char *path = conv_at(c, files->name);
        conv_store(path, files->text, strlen(files->text));
    }
}

static tn_status load_file(conv *c, tni_arena *arena, const char *name,
                           const tni_rule_options *more, tni_rulesets *sets, tn_error *err)
{
    const char *path = conv_at(c, name);
    tni_rule_options options = more == NULL ? (tni_rule_options){.n_rules = 1} : *more;
    options.rules = &path;
    options.n_rules = 1;
    tni_arena_init(arena, c->ctx, 1 << 26);
    return tni_rules_load(arena, &options, sets, err);
}

typedef struct row {
    file files[FILES_MOST]; /* the first is the argument */
    tn_code code;
    uint32_t line, column;
    const char *path, *part, *hint;
} row;

static const row rows[] = {
    {{{"r", "tenon: 1\ninclude: [x.yaml]\n"}}, TN_E_NOT_FOUND, 2, 11, "r", "no such file", ""},
    {{{"r", "tenon: 1\ninclude: [../x.yaml]\n"}}, TN_E_UNSAFE, 2, 11, "r", "outside its own", ""},
    {{{"r", "tenon: 1\ninclude: [/etc/passwd]\n"}}, TN_E_UNSAFE, 2, 11, "r", "outside its", ""},
    {{{"r", "tenon: 1\ninclude: [{file: a/../../x}]\n"}}, TN_E_UNSAFE, 2, 11, "r", "outside", ""},
    {{{"r", "tenon: 1\ninclude: [./x]\n"}}, TN_E_UNSAFE, 2, 11, "r", "outside its own", ""},
    {{{"r", "tenon: 1\ninclude: ['']\n"}}, TN_E_UNSAFE, 2, 11, "r", "outside its own", ""},
    {{{"r", "tenon: 1\ninclude: [a//b]\n"}}, TN_E_UNSAFE, 2, 11, "r", "outside its own", ""},
    {{{"r", "tenon: 1\ninclude: [a/]\n"}}, TN_E_UNSAFE, 2, 11, "r", "outside its own", ""},
    {{{"r", "tenon: 1\nstages: [../x.yaml]\n"}}, TN_E_UNSAFE, 2, 10, "r", "outside its own", ""},
    {{{"r", "tenon: 1\nvars_from: {file: ../c, n: m}\n"
            "rules: [{match: a, do: keep}]\n"}},
     TN_E_UNSAFE,
     2,
     19,
     "r",
     "outside its own",
     ""},
    {{{"r", "tenon: 1\ninclude: [a]\n"},
      {"a", "tenon: 1\ninclude: [b]\n"},
      {"b", "tenon: 1\ninclude: [../b]\n"}},
     TN_E_UNSAFE,
     2,
     11,
     "b",
     "outside its own",
     ""},
    /* Circles. */
    {{{"r", "tenon: 1\ninclude: [r]\n"}}, TN_E_RULE, 2, 11, "r", "r leads to itself", ""},
    {{{"r", "tenon: 1\ninclude: [a]\n"}, {"a", "tenon: 1\nabout: x\ninclude: [r]\n"}},
     TN_E_RULE,
     3,
     11,
     "a",
     "r leads to itself",
     ""},
    {{{"r", "tenon: 1\nstages: [a]\n"}, {"a", "tenon: 1\nstages: [r]\n"}},
     TN_E_RULE,
     2,
     10,
     "a",
     "r leads to itself",
     ""},
    {{{"r", "tenon: 1\nstages: [a]\n"}, {"a", "tenon: 1\ninclude: [r]\n"}},
     TN_E_RULE,
     2,
     11,
     "a",
     "r leads to itself",
     ""},
    /* What included files cannot be. */
    {{{"r", "tenon: 1\ninclude: [a]\n"}, {"a", "tenon: 1\nstages: [b]\n"}},
     TN_E_RULE,
     2,
     11,
     "r",
     "has stages of its own",
     ""},
    {{{"r", "tenon: 1\ninclude: [a]\n"},
      {"a", "tenon: 1\nscheme: full\nrules: [{match: a, do: drop}]\n"}},
     TN_E_RULE,
     2,
     11,
     "r",
     "sees names of the scheme full",
     ""},
    {{{"r", "tenon: 1\ninclude: [a]\n"},
      {"a", "tenon: 1\nslot_families: []\nrules: [{match: a, do: drop}]\n"}},
     TN_E_RULE,
     2,
     11,
     "r",
     "says slot_families",
     ""},
    {{{"r", "tenon: 1\ninclude: [a]\n"}, {"a", HEAD "- {match: '{x', do: drop}\n"}},
     TN_E_RULE,
     3,
     12,
     "a",
     "a '{' has no '}'",
     ""},
    {{{"r", "tenon: 1\ninclude: [{file: a, vars: {nkq: 3}}]\n"},
      {"a", "tenon: 1\nvars: {nq: 1}\nrules: [{match: a, do: drop}]\n"}},
     TN_E_RULE,
     2,
     28,
     "r",
     "declares no such variable",
     "did you mean 'nq'?"},
    {{{"r", "tenon: 1\ninclude: ['preset:no/such']\n"}},
     TN_E_USAGE,
     2,
     11,
     "r",
     "there is no preset 'no/such'",
     ""},
    {{{"r", "tenon: 1\ninclude: [{preset: no/such}]\n"}},
     TN_E_USAGE,
     2,
     11,
     "r",
     "there is no preset 'no/such'",
     ""},
    /* Configs. */
    {{{"r", "tenon: 1\nvars_from: {file: c, n: m}\nrules: [{match: a, do: drop}]\n"}, {"c", "{}"}},
     TN_E_EXPECT,
     2,
     25,
     "r",
     "the config has no 'm'",
     ""},
    {{{"r", "tenon: 1\nvars_from: {file: c, n: m}\nrules: [{match: a, do: drop}]\n"},
      {"c", "{\"m\": [1]}"}},
     TN_E_CORRUPT,
     0,
     0,
     "c",
     "'m' is no number and no string",
     ""},
    {{{"r", "tenon: 1\nvars_from: {file: c, n: m}\nrules: [{match: a, do: drop}]\n"}, {"c", "[1]"}},
     TN_E_CORRUPT,
     0,
     0,
     "c",
     "",
     ""},
    {{{"r", "tenon: 1\nvars_from: {file: c, n: m}\nrules: [{match: a, do: drop}]\n"},
      {"c", "{\"m\": 1} x"}},
     TN_E_CORRUPT,
     0,
     0,
     "c",
     "",
     ""},
    {{{"r", "tenon: 1\nvars_from: {input: c, n: m}\nrules: [{match: a, do: drop}]\n"}},
     TN_E_USAGE,
     2,
     20,
     "r",
     "the input 'c' is missing",
     "--input c=PATH, or --var n=VALUE"},
};

static void says_where_and_what(void **state)
{
    conv *c = *state;
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tni_arena arena;
        tni_rulesets sets;
        tn_error err = {0};
        store(c, rows[i].files);
        tn_status status = load_file(c, &arena, "r", NULL, &sets, &err);
        const char *name = strrchr(err.path, '/');
        if (status != tn_code_status(rows[i].code) || err.code != rows[i].code ||
            err.line != rows[i].line || err.column != rows[i].column || name == NULL ||
            strcmp(name + 1, rows[i].path) != 0 || strstr(err.message, rows[i].part) == NULL ||
            strstr(err.hint, rows[i].hint) == NULL) {
            print_error("row %zu: %s %s:%u:%u: %s (%s)\n", i, tn_code_name(err.code), err.path,
                        err.line, err.column, err.message, err.hint);
            wrong++;
        }
        tni_arena_clear(&arena);
        for (const file *one = rows[i].files; one->name != NULL; one++) {
            unlink(conv_at(c, one->name));
        }
    }
    assert_int_equal(wrong, 0);
}

/* A link out of the folder, as the file itself or as a folder on the way; one within, too. */
static void follows_no_links(void **state)
{
    conv *c = *state;
    static const char *const texts[] = {"tenon: 1\ninclude: [link]\n",
                                        "tenon: 1\ninclude: [door/passwd]\n",
                                        "tenon: 1\ninclude: [within]\n"};
    char link[512], door[512], within[512];
    snprintf(link, sizeof link, "%s", conv_at(c, "link"));
    snprintf(door, sizeof door, "%s", conv_at(c, "door"));
    snprintf(within, sizeof within, "%s", conv_at(c, "within"));
    assert_int_equal(symlink("/etc/passwd", link), 0);
    assert_int_equal(symlink("/etc", door), 0);
    assert_int_equal(symlink("r", within), 0);
    for (size_t i = 0; i < 3; i++) {
        tni_arena arena;
        tni_rulesets sets;
        tn_error err = {0};
        store(c, (file[]){{"r", texts[i]}, {NULL, NULL}});
        assert_int_equal(load_file(c, &arena, "r", NULL, &sets, &err), TN_UNSAFE);
        assert_int_equal(err.line, 2);
        assert_int_equal(err.column, 11);
        assert_non_null(strstr(err.message, "a symbolic link is not followed"));
        tni_arena_clear(&arena);
    }
}

static void limits_depth_number_and_size(void **state)
{
    conv *c = *state;
    static char large[(1 << 20) + 1];
    tni_arena arena;
    tni_rulesets sets;
    tn_error err = {0};
    for (int i = 0; i < 20; i++) { /* each leads to the next */
        char name[16], text[64];
        snprintf(name, sizeof name, "d%d", i);
        snprintf(text, sizeof text, "tenon: 1\ninclude: [d%d]\n", i + 1);
        store(c, (file[]){{name, text}, {NULL, NULL}});
    }
    assert_int_equal(load_file(c, &arena, "d0", NULL, &sets, &err), TN_RULE_FILE);
    assert_non_null(strstr(err.message, "more than 16 deep"));
    assert_non_null(strstr(err.path, "/d16"));
    tni_arena_clear(&arena);
    for (int i = 0; i < 10; i++) { /* each leads to the next twice: 1023 files */
        char name[16], text[64];
        snprintf(name, sizeof name, "d%d", i);
        snprintf(text, sizeof text,
                 i < 9 ? "tenon: 1\ninclude: [d%d, d%d]\n" : HEAD "- {match: a, do: drop}\n", i + 1,
                 i + 1);
        store(c, (file[]){{name, text}, {NULL, NULL}});
    }
    err = (tn_error){0};
    assert_int_equal(load_file(c, &arena, "d0", NULL, &sets, &err), TN_RULE_FILE);
    assert_non_null(strstr(err.message, "more than 64 files"));
    tni_arena_clear(&arena);
    memset(large, ' ', sizeof large);
    conv_store(conv_at(c, "large"), large, sizeof large);
    store(c, (file[]){{"r", "tenon: 1\ninclude: [large]\n"}, {NULL, NULL}});
    err = (tn_error){0};
    assert_int_equal(load_file(c, &arena, "r", NULL, &sets, &err), TN_RULE_FILE);
    assert_non_null(strstr(err.message, "larger than 1048576 bytes"));
    tni_arena_clear(&arena);
}

/* The rules of included files are of one stage, each with its own variables, tables, separator. */
static void includes(void **state)
{
    conv *c = *state;
    static const file files[] = {
        {"r", "tenon: 1\nvars: {n: 3}\ntables: {t: {w: mine}}\n"
              "include: [{file: sub, vars: {scope: a, k: '{$n}'}}, {file: sub, vars: {scope: b}}]\n"
              "rules:\n- {match: 'c/{p:w|v}', to: 'c.{p|t}'}\n"},
        {"sub", "tenon: 1\nvars: {scope: x, k: 10}\ntables: {t: {w: theirs, v: other}}\n"
                "rules:\n- {match: '{$scope}/{i:int}/{p:w|v}', to: '{$scope}.{i+k}.{p|t}'}\n"},
        {NULL, NULL}};
    static const rules_tensor tensors[] = {
        {"a/1/w", NULL, 0}, {"b/1/v", NULL, 0}, {"c/w", NULL, 0}, {NULL, NULL, 0}};
    rules_run run;
    tn_error err = {0};
    char text[200];
    store(c, files);
    tn_model *model = rules_model(c, tensors);
    conv_ok(rules_start(c, model, files[0].text, &run, &err), &err);
    rules_result(&run, model, text, sizeof text);
    assert_string_equal(text, "a/1/w>a.4.theirs b/1/v>b.11.other c/w>c.mine");
    assert_true(tn_str_ends(run.naming.rule[0], TN_LIT("/sub:5")));
    rules_end(&run);
    tn_model_free(model);
}

/* Rules of two files that claim one tensor are an error of the stage. */
static void sees_overlaps_between_files(void **state)
{
    conv *c = *state;
    static const file files[] = {{"sub", HEAD "- {match: 'a/{x}', to: 'b/{x}'}\n"}, {NULL, NULL}};
    static const rules_tensor tensors[] = {{"a/w", NULL, 0}, {NULL, NULL, 0}};
    rules_run run;
    tn_error err = {0};
    store(c, files);
    tn_model *model = rules_model(c, tensors);
    assert_int_equal(rules_start(c, model,
                                 "tenon: 1\ninclude: [sub]\nrules: [{match: a/w, do: keep}]\n",
                                 &run, &err),
                     TN_NO);
    assert_int_equal(err.code, TN_E_OVERLAP);
    rules_end(&run);
    tn_model_free(model);
}

/* Each stage sees what the one before left, and a file of stages may name another one. */
static void runs_stages_in_order(void **state)
{
    conv *c = *state;
    static const file files[] = {{"one", HEAD "- {match: a, to: b}\n"},
                                 {"two", "tenon: 1\nstages: [three, four]\n"},
                                 {"three", HEAD "- {match: b, to: c}\n"},
                                 {"four", HEAD "- {match: c, to: d}\n"},
                                 {"five", "d: e\n"},
                                 {NULL, NULL}};
    static const rules_tensor tensors[] = {{"a", NULL, 0}, {NULL, NULL, 0}};
    rules_run run;
    tn_error err = {0};
    char text[200];
    store(c, files);
    tn_model *model = rules_model(c, tensors);
    conv_ok(rules_start(c, model, "tenon: 1\nstages: [one, two, five]\n", &run, &err), &err);
    rules_result(&run, model, text, sizeof text);
    assert_string_equal(text, "a>e");
    assert_int_equal(run.naming.sets.count, 4);
    rules_end(&run);
    tn_model_free(model);
}

/* What an included file says of slots and counters holds for its own rules; its guards hold, too.
 */
static void keeps_what_an_included_file_says(void **state)
{
    conv *c = *state;
    static const file files[] = {
        {"sub", "tenon: 1\nfrom: {not: [z]}\ndefaults: {counters: seen, slots: seen}\n"
                "rules: [{match: 'step*', do: drop}]\n"},
        {NULL, NULL}};
    static const char text[] = "tenon: 1\ninclude: [sub]\nrules: [{match: '{x}', to: '{x}.w', "
                               "when: {rank: 1}}]\n";
    static const rules_tensor tensors[] = {{"a", NULL, 0}, {"step_1", "", 0}, {NULL, NULL, 0}};
    static const rules_tensor guarded[] = {{"z", NULL, 0}, {"step_1", "", 0}, {NULL, NULL, 0}};
    rules_run run;
    tn_error err = {0};
    char got[200];
    store(c, files);
    tn_model *model = rules_model(c, tensors);
    model->tensors[1].role = TN_ROLE_COUNTER;
    conv_ok(rules_start(c, model, text, &run, &err), &err);
    rules_result(&run, model, got, sizeof got);
    assert_string_equal(got, "a>a.w");
    rules_end(&run);
    tn_model_free(model);
    model = rules_model(c, guarded);
    assert_int_equal(rules_start(c, model, text, &run, &err), TN_NO);
    assert_int_equal(err.code, TN_E_EXPECT);
    assert_non_null(strstr(err.path, "/sub"));
    rules_end(&run);
    tn_model_free(model);
}

/* vars < vars_from < what the including file says < --var. */
static void takes_variables_in_turn(void **state)
{
    conv *c = *state;
    static const file files[] = {
        {"r", "tenon: 1\ninclude: [{file: sub, vars: {c: given, d: given}}]\n"},
        {"sub", "tenon: 1\nvars: {a: said, b: said, c: said, d: said}\n"
                "vars_from: {input: config, b: bb, c: cc, d: dd, e: ee}\n"
                "rules: [{match: '{$a}.{$b}.{$c}.{$d}.{$e}', do: drop}]\n"},
        {"c.json",
         "{\"bb\": \"read\", \"x\": {\"bb\": [1, {}]}, \"cc\": \"read\", \"dd\": \"read\", "
         "\"ee\": 12}"},
        {NULL, NULL}};
    char input[600];
    const char *inputs[] = {input}, *vars[] = {"d=over"};
    tni_arena arena;
    tni_rulesets sets;
    tn_error err = {0};
    store(c, files);
    snprintf(input, sizeof input, "config=%s", conv_at(c, "c.json"));
    tni_rule_options more = {.inputs = inputs, .n_inputs = 1, .vars = vars, .n_vars = 1};
    conv_ok(load_file(c, &arena, "r", &more, &sets, &err), &err);
    assert_true(
        tn_str_equal(sets.at[0].rules[0].patterns[0]->exact, TN_LIT("said.read.given.over.12")));
    tni_arena_clear(&arena);
    vars[0] = "nosuch=1";
    assert_int_equal(load_file(c, &arena, "r", &more, &sets, &err), TN_USAGE);
    assert_non_null(strstr(err.message, "no rule file declares it"));
    tni_arena_clear(&arena);
}

static void checks_inputs(void **state)
{
    conv *c = *state;
    static const struct {
        const char *inputs[2];
        size_t count;
        const char *part;
    } wrong[] = {{{"b"}, 1, "--input 'b' is not NAME=PATH"},
                 {{"=b"}, 1, "is not NAME=PATH"},
                 {{"b="}, 1, "is not NAME=PATH"},
                 {{"b=x", "b=y"}, 2, "--input 'b' is said twice"},
                 {{"bb=x"}, 1, "--input 'bb': no rule file asks for it"}};
    store(c,
          (file[]){{"r", "tenon: 1\ninputs: [b]\nrules: [{match: a, do: keep}]\n"}, {NULL, NULL}});
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        tni_arena arena;
        tni_rulesets sets;
        tn_error err = {0};
        tni_rule_options more = {.inputs = wrong[i].inputs, .n_inputs = wrong[i].count};
        assert_int_equal(load_file(c, &arena, "r", &more, &sets, &err), TN_USAGE);
        assert_non_null(strstr(err.message, wrong[i].part));
        tni_arena_clear(&arena);
    }
}

/* As TensorFlow's init_from_checkpoint reads it: braces mean nothing. */
static void reads_assignment_maps(void **state)
{
    conv *c = *state;
    static const struct {
        const char *text, *result;
    } maps[] = {
        {"assignment_map: {'/': 'new/'}\n", "a/b/v>new/a/b/v a/w>new/a/w c{d}>new/c{d}"},
        {"assignment_map: {'a/': 'x/y/'}\n", "a/b/v>x/y/b/v a/w>x/y/w c{d}>c{d}"},
        {"assignment_map: {'a/': '/'}\n", "a/b/v>b/v a/w>w c{d}>c{d}"},
        {"assignment_map: {a/w: x/w, 'a/b/': 'z/', 'c{d}': 'e{f}'}\n",
         "a/b/v>z/v a/w>x/w c{d}>e{f}"},
    };
    static const rules_tensor tensors[] = {
        {"a/w", NULL, 0}, {"a/b/v", NULL, 0}, {"c{d}", NULL, 0}, {NULL, NULL, 0}};
    tn_model *model = rules_model(c, tensors);
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        rules_run run;
        tn_error err = {0};
        char text[200];
        conv_ok(rules_start(c, model, maps[i].text, &run, &err), &err);
        rules_result(&run, model, text, sizeof text);
        assert_string_equal(text, maps[i].result);
        rules_end(&run);
    }
    tn_model_free(model);
}

/* Only listed families are slots; others are tensors like all, which rules must name. */
static void lists_slot_families(void **state)
{
    conv *c = *state;
    static const struct {
        const char *text, *result;
    } lists[] = {
        {"tenon: 1\nrules: [{match: 'a/{x}', to: 'b/{x}'}]\n",
         "a/w>b/w a/w/Adam>b/w/Adam a/w/Momentum>b/w/Momentum"},
        {"tenon: 1\nslot_families: [tf1-adam]\ndefaults: {unmatched: drop}\n"
         "rules: [{match: 'a/{x}', to: 'b/{x}'}]\n",
         "a/w>b/w a/w/Adam>b/w/Adam"},
        {"tenon: 1\nslot_families: []\ndefaults: {unmatched: keep}\n"
         "rules: [{match: 'a/{x}', to: 'b/{x}'}]\n",
         "a/w>b/w a/w/Adam>a/w/Adam a/w/Momentum>a/w/Momentum"},
    };
    static const rules_tensor tensors[] = {
        {"a/w", NULL, 0}, {"a/w/Adam", NULL, 0}, {"a/w/Momentum", NULL, 0}, {NULL, NULL, 0}};
    tn_model *model = rules_model(c, tensors);
    for (uint32_t i = 1; i < 3; i++) {
        model->tensors[i].role = TN_ROLE_SLOT;
        model->tensors[i].slot_of = 0;
    }
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        rules_run run;
        tn_error err = {0};
        char text[200];
        conv_ok(rules_start(c, model, lists[i].text, &run, &err), &err);
        rules_result(&run, model, text, sizeof text);
        assert_string_equal(text, lists[i].result);
        rules_end(&run);
    }
    tn_model_free(model);
}

static size_t yaml_files;

static int count_yaml(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    size_t len = strlen(path);
    (void)info;
    (void)where;
    yaml_files += kind == FTW_F && len > 5 && strcmp(path + len - 5, ".yaml") == 0;
    return 0;
}

/* The table holds what lies below schemas/rules, all of it, byte for byte, in order. */
static void holds_the_presets(void **state)
{
    (void)state;
    nftw(TN_FIXTURES "/../schemas/rules", count_yaml, 8, FTW_PHYS);
    assert_int_equal(tni_n_presets, yaml_files);
    for (size_t i = 0; i < tni_n_presets; i++) {
        char path[600];
        snprintf(path, sizeof path, TN_FIXTURES "/../schemas/rules/%s.yaml", tni_presets[i].name);
        conv_bytes stored = conv_load(path);
        assert_int_equal(stored.len, tni_presets[i].text.len);
        assert_memory_equal(stored.at, tni_presets[i].text.data, stored.len);
        free(stored.at);
        assert_ptr_equal(tni_preset_find(tn_str_of(tni_presets[i].name)), &tni_presets[i]);
        assert_true(i == 0 || strcmp(tni_presets[i - 1].name, tni_presets[i].name) < 0);
    }
    assert_null(tni_presets[tni_n_presets].name);
    assert_null(tni_preset_find(TN_LIT("no/such")));
}

int main(void)
{
    conv_in_memory();
    const struct CMUnitTest tests[] = {
        CONV_TEST(says_where_and_what),
        CONV_TEST(follows_no_links),
        CONV_TEST(limits_depth_number_and_size),
        CONV_TEST(includes),
        CONV_TEST(sees_overlaps_between_files),
        CONV_TEST(runs_stages_in_order),
        CONV_TEST(keeps_what_an_included_file_says),
        CONV_TEST(takes_variables_in_turn),
        CONV_TEST(checks_inputs),
        CONV_TEST(reads_assignment_maps),
        CONV_TEST(lists_slot_families),
        CONV_TEST(holds_the_presets),
    };
    return cmocka_run_group_tests_name("converters/rules/include", tests, NULL, NULL);
}
