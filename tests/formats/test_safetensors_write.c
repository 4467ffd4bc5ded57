/* Writing: headers byte for byte as the official library writes them, shards as the hub splits. */
#include "st_file.h"
#include "support/scratch.h"
#include <tenon/values.h>

static tn_context *ctx;
static tn_scratch folder;

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

/* One write of a model, as the engine drives it. */
typedef struct job {
    tn_model *model;
    tni_arena arena;
    tni_write write;
    tn_report *notes;
} job;

static void job_start(job *j, tn_context *context, tn_model *model, const char *name,
                      uint64_t shard_size)
{
    *j = (job){.model = model, .notes = tn_report_new(context)};
    tni_arena_init(&j->arena, context, UINT64_C(1) << 40);
    j->write = (tni_write){.ctx = context,
                           .arena = &j->arena,
                           .model = model,
                           .name = name,
                           .options = {.max_shard_size = shard_size},
                           .notes = j->notes};
    tn_error err = {0};
    j->write.n_metadata = model->n_metadata;
    j->write.metadata = model->metadata;
    assert_int_equal(tn_format_safetensors.writer->choose_layout(model, TN_LIT("m"), NULL, false,
                                                                 &j->write.layout, &err),
                     TN_OK);
    assert_true(j->write.layout.carries);
}

static void job_layout(job *j, tn_model *model, const char *name, uint64_t shard_size)
{
    tn_error err = {0};
    job_start(j, ctx, model, name, shard_size);
    if (tn_format_safetensors.writer->layout(&j->write, &err) != TN_OK) {
        fail_msg("%s: %s", err.subject, err.message);
    }
}

static void job_end(job *j)
{
    tni_arena_clear(&j->arena);
    tn_report_free(j->notes);
    tn_model_free(j->model);
}

static void copy_item(const tni_write *write, const tni_item *item)
{
    tn_reader *reader;
    tn_error err = {0};
    uint8_t *bytes = malloc(item->bytes + 1);
    assert_int_equal(tn_reader_new(ctx, true, &reader, &err), TN_OK);
    assert_int_equal(tn_reader_start(reader, item->tensor, &err), TN_OK);
    assert_int_equal(tn_reader_next(reader, item->tensor->elements, bytes, &err), TN_OK);
    assert_int_equal(tn_reader_end(reader, &err), TN_OK);
    assert_int_equal(
        tni_sink_write(write->files[item->file].sink, item->offset, bytes, item->bytes, &err),
        TN_OK);
    tn_reader_free(reader);
    free(bytes);
}

static void job_write(job *j)
{
    tn_error err = {0};
    tni_output *output;
    tni_write *write = &j->write;
    tn_str index = write->files[write->index_file].name;
    const tni_output_options options = {.replace = false};
    assert_int_equal(
        tni_output_new(ctx, tn_scratch_at(&folder, ""), index, &options, &output, &err), TN_OK);
    for (size_t i = 0; i < write->n_files; i++) {
        assert_int_equal(tni_output_create(output, write->files[i].name, write->files[i].size,
                                           &write->files[i].sink, &err),
                         TN_OK);
    }
    assert_int_equal(tn_format_safetensors.writer->headers(write, &err), TN_OK);
    for (size_t i = 0; i < write->n_items; i++) {
        copy_item(write, &write->items[i]);
    }
    assert_null(tn_format_safetensors.writer->finish);
    if (tni_output_commit(output, index, &err) != TN_OK) {
        fail_msg("%s: %s", err.path, err.message);
    }
    tni_output_free(output);
}

static tn_model *open_path(const char *path)
{
    tn_model *model = NULL;
    tn_error err = {0};
    if (tni_open_with(ctx, &tn_format_safetensors, path, &model, &err) != TN_OK) {
        fail_msg("%s: %s", path, err.message);
    }
    return model;
}

/* ---- the official library's bytes */

