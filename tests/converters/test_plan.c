/* Plans: where the output goes, what it loses, and every refusal before the first byte. */
#include "converters/conv.h"
#include "converters/move.h"
#include "converters/plan.h"
#include <sys/stat.h>
#include <unistd.h>

static const char *const adam = TN_FIXTURES "/tf_checkpoint/good-v1-adam/model.ckpt";
static const char *const keras = TN_FIXTURES "/tf_checkpoint/good-keras2-sequential/ckpt";
static const char *const dtypes = TN_FIXTURES "/tf_checkpoint/good-dtypes/ckpt";
static const char *const parts = TN_FIXTURES "/tf_checkpoint/good-v1-partitioned/model.ckpt";

typedef struct planned {
    tn_model *model;
    tn_plan *plan;
} planned;

static tn_status plan_at(tn_context *ctx, const char *in, const char *out,
                         const tn_convert_options *options, planned *p, tn_error *err)
{
    static const tn_convert_options none;
    *p = (planned){.model = conv_open(ctx, in)};
    return tn_plan_new(ctx, p->model, out, options == NULL ? &none : options, &p->plan, err);
}

static void plan_free(planned *p)
{
    tn_plan_free(p->plan);
    tn_model_free(p->model);
}

static planned plan_must(tn_context *ctx, const char *in, const char *out,
                         const tn_convert_options *options)
{
    planned p;
    tn_error err = {0};
    conv_ok(plan_at(ctx, in, out, options, &p, &err), &err);
    return p;
}

/* Demands a refusal. */
static void refused(tn_context *ctx, const char *in, const char *out,
                    const tn_convert_options *options, tn_code code, const char *hint)
{
    planned p;
    tn_error err = {0};
    if (plan_at(ctx, in, out, options, &p, &err) == TN_OK) {
        fail_msg("%s was planned", out);
    }
    if (err.code != code || strstr(err.hint, hint) == NULL) {
        fail_msg("%s: %s: %s (%s)", out, tn_code_name(err.code), err.message, err.hint);
    }
    assert_null(p.plan);
    plan_free(&p);
}

typedef struct format_row {
    const char *out, *to, *format;
} format_row;

static void decides_the_format(void **state)
{
    static const format_row rows[] = {
        {"m.safetensors", NULL, "safetensors"},  {"m.ckpt", NULL, "tf_checkpoint"},
        {"ckpt-7", NULL, "tf_checkpoint"},       {"model.ckpt-1000", NULL, "tf_checkpoint"},
        {"weights", NULL, "tf_checkpoint"},      {"weights", "safetensors", "safetensors"},
        {"m.safetensors", "tf", "tf_checkpoint"}};
    conv *c = *state;
    char file[TN_SCRATCH_PATH];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tn_convert_options options = {.to = rows[i].to};
        planned p = plan_must(c->ctx, adam, conv_at(c, rows[i].out), &options);
        assert_string_equal(tn_plan_format(p.plan), rows[i].format);
        plan_free(&p);
    }
    refused(c->ctx, adam, conv_at(c, "x.unknown"), NULL, TN_E_USAGE, "safetensors");
    refused(c->ctx, adam, conv_at(c, "x"), &(tn_convert_options){.to = "nope"}, TN_E_USAGE,
            "tf_checkpoint");
    refused(c->ctx, adam, conv_at(c, "x"), &(tn_convert_options){.to = "names_list"}, TN_E_USAGE,
            "tf_checkpoint");
    /* A safetensors input says nothing of bare names. */
    snprintf(
        file, sizeof(file), "%s",
        conv_safetensors(c, "in.safetensors", &(conv_tensor){"a", "F32", "1", "\0\0\0\0", 4}, 1));
    refused(c->ctx, file, conv_at(c, "x"), NULL, TN_E_USAGE, "--to FORMAT");
}

