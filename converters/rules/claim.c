/* Which rule claims which tensor: all rules see the names as the stage found them. */
#include "converters/rules/claim.h"

#include "converters/rules/slots.h"
#include <tenon/text.h>

/* Takes the input's name off a name of one of its tensors. */
static tn_str bare(const tni_stage *stage, size_t index, tn_str name)
{
    uint32_t input = tni_stage_input(stage, index);
    return input == 0 || name.data == NULL
               ? name
               : tn_str_skip(name, stage->inputs->at[input - 1].name.len + 1);
}

tn_str tni_stage_own(const tni_stage *stage, size_t index)
{
    return bare(stage, index, stage->model->tensors[index].alias[TN_SCHEME_NAME]);
}

tn_str tni_stage_seen(const tni_stage *stage, size_t index)
{
    tn_str name = stage->model->tensors[index].alias[stage->set->scheme];
    bool flags = stage->set->file == NULL;
    return name.data == NULL && flags && stage->renamed[index] ? tni_stage_own(stage, index)
                                                               : bare(stage, index, name);
}

bool tni_rule_takes(const tni_rule *rule, uint32_t input)
{
    for (size_t i = 0; i < rule->n_inputs; i++) {
        if (rule->takes[i] == input) {
            return true;
        }
    }
    return rule->n_inputs == 0 && input == 0;
}

/* Returns the path of the model that a tensor is of. */
static const char *path_of(const tni_stage *stage, size_t index)
{
    uint32_t input = tni_stage_input(stage, index);
    return input == 0 ? stage->model->path : stage->inputs->at[input - 1].model->path;
}

tn_status tni_claim_raise(const tni_stage *stage, size_t index, const tni_rule *rule,
                          const tn_error *why, tn_error *err)
{
    tn_status status =
        tni_fail(err, why->code, "%.*s: %s", (int)rule->place.len, rule->place.data, why->message);
    tni_error_path(err, path_of(stage, index));
    tni_error_subject(err, tni_stage_seen(stage, index));
    if (why->hint[0] != '\0') {
        tni_error_hint(err, "%s", why->hint);
    }
    return status;
}

static tn_status size_of(const void *sizes, tn_str name, int64_t axis, int64_t *size_out,
                         tn_error *err)
{
    const tni_stage *stage = sizes;
    uint32_t index = tni_model_index(stage->model, stage->set->scheme, name);
    int shown = name.len > 200 ? 200 : (int)name.len;
    if (index == TN_NO_INDEX || index == TNI_INDEX_MANY) {
        return tni_fail(err, TN_E_NAME, "dim(): %s '%.*s'",
                        index == TN_NO_INDEX ? "there is no tensor" : "several tensors are called",
                        shown, name.data);
    }
    const tn_tensor *tensor = &stage->model->tensors[index];
    axis += axis < 0 ? tensor->rank : 0;
    if (axis < 0 || axis >= tensor->rank || tensor->shape[axis] < 0) {
        return tni_fail(err, TN_E_NAME, "dim(): '%.*s' has no size along that axis", shown,
                        name.data);
    }
    *size_out = tensor->shape[axis];
    return TN_OK;
}

tni_values tni_claim_values(const tni_stage *stage, const tni_rule *rule)
{
    return (tni_values){.bound = stage->matcher.bound,
                        .seen = stage->tallies[rule - stage->set->rules].numbers,
                        .sizes = stage,
                        .size = size_of};
}

bool tni_claim_offer(tni_stage *stage, size_t index, const tni_rule *rule,
                     const tn_pattern *pattern)
{
    tni_decision *decision = &stage->decisions[index];
    stage->tallies[rule - stage->set->rules].found++;
    if (decision->rule == NULL || rule->priority > decision->rule->priority) {
        decision->rule = rule;
        decision->pattern = pattern;
        decision->rival = NULL;
        return true;
    }
    bool rival = rule != decision->rule && rule->priority == decision->rule->priority;
    decision->rival = rival && decision->rival == NULL ? rule : decision->rival;
    return false;
}

tn_status tni_claim_match(tni_stage *stage, size_t index, const tni_rule *rule,
                          const tn_pattern *pattern, bool *found_out, tn_error *err)
{
    tn_error why = {0};
    stage->tries++;
    tn_status status =
        tni_pattern_match(pattern, &stage->matcher, tni_stage_seen(stage, index), found_out, &why);
    return status == TN_OK ? TN_OK : tni_claim_raise(stage, index, rule, &why, err);
}

