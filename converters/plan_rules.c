/* A plan's rules: applying them, and printing all choosing and renaming as rule files. */
#include "converters/plan.h"
#include "core/error.h"
#include <tenon/text.h>

bool tni_plan_is_renamed(const tn_plan *plan, size_t index)
{
    return plan->like.model == NULL && plan->naming.any_renamed && plan->naming.renamed[index];
}

/* Notes what the rules drop. */
static tn_status note_left_out(tn_plan *plan, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < plan->naming.n_left_out; i++) {
        const tni_left_out *out = &plan->naming.left_out[i];
        const tn_tensor *tensor = tni_naming_origin(&plan->naming, out->source);
        status = tni_plan_drop(plan, tensor->alias[TN_SCHEME_NAME], out->rule, err);
    }
    return status;
}

/* Tells whether the output carries documents that tie slots to their variables. */
static bool ties_slots(const tn_plan *plan, const tn_convert_options *options)
{
    tni_layout layout;
    const tni_writer_ops *writer = plan->target.format->writer;
    bool names = !options->has_scheme || options->scheme == TN_SCHEME_NAME ||
                 options->scheme == TN_SCHEME_OBJECT || !writer->schemes;
    return names && writer->documents_follow && writer->choose_layout != NULL &&
           writer->choose_layout(plan->source, plan->target.name, options->layout, false, &layout,
                                 NULL) == TN_OK &&
           layout.carries;
}

/* Runs the stages. Documents go along even where --only does not keep them: writers ask for them.
 */
static tn_status run(tn_plan *plan, const tn_convert_options *options, const bool *keep,
                     tn_error *err)
{
    tni_rule_options rules = {.rename = options->rename,
                              .n_rename = options->n_rename,
                              .rules = options->rules,
                              .n_rules = options->n_rules,
                              .vars = options->vars,
                              .n_vars = options->n_vars,
                              .cast = options->cast,
                              .n_cast = options->n_cast,
                              .inputs = options->inputs,
                              .n_inputs = options->n_inputs,
                              .scheme = options->has_scheme ? options->scheme : TN_SCHEME_NAME,
                              .ignore_unmatch = options->ignore_unmatch,
                              .slots_are_tied = ties_slots(plan, options),
                              .target = plan->target.format->name};
    void *block;
    tn_status status =
        tni_arena_array(&plan->arena, plan->source->count, sizeof(bool), &block, err);
    bool *stay = block;
    for (size_t i = 0; status == TN_OK && i < plan->source->count; i++) {
        stay[i] = keep[i] || plan->source->tensors[i].document;
    }
    if (status == TN_OK) {
        status = tni_naming_run(&plan->arena, plan->source, stay, &rules, plan->warnings,
                                &plan->naming, err);
    }
    for (size_t i = 0; status == TN_OK && i < plan->naming.inputs.count; i++) {
        status = tni_target_not_input(plan, plan->naming.inputs.at[i].model, err);
    }
    return status;
}

/* Turns one --only or --drop into a rule: a name, or a pattern. */
static tn_status choosing_rule(tn_plan *plan, const char *argument, tni_ruleset *set, tn_error *err)
{
    tni_rule *rule = &set->rules[set->count++];
    tn_str text;
    uint32_t index = TN_NO_INDEX;
    rule->deed = set->unmatched == TNI_UNMATCHED_KEEP ? TNI_DEED_DROP : TNI_DEED_KEEP;
    tn_status status = tni_arena_str(&plan->arena, tn_str_of(argument), &text, err);
    if (status == TN_OK && tn_unescape((char *)(uintptr_t)text.data, &text.len)) {
        status = tni_find_exact(plan->source, set->scheme, text, &index, err);
    }
    if (status == TN_OK && index != TN_NO_INDEX) {
        rule->exact = plan->source->tensors[index].alias[set->scheme];
    } else if (status == TN_OK) {
        int side;
        size_t at;
        tni_sides sides = {text, TN_STR_NONE};
        status = tni_rule_compile(&plan->arena, set, NULL, sides, rule, &side, &at, err);
    }
    return status;
}

