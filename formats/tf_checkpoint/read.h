#ifndef TN_FORMATS_TF_CHECKPOINT_READ_H
#define TN_FORMATS_TF_CHECKPOINT_READ_H

#include "formats/format.h"

/* Reads a checkpoint's index, checks it against its data files, and describes its tensors. */
tn_status tni_tf_open(tni_read *read, tn_error *err);
/* Lists the index and the data files that stand beside it and belong to it. */
tn_status tni_tf_members(tn_context *ctx, tn_source *main, tni_arena *arena, tni_names *names_out,
                         tn_error *err);

#endif
