/* The power fails at every moment of a conversion, and again while its recovery is at work. After
 * that the output is the old one or the new one, whole, and after a success it is the new one.
 *
 * All states of a conversion are tried. Of those that need a recovery, at most TRIALS are cut
 * again; TN_SWEEP=all cuts all of them. */
#include "faults/scene.h"
#include "io/output.h"
#include "support/power.h"
#include <errno.h>

enum { TRIALS = 4 };

/* What the checks of one scene share. */
typedef struct power_test {
    scene *s;
    tn_scratch where; /* the state at hand */
    unsigned long states, interrupted;
    bool recovered_before; /* the states come from a cut recovery */
} power_test;

static bool ends(const char *name, const char *tail)
{
    size_t len = strlen(name), tail_len = strlen(tail);
    return len >= tail_len && strcmp(name + len - tail_len, tail) == 0;
}

/* Returns the file that leads to all others of a set, or the only one. */
static const tn_folder_file *main_of(const tn_folder *folder)
{
    for (size_t i = 0; i < folder->count; i++) {
        if (ends(folder->files[i].name, ".index") || ends(folder->files[i].name, ".json")) {
            return &folder->files[i];
        }
    }
    return folder->count == 1 ? &folder->files[0] : NULL;
}

/* Tells whether a file stands there with just these bytes. */
static bool stands(const tn_folder *now, const tn_folder_file *file)
{
    const tn_folder_file *found = tn_folder_find(now, file->name);
    return found != NULL && found->len == file->len &&
           memcmp(found->data, file->data, file->len) == 0;
}

static bool all_stand(const tn_folder *now, const tn_folder *wanted)
{
    for (size_t i = 0; i < wanted->count; i++) {
        if (!stands(now, &wanted->files[i])) {
            return false;
        }
    }
    return true;
}

static bool marked(const tn_folder *now)
{
    for (size_t i = 0; i < now->count; i++) {
        const char *name = now->files[i].name;
        if (strchr(name, '/') == NULL && ends(name, ".tenon-commit")) {
            return true;
        }
    }
    return false;
}

static void wrong(const power_test *t, const char *why)
{
    fail_msg("%s: state %lu%s: %s", t->s->title, t->states,
             t->recovered_before ? " of a recovery" : "", why);
}

/* Whoever opens the set without knowing of markers must not see a mixture: where a main file
 * stands, all that it leads to is its own. */
static void check_unmixed(const power_test *t, const tn_folder *now, bool marker)
{
    const tn_folder *old = &t->s->old, *new = &t->s->new;
    const tn_folder_file *old_main = main_of(old), *new_main = main_of(new);
    bool is_new = stands(now, new_main), is_old = old_main != NULL && stands(now, old_main);
    bool other = tn_folder_find(now, new_main->name) != NULL && !is_new &&
                 (old_main == NULL || strcmp(old_main->name, new_main->name) != 0 || !is_old);
    if (other) {
        wrong(t, "the main file is neither the old nor the new one");
    }
    if (is_new && !all_stand(now, new)) {
        wrong(t, "the new main file leads to what is not there");
    }
    if (!is_new && is_old && !all_stand(now, old)) {
        wrong(t, "the old main file leads to what is no longer there");
    }
    if (!is_new && !is_old && old->count > 0 && !marker) {
        wrong(t, "no main file and no marker");
    }
}

/* Where a replacement was interrupted, opening says so and names the command. */
static void check_told(const power_test *t)
{
    tn_model *model = NULL;
    tn_error err = {0};
    tn_status status =
        tn_open(t->s->c->ctx, tn_scratch_at(&t->where, t->s->main), NULL, &model, &err);
    if (status == TN_OK) {
        tn_model_free(model);
        wrong(t, "an interrupted set was opened");
    }
    if (err.code != TN_E_INTERRUPTED || strstr(err.hint, "ckpt recover") == NULL) {
        wrong(t, err.message);
    }
}

static void recover(const power_test *t, const tni_sys *sys)
{
    tni_recovery done = {0};
    tn_error err = {0};
    t->s->c->ctx->sys = sys;
    tn_status status = tni_output_recover(t->s->c->ctx, t->where.path, false, &done, &err);
    t->s->c->ctx->sys = NULL;
    if (status != TN_OK) {
        wrong(t, err.message);
    }
}

