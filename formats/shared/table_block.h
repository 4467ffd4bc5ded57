/* The inside of one block of a sorted string table: prefix-compressed entries, then the offsets of
 * the entries that begin anew ("restarts") and their number (tsl/lib/io/block.cc). */
#ifndef TN_FORMATS_SHARED_TABLE_BLOCK_H
#define TN_FORMATS_SHARED_TABLE_BLOCK_H

#include "core/buffer.h"

/* The key last read, carried from block to block so that the order of keys is checked across them.
 */
typedef struct tni_block_keys {
    tni_buffer last;
    bool any; /* a key was read */
} tni_block_keys;

void tni_block_keys_init(tni_block_keys *keys, tn_context *ctx);
void tni_block_keys_clear(tni_block_keys *keys);
static inline tn_str tni_block_last_key(const tni_block_keys *keys)
{
    return (tn_str){keys->last.len == 0 ? "" : keys->last.data, keys->last.len};
}

typedef struct tni_block {
    const uint8_t *data;
    size_t entries; /* bytes of the entries; the restarts follow */
    size_t pos;
    uint32_t restarts, next_restart;
    tni_block_keys *keys;
} tni_block;

/* Begins a block. Returns what is wrong with it, or NULL. */
const char *tni_block_start(tni_block *block, tn_str bytes, tni_block_keys *keys);
/* Reads the next entry; *more_out is false behind the last one. *wrong_out gets what is wrong with
 * the block, if anything. Views live until the next call. Errors: TN_E_NOMEM, TN_E_LIMIT
 * ("name-bytes", with room for what slice keys add to names). */
tn_status tni_block_next(tni_block *block, tn_str *key_out, tn_str *value_out, bool *more_out,
                         const char **wrong_out, tn_error *err);

#endif
