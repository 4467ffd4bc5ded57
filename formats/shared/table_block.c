#include "formats/shared/table_block.h"
#include "core/cursor.h"

/* A slice key may double each byte of the name and adds two numbers of up to 10 bytes for each of
 * 254 dimensions. */
enum { SLICE_KEY_EXTRA = 8192 };

void tni_block_keys_init(tni_block_keys *keys, tn_context *ctx)
{
    tni_buffer_init(&keys->last, ctx);
    keys->any = false;
}

void tni_block_keys_clear(tni_block_keys *keys)
{
    tni_buffer_clear(&keys->last);
}

static uint32_t restart_at(const tni_block *block, uint32_t index)
{
    return tni_load_u32le(block->data + block->entries + 4 * (size_t)index);
}

const char *tni_block_start(tni_block *block, tn_str bytes, tni_block_keys *keys)
{
    if (bytes.len < 4) {
        return "a block of the table is too short";
    }
    const uint8_t *data = (const uint8_t *)bytes.data;
    uint32_t restarts = tni_load_u32le(data + bytes.len - 4);
    if (restarts > (bytes.len - 4) / 4) {
        return "a block of the table is too short for its restarts";
    }
    size_t entries = bytes.len - 4 - 4 * (size_t)restarts;
    *block = (tni_block){data, entries, 0, restarts, 0, keys};
    if (restarts == 0 ? entries != 0 : restart_at(block, 0) != 0) {
        return "a block of the table does not begin with a restart";
    }
    return NULL;
}

/* Checks that restarts stand at whole entries which share nothing with the one before. */
static bool restarts_fit(tni_block *block, size_t entry, uint64_t shared)
{
    if (block->next_restart < block->restarts) {
        uint32_t restart = restart_at(block, block->next_restart);
        if (restart < entry) {
            return false;
        }
        if (restart == entry) {
            block->next_restart++;
            return shared == 0;
        }
    }
    return true;
}

/* Tells whether all restarts were met; an empty block has one at its end. */
static bool restarts_done(const tni_block *block)
{
    return block->next_restart == block->restarts || (block->entries == 0 && block->restarts == 1);
}

/* Reads an entry's three lengths, of which most are one byte long. */
static bool get_lengths(tni_cursor *cursor, uint32_t length[3])
{
    if (tni_cursor_left(cursor) >= 3) {
        const uint8_t *p = cursor->data + cursor->pos;
        if ((p[0] | p[1] | p[2]) < 0x80) {
            length[0] = p[0];
            length[1] = p[1];
            length[2] = p[2];
            cursor->pos += 3;
            return true;
        }
    }
    return tni_get_varint32(cursor, &length[0]) && tni_get_varint32(cursor, &length[1]) &&
           tni_get_varint32(cursor, &length[2]);
}

/* Replaces the last key by its first `shared` bytes and `rest`, which must make it greater. */
static bool next_key(tni_block_keys *keys, uint32_t shared, tn_str rest)
{
    tn_str old = tn_str_skip(tni_block_last_key(keys), shared);
    if (keys->any && tn_str_compare(rest, old) <= 0) {
        return false;
    }
    keys->any = true;
    keys->last.len = shared;
    tni_buffer_str(&keys->last, rest);
    return true;
}

tn_status tni_block_next(tni_block *block, tn_str *key_out, tn_str *value_out, bool *more_out,
                         const char **wrong_out, tn_error *err)
{
    tni_block_keys *keys = block->keys;
    tn_context *ctx = keys->last.ctx;
    if (block->pos == block->entries) {
        *more_out = false;
        if (!restarts_done(block)) {
            *wrong_out = "a block of the table has restarts where no entry begins";
        }
        return TN_OK;
    }
    uint32_t length[3];
    const uint8_t *rest, *value;
    tni_cursor cursor = {block->data, block->entries, block->pos, false};
    if (!get_lengths(&cursor, length) || !tni_get_bytes(&cursor, length[1], &rest) ||
        !tni_get_bytes(&cursor, length[2], &value)) {
        *wrong_out = "an entry of the table runs out of its block";
        return TN_OK;
    }
    if (length[0] > keys->last.len || (block->pos == 0 && length[0] != 0) ||
        !restarts_fit(block, block->pos, length[0])) {
        *wrong_out = "an entry of the table continues a key that is not there";
        return TN_OK;
    }
    uint64_t limit = ctx->limits.name_bytes;
    limit = limit > (UINT64_MAX - SLICE_KEY_EXTRA) / 2 ? UINT64_MAX : 2 * limit + SLICE_KEY_EXTRA;
    tn_status status = tni_check_limit((uint64_t)length[0] + length[1], limit, "name-bytes", err);
    if (status != TN_OK) {
        return status;
    }
    if (!next_key(keys, length[0], (tn_str){(const char *)rest, length[1]})) {
        *wrong_out = "the keys of the table are not in order";
        return TN_OK;
    }
    block->pos = cursor.pos;
    *key_out = tni_block_last_key(keys);
    *value_out = (tn_str){(const char *)value, length[2]};
    *more_out = true;
    return tni_buffer_check(&keys->last, err);
}
