/* Slots of tensors that go into others: the same is done with them. */
#include "converters/rules/operate.h"

#include "converters/rules/slots.h"
#include <tenon/text.h>

/* Raises that a slot cannot follow. */
static tn_status stays(const tni_doing *d, uint32_t slot, const char *why, tn_error *err)
{
    char name[TN_ERROR_SUBJECT];
    tn_escape(tni_stage_seen(d->stage, slot), name, sizeof name);
    tn_status status = tni_fail(err, TN_E_SLOT, "%.*s: it would be left behind: %s",
                                (int)d->rule->place.len, d->rule->place.data, why);
    tni_error_path(err, d->stage->model->path);
    tni_error_subject(err, tni_stage_seen(d->stage, slot));
    tni_error_hint(err, "leave it out: --drop '%s' (all slots: --weights-only)", name);
    return status;
}

static bool has_value_steps(const tni_rule *rule)
{
    for (size_t i = 0; i < rule->n_ops; i++) {
        if (rule->ops[i].kind == TNI_RULE_ADD || rule->ops[i].kind == TNI_RULE_MEAN) {
            return true;
        }
    }
    return false;
}

static bool moves_elements(const tni_rule *rule)
{
    for (size_t i = 0; i < rule->n_ops; i++) {
        if (rule->ops[i].kind == TNI_RULE_LAYOUT) {
            return true;
        }
    }
    return false;
}

static bool has_shape_of(const tn_tensor *slot, const tn_tensor *owner)
{
    return slot->rank == owner->rank &&
           (slot->rank == 0 ||
            memcmp(slot->shape, owner->shape, slot->rank * sizeof(int64_t)) == 0);
}

/* Checks that a slot can go the way of its owner. */
static tn_status check(const tni_doing *d, uint32_t slot, uint32_t owner, tn_error *err)
{
    const tn_tensor *tensors = d->stage->model->tensors;
    if (d->stage->set->slots != TNI_SLOTS_FOLLOW) {
        return stays(d, slot, "the file says that slots do not follow", err);
    }
    if (has_value_steps(d->rule)) {
        return stays(d, slot,
                     "the operations change its variable's values, which means nothing for a slot",
                     err);
    }
    if (moves_elements(d->rule) && !has_shape_of(&tensors[slot], &tensors[owner])) {
        return stays(d, slot,
                     "it has another shape than its variable, so the operations do not "
                     "fit it",
                     err);
    }
    if (d->slots->first[slot] != TN_NO_INDEX) {
        return stays(d, d->slots->first[slot], "it is the slot of a slot", err);
    }
    return TN_OK;
}

/* Finds the slot of another member that plays the same part; TN_NO_INDEX: it has none. */
static uint32_t same_slot(const tni_doing *d, uint32_t owner, tn_str suffix)
{
    for (uint32_t slot = d->slots->first[owner]; slot != TN_NO_INDEX; slot = d->slots->next[slot]) {
        tni_slot_name name;
        if (!d->stage->decisions[slot].claimed &&
            tni_slot_split(tni_stage_seen(d->stage, slot), tni_stage_seen(d->stage, owner),
                           &name) &&
            tn_str_equal(name.suffix, suffix)) {
            return slot;
        }
    }
    return TN_NO_INDEX;
}

/* Lists the slots of all members that go with one of the first's. */
static tn_status list(const tni_doing *d, uint32_t slot, tn_str suffix, uint32_t *from,
                      tni_value *values, tn_error *err)
{
    tn_status status = TN_OK;
    for (uint32_t i = 0; status == TN_OK && i < d->count; i++) {
        uint32_t owner = d->members[i].index;
        from[i] = i == 0 ? slot : same_slot(d, owner, suffix);
        if (from[i] == TN_NO_INDEX) {
            return stays(d, slot, "not all tensors that are joined have such a slot", err);
        }
        status = check(d, from[i], owner, err);
        if (status == TN_OK) {
            status = tni_value_of(&d->stage->next->arena, &d->stage->model->tensors[from[i]],
                                  &values[i], err);
        }
    }
    return status;
}

