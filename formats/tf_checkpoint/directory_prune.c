/* Pruning, by the rule of tf.train.CheckpointManager (tensorflow/python/checkpoint/
 * checkpoint_management.py: __init__, _sweep, _record_state). */
#include "core/error.h"
#include "formats/tf_checkpoint/directory_change.h"
#include "formats/tf_checkpoint/state_edit.h"
#include <inttypes.h>
#include <tenon/text.h>

/* The manager's active set: checkpoints (positions in the folder) from the oldest to the newest. */
typedef struct sweep {
    tn_ckpt_plan *plan;
    const tn_ckpt_prune_options *options;
    tn_str latest; /* last component; none: the state file names none */
    double now, preserved;
    bool timed;
    uint32_t *order;
    size_t count;
    double *times; /* by position in the folder */
    bool *in;      /* by position in the folder */
} sweep;

static tn_status begin(sweep *s, tn_error *err)
{
    tni_tf_folder *f = &s->plan->folder;
    void *order, *times, *in;
    tn_status status = tni_arena_array(s->plan->arena, f->count, sizeof(uint32_t), &order, err);
    if (status == TN_OK) {
        status = tni_arena_array(s->plan->arena, f->count, sizeof(double), &times, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(s->plan->arena, f->count, sizeof(bool), &in, err);
    }
    if (status != TN_OK) {
        return status;
    }
    s->order = order;
    s->times = times;
    s->in = in;
    s->timed = f->state.n_times > 0;
    s->now = s->options->now > 0 ? s->options->now : tni_tf_now();
    s->preserved = f->state.has_last_preserved ? f->state.last_preserved : 0;
    if (s->now < s->preserved) {
        s->preserved = s->now; /* the clock went back */
    }
    if (f->state.latest.data != NULL) {
        s->latest = tni_tf_state_last(f->state.latest);
    }
    return TN_OK;
}

/* Describes all checkpoints as if none were listed. */
static void describe(const sweep *s)
{
    tn_ckpt_plan *plan = s->plan;
    for (size_t i = 0; i < plan->folder.count; i++) {
        const tn_ckpt *ckpt = &plan->folder.at[i];
        bool preserved = ckpt->kind == TN_CKPT_PRESERVED;
        plan->steps[i] =
            (tn_ckpt_step){.ckpt = ckpt,
                           .reason = preserved ? TN_LIT("kept for good before")
                                               : TN_LIT("the state file does not list it")};
    }
    plan->count = plan->folder.count;
}

static bool is_latest(const sweep *s, tn_str prefix)
{
    return s->latest.data != NULL && tn_str_equal(s->latest, prefix);
}

static void unlist(const sweep *s, uint32_t at, tn_str reason)
{
    s->plan->steps[at].action = TN_CKPT_UNLIST;
    s->plan->steps[at].reason = reason;
}

/* Takes one entry of the list into the set. One that is not newer than what was kept for good last
 * leaves the list, as it does when a manager starts. */
static void take(sweep *s, size_t entry)
{
    const tni_tf_state *state = &s->plan->folder.state;
    tn_str prefix = tni_tf_state_last(state->all[entry]);
    uint32_t at = tni_hash_get(&s->plan->folder.by_prefix, prefix);
    if (at == TNI_HASH_NONE) {
        return;
    }
    bool has_time = entry < state->n_times;
    double time = has_time ? state->times[entry] : 0;
    if (s->now < time) {
        time = s->now;
    }
    bool newer = !s->timed || (has_time && time > s->preserved);
    if (!newer && !is_latest(s, prefix)) {
        if (!s->in[at]) {
            unlist(s, at,
                   has_time ? TN_LIT("not newer than the last one kept for good")
                            : TN_LIT("the state file has no time for it"));
        }
        return;
    }
    s->times[at] = time; /* of a path that is named twice: the first place, the last time */
    if (!s->in[at]) {
        s->in[at] = true;
        s->order[s->count++] = at;
        s->plan->steps[at].action = TN_CKPT_KEEP;
    }
}

/* Puts the latest at the end, where saving puts it: it always stays. */
static void put_latest_last(sweep *s)
{
    uint32_t at = s->latest.data == NULL ? TNI_HASH_NONE
                                         : tni_hash_get(&s->plan->folder.by_prefix, s->latest);
    if (at == TNI_HASH_NONE) {
        return;
    }
    size_t left = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (s->order[i] != at) {
            s->order[left++] = s->order[i];
        }
    }
    s->order[left++] = at;
    s->count = left;
    if (!s->in[at]) {
        s->in[at] = true;
        s->times[at] = s->plan->folder.at[at].time;
    }
}

static tn_status say(const sweep *s, uint32_t at, const char *what, tn_error *err)
{
    return tni_arena_format(s->plan->arena, &s->plan->steps[at].reason, err, "%s %" PRIu64, what,
                            s->options->keep);
}

/* Decides what becomes of one that is older than those that stay. */
static tn_status pop(sweep *s, uint32_t at, tn_error *err)
{
    tn_ckpt_step *step = &s->plan->steps[at];
    double every = s->options->keep_every;
    if (every > 0 && s->times[at] - every >= s->preserved) {
        s->preserved = s->times[at];
        unlist(s, at, TN_LIT("kept for good from now on"));
        return TN_OK;
    }
    if (tni_tf_unreadable(&s->plan->folder, step->ckpt)) {
        unlist(s, at, TN_LIT("its index cannot be read, so which files are its own is not known"));
        return TN_OK;
    }
    step->action = TN_CKPT_DELETE;
    return say(s, at, "older than the last", err);
}

