/* Writing a checkpoint's index: the header and one entry a key, in a sorted table. */
#ifndef TN_FORMATS_TF_CHECKPOINT_INDEX_WRITE_H
#define TN_FORMATS_TF_CHECKPOINT_INDEX_WRITE_H

#include "core/arena.h"
#include "core/buffer.h"
#include <tenon/dtype.h>

/* One key of the index. */
typedef struct tni_tf_out_entry {
    tn_str key;
    tn_dtype dtype;
    uint32_t rank;
    const int64_t *shape;
    uint32_t shard;
    uint64_t offset, size;
    uint32_t crc;  /* not masked */
    bool has_data; /* false: the entry of a partitioned tensor, which only lists slices */
    const int64_t *const *slices; /* each: start and length of every dimension */
    uint32_t n_slices;
} tni_tf_out_entry;

/* Appends the whole index file to `out`. The entries are sorted by key, all different. The bytes
 * are those that TensorFlow's BundleWriter gives for them. Errors: TN_E_NOMEM. */
tn_status tni_tf_index_build(tn_context *ctx, const tni_tf_out_entry *entries, size_t count,
                             uint32_t shards, tni_buffer *out, tn_error *err);

#endif