/* The metadata differ by "format": "pt", so header and places are compared on their own. */
static void check_same_header(const char *fixture)
{
    char path[512];
    snprintf(path, sizeof path, TN_FIXTURES "/safetensors/%s/model.safetensors", fixture);
    st_bytes file = st_load(path);
    job j;
    job_layout(&j, open_path(path), "o.safetensors", 0);
    const tn_pair *pairs;
    size_t n_pairs = tn_model_metadata(j.model, &pairs);
    const tni_st_state *state = j.write.state;
    tni_buffer text;
    tni_buffer_init(&text, ctx);
    tni_st_emit_header(&text, pairs, n_pairs, j.write.items, j.write.n_items, state->data[0]);
    assert_int_equal(text.len, tni_load_u64le(file.at));
    assert_memory_equal(text.data, file.at + 8, text.len);
    for (size_t i = 0; i < j.write.n_items; i++) {
        tn_stored stored;
        tn_tensor_stored(j.write.items[i].tensor, 0, &stored);
        assert_int_equal(j.write.items[i].offset - state->data[0], stored.offset - text.len - 8);
    }
    tni_buffer_clear(&text);
    free(file.at);
    job_end(&j);
}

static void test_same_headers(void **state)
{
    (void)state;
    static const char *const fixtures[] = {"good-dtypes", "good-empty-file", "good-metadata",
                                           "good-names", "good-shapes"};
    for (size_t i = 0; i < sizeof fixtures / sizeof fixtures[0]; i++) {
        check_same_header(fixtures[i]);
    }
}

static void check_same_file(const char *made, const char *wanted)
{
    st_bytes a = st_load(tn_scratch_at(&folder, made)), b = st_load(wanted);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.at, b.at, a.len);
    free(a.at);
    free(b.at);
}

#define SHARDED TN_FIXTURES "/safetensors/good-sharded/"

static void test_same_set(void **state)
{
    (void)state;
    static const char *const names[] = {"model-00001-of-00002.safetensors",
                                        "model-00002-of-00002.safetensors",
                                        "model.safetensors.index.json"};
    tn_scratch_empty(&folder);
    job j;
    job_layout(&j, open_path(SHARDED "model.safetensors.index.json"), "model.safetensors", 60);
    assert_string_equal(j.write.layout.word, "sharded");
    assert_int_equal(j.write.n_files, 3);
    assert_int_equal(j.write.index_file, 2);
    job_write(&j);
    job_end(&j);
    for (size_t i = 0; i < 3; i++) {
        char wanted[512];
        snprintf(wanted, sizeof wanted, SHARDED "%s", names[i]);
        check_same_file(names[i], wanted);
    }
    assert_int_equal(tn_scratch_count(&folder), 3);
}

/* ---- whole files, spelled out */

#define T(name, dtype, shape, begin, end)                                                        \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end \
    "]}"