static tn_status decide(sweep *s, tn_error *err)
{
    size_t excess = s->count > s->options->keep ? s->count - (size_t)s->options->keep : 0;
    tn_status status = TN_OK;
    for (size_t i = 0; i < s->count && status == TN_OK; i++) {
        uint32_t at = s->order[i];
        if (i < excess) {
            status = pop(s, at, err);
        } else if (i + 1 == s->count) {
            s->plan->steps[at].reason = TN_LIT("the latest");
        } else {
            status = say(s, at, "one of the last", err);
        }
    }
    s->order += excess;
    s->count -= excess;
    return status;
}

/* Makes the state of what is left; it counts as changed if its text differs. */
static tn_status make_state(const sweep *s, tn_error *err)
{
    tn_ckpt_plan *plan = s->plan;
    const tni_tf_state *old = &plan->folder.state;
    tni_tf_edit edit;
    tn_status status = tni_tf_edit_start(plan->arena, s->count, &edit, err);
    if (status != TN_OK) {
        return status;
    }
    for (size_t i = 0; i < s->count; i++) {
        uint32_t at = s->order[i];
        tni_tf_edit_add(&edit, plan->folder.at[at].prefix, s->timed, s->times[at]);
    }
    edit.state.latest = edit.all[s->count - 1];
    edit.state.last_preserved = s->timed ? s->preserved : old->last_preserved;
    /* TensorFlow does not write a zero. */
    edit.state.has_last_preserved = edit.state.last_preserved != 0;
    plan->state = edit.state;
    bool same = false;
    status = tni_tf_state_same(plan->folder.ctx, old, &plan->state, &same, err);
    plan->changes_state = status == TN_OK && !same;
    return status;
}

/* Checks that the folder is one that can be pruned without harm. */
static tn_status check(const tn_ckpt_plan *plan, const char *directory, tn_error *err)
{
    const tni_tf_folder *f = &plan->folder;
    for (size_t i = 0; i < f->count; i++) {
        if (f->at[i].interrupted) {
            return tni_tf_interrupted(f->folder.data, &f->at[i], err);
        }
    }
    if (!f->has_state || (f->state.latest.data == NULL && f->state.n_all == 0)) {
        tn_status status =
            tni_tf_no_checkpoint(directory, "no state file here lists checkpoints", err);
        if (f->count > 0) {
            tni_error_hint(err, "tenon ckpt recover %s --update-state makes one", directory);
        }
        return status;
    }
    tn_str latest = f->state.latest;
    if (latest.data != NULL && !tni_tf_folder_complete(f, tni_tf_state_last(latest))) {
        tn_status status = tni_tf_no_checkpoint(
            directory, "the checkpoint that the state file calls latest is not complete here", err);
        tni_error_subject(err, tni_tf_state_last(latest));
        tni_error_hint(err, "tenon ckpt recover %s makes the state file true again", directory);
        return status;
    }
    return TN_OK;
}

static tn_status check_times(const sweep *s, const char *directory, tn_report *report,
                             tn_error *err)
{
    if (s->timed) {
        return TN_OK;
    }
    if (s->options->keep_every > 0) {
        tn_status status = tni_fail(err, TN_E_IMPOSSIBLE,
                                    "the state file has no times, so what is old enough to be kept "
                                    "for good is not known");
        tni_error_path(err, directory);
        return status;
    }
    return tn_report_say(report, TN_SEVERITY_NOTE, "state-file", TN_STR_NONE, err,
                         "the state file has no times: the order of its list counts");
}

static tn_status plan_sweep(sweep *s, const char *directory, tn_report *report, tn_error *err)
{
    tn_status status = check(s->plan, directory, err);
    if (status == TN_OK) {
        status = begin(s, err);
    }
    if (status == TN_OK) {
        status = check_times(s, directory, report, err);
    }
    if (status != TN_OK) {
        return status;
    }
    describe(s);
    for (size_t i = 0; i < s->plan->folder.state.n_all; i++) {
        take(s, i);
    }
    put_latest_last(s);
    if (s->count == 0) {
        return tni_tf_no_checkpoint(directory, "no state file here lists checkpoints", err);
    }
    status = decide(s, err);
    return status == TN_OK ? make_state(s, err) : status;
}

tn_status tn_ckpt_plan_prune(tn_context *ctx, const char *directory,
                             const tn_ckpt_prune_options *options, tn_report *report,
                             tn_ckpt_change *change_out, tn_error *err)
{
    if (options->keep == 0) {
        return tni_fail(err, TN_E_USAGE, "at least one checkpoint must stay");
    }
    tn_ckpt_plan *plan = NULL;
    tn_status status = tni_tf_plan_new(ctx, directory, 0, &plan, err);
    if (status == TN_OK) {
        sweep s = {.plan = plan, .options = options};
        status = plan_sweep(&s, directory, report, err);
    }
    if (status == TN_OK) {
        status = tni_tf_plan_give(plan, directory, change_out, err);
    }
    if (status != TN_OK) {
        tni_tf_plan_free(plan);
    }
    return status;
}
