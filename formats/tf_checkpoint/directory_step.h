/* The step of a checkpoint whose name does not say it. */
#ifndef TN_FORMATS_TF_CHECKPOINT_DIRECTORY_STEP_H
#define TN_FORMATS_TF_CHECKPOINT_DIRECTORY_STEP_H

#include "core/context.h"

/* Reads the counter of the checkpoint whose index lies at `path`: global_step, else the optimizer's
 * iterations, else save_counter. -1: it has none, or several of that kind, or it cannot be read. */
int64_t tni_tf_counter(tn_context *ctx, const char *path);

#endif
