/* Tables of a rule, as far as a model needs them. */
#include "converters/rule_verbs/invert_file.h"

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
        for (size_t k = 0; found && k < part->table->count; k++) {
            met[k] = met[k] ||
                     tn_str_equal(part->table->entries[k].word, matcher.bound[part->slot].text);
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

tn_status tni_inverse_trim(const tni_inverting *v, const tni_rule *rule, tni_rule *out,
                           tn_error *err)
{
    void *to = NULL, *parts = NULL;
    tni_arena *arena = &v->session->arena;
    const tni_template *was = rule->to;
    *out = *rule;
    tn_status status = tni_arena_alloc(arena, sizeof(tni_template), &to, err);
    if (status == TN_OK) {
        status = tni_arena_array(arena, was->n_parts, sizeof(tni_template_part), &parts, err);
    }
    if (status != TN_OK) {
        return status;
    }
    out->to = to;
    *out->to = *was;
    out->to->parts = parts;
    for (size_t i = 0; status == TN_OK && i < was->n_parts; i++) {
        out->to->parts[i] = was->parts[i];
        if (was->parts[i].kind == TNI_PART_TABLE) {
            status = trim_table(v, rule, &out->to->parts[i], err);
        }
    }
    return status;
}
