#include "converters/rules/naming.h"

#include "converters/mapped.h"
#include "converters/rules/bind.h"

void tni_naming_clear(tni_naming *naming)
{
    while (naming->n_models > 0) {
        tn_model_free(naming->models[--naming->n_models]);
    }
}

uint64_t tni_naming_memory(const tni_naming *naming)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < naming->n_models; i++) {
        bytes += naming->models[i]->arena.used + naming->models[i]->room * sizeof(tn_tensor);
    }
    return bytes;
}

/* The arrays that say of the current model's tensors where they come from. */
static tn_status make_arrays(tni_naming *naming, size_t count, tn_error *err)
{
    void *source = NULL, *rule = NULL, *renamed = NULL;
    tn_status status = tni_arena_array(naming->arena, count, sizeof(uint32_t), &source, err);
    if (status == TN_OK) {
        status = tni_arena_array(naming->arena, count, sizeof(tn_str), &rule, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(naming->arena, count, sizeof(bool), &renamed, err);
    }
    if (status == TN_OK) {
        naming->source = source;
        naming->rule = rule;
        naming->renamed = renamed;
    }
    return status;
}

/* Begins with what the flags before the rules left. */
static tn_status begin(tni_naming *naming, const tn_model *first, const bool *keep, tn_error *err)
{
    void *block;
    tn_model *kept;
    tn_status status = tni_arena_array(naming->arena, first->count, sizeof(tn_str), &block, err);
    tn_str *names = block;
    for (size_t i = 0; status == TN_OK && i < first->count; i++) {
        names[i] = first->tensors[i].alias[TN_SCHEME_NAME];
    }
    if (status == TN_OK) {
        status = tni_map_renamed(first, keep, names, NULL, &kept, err);
    }
    if (status != TN_OK) {
        return status;
    }
    naming->models[naming->n_models++] = kept;
    naming->model = kept;
    size_t n = 0;
    for (uint32_t i = 0; i < first->count; i++) {
        if (keep[i]) {
            naming->source[n++] = i;
        }
    }
    return TN_OK;
}

/* Makes room for the tensors that the stages drop; none can be dropped twice. */
static tn_status make_left_out(tni_naming *naming, size_t count, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(naming->arena, count, sizeof(tni_left_out), &block, err);
    if (status == TN_OK) {
        naming->left_out = block;
    }
    return status;
}

/* Moves the arrays on to the model that a stage leaves. */
static void carry_on(tni_naming *naming, const tni_naming *before, const tni_stage *stage)
{
    size_t n = 0;
    for (size_t i = 0; i < before->model->count; i++) {
        const tni_decision *decision = &stage->decisions[i];
        uint32_t source = before->source[i];
        if (decision->dropped) {
            naming->left_out[naming->n_left_out++] = (tni_left_out){source, decision->place};
            continue;
        }
        tn_str was = before->model->tensors[i].alias[TN_SCHEME_NAME];
        bool renamed = decision->name.data != NULL && !tn_str_equal(decision->name, was);
        naming->source[n] = source;
        naming->rule[n] = decision->place.data != NULL ? decision->place : before->rule[i];
        naming->renamed[n] = renamed || before->renamed[i];
        naming->any_renamed = naming->any_renamed || renamed;
        n++;
    }
}

/* Makes the model that a stage leaves. */
static tn_status map(tni_naming *naming, const tni_stage *stage, tn_error *err)
{
    size_t count = stage->model->count;
    void *keep_block = NULL, *name_block = NULL, *renamed_block = NULL;
    tn_status status = tni_arena_array(naming->arena, count, sizeof(bool), &keep_block, err);
    if (status == TN_OK) {
        status = tni_arena_array(naming->arena, count, sizeof(tn_str), &name_block, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(naming->arena, count, sizeof(bool), &renamed_block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    bool *keep = keep_block, *renamed = renamed_block;
    tn_str *names = name_block;
    for (size_t i = 0; i < count; i++) {
        tn_str was = stage->model->tensors[i].alias[TN_SCHEME_NAME];
        const tni_decision *decision = &stage->decisions[i];
        keep[i] = !decision->dropped;
        names[i] = decision->name.data != NULL ? decision->name : was;
        renamed[i] = !tn_str_equal(names[i], was);
    }
    tn_model *mapped;
    status = tni_map_renamed(stage->model, keep, names, renamed, &mapped, err);
    if (status == TN_OK) {
        naming->models[naming->n_models++] = mapped;
        naming->model = mapped;
    }
    return status;
}

static tn_status run_stage(tni_naming *naming, tni_ruleset *set, const tni_rule_options *options,
                           tn_report *notes, tn_error *err)
{
    tni_naming before = *naming;
    tni_stage stage = {.arena = naming->arena,
                       .model = naming->model,
                       .renamed = naming->renamed,
                       .set = set,
                       .ignore_unmatch = options->ignore_unmatch,
                       .target_format = options->target,
                       .notes = notes};
    tn_status status = tni_stage_bind(&stage, err);
    if (status == TN_OK && options->watch != NULL) {
        options->watch(options->watch_user, &stage);
    }
    if (status == TN_OK) {
        status = map(naming, &stage, err);
    }
    if (status == TN_OK) {
        status = make_arrays(naming, naming->model->count, err);
    }
    if (status == TN_OK) {
        carry_on(naming, &before, &stage);
    }
    return status;
}

static tn_status run(tni_naming *naming, const tn_model *first, const bool *keep,
                     const tni_rule_options *options, tn_report *notes, tn_error *err)
{
    void *block;
    tn_status status =
        tni_arena_array(naming->arena, naming->sets.count + 1, sizeof(tn_model *), &block, err);
    if (status == TN_OK) {
        naming->models = block;
        status = make_left_out(naming, first->count, err);
    }
    if (status == TN_OK) {
        status = begin(naming, first, keep, err);
    }
    for (size_t i = 0; status == TN_OK && i < naming->sets.count; i++) {
        status = run_stage(naming, &naming->sets.at[i], options, notes, err);
    }
    return status;
}

tn_status tni_naming_run(tni_arena *arena, const tn_model *first, const bool *keep,
                         const tni_rule_options *options, tn_report *notes, tni_naming *naming_out,
                         tn_error *err)
{
    tni_naming *naming = naming_out;
    *naming = (tni_naming){.arena = arena, .model = first};
    tn_status status = TN_OK;
    if (options->loaded != NULL) {
        naming->sets = *options->loaded;
    } else {
        status = tni_rules_load(arena, options, &naming->sets, err);
    }
    if (status == TN_OK) {
        status = make_arrays(naming, first->count, err);
    }
    for (uint32_t i = 0; status == TN_OK && i < first->count; i++) {
        naming->source[i] = i;
    }
    if (status == TN_OK && naming->sets.count > 0) {
        status = run(naming, first, keep, options, notes, err);
    }
    return status;
}
