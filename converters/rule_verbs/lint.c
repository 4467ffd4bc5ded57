/* What is wrong or odd in a rule file, told without a model. */
#include "converters/rule_verbs/session.h"
#include "converters/rules/overlap.h"
#include <tenon/text.h>

static bool is_pattern(const tni_rule *rule)
{
    return rule->n_patterns > 1 || (rule->n_patterns == 1 && rule->patterns[0]->kind != TNI_EXACT);
}

/* Tells whether a pattern matches every name. */
static bool is_everything(const tn_pattern *pattern)
{
    bool glob = tn_str_equal(pattern->source, TN_LIT("**"));
    bool hole = pattern->kind == TNI_HOLES && pattern->n_parts == 1 &&
                pattern->parts[0].hole != NULL && pattern->parts[0].hole->kind == TNI_HOLE_PATH;
    return glob || hole;
}

/* Tells whether a rule above certainly claims all that a pattern matches. */
static tn_status covers(tni_session *session, const tni_rule *above, const tn_pattern *pattern,
                        bool *covers_out, tn_error *err)
{
    tni_matcher matcher;
    tn_status status = TN_OK;
    bool covered = false;
    tni_matcher_init(&matcher, session->ctx);
    for (size_t i = 0; status == TN_OK && !covered && i < above->n_patterns; i++) {
        const tn_pattern *other = above->patterns[i];
        covered = is_everything(other) || tn_str_equal(other->source, pattern->source);
        if (!covered && pattern->kind == TNI_EXACT) {
            status = tni_pattern_match(other, &matcher, pattern->exact, &covered, err);
        }
    }
    tni_matcher_clear(&matcher);
    *covers_out = covered;
    return status;
}

/* Tells whether a rule may see other tensors than the one below it: slots or counters, which
 * patterns do not reach but exact names do. */
static bool sees_as_much(const tni_rule *above, const tni_rule *below)
{
    bool exact = false;
    for (size_t i = 0; i < below->n_patterns; i++) {
        exact = exact || below->patterns[i]->kind == TNI_EXACT;
    }
    bool all = above->sees_slots && above->sees_counters;
    return all || (!exact && above->sees_slots == below->sees_slots &&
                   above->sees_counters == below->sees_counters);
}

/* Says that a rule can never claim anything, if one above it claims all that it matches. */
static tn_status check_shadow(tni_session *session, const tni_ruleset *set, const tni_rule *above,
                              const tni_rule *below, tn_error *err)
{
    bool all =
        above->priority > below->priority && above->when == NULL && sees_as_much(above, below);
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && all && i < below->n_patterns; i++) {
        status = covers(session, above, below->patterns[i], &all, err);
    }
    return status != TN_OK || !all
               ? status
               : tni_session_find(session, TN_SEVERITY_WARNING, "rule-shadowed", below, TN_STR_NONE,
                                  TN_STR_NONE, err,
                                  "rule %zu can never claim a tensor: rule %zu lies above it and "
                                  "matches all that it does",
                                  tni_rule_number(set, below), tni_rule_number(set, above));
}

static tn_status check_overlap(tni_session *session, const tni_ruleset *set, const tni_rule *a,
                               const tni_rule *b, tn_error *err)
{
    tni_overlap overlap;
    tn_str witness;
    char name[TN_ERROR_SUBJECT];
    tn_status status = tni_rules_overlap(&session->arena, a, b, &overlap, &witness, err);
    if (status != TN_OK || overlap != TNI_OVERLAP) {
        return status;
    }
    tn_escape(witness, name, sizeof name);
    if (a->file == b->file) {
        return tni_session_find(session, TN_SEVERITY_ERROR, "rules-overlap", b, witness,
                                TN_STR_NONE, err, "rules %zu and %zu can both match, e.g. %s",
                                tni_rule_number(set, a), tni_rule_number(set, b), name);
    }
    return tni_session_find(session, TN_SEVERITY_ERROR, "rules-overlap", b, witness, TN_STR_NONE,
                            err, "%.*s and this rule can both match, e.g. %s", (int)a->place.len,
                            a->place.data, name);
}

/* Compares all pairs of which one at least is a pattern; exact names are few steps apart. */
static tn_status check_pairs(tni_session *session, const tni_ruleset *set, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < set->count; i++) {
        for (size_t k = i + 1; status == TN_OK && k < set->count; k++) {
            const tni_rule *a = &set->rules[i], *b = &set->rules[k];
            if (a->n_patterns == 0 || b->n_patterns == 0) {
                continue; /* what makes a tensor claims none */
            }
            if (!is_pattern(a) && !is_pattern(b) &&
                !tn_str_equal(a->patterns[0]->exact, b->patterns[0]->exact)) {
                continue;
            }
            status = check_overlap(session, set, a, b, err);
            status = status != TN_OK ? status : check_shadow(session, set, a, b, err);
            status = status != TN_OK ? status : check_shadow(session, set, b, a, err);
        }
    }
    return status;
}

/* Finds an operation that changes values so that nothing leads back, whatever the model; of casts
 * those that float32 does not come back from. */
static tn_status check_values(const tni_rule *rule, tn_error *why)
{
    for (size_t i = 0; i < rule->n_ops; i++) {
        const tni_rule_op *op = &rule->ops[i];
        bool keeps = op->kind == TNI_RULE_CAST ? tn_cast_lossless(TN_FLOAT32, op->dtype)
                                               : op->kind == TNI_RULE_LAYOUT;
        if (!keeps) {
            return tni_fail(why, TN_E_RULE, "'%.*s' changes values: names invertible, values not",
                            (int)op->text.len, op->text.data);
        }
    }
    return TN_OK;
}

/* Notes rules that have no inverse, with the reason. */
static tn_status check_inverses(tni_session *session, const tni_ruleset *set, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < set->count; i++) {
        const tni_rule *rule = &set->rules[i];
        tni_inverse_facts facts = {.counts = true}; /* a model may tell */
        tni_inverse inverse;
        tn_error why = {0};
        if (rule->deed != TNI_DEED_RENAME) {
            continue;
        }
        if (check_values(rule, &why) != TN_OK ||
            (rule->to != NULL &&
             tni_rule_invert(&session->arena, rule, &facts, 1, &inverse, &why) != TN_OK)) {
            status = why.code != TN_E_RULE
                         ? tni_fail(err, why.code, "%s", why.message)
                         : tni_session_find(session, TN_SEVERITY_NOTE, "no-inverse", rule,
                                            TN_STR_NONE, TN_STR_NONE, err, "rule %zu: %s",
                                            tni_rule_number(set, rule), why.message);
        }
    }
    return status;
}

static tn_status lint(tni_session *session, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < session->sets.count; i++) {
        const tni_ruleset *set = &session->sets.at[i];
        status = check_pairs(session, set, err);
        status = status != TN_OK ? status : tni_lint_unused(session, set, err);
        for (size_t k = 0; status == TN_OK && k < set->n_included; k++) {
            status = tni_lint_unused(session, &set->included[k], err);
        }
        status = status != TN_OK ? status : check_inverses(session, set, err);
    }
    return status;
}

tn_status tn_rules_lint(tn_context *ctx, const char *file, const tn_rules_options *options,
                        tn_report **report_out, tn_error *err)
{
    tni_session session;
    tn_status status = tni_session_begin(&session, ctx, file, options, err);
    if (status == TN_OK) {
        status = lint(&session, err);
    }
    if (status == TN_OK) {
        *report_out = session.report;
        session.report = NULL;
    }
    tni_session_end(&session);
    return status;
}
