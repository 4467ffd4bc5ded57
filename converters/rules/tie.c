/* Second names of the output's tensors. */
#include "converters/rules/operate.h"

/* A tensor of the result: one that stays, or one that was made. */
typedef struct found {
    bool any, made;
    uint32_t index;
} found;

static found find(const tni_stage *stage, tn_str name)
{
    for (uint32_t i = 0; i < stage->model->count; i++) {
        const tni_decision *decision = &stage->decisions[i];
        if (!decision->dropped && !decision->consumed &&
            tn_str_equal(tni_stage_final(stage, i), name)) {
            return (found){true, false, i};
        }
    }
    for (uint32_t i = 0; i < stage->n_made; i++) {
        if (tn_str_equal(stage->made[i].name, name)) {
            return (found){true, true, i};
        }
    }
    return (found){.any = false};
}

static tn_status fail(const tni_stage *stage, const tni_rule *rule, tn_code code, const char *what,
                      tn_error *err)
{
    tn_status status =
        tni_fail(err, code, "%.*s: %s", (int)rule->place.len, rule->place.data, what);
    tni_error_path(err, stage->model->path);
    return status;
}

/* Writes a tensor a second time, under its other name. */
static tn_status copy(tni_stage *stage, const tni_rule *rule, found with, tn_error *err)
{
    static const tn_str ops[] = {{"tie", 3}};
    tni_made made = {.name = rule->tie->name, .owner = TN_NO_INDEX, .place = rule->place};
    tn_status status = TN_OK;
    void *block;
    made.ops = ops;
    made.n_ops = 1;
    if (with.made) {
        made.value = stage->made[with.index].value;
        made.from = stage->made[with.index].from;
        made.n_from = stage->made[with.index].n_from;
        return tni_doing_add(stage, &made, err);
    }
    status =
        tni_value_of(&stage->next->arena, &stage->model->tensors[with.index], &made.value, err);
    if (status == TN_OK) {
        status = tni_arena_array(stage->arena, 1, sizeof(uint32_t), &block, err);
    }
    if (status == TN_OK) {
        *(uint32_t *)block = with.index;
        made.from = block;
        made.n_from = 1;
        status = tni_doing_add(stage, &made, err);
    }
    return status;
}

static tn_status tie(tni_stage *stage, const tni_rule *rule, tn_error *err)
{
    found name = find(stage, rule->tie->name), with = find(stage, rule->tie->with);
    if (name.any) {
        tn_status status = fail(stage, rule, TN_E_COLLISION,
                                "there is such a tensor already, so this is no second name", err);
        tni_error_subject(err, rule->tie->name);
        tni_error_hint(err, "leave the tensor out by a rule with do: drop, or this rule");
        return status;
    }
    if (!with.any && rule->tie->copy) {
        tn_status status =
            fail(stage, rule, TN_E_NAME, "no tensor gets this name, so nothing is tied to it", err);
        tni_error_subject(err, rule->tie->with);
        return status;
    }
    return rule->tie->copy ? copy(stage, rule, with, err) : TN_OK;
}

tn_status tni_stage_tie(tni_stage *stage, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t r = 0; status == TN_OK && r < stage->set->count; r++) {
        if (stage->set->rules[r].deed == TNI_DEED_TIE) {
            status = tie(stage, &stage->set->rules[r], err);
        }
    }
    return status;
}
