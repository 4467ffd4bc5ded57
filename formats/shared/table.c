#include "formats/shared/table.h"
#include "core/checked.h"
#include "core/crc32c.h"
#include "core/cursor.h"
#include "core/error.h"
#include "formats/shared/table_block.h"
#include <snappy-c.h>

enum { STORED = 0, SNAPPY = 1 };

typedef struct handle {
    uint64_t offset, size;
} handle;

/* One scan. Buffers are reused from block to block. */
typedef struct scan {
    tn_context *ctx;
    tn_source *source;
    uint64_t footer;      /* where the footer begins: blocks end before it */
    handle index;         /* the index block */
    uint64_t end;         /* where the last data block ended */
    void *stored, *plain; /* a block as stored, and decompressed */
    size_t stored_room, plain_room;
    tni_block_keys index_keys, data_keys;
} scan;

static tn_status fail_at(const scan *s, uint64_t offset, tn_code code, const char *what,
                         tn_error *err)
{
    tn_status status = tni_fail(err, code, "%s", what);
    tni_error_path(err, tni_source_path(s->source));
    tni_error_offset(err, offset);
    return status;
}

static bool get_handle(tni_cursor *cursor, handle *out)
{
    return tni_get_varint64(cursor, &out->offset) && tni_get_varint64(cursor, &out->size);
}

/* Checks that a block and its trailer lie before the footer. */
static tn_status check_handle(const scan *s, handle h, uint64_t told_at, tn_error *err)
{
    uint64_t whole;
    if (!tni_add_u64(h.size, TNI_TABLE_TRAILER, &whole) ||
        !tni_range_fits(h.offset, whole, s->footer)) {
        return fail_at(s, told_at, TN_E_CORRUPT,
                       "a block is said to lie where the table has no room for it", err);
    }
    return TN_OK;
}

static tn_status need_room(tn_context *ctx, void **buffer, size_t *room, size_t bytes,
                           tn_error *err)
{
    if (bytes <= *room) {
        return TN_OK;
    }
    tn_status status = tni_resize(ctx, buffer, bytes, err);
    if (status == TN_OK) {
        *room = bytes;
    }
    return status;
}

static tn_status check_block_size(const scan *s, uint64_t size, tn_error *err)
{
    tn_status status = tni_check_limit(size, s->ctx->limits.header_bytes, "header-bytes", err);
    if (status != TN_OK) {
        tni_error_path(err, tni_source_path(s->source));
    }
    return status;
}

static tn_status decompress(scan *s, handle h, tn_str *block_out, tn_error *err)
{
    size_t bytes;
    const char *packed = s->stored;
    size_t len = (size_t)h.size;
    if (snappy_uncompressed_length(packed, len, &bytes) != SNAPPY_OK) {
        return fail_at(s, h.offset, TN_E_CORRUPT, "a compressed block is damaged", err);
    }
    tn_status status = check_block_size(s, bytes, err);
    if (status != TN_OK) {
        return status;
    }
    if (snappy_validate_compressed_buffer(packed, len) != SNAPPY_OK) {
        return fail_at(s, h.offset, TN_E_CORRUPT, "a compressed block is damaged", err);
    }
    status = need_room(s->ctx, &s->plain, &s->plain_room, bytes, err);
    if (status != TN_OK) {
        return status;
    }
    if (snappy_uncompress(packed, len, s->plain, &bytes) != SNAPPY_OK) {
        return fail_at(s, h.offset, TN_E_CORRUPT, "a compressed block is damaged", err);
    }
    *block_out = (tn_str){s->plain, bytes};
    return TN_OK;
}

static tn_status fail_sum(const scan *s, handle h, tn_error *err)
{
    return fail_at(s, h.offset, TN_E_CRC,
                   "a block of the table does not match its checksum: the file is damaged", err);
}

static tn_status fail_compression(const scan *s, handle h, tn_error *err)
{
    return fail_at(s, h.offset, TN_E_UNSUPPORTED,
                   "a block of the table is compressed in a way that is not known", err);
}

/* Reads one block whose handle was checked; the view lives until the next one is read. */
static tn_status load_block(scan *s, handle h, tn_str *block_out, tn_error *err)
{
    tn_status status = check_block_size(s, h.size, err);
    if (status != TN_OK) {
        return status;
    }
    size_t whole = (size_t)h.size + TNI_TABLE_TRAILER;
    if ((status = need_room(s->ctx, &s->stored, &s->stored_room, whole, err)) != TN_OK ||
        (status = tni_source_read(s->source, h.offset, s->stored, whole, err)) != TN_OK) {
        return status;
    }
    const uint8_t *trailer = (const uint8_t *)s->stored + h.size;
    uint32_t sum = tni_crc32c_unmask(tni_load_u32le(trailer + 1));
    if (tni_crc32c(0, s->stored, (size_t)h.size + 1) != sum) {
        return fail_sum(s, h, err);
    }
    if (trailer[0] == SNAPPY) {
        return decompress(s, h, block_out, err);
    }
    if (trailer[0] != STORED) {
        return fail_compression(s, h, err);
    }
    *block_out = (tn_str){s->stored, (size_t)h.size};
    return TN_OK;
}

