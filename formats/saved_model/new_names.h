/* What names in a graph become when its variables are renamed.
 *
 * A variable's operation takes the operations below its name along (`W/Assign`, `W/read`,
 * `W/Initializer/zeros`): TensorFlow makes names unique, so what lies below `W/` is the variable's
 * own. Of several variables that lie in each other the nearest decides. */
#ifndef TN_FORMATS_SAVED_MODEL_NEW_NAMES_H
#define TN_FORMATS_SAVED_MODEL_NEW_NAMES_H

#include "core/arena.h"
#include "core/hash.h"

typedef struct tni_sm_new_names {
    tni_arena *arena;
    tni_hash keys, nodes; /* old → its place in `to` */
    tn_str *to;           /* freed by tni_sm_new_names_clear */
    uint32_t count;
    size_t room;
    bool any; /* something changes */
} tni_sm_new_names;

/* Initialises: nothing changes. */
void tni_sm_new_names_init(tni_sm_new_names *names, tni_arena *arena);
void tni_sm_new_names_clear(tni_sm_new_names *names);
/* Says what a checkpoint's key becomes, or a variable's operation; the same name if it stays. What
 * was said first holds. The strings are borrowed. Errors: TN_E_NOMEM. */
tn_status tni_sm_new_key(tni_sm_new_names *names, tn_str from, tn_str to, tn_error *err);
tn_status tni_sm_new_node(tni_sm_new_names *names, tn_str from, tn_str to, tn_error *err);

/* Each gives what a text becomes; where nothing changes that is the text itself, the same view.
 * Errors: TN_E_NOMEM, TN_E_LIMIT. */
tn_str tni_sm_key_becomes(const tni_sm_new_names *names, tn_str key);
tn_status tni_sm_node_becomes(const tni_sm_new_names *names, tn_str node, tn_str *to_out,
                              tn_error *err);
/* "node", "node:0" or "^node". */
tn_status tni_sm_input_becomes(const tni_sm_new_names *names, tn_str input, tn_str *to_out,
                               tn_error *err);
/* "loc:@node"; any other text stays. */
tn_status tni_sm_place_becomes(const tni_sm_new_names *names, tn_str place, tn_str *to_out,
                               tn_error *err);

/* Tells whether TensorFlow takes a text for an operation's name: a letter, digit or dot, then
 * letters, digits and _ . / > - (tensorflow/core/graph/graph_constructor.cc). */
bool tni_sm_node_name_ok(tn_str name);

#endif
