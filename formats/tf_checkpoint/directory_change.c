/* Plans for a folder, and carrying them out. */
#include "formats/tf_checkpoint/directory_change.h"
#include "core/error.h"
#include "formats/tf_checkpoint/layout.h"
#include "io/remove.h"

tn_status tni_tf_plan_new(tn_context *ctx, const char *directory, size_t most,
                          tn_ckpt_plan **plan_out, tn_error *err)
{
    void *block, *steps;
    tn_status status = tni_alloc_array(ctx, 1, sizeof(tn_ckpt_plan), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tn_ckpt_plan *plan = block;
    status = tni_tf_folder_read(ctx, directory, &plan->folder, err);
    plan->arena = &plan->folder.arena;
    if (status == TN_OK) {
        size_t room = most == 0 ? plan->folder.count : most;
        status = tni_arena_array(plan->arena, room, sizeof(tn_ckpt_step), &steps, err);
    }
    if (status != TN_OK) {
        tni_tf_plan_free(plan);
        return status;
    }
    plan->steps = steps;
    *plan_out = plan;
    return TN_OK;
}

void tni_tf_plan_free(tn_ckpt_plan *plan)
{
    if (plan != NULL) {
        tn_context *ctx = plan->folder.ctx;
        tni_tf_folder_clear(&plan->folder);
        tni_free(ctx, plan);
    }
}

tn_status tni_tf_plan_give(tn_ckpt_plan *plan, const char *directory, tn_ckpt_change *change_out,
                           tn_error *err)
{
    tn_str copy;
    tn_status status = tni_arena_str(plan->arena, tn_str_of(directory), &copy, err);
    if (status != TN_OK) {
        return status;
    }
    const tni_tf_state *state = plan->changes_state ? &plan->state : &plan->folder.state;
    bool named = state->latest.data != NULL;
    *change_out = (tn_ckpt_change){.directory = copy.data,
                                   .steps = plan->steps,
                                   .count = plan->count,
                                   .latest = named ? tni_tf_state_last(state->latest) : TN_STR_NONE,
                                   .changes_state = plan->changes_state,
                                   .plan = plan};
    return TN_OK;
}

tn_status tni_tf_plan_find(const tn_ckpt_plan *plan, tn_str prefix, const tn_ckpt **ckpt_out,
                           tn_error *err)
{
    const char *folder = plan->folder.folder.data;
    const tn_ckpt *found = tni_tf_folder_find(&plan->folder, prefix);
    if (found == NULL) {
        tn_status status = tni_tf_no_checkpoint(folder, "there is no such checkpoint", err);
        tni_error_subject(err, prefix);
        tni_error_hint(err, "tenon ckpt ls %s shows what is there", folder);
        return status;
    }
    if (found->interrupted) {
        return tni_tf_interrupted(folder, found, err);
    }
    *ckpt_out = found;
    return TN_OK;
}

bool tni_tf_unreadable(const tni_tf_folder *folder, const tn_ckpt *ckpt)
{
    for (size_t i = 0; i < ckpt->n_missing; i++) {
        if (tn_str_ends(ckpt->missing[i], TN_LIT(TNI_TF_INDEX_SUFFIX)) &&
            tni_names_has(&folder->names, ckpt->missing[i])) {
            return true;
        }
    }
    return false;
}

/* Checks that the state file is still the one that was planned with: a training that goes on beside
 * may have added to it, and writing it would take that back. */
static tn_status check_state(const tn_ckpt_plan *plan, tn_error *err)
{
    const tni_tf_folder *f = &plan->folder;
    tni_arena arena;
    tni_tf_state now = {0};
    bool same = false;
    tni_arena_init(&arena, f->ctx, f->ctx->limits.memory);
    bool there = tni_tf_state_load(f->ctx, f->folder.data, &arena, &now, NULL) == TN_OK;
    tn_status status = tni_tf_state_same(f->ctx, &f->state, &now, &same, err);
    if (status == TN_OK && (there != f->has_state || !same)) {
        status = tni_fail(err, TN_E_CHANGED, "the state file was changed meanwhile");
        tni_error_path(err, f->folder.data);
        tni_error_hint(err, "nothing was done: do it again");
    }
    tni_arena_clear(&arena);
    return status;
}

static tn_status change_state(const tn_ckpt_plan *plan, int folder, tn_error *err)
{
    const tni_tf_folder *f = &plan->folder;
    if (!plan->changes_state) {
        return TN_OK;
    }
    if (plan->state.latest.data == NULL) {
        const tn_str name = TN_LIT(TNI_TF_STATE_FILE);
        return tni_set_remove(f->ctx, folder, f->folder.data, &name, 1, err);
    }
    return tni_tf_state_save(f->ctx, f->folder.data, &plan->state, err);
}

/* Carries a plan out in a locked folder: new names, state file, old names. */
static tn_status run(const tn_ckpt_plan *plan, int folder, tn_error *err)
{
    tn_status status = plan->changes_state ? check_state(plan, err) : TN_OK;
    for (size_t i = 0; i < plan->count && status == TN_OK; i++) {
        if (plan->steps[i].action == TN_CKPT_RENAME) {
            status = tni_tf_link_renamed(plan, &plan->steps[i], err);
        }
    }
    if (status == TN_OK) {
        status = change_state(plan, folder, err);
    }
    for (size_t i = 0; i < plan->count && status == TN_OK; i++) {
        const tn_ckpt_step *step = &plan->steps[i];
        if (step->action == TN_CKPT_DELETE) {
            status = tni_cancelled(plan->folder.ctx, err);
        }
        if (status == TN_OK && step->action >= TN_CKPT_DELETE) {
            /* The index is the first of its files. */
            status = tni_set_remove(plan->folder.ctx, folder, plan->folder.folder.data,
                                    step->ckpt->files, step->ckpt->n_files, err);
        }
    }
    return status;
}

tn_status tn_ckpt_change_run(tn_ckpt_change *change, tn_error *err)
{
    const tn_ckpt_plan *plan = change->plan;
    bool any = plan->changes_state;
    for (size_t i = 0; i < plan->count; i++) {
        any = any || plan->steps[i].action >= TN_CKPT_DELETE; /* or a new name */
    }
    if (!any) {
        return TN_OK;
    }
    const char *path = plan->folder.folder.data;
    int folder = -1;
    tn_status status = tni_folder_lock(plan->folder.ctx, path, &folder, err);
    if (status == TN_OK) {
        status = run(plan, folder, err);
        if (status == TN_WRITE) {
            tni_error_hint_line(err, "tenon ckpt ls %s shows what is there", path);
        }
    }
    tni_folder_unlock(plan->folder.ctx, folder);
    return status;
}

void tn_ckpt_change_clear(tn_ckpt_change *change)
{
    tni_tf_plan_free(change->plan);
    *change = (tn_ckpt_change){0};
}
