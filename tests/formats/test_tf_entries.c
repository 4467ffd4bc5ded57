/* Checkpoints whose index says wrong things in right tables. */
#include "formats/format.h"
#include "tf_file.h"

#define HEADER "0801 1a020801"
#define SUM_2 "35 10fd784f" /* of the float 2.0, 00 00 00 40 */

/* Opens a checkpoint of a header and one entry; returns the error's code. */
static tn_code open_one(tn_context *ctx, const char *header, tn_str key, const char *entry,
                        const char *data, tn_error *err)
{
    tn_scratch scratch;
    tn_model *model;
    const tf_key keys[] = {{TN_LIT(""), header}, {key, entry}};
    tn_scratch_make(&scratch);
    write_checkpoint(ctx, &scratch, keys, 2, data);
    memset(err, 0, sizeof(*err));
    if (tn_open(ctx, tn_scratch_at(&scratch, "c"), NULL, &model, err) == TN_OK) {
        tn_model_free(model);
    }
    tn_scratch_remove(&scratch);
    return err->code;
}

static void headers(void **state)
{
    static const struct {
        const char *why, *header;
        tn_code code;
    } cases[] = {
        {"one shard", HEADER, TN_E_NONE},
        {"producer 99", "0801 1a020863", TN_E_NONE},
        {"no version", "0801", TN_E_NONE},
        {"a version in two parts", "0801 1a020801 1a021000", TN_E_NONE},
        {"empty", "", TN_E_CORRUPT},
        {"no shards", "0800 1a020801", TN_E_CORRUPT},
        {"negative shards", "08ffffffffffffffffff01", TN_E_CORRUPT},
        {"negative producer", "0801 1a0b08ffffffffffffffffff01", TN_E_CORRUPT},
        {"min_consumer 2", "0801 1a0408011002", TN_E_UNSUPPORTED},
        {"bad consumer 1, packed", "0801 1a051a030201 03", TN_E_UNSUPPORTED},
        {"bad consumer 1, not packed", "0801 1a021801", TN_E_UNSUPPORTED},
        {"endianness 2", "0801 1002", TN_E_UNSUPPORTED},
        {"cut short", "0801 1a05", TN_E_CORRUPT},
        {"two shards, one file", "0802 1a020801", TN_E_MISSING_FILE},
        {"2^31 - 1 shards", "08ffffffff07", TN_E_MISSING_FILE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tn_error err = {0};
        tn_code code = open_one(*state, cases[i].header, TN_LIT("w"), "0801 1200 2804 " SUM_2,
                                "00000040", &err);
        if (code != cases[i].code) {
            fail_msg("%s: %s: %s", cases[i].why, tn_code_name(code), err.message);
        }
    }
}

static void entries(void **state)
{
    static const struct {
        const char *why, *entry;
        tn_code code;
    } cases[] = {
        {"a scalar", "0801 1200 2804 " SUM_2, TN_E_NONE},
        {"no shape", "0801 2804 " SUM_2, TN_E_NONE},
        {"a shape in two parts", "0801 1204 12020801 1204 12020801 2804 " SUM_2, TN_E_NONE},
        {"an unknown field", "0801 1200 2804 7a0161 " SUM_2, TN_E_NONE},
        {"size said twice", "0801 1200 2808 2804 " SUM_2, TN_E_NONE},
        {"dtype as bytes is no dtype", "0a0101 1200 2804 " SUM_2, TN_E_CORRUPT},
        {"no dtype", "1200 2804 " SUM_2, TN_E_CORRUPT},
        {"RESOURCE", "0814 1200 2804 " SUM_2, TN_E_CORRUPT},
        {"FLOAT_REF", "0865 1200 2804 " SUM_2, TN_E_CORRUPT},
        {"dtype 99", "0863 1200 2804 " SUM_2, TN_E_UNSUPPORTED},
        {"dtype -1", "08ffffffffffffffffff01 1200 2804 " SUM_2, TN_E_UNSUPPORTED},
        {"dimension -1", "0801 120d120b08ffffffffffffffffff01 2804 " SUM_2, TN_E_CORRUPT},
        {"unknown rank", "0801 12021801 2804 " SUM_2, TN_E_CORRUPT},
        {"2^62 x 4 elements", "0801 1210 120a08808080808080808040 12020804 2804 " SUM_2,
         TN_E_CORRUPT},
        {"a shape that overflows beside a zero",
         "0801 1218 120a08808080808080808040 120608808080800812020800 35d8ea82a2", TN_E_CORRUPT},
        {"size 3", "0801 1200 2803 " SUM_2, TN_E_CORRUPT},
        {"no size", "0801 1200 " SUM_2, TN_E_CORRUPT},
        {"shard 1 of 1", "0801 1200 1801 2804 " SUM_2, TN_E_CORRUPT},
        {"shard -1", "0801 1200 18ffffffffffffffffff01 2804 " SUM_2, TN_E_CORRUPT},
        {"offset -4", "0801 1200 20fcffffffffffffffff01 2804 " SUM_2, TN_E_CORRUPT},
        {"offset 2^63 - 1", "0801 1200 20ffffffffffffffff7f 2804 " SUM_2, TN_E_CORRUPT},
        {"offset 1", "0801 1200 2001 2804 " SUM_2, TN_E_TRUNCATED},
        {"an int4 of one byte", "081d 120412020804 2804 " SUM_2, TN_E_NONE},
        {"strings that have no room", "0807 120412020804 2807 " SUM_2, TN_E_CORRUPT},
        {"a message cut short", "0801 1205", TN_E_CORRUPT},
        {"a slice that covers nothing", "0801 120412020802 3a060a0408001001", TN_E_CORRUPT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tn_error err = {0};
        tn_code code = open_one(*state, HEADER, TN_LIT("w"), cases[i].entry, "00000040", &err);
        if (code != cases[i].code) {
            fail_msg("%s: %s: %s", cases[i].why, tn_code_name(code), err.message);
        }
        if (code != TN_E_NONE) {
            assert_string_equal(err.subject, "w");
            assert_non_null(strstr(err.path, "c."));
        }
    }
}

/* TensorFlow's shapes have at most 254 dimensions. */
static void too_many_dimensions(void **state)
{
    enum { DIM = 8, MOST = 254 }; /* characters of "12020801", a dimension of size 1 */
    char dims[(MOST + 1) * DIM + 1], entry[sizeof(dims) + 64];
    tn_error err = {0};
    (void)state;
    for (int i = 0; i <= MOST; i++) {
        memcpy(dims + i * DIM, "12020801", DIM + 1);
    }
    tn_limits limits = tn_limits_default();
    limits.rank = 300;
    tn_context *wide = tn_context_new(&(tn_context_options){.limits = &limits});
    snprintf(entry, sizeof(entry), "0801 12fc07 %s 2804 " SUM_2, dims); /* 1020 bytes */
    assert_int_equal(open_one(wide, HEADER, TN_LIT("w"), entry, "00000040", &err), TN_E_CORRUPT);
    dims[MOST * DIM] = '\0';
    snprintf(entry, sizeof(entry), "0801 12f807 %s 2804 " SUM_2, dims); /* 1016 bytes */
    assert_int_equal(open_one(wide, HEADER, TN_LIT("w"), entry, "00000040", &err), TN_E_NONE);
    tn_context_free(wide);
}

/* The first key must be the header: TensorFlow would take the first tensor's entry for it. */
static void no_header(void **state)
{
    tn_scratch scratch;
    tn_model *model;
    tn_error err = {0};
    const tf_key keys[] = {{TN_LIT("w"), "0801 1200 2804 " SUM_2}};
    tn_scratch_make(&scratch);
    write_checkpoint(*state, &scratch, keys, 1, "00000040");
    tn_open(*state, tn_scratch_at(&scratch, "c"), NULL, &model, &err);
    assert_int_equal(err.code, TN_E_CORRUPT);
    tn_scratch_remove(&scratch);
}

/* Two rows [0, 2) and [2, 4) of a tensor of four, under the keys of ordered code. */
static void partitions(void **state)
{
    static const struct {
        const char *why, *full, *second;
        tn_code code;
    } cases[] = {
        {"right", "0801 120412020804 3a060a0408001002 3a060a0408021002",
         "0801 120412020802 2008 2808 3500000000", TN_E_NONE},
        {"overlap", "0801 120412020804 3a060a0408001002 3a060a0408001002",
         "0801 120412020802 2008 2808 3500000000", TN_E_CORRUPT},
        {"a hole", "0801 120412020804 3a060a0408001002", "0801 120412020802 2008 2808 3500000000",
         TN_E_CORRUPT},
        {"outside", "0801 120412020803 3a060a0408001002 3a060a0408021002",
         "0801 120412020802 2008 2808 3500000000", TN_E_CORRUPT},
        {"another dtype", "0801 120412020804 3a060a0408001002 3a060a0408021002",
         "0803 120412020802 2008 2808 3500000000", TN_E_CORRUPT},
        {"another shape", "0801 120412020804 3a060a0408001002 3a060a0408021002",
         "0801 120412020801 2008 2804 3500000000", TN_E_CORRUPT},
        {"not there", "0801 120412020804 3a060a0408001002 3a060a0408021001 3a060a0408031001",
         "0801 120412020802 2008 2808 3500000000", TN_E_CORRUPT},
        {"another rank", "0801 120412020804 3a0a0a0408001002 0a021004",
         "0801 120412020802 2008 2808 3500000000", TN_E_CORRUPT},
        {"a negative start", "0801 120412020804 3a0f0a0d08ffffffffffffffffff011002",
         "0801 120412020802 2008 2808 3500000000", TN_E_CORRUPT},
        {"length 0", "0801 120412020804 3a060a0408001000", "0801 120412020802 2008 2808 3500000000",
         TN_E_CORRUPT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tn_scratch scratch;
        tn_model *model = NULL;
        tn_error err = {0};
        const tf_key keys[] = {
            {TN_LIT(""), HEADER},
            {TN_LIT("\0W\0\1\1\1\x80\x82"), "0801 120412020802 2800 2808 3500000000"},
            {TN_LIT("\0W\0\1\1\1\x82\x82"), cases[i].second},
            {TN_LIT("W"), cases[i].full}};
        tn_scratch_make(&scratch);
        write_checkpoint(*state, &scratch, keys, 4, "0000803f 00000040 00004040 00008040");
        tn_open(*state, tn_scratch_at(&scratch, "c"), NULL, &model, &err);
        if (err.code != cases[i].code) {
            fail_msg("%s: %s: %s", cases[i].why, tn_code_name(err.code), err.message);
        }
        if (model != NULL) {
            assert_int_equal(tn_model_count(model), 1);
            assert_int_equal(tn_model_at(model, 0)->n_pieces, 2);
            assert_int_equal(tn_model_at(model, 0)->bytes, 16);
        } else {
            assert_string_equal(err.subject, "W");
        }
        tn_model_free(model);
        tn_scratch_remove(&scratch);
    }
}

/* Entries that share bytes are read, with a warning. */
static void overlap(void **state)
{
    tn_scratch scratch;
    tn_model *model;
    tn_error err = {0};
    const tf_key keys[] = {{TN_LIT(""), HEADER},
                           {TN_LIT("a"), "0801 1200 2804 " SUM_2},
                           {TN_LIT("b"), "0806 1200 2002 2801 3500000000"},
                           {TN_LIT("c"), "0806 1200 2004 2801 3500000000"}};
    tn_scratch_make(&scratch);
    write_checkpoint(*state, &scratch, keys, 4, "00000040 05");
    assert_int_equal(tn_open(*state, tn_scratch_at(&scratch, "c"), NULL, &model, &err), TN_OK);
    const tn_report *findings = tn_model_findings(model);
    assert_int_equal(tn_report_count(findings), 1);
    assert_string_equal(tn_report_at(findings, 0)->code, "overlap");
    assert_true(tn_str_equal(tn_report_at(findings, 0)->name, TN_LIT("b")));
    tn_model_free(model);
    tn_scratch_remove(&scratch);
}

/* A data file that is cut short or missing is named, with the tensor and the numbers of bytes. */
static void files_of_the_set(void **state)
{
    tn_scratch scratch;
    tn_model *model;
    tn_error err = {0};
    const tf_key keys[] = {{TN_LIT(""), HEADER}, {TN_LIT("w"), "0801 1200 2804 " SUM_2}};
    tn_scratch_make(&scratch);
    write_checkpoint(*state, &scratch, keys, 2, "0000");
    tn_open(*state, tn_scratch_at(&scratch, "c"), NULL, &model, &err);
    assert_int_equal(err.code, TN_E_TRUNCATED);
    assert_string_equal(err.subject, "w");
    assert_non_null(strstr(err.message, "4"));
    assert_non_null(strstr(err.message, "2"));
    remove(tn_scratch_at(&scratch, "c.data-00000-of-00001"));
    err = (tn_error){0};
    tn_open(*state, tn_scratch_at(&scratch, "c"), NULL, &model, &err);
    assert_int_equal(err.code, TN_E_MISSING_FILE);
    assert_non_null(strstr(err.message, "c.data-00000-of-00001"));
    /* An interrupted replacement is said first. */
    tn_scratch_write(&scratch, ".c.index.tenon-commit", "");
    err = (tn_error){0};
    tn_open(*state, tn_scratch_at(&scratch, "c"), NULL, &model, &err);
    assert_int_equal(err.code, TN_E_INTERRUPTED);
    assert_non_null(strstr(err.hint, "tenon ckpt recover"));
    tn_scratch_remove(&scratch);
}

/* Every spelling of a set's path opens it. */
static void spellings(void **state)
{
    const char *const names[] = {"c", "c.index", "c.data-00000-of-00001", "c.meta", ""};
    tn_scratch scratch;
    const tf_key keys[] = {{TN_LIT(""), HEADER}, {TN_LIT("w"), "0801 1200 2804 " SUM_2}};
    tn_scratch_make(&scratch);
    write_checkpoint(*state, &scratch, keys, 2, "00000040");
    tn_scratch_write(&scratch, "c.meta", "graph");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        tn_model *model;
        tn_error err = {0};
        if (tn_open(*state, tn_scratch_at(&scratch, names[i]), NULL, &model, &err) != TN_OK) {
            fail_msg("%s: %s", names[i], err.message);
        }
        const tn_model_file *files;
        assert_int_equal(tn_model_files(model, &files), 2);
        assert_true(tn_str_equal(files[0].name, TN_LIT("c.index")));
        assert_int_equal(files[1].bytes, 4);
        tn_model_free(model);
    }
    tn_scratch_remove(&scratch);
}

/* The members of a set: what bears its name and number, and is there. */
static void members(void **state)
{
    const char *const others[] = {"c.data-00001-of-00002", "c.meta", "cc.data-00000-of-00001",
                                  "c.data-0000-of-00001", "checkpoint"};
    const tf_key keys[] = {{TN_LIT(""), HEADER}, {TN_LIT("w"), "0801 1200 2804 " SUM_2}};
    tn_scratch scratch;
    tn_source *main;
    tni_names names;
    tni_arena arena;
    tn_scratch_make(&scratch);
    tni_arena_init(&arena, *state, 1 << 20);
    write_checkpoint(*state, &scratch, keys, 2, "00000040");
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        tn_scratch_write(&scratch, others[i], "");
    }
    const tn_format *format = tni_format_find(TN_LIT("tf_checkpoint"));
    assert_int_equal(tni_source_open(*state, tn_scratch_at(&scratch, "c.index"), &main, NULL),
                     TN_OK);
    assert_int_equal(format->reader->members(*state, main, &arena, &names, NULL), TN_OK);
    assert_int_equal(names.count, 2);
    assert_true(tn_str_equal(names.at[0], TN_LIT("c.data-00000-of-00001")));
    assert_true(tn_str_equal(names.at[1], TN_LIT("c.index")));
    tni_source_release(main);
    /* An index that cannot be read leads all data files of its name. */
    tn_scratch_write(&scratch, "c.index", "not a table");
    assert_int_equal(tni_source_open(*state, tn_scratch_at(&scratch, "c.index"), &main, NULL),
                     TN_OK);
    assert_int_equal(format->reader->members(*state, main, &arena, &names, NULL), TN_OK);
    assert_int_equal(names.count, 3);
    tni_source_release(main);
    tni_arena_clear(&arena);
    tn_scratch_remove(&scratch);
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
        cmocka_unit_test(headers),          cmocka_unit_test(entries),
        cmocka_unit_test(no_header),        cmocka_unit_test(too_many_dimensions),
        cmocka_unit_test(partitions),       cmocka_unit_test(overlap),
        cmocka_unit_test(files_of_the_set), cmocka_unit_test(spellings),
        cmocka_unit_test(members),
    };
    return cmocka_run_group_tests(tests, make_context, free_context);
}
