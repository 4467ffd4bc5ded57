/* The values that holes had: what {rank(i)} counts and `expect` asks for. */
#include "converters/rules/claim.h"
#include <stdlib.h>

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

static void record(const tni_stage *stage, const tni_rule *rule)
{
    tni_seen_numbers *numbers = stage->tallies[rule - stage->set->rules].numbers;
    for (uint32_t slot = 0; slot < rule->patterns[0]->n_slots; slot++) {
        if ((rule->recorded >> slot & 1) != 0) {
            int64_t *at = (int64_t *)(uintptr_t)numbers[slot].at;
            tni_number_read(stage->matcher.bound[slot].text, &at[numbers[slot].count++]);
        }
    }
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

tn_status tni_claim_record(tni_stage *stage, tn_error *err)
{
    tn_status status = TN_OK;
    bool any = false;
    for (size_t r = 0; status == TN_OK && r < stage->set->count; r++) {
        if (stage->set->rules[r].recorded != 0) {
            status = make_room(stage, &stage->set->rules[r], &stage->tallies[r], err);
            any = true;
        }
    }
    for (size_t i = 0; any && status == TN_OK && i < stage->model->count; i++) {
        const tni_decision *decision = &stage->decisions[i];
        bool found;
        if (decision->claimed && decision->rule->recorded != 0) {
            status = tni_claim_match(stage, i, decision->rule, decision->pattern, &found, err);
        }
        if (status == TN_OK && decision->claimed && decision->rule->recorded != 0) {
            record(stage, decision->rule);
        }
    }
    for (size_t r = 0; status == TN_OK && r < stage->set->count; r++) {
        const tni_rule *rule = &stage->set->rules[r];
        for (uint32_t slot = 0; rule->recorded != 0 && slot < rule->patterns[0]->n_slots; slot++) {
            sort_out(&stage->tallies[r].numbers[slot]);
        }
    }
    return status;
}
