/* Renaming a checkpoint: all files of the set and its entries in the state file. */
#include "core/error.h"
#include "formats/tf_checkpoint/bundle.h"
#include "formats/tf_checkpoint/directory_change.h"
#include "formats/tf_checkpoint/layout.h"
#include "formats/tf_checkpoint/state_edit.h"
#include "io/output.h"

enum { NAME_MOST = 255 }; /* bytes of a file's name, NAME_MAX of every Linux file system */

tn_status tni_tf_renamed(const tn_ckpt_step *step, tn_str file, tni_arena *arena, tn_str *name_out,
                         tn_error *err)
{
    tn_str suffix = tn_str_skip(file, step->ckpt->prefix.len);
    return tni_arena_format(arena, name_out, err, "%.*s%.*s", (int)step->to.len, step->to.data,
                            (int)suffix.len, suffix.data);
}

/* Links one file into the output under its new name. */
static tn_status link_one(const tn_ckpt_plan *plan, const tn_ckpt_step *step, tn_str file,
                          tni_output *output, tn_error *err)
{
    tn_str name, path;
    tn_source *source = NULL;
    tn_status status = tni_tf_renamed(step, file, plan->arena, &name, err);
    if (status == TN_OK) {
        status = tni_arena_format(plan->arena, &path, err, "%s%.*s", plan->folder.folder.data,
                                  (int)file.len, file.data);
    }
    if (status == TN_OK) {
        status = tni_source_open(plan->folder.ctx, path.data, &source, err);
    }
    if (status == TN_OK) {
        status = tni_output_link(output, name, source, err);
        tni_source_release(source);
    }
    return status;
}

tn_status tni_tf_link_renamed(const tn_ckpt_plan *plan, const tn_ckpt_step *step, tn_error *err)
{
    const tn_ckpt *ckpt = step->ckpt;
    const tni_names none = {NULL, 0};
    const tni_output_options options = {.old = &none, .same_files = true};
    tni_output *output = NULL;
    tn_str index;
    tn_status status = tni_tf_renamed(step, ckpt->files[0], plan->arena, &index, err);
    if (status == TN_OK) {
        status = tni_output_new(plan->folder.ctx, plan->folder.folder.data, index, &options,
                                &output, err);
    }
    for (size_t i = 0; i < ckpt->n_files && status == TN_OK; i++) {
        status = link_one(plan, step, ckpt->files[i], output, err);
    }
    if (status == TN_OK) {
        status = tni_output_commit(output, index, err);
    }
    tni_output_free(output);
    return status;
}

static tn_status check_new_name(tn_str name, tn_error *err)
{
    const char *why = NULL;
    if (name.len == 0 || memchr(name.data, '/', name.len) != NULL) {
        why = "the new name is a plain name, without a folder";
    } else if (tn_str_equal(name, TN_LIT(TNI_TF_STATE_FILE))) {
        why = "no checkpoint can have the state file's name";
    }
    if (why == NULL) {
        return TN_OK;
    }
    tn_status status = tni_fail(err, TN_E_USAGE, "%s", why);
    tni_error_subject(err, name);
    return status;
}

/* Tells whether a file's name is that of a file of checkpoint `prefix`. */
static bool belongs(tn_str file, tn_str prefix)
{
    tn_str found;
    uint64_t shards;
    if (tni_tf_prefix(file, &found) || tni_tf_shard_prefix(file, &found, &shards)) {
        return tn_str_equal(found, prefix);
    }
    return tn_str_starts(file, prefix) &&
           tn_str_equal(tn_str_skip(file, prefix.len), TN_LIT(TNI_TF_META_SUFFIX));
}

/* Checks that nothing of that name is there, not even what is left of one. */
static tn_status check_free(const tn_ckpt_plan *plan, tn_str name, tn_error *err)
{
    const tni_names *names = &plan->folder.names;
    bool taken = tni_tf_folder_find(&plan->folder, name) != NULL;
    for (size_t i = 0; i < names->count && !taken; i++) {
        taken = belongs(names->at[i], name);
    }
    if (!taken) {
        return TN_OK;
    }
    tn_status status = tni_fail(err, TN_E_EXISTS, "the new name is taken");
    tni_error_path(err, plan->folder.folder.data);
    tni_error_subject(err, name);
    tni_error_hint(err, "choose another one, or look at it: tenon ckpt ls %s",
                   plan->folder.folder.data);
    return status;
}

