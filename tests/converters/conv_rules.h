/* What the tests of rules share: models of names alone, and one rule file run over them. */
#ifndef TN_TESTS_CONVERTERS_CONV_RULES_H
#define TN_TESTS_CONVERTERS_CONV_RULES_H

#include "converters/conv.h"
#include "converters/rules/naming.h"
#include "model/model.h"
#include <tenon/rules.h>

/* A tensor of such a model; shape "2,3", "" for a scalar, NULL for "4". */
typedef struct rules_tensor {
    const char *name, *shape;
    tn_dtype dtype; /* TN_DTYPE_NONE: float32 */
} rules_tensor;

static inline void rules_add(tn_model *model, const rules_tensor *spec)
{
    tn_tensor *tensor;
    tn_error err = {0};
    int64_t shape[8];
    uint32_t rank = 0;
    const char *text = spec->shape == NULL ? "4" : spec->shape;
    while (*text != '\0') {
        char *end;
        shape[rank++] = strtoll(text, &end, 10);
        text = *end == ',' ? end + 1 : end;
    }
    conv_ok(tni_model_add(model, &tensor, &err), &err);
    conv_ok(
        tni_arena_str(&model->arena, tn_str_of(spec->name), &tensor->alias[TN_SCHEME_NAME], &err),
        &err);
    tensor->role = TN_ROLE_VARIABLE;
    conv_ok(tni_tensor_form(model, tensor, spec->dtype == TN_DTYPE_NONE ? TN_FLOAT32 : spec->dtype,
                            rank, shape, &err),
            &err);
}

/* Makes a model of tensors; the list ends with a name of NULL. */
static inline tn_model *rules_model(conv *c, const rules_tensor *tensors)
{
    tn_model *model;
    tn_error err = {0};
    conv_ok(tni_model_new(c->ctx, &model, &err), &err);
    model->path = "in";
    for (; tensors->name != NULL; tensors++) {
        rules_add(model, tensors);
    }
    conv_ok(tni_model_finish(model, &err), &err);
    return model;
}

/* Stores a text in the test's folder; the path is the folder's. */
static inline const char *rules_store(conv *c, const char *name, const char *text)
{
    const char *path = conv_at(c, name);
    conv_store(path, text, strlen(text));
    return path;
}

/* Inverts rules over a model; *text_out, to be freed, is the file. */
static inline tn_status rules_invert(conv *c, const char *rules, const tn_model *model,
                                     char **text_out, tn_error *err)
{
    size_t len;
    tn_report *report = NULL;
    tn_rules_options options = {0};
    FILE *stream = open_memstream(text_out, &len);
    assert_non_null(stream);
    tn_status status = tn_rules_invert(c->ctx, rules_store(c, "i.yaml", rules), model, &options,
                                       stream, &report, err);
    fclose(stream);
    tn_report_free(report);
    return status;
}

/* A rule file run over a model. */
typedef struct rules_run {
    tni_arena arena;
    tn_report *notes;
    bool *keep;
    tni_naming naming;
} rules_run;

static inline tn_status rules_start(conv *c, const tn_model *model, const char *text,
                                    rules_run *run, tn_error *err)
{
    const char *path = conv_at(c, "r.yaml");
    conv_store(path, text, strlen(text));
    tni_rule_options options = {.rules = &path, .n_rules = 1};
    tni_arena_init(&run->arena, c->ctx, UINT64_C(1) << 32);
    run->notes = tn_report_new(c->ctx);
    run->keep = malloc(model->count);
    assert_non_null(run->keep);
    memset(run->keep, 1, model->count);
    return tni_naming_run(&run->arena, model, run->keep, &options, run->notes, &run->naming, err);
}

static inline void rules_end(rules_run *run)
{
    tni_naming_clear(&run->naming);
    tni_arena_clear(&run->arena);
    tn_report_free(run->notes);
    free(run->keep);
}

/* Writes "old>new old>new" in the order of the result; dropped tensors are left out. */
static inline void rules_result(const rules_run *run, const tn_model *model, char *out, size_t room)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < run->naming.model->count && used < room; i++) {
        tn_str old = model->tensors[run->naming.source[i]].alias[TN_SCHEME_NAME];
        tn_str name = run->naming.model->tensors[i].alias[TN_SCHEME_NAME];
        used += (size_t)snprintf(out + used, room - used, "%s%.*s>%.*s", i == 0 ? "" : " ",
                                 (int)old.len, old.data, (int)name.len, name.data);
    }
}

#endif