static void refuses_places(void **state)
{
    conv *c = *state;
    char path[TN_SCRATCH_PATH];
    mkdir(conv_at(c, "folder"), 0700);
    tn_scratch_write(&c->dir, "file", "x");
    refused(c->ctx, adam, conv_at(c, "folder"), NULL, TN_E_USAGE, "/folder/model.safetensors");
    refused(c->ctx, adam, conv_at(c, "folder/"), NULL, TN_E_USAGE, "/folder/model.safetensors");
    refused(c->ctx, adam, conv_at(c, "no/x.ckpt"), NULL, TN_E_WRITE, "mkdir -p ");
    refused(c->ctx, adam, "/dev/null", &(tn_convert_options){.to = "safetensors"}, TN_E_USAGE, "");
    refused(c->ctx, adam, conv_at(c, "m.index"), NULL, TN_E_USAGE, "m");
    snprintf(path, sizeof(path), "%s", conv_at(c, "file/x.ckpt"));
    planned p;
    tn_error err = {0};
    assert_int_not_equal(plan_at(c->ctx, adam, path, NULL, &p, &err), TN_OK);
    assert_int_equal(tn_status_exit_code(err.status) == 5 || tn_status_exit_code(err.status) == 3,
                     true);
    plan_free(&p);
}

/* The input again under another name: by a hard link, a symlink, or a longer path. */
static void refuses_its_input(void **state)
{
    conv *c = *state;
    char in[TN_SCRATCH_PATH], path[2 * TN_SCRATCH_PATH];
    tn_convert_options replace = {.replace = true};
    snprintf(
        in, sizeof(in), "%s",
        conv_safetensors(c, "in.safetensors", &(conv_tensor){"a", "F32", "1", "\0\0\0\0", 4}, 1));
    refused(c->ctx, in, in, &replace, TN_E_SAME_FILE, "another name");
    assert_int_equal(link(in, conv_at(c, "hard.safetensors")), 0);
    refused(c->ctx, in, conv_at(c, "hard.safetensors"), &replace, TN_E_SAME_FILE, "another name");
    assert_int_equal(symlink("in.safetensors", conv_at(c, "soft.safetensors")), 0);
    refused(c->ctx, in, conv_at(c, "soft.safetensors"), &replace, TN_E_SAME_FILE, "another name");
    snprintf(path, sizeof(path), "%s/./in.safetensors", c->dir.path);
    refused(c->ctx, in, path, &replace, TN_E_SAME_FILE, "another name");
    /* Also without -f: what stands in the way is the input. */
    refused(c->ctx, in, in, NULL, TN_E_SAME_FILE, "another name");
    conv_must(c->ctx, adam, conv_at(c, "ckpt-1"), NULL);
    snprintf(path, sizeof(path), "%s", conv_at(c, "ckpt-1"));
    refused(c->ctx, path, path, &replace, TN_E_SAME_FILE, "another name");
}

static void refuses_what_exists(void **state)
{
    conv *c = *state;
    tn_scratch_write(&c->dir, "old.safetensors", "anything");
    refused(c->ctx, adam, conv_at(c, "old.safetensors"), NULL, TN_E_EXISTS, "-f");
    planned p = plan_must(c->ctx, adam, conv_at(c, "old.safetensors"),
                          &(tn_convert_options){.replace = true});
    plan_free(&p);
    /* A sharded set of the same name is the same output. */
    tn_scratch_write(&c->dir, "set.safetensors.index.json", "{}");
    refused(c->ctx, adam, conv_at(c, "set.safetensors"), NULL, TN_E_EXISTS, "-f");
    assert_true(tn_scratch_is(&c->dir, "old.safetensors", "anything"));
}

typedef struct lost {
    size_t value, state, structure;
} lost;

static lost count_losses(const tn_plan *plan)
{
    const tn_loss *losses;
    lost counts = {0};
    size_t n = tn_plan_losses(plan, &losses);
    for (size_t i = 0; i < n; i++) {
        counts.value += losses[i].kind == TN_LOSS_VALUE;
        counts.state += losses[i].kind == TN_LOSS_STATE;
        counts.structure += losses[i].kind == TN_LOSS_STRUCTURE;
        assert_true(losses[i].message.len > 0);
        assert_true(losses[i].kind == TN_LOSS_STRUCTURE || losses[i].fix.len > 0);
    }
    return counts;
}

