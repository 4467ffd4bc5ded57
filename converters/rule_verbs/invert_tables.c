/* Tables of a rule, as far as a model needs them. */
#include "converters/rule_verbs/invert_file.h"

/* Finds the slot in which another pattern of a rule binds the hole of the first one's `slot`. */
static uint32_t slot_in(const tn_pattern *first, uint32_t slot, const tn_pattern *other)
{
    for (size_t i = 0; other != first && first->kind == TNI_HOLES && i < first->n_parts; i++) {
        const tni_hole *hole = first->parts[i].hole;
        if (hole != NULL && hole->slot == slot) {
            return (uint32_t)tni_pattern_slot(other, hole->name);
        }
    }
    return slot;
}

/* Marks the words of a table that the tensors of a rule have there. */
static tn_status mark_words(const tni_inverting *v, const tni_rule *rule,
                            const tni_template_part *part, bool *met, tn_error *err)
{
    tni_matcher matcher;
    tn_status status = TN_OK;
    tni_matcher_init(&matcher, v->session->ctx);
    for (size_t i = 0; status == TN_OK && i < v->stage->model->count; i++) {
        const tni_decision *decision = &v->stage->decisions[i];
        bool found = false;
        if (!decision->claimed || decision->rule != rule) {
            continue;
        }
        status = tni_pattern_match(decision->pattern, &matcher, tni_stage_seen(v->stage, i), &found,
                                   err);
        uint32_t slot = found ? slot_in(rule->patterns[0], part->slot, decision->pattern) : 0;
        for (size_t k = 0; found && k < part->table->count; k++) {
            met[k] = met[k] || tn_str_equal(part->table->entries[k].word, matcher.bound[slot].text);
        }
    }
    tni_matcher_clear(&matcher);
    return status;
}

/* Makes a table of the words that were met. */
static tn_status trim_table(const tni_inverting *v, const tni_rule *rule, tni_template_part *part,
                            tn_error *err)
{
    void *met = NULL, *entries = NULL, *block = NULL;
    tni_arena *arena = &v->session->arena;
    const tni_table *table = part->table;
    tn_status status = tni_arena_array(arena, table->count, sizeof(bool), &met, err);
    status = status != TN_OK
                 ? status
                 : tni_arena_array(arena, table->count, sizeof(tni_table_entry), &entries, err);
    status = status != TN_OK ? status : tni_arena_alloc(arena, sizeof(tni_table), &block, err);
    status = status != TN_OK ? status : mark_words(v, rule, part, met, err);
    if (status != TN_OK) {
        return status;
    }
    tni_table *trimmed = block;
    *trimmed = (tni_table){.name = table->name, .entries = entries};
    for (size_t i = 0; i < table->count; i++) {
        if (((bool *)met)[i]) {
            trimmed->entries[trimmed->count++] = table->entries[i];
        }
    }
    part->table = trimmed;
    return TN_OK;
}

/* Copies a target with its tables trimmed. A hole that unstack counts is bound by no tensor. */
static tn_status trim_target(const tni_inverting *v, const tni_rule *rule, const tni_template *was,
                             tni_template **out, tn_error *err)
{
    void *to = NULL, *parts = NULL;
    tni_arena *arena = &v->session->arena;
    tn_status status = tni_arena_alloc(arena, sizeof(tni_template), &to, err);
    if (status == TN_OK) {
        status = tni_arena_array(arena, was->n_parts, sizeof(tni_template_part), &parts, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tni_template *trimmed = to;
    *trimmed = *was;
    trimmed->parts = parts;
    for (size_t i = 0; status == TN_OK && i < was->n_parts; i++) {
        trimmed->parts[i] = was->parts[i];
        if (was->parts[i].kind == TNI_PART_TABLE &&
            was->parts[i].slot < rule->patterns[0]->n_slots) {
            status = trim_table(v, rule, &trimmed->parts[i], err);
        }
    }
    *out = trimmed;
    return status;
}

tn_status tni_inverse_trim(const tni_inverting *v, const tni_rule *rule, tni_rule *out,
                           tn_error *err)
{
    void *targets;
    *out = *rule;
    if (rule->n_targets == 0) {
        return trim_target(v, rule, rule->to, &out->to, err);
    }
    tn_status status =
        tni_arena_array(&v->session->arena, rule->n_targets, sizeof(tni_template *), &targets, err);
    out->targets = status == TN_OK ? targets : NULL;
    for (size_t i = 0; status == TN_OK && i < rule->n_targets; i++) {
        status = trim_target(v, rule, rule->targets[i], &out->targets[i], err);
    }
    out->to = status == TN_OK ? out->targets[0] : NULL;
    return status;
}