/* Adds one of the tensors that slots are made into: the slot of the group's output `k`. */
static tn_status add(const tni_doing *d, const tni_slot_name *name, size_t k, const uint32_t *from,
                     const tni_value *value, tn_error *err)
{
    tni_stage *stage = d->stage;
    const tni_made *owner = &stage->made[d->first_made + k];
    tni_made made = *owner;
    char old = d->rule->patterns[d->members[0].pattern]->separator;
    char separator = d->rule->n_targets == 0 ? old : d->rule->targets[0]->separator;
    made.from = from;
    made.value = *value;
    made.owner = (uint32_t)(d->first_made + k);
    made.twin_pieces = NULL;
    if (made.keeps_names) {
        made.name = stage->model->tensors[from[0]].alias[TN_SCHEME_NAME];
        return tni_doing_add(stage, &made, err);
    }
    tni_slot_follow(name, owner->name, old, separator, &stage->buffer);
    tn_status status = tni_buffer_check(&stage->buffer, err);
    if (status == TN_OK) {
        status = tni_arena_str(stage->arena, (tn_str){stage->buffer.data, stage->buffer.len},
                               &made.name, err);
    }
    return status == TN_OK ? tni_doing_add(stage, &made, err) : status;
}

static tn_status follow(const tni_doing *d, uint32_t slot, tn_error *err)
{
    tni_slot_name name;
    void *from, *values;
    tni_value *out;
    size_t n_out;
    tn_error why = {0};
    bool keeps = d->n_out > 0 && d->stage->made[d->first_made].keeps_names;
    bool split = tni_slot_split(tni_stage_seen(d->stage, slot),
                                tni_stage_seen(d->stage, d->members[0].index), &name);
    if (!split && !keeps) {
        return stays(d, slot, "it is not certain how its name follows", err);
    }
    tn_status status = tni_arena_array(d->stage->arena, d->count, sizeof(uint32_t), &from, err);
    if (status == TN_OK) {
        status = tni_arena_array(d->stage->arena, d->count, sizeof(tni_value), &values, err);
    }
    if (status == TN_OK) {
        status = list(d, slot, split ? name.suffix : TN_STR_NONE, from, values, err);
    }
    if (status != TN_OK) {
        return status;
    }
    status = tni_doing_run(d, values, d->count, &out, &n_out, &why);
    if (status == TN_NOMEM || status == TN_LIMIT || status == TN_CANCELLED) {
        return tni_claim_raise(d->stage, slot, d->rule, &why, err); /* not the slot's fault */
    }
    if (status != TN_OK) {
        return stays(d, slot, why.message, err);
    }
    for (size_t k = 0; status == TN_OK && k < n_out; k++) {
        status = add(d, &name, k, from, &out[k], err);
    }
    return status;
}

tn_status tni_doing_slots(const tni_doing *d, tn_error *err)
{
    tn_status status = TN_OK;
    for (uint32_t slot = d->slots->first[d->members[0].index];
         status == TN_OK && slot != TN_NO_INDEX; slot = d->slots->next[slot]) {
        const tni_decision *decision = &d->stage->decisions[slot];
        if (!decision->claimed && decision->consumed) {
            status = follow(d, slot, err);
        }
    }
    /* Slots that only later members have would vanish; those of another input are not asked for. */
    for (uint32_t i = 1; status == TN_OK && i < d->count; i++) {
        if (tni_stage_input(d->stage, d->members[i].index) > 0) {
            continue;
        }
        for (uint32_t slot = d->slots->first[d->members[i].index];
             status == TN_OK && slot != TN_NO_INDEX; slot = d->slots->next[slot]) {
            tni_slot_name name;
            uint32_t owner = d->members[i].index;
            bool known = tni_slot_split(tni_stage_seen(d->stage, slot),
                                        tni_stage_seen(d->stage, owner), &name);
            if (!d->stage->decisions[slot].claimed &&
                (!known || same_slot(d, d->members[0].index, name.suffix) == TN_NO_INDEX)) {
                status = stays(d, slot, "not all tensors that are joined have such a slot", err);
            }
        }
    }
    return status;
}