static void tells_losses(void **state)
{
    conv *c = *state;
    const tn_loss *losses;
    /* The object graph is structure: said, and no refusal. */
    planned p = plan_must(c->ctx, keras, conv_at(c, "o.safetensors"), NULL);
    lost counts = count_losses(p.plan);
    assert_int_equal(counts.structure, 1);
    assert_int_equal(counts.value + counts.state, 0);
    tn_plan_losses(p.plan, &losses);
    assert_true(tn_str_equal(losses[0].name, TN_LIT("_CHECKPOINTABLE_OBJECT_GRAPH")));
    assert_int_equal(tn_plan_refusal(p.plan, NULL), TN_OK);
    plan_free(&p);
    /* It is carried to a checkpoint, unless names are asked for. */
    p = plan_must(c->ctx, keras, conv_at(c, "o.ckpt"), NULL);
    assert_string_equal(tn_plan_layout(p.plan), "objects");
    assert_int_equal(count_losses(p.plan).structure, 0);
    plan_free(&p);
    p = plan_must(c->ctx, keras, conv_at(c, "o.ckpt"), &(tn_convert_options){.layout = "names"});
    assert_string_equal(tn_plan_layout(p.plan), "names");
    assert_int_equal(count_losses(p.plan).structure, 1);
    plan_free(&p);
    /* Partitions: the variables and their slots lie in slices. */
    p = plan_must(c->ctx, parts, conv_at(c, "o.safetensors"), NULL);
    assert_int_equal(count_losses(p.plan).structure, 9);
    plan_free(&p);
    p = plan_must(c->ctx, parts, conv_at(c, "o.ckpt"), NULL);
    assert_int_equal(count_losses(p.plan).structure, 0);
    plan_free(&p);
}

/* A loss of state or value that no option declares stops the conversion before the first byte. */
static void refuses_undeclared_losses(void **state)
{
    conv *c = *state;
    tn_error err = {0};
    tn_converted converted;
    planned p = plan_must(c->ctx, adam, conv_at(c, "o.ckpt"), NULL);
    conv_ok(tni_plan_lose(p.plan, TN_LOSS_STRUCTURE, TN_STR_NONE, NULL, &err, "the order"), &err);
    assert_int_equal(tn_plan_refusal(p.plan, &err), TN_OK);
    conv_ok(tni_plan_lose(p.plan, TN_LOSS_STATE, TN_LIT("beta1_power"), "--weights-only", &err,
                          "there is no place for this %s", "state"),
            &err);
    conv_ok(tni_plan_lose(p.plan, TN_LOSS_VALUE, TN_LIT("my_model/W"), "--cast float16", &err,
                          "bits go"),
            &err);
    assert_int_equal(tn_convert(p.plan, &converted, &err), TN_NO);
    assert_int_equal(err.code, TN_E_LOSS);
    assert_string_equal(err.subject, "beta1_power");
    assert_string_equal(err.message, "there is no place for this state, and more are lost");
    assert_non_null(strstr(err.hint, "--weights-only"));
    assert_int_equal(tn_scratch_count(&c->dir), 0);
    for (size_t i = 0; i < p.plan->n_losses; i++) {
        p.plan->losses[i].declared = true;
    }
    err = (tn_error){0};
    conv_ok(tn_convert(p.plan, &converted, &err), &err);
    plan_free(&p);
}

static void lists_what_it_drops(void **state)
{
    static const char *const drop[] = {"my_model/b"};
    conv *c = *state;
    const tn_plan_drop *dropped;
    const tn_plan_tensor *tensors;
    const tn_model_file *files;
    planned p = plan_must(c->ctx, adam, conv_at(c, "o.ckpt"),
                          &(tn_convert_options){.drop = drop, .n_drop = 1, .weights_only = true});
    assert_int_equal(tn_plan_dropped(p.plan, &dropped), 8);
    for (size_t i = 0; i < 8; i++) {
        bool b = tn_str_starts(dropped[i].name, TN_LIT("my_model/b"));
        bool itself = tn_str_equal(dropped[i].name, TN_LIT("my_model/b"));
        assert_true(!itself || tn_str_equal(dropped[i].rule, TN_LIT("--drop 1")));
        assert_true(b || tn_str_equal(dropped[i].rule, TN_LIT("--weights-only")));
    }
    assert_int_equal(tn_plan_tensors(p.plan, &tensors), 1);
    assert_true(tn_str_equal(tensors[0].name, TN_LIT("my_model/W")));
    assert_int_equal(tensors[0].n_from, 1);
    assert_ptr_equal(tensors[0].from[0],
                     tn_model_at(p.model, tn_model_find(p.model, TN_SCHEME_NAME, tensors[0].name)));
    assert_int_equal(tn_plan_copied(p.plan), 24);
    assert_int_equal(tn_plan_computed(p.plan), 0);
    assert_int_equal(tn_plan_files(p.plan, &files), 2);
    assert_true(tn_str_equal(files[0].name, TN_LIT("o.ckpt.data-00000-of-00001")));
    assert_int_equal(files[0].bytes, 24);
    assert_true(tn_plan_peak_memory(p.plan) >= TNI_WINDOW);
    assert_int_equal(tn_scratch_count(&c->dir), 0);
    plan_free(&p);
}