static tn_status read_footer(scan *s, tn_error *err)
{
    uint8_t footer[TNI_TABLE_FOOTER];
    uint64_t size = tni_source_size(s->source);
    handle metaindex;
    if (size < TNI_TABLE_FOOTER) {
        return fail_at(s, size, TN_E_TRUNCATED, "the file is too short to be a table", err);
    }
    s->footer = size - TNI_TABLE_FOOTER;
    tn_status status = tni_source_read(s->source, s->footer, footer, sizeof(footer), err);
    if (status != TN_OK) {
        return status;
    }
    tni_cursor cursor = tni_cursor_of(footer, TNI_TABLE_FOOTER - 8);
    if (tni_load_u64le(footer + TNI_TABLE_FOOTER - 8) != TNI_TABLE_MAGIC) {
        fail_at(s, s->footer, TN_E_CORRUPT,
                "the file does not end as a table does: it is cut short, or something else", err);
        tni_error_hint(err, "compare its size with the original, or download it again");
        return tn_code_status(TN_E_CORRUPT);
    }
    if (!get_handle(&cursor, &metaindex) || !get_handle(&cursor, &s->index)) {
        return fail_at(s, s->footer, TN_E_CORRUPT, "the table's footer is damaged", err);
    }
    if ((status = check_handle(s, metaindex, s->footer, err)) != TN_OK) {
        return status;
    }
    return check_handle(s, s->index, s->footer, err);
}

/* Begins a block; turns what is wrong with it into an error at its place. */
static tn_status start_block(const scan *s, tni_block *block, tn_str bytes, tni_block_keys *keys,
                             handle h, tn_error *err)
{
    const char *wrong = tni_block_start(block, bytes, keys);
    return wrong == NULL ? TN_OK : fail_at(s, h.offset, TN_E_CORRUPT, wrong, err);
}

/* Reads a block's next entry; *more_out is false at its end. */
static tn_status next_entry(const scan *s, tni_block *block, handle h, tni_table_entry *entry,
                            bool *more_out, tn_error *err)
{
    const char *wrong = NULL;
    tn_status status = tni_block_next(block, &entry->key, &entry->value, more_out, &wrong, err);
    if (status != TN_OK) {
        tni_error_path(err, tni_source_path(s->source));
        return status;
    }
    entry->block = h.offset;
    return wrong == NULL ? TN_OK : fail_at(s, h.offset, TN_E_CORRUPT, wrong, err);
}

/* Data blocks lie one behind the other and clear of the index, so that none is told twice. */
static tn_status check_data_handle(scan *s, handle h, tn_error *err)
{
    tn_status status = check_handle(s, h, s->index.offset, err);
    if (status != TN_OK) {
        return status;
    }
    uint64_t end = h.offset + h.size + TNI_TABLE_TRAILER;
    bool clear =
        end <= s->index.offset || h.offset >= s->index.offset + s->index.size + TNI_TABLE_TRAILER;
    if (h.offset < s->end || !clear) {
        return fail_at(s, h.offset, TN_E_CORRUPT, "blocks of the table overlap", err);
    }
    s->end = end;
    return TN_OK;
}

static tn_status scan_data(scan *s, handle h, tni_table_each each, void *user, bool *more,
                           tn_error *err)
{
    tn_str bytes;
    tni_block block;
    tni_table_entry entry;
    bool in_block = true;
    tn_status status;
    if ((status = check_data_handle(s, h, err)) != TN_OK ||
        (status = load_block(s, h, &bytes, err)) != TN_OK ||
        (status = start_block(s, &block, bytes, &s->data_keys, h, err)) != TN_OK) {
        return status;
    }
    while (*more) {
        status = next_entry(s, &block, h, &entry, &in_block, err);
        if (status != TN_OK || !in_block) {
            return status;
        }
        if ((status = each(user, &entry, more, err)) != TN_OK) {
            return status;
        }
    }
    return TN_OK;
}

/* What a walk over the index does with each data block. */
typedef struct visitor {
    tni_table_each each;             /* for each entry of it, or */
    tni_table_each_block each_block; /* for the block itself */
    void *user;
} visitor;

/* Tells a data block by its handle and its trailer. */
static tn_status tell_block(scan *s, handle h, tn_str last, const visitor *v, tn_error *err)
{
    uint8_t trailer[TNI_TABLE_TRAILER];
    tn_status status;
    if ((status = check_data_handle(s, h, err)) != TN_OK ||
        (status = tni_source_read(s->source, h.offset + h.size, trailer, sizeof trailer, err)) !=
            TN_OK) {
        return status;
    }
    if (trailer[0] != STORED && trailer[0] != SNAPPY) {
        return fail_compression(s, h, err);
    }
    tni_table_block block = {.last = last,
                             .offset = h.offset,
                             .size = h.size,
                             .sum = tni_crc32c_unmask(tni_load_u32le(trailer + 1)),
                             .compressed = trailer[0] == SNAPPY};
    return v->each_block(v->user, &block, err);
}

