/* Tables and checkpoints built byte by byte, right ones and wrong ones. */
#ifndef TN_TESTS_TF_FILE_H
#define TN_TESTS_TF_FILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/buffer.h"
#include "core/crc32c.h"
#include "core/cursor.h"
#include "support/scratch.h"
#include <tenon/tenon.h>

/* Appends bytes spelled in hexadecimal; spaces are left out. */
static inline void put_hex(tni_buffer *b, const char *hex)
{
    for (const char *p = hex; *p != '\0';) {
        if (*p == ' ') {
            p++;
            continue;
        }
        char pair[3] = {p[0], p[1], '\0'};
        tni_buffer_char(b, (char)strtoul(pair, NULL, 16));
        p += 2;
    }
}

static inline void put_varint(tni_buffer *b, uint64_t value)
{
    uint8_t bytes[10];
    tni_buffer_add(b, bytes, tni_put_varint64(bytes, value));
}

static inline void put_u32(tni_buffer *b, uint32_t value)
{
    uint8_t bytes[4];
    tni_store_u32le(bytes, value);
    tni_buffer_add(b, bytes, sizeof(bytes));
}

/* Appends one entry of a block. */
static inline void put_entry(tni_buffer *b, uint64_t shared, tn_str rest, tn_str value)
{
    put_varint(b, shared);
    put_varint(b, rest.len);
    put_varint(b, value.len);
    tni_buffer_str(b, rest);
    tni_buffer_str(b, value);
}

/* Ends a block's content: one restart at 0. */
static inline void put_restarts(tni_buffer *b)
{
    put_u32(b, 0);
    put_u32(b, 1);
}

/* Appends a block with its trailer to a table; *handle gets its handle. */
static inline void put_block(tni_buffer *table, const tni_buffer *block, char type,
                             tni_buffer *handle)
{
    put_varint(handle, table->len);
    put_varint(handle, block->len);
    uint32_t crc = tni_crc32c(0, block->data, block->len);
    crc = tni_crc32c(crc, &type, 1);
    tni_buffer_add(table, block->data, block->len);
    tni_buffer_char(table, type);
    put_u32(table, tni_crc32c_mask(crc));
}

/* Appends metaindex, index (the content of the block, without restarts) and footer. */
static inline void put_end(tni_buffer *table, const tni_buffer *index_entries)
{
    tni_buffer block, handles;
    tni_buffer_init(&block, table->ctx);
    tni_buffer_init(&handles, table->ctx);
    put_restarts(&block);
    put_block(table, &block, 0, &handles);
    tni_buffer_reset(&block);
    tni_buffer_str(&block, (tn_str){index_entries->data, index_entries->len});
    put_restarts(&block);
    put_block(table, &block, 0, &handles);
    tni_buffer_zeros(&handles, 40 - handles.len);
    tni_buffer_str(table, (tn_str){handles.data, handles.len});
    put_hex(table, "57 fb 80 8b 24 75 47 db");
    tni_buffer_clear(&block);
    tni_buffer_clear(&handles);
}

/* Appends a table of one data block, whose entries and restarts are given. */
static inline void put_table(tni_buffer *table, const tni_buffer *block, char type)
{
    tni_buffer handle, index;
    tni_buffer_init(&handle, table->ctx);
    tni_buffer_init(&index, table->ctx);
    put_block(table, block, type, &handle);
    put_entry(&index, 0, TN_LIT("\xFF\xFF\xFF"), (tn_str){handle.data, handle.len});
    put_end(table, &index);
    tni_buffer_clear(&handle);
    tni_buffer_clear(&index);
}

/* A key of a hand-made checkpoint, with its entry in hexadecimal. Keys must ascend. */
typedef struct tf_key {
    tn_str key;
    const char *entry;
} tf_key;

static inline void write_bytes(const tn_scratch *scratch, const char *name, const void *data,
                               size_t len)
{
    FILE *file = fopen(tn_scratch_at(scratch, name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

/* Writes c.index and c.data-00000-of-00001. */
static inline void write_checkpoint(tn_context *ctx, const tn_scratch *scratch, const tf_key *keys,
                                    size_t count, const char *data_hex)
{
    tni_buffer block, table, value;
    tni_buffer_init(&block, ctx);
    tni_buffer_init(&table, ctx);
    tni_buffer_init(&value, ctx);
    for (size_t i = 0; i < count; i++) {
        tni_buffer_reset(&value);
        put_hex(&value, keys[i].entry);
        put_entry(&block, 0, keys[i].key, (tn_str){value.data, value.len});
    }
    put_restarts(&block);
    put_table(&table, &block, 0);
    write_bytes(scratch, "c.index", table.data, table.len);
    tni_buffer_reset(&value);
    put_hex(&value, data_hex);
    write_bytes(scratch, "c.data-00000-of-00001", value.data == NULL ? "" : value.data, value.len);
    tni_buffer_clear(&block);
    tni_buffer_clear(&table);
    tni_buffer_clear(&value);
}

#endif
