/* All stages of one command: each --rules file in order, then all --rename together, then all
 * --cast. */
#include "converters/rules/loading.h"

/* Splits --var NAME=VALUE. */
static tn_status read_overrides(tni_arena *arena, const tni_rule_options *options, tni_vars *vars,
                                tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(arena, options->n_vars, sizeof(tni_var), &block, err);
    vars->at = status == TN_OK ? block : NULL;
    for (size_t i = 0; status == TN_OK && i < options->n_vars; i++) {
        const char *text = options->vars[i], *equals = strchr(text, '=');
        if (equals == NULL || equals == text) {
            status = tni_fail(err, TN_E_USAGE, "--var '%s' is not NAME=VALUE", text);
        } else {
            vars->at[vars->count++] =
                (tni_var){{text, (size_t)(equals - text)}, tn_str_of(equals + 1)};
        }
    }
    return status;
}

/* Splits --input NAME=PATH. */
static tn_status read_inputs(tni_loading *loading, tn_error *err)
{
    void *block;
    const tni_rule_options *options = loading->options;
    tn_status status =
        tni_arena_array(loading->arena, options->n_inputs, sizeof(tni_rule_input), &block, err);
    loading->inputs = status == TN_OK ? block : NULL;
    for (size_t i = 0; status == TN_OK && i < options->n_inputs; i++) {
        const char *text = options->inputs[i], *equals = strchr(text, '=');
        if (equals == NULL || equals == text || equals[1] == '\0') {
            status = tni_fail(err, TN_E_USAGE, "--input '%s' is not NAME=PATH", text);
            continue;
        }
        tn_str name = {text, (size_t)(equals - text)};
        if (tni_rule_input_find(loading, name) != NULL) {
            status = tni_fail(err, TN_E_USAGE, "--input '%.*s' is said twice", (int)name.len, text);
        }
        loading->inputs[loading->n_inputs++] = (tni_rule_input){name, equals + 1, false};
    }
    return status;
}

/* Hints at the variable of a file, or of those that it includes, that is nearest to a name. */
static void hint_vars(const tni_ruleset *set, tn_str name, tn_error *err)
{
    if (set->vars.count > 0) {
        tni_vars_hint(&set->vars, name, err);
    }
    for (size_t i = 0; i < set->n_included; i++) {
        if (set->included[i].vars.count > 0) {
            tni_vars_hint(&set->included[i].vars, name, err);
        }
    }
}

/* Refuses a --var or --input that no file declares; the nearest may stand in any of them. */
static tn_status check_used(const tni_loading *loading, tn_error *err)
{
    for (size_t i = 0; i < loading->n_inputs; i++) {
        tn_str name = loading->inputs[i].name;
        if (!loading->inputs[i].used) {
            tn_status status = tni_fail(err, TN_E_USAGE, "--input '%.*s': no rule file asks for it",
                                        (int)name.len, name.data);
            tni_error_hint(err, "a file names its inputs: inputs: [%.*s]", (int)name.len,
                           name.data);
            return status;
        }
    }
    for (size_t i = 0; i < loading->overrides.count; i++) {
        tn_str name = loading->overrides.at[i].name;
        if (loading->used[i]) {
            continue;
        }
        tn_status status = tni_fail(err, TN_E_USAGE, "--var '%.*s': no rule file declares it",
                                    (int)name.len, name.data);
        for (size_t k = 0; k < loading->sets.count; k++) {
            hint_vars(&loading->sets.at[k], name, err);
        }
        tni_error_hint(err, "a file declares its variables: vars: {%.*s: …}", (int)name.len,
                       name.data);
        return status;
    }
    return TN_OK;
}

/* Compiles the --rename flags into a stage. */
static tn_status add_flags(tni_loading *loading, tn_error *err)
{
    const tni_rule_options *options = loading->options;
    tni_ruleset *flags;
    tn_status status = tni_rules_add_stage(loading, &flags, err);
    if (status == TN_OK) {
        flags->scheme = options->scheme;
        status = tni_rules_of_flags(loading->arena, options->rename, options->n_rename, flags, err);
    }
    return status;
}

static tn_status add_casts(tni_loading *loading, tn_error *err)
{
    const tni_rule_options *options = loading->options;
    tni_ruleset *flags;
    tn_status status = tni_rules_add_stage(loading, &flags, err);
    if (status == TN_OK) {
        flags->scheme = options->scheme;
        status = tni_casts_of_flags(loading->arena, options->cast, options->n_cast, flags, err);
    }
    return status;
}

tn_status tni_rules_load(tni_arena *arena, const tni_rule_options *options, tni_rulesets *sets_out,
                         tn_error *err)
{
    tni_loading loading = {.arena = arena, .options = options};
    void *used = NULL;
    tn_status status = read_overrides(arena, options, &loading.overrides, err);
    if (status == TN_OK) {
        status = read_inputs(&loading, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(arena, options->n_vars, sizeof(bool), &used, err);
    }
    loading.used = used;
    for (size_t i = 0; status == TN_OK && i < options->n_rules; i++) {
        status = tni_rules_compose(&loading, options->rules[i], err);
    }
    if (status == TN_OK && options->n_rename > 0) {
        status = add_flags(&loading, err);
    }
    if (status == TN_OK && options->n_cast > 0) {
        status = add_casts(&loading, err);
    }
    if (status == TN_OK) {
        status = check_used(&loading, err);
    }
    if (status == TN_OK) {
        *sets_out = loading.sets;
    }
    return status;
}
