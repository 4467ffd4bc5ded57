/* Building sorted string tables, byte for byte as TensorFlow's builder does
 * (tsl/lib/io/table_builder.cc, block_builder.cc, table_options.h): never compressed, blocks of 256
 * KiB, restarts every 16 keys. */
#ifndef TN_FORMATS_SHARED_TABLE_BUILD_H
#define TN_FORMATS_SHARED_TABLE_BUILD_H

#include "core/buffer.h"

enum {
    TNI_TABLE_RESTART_INTERVAL = 16,
    TNI_TABLE_BLOCK_SIZE = 262144,                   /* a block of so many bytes ends */
    TNI_TABLE_LARGE_ENTRY = 2 * TNI_TABLE_BLOCK_SIZE /* an entry this long begins a block */
};

/* One block being built. */
typedef struct tni_block_build {
    tni_buffer bytes;    /* entries */
    tni_buffer restarts; /* u32le offsets */
    tni_buffer last;     /* the last key */
    unsigned interval;   /* keys from restart to restart */
    unsigned since;      /* keys since the last restart */
    bool failed;         /* a key did not fit into memory */
} tni_block_build;

typedef struct tni_table_build {
    tn_context *ctx;
    tni_buffer *out; /* the file so far */
    tni_block_build data, index;
    uint64_t handle_offset, handle_size; /* of the last finished data block, */
    bool pending;                        /* whose index entry waits for the next key */
    bool any;                            /* an entry was added */
    uint64_t base; /* where in the file `out` will stand: 0, but behind blocks from outside */
} tni_table_build;

/* Begins a table whose bytes are appended to `out`, which must be empty. */
void tni_table_build_start(tni_table_build *table, tn_context *ctx, tni_buffer *out);
void tni_table_build_clear(tni_table_build *table);
/* Adds an entry; keys must ascend. */
void tni_table_build_add(tni_table_build *table, tn_str key, tn_str value);
/* Takes note of a data block that is made elsewhere, and stands before `out`; its keys follow those
 * of the block before. */
void tni_table_build_outside(tni_table_build *table, tn_str first_key, tn_str last_key,
                             uint64_t offset, uint64_t size);
/* Writes what is left: the last block, metaindex, index, footer. Errors: TN_E_NOMEM. */
tn_status tni_table_build_finish(tni_table_build *table, tn_error *err);

#endif
