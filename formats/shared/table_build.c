#include "formats/shared/table_build.h"

#include "core/crc32c.h"
#include "core/cursor.h"
#include "core/error.h"
#include "formats/shared/table.h"

static void put_varint(tni_buffer *out, uint64_t value)
{
    uint8_t bytes[10];
    tni_buffer_add(out, bytes, tni_put_varint64(bytes, value));
}

static void put_u32(tni_buffer *out, uint32_t value)
{
    uint8_t bytes[4];
    tni_store_u32le(bytes, value);
    tni_buffer_add(out, bytes, sizeof bytes);
}

static tn_str content(const tni_buffer *buffer)
{
    return (tn_str){buffer->len == 0 ? "" : buffer->data, buffer->len};
}

/* Empties a block. Offset 0 is always the first restart. */
static void block_reset(tni_block_build *block)
{
    tni_buffer_reset(&block->bytes);
    tni_buffer_reset(&block->restarts);
    tni_buffer_reset(&block->last);
    put_u32(&block->restarts, 0);
    block->since = 0;
}

static void block_start(tni_block_build *block, tn_context *ctx, unsigned interval)
{
    *block = (tni_block_build){.interval = interval};
    tni_buffer_init(&block->bytes, ctx);
    tni_buffer_init(&block->restarts, ctx);
    tni_buffer_init(&block->last, ctx);
    block_reset(block);
}

static void block_clear(tni_block_build *block)
{
    tni_buffer_clear(&block->bytes);
    tni_buffer_clear(&block->restarts);
    tni_buffer_clear(&block->last);
}

static size_t common_prefix(tn_str a, tn_str b)
{
    size_t most = a.len < b.len ? a.len : b.len, n = 0;
    while (n < most && a.data[n] == b.data[n]) {
        n++;
    }
    return n;
}

static void block_add(tni_block_build *block, tn_str key, tn_str value)
{
    size_t shared = 0;
    if (block->since < block->interval) {
        shared = common_prefix(content(&block->last), key);
    } else {
        put_u32(&block->restarts, (uint32_t)block->bytes.len);
        block->since = 0;
    }
    put_varint(&block->bytes, shared);
    put_varint(&block->bytes, key.len - shared);
    put_varint(&block->bytes, value.len);
    tni_buffer_add(&block->bytes, key.data + shared, key.len - shared);
    tni_buffer_str(&block->bytes, value);
    block->failed = block->failed || block->last.failed;
    tni_buffer_reset(&block->last);
    tni_buffer_str(&block->last, key);
    block->since++;
}

/* The bytes that the block would take if it ended now. */
static size_t block_size(const tni_block_build *block)
{
    return block->bytes.len + block->restarts.len + sizeof(uint32_t);
}

/* Appends a finished block and its trailer to the file; gives its handle. */
static void write_block(tni_table_build *table, tni_block_build *block, uint64_t *offset,
                        uint64_t *size)
{
    tni_buffer *out = table->out;
    size_t start = out->len;
    *offset = table->base + start;
    out->failed = out->failed || block->failed || block->bytes.failed || block->restarts.failed ||
                  block->last.failed;
    tni_buffer_add(out, block->bytes.data, block->bytes.len);
    tni_buffer_add(out, block->restarts.data, block->restarts.len);
    put_u32(out, (uint32_t)(block->restarts.len / sizeof(uint32_t)));
    *size = out->len - start;
    tni_buffer_char(out, 0); /* stored */
    if (!out->failed) {
        put_u32(out, tni_crc32c_mask(tni_crc32c(0, out->data + start, (size_t)*size + 1)));
    }
    block_reset(block);
}

void tni_table_build_start(tni_table_build *table, tn_context *ctx, tni_buffer *out)
{
    *table = (tni_table_build){.ctx = ctx, .out = out};
    block_start(&table->data, ctx, TNI_TABLE_RESTART_INTERVAL);
    block_start(&table->index, ctx, 1);
}

void tni_table_build_clear(tni_table_build *table)
{
    block_clear(&table->data);
    block_clear(&table->index);
}

