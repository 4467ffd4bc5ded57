/* Sorted string tables: LevelDB's file format without filters, as TensorFlow's checkpoints use it
 * (tsl/lib/io/format.cc, block.cc, table.cc, two_level_iterator.cc).
 *
 *     data block, trailer | … | metaindex block, trailer | index block, trailer | footer
 *
 * A trailer is the compression (0 stored, 1 Snappy) and the masked CRC-32C of the stored block and
 * that byte. The footer ends in the magic number, so the last 8 bytes tell a table. */
#ifndef TN_FORMATS_SHARED_TABLE_H
#define TN_FORMATS_SHARED_TABLE_H

#include "io/source.h"

enum { TNI_TABLE_TRAILER = 5, TNI_TABLE_FOOTER = 48 };
#define TNI_TABLE_MAGIC UINT64_C(0xDB4775248B80FB57)

typedef struct tni_table_entry {
    tn_str key, value; /* valid during the call */
    uint64_t block;    /* where the entry's block begins in the file */
} tni_table_entry;

/* Takes one entry; sets *more to false to end the scan. */
typedef tn_status (*tni_table_each)(void *user, const tni_table_entry *entry, bool *more,
                                    tn_error *err);

/* Hands all entries to `each`, in key order, block by block: memory is bounded by one block and the
 * index block, each limited by header_bytes. Everything is checked on the way: checksums, block
 * structure, key order within and across blocks, that blocks neither overlap nor leave the file.
 * Errors: TN_E_TRUNCATED, TN_E_CORRUPT, TN_E_CRC with the block's offset, TN_E_UNSUPPORTED (other
 * compression), TN_E_LIMIT, TN_E_READ, TN_E_NOMEM, and what `each` returns. */
tn_status tni_table_scan(tn_context *ctx, tn_source *source, tni_table_each each, void *user,
                         tn_error *err);

/* One data block, as the index block tells it. */
typedef struct tni_table_block {
    tn_str last;           /* no key of the block is greater; valid during the call */
    uint64_t offset, size; /* of the stored block in the file, without its trailer */
    uint32_t sum;          /* CRC-32C of the stored block and its compression, not masked */
    bool compressed;
} tni_table_block;

typedef tn_status (*tni_table_each_block)(void *user, const tni_table_block *block, tn_error *err);

/* Hands the places of all data blocks to `each`, in file order, without reading the blocks: only
 * footer, index block and trailers are read and checked. Errors: as tni_table_scan. */
tn_status tni_table_blocks(tn_context *ctx, tn_source *source, tni_table_each_block each,
                           void *user, tn_error *err);
/* Reads one block that tni_table_blocks told, checks its sum and decompresses it; its bytes are
 * limited by header_bytes. Free *plain_out with tni_free. Errors: TN_E_CORRUPT, TN_E_CRC,
 * TN_E_LIMIT, TN_E_READ, TN_E_NOMEM. */
tn_status tni_table_load(tn_context *ctx, tn_source *source, const tni_table_block *block,
                         void **plain_out, size_t *len_out, tn_error *err);
/* Checks one block's sum in bounded memory. Errors: TN_E_CRC, TN_E_READ, TN_E_NOMEM,
 * TN_E_CANCELLED. */
tn_status tni_table_prove(tn_context *ctx, tn_source *source, const tni_table_block *block,
                          tn_error *err);

#endif
