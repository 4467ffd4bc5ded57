/* All stages of one command: each --rules file in order, then all --rename together, then all
 * --cast. */
#include "converters/rules/rule.h"

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

/* Refuses a --var that no file declares; the nearest may stand in any of them. */
static tn_status check_used(const tni_vars *overrides, const bool *used, const tni_rulesets *sets,
                            tn_error *err)
{
    for (size_t i = 0; i < overrides->count; i++) {
        tn_str name = overrides->at[i].name;
        if (used[i]) {
            continue;
        }
        tn_status status = tni_fail(err, TN_E_USAGE, "--var '%.*s': no rule file declares it",
                                    (int)name.len, name.data);
        for (size_t k = 0; k < sets->count; k++) {
            if (sets->at[k].vars.count > 0) {
                tni_vars_hint(&sets->at[k].vars, name, err);
            }
        }
        tni_error_hint(err, "a file declares its variables: vars: {%.*s: …}", (int)name.len,
                       name.data);
        return status;
    }
    return TN_OK;
}

tn_status tni_rules_load(tni_arena *arena, const tni_rule_options *options, tni_rulesets *sets_out,
                         tn_error *err)
{
    tni_rulesets sets = {NULL, 0};
    tni_vars overrides = {NULL, 0};
    void *block = NULL, *used = NULL;
    tn_status status = read_overrides(arena, options, &overrides, err);
    if (status == TN_OK) {
        status = tni_arena_array(arena, options->n_rules + 2, sizeof(tni_ruleset), &block, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(arena, options->n_vars, sizeof(bool), &used, err);
    }
    sets.at = block;
    for (size_t i = 0; status == TN_OK && i < options->n_rules; i++) {
        tn_str path;
        status = tni_arena_str(arena, tn_str_of(options->rules[i]), &path, err);
        if (status == TN_OK) {
            status =
                tni_rules_of_file(arena, path.data, &overrides, used, &sets.at[sets.count++], err);
        }
    }
    if (status == TN_OK && options->n_rename > 0) {
        tni_ruleset *flags = &sets.at[sets.count++];
        flags->scheme = options->scheme;
        status = tni_rules_of_flags(arena, options->rename, options->n_rename, flags, err);
    }
    if (status == TN_OK && options->n_cast > 0) {
        tni_ruleset *flags = &sets.at[sets.count++];
        flags->scheme = options->scheme;
        status = tni_casts_of_flags(arena, options->cast, options->n_cast, flags, err);
    }
    if (status == TN_OK) {
        status = check_used(&overrides, used, &sets, err);
    }
    if (status == TN_OK) {
        *sets_out = sets;
    }
    return status;
}
