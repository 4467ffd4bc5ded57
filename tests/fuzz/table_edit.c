#include "table_edit.h"

#include "core/crc32c.h"
#include "formats/shared/wire.h"
#include "table_walk.h"
#include <stdlib.h>

enum { MOST_ENTRIES = 512 };

typedef struct entries {
    mut_bytes key[MOST_ENTRIES], value[MOST_ENTRIES];
    size_t count;
} entries;

static void add_entry(entries *e, const void *key, size_t key_len, const void *value,
                      size_t value_len)
{
    if (e->count < MOST_ENTRIES) {
        mut_set(&e->key[e->count], key, key_len);
        mut_set(&e->value[e->count++], value, value_len);
    }
}

static void read_entries(const mut_bytes *index, entries *e)
{
    walk_block top, block;
    walk above, below;
    if (!walk_index(index, &top) || !top.plain) {
        return;
    }
    walk_start(&above, index, top);
    while (walk_next(&above)) {
        tni_cursor cursor = tni_cursor_of(above.value.data, above.value.len);
        if (walk_handle(index, &cursor, &block) && block.plain) {
            walk_start(&below, index, block);
            while (walk_next(&below)) {
                add_entry(e, below.key, below.key_len, below.value.data, below.value.len);
            }
        }
    }
}

/* Appends a block with its trailer; its place goes to *handle. */
static void put_block(mut_bytes *table, mut_bytes *block, mut_bytes *handle)
{
    mut_add_u32(block, 0); /* one restart, at 0 */
    mut_add_u32(block, 1);
    mut_add_varint(handle, table->len);
    mut_add_varint(handle, block->len);
    mut_add(block, "", 1); /* not compressed */
    mut_add(table, block->at, block->len);
    mut_add_u32(table, tni_crc32c_mask(tni_crc32c(0, block->at, block->len)));
    block->len = 0;
}

static void put_entry(mut_bytes *block, const mut_bytes *key, const mut_bytes *value)
{
    mut_add_varint(block, 0);
    mut_add_varint(block, key->len);
    mut_add_varint(block, value->len);
    mut_add(block, key->at, key->len);
    mut_add(block, value->at, value->len);
}

/* Builds a table of one data block, whose key in the index is beyond all keys. */
static void build(mut_bytes *table, const entries *e)
{
    static const uint8_t magic[] = {0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB}, zeros[40];
    static uint8_t beyond[] = {0xFF, 0xFF, 0xFF};
    mut_bytes block = {NULL, 0, 0}, handle = {NULL, 0, 0}, footer = {NULL, 0, 0};
    table->len = 0;
    for (size_t i = 0; i < e->count; i++) {
        put_entry(&block, &e->key[i], &e->value[i]);
    }
    put_block(table, &block, &handle);
    put_block(table, &block, &footer);
    put_entry(&block, &(mut_bytes){beyond, sizeof beyond, 0}, &handle);
    put_block(table, &block, &footer);
    mut_add(&footer, zeros, sizeof zeros - footer.len);
    mut_add(table, footer.at, footer.len);
    mut_add(table, magic, sizeof magic);
    mut_clear(&block);
    mut_clear(&handle);
    mut_clear(&footer);
}

static void swap_entries(entries *e, size_t a, size_t b)
{
    mut_bytes key = e->key[a], value = e->value[a];
    e->key[a] = e->key[b];
    e->value[a] = e->value[b];
    e->key[b] = key;
    e->value[b] = value;
}

static void remove_entry(entries *e, size_t at)
{
    while (at + 1 < e->count) {
        swap_entries(e, at, at + 1);
        at++;
    }
    e->count--;
}

/* A protobuf message whose numbers become edges, or that is damaged as bytes. */
static void damage_value(mut_rng *rng, mut_bytes *value, const mut_bytes *other)
{
    mut_bytes copy = {NULL, 0, 0}; /* the other may be the same */
    mut_set(&copy, other->at, other->len);
    for (size_t n = 1 + mut_below(rng, 2); n > 0; n--) {
        mut_kind kind = mut_below(rng, 2) == 0 ? MUT_VARINT : MUT_ANY;
        (void)mut_damage(rng, kind, value, (tn_str){(const char *)copy.at, copy.len});
    }
    mut_clear(&copy);
}

