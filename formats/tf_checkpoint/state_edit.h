/* A state file's content on the way to a new one. */
#ifndef TN_FORMATS_TF_CHECKPOINT_STATE_EDIT_H
#define TN_FORMATS_TF_CHECKPOINT_STATE_EDIT_H

#include "formats/shared/state_write.h"

typedef struct tni_tf_edit {
    tni_tf_state state; /* its arrays are the two here */
    tn_str *all;
    double *times;
} tni_tf_edit;

/* Starts an empty state with room for `most` paths, in the arena. */
tn_status tni_tf_edit_start(tni_arena *arena, size_t most, tni_tf_edit *edit_out, tn_error *err);
/* Adds a path at the end, and its time if the state has times. There must be room. */
void tni_tf_edit_add(tni_tf_edit *edit, tn_str prefix, bool timed, double time);
/* Copies a state's list, paths relative, without what keep() refuses (NULL: all of it stays), with
 * room for `more` paths. Times are copied if there is one for each path. The latest is left to the
 * caller. */
tn_status tni_tf_edit_copy(const tni_tf_state *old, bool (*keep)(void *user, tn_str last),
                           void *user, tni_arena *arena, size_t more, tni_tf_edit *edit_out,
                           tn_error *err);

#endif