/* Walks the index block, which was copied aside, and the data blocks that it leads to. */
static tn_status scan_index(scan *s, tn_str index, const visitor *v, tn_error *err)
{
    tni_block block;
    tni_table_entry entry;
    bool more = true, in_index = true;
    tn_status status = start_block(s, &block, index, &s->index_keys, s->index, err);
    while (status == TN_OK && more) {
        handle h;
        status = next_entry(s, &block, s->index, &entry, &in_index, err);
        if (status != TN_OK || !in_index) {
            return status;
        }
        tni_cursor cursor = tni_cursor_of(entry.value.data, entry.value.len);
        if (!get_handle(&cursor, &h)) {
            return fail_at(s, s->index.offset, TN_E_CORRUPT, "the table's index is damaged", err);
        }
        status = v->each_block != NULL ? tell_block(s, h, entry.key, v, err)
                                       : scan_data(s, h, v->each, v->user, &more, err);
        if (status == TN_OK && more &&
            tn_str_compare(entry.key, tni_block_last_key(&s->data_keys)) < 0) {
            status = fail_at(s, s->index.offset, TN_E_CORRUPT,
                             "the table's index does not fit its blocks", err);
        }
    }
    return status;
}

static tn_status scan_table(tn_context *ctx, tn_source *source, const visitor *v, tn_error *err)
{
    scan s = {.ctx = ctx, .source = source};
    tn_str index;
    void *index_stored = NULL, *index_plain = NULL;
    tni_block_keys_init(&s.index_keys, ctx);
    tni_block_keys_init(&s.data_keys, ctx);
    tn_status status;
    if ((status = read_footer(&s, err)) != TN_OK ||
        (status = load_block(&s, s.index, &index, err)) != TN_OK) {
        goto out;
    }
    /* The index stays while data blocks come and go: keep its buffers, start new ones. */
    index_stored = s.stored;
    index_plain = s.plain;
    s.stored = s.plain = NULL;
    s.stored_room = s.plain_room = 0;
    status = scan_index(&s, index, v, err);
out:
    tni_block_keys_clear(&s.index_keys);
    tni_block_keys_clear(&s.data_keys);
    tni_free(ctx, s.stored);
    tni_free(ctx, s.plain);
    tni_free(ctx, index_stored);
    tni_free(ctx, index_plain);
    return status;
}

tn_status tni_table_scan(tn_context *ctx, tn_source *source, tni_table_each each, void *user,
                         tn_error *err)
{
    visitor v = {.each = each, .user = user};
    return scan_table(ctx, source, &v, err);
}

tn_status tni_table_blocks(tn_context *ctx, tn_source *source, tni_table_each_block each,
                           void *user, tn_error *err)
{
    visitor v = {.each_block = each, .user = user};
    return scan_table(ctx, source, &v, err);
}

tn_status tni_table_load(tn_context *ctx, tn_source *source, const tni_table_block *block,
                         void **plain_out, size_t *len_out, tn_error *err)
{
    scan s = {.ctx = ctx, .source = source};
    tn_str plain = TN_STR_NONE;
    tn_status status = load_block(&s, (handle){block->offset, block->size}, &plain, err);
    if (status != TN_OK) {
        tni_free(ctx, s.stored);
        tni_free(ctx, s.plain);
        return status;
    }
    tni_free(ctx, plain.data == s.stored ? s.plain : s.stored);
    *plain_out = plain.data == s.stored ? s.stored : s.plain;
    *len_out = plain.len;
    return TN_OK;
}

tn_status tni_table_prove(tn_context *ctx, tn_source *source, const tni_table_block *block,
                          tn_error *err)
{
    enum { WINDOW = 65536 };
    scan s = {.ctx = ctx, .source = source};
    void *window;
    uint32_t crc = 0;
    uint64_t size = block->size + 1; /* the sum covers the compression too */
    tn_status status = tni_alloc(ctx, WINDOW, &window, err);
    if (status != TN_OK) {
        return status;
    }
    for (uint64_t at = 0; status == TN_OK && at < size; at += WINDOW) {
        size_t part = size - at < WINDOW ? (size_t)(size - at) : WINDOW;
        if ((status = tni_cancelled(ctx, err)) == TN_OK &&
            (status = tni_source_read(source, block->offset + at, window, part, err)) == TN_OK) {
            crc = tni_crc32c(crc, window, part);
        }
    }
    tni_free(ctx, window);
    if (status == TN_OK && crc != block->sum) {
        status = fail_sum(&s, (handle){block->offset, block->size}, err);
    }
    return status;
}
