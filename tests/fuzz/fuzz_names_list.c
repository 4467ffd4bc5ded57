/* Names-and-shapes lists, in JSON or (first byte 'y') in YAML: every tensor is found by its name,
 * and no form is out of bounds. */
#include "target.h"

static void check(const tn_model *model)
{
    for (size_t i = 0; i < tn_model_count(model); i++) {
        const tn_tensor *tensor = tn_model_at(model, i);
        FUZZ_HOLDS(tn_model_find(model, TN_SCHEME_NAME, tensor->alias[TN_SCHEME_NAME]) == i);
        FUZZ_HOLDS(tensor->dtype < TN_DTYPE_COUNT && tensor->elements >= -1);
        for (uint32_t k = 0; k < tensor->rank; k++) {
            FUZZ_HOLDS(tensor->shape[k] >= -1);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz f;
    tn_model *model;
    tn_error err = {0};
    if (size == 0) {
        return 0;
    }
    tn_str text = {(const char *)data + 1, size - 1};
    const char *path = fuzz_file(data[0] == 'y' ? "l.yaml" : "l.json", text);
    fuzz_begin(&f);
    tn_status status = tn_open(f.ctx, path, &(tn_open_options){.from = "names_list"}, &model, &err);
    if (status == TN_OK) {
        check(model);
        tn_model_free(model);
    } else {
        FUZZ_HOLDS(err.code != TN_E_NONE && err.message[0] != '\0');
    }
    fuzz_end(&f);
    return 0;
}
