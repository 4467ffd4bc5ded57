/* A rule file tried on a model: what matches nothing, whether a second run would change more, and
 * whether the inverse leads back. */
#include "converters/rule_verbs/session.h"
#include "model/near.h"
#include <tenon/text.h>

/* Says which rules match nothing, with the nearest name. */
static tn_status find_dead(tni_session *session, const tni_stage *stage, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t r = 0; status == TN_OK && r < stage->set->count; r++) {
        const tni_rule *rule = &stage->set->rules[r];
        uint32_t near[TNI_NEAR_MOST];
        char name[TN_ERROR_SUBJECT] = "";
        tn_str nearest = TN_STR_NONE;
        if (stage->tallies[r].found > 0 || rule->n_patterns == 0) {
            continue;
        }
        const tn_pattern *pattern = rule->patterns[0];
        tn_str text = pattern->kind == TNI_EXACT ? pattern->exact : pattern->source;
        if (tni_near(stage->model, stage->set->scheme, text, near) > 0) {
            nearest = stage->model->tensors[near[0]].alias[TN_SCHEME_NAME];
            tn_escape(nearest, name, sizeof name);
        }
        status = tni_session_find(session, rule->optional ? TN_SEVERITY_NOTE : TN_SEVERITY_ERROR,
                                  "dead-rule", rule, TN_STR_NONE, nearest, err,
                                  "rule %zu matched nothing%s%s", tni_rule_number(stage->set, rule),
                                  nearest.data == NULL ? "" : "; nearest name ", name);
    }
    return status;
}

/* Says which rules would change their own new names once more, with the first of each. */
static tn_status find_unsteady(tni_session *session, const tni_stage *stage,
                               const tni_naming *again, tn_error *err)
{
    void *block;
    tn_status status =
        tni_arena_array(&session->arena, stage->set->count, sizeof(bool), &block, err);
    bool *said = block;
    for (size_t i = 0; status == TN_OK && i < again->model->count; i++) {
        uint32_t middle = again->source[i];
        uint32_t source = middle == TN_NO_INDEX ? middle : session->naming.source[middle];
        const tni_rule *rule = source == TN_NO_INDEX ? NULL : stage->decisions[source].rule;
        char name[TN_ERROR_SUBJECT];
        if (!again->any_renamed || !again->renamed[i] || rule == NULL ||
            rule->deed != TNI_DEED_RENAME || said[rule - stage->set->rules]) {
            continue;
        }
        tn_str twice = again->model->tensors[i].alias[TN_SCHEME_NAME];
        said[rule - stage->set->rules] = true;
        tn_escape(twice, name, sizeof name);
        status =
            tni_session_find(session, TN_SEVERITY_NOTE, "not-idempotent", rule,
                             session->naming.model->tensors[middle].alias[TN_SCHEME_NAME], twice,
                             err, "rule %zu is not idempotent: a second run would give %s",
                             tni_rule_number(stage->set, rule), name);
    }
    return status;
}

/* Runs the one stage over its own result, whatever it says of the model as a whole. Where it
 * refuses that, a second run changes nothing. */
static tn_status run_twice(tni_session *session, tn_error *err)
{
    tni_ruleset set = session->sets.at[0];
    tni_rulesets sets = {&set, 1};
    tni_naming again;
    tn_error why = {0};
    set.unmatched = TNI_UNMATCHED_KEEP;
    set.from = (tni_guard){.node = NULL};
    set.to = (tni_guard){.node = NULL};
    set.n_assertions = 0;
    set.n_included = 0;
    tn_status status =
        tni_session_run_other(session, session->naming.model, &sets, true, &again, &why);
    if (status == TN_OK) {
        status = find_unsteady(session, &session->stages[0], &again, err);
    } else {
        status = why.status == TN_NO ? TN_OK : tni_fail(err, why.code, "%s", why.message);
    }
    tni_naming_clear(&again);
    return status;
}

/* Says that a stage has no inverse. */
static tn_status find_no_inverse(tni_session *session, size_t stage, const tn_error *why,
                                 tn_error *err)
{
    tni_rule place = {.place = tn_str_of(session->sets.at[stage].file)};
    tn_status status = TN_OK;
    if (why->line > 0) {
        status =
            tni_arena_format(&session->arena, &place.place, err, "%s:%u", why->path, why->line);
    }
    return status != TN_OK
               ? status
               : tni_session_find(session, TN_SEVERITY_ERROR, "no-inverse", &place,
                                  why->subject[0] == '\0' ? TN_STR_NONE : tn_str_of(why->subject),
                                  TN_STR_NONE, err, "%s%s%s", why->subject,
                                  why->subject[0] == '\0' ? "" : ": ", why->message);
}

