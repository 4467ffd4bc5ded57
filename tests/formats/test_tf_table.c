/* The reader of sorted string tables: a real one, and wrong ones. */
#include "core/error.h"
#include "formats/shared/table.h"
#include "tf_file.h"
#include <snappy-c.h>

/* tensorflow/cc/saved_model/testdata/half_plus_two/00000123/variables/variables.index, all of it.
 */
static const char half_plus_two[] =
    "00 00 06 08011a020801"
    "00 01 0b 61 0801120028043506 38271f"
    "00 01 0d 62 08011200200428043510fd784f"
    "00 01 0d 63 080112002008280435efd682c3"
    "00000000 01000000 00 e415b6bc"
    "00000000 01000000 00 c0f2a1b0"
    "00 01 02 64 0042 00000000 01000000 00 58b2e9f7"
    "4708540e 000000000000000000000000000000000000000000000000000000000000000000000000"
    "57fb808b247547db";

typedef struct seen {
    tn_str keys[8];
    char copies[8][16];
    size_t values[8];
    size_t count, stop_after;
} seen;

static tn_status take(void *user, const tni_table_entry *entry, bool *more, tn_error *err)
{
    seen *s = user;
    (void)err;
    assert_true(s->count < 8 && entry->key.len < 16);
    if (entry->key.len > 0) {
        memcpy(s->copies[s->count], entry->key.data, entry->key.len);
    }
    s->keys[s->count] = (tn_str){s->copies[s->count], entry->key.len};
    s->values[s->count] = entry->value.len;
    s->count++;
    *more = s->count != s->stop_after;
    return TN_OK;
}

/* Scans a table in memory of exactly its size. */
static tn_status scan(tn_context *ctx, const tni_buffer *table, seen *s, tn_error *err)
{
    tn_source *source;
    char *exact = malloc(table->len + 1);
    memcpy(exact, table->len == 0 ? "" : table->data, table->len);
    memset(s, 0, offsetof(seen, stop_after));
    memset(err, 0, sizeof(*err));
    assert_int_equal(tni_source_memory(ctx, exact, table->len, "t.index", &source, err), TN_OK);
    tn_status status = tni_table_scan(ctx, source, take, s, err);
    tni_source_release(source);
    free(exact);
    return status;
}

static void refused(tn_context *ctx, const tni_buffer *table, tn_code code, const char *why)
{
    seen s = {.count = 0};
    tn_error err = {0};
    scan(ctx, table, &s, &err);
    if (err.code != code) {
        fail_msg("%s: code %s, message: %s", why, tn_code_name(err.code), err.message);
    }
    assert_string_equal(err.path, "t.index");
}

static void real_table(void **state)
{
    tni_buffer b;
    seen s = {.count = 0};
    tn_error err = {0};
    tni_buffer_init(&b, *state);
    put_hex(&b, half_plus_two);
    assert_int_equal(b.len, 151);
    assert_int_equal(scan(*state, &b, &s, &err), TN_OK);
    assert_int_equal(s.count, 4);
    assert_int_equal(s.keys[0].len, 0);
    assert_int_equal(s.values[0], 6);
    assert_true(tn_str_equal(s.keys[1], TN_LIT("a")) && s.values[1] == 11);
    assert_true(tn_str_equal(s.keys[3], TN_LIT("c")) && s.values[3] == 13);
    s.stop_after = 2;
    assert_int_equal(scan(*state, &b, &s, &err), TN_OK);
    assert_int_equal(s.count, 2);
    tni_buffer_clear(&b);
}

/* Every byte counts but the footer's padding, and the metaindex block, which TensorFlow does not
 * read either. */
static void every_bit(void **state)
{
    tni_buffer b;
    seen s = {.count = 0};
    tn_error err = {0};
    tni_buffer_init(&b, *state);
    put_hex(&b, half_plus_two);
    for (size_t bit = 0; bit < 8 * b.len; bit++) {
        size_t at = bit / 8;
        b.data[at] ^= (char)(1 << bit % 8);
        bool free_byte = (at >= 71 && at < 84) || (at >= 103 && at < 105) ||
                         bit == 8 * 106 + 7 /* a longer spelling of the same number */ ||
                         (at >= 107 && at < 143);
        tn_status status = scan(*state, &b, &s, &err);
        if (status == TN_OK && (!free_byte || s.count != 4)) {
            fail_msg("bit %zu of byte %zu", bit % 8, at);
        }
        b.data[at] ^= (char)(1 << bit % 8);
    }
    for (size_t len = 0; len < 151; len++) {
        b.len = len;
        assert_int_not_equal(scan(*state, &b, &s, &err), TN_OK);
        assert_int_equal(err.code, len < 48 ? TN_E_TRUNCATED : TN_E_CORRUPT);
    }
    tni_buffer_clear(&b);
}

