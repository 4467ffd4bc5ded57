/* Renames over whole models: what each tensor is called afterwards, and why a command is refused.
 */
#include "converters/conv.h"
#include "model/roles.h"

static const char adam[] = TN_FIXTURES "/tf_checkpoint/good-v1-adam/model.ckpt";
static const char doubled[] = TN_FIXTURES "/tf_checkpoint/good-v1-adam-doubled-scope/model.ckpt";
static const char bert[] = TN_FIXTURES "/tf_checkpoint/good-v1-bert-names/model.ckpt";
static const char t5[] = TN_FIXTURES "/tf_checkpoint/good-v1-t5-names/model.ckpt";
static const char objects[] = TN_FIXTURES "/tf_checkpoint/good-keras3-sequential";

/* A command: renames, the text of a rule file or NULL, and drops. */
typedef struct command {
    const char *rename[4], *rules, *drop[2];
    bool ignore, weights_only;
    const char *layout;
} command;

static size_t count_of(const char *const *list, size_t most)
{
    size_t count = 0;
    while (count < most && list[count] != NULL) {
        count++;
    }
    return count;
}

static tn_status plan_of(conv *c, const tn_model *model, const command *cmd, tn_plan **plan,
                         tn_error *err)
{
    const char *path = conv_at(c, "r.yaml");
    if (cmd->rules != NULL) {
        conv_store(path, cmd->rules, strlen(cmd->rules));
    }
    tn_convert_options options = {.to = "tf_checkpoint",
                                  .layout = cmd->layout,
                                  .rename = cmd->rename,
                                  .n_rename = count_of(cmd->rename, 4),
                                  .rules = &path,
                                  .n_rules = cmd->rules != NULL,
                                  .drop = cmd->drop,
                                  .n_drop = count_of(cmd->drop, 2),
                                  .weights_only = cmd->weights_only,
                                  .ignore_unmatch = cmd->ignore};
    char out[TN_SCRATCH_PATH];
    snprintf(out, sizeof out, "%s", conv_at(c, "out"));
    return tn_plan_new(c->ctx, model, out, &options, plan, err);
}

static tn_model *hand_made(conv *c, const char *const *names)
{
    static const float values[4] = {1, 2, 3, 4};
    conv_tensor tensors[40];
    size_t count = 0;
    for (; names[count] != NULL; count++) {
        tensors[count] = (conv_tensor){names[count], "F32", "4", values, 16};
    }
    char path[TN_SCRATCH_PATH];
    snprintf(path, sizeof path, "%s", conv_safetensors(c, "in.safetensors", tensors, count));
    conv_must(c->ctx, path, conv_at(c, "in.ckpt"), NULL);
    return conv_open(c->ctx, conv_at(c, "in.ckpt"));
}

static const char *target_of(const tn_plan *plan, const char *from)
{
    const tn_plan_tensor *tensors;
    size_t count = tn_plan_tensors(plan, &tensors);
    for (size_t i = 0; i < count; i++) {
        if (tn_str_equal(tensors[i].from[0]->alias[TN_SCHEME_NAME], tn_str_of(from))) {
            return tensors[i].name.data;
        }
    }
    return "(none)";
}

