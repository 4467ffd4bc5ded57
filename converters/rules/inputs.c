#include "converters/rules/inputs.h"

#include "converters/mapped.h"
#include "core/error.h"

const tni_input *tni_inputs_find(const tni_inputs *inputs, tn_str name)
{
    for (size_t i = 0; i < inputs->count; i++) {
        if (tn_str_equal(inputs->at[i].name, name)) {
            return &inputs->at[i];
        }
    }
    return NULL;
}

void tni_inputs_close(tni_inputs *inputs)
{
    while (inputs->count > 0) {
        tn_model_free(inputs->at[--inputs->count].model);
    }
}

/* Returns the path that --input gives a name, or NULL. */
static const char *path_of(const tni_rule_options *options, tn_str name)
{
    for (size_t i = 0; i < options->n_inputs; i++) {
        const char *text = options->inputs[i];
        if (strncmp(text, name.data, name.len) == 0 && text[name.len] == '=') {
            return text + name.len + 1;
        }
    }
    return NULL;
}

/* What asks for inputs: a rule's `from`, or a guard's `like`. */
typedef struct asking {
    tni_arena *arena;
    tn_context *ctx;
    const tni_rule_options *options;
    tni_inputs *inputs;
    const char *file;
    const tni_yaml *node;
} asking;

/* Opens an input, once, and gives its number. */
static tn_status open_input(const asking *a, tn_str name, uint32_t *number_out, tn_error *err)
{
    const tni_input *known = tni_inputs_find(a->inputs, name);
    if (known != NULL || tn_str_equal(name, TN_LIT("in"))) {
        *number_out = known == NULL ? 0 : (uint32_t)(known - a->inputs->at) + 1;
        return TN_OK;
    }
    const char *path = path_of(a->options, name);
    int len = (int)name.len;
    if (path == NULL) {
        tn_status status = tni_fail(err, TN_E_USAGE, "the input '%.*s' is missing", len, name.data);
        tni_error_path(err, a->file);
        tni_error_place(err, a->node->line, a->node->column);
        tni_error_hint(err, "--input %.*s=PATH", len, name.data);
        return status;
    }
    tn_open_options plain = {.from = NULL};
    tni_input *input = &a->inputs->at[a->inputs->count];
    *input = (tni_input){.name = name};
    tn_status status = tn_open(a->ctx, path, &plain, &input->model, err);
    if (status == TN_OK) {
        *number_out = (uint32_t)++a->inputs->count;
    }
    return status;
}

static tn_status open_of_rule(asking *a, tni_rule *rule, tn_error *err)
{
    void *block;
    a->file = rule->file;
    a->node = rule->from;
    tn_status status = tni_arena_array(a->arena, rule->n_inputs, sizeof(uint32_t), &block, err);
    uint32_t *takes = block;
    rule->takes = status == TN_OK ? takes : NULL;
    for (size_t i = 0; status == TN_OK && i < rule->n_inputs; i++) {
        status = open_input(a, rule->inputs[i], &takes[i], err);
    }
    return status;
}

static tn_status open_of_guard(asking *a, const tni_ruleset *set, tn_error *err)
{
    uint32_t number;
    a->file = set->file;
    a->node = set->to.node;
    return set->to.like.data == NULL ? TN_OK : open_input(a, set->to.like, &number, err);
}

static tn_status open_of_set(asking *a, const tni_ruleset *set, tn_error *err)
{
    tn_status status = open_of_guard(a, set, err);
    for (size_t i = 0; status == TN_OK && i < set->n_included; i++) {
        status = open_of_guard(a, &set->included[i], err);
    }
    for (size_t i = 0; status == TN_OK && i < set->count; i++) {
        if (set->rules[i].n_inputs > 0) {
            status = open_of_rule(a, &set->rules[i], err);
        }
    }
    return status;
}

tn_status tni_inputs_open(tni_arena *arena, tn_context *ctx, const tni_rulesets *sets,
                          const tni_rule_options *options, tni_inputs *inputs, tn_error *err)
{
    void *block;
    asking a = {.arena = arena, .ctx = ctx, .options = options, .inputs = inputs};
    tn_status status = tni_arena_array(arena, options->n_inputs, sizeof(tni_input), &block, err);
    *inputs = (tni_inputs){.at = block};
    for (size_t i = 0; status == TN_OK && i < sets->count; i++) {
        status = open_of_set(&a, &sets->at[i], err);
    }
    return status;
}

/* Puts the input's name and a colon before a name. */
static tn_status prefix(tni_arena *arena, tn_str input, tn_str *name, tn_error *err)
{
    void *block;
    size_t len = input.len + 1 + name->len;
    tn_status status = tni_arena_alloc(arena, len + 1, &block, err);
    if (status == TN_OK) {
        char *text = block;
        memcpy(text, input.data, input.len);
        text[input.len] = ':';
        memcpy(text + input.len + 1, name->data, name->len);
        text[len] = '\0';
        *name = (tn_str){text, len};
    }
    return status;
}

/* Adds a tensor of an input, under names that say whose it is. */
static tn_status add(tn_model *model, const tni_input *input, size_t index, uint32_t first,
                     tn_error *err)
{
    tn_tensor *tensor;
    tn_status status = tni_model_add(model, &tensor, err);
    if (status != TN_OK) {
        return status;
    }
    *tensor = input->model->tensors[index];
    tensor->twins = NULL;
    tensor->twin_pieces = NULL;
    tensor->n_twins = 0;
    if (tensor->slot_of != TN_NO_INDEX) {
        tensor->slot_of += first;
    }
    for (int scheme = 0; status == TN_OK && scheme < TN_SCHEME_COUNT; scheme++) {
        tn_str *alias = &tensor->alias[scheme];
        if (alias->data != NULL) {
            status = prefix(&model->arena, input->name, alias, err);
        }
    }
    return status;
}

tn_status tni_inputs_join(tni_arena *arena, const tn_model *in, const tni_inputs *inputs,
                          tn_model **model_out, uint32_t **number_out, tn_error *err)
{
    void *block;
    size_t count = in->count;
    tn_model *model = NULL;
    for (size_t i = 0; i < inputs->count; i++) {
        count += inputs->at[i].model->count;
    }
    tn_status status = tni_arena_array(arena, count, sizeof(uint32_t), &block, err);
    if (status == TN_OK) {
        status = tni_map_begin(in, &model, err);
    }
    for (size_t i = 0; status == TN_OK && i < in->count; i++) {
        tn_tensor *tensor;
        status = tni_model_add(model, &tensor, err);
        if (status == TN_OK) {
            *tensor = in->tensors[i];
        }
    }
    for (size_t k = 0; status == TN_OK && k < inputs->count; k++) {
        uint32_t first = (uint32_t)model->count;
        for (size_t i = 0; status == TN_OK && i < inputs->at[k].model->count; i++) {
            ((uint32_t *)block)[model->count] = (uint32_t)k + 1;
            status = add(model, &inputs->at[k], i, first, err);
        }
    }
    if (status == TN_OK) {
        status = tni_model_finish(model, err);
    }
    if (status != TN_OK) {
        tn_model_free(model);
        return status;
    }
    *model_out = model;
    *number_out = block;
    return TN_OK;
}
