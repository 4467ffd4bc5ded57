/* Rules that name their tensors exactly: they are looked up, not searched. */
#include "converters/rules/claim.h"
#include "converters/select.h"

/* Offers what has exactly this name; where several tensors have it, the pattern is filed. */
static tn_status look_up(tni_stage *stage, uint32_t r, const tn_pattern *pattern, tn_str name,
                         tni_match_index *index, tn_error *err)
{
    const tn_model *model = stage->model;
    uint32_t found = tni_model_index(model, stage->set->scheme, name);
    if (found == TNI_INDEX_MANY) {
        return tni_match_index_add(index, pattern, r, err);
    }
    bool holds = found != TN_NO_INDEX && model->tensors[found].role != TN_ROLE_METADATA;
    tn_status status = TN_OK;
    if (holds) {
        status = tni_when_holds(stage, found, &stage->set->rules[r], pattern, &holds, err);
    }
    if (status == TN_OK && holds) {
        tni_claim_offer(stage, found, &stage->set->rules[r], pattern);
    }
    return status;
}

/* Offers what has exactly this name in the inputs that the rule takes. */
static tn_status look_up_inputs(tni_stage *stage, uint32_t r, const tn_pattern *pattern,
                                tni_match_index *index, tn_error *err)
{
    const tni_rule *rule = &stage->set->rules[r];
    tn_status status = TN_OK;
    if (rule->n_inputs == 0) {
        return look_up(stage, r, pattern, pattern->exact, index, err);
    }
    for (size_t i = 0; status == TN_OK && i < rule->n_inputs; i++) {
        tn_str name = pattern->exact;
        if (rule->takes[i] > 0) {
            tni_buffer_reset(&stage->buffer);
            tni_buffer_str(&stage->buffer, rule->inputs[i]);
            tni_buffer_char(&stage->buffer, ':');
            tni_buffer_str(&stage->buffer, pattern->exact);
            name = (tn_str){stage->buffer.data, stage->buffer.len};
            status = tni_buffer_check(&stage->buffer, err);
        }
        status = status != TN_OK ? status : look_up(stage, r, pattern, name, index, err);
    }
    return status;
}

/* Looks for any of a tensor's names, as arguments may be. */
static tn_status look_up_alias(tni_stage *stage, tni_rule *rule, tn_str name, tn_error *err)
{
    uint32_t index = TN_NO_INDEX;
    const tn_model *model = stage->model;
    tn_status status = tni_find_exact(model, stage->set->scheme, name, &index, err);
    if (status != TN_OK) {
        tni_error_path(err, model->path);
        return status;
    }
    if (index == TN_NO_INDEX || model->tensors[index].role == TN_ROLE_METADATA) {
        return TN_OK;
    }
    rule->exact = tni_stage_seen(stage, index);
    tni_claim_offer(stage, index, rule, rule->patterns[0]);
    return TN_OK;
}

/* Claims for a flag: FROM is a name, else a pattern. */
static tn_status claim_flag(tni_stage *stage, uint32_t r, tni_match_index *index, tn_error *err)
{
    tni_rule *rule = &stage->set->rules[r];
    const tn_pattern *pattern = rule->patterns[0];
    bool exact = pattern->kind == TNI_EXACT;
    tn_status status = TN_OK;
    if (exact || (rule->to != NULL && rule->to->constant)) {
        status = look_up_alias(stage, rule, rule->argument, err);
    }
    if (status == TN_OK && stage->tallies[r].found == 0 && exact) {
        status = look_up_alias(stage, rule, pattern->exact, err);
    }
    if (status == TN_OK && stage->tallies[r].found == 0 && !exact) {
        status = tni_match_index_add(index, pattern, r, err);
    }
    return status;
}

tn_status tni_claim_named(tni_stage *stage, tni_match_index *index, tn_error *err)
{
    tn_status status = TN_OK;
    for (uint32_t r = 0; status == TN_OK && r < stage->set->count; r++) {
        const tni_rule *rule = &stage->set->rules[r];
        if (rule->argument.data != NULL) {
            status = claim_flag(stage, r, index, err);
            continue;
        }
        for (size_t i = 0; status == TN_OK && i < rule->n_patterns; i++) {
            const tn_pattern *pattern = rule->patterns[i];
            status = pattern->kind == TNI_EXACT ? look_up_inputs(stage, r, pattern, index, err)
                                                : tni_match_index_add(index, pattern, r, err);
        }
    }
    return status;
}