static void check_recovered(const power_test *t, bool must_be_new)
{
    bool is_new = tn_folder_is(t->where.path, &t->s->new);
    if (!is_new && (must_be_new || !tn_folder_is(t->where.path, &t->s->old))) {
        wrong(t, must_be_new ? "the output is not the new one" : "neither the old nor the new one");
    }
}

static void check_cut_again(power_test *t);

/* Checks a state, and empties the folder. */
static void check(void *user, bool complete)
{
    power_test *t = user;
    tn_folder now = tn_folder_take(t->where.path);
    bool marker = marked(&now);
    t->states++;
    check_unmixed(t, &now, marker);
    if (complete && !t->recovered_before && (marker || !all_stand(&now, &t->s->new))) {
        wrong(t, "after a success it is not the new one");
    }
    if (marker) {
        check_told(t);
        t->interrupted++;
    }
    unsigned long step = scene_step(t->interrupted, TRIALS);
    if (marker && !t->recovered_before && t->interrupted % step == 0) {
        check_cut_again(t);
    } else {
        recover(t, NULL);
    }
    check_recovered(t, complete || marker || t->recovered_before);
    tn_tally(t->recovered_before                       ? "cut again: the new one"
             : marker                                  ? "left the new one to recovery"
             : tn_folder_is(t->where.path, &t->s->new) ? "left the new one"
                                                       : "left the old one",
             1);
    tn_folder_free(&now);
    tn_scratch_empty(&t->where);
}

/* Records the recovery of the state at hand and cuts that too. */
static void check_cut_again(power_test *t)
{
    power_test again = {.s = t->s, .recovered_before = true};
    static const tn_context plain;
    tn_scratch_make(&again.where);
    tn_power *power = tn_power_new(t->where.path);
    recover(t, tn_power_sys(power, tni_sys_of(&plain)));
    tn_power_counts counts = tn_power_replay(power, again.where.path, check, &again);
    tn_tally("recoveries cut again", 1);
    tn_tally("cut again: states", counts.states);
    tn_tally("cut again: states that differ", counts.differ);
    tn_power_free(power);
    tn_scratch_remove(&again.where);
}

static void cut(scene *s, tn_fault_plan plan)
{
    power_test t = {.s = s};
    tn_error err = {0};
    scene_reset(s);
    tn_scratch_make(&t.where);
    tn_power *power = tn_power_new(s->out.path);
    conv_ok(scene_try(s, NULL, tn_power_sys(power, tn_faults(plan)), &err), &err);
    assert_true(scene_is_new(s));
    tn_tally("conversions recorded, on two kinds of file system", 1);
    tn_tally("operations that change the disk", tn_power_operations(power));
    tn_power_counts counts = tn_power_replay(power, t.where.path, check, &t);
    tn_tally("states", counts.states);
    tn_tally("states that differ", counts.differ);
    assert_true(counts.differ > 10);
    tn_power_free(power);
    tn_scratch_remove(&t.where);
}

/* Two folders cannot take each other's place there: nothing is touched, and that is said. */
static void check_refused(scene *s, tn_fault_plan plan)
{
    tn_error err = {0};
    scene_reset(s);
    assert_int_equal(scene_try(s, NULL, tn_faults(plan), &err), TN_WRITE);
    assert_int_equal(err.sys_errno, EINVAL);
    assert_true(err.hint[0] != '\0' && scene_is_old(s));
}

/* On an ordinary file system, and on one that can neither reserve nor rename exclusively. */
static void every_cut(scene *s)
{
    static const tn_fault_plan poor = {
        .kind = TN_FAULT_NONE, .no_noreplace = true, .no_fallocate = true};
    cut(s, (tn_fault_plan){.kind = TN_FAULT_NONE});
    if (s->folder && s->options.replace) {
        check_refused(s, poor);
    } else {
        cut(s, poor);
    }
}

static void power_fails(void **state)
{
    scenes_visit(*state, every_cut);
    assert_true(tn_tally_of("left the old one") > 1000 && tn_tally_of("left the new one") > 500);
    assert_true(tn_tally_of("recoveries cut again") > 10);
}

SCENE_MAIN(CONV_TEST(power_fails))