/* Checks where tensors go: pairs from, to; those not named must keep their names. */
static void goes(conv *c, const tn_model *model, const command *cmd, const char *const *pairs)
{
    tn_plan *plan = NULL;
    tn_error err = {0};
    conv_ok(plan_of(c, model, cmd, &plan, &err), &err);
    const tn_plan_tensor *tensors;
    size_t count = tn_plan_tensors(plan, &tensors), named = 0, changed = 0;
    for (; pairs[2 * named] != NULL; named++) {
        const char *to = target_of(plan, pairs[2 * named]);
        if (strcmp(to, pairs[2 * named + 1]) != 0) {
            fail_msg("%s goes to %s, not %s", pairs[2 * named], to, pairs[2 * named + 1]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        bool same = tn_str_equal(tensors[i].from[0]->alias[TN_SCHEME_NAME], tensors[i].name);
        changed += !same;
        assert_true(same || tensors[i].rule.data != NULL);
    }
    size_t wanted = 0;
    for (size_t i = 0; i < named; i++) {
        wanted +=
            strcmp(pairs[2 * i], pairs[2 * i + 1]) != 0 && strcmp(pairs[2 * i + 1], "(none)") != 0;
    }
    assert_int_equal(changed, wanted);
    tn_plan_free(plan);
}

static void refused(conv *c, const tn_model *model, const command *cmd, tn_code code,
                    const char *part)
{
    tn_plan *plan = NULL;
    tn_error err = {0};
    tn_status status = plan_of(c, model, cmd, &plan, &err);
    if (status == TN_OK || err.code != code ||
        (strstr(err.message, part) == NULL && strstr(err.hint, part) == NULL)) {
        fail_msg("%s: %s: %s (%s; hint: %s), not '%s'", tn_code_name(err.code), err.path,
                 err.message, err.subject, err.hint, part);
    }
    assert_null(plan);
}

#define PAIRS(...) ((const char *const[]){__VA_ARGS__, NULL, NULL})
#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void moves_scopes(void **state)
{
    conv *c = *state;
    tn_model *model = conv_open(c->ctx, adam);
    goes(c, model, &(command){.rename = {"my_model/=/"}},
         PAIRS("my_model/W", "W", "my_model/W/Adam", "W/Adam", "my_model/W/Adam_1", "W/Adam_1",
               "my_model/b", "b", "my_model/b/Adam", "b/Adam", "my_model/b/Adam_1", "b/Adam_1",
               "global_step", "global_step", "beta1_power", "beta1_power"));
    goes(c, model, &(command){.rename = {"/=outer/"}},
         PAIRS("my_model/W", "outer/my_model/W", "my_model/W/Adam", "outer/my_model/W/Adam",
               "my_model/W/Adam_1", "outer/my_model/W/Adam_1", "my_model/b", "outer/my_model/b",
               "my_model/b/Adam", "outer/my_model/b/Adam", "my_model/b/Adam_1",
               "outer/my_model/b/Adam_1", "global_step", "global_step", "beta1_power",
               "beta1_power", "beta2_power", "beta2_power"));
    /* Any of a tensor's names will do for FROM. */
    goes(c, model, &(command){.rename = {"my_model/W:0=W"}},
         PAIRS("my_model/W", "W", "my_model/W/Adam", "W/Adam", "my_model/W/Adam_1", "W/Adam_1"));
    /* An exact name reaches counters and state. */
    goes(c, model, &(command){.rename = {"global_step=step", "beta1_power=b1", "my_model/=m/"}},
         PAIRS("global_step", "step", "beta1_power", "b1", "my_model/W", "m/W", "my_model/b", "m/b",
               "my_model/W/Adam", "m/W/Adam", "my_model/W/Adam_1", "m/W/Adam_1", "my_model/b/Adam",
               "m/b/Adam", "my_model/b/Adam_1", "m/b/Adam_1"));
    tn_model_free(model);
}

static void renames_doubled_scopes_together(void **state)
{
    conv *c = *state;
    tn_model *model = conv_open(c->ctx, doubled);
    goes(c, model, &(command){.rename = {"S/=T/"}},
         PAIRS("S/W", "T/W", "S/S/W/Adam", "T/T/W/Adam", "S/S/W/Adam_1", "T/T/W/Adam_1", "S/b",
               "T/b", "S/S/b/Adam", "T/T/b/Adam", "S/S/b/Adam_1", "T/T/b/Adam_1", "S/beta1_power",
               "T/beta1_power", "S/beta2_power", "T/beta2_power", "W", "W"));
    goes(c, model, &(command){.rename = {"S/=/"}, .drop = {"W"}},
         PAIRS("S/W", "W", "S/S/W/Adam", "W/Adam", "S/S/W/Adam_1", "W/Adam_1", "S/b", "b",
               "S/S/b/Adam", "b/Adam", "S/S/b/Adam_1", "b/Adam_1", "S/beta1_power", "beta1_power",
               "S/beta2_power", "beta2_power", "W", "(none)"));
    goes(c, model, &(command){.rename = {"/=T/"}},
         PAIRS("S/W", "T/S/W", "S/S/W/Adam", "T/S/T/S/W/Adam", "S/S/W/Adam_1", "T/S/T/S/W/Adam_1",
               "S/b", "T/S/b", "S/S/b/Adam", "T/S/T/S/b/Adam", "S/S/b/Adam_1", "T/S/T/S/b/Adam_1",
               "S/beta1_power", "T/S/beta1_power", "S/beta2_power", "T/S/beta2_power", "W", "T/W"));
    goes(c, model, &(command){.rename = {"S/W=S/V"}},
         PAIRS("S/W", "S/V", "S/S/W/Adam", "S/S/V/Adam", "S/S/W/Adam_1", "S/S/V/Adam_1"));
    /* The leaf name W is in two scopes. */
    refused(c, model, &(command){.rename = {"S/=/"}}, TN_E_COLLISION,
            "--rename 1 makes it of 'S/W', 'W' keeps it");
    goes(c, model, &(command){.rename = {"W=X"}}, PAIRS("W", "X"));
    goes(c, model, &(command){.rename = {"W=S/W", "S/W=W"}},
         PAIRS("W", "S/W", "S/W", "W", "S/S/W/Adam", "W/Adam", "S/S/W/Adam_1", "W/Adam_1"));
    tn_model_free(model);
}

static void follows_families(void **state)
{
    conv *c = *state;
    tn_model *model = conv_open(c->ctx, bert);
    goes(c, model, &(command){.rename = {"cls/predictions/=head/"}},
         PAIRS("cls/predictions/output_bias", "head/output_bias",
               "cls/predictions/output_bias/adam_m", "head/output_bias/adam_m",
               "cls/predictions/output_bias/adam_v", "head/output_bias/adam_v"));
    goes(c, model, &(command){.rename = {"bert/pooler/dense/{x}=bert.pooler.{x}"}},
         PAIRS("bert/pooler/dense/kernel", "bert.pooler.kernel", "bert/pooler/dense/kernel/adam_m",
               "bert.pooler.kernel/adam_m", "bert/pooler/dense/kernel/adam_v",
               "bert.pooler.kernel/adam_v"));
    /* A pattern that spells the suffix reaches slots. */
    goes(c, model, &(command){.rename = {"bert/pooler/dense/kernel/adam_{s}=pooled/{s}"}},
         PAIRS("bert/pooler/dense/kernel/adam_m", "pooled/m", "bert/pooler/dense/kernel/adam_v",
               "pooled/v"));
    tn_model_free(model);
    model = conv_open(c->ctx, t5);
    tn_plan *plan = NULL;
    tn_error err = {0};
    command all = {.rename = {"{s:encoder|decoder}/{x:**}=t5/{s}/{x}"}};
    conv_ok(plan_of(c, model, &all, &plan, &err), &err);
    const tn_plan_tensor *tensors;
    size_t count = tn_plan_tensors(plan, &tensors), slots = 0;
    for (size_t i = 0; i < count; i++) {
        tn_str from = tensors[i].from[0]->alias[TN_SCHEME_NAME], to = tensors[i].name;
        bool inside =
            tn_str_starts(from, TN_LIT("encoder/")) || tn_str_starts(from, TN_LIT("decoder/"));
        slots += inside && memmem(from.data, from.len, "_slot_", 6) != NULL;
        if (inside) {
            assert_true(tn_str_starts(to, TN_LIT("t5/")));
            assert_true(tn_str_equal(tn_str_skip(to, 3), from));
        } else {
            assert_true(tn_str_equal(to, from));
        }
    }
    assert_true(slots > 0);
    tn_plan_free(plan);
    tn_model_free(model);
}

/* The small differences between two programs' names, each by one command. */
static void mends_spelling(void **state)
{
    conv *c = *state;
    tn_model *model =
        hand_made(c, NAMES("MConv-Stage1/w", "MConv-Stage2/w", "dense_1/kernel",
                           "dense_1/kernel/Adam", "dense_2/kernel", "a/w", "b/w", "global_step"));
    goes(c, model, &(command){.rename = {"MConv-{x:**}=MConv_{x}"}},
         PAIRS("MConv-Stage1/w", "MConv_Stage1/w", "MConv-Stage2/w", "MConv_Stage2/w"));
    goes(c, model, &(command){.rename = {"dense_1/=dense/"}},
         PAIRS("dense_1/kernel", "dense/kernel", "dense_1/kernel/Adam", "dense/kernel/Adam"));
    goes(c, model, &(command){.rename = {"{s}_{i:int}/kernel={s}/kernel_{i}"}},
         PAIRS("dense_1/kernel", "dense/kernel_1", "dense_1/kernel/Adam", "dense/kernel_1/Adam",
               "dense_2/kernel", "dense/kernel_2"));
    goes(c, model, &(command){.rename = {"a/w=b/w", "b/w=a/w"}}, PAIRS("a/w", "b/w", "b/w", "a/w"));
    goes(c, model, &(command){.rename = {"**/Adam*=only_one"}},
         PAIRS("dense_1/kernel/Adam", "only_one"));
    refused(c, model, &(command){.rename = {"{s:a|b}/w=w"}}, TN_E_COLLISION, "of 'a/w'");
    refused(c, model, &(command){.rename = {"{s}/w=x/{s}", "a/=y/"}}, TN_E_OVERLAP,
            "--rename 1 and --rename 2 both claim");
    refused(c, model, &(command){.rename = {"aa/w=x"}}, TN_E_NO_MATCH, "a/w [4]");
    refused(c, model, &(command){.rename = {"global_*=x"}}, TN_E_NO_MATCH, "is a counter");
    goes(c, model, &(command){.rename = {"nothing=x", "a/w=c/w"}, .ignore = true},
         PAIRS("a/w", "c/w"));
    tn_model_free(model);
}

static void keeps_braces_and_bytes(void **state)
{
    conv *c = *state;
    tn_model *model = hand_made(c, NAMES("odd{name}", "caf\xC3\xA9/w", "a=b", "star*"));
    goes(c, model, &(command){.rename = {"odd{name}=ok"}}, PAIRS("odd{name}", "ok"));
    goes(c, model, &(command){.rename = {"odd{{name}}=ok{{}}"}}, PAIRS("odd{name}", "ok{}"));
    goes(c, model, &(command){.rename = {"caf\\xC3\\xA9/w=cafe\\\\"}},
         PAIRS("caf\xC3\xA9/w", "cafe\\"));
    goes(c, model, &(command){.rename = {"a\\x3db=c\\x3dd"}}, PAIRS("a=b", "c=d"));
    goes(c, model, &(command){.rename = {"star*=moon"}}, PAIRS("star*", "moon"));
    tn_model_free(model);
}

static void applies_files(void **state)
{
    conv *c = *state;
    tn_model *model = conv_open(c->ctx, adam);
    goes(c, model, &(command){.rules = "my_model/W: W\nmy_model/b: c/b\n"},
         PAIRS("my_model/W", "W", "my_model/W/Adam", "W/Adam", "my_model/W/Adam_1", "W/Adam_1",
               "my_model/b", "c/b", "my_model/b/Adam", "c/b/Adam", "my_model/b/Adam_1",
               "c/b/Adam_1"));
    /* A file is a stage; the flags see what it left. */
    goes(c, model,
         &(command){.rules = "tenon: 1\nrules: [{match: \"my_model/{x:**}\", to: \"{x}\"},"
                             "{match: \"beta{i:int}_power\", do: keep}]\n",
                    .rename = {"W=last/W"}},
         PAIRS("my_model/W", "last/W", "my_model/W/Adam", "last/W/Adam", "my_model/W/Adam_1",
               "last/W/Adam_1", "my_model/b", "b", "my_model/b/Adam", "b/Adam", "my_model/b/Adam_1",
               "b/Adam_1"));
    /* A renamed tensor has lost its other names. */
    refused(c, model, &(command){.rules = "my_model/W: W\n", .rename = {"my_model/W=x"}},
            TN_E_NO_MATCH, "--rename 'my_model/W'");
    goes(c, model,
         &(command){.rules = "tenon: 1\ndefaults: {unmatched: keep}\n"
                             "rules: [{match: \"**/Adam*\", do: drop}]\n"},
         PAIRS("my_model/W/Adam", "(none)", "my_model/b/Adam_1", "(none)"));
    goes(c, model,
         &(command){.rules = "tenon: 1\ndefaults: {unmatched: drop}\n"
                             "rules: [{match: my_model/W, to: W}]\n"},
         PAIRS("my_model/W", "W", "my_model/W/Adam", "W/Adam", "my_model/W/Adam_1", "W/Adam_1",
               "my_model/b", "(none)", "my_model/b/Adam", "(none)", "beta1_power", "(none)",
               "global_step", "global_step"));
    goes(c, model,
         &(command){.rules = "tenon: 1\ndefaults: {unmatched: keep, slots: seen, counters: seen}\n"
                             "rules: [{match: \"{x:**}\", to: \"m/{x}\"}]\n"},
         PAIRS("my_model/W", "m/my_model/W", "my_model/W/Adam", "m/my_model/W/Adam",
               "my_model/W/Adam_1", "m/my_model/W/Adam_1", "my_model/b", "m/my_model/b",
               "my_model/b/Adam", "m/my_model/b/Adam", "my_model/b/Adam_1", "m/my_model/b/Adam_1",
               "global_step", "m/global_step", "beta1_power", "m/beta1_power", "beta2_power",
               "m/beta2_power"));
    tn_model_free(model);
}

static void refuses_what_files_leave_open(void **state)
{
    conv *c = *state;
    tn_model *model = conv_open(c->ctx, adam);
    refused(c, model, &(command){.rules = "tenon: 1\nrules: [{match: my_model/W, to: W}]\n"},
            TN_E_UNMATCHED, "no rule matches 3 tensors");
    refused(c, model,
            &(command){.rules = "tenon: 1\ndefaults: {slots: keep, unmatched: keep}\n"
                                "rules: [{match: my_model/W, to: W}]\n"},
            TN_E_SLOT, "r.yaml:3 renames my_model/W to W");
    refused(c, model,
            &(command){.rules = "tenon: 1\ndefaults: {unmatched: keep}\n"
                                "rules:\n- {match: \"my_model/{x}\", to: \"{x}\"}\n"
                                "- {match: my_model/W, do: keep}\n"},
            TN_E_OVERLAP, "r.yaml:4 and");
    refused(c, model,
            &(command){.rules = "tenon: 1\ndefaults: {unmatched: keep}\n"
                                "rules:\n- {match: \"my_modle/{x}\", to: \"{x}\"}\n"},
            TN_E_NO_MATCH, "my_model/W [3, 2]");
    refused(c, model,
            &(command){.rules = "tenon: 1\ndefaults: {unmatched: keep}\n"
                                "rules:\n- {match: \"my_model/W:0\", to: W}\n"},
            TN_E_NO_MATCH, "'my_model/W:0' matches no tensor");
    goes(c, model,
         &(command){.rules = "tenon: 1\ndefaults: {unmatched: keep}\n"
                             "rules:\n- {match: \"my_modle/{x}\", to: \"{x}\", optional: true}\n"
                             "- {match: \"my_model/b\", to: b}\n"},
         PAIRS("my_model/b", "b", "my_model/b/Adam", "b/Adam", "my_model/b/Adam_1", "b/Adam_1"));
    tn_model_free(model);
}

/* A tensor that is called like a slot but has another shape does not follow, and is not left. */
static void refuses_to_part_lookalikes(void **state)
{
    conv *c = *state;
    static const float values[4] = {1, 2, 3, 4};
    conv_tensor tensors[] = {{"s/W", "F32", "4", values, 16}, {"s/W/Adam", "F32", "2", values, 8}};
    char path[TN_SCRATCH_PATH];
    snprintf(path, sizeof path, "%s", conv_safetensors(c, "in.safetensors", tensors, 2));
    conv_must(c->ctx, path, conv_at(c, "in.ckpt"), NULL);
    tn_model *model = conv_open(c->ctx, conv_at(c, "in.ckpt"));
    refused(c, model, &(command){.rename = {"s/W=V"}}, TN_E_SLOT, "does not follow");
    goes(c, model, &(command){.rename = {"s/=/"}}, PAIRS("s/W", "W", "s/W/Adam", "W/Adam"));
    goes(c, model, &(command){.rename = {"s/W=V", "s/W/Adam=V/Adam"}},
         PAIRS("s/W", "V", "s/W/Adam", "V/Adam"));
    tn_model_free(model);
}

static void needs_names_for_object_graphs(void **state)
{
    conv *c = *state;
    tn_model *model = conv_open(c->ctx, objects);
    const char *first = NULL;
    for (size_t i = 0; i < tn_model_count(model) && first == NULL; i++) {
        const tn_tensor *tensor = tn_model_at(model, i);
        first = tensor->role == TN_ROLE_VARIABLE ? tensor->alias[TN_SCHEME_NAME].data : NULL;
    }
    char rename[300];
    snprintf(rename, sizeof rename, "%s=W", first);
    refused(c, model, &(command){.rename = {rename}, .weights_only = true}, TN_E_IMPOSSIBLE,
            "--layout names");
    goes(c, model, &(command){.rename = {rename}, .weights_only = true, .layout = "names"},
         PAIRS(first, "W"));
    tn_model_free(model);
}

/* A rename and its inverse give the same file; diff sees through it. */
static void converts_and_comes_back(void **state)
{
    conv *c = *state;
    char there[TN_SCRATCH_PATH], back[TN_SCRATCH_PATH];
    static const char *const off[] = {"my_model/=/"};
    static const char *const on[] = {"W=my_model/W", "b=my_model/b"};
    snprintf(there, sizeof there, "%s", conv_at(c, "bare.ckpt"));
    snprintf(back, sizeof back, "%s", conv_at(c, "back.ckpt"));
    conv_must(c->ctx, adam, there, &(tn_convert_options){.rename = off, .n_rename = 1});
    conv_must(c->ctx, there, back, &(tn_convert_options){.rename = on, .n_rename = 2});
    tn_differences d = conv_diff(c->ctx, adam, back, NULL);
    assert_int_equal(d.equal, 9);
    assert_int_equal(d.different + d.only_a + d.only_b, 0);
    d = conv_diff(c->ctx, adam, there, NULL);
    assert_int_equal(d.only_a, 6);
    assert_int_equal(d.only_b, 6);
    d = conv_diff(c->ctx, adam, there, &(tn_diff_options){.rename = off, .n_rename = 1});
    assert_int_equal(d.equal, 9);
    assert_int_equal(d.only_a + d.only_b, 0);
    static const char *const only[] = {"W"};
    d = conv_diff(c->ctx, adam, there,
                  &(tn_diff_options){.rename = off, .n_rename = 1, .only = only, .n_only = 1});
    assert_int_equal(d.equal, 1);
    assert_int_equal(d.only_a + d.only_b, 0);
}

/* What --print-rules says is a rule file that does the same. */
static void prints_what_it_does(void **state)
{
    conv *c = *state;
    static const char *const commands[][2] = {{"my_model/=/", NULL},
                                              {"/=outer/", NULL},
                                              {"my_model/{x}=m.{x}", "global_step=st\\x01ep"},
                                              {"my_model/W:0=a{{b}}", "my_model/b=c\\\\d\""}};
    for (size_t i = 0; i < 4; i++) {
        tn_model *model = conv_open(c->ctx, adam);
        tn_plan *flags = NULL, *file = NULL;
        tn_error err = {0};
        command cmd = {.rename = {commands[i][0], commands[i][1]}};
        conv_ok(plan_of(c, model, &cmd, &flags, &err), &err);
        char *text = NULL;
        size_t len = 0;
        FILE *stream = open_memstream(&text, &len);
        tn_plan_print_rules(flags, stream);
        fclose(stream);
        conv_ok(plan_of(c, model, &(command){.rules = text}, &file, &err), &err);
        const tn_plan_tensor *a, *b;
        size_t count = tn_plan_tensors(flags, &a);
        assert_int_equal(tn_plan_tensors(file, &b), count);
        for (size_t k = 0; k < count; k++) {
            assert_true(tn_str_equal(a[k].name, b[k].name));
        }
        free(text);
        tn_plan_free(flags);
        tn_plan_free(file);
        tn_model_free(model);
    }
}

/* docs/rules.md lists the families that model/roles.c knows, no more and no fewer. */
static void documents_the_families(void **state)
{
    (void)state;
    conv_bytes text = conv_load(TN_FIXTURES "/../docs/rules.md");
    text.at[text.len] = '\0';
    size_t count = 0, rows = 0;
    for (const tni_slot_family *family = tni_slot_families(); family->id != NULL; family++) {
        char row[200];
        snprintf(row, sizeof row, "| `%s` | `%.*s` | %s| %s%s%s| %s |", family->id,
                 (int)family->suffix.len, family->suffix.data,
                 family->counts ? "`_1`, `_2` \u2026 " : "", family->prefix != NULL ? "`" : "",
                 family->prefix != NULL ? family->prefix : "", family->prefix != NULL ? "` " : "",
                 family->factored ? "equal, or its rows, columns or a scalar" : "equal");
        if (strstr(text.at, row) == NULL) {
            fail_msg("docs/rules.md lacks: %s", row);
        }
        count++;
    }
    char *table = strstr(text.at, "| family |");
    assert_non_null(table);
    for (char *at = table; (at = strstr(at, "\n| `")) != NULL; at++) {
        rows++;
    }
    assert_int_equal(rows, count);
    free(text.at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONV_TEST(moves_scopes),
        CONV_TEST(renames_doubled_scopes_together),
        CONV_TEST(follows_families),
        CONV_TEST(mends_spelling),
        CONV_TEST(keeps_braces_and_bytes),
        CONV_TEST(applies_files),
        CONV_TEST(refuses_what_files_leave_open),
        CONV_TEST(refuses_to_part_lookalikes),
        CONV_TEST(needs_names_for_object_graphs),
        CONV_TEST(converts_and_comes_back),
        CONV_TEST(prints_what_it_does),
        cmocka_unit_test(documents_the_families),
    };
    return cmocka_run_group_tests_name("converters/rules/names", tests, NULL, NULL);
}
