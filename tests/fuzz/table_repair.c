/* Sums of a checkpoint, made right again after damage. */
#include "core/crc32c.h"
#include "formats/shared/wire.h"
#include "table_edit.h"
#include "table_walk.h"

enum { DT_STRING = 7, DT_VARIANT = 21 };

/* What a BundleEntryProto says that sums need. */
typedef struct entry {
    uint64_t dtype, offset, size, elements;
    size_t crc_at; /* in the message; 0: it has none */
    bool sliced;
} entry;

/* Multiplies the dimensions of a TensorShapeProto; more than 2^32 is as good as any. */
static uint64_t count_elements(tn_str shape)
{
    tni_wire wire = tni_wire_of(shape);
    tni_wire_field field;
    uint64_t elements = 1;
    while (tni_wire_next(&wire, &field)) {
        tni_wire dim = tni_wire_of(field.bytes);
        tni_wire_field part;
        while (field.tag == TNI_WIRE_TAG(2, TNI_WIRE_LEN) && tni_wire_next(&dim, &part)) {
            if (part.tag == TNI_WIRE_TAG(1, TNI_WIRE_VARINT)) {
                elements = elements > UINT32_MAX || part.number > UINT32_MAX
                               ? UINT64_MAX
                               : elements * part.number;
            }
        }
    }
    return elements;
}

static entry read_entry(tn_str message)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    entry e = {.elements = 1};
    while (tni_wire_next(&wire, &field)) {
        switch (field.tag) {
        case TNI_WIRE_TAG(1, TNI_WIRE_VARINT):
            e.dtype = field.number;
            break;
        case TNI_WIRE_TAG(2, TNI_WIRE_LEN):
            e.elements = count_elements(field.bytes);
            break;
        case TNI_WIRE_TAG(4, TNI_WIRE_VARINT):
            e.offset = field.number;
            break;
        case TNI_WIRE_TAG(5, TNI_WIRE_VARINT):
            e.size = field.number;
            break;
        case TNI_WIRE_TAG(6, TNI_WIRE_I32):
            e.crc_at = wire.cursor.pos - 4;
            break;
        case TNI_WIRE_TAG(7, TNI_WIRE_LEN):
            e.sliced = true;
            break;
        default:
            break;
        }
    }
    return e;
}

/* Repairs the sum of a block of strings' lengths; returns the sum of the whole block as its entry
 * has it. */
static uint32_t repair_strings(const entry *e, uint8_t *block)
{
    tni_cursor cursor = tni_cursor_of(block, (size_t)e->size);
    uint32_t crc = 0;
    uint64_t len;
    for (uint64_t i = 0; i < e->elements && tni_get_varint64(&cursor, &len); i++) {
        uint8_t word[4];
        tni_store_u32le(word, (uint32_t)len);
        crc = tni_crc32c(crc, word, sizeof word);
    }
    if (tni_cursor_left(&cursor) < 4) {
        return tni_crc32c(0, block, (size_t)e->size);
    }
    tni_store_u32le(block + cursor.pos, tni_crc32c_mask(crc));
    return tni_crc32c(crc, block + cursor.pos, (size_t)e->size - cursor.pos);
}

/* Sums are over what lies in the data file; a whole entry beyond its end keeps the one it has. */
static void repair_entry(uint8_t *message, tn_str value, mut_bytes *data)
{
    entry e = read_entry(value);
    if (e.crc_at == 0 || e.sliced || e.dtype == DT_VARIANT || e.offset > data->len ||
        e.size > data->len - e.offset) {
        return;
    }
    uint8_t *bytes = data->at + e.offset;
    uint32_t crc =
        e.dtype == DT_STRING ? repair_strings(&e, bytes) : tni_crc32c(0, bytes, (size_t)e.size);
    tni_store_u32le(message + e.crc_at, tni_crc32c_mask(crc));
}

static void seal(mut_bytes *table, walk_block block)
{
    uint32_t crc = tni_crc32c(0, table->at + block.at, block.len + 1);
    tni_store_u32le(table->at + block.at + block.len + 1, tni_crc32c_mask(crc));
}

static void repair_block(mut_bytes *index, walk_block block, mut_bytes *data)
{
    walk w;
    walk_start(&w, index, block);
    while (data != NULL && data->at != NULL && block.plain && walk_next(&w)) {
        if (w.key_len > 0) {
            repair_entry(index->at + w.value_at, w.value, data);
        }
    }
    seal(index, block);
}

void table_repair(mut_bytes *index, mut_bytes *data)
{
    walk_block top, block;
    walk w;
    if (!walk_index(index, &top)) {
        return;
    }
    walk_start(&w, index, top);
    while (top.plain && walk_next(&w)) {
        tni_cursor cursor = tni_cursor_of(w.value.data, w.value.len);
        if (walk_handle(index, &cursor, &block)) {
            repair_block(index, block, data);
        }
    }
    seal(index, top);
}