/* One data block that is wrong inside though its checksum is right. */
static void wrong_blocks(void **state)
{
    static const struct {
        const char *why, *block;
        tn_code code;
    } cases[] = {
        {"shorter than its restart count", "000000", TN_E_CORRUPT},
        {"restarts that do not fit", "00000000 03000000", TN_E_CORRUPT},
        {"2^32 - 1 restarts", "00000000 ffffffff", TN_E_CORRUPT},
        {"entries without restarts", "00 00 00 00000000", TN_E_CORRUPT},
        {"first restart elsewhere", "00 01 00 61 04000000 01000000", TN_E_CORRUPT},
        {"key beyond the block", "00 09 00 61 00000000 01000000", TN_E_CORRUPT},
        {"value beyond the block", "00 01 09 61 00000000 01000000", TN_E_CORRUPT},
        {"lengths that sum over 32 bits", "00 ffffffff0f ffffffff0f 61 00000000 01000000",
         TN_E_CORRUPT},
        {"a length that does not end", "00 80 80 80 00000000 01000000", TN_E_CORRUPT},
        {"shares with nothing", "01 01 00 61 00000000 01000000", TN_E_CORRUPT},
        {"shares more than there is", "00 01 00 61 02 01 00 62 00000000 01000000", TN_E_CORRUPT},
        {"equal keys", "00 01 00 61 01 00 00 00000000 01000000", TN_E_CORRUPT},
        {"descending keys", "00 01 00 62 00 01 00 61 00000000 01000000", TN_E_CORRUPT},
        {"a restart within an entry", "00 01 00 61 00 01 00 62 00000000 02000000 02000000",
         TN_E_CORRUPT},
        {"a restart that shares", "00 01 00 61 01 01 00 62 00000000 04000000 02000000",
         TN_E_CORRUPT},
        {"a restart behind the entries", "00 01 00 61 00000000 09000000 02000000", TN_E_CORRUPT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tni_buffer block, table;
        tni_buffer_init(&block, *state);
        tni_buffer_init(&table, *state);
        put_hex(&block, cases[i].block);
        put_table(&table, &block, 0);
        refused(*state, &table, cases[i].code, cases[i].why);
        tni_buffer_clear(&block);
        tni_buffer_clear(&table);
    }
}

/* The same machinery on a right block: keys share, a second restart stands where it should. */
static void right_block(void **state)
{
    tni_buffer block, table;
    seen s = {.count = 0};
    tn_error err = {0};
    tni_buffer_init(&block, *state);
    tni_buffer_init(&table, *state);
    put_hex(&block, "00 02 00 6161 01 01 01 62 ff 00 01 00 7a 00000000 0a000000 02000000");
    put_table(&table, &block, 0);
    assert_int_equal(scan(*state, &table, &s, &err), TN_OK);
    assert_int_equal(s.count, 3);
    assert_true(tn_str_equal(s.keys[1], TN_LIT("ab")) && s.values[1] == 1);
    assert_true(tn_str_equal(s.keys[2], TN_LIT("z")));
    tni_buffer_reset(&block);
    tni_buffer_reset(&table);
    put_hex(&block, "00000000"); /* no restarts: TensorFlow reads it as empty */
    put_table(&table, &block, 0);
    assert_int_equal(scan(*state, &table, &s, &err), TN_OK);
    assert_int_equal(s.count, 0);
    tni_buffer_clear(&block);
    tni_buffer_clear(&table);
}

/* Tables of two blocks, by their handles and keys. */
static void two_blocks(tn_context *ctx, const char *first, const char *index_key,
                       const char *second, uint64_t second_offset, tn_code code, const char *why)
{
    tni_buffer block, table, handle, index;
    tni_buffer_init(&block, ctx);
    tni_buffer_init(&table, ctx);
    tni_buffer_init(&handle, ctx);
    tni_buffer_init(&index, ctx);
    put_entry(&block, 0, tn_str_of(first), TN_LIT(""));
    put_restarts(&block);
    put_block(&table, &block, 0, &handle);
    put_entry(&index, 0, tn_str_of(index_key), (tn_str){handle.data, handle.len});
    tni_buffer_reset(&block);
    tni_buffer_reset(&handle);
    put_entry(&block, 0, tn_str_of(second), TN_LIT(""));
    put_restarts(&block);
    put_block(&table, &block, 0, &handle);
    if (second_offset != UINT64_MAX) {
        tni_buffer_reset(&handle);
        put_varint(&handle, second_offset);
        put_varint(&handle, block.len);
    }
    put_entry(&index, 0, TN_LIT("z"), (tn_str){handle.data, handle.len});
    put_end(&table, &index);
    if (code == TN_E_NONE) {
        seen s = {.count = 0};
        tn_error err = {0};
        assert_int_equal(scan(ctx, &table, &s, &err), TN_OK);
        assert_int_equal(s.count, 2);
    } else {
        refused(ctx, &table, code, why);
    }
    tni_buffer_clear(&block);
    tni_buffer_clear(&table);
    tni_buffer_clear(&handle);
    tni_buffer_clear(&index);
}

static void across_blocks(void **state)
{
    two_blocks(*state, "a", "a", "b", UINT64_MAX, TN_E_NONE, "right");
    two_blocks(*state, "b", "b", "a", UINT64_MAX, TN_E_CORRUPT, "keys descend across blocks");
    two_blocks(*state, "a", "a", "a", UINT64_MAX, TN_E_CORRUPT, "a key in two blocks");
    two_blocks(*state, "b", "a", "c", UINT64_MAX, TN_E_CORRUPT, "index key below the block's last");
    two_blocks(*state, "a", "z", "b", UINT64_MAX, TN_E_CORRUPT, "index keys equal");
    two_blocks(*state, "a", "a", "b", 0, TN_E_CORRUPT, "blocks overlap");
    two_blocks(*state, "a", "a", "b", 1 << 20, TN_E_CORRUPT, "a block behind the end");
    two_blocks(*state, "a", "a", "b", UINT64_MAX - 3, TN_E_CORRUPT, "offset and size overflow");
}

static void snappy(void **state)
{
    static const char long_value[] =
        "the same again, the same again, the same again, the same again";
    tni_buffer block, packed, table;
    seen s = {.count = 0};
    tn_error err = {0};
    tni_buffer_init(&block, *state);
    tni_buffer_init(&packed, *state);
    tni_buffer_init(&table, *state);
    put_entry(&block, 0, TN_LIT("k"), TN_LIT(long_value));
    put_restarts(&block);
    char bytes[512];
    size_t len = sizeof(bytes);
    assert_int_equal(snappy_compress(block.data, block.len, bytes, &len), SNAPPY_OK);
    assert_true(len < block.len);
    tni_buffer_add(&packed, bytes, len);
    put_table(&table, &packed, 1);
    assert_int_equal(scan(*state, &table, &s, &err), TN_OK);
    assert_int_equal(s.values[0], sizeof(long_value) - 1);
    /* Every cut of the compressed bytes, with a right checksum. */
    for (size_t cut = 0; cut < len; cut++) {
        packed.len = cut;
        tni_buffer_reset(&table);
        put_table(&table, &packed, 1);
        refused(*state, &table, TN_E_CORRUPT, "compressed block cut short");
    }
    tni_buffer_reset(&packed);
    put_hex(&packed, "ff ff ff ff 0f 00 61"); /* says 4 GiB */
    tni_buffer_reset(&table);
    put_table(&table, &packed, 1);
    tn_limits limits = tn_limits_default();
    limits.header_bytes = 1 << 20;
    tn_context *small = tn_context_new(&(tn_context_options){.limits = &limits});
    refused(small, &table, TN_E_LIMIT, "a block that grows to 4 GiB");
    tni_buffer_reset(&table);
    put_table(&table, &block, 2);
    refused(small, &table, TN_E_UNSUPPORTED, "compression 2");
    tn_context_free(small);
    tni_buffer_clear(&block);
    tni_buffer_clear(&packed);
    tni_buffer_clear(&table);
}

static int make_context(void **state)
{
    *state = tn_context_new(NULL);
    return *state == NULL;
}

static int free_context(void **state)
{
    tn_context_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_table),    cmocka_unit_test(every_bit),
        cmocka_unit_test(wrong_blocks),  cmocka_unit_test(right_block),
        cmocka_unit_test(across_blocks), cmocka_unit_test(snappy),
    };
    return cmocka_run_group_tests(tests, make_context, free_context);
}
