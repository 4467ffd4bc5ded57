/* Which variable a slot goes with, by the families that a rule file lists. */
#include "converters/rules/bind.h"
#include "model/roles.h"

bool tni_stage_has_family(const tni_stage *stage, size_t family)
{
    return stage->set->families == 0 || (stage->set->families >> family & 1) != 0;
}

/* Tells whether a slot is called as the families that are listed, or as none at all. */
static bool is_listed(const tni_stage *stage, tn_str slot, tn_str owner)
{
    size_t family = 0;
    tn_str base;
    bool known = false, listed = false;
    while (tni_slot_base(slot, &family, &base)) {
        if (tn_str_ends(base, owner)) {
            known = true;
            listed = listed || tni_stage_has_family(stage, family - 1);
        }
    }
    return listed || !known;
}

uint32_t tni_stage_owner(const tni_stage *stage, size_t index)
{
    uint32_t owner = stage->model->tensors[index].slot_of;
    if (owner == TN_NO_INDEX || stage->set->families == 0) {
        return owner;
    }
    return is_listed(stage, stage->model->tensors[index].alias[TN_SCHEME_NAME],
                     stage->model->tensors[owner].alias[TN_SCHEME_NAME])
               ? owner
               : TN_NO_INDEX;
}