static tn_model *open_text(const char *header, size_t data)
{
    st_bytes file = st_file(header, strlen(header), data);
    FILE *stream = fopen(tn_scratch_at(&folder, "in.safetensors"), "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(file.at, 1, file.len, stream), file.len);
    fclose(stream);
    free(file.at);
    return open_path(tn_scratch_at(&folder, "in.safetensors"));
}

static void check_header(const char *header, size_t data, const char *wanted)
{
    tn_scratch_empty(&folder);
    job j;
    job_layout(&j, open_text(header, data), "o.safetensors", 0);
    assert_string_equal(j.write.layout.word, "single");
    assert_int_equal(j.write.n_files, 1);
    job_write(&j);
    job_end(&j);
    st_bytes file = st_load(tn_scratch_at(&folder, "o.safetensors"));
    uint64_t len = tni_load_u64le(file.at);
    assert_int_equal(len % 8, 0);
    assert_int_equal(file.len, 8 + len + data);
    assert_true(len >= strlen(wanted));
    file.at[8 + len - 1] = '\0'; /* padding, or the last brace of a header that needs none */
    assert_int_equal(strncmp((char *)file.at + 8, wanted, strlen(wanted) - (len == strlen(wanted))),
                     0);
    for (size_t i = strlen(wanted); i + 1 < len; i++) {
        assert_int_equal(file.at[8 + i], ' ');
    }
    free(file.at);
}

static void test_whole_files(void **state)
{
    (void)state;
    check_header("{}", 0, "{\"__metadata__\":{\"format\":\"pt\"}}");
    check_header("{\"__metadata__\":{}}", 0, "{\"__metadata__\":{\"format\":\"pt\"}}");
    check_header("{\"__metadata__\":{\"z\":\"1\",\"format\":\"mlx\",\"a\":\"\\u0001/\\u007f\"}}", 0,
                 "{\"__metadata__\":{\"a\":\"\\u0001/\x7f\",\"format\":\"mlx\",\"z\":\"1\"}}");
    check_header(
        "{" T("b", "BOOL", "[1]", "0", "1") "," T("y", "I8", "[1]", "1", "2") "," T(
            "x", "I8", "[]", "2", "3") "," T("f", "U64", "[1,1]", "3", "11") "}",
        11,
        "{\"__metadata__\":{\"format\":\"pt\"}," T("f", "U64", "[1,1]", "0", "8") "," T(
            "x", "I8", "[]", "8", "9") "," T("y", "I8", "[1]", "9", "10") "," T("b", "BOOL", "[1]",
                                                                                "10", "11") "}");
}

/* ---- how shards are cut */

/* Lays out tensors a, b, c … of these sizes and says which shard each goes to. */
static void check_split(const char *sizes, uint64_t limit, const char *wanted)
{
    char header[2048] = "{";
    size_t begin = 0, count = strlen(sizes);
    for (size_t i = 0; i < count; i++) {
        size_t size = (size_t)(sizes[i] - '0');
        snprintf(header + strlen(header), sizeof header - strlen(header),
                 "%s\"%c\":{\"dtype\":\"U8\",\"shape\":[%zu],\"data_offsets\":[%zu,%zu]}",
                 i == 0 ? "" : ",", (int)('a' + i), size, begin, begin + size);
        begin += size;
    }
    strcat(header, "}");
    tn_scratch_empty(&folder);
    job j;
    job_layout(&j, open_text(header, begin), "o.safetensors", limit);
    char shards[64] = "";
    for (size_t i = 0; i < count; i++) {
        const tni_item *item = &j.write.items[i];
        shards[item->tensor->alias[TN_SCHEME_NAME].data[0] - 'a'] = (char)('1' + item->file);
        assert_true(
            i == 0 || item->file > item[-1].file ||
            (item->file == item[-1].file && item->offset == item[-1].offset + item[-1].bytes));
    }
    if (strncmp(shards, wanted, count) != 0) {
        fail_msg("%s by %d: %s, not %s", sizes, (int)limit, shards, wanted);
    }
    job_end(&j);
}

static void test_split(void **state)
{
    (void)state;
    check_split("444", 8, "112");
    check_split("444", 12, "111");
    check_split("444", 4, "123");
    check_split("444", 1, "123");
    check_split("2922", 4, "2123"); /* one above the limit closes first */
    check_split("99", 4, "12");
    check_split("0400", 4, "1111");
    check_split("19191", 3, "31323");
    check_split("", 4, "");
}

static void test_shard_names(void **state)
{
    (void)state;
    tn_scratch_empty(&folder);
    const char *two = "{" T("a", "U8", "[1]", "0", "1") "," T("b", "U8", "[1]", "1", "2") "}";
    job j;
    job_layout(&j, open_text(two, 2), "dir.x", 1);
    assert_string_equal(j.write.files[0].name.data, "dir.x-00001-of-00002.safetensors");
    assert_string_equal(j.write.files[2].name.data, "dir.x.safetensors.index.json");
    job_end(&j);

    static const char *const refused[] = {"a:b.safetensors", "a\\b.safetensors",
                                          "a\xff.safetensors"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        tn_error err = {0};
        job_start(&j, ctx, open_text(two, 2), refused[i], 1);
        assert_int_equal(tn_format_safetensors.writer->layout(&j.write, &err), TN_UNSUPPORTED);
        assert_int_equal(err.code, TN_E_CANNOT_HOLD);
        job_end(&j);
    }
}

/* ---- what the writer can hold */

static void test_stores(void **state)
{
    (void)state;
    static const tn_dtype refused[] = {TN_INT2,   TN_INT4,       TN_UINT2,
                                       TN_UINT4,  TN_COMPLEX128, TN_FLOAT8_E4M3B11FNUZ,
                                       TN_STRING, TN_VARIANT,    TN_DTYPE_NONE};
    static const tn_dtype other[][2] = {{TN_QINT8, TN_INT8},
                                        {TN_QINT16, TN_INT16},
                                        {TN_QINT32, TN_INT32},
                                        {TN_QUINT8, TN_UINT8},
                                        {TN_QUINT16, TN_UINT16}};
    const tni_writer_ops *writer = tn_format_safetensors.writer;
    size_t as_is = 0;
    for (int dtype = 0; dtype < TN_DTYPE_COUNT; dtype++) {
        tni_store_rule rule = writer->stores((tn_dtype)dtype);
        as_is += rule.how == TNI_STORE_AS_IS && (int)rule.as == dtype;
    }
    assert_int_equal(as_is, 22);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_int_equal(writer->stores(refused[i]).how, TNI_STORE_REFUSED);
    }
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        assert_int_equal(writer->stores(other[i][0]).how, TNI_STORE_AS_OTHER);
        assert_int_equal(writer->stores(other[i][0]).as, other[i][1]);
    }
    const char *why = NULL;
    assert_true(writer->name_ok(TN_LIT(""), &why));
    assert_true(writer->name_ok(TN_LIT("\0/..\xc3\xa4"), &why));
    assert_false(writer->name_ok(TN_LIT("\xe4"), &why));
    assert_false(writer->name_ok(TN_LIT("__metadata__"), &why));
    assert_non_null(why);
    assert_int_equal(writer->roles, 0x1f);
}

