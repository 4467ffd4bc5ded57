/* Changes of a folder: planned, told, then done. */
#ifndef TN_FORMATS_TF_CHECKPOINT_DIRECTORY_CHANGE_H
#define TN_FORMATS_TF_CHECKPOINT_DIRECTORY_CHANGE_H

#include "formats/tf_checkpoint/directory.h"

typedef struct tn_ckpt_plan {
    tni_tf_folder folder; /* as it was read */
    tni_arena *arena;     /* the folder's */
    tn_ckpt_step *steps;
    size_t count;
    tni_tf_state state; /* as it will be, if changes_state; latest none: the file goes */
    bool changes_state;
} tn_ckpt_plan;

/* Reads a folder into a new plan with room for `most` steps (0: one a checkpoint). Free with
 * tni_tf_plan_free, also after a failure of what follows. */
tn_status tni_tf_plan_new(tn_context *ctx, const char *directory, size_t most,
                          tn_ckpt_plan **plan_out, tn_error *err);
void tni_tf_plan_free(tn_ckpt_plan *plan); /* NULL is fine */
/* Makes a plan's change public: the plan then belongs to it. */
tn_status tni_tf_plan_give(tn_ckpt_plan *plan, const char *directory, tn_ckpt_change *change_out,
                           tn_error *err);
/* Finds a checkpoint that is to be changed. Errors: TN_E_NO_CHECKPOINT, TN_E_INTERRUPTED. */
tn_status tni_tf_plan_find(const tn_ckpt_plan *plan, tn_str prefix, const tn_ckpt **ckpt_out,
                           tn_error *err);
/* Tells whether a checkpoint has an index that cannot be read: which files are its own is then not
 * known. */
bool tni_tf_unreadable(const tni_tf_folder *folder, const tn_ckpt *ckpt);

/* Makes hard links to a checkpoint's files under the new prefix, its index last. Errors: of
 * tni_output_link and tni_output_commit. */
tn_status tni_tf_link_renamed(const tn_ckpt_plan *plan, const tn_ckpt_step *step, tn_error *err);
/* Gives the name that one of its files has under the new prefix. */
tn_status tni_tf_renamed(const tn_ckpt_step *step, tn_str file, tni_arena *arena, tn_str *name_out,
                         tn_error *err);

#endif
