/* The messages of a checkpoint's index: BundleHeaderProto and BundleEntryProto
 * (tensorflow/core/protobuf/tensor_bundle.proto). */
#ifndef TN_FORMATS_TF_CHECKPOINT_ENTRY_H
#define TN_FORMATS_TF_CHECKPOINT_ENTRY_H

#include "core/arena.h"
#include <tenon/dtype.h>

typedef struct tni_tf_header {
    uint32_t shards; /* at least 1 */
    bool big_endian;
} tni_tf_header;

/* Parses and checks the value of the key "". Errors: TN_E_CORRUPT, TN_E_UNSUPPORTED (a version that
 * readers like this one must not read; a byte order that is not known). */
tn_status tni_tf_header_parse(tn_str value, tni_tf_header *header_out, tn_error *err);

/* What the index says of one key. */
typedef struct tni_tf_entry {
    tn_str key;
    const int64_t *shape;
    const char *slices; /* partitioned tensors: the entry's message again, to walk its slices in;
                           else NULL */
    uint64_t offset, size;
    uint32_t slices_len;
    uint32_t shard;
    uint32_t crc; /* masked */
    uint8_t rank;
    uint8_t dtype; /* a tn_dtype */
    bool hidden;   /* a stored slice of a partitioned tensor */
} tni_tf_entry;

/* Parses and checks the value of `key` on its own and against the header: dtype, shape, that the
 * size fits them, shard, offset. Shape and slices are copied into `scratch`; the key is borrowed.
 * Errors, all with the key as subject: TN_E_CORRUPT, TN_E_UNSUPPORTED (a dtype that is not known),
 * TN_E_LIMIT, TN_E_NOMEM. */
tn_status tni_tf_entry_parse(tn_str key, tn_str value, const tni_tf_header *header,
                             tni_arena *scratch, tni_tf_entry *entry_out, tn_error *err);

static inline int64_t tni_tf_entry_elements(const tni_tf_entry *entry)
{
    int64_t elements = 1;
    for (uint8_t i = 0; i < entry->rank; i++) {
        elements *= entry->shape[i]; /* the product was checked */
    }
    return elements;
}

/* Walks the slices of a partitioned tensor's entry. */
typedef struct tni_tf_slices {
    tn_str rest; /* of the entry's message */
} tni_tf_slices;

static inline tni_tf_slices tni_tf_slices_of(const tni_tf_entry *entry)
{
    return (tni_tf_slices){{entry->slices, entry->slices_len}};
}

/* Reads the next slice's extents as they stand (a whole dimension without a length is 0, -1) into
 * start and length, `rank` of each. False behind the last one; *ok_out is false if the message is
 * damaged or of another rank. */
bool tni_tf_next_slice(tni_tf_slices *slices, uint32_t rank, int64_t *start, int64_t *length,
                       bool *ok_out);

#endif