static void refuses_flags(void **state)
{
    static const char *const typo[] = {"my_model/w"}, *const all[] = {"**"};
    conv *c = *state;
    const char *out = conv_at(c, "o.ckpt");
    refused(c->ctx, adam, out, &(tn_convert_options){.only = typo, .n_only = 1}, TN_E_NO_MATCH,
            "my_model/W [3, 2]");
    refused(c->ctx, adam, out, &(tn_convert_options){.drop = typo, .n_drop = 1}, TN_E_NO_MATCH,
            "my_model/W [3, 2]");
    refused(c->ctx, adam, out, &(tn_convert_options){.drop = all, .n_drop = 1}, TN_E_EMPTY, "ls");
    refused(c->ctx, adam, out,
            &(tn_convert_options){.only = typo, .n_only = 1, .ignore_unmatch = true}, TN_E_EMPTY,
            "ls");
    planned p = plan_must(c->ctx, adam, out,
                          &(tn_convert_options){.drop = typo, .n_drop = 1, .ignore_unmatch = true});
    plan_free(&p);
    refused(c->ctx, adam, out, &(tn_convert_options){.layout = "keras3"}, TN_E_USAGE, "names");
    refused(c->ctx, adam, conv_at(c, "o.safetensors"), &(tn_convert_options){.layout = "names"},
            TN_E_USAGE, "--layout");
}

/* A new object graph brings the counter along that a source lacks, behind all others; what is left
 * when nothing is kept is nothing all the same. */
static void adds_what_the_layout_needs(void **state)
{
    static const char *const all[] = {"**"}, *const as_counter[] = {"global_step=save_counter"};
    conv *c = *state;
    const tn_plan_tensor *tensors;
    const char *out = conv_at(c, "o.ckpt");
    tn_convert_options options = {.layout = "objects"};
    planned p = plan_must(c->ctx, adam, out, &options);
    size_t n = tn_plan_tensors(p.plan, &tensors);
    assert_string_equal(tn_plan_layout(p.plan), "objects");
    assert_int_equal(n, 10);
    assert_true(tn_str_equal(tensors[9].name, TN_LIT("save_counter")));
    assert_int_equal(tensors[9].n_from, 0);
    assert_int_equal(tensors[9].dtype, TN_INT64);
    assert_int_equal(tensors[9].tensor->rank, 0);
    assert_int_equal(tensors[9].tensor->role, TN_ROLE_COUNTER);
    assert_int_equal(tn_plan_computed(p.plan), 8);
    assert_null(tensors[9].rule.data);
    plan_free(&p);
    options.rename = as_counter;
    options.n_rename = 1;
    p = plan_must(c->ctx, adam, out, &options);
    assert_int_equal(tn_plan_tensors(p.plan, &tensors), 9);
    plan_free(&p);
    refused(c->ctx, adam, out, &(tn_convert_options){.layout = "objects", .drop = all, .n_drop = 1},
            TN_E_EMPTY, "ls");
}

static void writes_by_scheme(void **state)
{
    static const char *const export = TN_FIXTURES "/tf_checkpoint/good-objects-two-scopes/ckpt";
    conv *c = *state;
    const tn_plan_tensor *tensors;
    tn_convert_options by_full = {.has_scheme = true, .scheme = TN_SCHEME_FULL};
    tn_convert_options by_order = {.has_scheme = true, .scheme = TN_SCHEME_ORDER};
    planned p = plan_must(c->ctx, keras, conv_at(c, "o.safetensors"), &by_full);
    size_t n = tn_plan_tensors(p.plan, &tensors), found = 0;
    for (size_t i = 0; i < n; i++) {
        found += tn_str_equal(tensors[i].name, TN_LIT("hidden/kernel"));
    }
    assert_int_equal(found, 1);
    plan_free(&p);
    /* An object graph follows renames, but has no place for the names of a scheme. */
    static const char *const rename[] = {"hidden/=model/fc/"};
    refused(c->ctx, keras, conv_at(c, "o.ckpt"), &by_full, TN_E_IMPOSSIBLE, "--layout names");
    by_full.rename = rename;
    by_full.n_rename = 1;
    refused(c->ctx, keras, conv_at(c, "o.ckpt"), &by_full, TN_E_IMPOSSIBLE, "--scheme");
    refused(c->ctx, export, conv_at(c, "o.safetensors"), &by_order, TN_E_IMPOSSIBLE, "--scheme");
}

