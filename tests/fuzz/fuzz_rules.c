/* Rule files: a stage that was read and written reads back as the same text; and it is applied to a
 * model of many kinds of names, within bounds. */
#include "converters/rules/rule.h"
#include "target.h"

#include <stdlib.h>

static const char names[] =
    "{\"my_model/W\": [2], \"my_model/b\": [2], \"my_model/layer_0/kernel\": [2, 3], "
    "\"my_model/layer_11/kernel\": [2, 3], \"encoder.layers.3.weight\": [4], \"a\": [], \"a b\": "
    "[], "
    "\"{x}\": [1], \"*\": [1], \"my_model/W/Adam\": [2], \"my_model/W/Adam_1\": [2], "
    "\"beta1_power\": [], "
    "\"global_step\": {\"shape\": [], \"dtype\": \"int64\"}, \"caf\\u00e9/\\u2603\": [2], "
    "\"x\\ny\": [1]}";

/* Reads a file as a stage and writes it; none if it is refused. */
static char *print(fuzz *f, const char *path, size_t *len_out)
{
    tni_arena arena;
    tni_rulesets sets;
    tn_error err = {0};
    char *text = NULL;
    tni_arena_init(&arena, f->ctx, FUZZ_MEMORY);
    tni_rule_options options = {.rules = &path, .n_rules = 1};
    tn_status status = tni_rules_load(&arena, &options, &sets, &err);
    FUZZ_HOLDS(status == err.status);
    if (status == TN_OK) {
        FILE *out = open_memstream(&text, len_out);
        FUZZ_HOLDS(out != NULL && sets.count == 1);
        tni_rules_print(&sets.at[0], out);
        fclose(out);
    } else {
        FUZZ_HOLDS(err.message[0] != '\0' && err.code != TN_E_NONE);
    }
    tni_arena_clear(&arena);
    return text;
}

/* Plans with the rules; no file is written. */
static void apply(fuzz *f, const char *path)
{
    tn_model *model;
    tn_plan *plan;
    tn_error err = {0};
    const char *list = fuzz_file("names.json", (tn_str){names, sizeof names - 1});
    FUZZ_HOLDS(tn_open(f->ctx, list, NULL, &model, NULL) == TN_OK);
    tn_convert_options options = {
        .rules = &path, .n_rules = 1, .ignore_unmatch = true, .print_rules = true};
    tn_status status =
        tn_plan_new(f->ctx, model, fuzz_path("out.safetensors"), &options, &plan, &err);
    FUZZ_HOLDS(status == err.status);
    if (status == TN_OK) {
        tn_plan_free(plan);
    }
    tn_model_free(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz f;
    size_t first_len, second_len;
    const char *path = fuzz_file("r.yaml", (tn_str){(const char *)data, size});
    fuzz_begin(&f);
    char *first = print(&f, path, &first_len);
    if (first != NULL) {
        apply(&f, path);
        char *second = print(&f, fuzz_file("again.yaml", (tn_str){first, first_len}), &second_len);
        FUZZ_HOLDS(second != NULL);
        FUZZ_HOLDS(tn_str_equal((tn_str){first, first_len}, (tn_str){second, second_len}));
        free(second);
    }
    free(first);
    fuzz_end(&f);
    return 0;
}
