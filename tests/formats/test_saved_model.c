/* SavedModels and graphs beyond what the fixtures say of themselves: paths, tags, damage, and large
 * constants, which stay in the file. */
#include "core/cursor.h"
#include "fixtures.h"
#include "formats/saved_model/constant.h"
#include "model/model.h"
#include "support/scratch.h"

#define SAVED TN_FIXTURES "/saved_model"

/* Writes a file into the scratch folder; returns its path. */
static const char *write_bytes(const tn_scratch *scratch, const char *name, const void *bytes,
                               size_t len)
{
    const char *path = tn_scratch_at(scratch, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    return path;
}

static tn_model *open_model(tn_context *ctx, const char *path, const char *tags)
{
    tn_model *model;
    tn_error err = {0};
    if (tn_open(ctx, path, &(tn_open_options){.tags = tags}, &model, &err) != TN_OK) {
        fail_msg("%s: %s", path, err.message);
    }
    return model;
}

static void expect_failure(tn_context *ctx, const char *path, const char *tags, tn_code code,
                           const char *said)
{
    tn_model *model;
    tn_error err = {0};
    assert_int_not_equal(tn_open(ctx, path, &(tn_open_options){.tags = tags}, &model, &err), TN_OK);
    assert_int_equal(err.code, code);
    if (strstr(err.message, said) == NULL && strstr(err.hint, said) == NULL) {
        fail_msg("%s: \"%s\", \"%s\" do not say \"%s\"", path, err.message, err.hint, said);
    }
}

/* The folder, its message, and a checkpoint in it alone. */
static void paths(void **state)
{
    static const struct {
        const char *path, *format, *layout;
    } rows[] = {
        {SAVED "/good-tf2-module/model", "saved_model", "tf2"},
        {SAVED "/good-tf2-module/model/", "saved_model", "tf2"},
        {SAVED "/good-tf2-module/model/saved_model.pb", "saved_model", "tf2"},
        {SAVED "/good-tf2-module/model/variables/variables", "tf_checkpoint", "objects"},
        {SAVED "/good-tf2-module/model/variables", "tf_checkpoint", "objects"},
        {SAVED "/good-tf1-text/model", "saved_model", "tf1"},
        {SAVED "/good-meta-beside/model.ckpt-3.meta", "tf_checkpoint", "names"},
        {SAVED "/good-meta-alone", "saved_model", "meta"},
        {"saved_model:" SAVED "/good-meta-beside/model.ckpt-3.meta", "saved_model", "meta"},
        {SAVED "/good-frozen/frozen.pb", "saved_model", "graph"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tn_model *model = open_model(*state, rows[i].path, NULL);
        assert_string_equal(tn_model_format(model), rows[i].format);
        assert_string_equal(tn_model_layout(model), rows[i].layout);
        tn_model_free(model);
    }
}

/* A tag set is a set, and chooses whose constants are listed. */
static void tags(void **state)
{
    const char *path = SAVED "/good-tf1-two-tags/model";
    tn_model *all = open_model(*state, path, NULL), *one = open_model(*state, path, "serve");
    tn_model *two = open_model(*state, path, "train,gpu"),
             *swapped = open_model(*state, path, "gpu,train");
    assert_true(tn_model_count(all) > tn_model_count(two));
    assert_true(tn_model_count(two) > tn_model_count(one));
    assert_int_equal(tn_model_count(two), tn_model_count(swapped));
    assert_int_not_equal(tn_model_find(all, TN_SCHEME_NAME, TN_LIT("serve/scale")), TN_NO_INDEX);
    assert_int_equal(tn_model_find(one, TN_SCHEME_NAME, TN_LIT("serve/scale")), TN_NO_INDEX);
    tn_model_free(all);
    tn_model_free(one);
    tn_model_free(two);
    tn_model_free(swapped);
    expect_failure(*state, path, "train", TN_E_NO_MATCH, "--tags gpu,train, --tags serve");
    expect_failure(*state, path, "", TN_E_NO_MATCH, "--tags serve");
    expect_failure(*state, path, "serve,serve,nobody", TN_E_NO_MATCH, "--tags serve");
    expect_failure(*state, SAVED "/good-meta-beside/model.ckpt-3", "serve", TN_E_IMPOSSIBLE,
                   "--tags");
}

static void bad_ones(void **state)
{
    expect_failure(*state, SAVED "/bad-not-a-saved-model", NULL, TN_E_CORRUPT, "no SavedModel");
    expect_failure(*state, SAVED "/bad-chunked", NULL, TN_E_UNSUPPORTED, "variables/variables");
    expect_failure(*state, SAVED "/bad-no-variables", NULL, TN_E_MISSING_FILE, "the whole folder");
    expect_failure(*state, SAVED "/bad-dangling", NULL, TN_E_CORRUPT, "node 0");
    expect_failure(*state, SAVED "/bad-deep", NULL, TN_E_CORRUPT, "constant");
}

/* Writes a field with a length before its bytes. */
static size_t put(uint8_t *out, unsigned number, const void *bytes, size_t len)
{
    uint8_t *at = out;
    *at++ = (uint8_t)(number << 3 | 2);
    at += tni_put_varint64(at, len);
    memmove(at, bytes, len);
    return (size_t)(at - out) + len;
}

/* Wraps what stands at the beginning of a buffer into a field of another message. */
static size_t wrap(uint8_t *at, size_t len, unsigned number)
{
    uint8_t head[11] = {(uint8_t)(number << 3 | 2)};
    size_t width = 1 + tni_put_varint64(head + 1, len);
    memmove(at + width, at, len);
    memcpy(at, head, width);
    return width + len;
}

/* Makes a Const node whose values fill `bytes`, with fields before and behind them. */
static size_t make_const(uint8_t *out, const char *name, const uint8_t *values, size_t bytes)
{
    enum { ROOM = 1 << 17 };
    static uint8_t tensor[ROOM], value[ROOM];
    uint8_t dim[16] = {0x08};
    size_t len = 0, dim_len = 1 + tni_put_varint64(dim + 1, bytes);
    tensor[len++] = 0x08;
    tensor[len++] = 4; /* uint8 */
    uint8_t shape[32];
    size_t shape_len = put(shape, 2, dim, dim_len);
    len += put(tensor + len, 2, shape, shape_len);
    len += put(tensor + len, 4, values, bytes);
    tensor[len++] = 0x18; /* version_number, behind the values */
    tensor[len++] = 1;
    memcpy(value, tensor, len);
    len = wrap(value, len, 8); /* AttrValue.tensor */
    len = wrap(value, len, 2); /* the entry's value */
    size_t at = put(out, 1, name, strlen(name));
    at += put(out + at, 2, "Const", 5);
    uint8_t *entry = out + at;
    size_t entry_len = put(entry, 1, "value", 5);
    memcpy(entry + entry_len, value, len);
    at += wrap(entry, entry_len + len, 5);
    at += put(out + at, 4, "/cpu:0", 6);
    return wrap(out, at, 1); /* GraphDef.node */
}

/* Values from a few bytes to several windows: all are read, and the large ones from the file. */
static void large_constants(void **state)
{
    static const size_t sizes[] = {1, 4095, 4096, 5000, 70000, 100001};
    enum { COUNT = sizeof sizes / sizeof sizes[0] };
    static uint8_t file[1 << 20], values[1 << 17];
    tn_scratch scratch;
    size_t len = 0;
    for (size_t i = 0; i < sizeof values; i++) {
        values[i] = (uint8_t)(i * 2654435761u >> 11);
    }
    for (size_t i = 0; i < COUNT; i++) {
        char name[8];
        snprintf(name, sizeof name, "c%zu", i);
        len += make_const(file + len, name, values + i, sizes[i]);
    }
    tn_scratch_make(&scratch);
    const char *path = write_bytes(&scratch, "g.pb", file, len);
    tn_model *model = open_model(*state, path, NULL);
    assert_int_equal(tn_model_count(model), COUNT);
    const tni_sm_image *image = &model->graph->image;
    assert_int_equal(image->n_holes, 4);
    assert_true(image->len < 8192);
    assert_int_equal(tni_sm_image_offset(image, image->data + image->len), len);
    tn_reader *reader;
    assert_int_equal(tn_reader_new(*state, true, &reader, NULL), TN_OK);
    for (size_t i = 0; i < COUNT; i++) {
        static uint8_t got[1 << 17];
        const tn_tensor *tensor = tn_model_at(model, i);
        assert_int_equal(tensor->elements, sizes[i]);
        assert_int_equal(tn_reader_start(reader, tensor, NULL), TN_OK);
        assert_int_equal(tn_reader_next(reader, tensor->elements, got, NULL), TN_OK);
        assert_int_equal(tn_reader_end(reader, NULL), TN_OK);
        assert_memory_equal(got, values + i, sizes[i]);
    }
    tn_reader_free(reader);
    tn_model_free(model);
    tn_scratch_remove(&scratch);
}

/* A file that is cut anywhere opens as nothing, or is said to be damaged; never as the whole. */
static void cut_files(void **state)
{
    tn_scratch scratch;
    tn_scratch_make(&scratch);
    FILE *file = fopen(SAVED "/good-frozen/frozen.pb", "rb");
    static uint8_t bytes[1 << 16];
    assert_non_null(file);
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    tn_model *whole = open_model(*state, SAVED "/good-frozen/frozen.pb", NULL);
    for (size_t cut = 0; cut < len; cut += 7) {
        tn_model *model;
        tn_error err = {0};
        const char *path = write_bytes(&scratch, "g.pb", bytes, cut);
        if (tn_open(*state, path, &(tn_open_options){.from = "saved_model"}, &model, &err) ==
            TN_OK) {
            assert_true(tn_model_count(model) <= tn_model_count(whole));
            tn_model_free(model);
        } else {
            assert_true(err.status == TN_CORRUPT);
        }
    }
    tn_model_free(whole);
    tn_scratch_remove(&scratch);
}

/* Puts a version of as many bytes in the place of the one that wrote the fixture, and says of every
 * VariableDef that it is not trained. */
static void make_older(uint8_t *bytes, size_t len, const char *version)
{
    static const char written[] = "2.21.0";
    bool collections = false;
    for (size_t i = 0; i + 19 <= len; i++) {
        if (memcmp(bytes + i, written, 6) == 0) {
            memcpy(bytes + i, version, 6);
        }
        collections = collections || memcmp(bytes + i, "trainable_variables", 19) == 0;
        if (collections && bytes[i] == 0x38 && bytes[i + 1] == 1) { /* field 7 */
            bytes[i + 1] = 0;
        }
    }
}

/* Before 1.9 TensorFlow said by the collection alone which variables are trained. */
static void old_trainable(void **state)
{
    static const struct {
        const char *version;
        tn_trainable weight;
    } rows[] = {{"2.21.0", TN_TRAINABLE_NO},  {"1.10.1", TN_TRAINABLE_NO},
                {"1.9.00", TN_TRAINABLE_NO},  {"1.8.00", TN_TRAINABLE_YES},
                {"0.12.1", TN_TRAINABLE_YES}, {"1.0.12", TN_TRAINABLE_YES}};
    static uint8_t whole[1 << 14], bytes[1 << 14];
    tn_scratch scratch;
    tn_scratch_make(&scratch);
    FILE *file = fopen(SAVED "/good-meta-alone/model.ckpt.meta", "rb");
    assert_non_null(file);
    size_t len = fread(whole, 1, sizeof whole, file);
    fclose(file);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memcpy(bytes, whole, len);
        make_older(bytes, len, rows[i].version);
        const char *path = write_bytes(&scratch, "model.ckpt.meta", bytes, len);
        tn_model *model = open_model(*state, path, NULL);
        uint32_t weight = tni_model_index(model, TN_SCHEME_NAME, TN_LIT("W"));
        uint32_t other = tni_model_index(model, TN_SCHEME_NAME, TN_LIT("unknown"));
        assert_true(weight < model->count && other < model->count);
        assert_int_equal(model->tensors[weight].trainable, rows[i].weight);
        assert_int_equal(model->tensors[other].trainable, TN_TRAINABLE_NO);
        tn_model_free(model);
    }
    tn_scratch_remove(&scratch);
}

/* Writes a text proto and opens it. */
static tn_status open_text(tn_context *ctx, tn_scratch *scratch, const char *text, tn_model **model,
                           tn_error *err)
{
    const char *path = write_bytes(scratch, "g.pbtxt", text, strlen(text));
    *err = (tn_error){0};
    return tn_open(ctx, path, NULL, model, err);
}

/* What protobuf's text format allows beyond what TensorFlow's own writer uses. */
static void text_forms(void **state)
{
    tn_scratch scratch;
    tn_model *model;
    tn_error err = {0};
    tn_scratch_make(&scratch);
    tn_status status = open_text(
        *state, &scratch,
        "# a comment\nnode <\n name: 'a' op: \"Con\" \"st\"; unknown_field { x: [1, 2] y: 'z' },\n"
        " attr: { key: 'value' value { tensor { dtype: DT_INT32 tensor_shape { dim { size: 0x3 } "
        "}\n"
        "   int_val: [ -1, 017, 0x10 ] } } } >\n"
        "node { name: 'b' op: 'Const' attr { key: 'value' value { tensor { dtype: 1\n"
        "   tensor_shape { dim { size: 4 } } float_val: 1.5f float_val: -inf float_val: 2e-3 } } "
        "}\n"
        " [some.extension] { a: 1 } }\n"
        "node { name: 'c' op: 'Const' attr { key: 'value' value { tensor { dtype: DT_STRING\n"
        "   tensor_shape { } string_val: '\\x41\\102\\n\\u00e9' } } } }\n",
        &model, &err);
    if (status != TN_OK) {
        fail_msg("%s", err.message);
    }
    tn_reader *reader;
    int32_t a[3];
    float b[4];
    const tn_str *c;
    assert_int_equal(tn_reader_new(*state, true, &reader, NULL), TN_OK);
    assert_int_equal(tn_reader_start(reader, tn_model_at(model, 0), NULL), TN_OK);
    assert_int_equal(tn_reader_next(reader, 3, a, NULL), TN_OK);
    assert_true(a[0] == -1 && a[1] == 15 && a[2] == 16);
    assert_int_equal(tn_reader_start(reader, tn_model_at(model, 1), NULL), TN_OK);
    assert_int_equal(tn_reader_next(reader, 4, b, NULL), TN_OK);
    assert_true(b[0] == 1.5f && b[1] < -3e38f && b[2] == 2e-3f && b[3] == 2e-3f);
    assert_int_equal(tn_reader_strings(reader, tn_model_at(model, 2), &c, NULL), TN_OK);
    assert_true(tn_str_equal(*c, TN_LIT("AB\n\xC3\xA9")));
    tn_reader_free(reader);
    tn_model_free(model);
    tn_scratch_remove(&scratch);
}

/* A few bytes that stand for terabytes; and an operation that nobody has registered. */
static void amplified_and_unknown(void **state)
{
    tn_scratch scratch;
    tn_model *model;
    tn_error err = {0};
    tn_scratch_make(&scratch);
#define CONST(size)                                                                          \
    "node { name: 'c' op: 'Const' attr { key: 'dtype' value { type: DT_FLOAT } }\n"          \
    " attr { key: 'value' value { tensor { dtype: DT_FLOAT tensor_shape { dim { size: " size \
    " } } float_val: 1 } } } }\n"
    assert_int_equal(open_text(*state, &scratch, CONST("1099511627776"), &model, &err), TN_LIMIT);
    assert_int_equal(err.code, TN_E_LIMIT);
    assert_non_null(strstr(err.hint, "decoded-bytes=4398046511104"));
    tn_status status = open_text(*state, &scratch,
                                 CONST("3") "node { name: 'own' op: 'SomebodysOwn' input: 'c'\n"
                                            " attr { key: 'odd' value { s: '\\001' } } }\n",
                                 &model, &err);
#undef CONST
    assert_int_equal(status, TN_OK);
    assert_int_equal(tn_model_count(model), 1);
    assert_int_equal(tn_model_at(model, 0)->elements, 3);
    tn_model_free(model);
    tn_scratch_remove(&scratch);
}

static void text_errors(void **state)
{
    static const struct {
        const char *text, *said;
        uint32_t line, column;
    } rows[] = {
        {"node { name: 'a\n' }", "does not end on its line", 1, 14},
        {"node {\n name: \"\\q\" }", "no escape", 2, 9},
        {"node { name: 5 }", "a string", 1, 14},
        {"node {\n name { } }", "a value", 2, 7},
        {"node: 7", "a message", 1, 7},
        {"node { name: 'a' ", "a field is expected", 1, 18},
        {"node { } }", "a field is expected", 1, 10},
        {"versions { producer: 1.5 }", "an integer", 1, 22},
        {"node { attr { value { type: DT_NOTHING } } }", "no such value", 1, 29},
        {"node { attr { value { b: maybe } } }", "true or false", 1, 26},
        {"node { name: 'a' @ }", "no place", 1, 18},
    };
    tn_scratch scratch;
    tn_scratch_make(&scratch);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tn_model *model;
        tn_error err = {0};
        assert_int_equal(open_text(*state, &scratch, rows[i].text, &model, &err), TN_CORRUPT);
        if (strstr(err.message, rows[i].said) == NULL || err.line != rows[i].line ||
            err.column != rows[i].column) {
            fail_msg("%s: %u:%u %s", rows[i].text, err.line, err.column, err.message);
        }
    }
    static char deep[200 * 32];
    size_t len = 0;
    for (int i = 0; i < 300; i++) {
        len += (size_t)snprintf(deep + len, sizeof deep - len, "node { x { ");
    }
    tn_model *model;
    tn_error err = {0};
    assert_int_equal(open_text(*state, &scratch, deep, &model, &err), TN_LIMIT);
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
        cmocka_unit_test(paths),
        cmocka_unit_test(tags),
        cmocka_unit_test(bad_ones),
        cmocka_unit_test(large_constants),
        cmocka_unit_test(cut_files),
        cmocka_unit_test(text_forms),
        cmocka_unit_test(text_errors),
        cmocka_unit_test(old_trainable),
        cmocka_unit_test(amplified_and_unknown),
    };
    return cmocka_run_group_tests(tests, make_context, free_context);
}
