/* The inverse of a rule file: rule by rule, then what the rules together need. */
#include "converters/rule_verbs/invert_file.h"

#include "converters/rules/claim.h"
#include <tenon/text.h>

tn_status tni_no_inverse(const tni_inverting *v, const tni_rule *rule, tn_str subject,
                         const tn_error *why, tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_NO_INVERSE, "rule %zu cannot be led back: %s",
                                tni_rule_number(v->set, rule), why->message);
    tni_error_path(err, rule->file);
    tni_error_place(err, rule->line, rule->column);
    if (subject.data != NULL) {
        tni_error_subject(err, subject);
    }
    if (why->hint[0] != '\0') {
        tni_error_hint(err, "%s", why->hint);
    }
    return status;
}

/* Finds the first tensor that a rule claims; none without a model. */
static tn_str first_claimed(const tni_inverting *v, const tni_rule *rule)
{
    for (size_t i = 0; v->stage != NULL && i < v->stage->model->count; i++) {
        if (v->stage->decisions[i].claimed && v->stage->decisions[i].rule == rule) {
            return tni_stage_seen(v->stage, i);
        }
    }
    return TN_STR_NONE;
}

/* Says how many tensors a place of the file drops; they do not come back. */
static tn_status note_dropped(tni_inverting *v, const tni_rule *rule, tn_str place, tn_error *err)
{
    char who[40];
    size_t count = 0;
    for (size_t i = 0; v->stage != NULL && i < v->stage->model->count; i++) {
        const tni_decision *decision = &v->stage->decisions[i];
        count += decision->dropped && tn_str_equal(decision->place, place);
    }
    snprintf(who, sizeof who, rule == NULL ? "'unmatched: drop'" : "rule %zu",
             rule == NULL ? 0 : tni_rule_number(v->set, rule));
    if (v->stage == NULL) {
        return tni_session_find(v->session, TN_SEVERITY_WARNING, "rule-drops", rule, TN_STR_NONE,
                                TN_STR_NONE, err, "%s drops tensors: they do not come back", who);
    }
    return count == 0
               ? TN_OK
               : tni_session_find(v->session, TN_SEVERITY_WARNING, "rule-drops", rule, TN_STR_NONE,
                                  TN_STR_NONE, err, "%s drops %zu tensor%s: %s back", who, count,
                                  count == 1 ? "" : "s",
                                  count == 1 ? "it does not come" : "they do not come");
}

/* Leads one rule back. */
static tn_status lead_back(tni_inverting *v, const tni_rule *rule, tn_error *err)
{
    size_t index = (size_t)(rule - v->set->rules);
    tni_back *back = &v->backs[v->n_backs];
    tn_error why = {0};
    tni_values values;
    const tni_seen_numbers *seen = NULL;
    if (rule->deed == TNI_DEED_TIE) {
        return TN_OK;
    }
    if (rule->n_inputs > 0) {
        tni_fail(&why, TN_E_RULE, "it takes tensors of another input");
        return tni_no_inverse(v, rule, first_claimed(v, rule), &why, err);
    }
    if (rule->deed == TNI_DEED_MAKE) { /* what it makes is dropped */
        *back = (tni_back){.rule = rule};
        v->back_at[index] = v->n_backs++;
        return TN_OK;
    }
    if (v->stage != NULL && v->stage->tallies[index].claimed == 0) {
        return TN_OK;
    }
    if (rule->deed == TNI_DEED_DROP) {
        return note_dropped(v, rule, rule->place, err);
    }
    *back = (tni_back){.rule = rule};
    if (rule->back != NULL && rule->file != v->set->file &&
        !tni_template_is_closed(rule->back_to)) {
        tni_fail(&why, TN_E_RULE, "its 'back' needs tables or variables of an included file");
        return tni_no_inverse(v, rule, first_claimed(v, rule), &why, err);
    }
    if (v->stage != NULL) {
        values = tni_claim_values(v->stage, rule);
        seen = v->stage->tallies[index].numbers;
    }
    if (tni_ops_reversible(rule, &why) != TN_OK) {
        return tni_no_inverse(v, rule, first_claimed(v, rule), &why, err);
    }
    if (rule->n_ops > 0 && rule->file != v->set->file) {
        tni_fail(&why, TN_E_RULE, "its operations may need variables of an included file");
        return tni_no_inverse(v, rule, first_claimed(v, rule), &why, err);
    }
    tni_rule trimmed = *rule;
    tn_status status =
        v->stage == NULL || rule->to == NULL ? TN_OK : tni_inverse_trim(v, rule, &trimmed, err);
    trimmed.operates = false; /* the names alone; operations are written by themselves */
    if (status != TN_OK) {
        return status;
    }
    if (rule->to != NULL &&
        tni_rule_invert(&v->session->arena, &trimmed, seen, v->stage == NULL ? NULL : &values,
                        (unsigned)index + 1, &back->inverse, &why) != TN_OK) {
        return why.code == TN_E_RULE ? tni_no_inverse(v, rule, first_claimed(v, rule), &why, err)
                                     : tni_fail(err, why.code, "%s", why.message);
    }
    v->back_at[index] = v->n_backs++;
    return TN_OK;
}

