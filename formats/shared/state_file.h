/* The `checkpoint` state file: text protobuf of CheckpointState
 * (tensorflow/python/training/checkpoint_state.proto). */
#ifndef TN_FORMATS_SHARED_STATE_FILE_H
#define TN_FORMATS_SHARED_STATE_FILE_H

#include "core/arena.h"

#define TNI_TF_STATE_FILE "checkpoint" /* its name, in every folder */

typedef struct tni_tf_state {
    tn_str latest;     /* model_checkpoint_path; data NULL if it is not said */
    const tn_str *all; /* all_model_checkpoint_paths, oldest first */
    size_t n_all;
    const double *times; /* all_model_checkpoint_timestamps, seconds since 1970 */
    size_t n_times;
    double last_preserved; /* last_preserved_timestamp */
    bool has_last_preserved;
} tni_tf_state;

/* Parses a state file's text. Takes what TensorFlow takes, and bytes that are not UTF-8 in paths
 * besides; strings come from the arena. `path` is for errors. Errors: TN_E_CORRUPT with line and
 * column, TN_E_LIMIT, TN_E_NOMEM. */
tn_status tni_tf_state_parse(tn_str text, const char *path, tni_arena *arena,
                             tni_tf_state *state_out, tn_error *err);

#endif
