/* The values that holes had: what {rank(i)} counts and `expect` asks for. */
#include "converters/rules/claim.h"
#include <stdlib.h>

void tni_claim_bound(const tni_stage *stage, const tni_rule *rule, const tn_pattern *pattern,
                     tni_binding bound[TNI_HOLES_MOST + 1])
{
    const tn_pattern *first = rule->patterns[0];
    memcpy(bound, stage->matcher.bound, first->n_slots * sizeof *bound);
    for (size_t i = 0; pattern != first && first->kind == TNI_HOLES && i < first->n_parts; i++) {
        const tni_hole *hole = first->parts[i].hole;
        int slot = hole == NULL ? -1 : tni_pattern_slot(pattern, hole->name);
        if (slot >= 0) {
            bound[hole->slot] = stage->matcher.bound[slot];
        }
    }
}

/* Makes room for the values of a rule's recorded holes. */
static tn_status make_room(tni_stage *stage, const tni_rule *rule, tni_tally *tally, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(stage->arena, rule->patterns[0]->n_slots,
                                       sizeof(tni_seen_numbers), &block, err);
    tally->numbers = status == TN_OK ? block : NULL;
    for (uint32_t slot = 0; status == TN_OK && slot < rule->patterns[0]->n_slots; slot++) {
        if ((rule->recorded >> slot & 1) != 0) {
            status = tni_arena_array(stage->arena, tally->claimed, sizeof(int64_t), &block, err);
            tally->numbers[slot] = (tni_seen_numbers){block, 0};
        }
    }
    return status;
}

/* Takes the values that the last match bound. */
static tn_status record(tni_stage *stage, size_t index, const tni_rule *rule, tn_error *err)
{
    tni_seen_numbers *numbers = stage->tallies[rule - stage->set->rules].numbers;
    tn_status status = tni_expect_form(stage, index, rule, err);
    for (uint32_t slot = 0; status == TN_OK && slot < rule->patterns[0]->n_slots; slot++) {
        if ((rule->recorded >> slot & 1) != 0) {
            int64_t *at = (int64_t *)(uintptr_t)numbers[slot].at;
            status = tni_expect_value(stage, index, rule, slot, &at[numbers[slot].count++], err);
        }
    }
    return status;
}

static int by_size(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Sorts numbers and leaves each once. */
static void sort_out(tni_seen_numbers *numbers)
{
    int64_t *at = (int64_t *)(uintptr_t)numbers->at;
    size_t kept = 0;
    if (numbers->count == 0) {
        return;
    }
    qsort(at, numbers->count, sizeof(int64_t), by_size);
    for (size_t i = 0; i < numbers->count; i++) {
        if (kept == 0 || at[kept - 1] != at[i]) {
            at[kept++] = at[i];
        }
    }
    numbers->count = kept;
}

/* Tells whether a rule's tensors must be looked at once more. */
static bool is_examined(const tni_rule *rule)
{
    return rule->recorded != 0 || rule->expect != NULL;
}

static tn_status record_all(tni_stage *stage, tn_error *err)
{
    tn_status status = TN_OK;
    tni_binding bound[TNI_HOLES_MOST + 1];
    for (size_t i = 0; status == TN_OK && i < stage->model->count; i++) {
        const tni_decision *decision = &stage->decisions[i];
        bool found;
        if (!decision->claimed || !is_examined(decision->rule)) {
            continue;
        }
        if (decision->pattern->kind != TNI_EXACT) {
            status = tni_claim_match(stage, i, decision->rule, decision->pattern, &found, err);
        }
        if (status == TN_OK && decision->rule->recorded != 0) {
            tni_claim_bound(stage, decision->rule, decision->pattern, bound);
            memcpy(stage->matcher.bound, bound,
                   decision->rule->patterns[0]->n_slots * sizeof *bound);
        }
        status = status != TN_OK ? status : record(stage, i, decision->rule, err);
    }
    return status;
}

tn_status tni_claim_record(tni_stage *stage, tn_error *err)
{
    tn_status status = TN_OK;
    bool any = false;
    for (size_t r = 0; status == TN_OK && r < stage->set->count; r++) {
        const tni_rule *rule = &stage->set->rules[r];
        any = any || is_examined(rule);
        if (rule->recorded != 0) {
            status = make_room(stage, rule, &stage->tallies[r], err);
        }
    }
    if (status == TN_OK && any) {
        status = record_all(stage, err);
    }
    for (size_t r = 0; status == TN_OK && r < stage->set->count; r++) {
        const tni_rule *rule = &stage->set->rules[r];
        for (uint32_t slot = 0; rule->recorded != 0 && slot < rule->patterns[0]->n_slots; slot++) {
            sort_out(&stage->tallies[r].numbers[slot]);
        }
        status = tni_expect_all(stage, rule, err);
    }
    return status;
}
