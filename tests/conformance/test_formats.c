/* What every format promises, whatever it is: loops over the table of formats and over all
 * fixtures. */
#include "converters/conv.h"
#include "converters/conv_fixtures.h"
#include "formats/probe.h"
#include "model/model.h"
#include <time.h>
#include <unistd.h>

enum { MOST_CUTS = 1500 }; /* bytes of the files that are cut everywhere */

static void check_words(const tn_format *format)
{
    assert_true(format->name[0] != '\0' && format->title[0] != '\0');
    for (const char *c = format->name; *c != '\0'; c++) {
        assert_true((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_');
    }
    assert_ptr_equal(tni_format_find(tn_str_of(format->name)), format);
    for (size_t i = 0; format->extensions[i] != NULL; i++) {
        assert_int_equal(format->extensions[i][0], '.');
    }
    for (size_t i = 0; format->notes[i] != NULL; i++) {
        size_t len = strlen(format->notes[i]);
        assert_true(len > 10 && format->notes[i][len - 1] != '.');
    }
}

/* A dtype that is stored as another one keeps its bytes, and that one is stored as it is. */
static void check_stores(const tn_format *format)
{
    size_t kept = 0;
    for (int d = 1; d < TN_DTYPE_COUNT; d++) {
        tni_store_rule rule = format->writer->stores((tn_dtype)d);
        kept += rule.how == TNI_STORE_AS_IS;
        if (rule.how == TNI_STORE_AS_OTHER) {
            assert_int_equal(format->writer->stores(rule.as).how, TNI_STORE_AS_IS);
            assert_int_equal(tn_dtype_about(rule.as)->bits, tn_dtype_about((tn_dtype)d)->bits);
        }
    }
    assert_true(kept >= 5);
    assert_int_equal(format->writer->stores(TN_FLOAT32).how, TNI_STORE_AS_IS);
}

/* Main names stand in the output's folder, or in the folder that it is. */
static void check_mains(conv *c, const tn_format *format)
{
    tni_arena arena;
    tni_names mains = {NULL, 0};
    tn_error err = {0};
    tni_arena_init(&arena, c->ctx, 1 << 20);
    conv_ok(format->writer->mains(TN_LIT("model"), &arena, &mains, &err), &err);
    assert_true(mains.count > 0);
    for (size_t i = 0; i < mains.count; i++) {
        assert_true(format->writer->folder || tn_str_starts(mains.at[i], TN_LIT("model")));
        assert_null(memchr(mains.at[i].data, '/', mains.at[i].len));
    }
    tni_arena_clear(&arena);
}

static void descriptors_are_sane(void **state)
{
    conv *c = *state;
    size_t count = 0;
    for (const tn_format *const *f = tni_formats(); *f != NULL; f++, count++) {
        check_words(*f);
        assert_true((*f)->probe != NULL && (*f)->member != NULL);
        assert_true((*f)->reader != NULL || (*f)->writer != NULL);
        assert_true((*f)->reader == NULL || (*f)->reader->open != NULL);
        if ((*f)->writer != NULL) {
            const tni_writer_ops *w = (*f)->writer;
            assert_true(w->name_ok != NULL && w->layout != NULL && w->mains != NULL);
            assert_true((w->roles & 1u << TN_ROLE_VARIABLE) != 0);
            assert_true((*f)->extensions[0] != NULL);
            check_stores(*f);
            check_mains(c, *f);
        }
        tn_format_info info = tn_format_at(count);
        assert_string_equal(info.name, (*f)->name);
        assert_int_equal(info.reads, (*f)->reader != NULL);
        assert_int_equal(info.writes, (*f)->writer != NULL);
        for (const tn_format *const *g = tni_formats(); *g != *f; g++) {
            assert_string_not_equal((*f)->name, (*g)->name);
            assert_string_not_equal((*f)->title, (*g)->title);
        }
    }
    assert_int_equal(count, tn_format_count());
}

/* What hostile or empty files get from each probe: an answer. */
static void probes_take_anything(void **state)
{
    conv *c = *state;
    uint64_t random = 17;
    for (size_t round = 0; round < 300; round++) {
        char data[TNI_PROBE_WINDOW];
        size_t len = conv_random(&random, round < 100 ? 16 : sizeof(data));
        for (size_t i = 0; i < len; i++) {
            data[i] = (char)(round % 3 == 0 ? "{}[]\":,0aPK\x93"[conv_random(&random, 12)]
                                            : (int)conv_random(&random, 256));
        }
        tn_source *source;
        assert_int_equal(tni_source_memory(c->ctx, data, len, "noise", &source, NULL), TN_OK);
        for (const tn_format *const *f = tni_formats(); *f != NULL; f++) {
            tni_grade grade;
            assert_int_equal(tni_probe_file(*f, source, &grade, NULL), TN_OK);
            assert_in_range(grade, TNI_GRADE_NO, TNI_GRADE_LIKELY);
        }
        tni_source_release(source);
    }
}

typedef struct matrix {
    conv *c;
    size_t fixtures, members;
} matrix;

/* Each fixture's main file is claimed by its own format above all others. */
static void check_probes(const char *folder, const tn_model *model)
{
    tni_grade own = TNI_GRADE_NO, other = TNI_GRADE_NO;
    tn_source *main = model->sources[0];
    for (const tn_format *const *f = tni_formats(); *f != NULL; f++) {
        tni_grade grade;
        assert_int_equal(tni_probe_file(*f, main, &grade, NULL), TN_OK);
        if (*f == model->format) {
            own = grade;
        } else {
            other = grade > other ? grade : other;
        }
    }
    if (own < TNI_GRADE_LIKELY || other >= own) {
        fail_msg("%s: its own grade is %d, another's %d", folder, (int)own, (int)other);
    }
}

static bool names_have(const tni_names *names, tn_str name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (tn_str_equal(names->at[i], name)) {
            return true;
        }
    }
    return false;
}

/* Every file of a set leads to its main file, and the set's list has them all. A lone file may be
 * known by its content only. */
static void check_members(matrix *m, const tn_model *model)
{
    const tn_format *format = model->format;
    const tn_model_file *files;
    tn_str main = tni_source_name(model->sources[0]), found;
    tni_arena arena;
    tni_names siblings, members = {&main, 1};
    char path[FIXTURE_PATH];
    tn_error err = {0};
    tni_arena_init(&arena, m->c->ctx, 1 << 24);
    snprintf(path, sizeof(path), "%s", tni_source_path(model->sources[0]));
    *strrchr(path, '/') = '\0';
    conv_ok(tni_list_folder(m->c->ctx, path, 1000, &arena, &siblings, &err), &err);
    if (format->reader->members != NULL) {
        conv_ok(format->reader->members(m->c->ctx, model->sources[0], &arena, &members, &err),
                &err);
    }
    size_t n = tn_model_files(model, &files);
    for (size_t i = 0; i < n; i++) {
        assert_true(names_have(&members, files[i].name));
        if (memchr(files[i].name.data, '/', files[i].name.len) != NULL) {
            continue; /* of another set, which lies in a folder of this one */
        }
        bool led = format->member(files[i].name, &siblings, &arena, &found);
        assert_true(led ? tn_str_equal(found, main) : i == 0);
        m->members++;
    }
    tni_arena_clear(&arena);
}

static void each_fixture(const char *folder, const json_t *expected, void *user)
{
    matrix *m = user;
    char path[2 * FIXTURE_PATH];
    if (!fixture_readable(expected)) {
        return;
    }
    snprintf(path, sizeof(path), "%s/%s", folder,
             json_string_value(json_object_get(expected, "path")));
    tn_model *model = conv_open(m->c->ctx, path);
    assert_string_equal(tn_model_format(model),
                        json_string_value(json_object_get(expected, "format")));
    check_probes(folder, model);
    check_members(m, model);
    m->fixtures++;
    tn_model_free(model);
}

static void every_fixture_is_claimed(void **state)
{
    matrix m = {.c = *state};
    fixture_visit(TN_FIXTURES, 2, each_fixture, &m);
    print_message("%zu fixtures, %zu files of sets\n", m.fixtures, m.members);
    assert_true(m.fixtures > 50 && m.members > m.fixtures);
}

/* Opens and reads all that can be read, but for documents and what only a graph around the tensors
 * needs. Returns how many tensors came whole. */
static size_t read_all(tn_context *ctx, const char *path, tn_error *err)
{
    tn_model *model;
    tn_reader *reader;
    size_t whole = 0;
    if (tn_open(ctx, path, NULL, &model, err) != TN_OK) {
        return 0;
    }
    assert_int_equal(tn_reader_new(ctx, true, &reader, NULL), TN_OK);
    for (size_t i = 0; i < tn_model_count(model); i++) {
        const tn_tensor *tensor = tn_model_at(model, i);
        tn_error one = {0};
        tn_status status;
        if (tensor->document || (tensor->hidden && tensor->role == TN_ROLE_CONSTANT)) {
            continue;
        }
        if (tensor->dtype == TN_STRING) {
            const tn_str *strings;
            status = tn_reader_strings(reader, tensor, &strings, &one);
        } else {
            char *values = malloc((size_t)tensor->bytes + 16);
            status = tn_reader_start(reader, tensor, &one);
            if (status == TN_OK) {
                status = tn_reader_next(reader, tensor->elements, values, &one);
            }
            if (status == TN_OK) {
                status = tn_reader_end(reader, &one);
            }
            free(values);
        }
        whole += status == TN_OK;
        if (status != TN_OK) {
            *err = one;
        }
    }
    tn_reader_free(reader);
    tn_model_free(model);
    return whole;
}

/* Writes a small model in a format, with one file's name of the output in `name`. */
static size_t small_model(conv *c, const tn_format *format, char *path, size_t room)
{
    static const float w[] = {1, 2, 3, 4, 5, 6};
    static const conv_tensor tensors[] = {{"a.w", "F32", "2,3", w, 24}, {"b", "F32", "", w, 4}};
    char in[TN_SCRATCH_PATH], name[64];
    tn_convert_options options = {.to = format->name, .replace = true};
    snprintf(in, sizeof(in), "%s", conv_safetensors(c, "in.safetensors", tensors, 2));
    snprintf(name, sizeof(name), "small%s", format->writer->folder ? "" : format->extensions[0]);
    snprintf(path, room, "%s", conv_at(c, name));
    return conv_must(c->ctx, in, path, &options).files_written;
}

/* Cuts one file at every byte: what opens has fewer tensors, or an error says what is wrong. */
static size_t cut_file(conv *c, const char *path, const char *file)
{
    conv_bytes whole = conv_load(file);
    size_t cuts = 0;
    for (size_t len = 0; len < whole.len && len < MOST_CUTS; len++, cuts++) {
        tn_error err = {0};
        assert_int_equal(truncate(file, (off_t)len), 0);
        size_t found = read_all(c->ctx, path, &err);
        if (found >= 2 || err.status == TN_OK || err.message[0] == '\0') {
            fail_msg("%s cut at %zu: %zu tensors came whole, status %d", file, len, found,
                     (int)err.status);
        }
        assert_true(err.status == TN_CORRUPT || err.status == TN_UNKNOWN_FORMAT);
        conv_store(file, whole.at, whole.len);
    }
    free(whole.at);
    return cuts;
}

static void every_cut_is_found(void **state)
{
    conv *c = *state;
    size_t cuts = 0;
    for (const tn_format *const *f = tni_formats(); *f != NULL; f++) {
        char path[TN_SCRATCH_PATH];
        const tn_model_file *files;
        tn_error err = {0};
        if ((*f)->writer == NULL || (*f)->reader == NULL) {
            continue;
        }
        size_t written = small_model(c, *f, path, sizeof(path));
        assert_int_equal(read_all(c->ctx, path, &err), 2);
        tn_model *model = conv_open(c->ctx, path);
        size_t n = tn_model_files(model, &files);
        assert_int_equal(n, written);
        char names[8][256];
        assert_true(n <= 8);
        for (size_t i = 0; i < n; i++) {
            snprintf(names[i], sizeof(names[i]), "%.*s", (int)files[i].name.len,
                     files[i].name.data);
        }
        tn_model_free(model);
        for (size_t i = 0; i < n; i++) {
            char file[2 * TN_SCRATCH_PATH];
            snprintf(file, sizeof(file), "%s%s%s", (*f)->writer->folder ? path : c->dir.path, "/",
                     names[i]);
            cuts += cut_file(c, path, file);
        }
    }
    print_message("%zu cuts\n", cuts);
    assert_true(cuts > 100);
}

int main(void)
{
    conv_in_memory();
    const struct CMUnitTest tests[] = {
        CONV_TEST(descriptors_are_sane),
        CONV_TEST(probes_take_anything),
        CONV_TEST(every_fixture_is_claimed),
        CONV_TEST(every_cut_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
