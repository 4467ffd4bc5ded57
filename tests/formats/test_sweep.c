/* Every small fixture, damaged everywhere: cut at every byte, and each bit turned. Opening and
 * reading all of it must end in an error or in the right values; where a format has no checksums,
 * it must just end.
 *
 * At most TRIALS places a file are tried, spread evenly (fewer where each starts a helper program);
 * TN_SWEEP=N tries N places a file, TN_SWEEP=all tries all of them.
 * TN_SWEEP_FOLDER=PATH takes the fixtures below that folder alone. */
#include "fixtures.h"
#include "support/scratch.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    TRIALS = 400,
    HELPER_TRIALS = 60, /* of HDF5 */
    MAX_FILE = 1 << 16,
    MAX_FILES = 16,
    PLACES = 9 /* a byte: 8 bits and a cut */
};

typedef struct sweep {
    tn_context *ctx;
    tn_scratch scratch;
    const char *folder; /* the fixture's */
    const json_t *expected;
    char path[FIXTURE_PATH]; /* what to open */
    bool summed;             /* the format has checksums over everything */
    size_t most;             /* trials a file, as TN_SWEEP says; 0: it does not */
    size_t trials_of_file;
    size_t trials, refused, fixtures;
} sweep;

typedef struct file {
    char name[256];
    size_t size;
    char *data;
} file;

/* Opens and reads everything. Returns what is wrong, or NULL; counts a refusal. */
static const char *open_and_read(sweep *s)
{
    tn_model *model;
    tn_reader *reader;
    tn_error err = {0};
    const char *wrong = NULL;
    const json_t *record;
    size_t index;
    if (tn_open(s->ctx, s->path, NULL, &model, &err) != TN_OK) {
        s->refused++;
        return err.message[0] == '\0' ? "an error without a message" : NULL;
    }
    assert_int_equal(tn_reader_new(s->ctx, true, &reader, NULL), TN_OK);
    json_array_foreach(json_object_get(s->expected, "tensors"), index, record)
    {
        const tn_tensor *tensor = fixture_find(model, record);
        err = (tn_error){0};
        const char *differs = tensor == NULL ? "a tensor is gone"
                                             : fixture_values(s->ctx, reader, tensor, record, &err);
        if (differs != NULL && err.status == TN_OK && s->summed && wrong == NULL) {
            wrong = differs;
        }
        s->refused += err.status != TN_OK;
    }
    tn_reader_free(reader);
    tn_model_free(model);
    return wrong;
}

/* Damages one place of a file, tries, and mends it. */
static void try_place(sweep *s, const file *f, int fd, size_t place)
{
    size_t at = place / PLACES, bit = place % PLACES;
    char byte = (char)(f->data[at] ^ (1 << bit % 8));
    if (bit == 8) {
        assert_int_equal(ftruncate(fd, (off_t)at), 0);
    } else {
        assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
    }
    const char *wrong = open_and_read(s);
    if (wrong != NULL) {
        fail_msg("%s: %s: byte %zu, %s %zu: %s", s->folder, f->name, at,
                 bit == 8 ? "cut, place" : "bit", bit, wrong);
    }
    assert_int_equal(pwrite(fd, f->data + at, f->size - at, (off_t)at), f->size - at);
    s->trials++;
}

static void sweep_file(sweep *s, const file *f)
{
    size_t places = f->size * PLACES;
    size_t step = places <= s->trials_of_file ? 1 : places / s->trials_of_file;
    /* A step that shares no factor with the places of a byte, so that all kinds come by turns. */
    while (step > 1 && (step % 3 == 0)) {
        step++;
    }
    int fd = open(tn_scratch_at(&s->scratch, f->name), O_RDWR);
    assert_true(fd >= 0);
    for (size_t place = 0; place < places; place += step) {
        try_place(s, f, fd, place);
    }
    close(fd);
}

/* Copies one file of the fixture; false if it is none of the set's or too large. */
static bool copy_file(sweep *s, const char *folder, const char *name, file *f)
{
    char path[2 * FIXTURE_PATH];
    struct stat about;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    bool apart = strcmp(name, "expected.json") == 0 || strcmp(name, "checkpoint") == 0;
    if (apart || stat(path, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size > MAX_FILE) {
        return false;
    }
    f->size = (size_t)about.st_size;
    f->data = malloc(f->size + 1);
    snprintf(f->name, sizeof(f->name), "%s", name);
    FILE *in = fopen(path, "rb");
    FILE *out = fopen(tn_scratch_at(&s->scratch, name), "wb");
    assert_true(in != NULL && out != NULL);
    assert_int_equal(fread(f->data, 1, f->size, in), f->size);
    assert_int_equal(fwrite(f->data, 1, f->size, out), f->size);
    fclose(in);
    fclose(out);
    return true;
}

static void sweep_fixture(const char *folder, const json_t *expected, void *user)
{
    sweep *s = user;
    char in[FIXTURE_PATH];
    const char *path = json_string_value(json_object_get(expected, "path"));
    const char *slash = strrchr(path, '/');
    file files[MAX_FILES];
    size_t count = 0;
    struct dirent **names;
    snprintf(in, sizeof(in), "%s/%.*s", folder, slash == NULL ? 0 : (int)(slash - path), path);
    s->folder = folder;
    s->expected = expected;
    s->summed =
        strncmp(json_string_value(json_object_get(expected, "format")), "tf_checkpoint", 13) == 0;
    bool helper = strcmp(json_string_value(json_object_get(expected, "format")), "keras_h5") == 0;
    s->trials_of_file = s->most != 0 ? s->most : helper ? HELPER_TRIALS : TRIALS;
    tn_scratch_empty(&s->scratch);
    int found = scandir(in, &names, NULL, alphasort);
    for (int i = 0; i < found; i++) {
        count += count < MAX_FILES && copy_file(s, in, names[i]->d_name, &files[count]);
        free(names[i]);
    }
    free(names);
    snprintf(s->path, sizeof(s->path), "%s",
             tn_scratch_at(&s->scratch, slash == NULL ? path : slash + 1));
    size_t refused = s->refused;
    const char *wrong = open_and_read(s);
    if (wrong == NULL && s->refused == refused) {
        s->fixtures++;
        for (size_t i = 0; i < count; i++) {
            sweep_file(s, &files[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        free(files[i].data);
    }
}

static void every_place(void **state)
{
    tn_limits limits = tn_limits_default();
    limits.memory = limits.header_bytes = limits.decoded_bytes = 1 << 26;
    const char *all = getenv("TN_SWEEP"), *only = getenv("TN_SWEEP_FOLDER");
    sweep s = {.ctx = tn_context_new(&(tn_context_options){.limits = &limits, .threads = 1}),
               .most = all == NULL               ? 0
                       : strcmp(all, "all") == 0 ? SIZE_MAX
                                                 : (size_t)strtoul(all, NULL, 10)};
    (void)state;
    tn_scratch_make(&s.scratch);
    fixture_visit(only != NULL ? only : TN_FIXTURES, 2, sweep_fixture, &s);
    print_message("%zu fixtures, %zu damaged inputs, %zu refusals\n", s.fixtures, s.trials,
                  s.refused);
    tn_scratch_remove(&s.scratch);
    tn_context_free(s.ctx);
    assert_true(s.fixtures > 0);
    assert_true(s.refused > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_place)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
