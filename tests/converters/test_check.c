/* Checks: no false finding, every planted difference found once, and the renames that repair. */
#include "converters/conv.h"
#include "converters/conv_fixtures.h"

/* Opens a names-and-shapes list. */
static tn_model *list(const conv *c, const char *name, const char *text)
{
    tn_model *model;
    tn_error err = {0};
    tn_scratch_write(&c->dir, name, text);
    conv_ok(tn_open(c->ctx, conv_at(c, name), NULL, &model, &err), &err);
    return model;
}

static tn_checked check(const tn_model *a, const tn_model *b, tn_check_mode mode, tn_loader loader,
                        tn_report *report)
{
    tn_checked checked;
    tn_error err = {0};
    tn_check_options options = {.mode = mode, .loader = loader};
    conv_ok(tn_check(a, b, &options, report, &checked, &err), &err);
    return checked;
}

/* A list of four tensors, each of which a test plants a difference in. */
#define FIRST "\"a/w\": {\"shape\": [2, 3], \"dtype\": \"float32\"}"
#define SECOND "\"a/b\": {\"shape\": [3], \"dtype\": \"float32\"}"
#define THIRD "\"n\": {\"shape\": [], \"dtype\": \"int64\"}"
#define FOURTH "\"z\": [4]"
#define WHOLE "{" FIRST "," SECOND "," THIRD "," FOURTH "}"

static const struct {
    const char *file, *code, *name;
    bool fits[5]; /* by mode */
} planted[] = {
    {"{" FIRST "," SECOND "," THIRD "}", "missing", "z", {false, false, false, true, true}},
    {"{" FIRST "," SECOND "," THIRD "," FOURTH ", \"more\": [1]}",
     "unexpected",
     "more",
     {false, false, true, true, true}},
    {"{\"a/w\": {\"shape\": [3, 2], \"dtype\": \"float32\"}," SECOND "," THIRD "," FOURTH "}",
     "shape",
     "a/w",
     {false, false, false, false, false}},
    {"{\"a/w\": {\"shape\": [2, 3], \"dtype\": \"float16\"}," SECOND "," THIRD "," FOURTH "}",
     "dtype",
     "a/w",
     {false, false, false, false, false}},
    {"{" FIRST "," SECOND "," THIRD "," FOURTH ", \"global_step\": []}",
     "unexpected",
     "global_step",
     {true, false, true, true, true}},
};

static void planted_differences(void **state)
{
    conv *c = *state;
    tn_model *wanted = list(c, "b.json", WHOLE);
    for (size_t i = 0; i < sizeof planted / sizeof planted[0]; i++) {
        tn_model *file = list(c, "a.json", planted[i].file);
        for (int mode = TN_CHECK_FITS; mode <= TN_CHECK_PARTIAL; mode++) {
            tn_report *report = tn_report_new(c->ctx);
            tn_checked checked = check(file, wanted, (tn_check_mode)mode, TN_LOADER_NAMES, report);
            if (checked.fits != planted[i].fits[mode] || tn_report_count(report) != 1) {
                fail_msg("%s in mode %s: %s, %zu findings", planted[i].name,
                         tn_check_mode_name((tn_check_mode)mode), checked.fits ? "fits" : "no",
                         tn_report_count(report));
            }
            const tn_finding *finding = tn_report_at(report, 0);
            assert_string_equal(finding->code, planted[i].code);
            assert_true(tn_str_equal(finding->name, tn_str_of(planted[i].name)));
            assert_int_equal(checked.wanted, 4);
            tn_report_free(report);
        }
        tn_model_free(file);
    }
    tn_model_free(wanted);
}

/* A wanted shape that may be anything, and sizes that may, are met by all. */
static void unknown_forms(void **state)
{
    conv *c = *state;
    tn_model *file = list(c, "a.json", "{\"w\": {\"shape\": [2, 3], \"dtype\": \"int8\"}}");
    static const char *const wanted[] = {"{\"w\": null}", "{\"w\": [null, 3]}", "{\"w\": [2, 3]}",
                                         "{\"w\": {\"shape\": null, \"dtype\": \"int8\"}}"};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        tn_model *program = list(c, "b.json", wanted[i]);
        tn_report *report = tn_report_new(c->ctx);
        assert_true(check(file, program, TN_CHECK_CONSUMED, TN_LOADER_AUTO, report).fits);
        assert_int_equal(tn_report_count(report), 0);
        tn_report_free(report);
        tn_model_free(program);
    }
    tn_model_free(file);
}

