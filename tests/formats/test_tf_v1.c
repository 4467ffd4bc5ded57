/* tf_checkpoint_v1: hand-made files, right and wrong, and the ways through their values. */
#include "fixtures.h"
#include "formats/format.h"
#include "model/model.h"
#include "tf_file.h"
#include <snappy-c.h>

#define KEY_W "00 7700 01 01 01 80 7f"
#define FORM_W "0a0177 120412020802 1801 " /* w: float of shape [2] */
#define VERSION "1202 0801"
#define TWO_FLOATS "0000803f 00000040" /* 1, 2 */

/* An entry of a hand-made file: key and value in hexadecimal. */
typedef struct v1_entry {
    const char *key, *value;
} v1_entry;

static void put_entries(tni_buffer *block, const v1_entry *entries, size_t count)
{
    tni_buffer key, value;
    tni_buffer_init(&key, block->ctx);
    tni_buffer_init(&value, block->ctx);
    for (size_t i = 0; i < count; i++) {
        tni_buffer_reset(&key);
        tni_buffer_reset(&value);
        put_hex(&key, entries[i].key);
        put_hex(&value, entries[i].value);
        put_entry(block, 0, (tn_str){key.len == 0 ? "" : key.data, key.len},
                  (tn_str){value.len == 0 ? "" : value.data, value.len});
    }
    put_restarts(block);
    tni_buffer_clear(&key);
    tni_buffer_clear(&value);
}

/* Replaces a block by its compressed form. */
static void compress_block(tni_buffer *block)
{
    size_t len = snappy_max_compressed_length(block->len);
    char *packed = malloc(len);
    assert_int_equal(snappy_compress(block->data, block->len, packed, &len), SNAPPY_OK);
    tni_buffer_reset(block);
    tni_buffer_add(block, packed, len);
    free(packed);
}

static void write_v1(tn_context *ctx, const tn_scratch *scratch, const char *name,
                     const v1_entry *entries, size_t count, bool snappy)
{
    tni_buffer block, table;
    tni_buffer_init(&block, ctx);
    tni_buffer_init(&table, ctx);
    put_entries(&block, entries, count);
    if (snappy) {
        compress_block(&block);
    }
    put_table(&table, &block, snappy ? 1 : 0);
    write_bytes(scratch, name, table.data, table.len);
    tni_buffer_clear(&block);
    tni_buffer_clear(&table);
}

enum { HEX = 512 };

/* Puts tag and length before a message in hexadecimal, of fewer than 128 bytes. */
static const char *wrap(char out[HEX], const char *tag, const char *message)
{
    size_t digits = 0;
    for (const char *c = message; *c != '\0'; c++) {
        digits += *c != ' ';
    }
    assert_true(digits / 2 < 128);
    snprintf(out, HEX, "%s %02x %s", tag, (unsigned)(digits / 2), message);
    return out;
}

/* Makes the value of a slice's entry from the fields of its TensorProto. */
static const char *slice_value(char out[HEX], const char *data)
{
    char tensor[HEX], slice[HEX];
    snprintf(slice, HEX, "0a0177 12020a00 %s", wrap(tensor, "1a", data));
    return wrap(out, "12", slice);
}

/* Makes a meta from the fields of one SavedSliceMeta, and what stands beside it. */
static const char *meta_value(char out[HEX], const char *form, const char *more)
{
    char tensor[HEX], meta[HEX];
    snprintf(meta, HEX, "%s %s", wrap(tensor, "0a", form), more);
    return wrap(out, "0a", meta);
}

/* Reads all of a model's tensors; returns the first failure's code. */
static tn_code read_all(tn_context *ctx, const tn_model *model, void *first_out, tn_error *err)
{
    tn_reader *reader;
    char room[4096];
    assert_int_equal(tn_reader_new(ctx, true, &reader, NULL), TN_OK);
    for (size_t i = 0; i < tn_model_count(model) && err->status == TN_OK; i++) {
        const tn_tensor *tensor = tn_model_at(model, (uint32_t)i);
        const tn_str *strings;
        if (tensor->dtype == TN_STRING) {
            tn_reader_strings(reader, tensor, &strings, err);
        } else if (tn_reader_start(reader, tensor, err) == TN_OK &&
                   tn_reader_next(reader, tensor->elements, i == 0 ? first_out : room, err) ==
                       TN_OK) {
            tn_reader_end(reader, err);
        }
    }
    tn_reader_free(reader);
    return err->code;
}

