/* Deleting checkpoints by name. */
#include "core/error.h"
#include "formats/tf_checkpoint/directory_change.h"
#include "formats/tf_checkpoint/state_edit.h"
#include <tenon/text.h>

static bool goes(const tn_ckpt_plan *plan, tn_str prefix)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (tn_str_equal(plan->steps[i].ckpt->prefix, prefix)) {
            return true;
        }
    }
    return false;
}

static bool stays(void *plan, tn_str last)
{
    return !goes(plan, last);
}

static tn_status add_step(tn_ckpt_plan *plan, tn_str prefix, tn_error *err)
{
    const tn_ckpt *ckpt;
    tn_status status = tni_tf_plan_find(plan, prefix, &ckpt, err);
    if (status != TN_OK || goes(plan, prefix)) {
        return status;
    }
    if (tni_tf_unreadable(&plan->folder, ckpt)) {
        status = tni_fail(err, TN_E_CORRUPT,
                          "its index cannot be read, so which files are its own is not known");
        tni_error_path(err, plan->folder.folder.data);
        tni_error_subject(err, prefix);
        return status;
    }
    plan->steps[plan->count++] = (tn_ckpt_step){
        .ckpt = ckpt, .action = TN_CKPT_DELETE, .reason = TN_LIT("named on the command line")};
    return TN_OK;
}

/* Makes the state without them, if it names any. */
static tn_status make_state(tn_ckpt_plan *plan, tn_error *err)
{
    const tni_tf_state *old = &plan->folder.state;
    tni_tf_edit edit;
    tn_status status = tni_tf_edit_copy(old, stays, plan, plan->arena, 0, &edit, err);
    if (status != TN_OK) {
        return status;
    }
    tn_str latest = old->latest.data == NULL ? TN_STR_NONE : tni_tf_state_last(old->latest);
    bool latest_goes = latest.data != NULL && goes(plan, latest);
    if (latest.data != NULL && !latest_goes) {
        edit.state.latest = latest;
    } else if (edit.state.n_all > 0) {
        edit.state.latest = edit.all[edit.state.n_all - 1];
    }
    plan->state = edit.state;
    plan->changes_state = latest_goes || edit.state.n_all < old->n_all;
    return TN_OK;
}

tn_status tn_ckpt_plan_rm(tn_context *ctx, const char *directory, const char *const *names,
                          size_t count, tn_ckpt_change *change_out, tn_error *err)
{
    tn_ckpt_plan *plan = NULL;
    tn_status status = tni_tf_plan_new(ctx, directory, count, &plan, err);
    for (size_t i = 0; i < count && status == TN_OK; i++) {
        status = add_step(plan, tn_str_of(names[i]), err);
    }
    if (status == TN_OK) {
        status = make_state(plan, err);
    }
    if (status == TN_OK) {
        status = tni_tf_plan_give(plan, directory, change_out, err);
    }
    if (status != TN_OK) {
        tni_tf_plan_free(plan);
    }
    return status;
}