static const struct {
    const char *file, *wanted, *rename;
} scopes[] = {
    {"{\"W\": [2], \"b\": [3]}", "{\"net/W\": [2], \"net/b\": [3]}", "--rename '/=net/'"},
    {"{\"net/W\": [2], \"net/b\": [3]}", "{\"W\": [2], \"b\": [3]}", "--rename 'net/=/'"},
    {"{\"old/W\": [2], \"old/b\": [3]}", "{\"new/W\": [2], \"new/b\": [3]}",
     "--rename 'old/=new/'"},
    {"{\"a/a/W\": [2], \"a/a/b\": [3]}", "{\"a/W\": [2], \"a/b\": [3]}", "--rename 'a/=/'"},
    {"{\"n/l-1/k\": [2]}", "{\"n/l_1/k\": [2]}", "--rename 'n/l-1/=n/l_1/'"},
    {"{\"my-w\": [2]}", "{\"my_w\": [2]}", "--rename 'my-w=my_w'"},
    {"{\"dense_1/k-x\": [2]}", "{\"dense/k_x\": [2]}", "--rename 'dense_1/k-x=dense/k_x'"},
    {"{\"x/W\": [5], \"y/W\": [2]}", "{\"z/W\": [2]}", "--rename 'y/=z/'"},
};

/* What a rename would repair carries that rename. */
static void proposals(void **state)
{
    conv *c = *state;
    for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++) {
        tn_model *file = list(c, "a.json", scopes[i].file);
        tn_model *wanted = list(c, "b.json", scopes[i].wanted);
        tn_report *report = tn_report_new(c->ctx);
        tn_checked checked = check(file, wanted, TN_CHECK_EXISTING, TN_LOADER_NAMES, report);
        assert_false(checked.fits);
        for (size_t k = 0; k < tn_report_count(report); k++) {
            const tn_finding *finding = tn_report_at(report, k);
            if (strcmp(finding->code, "missing") == 0 &&
                !tn_str_equal(finding->rule, tn_str_of(scopes[i].rename))) {
                fail_msg("%s -> %s: %.*s", scopes[i].file, scopes[i].wanted, (int)finding->rule.len,
                         finding->rule.data);
            }
        }
        tn_report_free(report);
        tn_model_free(wanted);
        tn_model_free(file);
    }
}

/* Every fixture fits itself in every mode, and what is made of it fits by names. */
static void each_fixture(const char *folder, const json_t *expected, void *user)
{
    conv *c = user;
    char path[FIXTURE_PATH * 2];
    tn_model *model;
    tn_error err = {0};
    if (!fixture_readable(expected)) {
        return;
    }
    snprintf(path, sizeof path, "%s/%s", folder,
             json_string_value(json_object_get(expected, "path")));
    conv_ok(tn_open(c->ctx, path, NULL, &model, &err), &err);
    size_t visible = 0;
    for (size_t i = 0; i < tn_model_count(model); i++) {
        visible += tn_model_at(model, i)->role != TN_ROLE_METADATA;
    }
    for (int mode = TN_CHECK_FITS; visible > 0 && mode <= TN_CHECK_PARTIAL; mode++) {
        tn_report *report = tn_report_new(c->ctx);
        tn_checked checked = check(model, model, (tn_check_mode)mode, TN_LOADER_AUTO, report);
        if (!checked.fits || tn_report_count(report) != 0 || checked.matched != checked.wanted) {
            fail_msg("%s against itself, mode %s: %zu findings", folder,
                     tn_check_mode_name((tn_check_mode)mode), tn_report_count(report));
        }
        tn_report_free(report);
    }
    tn_model_free(model);
}

static void no_false_findings(void **state)
{
    assert_true(fixture_visit(TN_FIXTURES, 2, each_fixture, *state) > 50);
}

/* The same weights in another container: nothing is missing, nothing is left over. */
static void across_formats(void **state)
{
    static const char *const paths[] = {"tf_checkpoint/good-v1-adam/model.ckpt",
                                        "tf_checkpoint/good-v1-partitioned/model.ckpt",
                                        "tf_checkpoint/good-v1-t5-names/model.ckpt"};
    conv *c = *state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char path[FIXTURE_PATH];
        tn_model *model, *other;
        tn_plan *plan;
        tn_converted converted;
        tn_error err = {0};
        tn_convert_options options = {.replace = true};
        snprintf(path, sizeof path, "%s/%s", TN_FIXTURES, paths[i]);
        const char *out = conv_at(c, "out.safetensors");
        conv_ok(tn_open(c->ctx, path, NULL, &model, &err), &err);
        conv_ok(tn_plan_new(c->ctx, model, out, &options, &plan, &err), &err);
        conv_ok(tn_convert(plan, &converted, &err), &err);
        conv_ok(tn_open(c->ctx, conv_at(c, "out.safetensors"), NULL, &other, &err), &err);
        tn_report *report = tn_report_new(c->ctx);
        assert_true(check(model, other, TN_CHECK_CONSUMED, TN_LOADER_AUTO, report).fits);
        assert_true(check(other, model, TN_CHECK_CONSUMED, TN_LOADER_AUTO, report).fits);
        assert_int_equal(tn_report_count(report), 0);
        tn_report_free(report);
        tn_model_free(other);
        tn_plan_free(plan);
        tn_model_free(model);
    }
}

static int set_up(void **state)
{
    static conv c;
    conv_start(&c);
    *state = &c;
    return 0;
}

static int tear_down(void **state)
{
    conv_end(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planted_differences), cmocka_unit_test(unknown_forms),
        cmocka_unit_test(proposals),           cmocka_unit_test(no_false_findings),
        cmocka_unit_test(across_formats),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