/* Opens and reads "c"; `out` gets the first tensor's values. */
static tn_code try_file(tn_context *ctx, const tn_scratch *scratch, const char *name, void *out,
                        tn_error *err)
{
    tn_model *model;
    memset(err, 0, sizeof(*err));
    if (tn_open(ctx, tn_scratch_at(scratch, name), NULL, &model, err) == TN_OK) {
        assert_string_equal(tn_model_format(model), "tf_checkpoint_v1");
        read_all(ctx, model, out, err);
        tn_model_free(model);
    }
    return err->code;
}

/* Protobuf lets values stand packed, one by one, in several fields, and between unknown ones. */
static void spellings(void **state)
{
    static const struct {
        const char *why, *data;
        tn_code code;
    } cases[] = {
        {"packed", "2a08" TWO_FLOATS, TN_E_NONE},
        {"one by one", "2d0000803f 2d00000040", TN_E_NONE},
        {"mixed", "2d0000803f 2a0400000040", TN_E_NONE},
        {"empty runs", "2a00 2a08" TWO_FLOATS "2a00", TN_E_NONE},
        {"unknown fields", "0801 2a08" TWO_FLOATS "7a020000 a10100000000 00000000", TN_E_NONE},
        {"one value", "2a040000803f", TN_E_CORRUPT},
        {"three values", "2a0c" TWO_FLOATS "00000040", TN_E_CORRUPT},
        {"three values, the last alone", "2a08" TWO_FLOATS "2d00000040", TN_E_CORRUPT},
        {"seven bytes", "2a0700000080 3f0000", TN_E_CORRUPT},
        {"a run beyond the data", "2a0c" TWO_FLOATS, TN_E_CORRUPT},
        {"doubles", "3208" TWO_FLOATS, TN_E_CORRUPT},
        {"a group", "2a08" TWO_FLOATS "0b0c", TN_E_CORRUPT},
        {"a tag that does not end", "2a08" TWO_FLOATS "ff", TN_E_CORRUPT},
        {"nothing", "", TN_E_CORRUPT},
    };
    const float want[2] = {1, 2};
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        const bool snappy = i % 2 == 1;
        tn_scratch scratch;
        tn_error err = {0};
        float found[4] = {0};
        char meta[HEX], value[HEX];
        const v1_entry entries[] = {{"", meta_value(meta, FORM_W "22020a00", VERSION)},
                                    {KEY_W, slice_value(value, cases[i / 2].data)}};
        tn_scratch_make(&scratch);
        write_v1(*state, &scratch, "c", entries, 2, snappy);
        tn_code code = try_file(*state, &scratch, "c", found, &err);
        if (code != cases[i / 2].code) {
            fail_msg("%s: %s: %s", cases[i / 2].why, tn_code_name(code), err.message);
        }
        if (code == TN_E_NONE) {
            assert_memory_equal(found, want, sizeof(want));
        }
        tn_scratch_remove(&scratch);
    }
}

