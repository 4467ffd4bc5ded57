#include "converters/rules/side.h"

bool tni_has_rules(const tni_rule_options *rules)
{
    return rules->n_rules + rules->n_rename + rules->n_vars + rules->n_inputs > 0;
}

tn_status tni_rename_side(tni_arena *arena, const tni_rule_options *rules, tn_report *notes,
                          tni_naming *naming, const tn_model **model_inout,
                          tni_choice **choices_inout, tn_error *err)
{
    const tn_model *first = *model_inout;
    const tni_choice *choices = *choices_inout;
    void *keep_block, *choice_block;
    tn_status status = tni_arena_array(arena, first->count, sizeof(bool), &keep_block, err);
    bool *keep = keep_block;
    for (size_t i = 0; status == TN_OK && i < first->count; i++) {
        keep[i] = choices[i].cause == TNI_KEPT || choices[i].cause == TNI_NOT_ONLY;
    }
    if (status == TN_OK) {
        status = tni_naming_run(arena, first, keep, rules, notes, naming, err);
    }
    if (status == TN_OK) {
        status =
            tni_arena_array(arena, naming->model->count, sizeof(tni_choice), &choice_block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tni_choice *moved = choice_block;
    for (size_t i = 0; i < naming->model->count; i++) {
        moved[i] = naming->source[i] >= first->count ? (tni_choice){.cause = TNI_KEPT}
                                                     : choices[naming->source[i]];
    }
    *model_inout = naming->model;
    *choices_inout = moved;
    return TN_OK;
}
