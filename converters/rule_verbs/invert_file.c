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

/* Writes the operations of a rule led back, from what the file says. */
static tn_status turn_operations(tni_inverting *v, const tni_rule *rule, tni_back *back,
                                 tn_error *why)
{
    tni_buffer text;
    tn_status status = TN_OK;
    tni_buffer_init(&text, v->session->ctx);
    for (size_t i = rule->n_ops; status == TN_OK && i-- > 0;) {
        tni_buffer_text(&text, i + 1 == rule->n_ops ? "[" : ", ");
        status = tni_op_turn(rule, i, &text, why);
    }
    tni_buffer_char(&text, ']');
    status = status != TN_OK ? status : tni_buffer_check(&text, why);
    if (status == TN_OK) {
        status = tni_arena_str(&v->session->arena, (tn_str){text.data, text.len}, &back->operations,
                               why);
    }
    tni_buffer_clear(&text);
    return status;
}

/* Tells whether what leads operations back without a model names variables. */
static bool names_variables(const tni_rule *rule)
{
    bool any = false;
    for (size_t i = 0; i < rule->n_ops; i++) {
        const tni_rule_op *op = &rule->ops[i];
        any =
            any || (op->axis != NULL && op->axis->vars) || (op->groups != NULL && op->groups->vars);
        for (size_t k = 0; op->given != NULL && k < op->n_sizes; k++) {
            any = any || (op->given[k] && op->sizes[k].vars);
        }
    }
    return any;
}

/* Adds what leads a rule back that renames, without the operations that a model knows. */
static tn_status lead_rename(tni_inverting *v, const tni_rule *rule, tn_error *err)
{
    size_t index = (size_t)(rule - v->set->rules);
    tni_back *back = &v->backs[v->n_backs];
    tn_error why = {0};
    tni_values values;
    tni_inverse_facts facts = {.seen = NULL};
    tni_rule trimmed = *rule;
    tn_status status = TN_OK;
    if (v->stage != NULL) {
        values = tni_claim_values(v->stage, rule);
        facts = (tni_inverse_facts){.seen = v->stage->tallies[index].numbers, .values = &values};
        status = rule->to == NULL ? TN_OK : tni_inverse_trim(v, rule, &trimmed, err);
    }
    if (status != TN_OK) {
        return status;
    }
    *back = (tni_back){.rule = rule};
    if (rule->n_ops > 0) {
        back->names_variables = names_variables(rule);
        status = turn_operations(v, rule, back, &why);
    }
    if (status == TN_OK && rule->to != NULL) {
        status = tni_rule_invert(&v->session->arena, &trimmed, &facts, (unsigned)index + 1,
                                 &back->inverse, &why);
    }
    if (status != TN_OK) {
        return why.code == TN_E_RULE ? tni_no_inverse(v, rule, first_claimed(v, rule), &why, err)
                                     : tni_fail(err, why.code, "%s", why.message);
    }
    v->back_at[index] = v->n_backs++;
    return TN_OK;
}

/* Leads one rule back. */
static tn_status lead_back(tni_inverting *v, const tni_rule *rule, tn_error *err)
{
    size_t index = (size_t)(rule - v->set->rules);
    tn_error why = {0};
    if (rule->n_inputs > 0) {
        tni_fail(&why, TN_E_RULE, "it takes tensors of another input");
        return tni_no_inverse(v, rule, first_claimed(v, rule), &why, err);
    }
    if (rule->deed == TNI_DEED_TIE && !rule->tie->copy) {
        return TN_OK;
    }
    if (rule->deed == TNI_DEED_MAKE || rule->deed == TNI_DEED_TIE) { /* what it adds is dropped */
        v->backs[v->n_backs] = (tni_back){.rule = rule};
        v->back_at[index] = v->n_backs++;
        return TN_OK;
    }
    if (v->stage != NULL && v->stage->tallies[index].claimed == 0) {
        return TN_OK;
    }
    if (rule->deed == TNI_DEED_DROP) {
        return note_dropped(v, rule, rule->place, err);
    }
    if (rule->back != NULL && rule->file != v->set->file &&
        !tni_template_is_closed(rule->back_to)) {
        tni_fail(&why, TN_E_RULE, "its 'back' needs tables or variables of an included file");
        return tni_no_inverse(v, rule, first_claimed(v, rule), &why, err);
    }
    if (v->stage == NULL && rule->file != v->set->file && names_variables(rule)) {
        tni_fail(&why, TN_E_RULE, "its operations need variables of an included file");
        tni_error_hint(&why, "give the model: tenon rules invert FILE MODEL");
        return tni_no_inverse(v, rule, TN_STR_NONE, &why, err);
    }
    return v->stage != NULL && rule->operates ? tni_lead_groups_back(v, rule, err)
                                              : lead_rename(v, rule, err);
}

/* Refuses what one file cannot say. */
static tn_status check_file(const tni_ruleset *set, tn_error *err)
{
    tn_status status = TN_OK;
    if (set->scheme != TN_SCHEME_NAME) {
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
    bool left =
        v->set->unmatched == TNI_UNMATCHED_KEEP && (v->stage == NULL || v->stage->next->count > 0);
    if (status == TN_OK && v->n_backs == 0 && !left) {
        status = tni_fail(err, TN_E_NO_INVERSE, "nothing comes back");
        tni_error_path(err, v->set->file);
    }
    return status;
}

/* Makes room for all rules of the inverse. */
static tn_status make_room(tni_inverting *v, tn_error *err)
{
    void *backs = NULL, *back_at = NULL;
    tni_arena *arena = &v->session->arena;
    size_t made = v->stage == NULL ? 0 : v->stage->n_made;
    tn_status status = tni_arena_array(arena, v->set->count + made, sizeof(tni_back), &backs, err);
    if (status == TN_OK) {
        status = tni_arena_array(arena, v->set->count, sizeof(size_t), &back_at, err);
    }
    if (status != TN_OK) {
        return status;
    }
    v->backs = backs;
    v->back_at = back_at;
    memset(back_at, 0xFF, v->set->count * sizeof(size_t));
    return v->stage == NULL ? TN_OK : tni_inverse_groups(v, err);
}

tn_status tni_session_invert(tni_session *session, size_t stage, tni_file_inverse *inverse_out,
                             tn_error *err)
{
    tni_file_inverse inverse;
    tni_inverting v = {.session = session,
                       .at = stage,
                       .set = &session->sets.at[stage],
                       .stage = session->n_stages > 0 ? &session->stages[stage] : NULL};
    tn_status status = check_file(v.set, err);
    status = status != TN_OK ? status : make_room(&v, err);
    status = status != TN_OK ? status : lead_all_back(&v, err);
    status = status != TN_OK ? status : tni_inverse_write(&v, &inverse, err);
    status = status != TN_OK ? status : tni_inverse_order(&v, &inverse, err);
    status = status != TN_OK ? status : tni_inverse_write(&v, &inverse, err);
    if (status == TN_OK && v.stage != NULL) {
        status = tni_inverse_check(&v, &inverse, err);
    }
    if (status == TN_OK) {
        *inverse_out = inverse;
    }
    return status;
}
