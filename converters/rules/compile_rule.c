/* From the texts of a rule's two sides to its pattern and target. */
#include "converters/rules/lexer.h"
#include "converters/rules/regex.h"
#include "converters/rules/rule.h"

static char first_of(char a, char b, char c)
{
    return a != 0 ? a : b != 0 ? b : c != 0 ? c : '/';
}

/* A star in the target of a glob is meant to copy what the star matched, which it cannot. */
static tn_status check_stars(const tn_pattern *pattern, tn_str to, size_t *at, tn_error *err)
{
    const char *star = to.len == 0 ? NULL : memchr(to.data, '*', to.len);
    if (pattern->kind != TNI_GLOB || star == NULL) {
        return TN_OK;
    }
    *at = (size_t)(star - to.data);
    tn_status status = tni_fail(err, TN_E_RULE, "a star copies nothing into the target '%.*s'",
                                (int)to.len, to.data);
    tni_error_hint(err, "write {x} on both sides for *, {x:**} and {x} for **");
    return status;
}

static tn_status add_pattern(tni_arena *arena, tn_str text, char separator, tni_rule *rule,
                             size_t *at, tn_error *err)
{
    void *block;
    tn_status status = TN_OK;
    if (rule->patterns == NULL) {
        status = tni_arena_alloc(arena, sizeof(tn_pattern *), &block, err);
        rule->patterns = status == TN_OK ? block : NULL;
    }
    if (status == TN_OK && text.len == 0) {
        status = tni_fail(err, TN_E_RULE, "the pattern is empty");
    }
    if (status == TN_OK) {
        status =
            tni_pattern_compile(arena, text, separator, &rule->patterns[rule->n_patterns], at, err);
    }
    rule->n_patterns += status == TN_OK;
    return status;
}

/* Notes which holes' values a target needs all of. */
static void note_ranks(const tni_template *target, tni_rule *rule)
{
    for (size_t i = 0; i < target->n_parts; i++) {
        const tni_template_part *part = &target->parts[i];
        for (size_t k = 0; part->kind == TNI_PART_EXPRESSION && k < part->expression->n_steps;
             k++) {
            const tni_step *step = &part->expression->steps[k];
            rule->recorded |= step->kind == TNI_STEP_RANK ? 1U << step->slot : 0;
        }
    }
}

/* Compiles a target whose variables were put in. */
static tn_status compile_target(tni_arena *arena, const tni_ruleset *set, const tni_vars *vars,
                                tn_str to, char other, const tn_pattern *scope, tni_rule *rule,
                                tni_template **target_out, size_t *at_out, tn_error *err)
{
    tni_template *target;
    if (to.len == 0) {
        return tni_fail(err, TN_E_RULE, "the target is empty");
    }
    tn_status status = check_stars(rule->patterns[0], to, at_out, err);
    if (status == TN_OK) {
        tni_scope names = {scope, vars, &set->tables};
        status =
            tni_template_compile(arena, to, first_of(tni_separator_in(to), set->separator, other),
                                 &names, &target, at_out, err);
    }
    if (status == TN_OK) {
        note_ranks(target, rule);
        *target_out = target;
    }
    return status;
}

tn_status tni_rule_compile(tni_arena *arena, const tni_ruleset *set, const tni_vars *vars,
                           tni_sides sides, tni_rule *rule, int *side_out, size_t *at_out,
                           tn_error *err)
{
    tn_str from, to = TN_STR_NONE;
    bool renames = sides.to.data != NULL;
    *side_out = 0;
    *at_out = 0;
    tn_status status = tni_vars_expand(arena, vars, sides.from, true, &from, at_out, err);
    if (status == TN_OK && renames) {
        *side_out = 1;
        status = tni_vars_expand(arena, vars, sides.to, false, &to, at_out, err);
    }
    if (status != TN_OK) {
        return status;
    }
    char of_from = tni_separator_in(from), of_to = renames ? tni_separator_in(to) : 0;
    *side_out = 0;
    status = add_pattern(arena, from, first_of(of_from, set->separator, of_to), rule, at_out, err);
    if (status != TN_OK || !renames) {
        return status;
    }
    *side_out = 1;
    *at_out = 0;
    return compile_target(arena, set, vars, to, of_from, rule->patterns[0], rule, &rule->to, at_out,
                          err);
}

