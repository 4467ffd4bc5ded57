/* Fixtures in memory, with digests of what their producers say is in them. */
#include "mutants.h"

#include "formats/fixtures.h"
#include <sys/stat.h>

enum { MOST_FILE = 1 << 16, MOST_SETS = 256 };

const char *const mutant_forms[FORMS] = {"tf_checkpoint", "tf_checkpoint_v1", "safetensors",
                                         "names_list",    "keras_h5",         "saved_model"};

static size_t root_len;

static bool load_file(const char *path, const char *name, set_file *file)
{
    struct stat about;
    bool apart = strcmp(name, "expected.json") == 0 || strcmp(name, "checkpoint") == 0;
    if (apart || stat(path, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size > MOST_FILE) {
        return false;
    }
    FILE *stream = fopen(path, "rb");
    char *block = malloc(MOST_FILE);
    FUZZ_HOLDS(stream != NULL && block != NULL);
    size_t len = fread(block, 1, MOST_FILE, stream);
    fclose(stream);
    snprintf(file->name, sizeof file->name, "%s", name);
    mut_set(&file->bytes, block, len);
    free(block);
    return true;
}

void set_write(const set_file *file)
{
    (void)fuzz_file(file->name, (tn_str){(const char *)file->bytes.at, file->bytes.len});
}

/* Loads the files beside the one to open; of an HDF5 fixture that one alone. */
static void load_files(set *s, const char *folder, const char *path)
{
    char in[FIXTURE_PATH], each[2 * FIXTURE_PATH];
    struct dirent **names;
    const char *slash = strrchr(path, '/');
    snprintf(in, sizeof in, "%s/%.*s", folder, slash == NULL ? 0 : (int)(slash - path), path);
    snprintf(s->main, sizeof s->main, "%s", slash == NULL ? path : slash + 1);
    int found = scandir(in, &names, NULL, alphasort);
    for (int i = 0; i < found; i++) {
        const char *name = names[i]->d_name;
        snprintf(each, sizeof each, "%s/%s", in, name);
        bool wanted_one = s->form != FORM_HDF5 || strcmp(name, s->main) == 0;
        if (wanted_one && s->count < SET_FILES) {
            s->count += load_file(each, name, &s->files[s->count]);
        }
        free(names[i]);
    }
    free(names);
}

static bool has_form(const tn_tensor *tensor, const json_t *record)
{
    const char *dtype = json_string_value(json_object_get(record, "dtype"));
    const json_t *shape = json_object_get(record, "shape");
    bool same = dtype == NULL || tn_dtype_find(tn_str_of(dtype)) == tensor->dtype;
    same = same && (!json_is_array(shape) || json_array_size(shape) == tensor->rank);
    for (uint32_t i = 0; same && json_is_array(shape) && i < tensor->rank; i++) {
        const json_t *size = json_array_get(shape, i);
        same = !json_is_integer(size) || json_integer_value(size) == tensor->shape[i];
    }
    return same;
}

/* Takes down what one record says, after a look whether tenon says the same. */
static void take_record(fuzz *f, const tn_model *model, tn_reader *reader, const json_t *record,
                        wanted *w)
{
    const tn_tensor *tensor = fixture_find(model, record);
    tn_error err = {0};
    FUZZ_HOLDS(tensor != NULL && has_form(tensor, record));
    FUZZ_HOLDS(fixture_values(f->ctx, reader, tensor, record, &err) == NULL);
    mut_bytes key = {NULL, 0, 0};
    mut_set(&key, tensor->alias[TN_SCHEME_KEY].data, tensor->alias[TN_SCHEME_KEY].len);
    w->key = (tn_str){(const char *)key.at, key.len};
    err = (tn_error){0};
    (void)fuzz_tensor(reader, tensor, &w->digest, &err);
    w->code = err.code;
}

static void take_expected(set *s, const json_t *expected)
{
    const json_t *records = json_object_get(expected, "tensors"), *record;
    size_t index;
    fuzz f;
    tn_model *model;
    tn_reader *reader;
    fuzz_clean();
    for (size_t i = 0; i < s->count; i++) {
        set_write(&s->files[i]);
    }
    fuzz_begin(&f);
    FUZZ_HOLDS(tn_open(f.ctx, fuzz_path(s->main), NULL, &model, NULL) == TN_OK);
    FUZZ_HOLDS(tn_reader_new(f.ctx, true, &reader, NULL) == TN_OK);
    s->tensors = calloc(json_array_size(records) + 1, sizeof *s->tensors);
    json_array_foreach(records, index, record)
    {
        take_record(&f, model, reader, record, &s->tensors[s->n_tensors++]);
    }
    tn_reader_free(reader);
    tn_model_free(model);
    fuzz_end(&f);
}

static void take_fixture(const char *folder, const json_t *expected, void *user)
{
    sets *all = user;
    set *s = &all->at[all->count];
    const char *form = json_string_value(json_object_get(expected, "format"));
    FUZZ_HOLDS(all->count < MOST_SETS && form != NULL);
    s->form = FORM_TF; /* a fixture that was left out may stand here */
    s->count = 0;
    snprintf(s->folder, sizeof s->folder, "%s", folder + root_len);
    while (s->form < FORMS && strcmp(mutant_forms[s->form], form) != 0) {
        s->form++;
    }
    FUZZ_HOLDS(s->form < FORMS);
    load_files(s, folder, json_string_value(json_object_get(expected, "path")));
    bool whole = false;
    for (size_t i = 0; i < s->count; i++) {
        whole = whole || strncmp(s->files[i].name, s->main, strlen(s->main)) == 0;
    }
    if (whole) { /* else it is larger than what is mutated here */
        take_expected(s, expected);
        all->count++;
    }
}

void sets_load(const char *fixtures, sets *all)
{
    root_len = strlen(fixtures) + 1;
    *all = (sets){calloc(MOST_SETS, sizeof *all->at), 0};
    FUZZ_HOLDS(all->at != NULL);
    FUZZ_HOLDS(fixture_visit(fixtures, 2, take_fixture, all) > 0 && all->count > 0);
}

void sets_clear(sets *all)
{
    for (size_t i = 0; i < all->count; i++) {
        for (size_t k = 0; k < SET_FILES; k++) {
            mut_clear(&all->at[i].files[k].bytes);
        }
        for (size_t k = 0; k < all->at[i].n_tensors; k++) {
            free((void *)(uintptr_t)all->at[i].tensors[k].key.data);
        }
        free(all->at[i].tensors);
    }
    free(all->at);
}