/* The full names of a subclassed Keras model repeat. */
static void refuses_collisions(void **state)
{
    static const char *const twice = TN_FIXTURES "/tf_checkpoint/good-keras3-subclassed/ckpt";
    conv *c = *state;
    planned p;
    tn_error err = {0};
    static const char *const only[] = {"**"};
    tn_convert_options options = {.has_scheme = true,
                                  .scheme = TN_SCHEME_FULL,
                                  .weights_only = true,
                                  .only = only,
                                  .n_only = 1};
    assert_int_equal(plan_at(c->ctx, twice, conv_at(c, "o.safetensors"), &options, &p, &err),
                     TN_NO);
    assert_int_equal(err.code, TN_E_COLLISION);
    assert_non_null(strstr(err.message, "would both have this name"));
    plan_free(&p);
}

static void tells_how_dtypes_are_stored(void **state)
{
    /* safetensors has no words for the five quantised integers: they become plain ones. */
    static const char *const only[] = {"dtype/q*", "dtype/float32"};
    conv *c = *state;
    const tn_plan_tensor *tensors;
    size_t others = 0;
    planned p = plan_must(c->ctx, dtypes, conv_at(c, "o.safetensors"),
                          &(tn_convert_options){.only = only, .n_only = 2});
    size_t n = tn_plan_tensors(p.plan, &tensors);
    assert_int_equal(n, 6);
    for (size_t i = 0; i < n; i++) {
        others += tensors[i].dtype != tensors[i].tensor->dtype;
        assert_true(tensors[i].tensor->dtype != TN_QUINT16 || tensors[i].dtype == TN_UINT16);
    }
    assert_int_equal(others, 5);
    assert_int_equal(count_losses(p.plan).structure, 5);
    assert_int_equal(tn_plan_refusal(p.plan, NULL), TN_OK);
    plan_free(&p);
    /* Others it has no place for at all. */
    refused(c->ctx, dtypes, conv_at(c, "o.safetensors"), NULL, TN_E_CANNOT_HOLD, "--drop");
}

static void refuses_names(void **state)
{
    conv *c = *state;
    char in[TN_SCRATCH_PATH];
    static const char *const names[] = {"", "\\u0000x", "_CHECKPOINTABLE_OBJECT_GRAPH"};
    for (size_t i = 0; i < 3; i++) {
        conv_tensor tensor = {names[i], "F32", "1", "\0\0\0\0", 4};
        snprintf(in, sizeof(in), "%s", conv_safetensors(c, "in.safetensors", &tensor, 1));
        refused(c->ctx, in, conv_at(c, "o.ckpt"), NULL, TN_E_CANNOT_HOLD, "--drop");
    }
    /* Packed floats have no place in TensorFlow. */
    conv_tensor packed = {"p", "F4", "2", "\x21", 1};
    snprintf(in, sizeof(in), "%s", conv_safetensors(c, "in.safetensors", &packed, 1));
    refused(c->ctx, in, conv_at(c, "o.ckpt"), NULL, TN_E_CANNOT_HOLD, "--drop 'p'");
}

int main(void)
{
    conv_in_memory();
    const struct CMUnitTest tests[] = {
        CONV_TEST(decides_the_format),
        CONV_TEST(refuses_places),
        CONV_TEST(refuses_its_input),
        CONV_TEST(refuses_what_exists),
        CONV_TEST(tells_losses),
        CONV_TEST(lists_what_it_drops),
        CONV_TEST(refuses_flags),
        CONV_TEST(adds_what_the_layout_needs),
        CONV_TEST(writes_by_scheme),
        CONV_TEST(refuses_collisions),
        CONV_TEST(tells_how_dtypes_are_stored),
        CONV_TEST(refuses_names),
        CONV_TEST(refuses_undeclared_losses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