/* What the meta says, with right data for two floats under the key of a whole slice. */
static void metas(void **state)
{
    static const struct {
        const char *why, *form, *more;
        tn_code code;
    } cases[] = {
        {"right", FORM_W "22020a00", VERSION, TN_E_NONE},
        {"no version", FORM_W "22020a00", "", TN_E_NONE},
        {"unknown fields", FORM_W "22020a00 2801", VERSION "1801", TN_E_NONE},
        {"min_consumer 2", FORM_W "22020a00", "1204 0801 1002", TN_E_UNSUPPORTED},
        {"a version cut short", FORM_W "22020a00", "1202 08", TN_E_CORRUPT},
        {"bfloat16", "0a0177 120412020802 180e 22020a00", VERSION, TN_E_UNSUPPORTED},
        {"no dtype", "0a0177 120412020802 22020a00", VERSION, TN_E_UNSUPPORTED},
        {"no slices", FORM_W, VERSION, TN_E_CORRUPT},
        {"a slice that is not stored", FORM_W "22040a021001", VERSION, TN_E_CORRUPT},
        {"another rank", FORM_W "2200", VERSION, TN_E_CORRUPT},
        {"the slice twice", FORM_W "22020a00 22020a00", VERSION, TN_E_CORRUPT},
        {"a shape of three", "0a0177 120412020803 1801 22020a00", VERSION, TN_E_CORRUPT},
        {"2^62 elements", "0a0177 120c120a08808080808080808040 1801 22020a00", VERSION,
         TN_E_CORRUPT},
        {"dimension -1", "0a0177 120d120b08ffffffffffffffffff01 1801 22020a00", VERSION,
         TN_E_CORRUPT},
        {"unknown rank", "0a0177 12021801 1801 22020a00", VERSION, TN_E_CORRUPT},
        {"a form cut short", FORM_W "2205", VERSION, TN_E_CORRUPT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tn_scratch scratch;
        tn_error err = {0};
        float found[4];
        char meta[HEX], value[HEX];
        const v1_entry entries[] = {{"", meta_value(meta, cases[i].form, cases[i].more)},
                                    {KEY_W, slice_value(value, "2a08" TWO_FLOATS)}};
        tn_scratch_make(&scratch);
        write_v1(*state, &scratch, "c", entries, 2, false);
        tn_code code = try_file(*state, &scratch, "c", found, &err);
        if (code != cases[i].code) {
            fail_msg("%s: %s: %s", cases[i].why, tn_code_name(code), err.message);
        }
        if (code != TN_E_NONE) {
            assert_non_null(strstr(err.path, "/c"));
        }
        tn_scratch_remove(&scratch);
    }
}

/* Two shards: [0, 1) and [1, 2) of w. */
static void shards(void **state)
{
    static const struct {
        const char *why, *form, *key;
        tn_code code;
    } cases[] = {
        {"right", FORM_W "22060a0408011001", "00 7700 01 01 01 81 81", TN_E_NONE},
        {"another shape", "0a0177 120412020803 1801 22060a0408011001", "00 7700 01 01 01 81 81",
         TN_E_CORRUPT},
        {"another dtype", "0a0177 120412020802 1803 22060a0408011001", "00 7700 01 01 01 81 81",
         TN_E_CORRUPT},
        {"the first half again", FORM_W "22040a021001", "00 7700 01 01 01 80 81", TN_E_CORRUPT},
        {"outside", FORM_W "22060a0408021001", "00 7700 01 01 01 82 81", TN_E_CORRUPT},
        {"a key that is missing", FORM_W "22060a0408011001", "00 7700 01 01 01 81 82",
         TN_E_CORRUPT},
    };
    const float want[2] = {1, 2};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tn_scratch scratch;
        tn_error err = {0};
        float found[4];
        char metas_of[2][HEX], values[2][HEX];
        const v1_entry first[] = {
            {"", meta_value(metas_of[0], FORM_W "22040a021001", VERSION)},
            {"00 7700 01 01 01 80 81", slice_value(values[0], "2a040000803f")}};
        const v1_entry second[] = {{"", meta_value(metas_of[1], cases[i].form, VERSION)},
                                   {cases[i].key, slice_value(values[1], "2a0400000040")}};
        tn_scratch_make(&scratch);
        write_v1(*state, &scratch, "c-00000-of-00002", first, 2, false);
        write_v1(*state, &scratch, "c-00001-of-00002", second, 2, true);
        tn_code code = try_file(*state, &scratch,
                                "c-?????"
                                "-of-00002",
                                found, &err);
        if (code != cases[i].code) {
            fail_msg("%s: %s: %s", cases[i].why, tn_code_name(code), err.message);
        }
        if (code == TN_E_NONE) {
            assert_memory_equal(found, want, sizeof(want));
            assert_int_equal(try_file(*state, &scratch, "c-00001-of-00002", found, &err),
                             TN_E_NONE);
            assert_int_equal(remove(tn_scratch_at(&scratch, "c-00001-of-00002")), 0);
            assert_int_equal(try_file(*state, &scratch, "c-00000-of-00002", found, &err),
                             TN_E_MISSING_FILE);
        }
        tn_scratch_remove(&scratch);
    }
}

