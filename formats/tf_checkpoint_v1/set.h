/* A checkpoint on its way from files to a model. */
#ifndef TN_FORMATS_TF_CHECKPOINT_V1_SET_H
#define TN_FORMATS_TF_CHECKPOINT_V1_SET_H

#include "formats/tf_checkpoint_v1/values.h"

/* What the meta of one shard says of one tensor. */
typedef struct tni_v1_part {
    tn_str name;
    tn_str message; /* a SavedSliceMeta, in scratch */
    uint32_t shard;
} tni_v1_part;

typedef struct tni_v1_set {
    tn_context *ctx;
    tn_model *model;
    tn_source *main;
    tni_arena scratch;
    tni_v1_places *shards; /* free with tni_v1_set_clear */
    tn_source **sources;
    uint32_t n_shards, room;
    tni_v1_part *parts; /* of all shards, sorted by name */
    size_t n_parts, parts_room;
    uint64_t pieces; /* so far */
    tni_v1_cache *cache;
} tni_v1_set;

/* Opens all files of the set and reads where everything lies. Errors: TN_E_MISSING_FILE, those of
 * tni_v1_places_read. */
tn_status tni_v1_set_open(tni_v1_set *set, tn_error *err);
void tni_v1_set_clear(tni_v1_set *set);
/* Lists the parts that the metas tell, sorted. Errors: TN_E_CORRUPT, TN_E_UNSUPPORTED (a version),
 * TN_E_LIMIT, TN_E_NOMEM. */
tn_status tni_v1_parts_list(tni_v1_set *set, tn_error *err);
/* Adds the tensor that `count` parts of one name tell. Errors: TN_E_CORRUPT (slices that are not
 * there, do not fit, overlap or leave holes), TN_E_UNSUPPORTED (a dtype), TN_E_LIMIT, TN_E_NOMEM.
 */
tn_status tni_v1_tensor_add(tni_v1_set *set, const tni_v1_part *parts, size_t count, tn_error *err);

#endif