tn_status tni_rule_add_target(tni_arena *arena, const tni_ruleset *set, const tni_vars *vars,
                              tn_str to, const tn_pattern *scope, tni_rule *rule, size_t *at_out,
                              tn_error *err)
{
    tn_str expanded;
    *at_out = 0;
    tn_status status = tni_vars_expand(arena, vars, to, false, &expanded, at_out, err);
    if (status == TN_OK) {
        status = compile_target(arena, set, vars, expanded, rule->patterns[0]->separator, scope,
                                rule, &rule->targets[rule->n_targets], at_out, err);
    }
    rule->n_targets += status == TN_OK;
    return status;
}

/* Tells whether a side is a subtree: `/`, or what ends in a separator. */
static bool is_scope(tn_str side)
{
    if (tni_is_regex(side)) {
        return false;
    }
    return tn_str_ends(side, TN_LIT("/")) || tn_str_ends(side, TN_LIT("."));
}

static bool is_root(tn_str side)
{
    return tn_str_equal(side, TN_LIT("/"));
}

/* Chooses a hole's name that a text does not use. */
static const char *free_hole(tn_str text)
{
    static const char *const names[] = {"x", "rest", "rest_of_the_name", NULL};
    for (size_t i = 0; names[i + 1] != NULL; i++) {
        char hole[24];
        int len = snprintf(hole, sizeof hole, "{%s", names[i]);
        if (memmem(text.data, text.len, hole, (size_t)len) == NULL) {
            return names[i];
        }
    }
    return names[2];
}

/* Says why one side alone cannot be a subtree. */
static tn_status uneven(tni_sides sides, tn_error *err)
{
    tn_status status;
    int from = (int)sides.from.len, to = (int)sides.to.len;
    if (!is_scope(sides.from)) {
        status = tni_fail(err, TN_E_RULE, "'%.*s' is a name, but '%.*s' is a subtree", from,
                          sides.from.data, to, sides.to.data);
        tni_error_hint(err, "say the whole new name: %.*s%.*s", is_root(sides.to) ? 0 : to,
                       sides.to.data, from, sides.from.data);
    } else {
        status = tni_fail(err, TN_E_RULE, "'%.*s' is a subtree, but '%.*s' is a name", from,
                          sides.from.data, to, sides.to.data);
        tni_error_hint(err, "a subtree ends in its separator, and the root is '/'");
    }
    return status;
}

tn_status tni_rule_compile_move(tni_arena *arena, const tni_ruleset *set, const tni_vars *vars,
                                tni_sides sides, tni_rule *rule, int *side_out, size_t *at_out,
                                tn_error *err)
{
    tn_status status = TN_OK;
    *side_out = 0;
    *at_out = 0;
    if (is_scope(sides.from) != is_scope(sides.to)) {
        return uneven(sides, err);
    }
    if (is_scope(sides.from)) {
        const char *rest = free_hole(sides.from);
        int from = is_root(sides.from) ? 0 : (int)sides.from.len;
        int to = is_root(sides.to) ? 0 : (int)sides.to.len;
        tni_sides moved = sides;
        status =
            tni_arena_format(arena, &moved.from, err, "%.*s{%s:**}", from, sides.from.data, rest);
        if (status == TN_OK) {
            status = tni_arena_format(arena, &moved.to, err, "%.*s{%s}", to, sides.to.data, rest);
        }
        sides = moved;
    }
    return status != TN_OK ? status
                           : tni_rule_compile(arena, set, vars, sides, rule, side_out, at_out, err);
}
