/* What becomes of the tensors that no rule claims: slots go with their variables, counters stay,
 * and the others do as the stage says. */
#include "converters/rules/bind.h"
#include "converters/rules/slots.h"
#include "model/roles.h"
#include <tenon/text.h>

enum {
    NAMED_MOST = 5,     /* tensors that an error lists */
    SLOTS_OF_SLOTS = 16 /* how deep slots own slots: no optimizer goes beyond two */
};

static bool is_renamed(const tni_stage *stage, size_t index)
{
    const tni_decision *decision = &stage->decisions[index];
    return !decision->dropped && decision->name.data != NULL &&
           !tn_str_equal(decision->name, stage->model->tensors[index].alias[TN_SCHEME_NAME]);
}

static tn_status left_behind(const tni_stage *stage, size_t slot, size_t owner, const char *why,
                             tn_error *err)
{
    const tni_decision *decision = &stage->decisions[owner];
    tn_str place = decision->place;
    char old[TN_ERROR_SUBJECT], name[TN_ERROR_SUBJECT], its[TN_ERROR_SUBJECT];
    tn_escape(tni_stage_seen(stage, owner), old, sizeof old);
    tn_escape(decision->name, name, sizeof name);
    tn_escape(tni_stage_seen(stage, slot), its, sizeof its);
    tn_status status =
        tni_fail(err, TN_E_SLOT, "it would be left behind: %.*s renames %s to %s, %s",
                 (int)place.len, place.data, old, name, why);
    tni_error_path(err, stage->model->path);
    tni_error_subject(err, tni_stage_seen(stage, slot));
    tni_error_hint(err,
                   "rename it by its exact name too, or leave it out: --drop '%s' (all slots: "
                   "--weights-only)",
                   its);
    return status;
}

/* Tells whether a slot's name says nothing of its owner's path, and does not have to. */
static bool is_tied(const tni_stage *stage, size_t slot)
{
    const tn_tensor *tensor = &stage->model->tensors[slot];
    return stage->slots_are_tied && tensor->alias[TN_SCHEME_FULL].data != NULL &&
           tn_str_equal(tensor->alias[TN_SCHEME_FULL], tensor->alias[TN_SCHEME_NAME]);
}

/* Renames a slot with its owner. */
static tn_status follow(tni_stage *stage, size_t slot, uint32_t owner, tn_error *err)
{
    tni_decision *decision = &stage->decisions[slot];
    const tni_decision *its = &stage->decisions[owner];
    tni_slot_name name;
    if (is_tied(stage, slot)) {
        return TN_OK;
    }
    if (stage->set->slots != TNI_SLOTS_FOLLOW) {
        return left_behind(stage, slot, owner, "and no rule renames the slot", err);
    }
    if (!tni_slot_split(tni_stage_seen(stage, slot), tni_stage_seen(stage, owner), &name)) {
        return left_behind(stage, slot, owner, "and it is not certain how the slot's name follows",
                           err);
    }
    char from = its->rule->patterns[0]->separator, to = its->rule->to->separator;
    tni_slot_follow(&name, its->name, from, to, &stage->buffer);
    tn_status status = tni_buffer_check(&stage->buffer, err);
    if (status == TN_OK) {
        status = tni_arena_str(stage->arena, (tn_str){stage->buffer.data, stage->buffer.len},
                               &decision->name, err);
    }
    decision->rule = its->rule;
    decision->place = its->place;
    return status;
}

static void drop_with(tni_decision *decision, tn_str place)
{
    decision->dropped = true;
    decision->place = place;
}

/* Does with an unclaimed tensor as the stage says. Those that are an error stay undecided. */
static void apply_default(tni_stage *stage, size_t index)
{
    const tn_tensor *tensor = &stage->model->tensors[index];
    tni_decision *decision = &stage->decisions[index];
    bool stays = tni_stage_input(stage, index) > 0 || decision->left_alone != NULL ||
                 tensor->role == TN_ROLE_METADATA || tensor->hidden ||
                 (tensor->role == TN_ROLE_COUNTER && !stage->set->sees_counters);
    decision->unmatched = !stays;
    decision->decided = stays || stage->set->unmatched != TNI_UNMATCHED_ERROR;
    if (!stays && stage->set->unmatched == TNI_UNMATCHED_DROP) {
        drop_with(decision, stage->set->unmatched_place);
    }
}

/* Decides for a slot whose owner is decided. */
static tn_status decide_slot(tni_stage *stage, size_t slot, uint32_t owner, tn_error *err)
{
    tni_decision *decision = &stage->decisions[slot];
    const tni_decision *its = &stage->decisions[owner];
    decision->decided = true;
    if (its->dropped) {
        drop_with(decision, its->place);
    } else if (stage->set->slots == TNI_SLOTS_SEEN && stage->set->unmatched != TNI_UNMATCHED_KEEP) {
        apply_default(stage, slot);
    } else if (its->consumed) {
        decision->consumed = true; /* operate.c does with it as with its variable */
        decision->place = its->place;
    } else if (is_renamed(stage, owner)) {
        return follow(stage, slot, owner, err);
    }
    return TN_OK;
}