void table_edit(mut_rng *rng, mut_bytes *index)
{
    entries *e = calloc(1, sizeof *e);
    read_entries(index, e);
    for (size_t n = 1 + mut_below(rng, 3); n > 0 && e->count > 0; n--) {
        size_t a = mut_below(rng, e->count), b = mut_below(rng, e->count);
        switch (mut_below(rng, 6)) {
        case 0: /* twice, side by side or apart */
            add_entry(e, e->key[a].at, e->key[a].len, e->value[b].at, e->value[b].len);
            for (size_t i = e->count; mut_below(rng, 4) > 0 && i-- > a + 1 && i > 0;) {
                swap_entries(e, i, i - 1);
            }
            break;
        case 1:
            swap_entries(e, a, b);
            break;
        case 2:
            remove_entry(e, a);
            break;
        case 3: /* a key that grows stays in order */
            mut_add(&e->key[a], "\0x", 1 + mut_below(rng, 2));
            break;
        default:
            damage_value(rng, &e->value[a], &e->value[b]);
            break;
        }
    }
    if (e->count > 0) {
        build(index, e);
    }
    for (size_t i = 0; i < MOST_ENTRIES; i++) {
        mut_clear(&e->key[i]);
        mut_clear(&e->value[i]);
    }
    free(e);
}

/* Changes the numbers of nodes that a message of an edge or slot says, where one byte holds them.
 */
static void edit_edge(mut_rng *rng, uint8_t *message, tn_str edge, size_t nodes)
{
    tni_wire wire = tni_wire_of(edge);
    tni_wire_field field;
    while (tni_wire_next(&wire, &field)) {
        if (field.tag % 8 == TNI_WIRE_VARINT && field.number < 128 && mut_below(rng, 4) == 0) {
            size_t most = nodes < 126 ? nodes + 2 : 128;
            message[wire.cursor.pos - 1] =
                (uint8_t)(mut_below(rng, 3) == 0 ? 0 : mut_below(rng, most));
        }
    }
}

void graph_edit_message(mut_rng *rng, uint8_t *message, size_t len)
{
    tni_wire wire = tni_wire_of((tn_str){(const char *)message, len});
    tni_wire_field node, edge;
    size_t nodes = 0;
    while (tni_wire_next(&wire, &node)) {
        nodes += node.tag == TNI_WIRE_TAG(1, TNI_WIRE_LEN);
    }
    size_t one_in = 1 + nodes / 2;
    wire = tni_wire_of((tn_str){(const char *)message, len});
    while (tni_wire_next(&wire, &node)) {
        tni_wire inner = tni_wire_of(node.bytes);
        while (node.bytes.len > 0 && mut_below(rng, one_in) == 0 && tni_wire_next(&inner, &edge)) {
            if (edge.bytes.len > 0) {
                edit_edge(rng, message + (edge.bytes.data - (const char *)message), edge.bytes,
                          nodes);
            }
        }
    }
}

void graph_edit(mut_rng *rng, const mut_bytes *index, mut_bytes *data)
{
    static const char key[] = "_CHECKPOINTABLE_OBJECT_GRAPH";
    entries *e = calloc(1, sizeof *e);
    read_entries(index, e);
    for (size_t i = 0; i < e->count; i++) {
        uint64_t offset = 0, len;
        tni_wire wire = tni_wire_of((tn_str){(const char *)e->value[i].at, e->value[i].len});
        tni_wire_field field;
        if (e->key[i].len != sizeof key - 1 || memcmp(e->key[i].at, key, sizeof key - 1) != 0) {
            continue;
        }
        while (tni_wire_next(&wire, &field)) {
            offset = field.tag == TNI_WIRE_TAG(4, TNI_WIRE_VARINT) ? field.number : offset;
        }
        if (offset < data->len) { /* one string: its length, the sum of that, its bytes */
            tni_cursor cursor = tni_cursor_of(data->at + offset, data->len - (size_t)offset);
            if (tni_get_varint64(&cursor, &len) && tni_skip(&cursor, 4) &&
                len <= tni_cursor_left(&cursor)) {
                graph_edit_message(rng, data->at + offset + cursor.pos, (size_t)len);
            }
        }
    }
    for (size_t i = 0; i < MOST_ENTRIES; i++) {
        mut_clear(&e->key[i]);
        mut_clear(&e->value[i]);
    }
    free(e);
}