/* Tries the inverses of all stages, the last one first: each leads from what its stage left to what
 * the stage had found, so together they lead back to the model. That there is none is a finding. */
static tn_status try_inverses(tni_session *session, tn_rules_tested *tested, tn_error *err)
{
    tn_status status = TN_OK;
    tested->inverted = true;
    for (size_t i = session->n_stages; status == TN_OK && i-- > 0;) {
        tni_file_inverse inverse;
        tn_error why = {0};
        if (tni_session_invert(session, i, &inverse, &why) != TN_OK) {
            tested->inverted = false;
            status = why.code == TN_E_NO_INVERSE ? find_no_inverse(session, i, &why, err)
                                                 : tni_fail(err, why.code, "%s", why.message);
        }
    }
    return status;
}

static void count(const tni_session *session, tn_rules_tested *tested)
{
    tested->tensors = session->model->count;
    tested->dropped = session->naming.n_left_out;
    for (size_t i = 0; i < session->naming.model->count; i++) {
        bool renamed = session->naming.any_renamed && session->naming.renamed[i];
        bool made = session->naming.source[i] == TN_NO_INDEX;
        tested->made += made;
        tested->renamed += renamed && !made;
        tested->kept += !renamed && !made;
    }
}

static tn_status test(tni_session *session, tn_rules_tested *tested, tn_error *err)
{
    tn_status status = TN_OK;
    count(session, tested);
    for (size_t i = 0; status == TN_OK && i < session->n_stages; i++) {
        status = find_dead(session, &session->stages[i], err);
    }
    if (status == TN_OK && session->n_stages == 1) {
        status = run_twice(session, err);
    }
    return status != TN_OK ? status : try_inverses(session, tested, err);
}

tn_status tn_rules_test(tn_context *ctx, const char *file, const tn_model *model,
                        const tn_rules_options *options, tn_rules_tested *tested_out,
                        tn_report **report_out, tn_error *err)
{
    tni_session session;
    tn_rules_tested tested = {0};
    tn_status status = tni_session_begin(&session, ctx, file, options, err);
    if (status == TN_OK) {
        status = tni_session_run(&session, model, true, err);
    }
    if (status == TN_OK) {
        status = test(&session, &tested, err);
    }
    if (status == TN_OK) {
        *tested_out = tested;
        *report_out = session.report;
        session.report = NULL;
    }
    tni_session_end(&session);
    return status;
}

/* Refuses stages: the inverse of each is a file of its own. */
static tn_status check_stages(const tni_session *session, tn_error *err)
{
    size_t count = session->sets.count;
    if (count == 1) {
        return TN_OK;
    }
    tn_status status =
        tni_fail(err, TN_E_NO_INVERSE, "%zu stages need as many files to lead back", count);
    tni_error_path(err, session->sets.at[0].file);
    tni_error_hint(err, "invert each of them, the last one first: tenon rules invert %s",
                   session->sets.at[count - 1].file);
    return status;
}

tn_status tn_rules_invert(tn_context *ctx, const char *file, const tn_model *model,
                          const tn_rules_options *options, FILE *out, tn_report **report_out,
                          tn_error *err)
{
    tni_session session;
    tni_file_inverse inverse;
    tn_status status = tni_session_begin(&session, ctx, file, options, err);
    status = status != TN_OK ? status : check_stages(&session, err);
    if (status == TN_OK && model != NULL) {
        status = tni_session_run(&session, model, true, err);
    }
    status = status != TN_OK ? status : tni_session_invert(&session, 0, &inverse, err);
    if (status == TN_OK && model == NULL) {
        status =
            tni_session_find(&session, TN_SEVERITY_NOTE, "untested", NULL, TN_STR_NONE, TN_STR_NONE,
                             err, "derived from the rules alone, and not tested on any names");
    }
    if (status == TN_OK) {
        fwrite(inverse.text.data, 1, inverse.text.len, out);
        *report_out = session.report;
        session.report = NULL;
    }
    tni_session_end(&session);
    return status;
}