static void test_mains(void **state)
{
    (void)state;
    tni_arena arena;
    tni_arena_init(&arena, ctx, 1 << 20);
    tni_names names;
    tn_error err = {0};
    const tni_writer_ops *writer = tn_format_safetensors.writer;
    assert_int_equal(writer->mains(TN_LIT("o.safetensors"), &arena, &names, &err), TN_OK);
    assert_int_equal(names.count, 2);
    assert_string_equal(names.at[0].data, "o.safetensors");
    assert_string_equal(names.at[1].data, "o.safetensors.index.json");
    assert_int_equal(writer->mains(TN_LIT("o.safetensors.index.json"), &arena, &names, &err),
                     TN_USAGE);
    assert_string_equal(err.hint, "o.safetensors --max-shard-size 5G");
    tni_arena_clear(&arena);
}

static void test_large_header(void **state)
{
    (void)state;
    enum { NAME = 60000, TENSORS = 420 };
    tn_scratch_empty(&folder);
    char *header = malloc((size_t)TENSORS * (NAME + 128));
    size_t len = 1;
    header[0] = '{';
    for (int i = 0; i < TENSORS; i++) {
        len += (size_t)sprintf(header + len, "%s\"%0*d\":", i == 0 ? "" : ",", NAME, i);
        len += (size_t)sprintf(header + len,
                               "{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}");
    }
    header[len++] = '}';
    header[len] = '\0';
    job j;
    job_layout(&j, open_text(header, 0), "o.safetensors", 0);
    assert_int_equal(tn_report_severity(j.notes, TN_SEVERITY_WARNING), 1);
    assert_string_equal(tn_report_at(j.notes, 0)->code, "header-large");
    job_end(&j);
    free(header);
}

static void test_allocations(void **state)
{
    (void)state;
    st_failing failing = {0, 0};
    tn_allocator allocator = {st_failing_resize, st_failing_release, &failing};
    tn_context *small = tn_context_new(&(tn_context_options){.allocator = &allocator});
    tn_status status = TN_NOMEM;
    unsigned long at = 0;
    while (status != TN_OK) {
        job j;
        tn_error err = {0};
        failing.at = 0;
        job_start(&j, small, open_path(SHARDED "model.safetensors.index.json"), "o.safetensors",
                  60);
        failing.calls = 0;
        failing.at = ++at;
        status = tn_format_safetensors.writer->layout(&j.write, &err);
        assert_true(status == TN_OK || err.code == TN_E_NOMEM);
        failing.at = 0;
        job_end(&j);
    }
    assert_true(at > 5);
    tn_context_free(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_headers), cmocka_unit_test(test_same_set),
        cmocka_unit_test(test_whole_files),  cmocka_unit_test(test_split),
        cmocka_unit_test(test_shard_names),  cmocka_unit_test(test_stores),
        cmocka_unit_test(test_mains),        cmocka_unit_test(test_large_header),
        cmocka_unit_test(test_allocations),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
