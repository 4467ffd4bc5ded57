/* The table builder, byte by byte, against what leveldb's own rules give
 * (tsl/lib/io/table_builder.cc, block_builder.cc, util/comparator.cc). */
#include "core/crc32c.h"
#include "core/cursor.h"
#include "formats/shared/table_build.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct entry {
    tn_str key;
    size_t value; /* its length; all bytes are 'v' */
} entry;

static tni_buffer build(tn_context *ctx, const entry *entries, size_t count)
{
    tni_table_build table;
    tni_buffer out;
    tni_buffer_init(&out, ctx);
    tni_table_build_start(&table, ctx, &out);
    for (size_t i = 0; i < count; i++) {
        char *value = malloc(entries[i].value + 1);
        memset(value, 'v', entries[i].value);
        tni_table_build_add(&table, entries[i].key, (tn_str){value, entries[i].value});
        free(value);
    }
    assert_int_equal(tni_table_build_finish(&table, NULL), TN_OK);
    tni_table_build_clear(&table);
    return out;
}

/* Reads a varint of less than 2^28. */
static size_t varint(const char **at)
{
    size_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = (uint8_t) * (*at)++;
        value |= (size_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
}

/* Compares the index block's keys with these, and each data block's sum. */
static void check_index(const tni_buffer *table, const tn_str *keys, size_t count)
{
    const char *at = table->data + table->len - 48;
    varint(&at);
    varint(&at);
    size_t offset = varint(&at), size = varint(&at);
    at = table->data + offset;
    const char *end = at + size - 4 * (count + 1); /* each key is a restart */
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(varint(&at), 0);
        size_t len = varint(&at);
        varint(&at);
        assert_int_equal(len, keys[i].len);
        assert_memory_equal(at, keys[i].data, len);
        at += len;
        size_t block = varint(&at), bytes = varint(&at);
        uint32_t sum = tni_load_u32le((const uint8_t *)table->data + block + bytes + 1);
        assert_int_equal(tni_crc32c_unmask(sum), tni_crc32c(0, table->data + block, bytes + 1));
        assert_int_equal(table->data[block + bytes], 0);
    }
    assert_ptr_equal(at, end);
}

/* Blocks of one entry each, with the shortest keys between them. */
static void shortens_the_index(void **state)
{
    enum { BIG = 300000 };
    static const entry entries[] = {
        {{"abcd1", 5}, BIG}, {{"abzz", 4}, BIG},   {{"abzz1", 5}, BIG},  {{"ac", 2}, BIG},
        {{"ad", 2}, BIG},    {{"b\xFFx", 3}, BIG}, {{"b\xFFz", 3}, BIG}, {{"\xFF\xFE\x01", 3}, BIG},
    };
    /* abcd1|abzz: abd. A prefix stays; so does what the next byte follows at once. */
    static const tn_str keys[] = {{"abd", 3}, {"abzz", 4},   {"abzz1", 5}, {"ac", 2},
                                  {"ad", 2},  {"b\xFFy", 3}, {"c", 1},     {"\xFF\xFF", 2}};
    tn_context *ctx = tn_context_new(NULL);
    (void)state;
    tni_buffer table = build(ctx, entries, 8);
    check_index(&table, keys, 8);
    tni_buffer_clear(&table);
    tn_context_free(ctx);
}

/* Entries share a block until it has 256 KiB; an entry of 512 KiB begins its own. */
static void cuts_blocks(void **state)
{
    static const entry small[] = {
        {{"a", 1}, 100000}, {{"b", 1}, 100000}, {{"c", 1}, 100000}, {{"d", 1}, 10}};
    static const tn_str small_keys[] = {{"c", 1}, {"e", 1}};
    static const entry large[] = {{{"a", 1}, 10}, {{"c", 1}, 600000}, {{"e", 1}, 10}};
    static const tn_str large_keys[] = {{"b", 1}, {"d", 1}, {"f", 1}};
    tn_context *ctx = tn_context_new(NULL);
    (void)state;
    tni_buffer table = build(ctx, small, 4);
    check_index(&table, small_keys, 2);
    tni_buffer_clear(&table);
    table = build(ctx, large, 3);
    check_index(&table, large_keys, 3);
    tni_buffer_clear(&table);
    tn_context_free(ctx);
}

/* Every sixteenth key is written whole. */
static void restarts(void **state)
{
    entry entries[40];
    char keys[40][4];
    tn_context *ctx = tn_context_new(NULL);
    (void)state;
    for (size_t i = 0; i < 40; i++) {
        snprintf(keys[i], sizeof(keys[i]), "k%02zu", i);
        entries[i] = (entry){{keys[i], 3}, 1};
    }
    tni_buffer table = build(ctx, entries, 40);
    const char *at = table.data;
    for (size_t i = 0; i < 40; i++) {
        size_t shared = varint(&at), rest = varint(&at);
        assert_int_equal(varint(&at), 1);
        assert_int_equal(shared, i % 16 == 0 ? 0 : i % 10 == 0 ? 1 : 2);
        assert_int_equal(shared + rest, 3);
        at += rest + 1;
    }
    const uint8_t *numbers = (const uint8_t *)at;
    assert_int_equal(tni_load_u32le(numbers), 0);
    assert_int_equal(tni_load_u32le(numbers + 12), 3);
    assert_memory_equal(table.data + tni_load_u32le(numbers + 4) + 3, "k16", 3);
    assert_memory_equal(table.data + tni_load_u32le(numbers + 8) + 3, "k32", 3);
    tni_buffer_clear(&table);
    tn_context_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shortens_the_index),
                                       cmocka_unit_test(cuts_blocks), cmocka_unit_test(restarts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