/* Tells whether a slot may be claimed by a pattern that is no exact name. */
static bool sees_slot(const tni_stage *stage, size_t index, const tni_rule *rule,
                      const tn_pattern *pattern)
{
    uint32_t owner = tni_stage_owner(stage, index);
    tni_slot_name name;
    return owner == TN_NO_INDEX || rule->sees_slots ||
           (tni_slot_split(tni_stage_seen(stage, index), tni_stage_seen(stage, owner), &name) &&
            tni_slot_spelt(pattern, name.suffix));
}

/* Tells whether a tensor is left alone by patterns: a counter, or, where names change, optimizer
 * state without a scope. Both are restored by their bare names. */
static bool is_left_alone(const tni_stage *stage, const tni_rule *rule, size_t index)
{
    const tn_tensor *tensor = &stage->model->tensors[index];
    tn_str name = tni_stage_seen(stage, index);
    bool bare = name.len > 0 && memchr(name.data, '/', name.len) == NULL &&
                memchr(name.data, '.', name.len) == NULL;
    bool moves = rule->deed == TNI_DEED_RENAME && !(rule->operates && rule->n_targets == 0);
    bool state = tensor->role == TN_ROLE_STATE && bare && moves;
    return !rule->sees_counters && (tensor->role == TN_ROLE_COUNTER || state);
}

/* Offers a tensor to a rule whose pattern, which is no exact name, may match it. */
static tn_status try_pattern(tni_stage *stage, size_t index, const tni_rule *rule,
                             const tn_pattern *pattern, const tn_pattern **bound, tn_error *err)
{
    bool found = false;
    tni_tally *tally = &stage->tallies[rule - stage->set->rules];
    if (!tni_rule_takes(rule, tni_stage_input(stage, index))) {
        return TN_OK;
    }
    if (rule->floats_only &&
        tn_dtype_about(stage->model->tensors[index].dtype)->kind != TN_KIND_FLOAT) {
        return TN_OK;
    }
    tn_status status = tni_claim_match(stage, index, rule, pattern, &found, err);
    if (status != TN_OK || !found) {
        return status;
    }
    *bound = pattern;
    if (pattern->kind != TNI_EXACT && is_left_alone(stage, rule, index)) {
        tni_decision *decision = &stage->decisions[index];
        tally->unseen = (uint32_t)index;
        decision->left_alone = decision->left_alone == NULL ? rule : decision->left_alone;
    } else if (pattern->kind != TNI_EXACT && !sees_slot(stage, index, rule, pattern)) {
        tally->unseen = (uint32_t)index;
    } else {
        status = tni_when_holds(stage, index, rule, pattern, &found, err);
        if (status == TN_OK && found) {
            tni_claim_offer(stage, index, rule, pattern);
        }
    }
    return status;
}

/* Tests a rule's `back` on a name that the rule has made. */
static tn_status check_back(tni_stage *stage, size_t index, tn_error *err)
{
    const tni_decision *decision = &stage->decisions[index];
    const tni_rule *rule = decision->rule;
    tni_values values = tni_claim_values(stage, rule);
    char name[TN_ERROR_SUBJECT], old[TN_ERROR_SUBJECT] = "";
    tn_error why = {0};
    bool found = false;
    tn_status status = tni_pattern_match(rule->back, &stage->matcher, decision->name, &found, &why);
    if (status == TN_OK && found) {
        status = tni_template_render(rule->back_to, rule->back, &values, &stage->buffer, &why);
    }
    tn_str back = {stage->buffer.data, stage->buffer.len};
    if (status != TN_OK) {
        return tni_claim_raise(stage, index, rule, &why, err);
    }
    if (found && tn_str_equal(back, tni_stage_seen(stage, index))) {
        return TN_OK;
    }
    tn_escape(decision->name, name, sizeof name);
    tn_escape(back, old, sizeof old);
    if (found) {
        tni_fail(&why, TN_E_NAME, "'back' makes '%s' of the new name '%s'", old, name);
    } else {
        tni_fail(&why, TN_E_NAME, "'back' does not match the new name '%s'", name);
    }
    return tni_claim_raise(stage, index, rule, &why, err);
}

/* Makes the new name of a claimed tensor; the matcher's bindings are those of its name. */
static tn_status render(tni_stage *stage, size_t index, tn_error *err)
{
    tni_decision *decision = &stage->decisions[index];
    const tni_rule *rule = decision->rule;
    tni_values values = tni_claim_values(stage, rule);
    tn_error why = {0};
    tn_status status =
        tni_template_render(rule->to, decision->pattern, &values, &stage->buffer, &why);
    if (status != TN_OK) {
        return tni_claim_raise(stage, index, rule, &why, err);
    }
    tn_str name = {stage->buffer.data, stage->buffer.len};
    status = tni_arena_str(stage->arena, name, &decision->name, err);
    return status == TN_OK && rule->back != NULL ? check_back(stage, index, err) : status;
}

