/* A folder of checkpoints while it is looked at. */
#ifndef TN_FORMATS_TF_CHECKPOINT_DIRECTORY_H
#define TN_FORMATS_TF_CHECKPOINT_DIRECTORY_H

#include "core/hash.h"
#include "formats/shared/state_write.h"
#include "io/source.h"
#include <tenon/ckpt.h>

typedef struct tni_tf_folder {
    tn_context *ctx;
    tni_arena arena; /* owns everything here */
    tn_str folder;   /* as given, ending in '/' */
    tni_names names; /* all files */
    bool has_state;
    tni_tf_state state;
    tn_ckpt *at; /* by step, then name */
    size_t count;
    tni_hash by_prefix; /* where in `at` */
    tni_hash listed;    /* by prefix: where in the state file's list, or TNI_TF_LATEST_ONLY */
} tni_tf_folder;

#define TNI_TF_LATEST_ONLY (UINT32_MAX - 1)

/* Reads a folder; clear it also after a failure. */
tn_status tni_tf_folder_read(tn_context *ctx, const char *directory, tni_tf_folder *folder,
                             tn_error *err);
void tni_tf_folder_clear(tni_tf_folder *folder);
/* Finds a checkpoint by its prefix; NULL if there is none. */
const tn_ckpt *tni_tf_folder_find(const tni_tf_folder *folder, tn_str prefix);
/* Tells whether a checkpoint is there and complete. */
bool tni_tf_folder_complete(const tni_tf_folder *folder, tn_str prefix);
/* The trailing number of a prefix; -1: there is none, or it does not fit 63 bits. */
int64_t tni_tf_step(tn_str prefix);
/* The time: seconds since 1970. */
double tni_tf_now(void);
/* Fails with TN_E_NO_CHECKPOINT for a path, and with TN_E_INTERRUPTED for a checkpoint whose
 * replacement was; `folder` is "" or ends in '/'. */
tn_status tni_tf_no_checkpoint(const char *path, const char *why, tn_error *err);
tn_status tni_tf_interrupted(const char *folder, const tn_ckpt *ckpt, tn_error *err);
/* Checks that a path is a folder and ends it in '/'. */
tn_status tni_tf_folder_of(tn_context *ctx, const char *directory, tni_arena *arena,
                           tn_str *folder_out, tn_error *err);

#endif