/* A table whose entries are no checkpoint's. */
static void tables(void **state)
{
    static const struct {
        const char *why;
        v1_entry entries[3];
        size_t count;
        tn_code code;
    } cases[] = {
        {"no meta", {{KEY_W, "1200"}}, 1, TN_E_CORRUPT},
        {"nothing", {{NULL, NULL}}, 0, TN_E_CORRUPT},
        {"only a meta", {{"", "0a00"}}, 1, TN_E_NONE},
        {"a meta cut short", {{"", "0a05"}}, 1, TN_E_CORRUPT},
        {"a value that is no slice", {{"", "0a00"}, {KEY_W, "0801"}}, 2, TN_E_CORRUPT},
        {"a slice without data", {{"", "0a00"}, {KEY_W, "12030a0177"}}, 2, TN_E_CORRUPT},
        {"data beyond its slice", {{"", "0a00"}, {KEY_W, "1202 1a0100"}}, 2, TN_E_CORRUPT},
        {"two metas", {{"", "0a00"}, {"", "0a00"}}, 2, TN_E_CORRUPT},
        {"keys that descend",
         {{"", "0a00"}, {"02", "12021a00"}, {"01", "12021a00"}},
         3,
         TN_E_CORRUPT},
        {"a slice that no tensor wants", {{"", "0a00"}, {KEY_W, "12021a00"}}, 2, TN_E_NONE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tn_scratch scratch;
        tn_model *model;
        tn_error err = {0};
        tn_open_options options = {.from = "tf_checkpoint_v1"};
        tn_scratch_make(&scratch);
        write_v1(*state, &scratch, "c", cases[i].entries, cases[i].count, false);
        if (tn_open(*state, tn_scratch_at(&scratch, "c"), &options, &model, &err) == TN_OK) {
            tn_model_free(model);
        }
        if (err.code != cases[i].code) {
            fail_msg("%s: %s: %s", cases[i].why, tn_code_name(err.code), err.message);
        }
        tn_scratch_remove(&scratch);
    }
}

/* Every slice of a large tensor of varints is what stands there when all of it is read; slices are
 * taken from behind, from the front again and in the middle, so that all kinds of starts occur. */
static void every_start(void **state)
{
    enum { COUNT = 105000, PART = 777 };
    tn_model *model;
    tn_reader *reader;
    int8_t part[PART];
    assert_int_equal(tn_open(*state, TN_FIXTURES "/tf_checkpoint_v1/good-several-blocks/model.ckpt",
                             NULL, &model, NULL),
                     TN_OK);
    assert_int_equal(tn_reader_new(*state, true, &reader, NULL), TN_OK);
    const tn_tensor *tensor =
        tn_model_at(model, tn_model_find(model, TN_SCHEME_NAME, TN_LIT("large")));
    assert_int_equal(tensor->elements, COUNT);
    for (int64_t i = 0; i < 40; i++) {
        int64_t first = (COUNT - PART) * (i % 2 == 0 ? 40 - i : i) / 40;
        const tni_leaf *leaf = tensor->pieces[0].leaf;
        assert_int_equal(leaf->decoder->decode(leaf, (uint64_t)first, PART, part, NULL, NULL),
                         TN_OK);
        for (int64_t k = 0; k < PART; k++) {
            assert_int_equal(part[k],
                             (first + k) % 70 - 35); /* as fixtures/make/tf_saver_v1.py says */
        }
    }
    tn_reader_free(reader);
    tn_model_free(model);
}

/* A turned bit of a value is told by the block's checksum, and by verify. */
static void damaged_value(void **state)
{
    tn_scratch scratch;
    tn_error err = {0};
    float found[4];
    char form[HEX], value[HEX];
    const v1_entry entries[] = {{"", meta_value(form, FORM_W "22020a00", VERSION)},
                                {KEY_W, slice_value(value, "2a08" TWO_FLOATS)}};
    tni_buffer meta, values, table;
    tni_buffer_init(&meta, *state);
    tni_buffer_init(&values, *state);
    tni_buffer_init(&table, *state);
    tn_scratch_make(&scratch);
    put_entries(&meta, entries, 1);
    put_entries(&values, entries + 1, 1);
    tni_buffer handles[2], index;
    tni_buffer_init(&index, *state);
    for (int i = 0; i < 2; i++) {
        tni_buffer_init(&handles[i], *state);
        put_block(&table, i == 0 ? &meta : &values, 0, &handles[i]);
    }
    table.data[meta.len + 5 + values.len - 9] ^= 1; /* in the last value */
    put_entry(&index, 0, TN_LIT("\x00"), (tn_str){handles[0].data, handles[0].len});
    put_entry(&index, 0, TN_LIT("\x01"), (tn_str){handles[1].data, handles[1].len});
    put_end(&table, &index);
    write_bytes(&scratch, "c", table.data, table.len);
    assert_int_equal(try_file(*state, &scratch, "c", found, &err), TN_E_CRC);
    assert_int_equal(err.offset, meta.len + 5);
    tni_buffer_clear(&meta);
    tni_buffer_clear(&values);
    tni_buffer_clear(&table);
    tni_buffer_clear(&index);
    tni_buffer_clear(&handles[0]);
    tni_buffer_clear(&handles[1]);
    tn_scratch_remove(&scratch);
}

static int setup(void **state)
{
    *state = tn_context_new(NULL);
    return *state == NULL;
}

static int teardown(void **state)
{
    tn_context_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spellings), cmocka_unit_test(metas),       cmocka_unit_test(shards),
        cmocka_unit_test(tables),    cmocka_unit_test(every_start), cmocka_unit_test(damaged_value),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
