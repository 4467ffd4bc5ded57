/* The names of a checkpoint's files (tensorflow/python/training/saver.py). */
#ifndef TN_FORMATS_TF_CHECKPOINT_V1_NAMES_H
#define TN_FORMATS_TF_CHECKPOINT_V1_NAMES_H

#include "core/arena.h"
#include "io/source.h"

/* Takes apart PREFIX-SSSSS-of-NNNNN, or the pattern PREFIX-?????-of-NNNNN; the prefix may hold
 * folders. False for all other names, also those of V2's data files. */
bool tni_v1_name_parse(tn_str name, tn_str *prefix_out, uint64_t *shards_out);
/* Makes the name of one shard. Errors: TN_E_NOMEM, TN_E_LIMIT. */
tn_status tni_v1_name_shard(tn_str prefix, uint64_t shard, uint64_t shards, tni_arena *arena,
                            tn_str *name_out, tn_error *err);
/* Makes the pattern that stands for all shards. Errors: as above. */
tn_status tni_v1_name_pattern(tn_str prefix, uint64_t shards, tni_arena *arena, tn_str *name_out,
                              tn_error *err);
/* Says which main file a name leads to: a shard or the pattern to the first shard, X.meta to X
 * beside it. False if it is none of these. */
bool tni_v1_name_main(tn_str name, const tni_names *siblings, tni_arena *arena, tn_str *main_out);

#endif
