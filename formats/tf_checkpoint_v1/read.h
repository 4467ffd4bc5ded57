#ifndef TN_FORMATS_TF_CHECKPOINT_V1_READ_H
#define TN_FORMATS_TF_CHECKPOINT_V1_READ_H

#include "formats/format.h"

/* Fills the model from a checkpoint's metas and the heads of its entries. */
tn_status tni_v1_open(tni_read *read, tn_error *err);
/* Lists the files of the set. */
tn_status tni_v1_members(tn_context *ctx, tn_source *main, tni_arena *arena, tni_names *names_out,
                         tn_error *err);

#endif
