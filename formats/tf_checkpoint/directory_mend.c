/* Changing what a folder's state file says, and recovery. */
#include "core/error.h"
#include "formats/tf_checkpoint/directory.h"
#include "formats/tf_checkpoint/state_edit.h"
#include "io/output.h"
#include <tenon/text.h>
#include <time.h>

double tni_tf_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool is_other(void *user, tn_str last)
{
    return !tn_str_equal(*(const tn_str *)user, last);
}

tn_status tn_ckpt_state_add(tn_context *ctx, const char *prefix_path, tn_error *err)
{
    tni_arena arena;
    tni_tf_state old = {0};
    tni_tf_edit edit;
    tn_error missing = {0};
    tn_str folder, prefix = tni_tf_state_last(tn_str_of(prefix_path));
    tni_arena_init(&arena, ctx, ctx->limits.memory);
    tn_status status = tni_arena_str(
        &arena, (tn_str){prefix_path, strlen(prefix_path) - prefix.len}, &folder, err);
    if (status == TN_OK && tni_tf_state_load(ctx, folder.data, &arena, &old, &missing) != TN_OK &&
        missing.status != TN_NOT_FOUND) {
        status = missing.status;
        if (err != NULL) {
            *err = missing;
        }
    }
    if (status == TN_OK) {
        status = tni_tf_edit_copy(&old, is_other, &prefix, &arena, 1, &edit, err);
    }
    if (status == TN_OK) {
        tni_tf_edit_add(&edit, prefix, old.n_times > 0 && old.n_times == old.n_all, tni_tf_now());
        edit.state.latest = prefix;
        status = tni_tf_state_save(ctx, folder.data, &edit.state, err);
    }
    tni_arena_clear(&arena);
    return status;
}

/* What was interrupted counts as complete: recovery finishes it first, or would. */
static bool is_complete(void *user, tn_str last)
{
    const tn_ckpt *ckpt = tni_tf_folder_find(user, last);
    return ckpt != NULL && (ckpt->interrupted || ckpt->kind != TN_CKPT_INCOMPLETE);
}

/* Tells whether the state file says only what is true of this folder, in relative paths. */
static bool is_true(tni_tf_folder *f)
{
    tn_str latest = f->state.latest;
    bool good = latest.data != NULL && tn_str_equal(tni_tf_state_last(latest), latest) &&
                is_complete(f, latest);
    for (size_t i = 0; good && i < f->state.n_all; i++) {
        tn_str path = f->state.all[i];
        good = tn_str_equal(tni_tf_state_last(path), path) && is_complete(f, path);
    }
    return good;
}

/* Makes the state true: relative paths, complete checkpoints only; a latest that is gone gives way
 * to the last listed one. */
static tn_status mend(tni_tf_folder *f, tni_tf_state *state, tn_error *err)
{
    tni_tf_edit edit;
    tn_status status = tni_tf_edit_copy(&f->state, is_complete, f, &f->arena, 0, &edit, err);
    if (status != TN_OK) {
        return status;
    }
    *state = edit.state;
    tn_str latest = f->state.latest.data == NULL ? TN_STR_NONE : tni_tf_state_last(f->state.latest);
    if (latest.data != NULL && is_complete(f, latest)) {
        state->latest = latest;
    } else if (state->n_all > 0) {
        state->latest = state->all[state->n_all - 1];
    }
    return TN_OK;
}

/* Lists all complete checkpoints in order of their numbers, with the times of their indexes. */
static tn_status rebuild_state(tni_tf_folder *f, tni_tf_state *state, tn_error *err)
{
    tni_tf_edit edit;
    tn_status status = tni_tf_edit_start(&f->arena, f->count, &edit, err);
    if (status != TN_OK) {
        return status;
    }
    for (size_t i = 0; i < f->count; i++) {
        if (f->at[i].kind != TN_CKPT_INCOMPLETE) {
            tni_tf_edit_add(&edit, f->at[i].prefix, true, f->at[i].time);
        }
    }
    *state = edit.state;
    if (state->n_all > 0) {
        state->latest = state->all[state->n_all - 1];
    }
    return status;
}

/* Mends or rebuilds the state file where that is needed. */
static tn_status recover_state(tni_tf_folder *f, bool rebuild, bool dry, tn_report *report,
                               tn_ckpt_recovered *done, tn_error *err)
{
    tni_tf_state state = {0};
    tn_status status = TN_OK;
    if (f->has_state && !is_true(f)) {
        status = mend(f, &state, err);
        done->state_mended = status == TN_OK && state.latest.data != NULL;
    } else if (!f->has_state && rebuild) {
        status = rebuild_state(f, &state, err);
        done->state_rebuilt = status == TN_OK && state.latest.data != NULL;
    }
    if (status == TN_OK && f->has_state && state.latest.data == NULL && !is_true(f)) {
        return tn_report_say(report, TN_SEVERITY_WARNING, "state-file", TN_STR_NONE, err,
                             "the state file names no checkpoint that is complete here; it was "
                             "left as it is");
    }
    if (status != TN_OK || state.latest.data == NULL) {
        return status;
    }
    char latest[TN_ERROR_SUBJECT];
    tn_escape(state.latest, latest, sizeof latest);
    status = tn_report_say(report, TN_SEVERITY_NOTE, "state-file", TN_STR_NONE, err,
                           "the state file %s; the latest is %s",
                           done->state_mended ? "named checkpoints by paths that do not hold here"
                                              : "was lost",
                           latest);
    if (status == TN_OK && !dry) {
        status = tni_tf_state_save(f->ctx, f->folder.data, &state, err);
    }
    return status;
}

static tn_status note_files(const tni_recovery *files, tn_report *report, tn_error *err)
{
    tn_status status = TN_OK;
    if (files->finished > 0) {
        status = tn_report_say(report, TN_SEVERITY_NOTE, "interrupted", TN_STR_NONE, err,
                               "%zu interrupted replacement%s to be finished", files->finished,
                               files->finished == 1 ? " had" : "s had");
    }
    if (status == TN_OK && files->staging > 0) {
        status = tn_report_say(report, TN_SEVERITY_NOTE, "staging", TN_STR_NONE, err,
                               "%zu staging folder%s left by a writer that died", files->staging,
                               files->staging == 1 ? " was" : "s were");
    }
    return status;
}

tn_status tn_ckpt_recover(tn_context *ctx, const char *directory, bool rebuild, bool dry,
                          tn_report *report, tn_ckpt_recovered *recovered_out, tn_error *err)
{
    tni_tf_folder f = {.ctx = ctx};
    tni_recovery files = {0};
    tn_ckpt_recovered done = {0};
    tni_arena arena;
    tn_str folder;
    tni_arena_init(&arena, ctx, ctx->limits.memory);
    tn_status status = tni_tf_folder_of(ctx, directory, &arena, &folder, err);
    if (status == TN_OK) {
        status = tni_output_recover(ctx, folder.data, dry, &files, err);
    }
    tni_arena_clear(&arena);
    if (status == TN_OK) {
        status = note_files(&files, report, err);
    }
    if (status == TN_OK) {
        done.finished = files.finished;
        done.staging = files.staging;
        status = tni_tf_folder_read(ctx, directory, &f, err);
        if (status == TN_OK) {
            status = recover_state(&f, rebuild, dry, report, &done, err);
        }
        tni_tf_folder_clear(&f);
    }
    if (status == TN_OK) {
        *recovered_out = done;
    }
    return status;
}
