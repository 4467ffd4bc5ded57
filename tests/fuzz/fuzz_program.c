/* The whole way of any file: open, list, read all, plan, convert, open what came out. An input is a
 * byte that says what the file is called, one that says what it becomes, and the file; or two
 * files, the first with its length before it. What is converted has the values that the source has.
 */
#include "target.h"

/* What the files may be called; the second is what the first may need. */
static const struct {
    const char *first, *second;
} kinds[] = {
    {"m.safetensors", NULL},
    {"c.index", "c.data-00000-of-00001"},
    {"x", NULL},
    {"checkpoint", "c.index"},
    {"l.json", NULL},
    {"l.yaml", NULL},
    {"m.safetensors.index.json", "m-00001-of-00001.safetensors"},
    {"m.h5", NULL},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };
/* By the second byte; HDF5 starts a helper program, and costs as much as a hundred others. */
static const char *const outputs[] = {"out.safetensors", "out.index",       "out.safetensors",
                                      "out.index",       "out.safetensors", "out.index",
                                      "out.safetensors", "out.h5"};

/* Every tensor of the output has the values of the one that it came from. */
static void compare(fuzz *f, const tn_plan *plan, const char *path)
{
    const tn_plan_tensor *tensors;
    size_t count = tn_plan_tensors(plan, &tensors);
    tn_model *out;
    tn_reader *reader;
    FUZZ_HOLDS(tn_open(f->ctx, path, NULL, &out, NULL) == TN_OK);
    FUZZ_HOLDS(tn_reader_new(f->ctx, true, &reader, NULL) == TN_OK);
    for (size_t i = 0; i < count; i++) {
        uint64_t before, after;
        uint32_t index = tn_model_find(out, TN_SCHEME_KEY, tensors[i].name);
        index = index == TN_NO_INDEX ? tn_model_find(out, TN_SCHEME_NAME, tensors[i].name) : index;
        if (index != TN_NO_INDEX && tensors[i].tensor->dtype != TN_VARIANT) {
            FUZZ_HOLDS(fuzz_tensor(reader, tensors[i].tensor, &before, NULL) == TN_OK);
            FUZZ_HOLDS(fuzz_tensor(reader, tn_model_at(out, index), &after, NULL) == TN_OK);
            FUZZ_HOLDS(before == after);
        }
    }
    tn_reader_free(reader);
    tn_model_free(out);
}

static void convert(fuzz *f, const tn_model *model, unsigned how)
{
    const char *path = fuzz_path(outputs[how % 8]);
    tn_convert_options options = {.weights_only = (how & 8) != 0, .replace = true};
    tn_plan *plan;
    tn_converted converted;
    tn_error err = {0};
    tn_status status = tn_plan_new(f->ctx, model, path, &options, &plan, &err);
    FUZZ_HOLDS(status == err.status);
    if (status != TN_OK) {
        return;
    }
    status = tn_convert(plan, &converted, &err);
    FUZZ_HOLDS(status == err.status && err.code != TN_E_VERIFY);
    if (status == TN_OK) {
        compare(f, plan, path);
    }
    tn_plan_free(plan);
}

static void run(fuzz *f, const char *path, unsigned how)
{
    tn_model *model;
    tn_error err = {0};
    if (tn_open(f->ctx, path, NULL, &model, &err) != TN_OK) {
        FUZZ_HOLDS(err.code != TN_E_NONE && err.message[0] != '\0');
        return;
    }
    (void)fuzz_model(f, model);
    convert(f, model, how);
    tn_model_free(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz f;
    if (size < 2) {
        return 0;
    }
    tni_cursor input = tni_cursor_of(data + 2, size - 2);
    size_t kind = data[0] % KINDS;
    fuzz_clean();
    tn_str first = kinds[kind].second != NULL ? fuzz_part(&input) : fuzz_rest(&input);
    const char *path = fuzz_file(kinds[kind].first, first);
    if (kinds[kind].second != NULL) {
        (void)fuzz_file(kinds[kind].second, fuzz_rest(&input));
    }
    fuzz_begin(&f);
    run(&f, path, data[1]);
    fuzz_end(&f);
    return 0;
}