/* Finds the first undecided slot on the way from a slot to its owner, that owner's owner and so on,
 * whose owner is decided. TN_NO_INDEX: the way ends at a tensor that is not decided, or in a ring.
 */
static uint32_t next_to_decide(const tni_stage *stage, uint32_t slot)
{
    uint32_t owner = tni_stage_owner(stage, slot);
    for (size_t steps = 0; owner != TN_NO_INDEX && steps < SLOTS_OF_SLOTS; steps++) {
        if (stage->decisions[owner].decided) {
            return slot;
        }
        slot = owner;
        owner = tni_stage_owner(stage, slot);
    }
    return TN_NO_INDEX;
}

/* Decides for slots, owners first; a slot may be the owner of another. */
static tn_status decide_slots(tni_stage *stage, tn_error *err)
{
    tn_status status = TN_OK;
    for (uint32_t i = 0; status == TN_OK && i < stage->model->count; i++) {
        uint32_t next;
        while (status == TN_OK && !stage->decisions[i].decided &&
               (next = next_to_decide(stage, i)) != TN_NO_INDEX) {
            status = decide_slot(stage, next, tni_stage_owner(stage, next), err);
            if (!stage->decisions[next].decided) {
                break; /* it stays so: an error of the whole */
            }
        }
    }
    return status;
}

/* Raises that tensors are left over. */
static tn_status unmatched(const tni_stage *stage, tn_error *err)
{
    char list[TN_ERROR_TEXT / 2] = "";
    size_t count = 0, used = 0;
    for (size_t i = 0; i < stage->model->count; i++) {
        uint32_t owner = tni_stage_owner(stage, i);
        bool with_owner = owner != TN_NO_INDEX && !stage->decisions[owner].decided;
        if (stage->decisions[i].decided || with_owner) {
            continue;
        }
        if (count++ < NAMED_MOST && used < sizeof list) {
            char name[120];
            tn_escape(stage->model->tensors[i].alias[TN_SCHEME_NAME], name, sizeof name);
            used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used == 0 ? "" : ", ",
                                     name);
        }
    }
    if (count == 0) {
        return TN_OK;
    }
    tn_status status =
        tni_fail(err, TN_E_UNMATCHED, "no rule matches %zu tensor%s of %s: %s%s", count,
                 count == 1 ? "" : "s", stage->model->path, list, count > NAMED_MOST ? ", …" : "");
    tni_error_path(err, stage->set->file);
    tni_error_hint(err, "add rules for them, or say defaults: {unmatched: keep}");
    return status;
}

/* Refuses to part a variable from a tensor that looks like a slot of it, but is not known to be one
 * (its shape does not fit). */
static tn_status check_families(const tni_stage *stage, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < stage->model->count; i++) {
        const tn_tensor *tensor = &stage->model->tensors[i];
        tn_str name = tni_stage_seen(stage, i), base;
        size_t family = 0;
        if (tensor->role != TN_ROLE_VARIABLE || stage->decisions[i].claimed ||
            stage->decisions[i].dropped || name.data == NULL) {
            continue;
        }
        while (status == TN_OK && tni_slot_base(name, &family, &base)) {
            uint32_t owner = tni_model_index(stage->model, stage->set->scheme, base);
            bool known = owner != TN_NO_INDEX && owner != TNI_INDEX_MANY;
            if (known && tni_stage_has_family(stage, family - 1) && is_renamed(stage, owner)) {
                status = left_behind(
                    stage, i, owner,
                    "and a tensor that is only called like its slot does not follow", err);
            }
        }
    }
    return status;
}

static tn_status note_left_alone(const tni_stage *stage, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < stage->model->count; i++) {
        const tni_decision *decision = &stage->decisions[i];
        bool counter = stage->model->tensors[i].role == TN_ROLE_COUNTER;
        if (decision->left_alone == NULL || decision->claimed || tni_stage_input(stage, i) > 0) {
            continue;
        }
        tn_str place = decision->left_alone->place;
        status = tn_report_say(
            stage->notes, TN_SEVERITY_NOTE, "left_alone", tni_stage_seen(stage, i), err,
            "%.*s leaves it alone: only its exact name reaches %s", (int)place.len, place.data,
            counter ? "a counter" : "state without a scope");
    }
    return status;
}

tn_status tni_stage_follow(tni_stage *stage, tn_error *err)
{
    for (size_t i = 0; i < stage->model->count; i++) {
        if (!stage->decisions[i].decided && tni_stage_owner(stage, i) == TN_NO_INDEX) {
            apply_default(stage, i);
        }
    }
    tn_status status = decide_slots(stage, err);
    if (status == TN_OK) {
        status = unmatched(stage, err);
    }
    if (status == TN_OK) {
        status = check_families(stage, err);
    }
    return status != TN_OK ? status : note_left_alone(stage, err);
}
