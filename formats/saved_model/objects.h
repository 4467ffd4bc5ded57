/* The object graph of a TF2 SavedModel (SavedObjectGraph). */
#ifndef TN_FORMATS_SAVED_MODEL_OBJECTS_H
#define TN_FORMATS_SAVED_MODEL_OBJECTS_H

#include "core/arena.h"
#include <tenon/model.h>

/* A variable that a node of the object graph is. */
typedef struct tni_sm_variable {
    tn_str name; /* the variable's name in its graph; may be empty */
    bool is;     /* the node is a variable */
    bool trainable;
} tni_sm_variable;

typedef struct tni_sm_objects {
    tn_object *nodes;           /* children and slots; no attributes */
    tni_sm_variable *variables; /* by node */
    uint32_t count;
} tni_sm_objects;

/* Parses a SavedObjectGraph. Strings are views of `message`. Errors: TN_E_CORRUPT (damaged, no
 * root, an edge to a node that is not there), TN_E_NOMEM, TN_E_LIMIT. */
tn_status tni_sm_objects_parse(tn_str message, tni_arena *arena, tni_sm_objects *objects_out,
                               tn_error *err);

/* Walks both graphs from their roots over equal edges, then the slots of optimizers. pairs_out[i]
 * is the node of `saved` that belongs to node i of a checkpoint's graph, or TN_NO_INDEX. Errors:
 * TN_E_NOMEM, TN_E_LIMIT. */
tn_status tni_sm_objects_pair(const tni_sm_objects *saved, const tn_object *checkpoint,
                              uint32_t count, tni_arena *arena, uint32_t **pairs_out,
                              tn_error *err);

#endif
