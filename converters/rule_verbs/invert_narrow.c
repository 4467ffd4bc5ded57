/* Rules for some of the tensors that they claim: holes that are bound to few words. */
#include "converters/rule_verbs/invert_file.h"

/* Copies a pattern; its holes get the slots that they have in `first`, and the words there. */
static tn_status narrow_pattern(tni_arena *arena, const tn_pattern *pattern,
                                const tn_pattern *first, const tni_words *words,
                                tn_pattern **copy_out, tn_error *err)
{
    void *copy = NULL, *parts = NULL, *holes = NULL;
    size_t n_parts = pattern->kind == TNI_HOLES ? pattern->n_parts : 0;
    tn_status status = tni_arena_alloc(arena, sizeof(tn_pattern), &copy, err);
    status =
        status != TN_OK ? status : tni_arena_array(arena, n_parts, sizeof(tni_part), &parts, err);
    status =
        status != TN_OK ? status : tni_arena_array(arena, n_parts, sizeof(tni_hole), &holes, err);
    if (status != TN_OK) {
        return status;
    }
    tn_pattern *narrow = copy;
    *narrow = *pattern;
    narrow->parts = n_parts == 0 ? pattern->parts : parts;
    for (size_t i = 0; i < n_parts; i++) {
        tni_part *part = (tni_part *)parts + i;
        *part = pattern->parts[i];
        if (part->hole != NULL) {
            tni_hole *hole = (tni_hole *)holes + i;
            *hole = *part->hole;
            hole->slot = (uint32_t)tni_pattern_slot(first, hole->name);
            if (words[hole->slot].count > 0) {
                hole->words = words[hole->slot].at;
                hole->n_words = words[hole->slot].count;
            }
            part->hole = hole;
        }
    }
    *copy_out = narrow;
    return TN_OK;
}

tn_status tni_inverse_narrow(tni_arena *arena, const tni_rule *rule, const tn_pattern *pattern,
                             const tni_words *words, tni_rule *out, tn_error *err)
{
    void *block;
    *out = *rule;
    out->n_patterns = pattern == NULL ? rule->n_patterns : 1;
    tn_status status = tni_arena_array(arena, out->n_patterns, sizeof(tn_pattern *), &block, err);
    out->patterns = status == TN_OK ? block : NULL;
    for (size_t i = 0; status == TN_OK && i < out->n_patterns; i++) {
        status = narrow_pattern(arena, pattern == NULL ? rule->patterns[i] : pattern,
                                rule->patterns[0], words, &out->patterns[i], err);
    }
    return status;
}