/* Turns all --drop, or all --only, into a stage. */
static tn_status choosing_stage(tn_plan *plan, const char *const *arguments, size_t count,
                                tni_unmatched unmatched, tn_scheme scheme, tn_error *err)
{
    void *block;
    if (count == 0) {
        return TN_OK;
    }
    tni_ruleset *set = &plan->choosing.at[plan->choosing.count++];
    tn_status status = tni_arena_array(&plan->arena, count, sizeof(tni_rule), &block, err);
    *set = (tni_ruleset){.rules = block,
                         .scheme = scheme,
                         .unmatched = unmatched,
                         .slots = TNI_SLOTS_SEEN,
                         .sees_counters = true};
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        status = choosing_rule(plan, arguments[i], set, err);
    }
    return status;
}

/* Keeps what --drop and --only say, so that it can be printed. */
static tn_status list_choosing(tn_plan *plan, const tn_convert_options *options, tn_error *err)
{
    void *block;
    tn_scheme scheme = options->has_scheme ? options->scheme : TN_SCHEME_NAME;
    plan->weights_only = options->weights_only;
    if (options->n_drop + options->n_only == 0) {
        return TN_OK;
    }
    tn_status status = tni_arena_array(&plan->arena, 2, sizeof(tni_ruleset), &block, err);
    plan->choosing.at = block;
    if (status == TN_OK) {
        status =
            choosing_stage(plan, options->drop, options->n_drop, TNI_UNMATCHED_KEEP, scheme, err);
    }
    if (status == TN_OK) {
        status =
            choosing_stage(plan, options->only, options->n_only, TNI_UNMATCHED_DROP, scheme, err);
    }
    return status;
}

tn_status tni_plan_apply_rules(tn_plan *plan, const tn_convert_options *options, bool *keep,
                               tn_error *err)
{
    void *block;
    plan->base = plan->source;
    plan->keep = keep;
    if (options->n_rules + options->n_rename + options->n_vars + options->n_cast +
                options->n_inputs ==
            0 &&
        !options->print_rules) {
        return TN_OK;
    }
    tn_status status = list_choosing(plan, options, err);
    if (status == TN_OK) {
        status = run(plan, options, keep, err);
    }
    if (status == TN_OK) {
        status =
            tni_arena_array(&plan->arena, plan->naming.model->count, sizeof(bool), &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    plan->base = plan->naming.model;
    plan->keep = block;
    for (size_t i = 0; i < plan->base->count; i++) {
        uint32_t source = plan->naming.source[i];
        plan->keep[i] = source >= plan->source->count || keep[source];
    }
    return note_left_out(plan, err);
}

/* Begins a stage's document; the first needs no mark before it. */
static void print_title(FILE *out, size_t *stages, const char *what, const char *more)
{
    fprintf(out, "%s# %s%s\n", (*stages)++ == 0 ? "" : "---\n", what, more);
}

void tn_plan_print_rules(const tn_plan *plan, FILE *out)
{
    size_t stages = 0;
    for (size_t i = 0; i < plan->choosing.count; i++) {
        const tni_ruleset *set = &plan->choosing.at[i];
        print_title(out, &stages, set->unmatched == TNI_UNMATCHED_KEEP ? "--drop" : "--only", "");
        tni_rules_print(set, out);
    }
    if (plan->weights_only) {
        print_title(out, &stages, "--weights-only", ": roles are no names, so no rule says this");
    }
    for (size_t i = 0; i < plan->naming.sets.count; i++) {
        const tni_ruleset *set = &plan->naming.sets.at[i];
        bool flags = set->file == NULL, casts = flags && set->rules[0].floats_only;
        print_title(out, &stages,
                    casts   ? "--cast: but floating tensors only, which no rule says"
                    : flags ? "--rename"
                            : "--rules ",
                    flags ? "" : set->file);
        tni_rules_print(set, out);
    }
    if (plan->like.model != NULL) {
        print_title(out, &stages, "--like", ": it pairs tensors, which no rule says");
    }
}