static tn_status check_old(const tn_ckpt_plan *plan, const tn_ckpt *ckpt, tn_error *err)
{
    if (ckpt->n_missing == 0) {
        return TN_OK;
    }
    tn_status status =
        tni_fail(err, TN_E_MISSING_FILE, "this checkpoint is not complete, so it is left as it is");
    tni_error_path(err, plan->folder.folder.data);
    tni_error_subject(err, ckpt->missing[0]);
    return status;
}

static tn_status check_length(const tn_ckpt_plan *plan, const tn_ckpt_step *step, tn_error *err)
{
    for (size_t i = 0; i < step->ckpt->n_files; i++) {
        tn_str file = step->ckpt->files[i];
        if (file.len - step->ckpt->prefix.len + step->to.len > NAME_MOST) {
            tn_status status = tni_fail(err, TN_E_USAGE, "the new name is too long for a file's");
            tni_error_path(err, plan->folder.folder.data);
            return status;
        }
    }
    return TN_OK;
}

/* Makes the state with the new name in all places of the old one, if it names it. */
static tn_status make_state(tn_ckpt_plan *plan, const tn_ckpt_step *step, tn_error *err)
{
    const tni_tf_state *old = &plan->folder.state;
    tni_tf_edit edit;
    tn_status status = tni_tf_edit_copy(old, NULL, NULL, plan->arena, 0, &edit, err);
    if (status != TN_OK) {
        return status;
    }
    edit.state.latest = old->latest.data == NULL ? TN_STR_NONE : tni_tf_state_last(old->latest);
    if (edit.state.latest.data != NULL && tn_str_equal(edit.state.latest, step->ckpt->prefix)) {
        edit.state.latest = step->to;
        plan->changes_state = true;
    }
    for (size_t i = 0; i < edit.state.n_all; i++) {
        if (tn_str_equal(edit.all[i], step->ckpt->prefix)) {
            edit.all[i] = step->to;
            plan->changes_state = true;
        }
    }
    if (edit.state.latest.data == NULL && edit.state.n_all > 0) {
        edit.state.latest = edit.all[edit.state.n_all - 1];
    }
    plan->state = edit.state;
    return TN_OK;
}

static tn_status plan_step(tn_ckpt_plan *plan, tn_str old_name, tn_str new_name, tn_error *err)
{
    tn_ckpt_step *step = &plan->steps[0];
    *step = (tn_ckpt_step){.action = TN_CKPT_RENAME, .reason = TN_LIT("named on the command line")};
    tn_status status = check_new_name(new_name, err);
    if (status == TN_OK) {
        status = tni_tf_plan_find(plan, old_name, &step->ckpt, err);
    }
    if (status == TN_OK) {
        status = check_old(plan, step->ckpt, err);
    }
    if (status == TN_OK) {
        status = check_free(plan, new_name, err);
    }
    if (status == TN_OK) {
        status = tni_arena_str(plan->arena, new_name, &step->to, err);
    }
    if (status == TN_OK) {
        status = check_length(plan, step, err);
    }
    if (status == TN_OK) {
        plan->count = 1;
        status = make_state(plan, step, err);
    }
    return status;
}

tn_status tn_ckpt_plan_rename(tn_context *ctx, const char *directory, const char *old_name,
                              const char *new_name, tn_ckpt_change *change_out, tn_error *err)
{
    tn_ckpt_plan *plan = NULL;
    tn_status status = tni_tf_plan_new(ctx, directory, 1, &plan, err);
    if (status == TN_OK) {
        status = plan_step(plan, tn_str_of(old_name), tn_str_of(new_name), err);
    }
    if (status == TN_OK) {
        status = tni_tf_plan_give(plan, directory, change_out, err);
    }
    if (status != TN_OK) {
        tni_tf_plan_free(plan);
    }
    return status;
}
