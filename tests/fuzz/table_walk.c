#include "table_walk.h"

bool walk_handle(const mut_bytes *table, tni_cursor *cursor, walk_block *block_out)
{
    uint64_t at, len;
    if (!tni_get_varint64(cursor, &at) || !tni_get_varint64(cursor, &len) || at > table->len ||
        len > table->len - at || table->len - at - len < WALK_TRAILER) {
        return false;
    }
    *block_out = (walk_block){(size_t)at, (size_t)len, table->at[at + len] == 0};
    return true;
}

bool walk_index(const mut_bytes *table, walk_block *block_out)
{
    walk_block metaindex;
    if (table->len < WALK_FOOTER) {
        return false;
    }
    tni_cursor cursor = tni_cursor_of(table->at + table->len - WALK_FOOTER, WALK_FOOTER - 8);
    return walk_handle(table, &cursor, &metaindex) && walk_handle(table, &cursor, block_out);
}

void walk_start(walk *w, const mut_bytes *table, walk_block block)
{
    size_t entries = block.len; /* the restarts and their number follow them */
    if (block.len >= 4) {
        uint64_t restarts = tni_load_u32le(table->at + block.at + block.len - 4);
        entries = restarts < block.len / 4 ? block.len - 4 - (size_t)restarts * 4 : 0;
    }
    w->cursor = tni_cursor_of(table->at + block.at, entries);
    w->base = block.at;
    w->key_len = 0;
}

bool walk_next(walk *w)
{
    uint64_t shared, rest, value;
    const uint8_t *key, *bytes;
    if (tni_cursor_left(&w->cursor) == 0 || !tni_get_varint64(&w->cursor, &shared) ||
        !tni_get_varint64(&w->cursor, &rest) || !tni_get_varint64(&w->cursor, &value) ||
        shared > w->key_len || rest > WALK_KEY - shared || value > tni_cursor_left(&w->cursor) ||
        !tni_get_bytes(&w->cursor, (size_t)rest, &key)) {
        return false;
    }
    memcpy(w->key + shared, key, (size_t)rest);
    w->key_len = (size_t)(shared + rest);
    w->value_at = w->base + w->cursor.pos;
    if (!tni_get_bytes(&w->cursor, (size_t)value, &bytes)) {
        return false;
    }
    w->value = (tn_str){(const char *)bytes, (size_t)value};
    return true;
}