/* Matches a tensor again with the pattern that claims it, for its bindings. */
static tn_status bind_again(tni_stage *stage, size_t index, tn_error *err)
{
    const tni_decision *decision = &stage->decisions[index];
    bool found;
    if (decision->pattern->kind == TNI_EXACT) {
        return TN_OK;
    }
    return tni_claim_match(stage, index, decision->rule, decision->pattern, &found, err);
}

/* Ends the offers of one tensor. `bound` is what the matcher's bindings belong to. */
static tn_status settle(tni_stage *stage, size_t index, const tn_pattern *bound, tn_error *err)
{
    tni_decision *decision = &stage->decisions[index];
    const tni_rule *rule = decision->rule;
    if (rule == NULL) {
        return TN_OK;
    }
    if (decision->rival != NULL) {
        return tni_claim_overlap(stage, index, err);
    }
    decision->claimed = decision->decided = true;
    decision->place = rule->place;
    decision->dropped = rule->deed == TNI_DEED_DROP;
    stage->tallies[rule - stage->set->rules].claimed++;
    decision->consumed = rule->operates;
    if (rule->deed == TNI_DEED_KEEP && tni_stage_input(stage, index) > 0) {
        decision->name = tni_stage_own(stage, index); /* that of an input is without its mark */
    }
    if (rule->operates || rule->deed != TNI_DEED_RENAME || rule->to->ranks) {
        return TN_OK;
    }
    tn_status status = bound == decision->pattern ? TN_OK : bind_again(stage, index, err);
    return status != TN_OK ? status : render(stage, index, err);
}

/* Offers all tensors to the rules whose patterns may match them. */
static tn_status try_all(tni_stage *stage, tni_match_index *index, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < stage->model->count; i++) {
        tn_str name = tni_stage_seen(stage, i);
        const tn_pattern *bound = NULL;
        index->n_hits = 0;
        if (name.data != NULL && stage->model->tensors[i].role != TN_ROLE_METADATA) {
            tni_match_index_search(index, name);
        }
        for (size_t k = 0; status == TN_OK && k < index->n_hits; k++) {
            const tni_index_entry *entry = &index->entries[index->hits[k]];
            status = try_pattern(stage, i, &stage->set->rules[entry->owner], entry->pattern, &bound,
                                 err);
        }
        if (status == TN_OK) {
            status = settle(stage, i, bound, err);
        }
    }
    return status;
}

/* Names what only all values of a hole can name: {rank(i)}. */
static tn_status rank_all(tni_stage *stage, tn_error *err)
{
    tn_status status = tni_claim_record(stage, err);
    for (size_t i = 0; status == TN_OK && i < stage->model->count; i++) {
        const tni_decision *decision = &stage->decisions[i];
        if (decision->claimed && !decision->rule->operates && decision->rule->to != NULL &&
            decision->rule->to->ranks) {
            status = bind_again(stage, i, err);
            status = status != TN_OK ? status : render(stage, i, err);
        }
    }
    return status;
}

/* Demands that every rule matches something. */
static tn_status check_found(tni_stage *stage, tn_error *err)
{
    for (size_t r = 0; r < stage->set->count && !stage->ignore_unmatch; r++) {
        const tni_rule *rule = &stage->set->rules[r];
        if (stage->tallies[r].found == 0 && !rule->optional && rule->n_patterns > 0) {
            return tni_claim_nothing(stage, rule, err);
        }
    }
    return TN_OK;
}

tn_status tni_stage_claim(tni_stage *stage, tn_error *err)
{
    void *block;
    tni_match_index index;
    tn_status status =
        tni_arena_array(stage->arena, stage->set->count, sizeof(tni_tally), &block, err);
    if (status != TN_OK) {
        return status;
    }
    stage->tallies = block;
    for (size_t r = 0; r < stage->set->count; r++) {
        stage->tallies[r].unseen = TN_NO_INDEX;
    }
    tni_match_index_init(&index, stage->model->ctx);
    status = tni_claim_named(stage, &index, err);
    if (status == TN_OK) {
        status = tni_match_index_build(&index, err);
    }
    if (status == TN_OK) {
        status = try_all(stage, &index, err);
    }
    tni_match_index_clear(&index);
    if (status == TN_OK) {
        status = check_found(stage, err);
    }
    return status != TN_OK ? status : rank_all(stage, err);
}
