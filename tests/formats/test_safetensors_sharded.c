/* Sets of an index and its shards: what must agree, what may not be followed, what belongs
 * together. */
#include "st_file.h"
#include "support/scratch.h"

#define INDEX "m.safetensors.index.json"
#define ONE "m-00001-of-00002.safetensors"
#define TWO "m-00002-of-00002.safetensors"
#define MAP(total, rest) "{\"metadata\":{\"total_size\":" total "},\"weight_map\":{" rest "}}"
#define GOOD_MAP "\"a\":\"" ONE "\",\"b\":\"" TWO "\""

static tn_scratch folder;
static tn_context *ctx;

static int set_up(void **state)
{
    (void)state;
    tn_scratch_make(&folder);
    ctx = tn_context_new(NULL);
    return ctx == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    tn_context_free(ctx);
    tn_scratch_remove(&folder);
    return 0;
}

/* Writes a shard of one-byte tensors with these one-letter names, and metadata if there is any. */
static void write_shard(const char *name, const char *tensors, const char *metadata)
{
    char header[1024] = "{";
    for (size_t i = 0; tensors[i] != '\0'; i++) {
        snprintf(header + strlen(header), sizeof header - strlen(header),
                 "%s\"%c\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%zu,%zu]}",
                 i == 0 ? "" : ",", tensors[i], i, i + 1);
    }
    snprintf(header + strlen(header), sizeof header - strlen(header), "%s%s}",
             *metadata != '\0' && *tensors != '\0' ? "," : "", metadata);
    st_bytes file = st_file(header, strlen(header), strlen(tensors));
    FILE *stream = fopen(tn_scratch_at(&folder, name), "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(file.at, 1, file.len, stream), file.len);
    fclose(stream);
    free(file.at);
}

static tn_status open_set(const char *name, tn_model **model_out, tn_error *err)
{
    return tni_open_with(ctx, &tn_format_safetensors, tn_scratch_at(&folder, name), model_out, err);
}

static void write_good(void)
{
    tn_scratch_empty(&folder);
    write_shard(ONE, "a", "\"__metadata__\":{\"format\":\"pt\",\"x\":\"1\"}");
    write_shard(TWO, "b", "\"__metadata__\":{\"format\":\"pt\",\"x\":\"2\"}");
    tn_scratch_write(&folder, INDEX, MAP("2", GOOD_MAP));
}

static void test_good(void **state)
{
    (void)state;
    write_good();
    tn_model *model;
    tn_error err = {0};
    if (open_set(INDEX, &model, &err) != TN_OK) {
        fail_msg("%s", err.message);
    }
    assert_string_equal(tn_model_layout(model), "sharded");
    assert_int_equal(tn_model_count(model), 2);
    const tn_model_file *files;
    assert_int_equal(tn_model_files(model, &files), 3);
    assert_string_equal(files[0].name.data, INDEX);
    assert_string_equal(files[1].name.data, ONE);
    assert_string_equal(files[2].name.data, TWO);
    tn_stored stored;
    tn_tensor_stored(tn_model_at(model, 1), 0, &stored);
    assert_string_equal(stored.file.data, TWO);
    const tn_pair *pairs;
    assert_int_equal(tn_model_metadata(model, &pairs), 2);
    assert_int_equal(st_findings(model, "metadata-differs"), 1);
    assert_int_equal(tn_report_count(tn_model_findings(model)), 1);
    tn_model_free(model);
}

/* ---- indexes that are wrong, over the two good shards */

typedef struct bad {
    const char *what, *index;
    tn_code code;
    uint64_t offset;
    const char *subject;
} bad;

#define ONLY(name) "{\"weight_map\":{\"a\":\"" name "\"}}"

static const bad bads[] = {
    {"not JSON", "hello", TN_E_CORRUPT, 0, ""},
    {"empty", "", TN_E_CORRUPT, 0, ""},
    {"no weight_map", "{\"metadata\":{}}", TN_E_CORRUPT, 0, ""},
    {"two weight_maps", "{\"weight_map\":{},\"weight_map\":{}}", TN_E_CORRUPT, 17, ""},
    {"a list as map", "{\"weight_map\":[]}", TN_E_CORRUPT, 14, ""},
    {"a number as file", "{\"weight_map\":{\"a\":1}}", TN_E_CORRUPT, 19, "a"},
    {"a tensor twice", "{\"weight_map\":{\"a\":\"" ONE "\",\"\\u0061\":\"" ONE "\"}}", TN_E_CORRUPT,
     50, "a"},
    {"trailing text", "{\"weight_map\":{}}x", TN_E_CORRUPT, 17, ""},
    {"an absolute path", ONLY("/etc/x.safetensors"), TN_E_UNSAFE, 19, ""},
    {"the folder above", ONLY("../x.safetensors"), TN_E_UNSAFE, 19, ""},
    {"a folder below", ONLY("d/x.safetensors"), TN_E_UNSAFE, 19, ""},
    {"a backslash", ONLY("d\\\\x.safetensors"), TN_E_UNSAFE, 19, ""},
    {"a drive", ONLY("C:x.safetensors"), TN_E_UNSAFE, 19, ""},
    {"dots", ONLY("..safetensors"), TN_E_UNSAFE, 19, ""},
    {"a NUL", ONLY("\\u0000.safetensors"), TN_E_UNSAFE, 19, ""},
    {"no name", ONLY(""), TN_E_UNSAFE, 19, ""},
    {"another kind of file", ONLY("x.bin"), TN_E_UNSAFE, 19, ""},
    {"a tensor that its shard lacks", "{\"weight_map\":{\"a\":\"" ONE "\",\"z\":\"" TWO "\"}}",
     TN_E_CORRUPT, 50, "z"},
    {"shards exchanged", "{\"weight_map\":{\"a\":\"" TWO "\",\"b\":\"" ONE "\"}}", TN_E_CORRUPT, 15,
     "a"},
};

static void test_bad_indexes(void **state)
{
    (void)state;
    write_good();
    size_t wrong = 0;
    for (size_t i = 0; i < sizeof bads / sizeof bads[0]; i++) {
        const bad *row = &bads[i];
        tn_scratch_write(&folder, INDEX, row->index);
        tn_model *model;
        tn_error err = {0};
        if (open_set(INDEX, &model, &err) == TN_OK || err.code != row->code || !err.has_offset ||
            err.offset != row->offset || strcmp(err.subject, row->subject) != 0) {
            print_error("%s: %s at %llu subject '%s': %s\n", row->what, tn_code_name(err.code),
                        (unsigned long long)err.offset, err.subject, err.message);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static void expect(tn_code code, const char *subject)
{
    tn_model *model;
    tn_error err = {0};
    if (open_set(INDEX, &model, &err) == TN_OK || err.code != code ||
        strcmp(err.subject, subject) != 0) {
        fail_msg("%s subject '%s': %s", tn_code_name(err.code), err.subject, err.message);
    }
}

static void test_bad_shards(void **state)
{
    (void)state;
    write_good();
    write_shard(TWO, "ba", "");
    expect(TN_E_CORRUPT, "a"); /* in both */
    remove(tn_scratch_at(&folder, TWO));
    expect(TN_E_MISSING_FILE, "");
    tn_scratch_write(&folder, TWO, "\2");
    expect(TN_E_TRUNCATED, "");
}

/* ---- what is only odd */

static tn_model *open_odd(const char *index)
{
    tn_scratch_write(&folder, INDEX, index);
    tn_model *model = NULL;
    tn_error err = {0};
    if (open_set(INDEX, &model, &err) != TN_OK) {
        fail_msg("%s: %s", index, err.message);
    }
    return model;
}

static void test_odd(void **state)
{
    (void)state;
    write_good();
    write_shard(TWO, "bcd", "");
    tn_model *model = open_odd(MAP("2", GOOD_MAP));
    assert_int_equal(tn_model_count(model), 2);
    assert_int_equal(st_findings(model, "stray"), 2);
    tn_model_free(model);

    static const struct {
        const char *index;
        size_t warnings;
    } totals[] = {{MAP("2.0", GOOD_MAP), 0},
                  {MAP("3", GOOD_MAP), 1},
                  {MAP("2.5", GOOD_MAP), 1},
                  {MAP("2e0", GOOD_MAP), 1},
                  {MAP("-2", GOOD_MAP), 1},
                  {MAP("\"2\"", GOOD_MAP), 0},
                  {"{\"weight_map\":{" GOOD_MAP "},\"x\":[1,{}]}", 0}};
    write_good();
    for (size_t i = 0; i < sizeof totals / sizeof totals[0]; i++) {
        model = open_odd(totals[i].index);
        assert_int_equal(st_findings(model, "total-size"), totals[i].warnings);
        tn_model_free(model);
    }

    model = open_odd(
        "{\"metadata\":{\"total_parameters\":2,\"by\":\"me\"},\"weight_map\":{" GOOD_MAP "}}");
    const tn_pair *pairs;
    assert_int_equal(tn_model_producer(model, &pairs), 2);
    assert_string_equal(pairs[0].key.data, "total_parameters");
    assert_string_equal(pairs[0].value.data, "2");
    assert_string_equal(pairs[1].value.data, "me");
    tn_model_free(model);
}

/* ---- which files belong together */

static void expect_member(const char *name, const char *sibling, const char *main)
{
    tni_arena arena;
    tni_arena_init(&arena, ctx, 1 << 20);
    tn_str at = tn_str_of(sibling), found = TN_STR_NONE;
    tni_names names = {&at, 1};
    bool is = tn_format_safetensors.member(tn_str_of(name), &names, &arena, &found);
    if (is != (main != NULL) || (is && !tn_str_equal(found, tn_str_of(main)))) {
        fail_msg("%s beside %s: %.*s", name, sibling, (int)found.len, found.data);
    }
    tni_arena_clear(&arena);
}

static void test_member(void **state)
{
    (void)state;
    expect_member(ONE, INDEX, INDEX);
    expect_member(ONE, "n.safetensors.index.json", ONE);
    expect_member(INDEX, INDEX, INDEX);
    expect_member("m.safetensors", "m.safetensors", "m.safetensors");
    expect_member("m.safetensors", INDEX, INDEX);
    expect_member("m-1-of-2.safetensors", INDEX, "m-1-of-2.safetensors");
    expect_member("m00001-of-00002.safetensors", INDEX, "m00001-of-00002.safetensors");
    expect_member("m.json", INDEX, NULL);
    expect_member("m", INDEX, NULL);
    expect_member(".safetensors", INDEX, ".safetensors");
}

static void expect_members(const char *main, const char *wanted)
{
    tni_arena arena;
    tni_arena_init(&arena, ctx, 1 << 20);
    tn_source *source;
    tni_names names;
    tn_error err = {0};
    assert_int_equal(tni_source_open(ctx, tn_scratch_at(&folder, main), &source, &err), TN_OK);
    assert_int_equal(tn_format_safetensors.reader->members(ctx, source, &arena, &names, &err),
                     TN_OK);
    char list[512] = "";
    for (size_t i = 0; i < names.count; i++) {
        strcat(list, names.at[i].data);
        strcat(list, " ");
    }
    assert_string_equal(list, wanted);
    tni_source_release(source);
    tni_arena_clear(&arena);
}

static void test_members(void **state)
{
    (void)state;
    write_good();
    expect_members(INDEX, ONE " " TWO " " INDEX " ");
    expect_members(ONE, ONE " ");
    tn_scratch_write(&folder, INDEX,
                     "{\"weight_map\":{\"a\":\"../x.safetensors\",\"b\":\"" ONE "\",");
    expect_members(INDEX, ONE " " INDEX " ");
}

static void test_paths(void **state)
{
    (void)state;
    static const char *const names[] = {INDEX, ONE, TWO, "m.safetensors", ""};
    write_good();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        tn_model *model;
        tn_error err = {0};
        if (tn_open(ctx, tn_scratch_at(&folder, names[i]), NULL, &model, &err) != TN_OK) {
            fail_msg("%s: %s", names[i], err.message);
        }
        assert_string_equal(tn_model_layout(model), "sharded");
        tn_model_free(model);
    }
}

static void test_allocations(void **state)
{
    (void)state;
    write_good();
    st_failing failing = {0, 0};
    tn_allocator allocator = {st_failing_resize, st_failing_release, &failing};
    tn_context *small = tn_context_new(&(tn_context_options){.allocator = &allocator});
    tn_status status = TN_NOMEM;
    while (status != TN_OK) {
        tn_model *model;
        tn_error err = {0};
        failing.calls = 0;
        failing.at++;
        status = tni_open_with(small, &tn_format_safetensors, tn_scratch_at(&folder, INDEX), &model,
                               &err);
        assert_true(status == TN_OK || err.code == TN_E_NOMEM);
        if (status == TN_OK) {
            tn_model_free(model);
        }
    }
    assert_true(failing.at > 10);
    failing.at = 0;
    tn_context_free(small);
}

/* A marker bears the name that was typed for the output, which may be any of the three. */
static void test_interrupted(void **state)
{
    (void)state;
    static const char *const markers[] = {".m.safetensors.tenon-commit", ".m.tenon-commit",
                                          "." INDEX ".tenon-commit"};
    tn_model *model;
    for (size_t i = 0; i < 3; i++) {
        tn_error err = {0};
        write_good();
        tn_scratch_write(&folder, markers[i], "");
        tn_status status = tn_open(ctx, tn_scratch_at(&folder, INDEX), NULL, &model, &err);
        if (i == 2) { /* nobody writes such a one */
            assert_int_equal(status, TN_OK);
            tn_model_free(model);
            continue;
        }
        assert_int_equal(err.code, TN_E_INTERRUPTED);
        assert_non_null(strstr(err.hint, "tenon ckpt recover "));
    }
    write_good();
    write_shard("m.safetensors", "c", "");
    tn_scratch_write(&folder, markers[0], "");
    tn_error err = {0};
    tn_open(ctx, tn_scratch_at(&folder, "m.safetensors"), NULL, &model, &err);
    assert_int_equal(err.code, TN_E_INTERRUPTED);
    /* The index is away while it is replaced. */
    tn_scratch_empty(&folder);
    tn_scratch_write(&folder, markers[0], "");
    err = (tn_error){0};
    tn_open(ctx, tn_scratch_at(&folder, INDEX), NULL, &model, &err);
    assert_int_equal(err.code, TN_E_INTERRUPTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),        cmocka_unit_test(test_bad_indexes),
        cmocka_unit_test(test_bad_shards),  cmocka_unit_test(test_odd),
        cmocka_unit_test(test_member),      cmocka_unit_test(test_members),
        cmocka_unit_test(test_paths),       cmocka_unit_test(test_allocations),
        cmocka_unit_test(test_interrupted),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
