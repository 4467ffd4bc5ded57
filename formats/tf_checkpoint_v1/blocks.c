/* The table of a new checkpoint with holes where the values go: as formats/shared/table_build.c
 * makes it, but the values are never in memory. */
#include "core/buffer.h"
#include "core/cursor.h"
#include "formats/shared/table.h"
#include "formats/shared/table_build.h"
#include "formats/tf_checkpoint_v1/write.h"

/* The block being cut. */
typedef struct cutter {
    tni_write *write;
    tni_v1_write *state;
    tni_buffer restarts, head;
    uint64_t offset, size; /* of the block, and its entries so far */
    size_t first, count;   /* entries */
    unsigned since;        /* entries since the last restart */
} cutter;

static void put_u32(tni_buffer *out, uint32_t value)
{
    uint8_t bytes[4];
    tni_store_u32le(bytes, value);
    tni_buffer_add(out, bytes, sizeof bytes);
}

static void put_varint(tni_buffer *out, uint64_t value)
{
    uint8_t bytes[10];
    tni_buffer_add(out, bytes, tni_put_varint64(bytes, value));
}

static void begin_block(cutter *c)
{
    tni_buffer_reset(&c->restarts);
    put_u32(&c->restarts, 0);
    c->first += c->count;
    c->size = c->count = c->since = 0;
}

static tn_status end_block(cutter *c, tn_error *err)
{
    tni_v1_out_block *block = &c->state->blocks[c->state->n_blocks];
    if (c->count == 0) {
        return TN_OK;
    }
    put_u32(&c->restarts, (uint32_t)(c->restarts.len / sizeof(uint32_t)));
    tn_status status = tni_buffer_check(&c->restarts, err);
    if (status == TN_OK) {
        status = tni_arena_str(c->write->arena, (tn_str){c->restarts.data, c->restarts.len},
                               &block->tail, err);
    }
    if (status != TN_OK) {
        return status;
    }
    block->first = c->first;
    block->count = c->count;
    block->offset = c->offset;
    block->size = c->size + block->tail.len;
    c->offset += block->size + TNI_TABLE_TRAILER;
    c->state->n_blocks++;
    begin_block(c);
    return TN_OK;
}

static size_t common_prefix(tn_str a, tn_str b)
{
    size_t most = a.len < b.len ? a.len : b.len, n = 0;
    while (n < most && a.data[n] == b.data[n]) {
        n++;
    }
    return n;
}

/* Gives an entry its place in the block at hand. */
static tn_status place_entry(cutter *c, tni_v1_entry *entry, tn_error *err)
{
    size_t shared = 0;
    if (c->since == TNI_TABLE_RESTART_INTERVAL) {
        put_u32(&c->restarts, (uint32_t)c->size);
        c->since = 0;
    } else if (c->count > 0) {
        shared = common_prefix(entry[-1].key, entry->key);
    }
    tni_buffer_reset(&c->head);
    put_varint(&c->head, shared);
    put_varint(&c->head, entry->key.len - shared);
    put_varint(&c->head, entry->value.len + entry->payload);
    tni_buffer_str(&c->head, tn_str_skip(entry->key, shared));
    tni_buffer_str(&c->head, entry->value);
    tn_status status = tni_buffer_check(&c->head, err);
    if (status == TN_OK) {
        status =
            tni_arena_str(c->write->arena, (tn_str){c->head.data, c->head.len}, &entry->head, err);
    }
    entry->offset = c->offset + c->size;
    c->size += c->head.len + entry->payload;
    c->count++;
    c->since++;
    return status;
}

static tn_status cut(cutter *c, tn_error *err)
{
    tn_status status = TN_OK;
    begin_block(c);
    for (size_t i = 0; status == TN_OK && i < c->state->n_entries; i++) {
        tni_v1_entry *entry = &c->state->entries[i];
        if (i > 0 && entry->key.len + entry->value.len + entry->payload >= TNI_TABLE_LARGE_ENTRY) {
            status = end_block(c, err);
        }
        if (status == TN_OK) {
            status = place_entry(c, entry, err);
        }
        if (status == TN_OK &&
            c->size + c->restarts.len + sizeof(uint32_t) >= TNI_TABLE_BLOCK_SIZE) {
            status = end_block(c, err);
        }
    }
    return status == TN_OK ? end_block(c, err) : status;
}

/* Makes metaindex, index and footer, which stand behind the blocks. */
static tn_status make_end(tni_write *write, tni_v1_write *state, tn_error *err)
{
    tni_buffer out;
    tni_table_build table;
    tni_buffer_init(&out, write->ctx);
    tni_table_build_start(&table, write->ctx, &out);
    table.base = state->end_offset;
    for (size_t i = 0; i < state->n_blocks; i++) {
        const tni_v1_out_block *block = &state->blocks[i];
        tni_table_build_outside(&table, state->entries[block->first].key,
                                state->entries[block->first + block->count - 1].key, block->offset,
                                block->size);
    }
    tn_status status = tni_table_build_finish(&table, err);
    if (status == TN_OK) {
        status = tni_arena_str(write->arena, (tn_str){out.data, out.len}, &state->end, err);
    }
    tni_table_build_clear(&table);
    tni_buffer_clear(&out);
    return status;
}

tn_status tni_v1_blocks_place(tni_write *write, tni_v1_write *state, tn_error *err)
{
    cutter c = {.write = write, .state = state};
    void *blocks;
    tn_status status =
        tni_arena_array(write->arena, state->n_entries, sizeof(tni_v1_out_block), &blocks, err);
    if (status != TN_OK) {
        return status;
    }
    state->blocks = blocks;
    tni_buffer_init(&c.restarts, write->ctx);
    tni_buffer_init(&c.head, write->ctx);
    status = cut(&c, err);
    state->end_offset = c.offset;
    tni_buffer_clear(&c.restarts);
    tni_buffer_clear(&c.head);
    return status == TN_OK ? make_end(write, state, err) : status;
}
