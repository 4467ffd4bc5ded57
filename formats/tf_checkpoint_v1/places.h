/* Where a shard's meta and its slices lie, told from the heads of the table's entries. */
#ifndef TN_FORMATS_TF_CHECKPOINT_V1_PLACES_H
#define TN_FORMATS_TF_CHECKPOINT_V1_PLACES_H

#include "core/arena.h"
#include "formats/tf_checkpoint_v1/stream.h"

/* One stored slice: its key, and where its TensorProto lies. */
typedef struct tni_v1_place {
    tn_str key;
    tni_v1_block *block;
    uint64_t at, len; /* in the plain block */
    uint64_t inner;   /* where the payload of its only field begins; `at` if it has others */
} tni_v1_place;

typedef struct tni_v1_places {
    tn_str meta;      /* the value of the key "", a SavedTensorSlices */
    tni_v1_place *at; /* in key order; free with tni_free */
    size_t count, room;
} tni_v1_places;

/* Reads the heads of all entries of one shard. Blocks are kept in `keep`, keys and the meta in
 * `scratch`. The block with the meta is checked against its sum; of the others only what is needed
 * to find the values is read. `places` may hold memory also after a failure. Errors: as
 * tni_table_blocks. */
tn_status tni_v1_places_read(tn_context *ctx, tn_source *source, tni_arena *keep,
                             tni_arena *scratch, tni_v1_places *places, tn_error *err);
/* Finds a slice by its key; NULL if it is not there. O(log count). */
const tni_v1_place *tni_v1_place_find(const tni_v1_places *places, tn_str key);

#endif
