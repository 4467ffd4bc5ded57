#include "formats/tf_checkpoint/state_edit.h"

tn_status tni_tf_edit_start(tni_arena *arena, size_t most, tni_tf_edit *edit_out, tn_error *err)
{
    void *all, *times;
    tn_status status = tni_arena_array(arena, most, sizeof(tn_str), &all, err);
    if (status == TN_OK) {
        status = tni_arena_array(arena, most, sizeof(double), &times, err);
    }
    if (status == TN_OK) {
        *edit_out =
            (tni_tf_edit){.state = {.all = all, .times = times}, .all = all, .times = times};
    }
    return status;
}

void tni_tf_edit_add(tni_tf_edit *edit, tn_str prefix, bool timed, double time)
{
    if (timed) {
        edit->times[edit->state.n_times++] = time;
    }
    edit->all[edit->state.n_all++] = prefix;
}

tn_status tni_tf_edit_copy(const tni_tf_state *old, bool (*keep)(void *user, tn_str last),
                           void *user, tni_arena *arena, size_t more, tni_tf_edit *edit_out,
                           tn_error *err)
{
    tni_tf_edit edit;
    tn_status status = tni_tf_edit_start(arena, old->n_all + more, &edit, err);
    if (status != TN_OK) {
        return status;
    }
    bool timed = old->n_times == old->n_all;
    for (size_t i = 0; i < old->n_all; i++) {
        tn_str last = tni_tf_state_last(old->all[i]);
        if (keep == NULL || keep(user, last)) {
            tni_tf_edit_add(&edit, last, timed, timed ? old->times[i] : 0);
        }
    }
    edit.state.last_preserved = old->last_preserved;
    edit.state.has_last_preserved = old->has_last_preserved;
    *edit_out = edit;
    return TN_OK;
}
