/* What a checkpoint's tensors are called, and what they are for, where an object graph says it. */
#ifndef TN_FORMATS_TF_CHECKPOINT_NAMES_H
#define TN_FORMATS_TF_CHECKPOINT_NAMES_H

#include "formats/tf_checkpoint/entry.h"
#include "formats/tf_checkpoint/object_graph.h"
#include "formats/tf_checkpoint/paths.h"

/* All that the graph says of one entry. Indexes are of entries. */
typedef struct tni_tf_name {
    tn_str name, object, full, slot; /* data NULL: none */
    uint32_t node;                   /* of the variable, or TN_NO_INDEX: no VARIABLE_VALUE */
    uint32_t slot_of;
    uint32_t twin;    /* the second key of this tensor */
    uint32_t twin_of; /* the tensor of which this is the second key: not listed */
    tn_role role;
    bool pathless; /* no path may name it */
} tni_tf_name;

/* The graph and everything worked out from it while names are made. */
typedef struct tni_tf_naming {
    tn_context *ctx;
    const tni_tf_graph *graph;
    const tni_tf_entry *entries;
    uint32_t count;
    tni_arena *keep;    /* names */
    tni_arena *scratch; /* everything else */
    tni_tf_name *names; /* by entry */
    bool *optimizer;    /* by node: has slot variables, or a child that counts iterations */
    uint32_t *entry_of; /* by node: the entry of its variable, or TN_NO_INDEX */
    tni_tf_paths paths; /* that may name */
} tni_tf_naming;

/* Names all entries: a VARIABLE_VALUE by its path, else its full name if that is its alone, else
 * its key; all other keys by themselves. Finds twins, roles and slots with their owners. Names are
 * views of keys and of the graph's message, or come from `keep`. Errors: TN_E_LIMIT, TN_E_NOMEM. */
tn_status tni_tf_names_make(const tni_tf_graph *graph, const tni_tf_entry *entries, uint32_t count,
                            tni_arena *keep, tni_arena *scratch, tni_tf_name **names_out,
                            tn_error *err);

/* Takes /.ATTRIBUTES/VARIABLE_VALUE off a key. */
tn_str tni_tf_bare_key(tn_str key);
/* Finds a child by its edge's name; TN_NO_INDEX if there is none. */
uint32_t tni_tf_child(const tni_tf_graph *graph, uint32_t node, tn_str name);

/* Pairs the two keys of each weight of a Keras 3 export. */
tn_status tni_tf_twins_find(tni_tf_naming *naming, tn_error *err);
/* Sets roles, slots and owners. */
tn_status tni_tf_roles_find(tni_tf_naming *naming, tn_error *err);

#endif
