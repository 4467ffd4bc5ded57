/* Every allocation of a conversion fails, once and for good. The output is the old one or the new
 * one, whole; nothing leaks and nothing is left.
 *
 * At most TRIALS places of one conversion are tried, spread evenly; TN_SWEEP=all tries all. */
#include "converters/conv_fixtures.h"
#include "faults/scene.h"
#include <tenon/rules.h>

enum { TRIALS = 150, OPEN_TRIALS = 60 };

static void fail_allocation(scene *s, unsigned long at, bool sticky)
{
    scene_memory m = {.at = at, .sticky = sticky};
    tn_error err = {0};
    tn_tally(sticky ? "allocations failed for good" : "allocations failed once", 1);
    tn_status status = scene_try(s, &m, NULL, &err);
    if (status == TN_OK && !sticky) {
        assert_true(scene_is_new(s));
        scene_reset(s);
        tn_tally("left the new one: it could do without", 1);
    } else if (status != TN_NOMEM || !scene_is_old(s)) {
        fail_msg("%s: allocation %lu: %s: %s", s->title, at, tn_code_name(err.code), err.message);
    } else {
        tn_tally("left the old one: out of memory", 1);
    }
}

static void every_allocation(scene *s)
{
    scene_memory m = {.at = 0};
    tn_error err = {0};
    conv_ok(scene_try(s, &m, NULL, &err), &err);
    scene_reset(s);
    unsigned long count = atomic_load(&m.calls), step = scene_step(count, TRIALS);
    for (unsigned long at = 1; at <= count; at += step) {
        fail_allocation(s, at, false);
        fail_allocation(s, at, true);
    }
}

static void allocations_fail(void **state)
{
    scenes_visit(*state, every_allocation);
    assert_true(tn_tally_of("left the old one: out of memory") > 1000);
}

static void open_once(const char *path, scene_memory *m, size_t count)
{
    tn_model *model = NULL;
    tn_error err = {0};
    tn_context *ctx = scene_context(m);
    tn_status status = tn_open(ctx, path, NULL, &model, &err);
    if (status == TN_OK) {
        assert_int_equal(tn_model_count(model), count);
        tn_model_free(model);
    } else if (status != TN_NOMEM) {
        fail_msg("%s: allocation %lu: %s: %s", path, m->at, tn_code_name(err.code), err.message);
    }
    tn_context_free(ctx);
    assert_int_equal(atomic_load(&m->held), 0);
}

/* Opens with an allocation failing: out of memory, or all the same in the end. */
static void open_fixture(const char *folder, const json_t *expected, void *user)
{
    char path[2 * FIXTURE_PATH];
    unsigned long *trials = user;
    scene_memory sound = {.at = 0};
    if (!fixture_readable(expected)) {
        return;
    }
    snprintf(path, sizeof path, "%s/%s", folder,
             json_string_value(json_object_get(expected, "path")));
    tn_context *ctx = scene_context(&sound);
    tn_model *model = conv_open(ctx, path);
    size_t count = tn_model_count(model), descriptors = scene_descriptors();
    unsigned long calls = atomic_load(&sound.calls), step = scene_step(calls, OPEN_TRIALS);
    for (unsigned long at = 1; at <= calls; at += step) {
        scene_memory once = {.at = at}, sticky = {.at = at, .sticky = true};
        open_once(path, &once, count);
        open_once(path, &sticky, count);
        *trials += 2;
    }
    assert_int_equal(scene_descriptors(), descriptors);
    tn_model_free(model);
    tn_context_free(ctx);
}

static void openings_fail(void **state)
{
    unsigned long trials = 0;
    (void)state;
    tn_tally("fixtures opened", fixture_visit(TN_FIXTURES, 2, open_fixture, &trials));
    tn_tally("allocations failed in opening", trials);
    assert_true(trials > 500);
}

/* Inverts a rule file with a model. */
static void invert_once(const char *rules, const char *path, scene_memory *m)
{
    tn_model *model = NULL;
    tn_report *report = NULL;
    tn_rules_options options = {0};
    tn_error err = {0};
    char *text = NULL;
    size_t len = 0;
    tn_context *ctx = scene_context(m);
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    tn_status status = tn_open(ctx, path, NULL, &model, &err);
    if (status == TN_OK) {
        status = tn_rules_invert(ctx, rules, model, &options, out, &report, &err);
    }
    fclose(out);
    if ((status != TN_OK && status != TN_NOMEM) || (status == TN_OK) != (len > 0)) {
        fail_msg("allocation %lu: %s: %s", m->at, tn_code_name(err.code), err.message);
    }
    tn_report_free(report);
    tn_model_free(model);
    tn_context_free(ctx);
    free(text);
    assert_int_equal(atomic_load(&m->held), 0);
}

/* Rules with operations are led back, or there is no memory and nothing is written. */
static void inverses_fail(void **state)
{
    conv *c = *state;
    static const char text[] =
        "tenon: 1\ndefaults: {unmatched: keep}\nrules:\n"
        "- {match: 'my_model/W', to: [W.0, W.1], do: [{transpose: 'io->oi'}, {split: "
        "{axis: 1, sizes: [1, 2]}}, {reshape: [-1]}]}\n"
        "- {match: 'my_model/{x}', to: '{x}', do: [{cast: f64}], priority: -1}\n"
        "- {match: global_step, do: [{reshape: [1, 1]}]}\n"
        "- {make: head, init: zeros, shape: [2], dtype: f32}\n";
    static const char model[] = TN_FIXTURES "/tf_checkpoint/good-v1-adam/model.ckpt";
    scene_memory sound = {.at = 0};
    const char *rules = conv_at(c, "r.yaml");
    conv_store(rules, text, strlen(text));
    invert_once(rules, model, &sound);
    unsigned long calls = atomic_load(&sound.calls), step = scene_step(calls, 3 * TRIALS);
    for (unsigned long at = 1; at <= calls; at += step) {
        scene_memory once = {.at = at}, sticky = {.at = at, .sticky = true};
        invert_once(rules, model, &once);
        invert_once(rules, model, &sticky);
        tn_tally("allocations failed in inverting", 2);
    }
}

SCENE_MAIN(CONV_TEST(openings_fail), CONV_TEST(inverses_fail), CONV_TEST(allocations_fail))