/* Adds the index entry of the last data block under `key`, which is not less than its keys. */
static void add_index(tni_table_build *table, tn_str key)
{
    uint8_t handle[20];
    size_t len = tni_put_varint64(handle, table->handle_offset);
    len += tni_put_varint64(handle + len, table->handle_size);
    block_add(&table->index, key, (tn_str){(const char *)handle, len});
    table->pending = false;
}

/* Shortens `last` to a string that separates it from the greater `next` (BytewiseComparator,
 * FindShortestSeparator). */
static void shorten_between(tni_buffer *last, tn_str next)
{
    size_t i = common_prefix(content(last), next);
    if (i >= last->len || i >= next.len) {
        return;
    }
    uint8_t byte = (uint8_t)last->data[i];
    if (byte < 0xFF && byte + 1 < (uint8_t)next.data[i]) {
        last->data[i] = (char)(byte + 1);
        last->len = i + 1;
    }
}

/* Shortens `last` to a string that is not less (FindShortSuccessor). */
static void shorten_after(tni_buffer *last)
{
    for (size_t i = 0; i < last->len; i++) {
        if ((uint8_t)last->data[i] != 0xFF) {
            last->data[i] = (char)((uint8_t)last->data[i] + 1);
            last->len = i + 1;
            return;
        }
    }
}

/* Ends the data block at hand; its last key stays in `data.last` until the index entry is made. */
static void end_data_block(tni_table_build *table)
{
    table->out->failed = table->out->failed || table->data.bytes.failed || table->data.last.failed;
    if (table->data.bytes.len == 0) {
        return;
    }
    tni_buffer key = table->data.last;
    tni_buffer_init(&table->data.last, table->ctx);
    write_block(table, &table->data, &table->handle_offset, &table->handle_size);
    tni_buffer_clear(&table->data.last);
    table->data.last = key;
    table->pending = true;
}

/* Adds the index entry that waits, now that the next key is known. */
static void settle_index(tni_table_build *table, tn_str next)
{
    if (table->pending) {
        shorten_between(&table->data.last, next);
        add_index(table, content(&table->data.last));
        tni_buffer_reset(&table->data.last);
    }
}

void tni_table_build_outside(tni_table_build *table, tn_str first_key, tn_str last_key,
                             uint64_t offset, uint64_t size)
{
    settle_index(table, first_key);
    tni_buffer_str(&table->data.last, last_key);
    table->handle_offset = offset;
    table->handle_size = size;
    table->pending = table->any = true;
}

void tni_table_build_add(tni_table_build *table, tn_str key, tn_str value)
{
    if (table->any && key.len + value.len >= TNI_TABLE_LARGE_ENTRY) {
        end_data_block(table);
    }
    settle_index(table, key);
    block_add(&table->data, key, value);
    table->any = true;
    if (block_size(&table->data) >= TNI_TABLE_BLOCK_SIZE) {
        end_data_block(table);
    }
}

tn_status tni_table_build_finish(tni_table_build *table, tn_error *err)
{
    uint64_t meta_offset, meta_size, index_offset, index_size;
    uint8_t footer[TNI_TABLE_FOOTER] = {0};
    tni_block_build metaindex;
    end_data_block(table);
    block_start(&metaindex, table->ctx, TNI_TABLE_RESTART_INTERVAL);
    write_block(table, &metaindex, &meta_offset, &meta_size);
    block_clear(&metaindex);
    if (table->pending) {
        shorten_after(&table->data.last);
        add_index(table, content(&table->data.last));
    }
    write_block(table, &table->index, &index_offset, &index_size);
    size_t len = tni_put_varint64(footer, meta_offset);
    len += tni_put_varint64(footer + len, meta_size);
    len += tni_put_varint64(footer + len, index_offset);
    tni_put_varint64(footer + len, index_size);
    tni_store_u64le(footer + TNI_TABLE_FOOTER - 8, TNI_TABLE_MAGIC);
    tni_buffer_add(table->out, footer, sizeof footer);
    return tni_buffer_check(table->out, err);
}