/* Refuses what one file cannot say. */
static tn_status check_file(const tni_session *session, tn_error *err)
{
    const tni_ruleset *set = &session->sets.at[0];
    tn_status status = TN_OK;
    if (session->sets.count != 1) {
        status = tni_fail(err, TN_E_NO_INVERSE, "%zu stages need as many files to lead back",
                          session->sets.count);
        tni_error_hint(err, "invert each of them, the last one first: tenon rules invert %s",
                       session->sets.at[session->sets.count - 1].file);
    } else if (set->scheme != TN_SCHEME_NAME) {
        status = tni_fail(err, TN_E_NO_INVERSE,
                          "the rules see names of the scheme %s, which a "
                          "renamed tensor has no more",
                          tn_scheme_name(set->scheme));
    }
    for (size_t i = 0; status == TN_OK && i < set->n_included; i++) {
        const tni_ruleset *part = &set->included[i];
        if (part->slots != set->slots || part->sees_counters != set->sees_counters ||
            (part->separator != 0 && part->separator != set->separator)) {
            status = tni_fail(err, TN_E_NO_INVERSE,
                              "%s has another separator, or sees slots or "
                              "counters otherwise: one file cannot say both",
                              part->file);
            tni_error_hint(err, "tenon rules invert %s", part->file);
        }
    }
    if (status != TN_OK) {
        tni_error_path(err, set->file);
    }
    return status;
}

static tn_status lead_all_back(tni_inverting *v, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < v->set->count; i++) {
        status = lead_back(v, &v->set->rules[i], err);
    }
    if (status == TN_OK && v->set->unmatched == TNI_UNMATCHED_DROP) {
        status = note_dropped(v, NULL, v->set->unmatched_place, err);
    }
    bool left = v->set->unmatched == TNI_UNMATCHED_KEEP &&
                (v->stage == NULL || v->session->naming.model->count > 0);
    if (status == TN_OK && v->n_backs == 0 && !left) {
        status = tni_fail(err, TN_E_NO_INVERSE, "nothing comes back");
        tni_error_path(err, v->set->file);
    }
    return status;
}

tn_status tni_session_invert(tni_session *session, tni_file_inverse *inverse_out, tn_error *err)
{
    void *block;
    tni_file_inverse inverse;
    tn_status status = check_file(session, err);
    if (status != TN_OK) {
        return status;
    }
    tni_inverting v = {.session = session,
                       .set = &session->sets.at[0],
                       .stage = session->n_stages > 0 ? &session->stages[0] : NULL};
    status = tni_arena_array(&session->arena, v.set->count, sizeof(tni_back), &block, err);
    v.backs = status == TN_OK ? block : NULL;
    if (status == TN_OK) {
        status = tni_arena_array(&session->arena, v.set->count, sizeof(size_t), &block, err);
        v.back_at = status == TN_OK ? block : NULL;
    }
    if (status == TN_OK) {
        status = lead_all_back(&v, err);
    }
    if (status == TN_OK) {
        status = tni_inverse_write(&v, &inverse, err);
    }
    if (status == TN_OK) {
        status = tni_inverse_order(&v, &inverse, err);
    }
    if (status == TN_OK) {
        status = tni_inverse_write(&v, &inverse, err);
    }
    if (status == TN_OK && v.stage != NULL) {
        status = tni_inverse_check(&v, &inverse, err);
    }
    if (status == TN_OK) {
        *inverse_out = inverse;
    }
    return status;
}
