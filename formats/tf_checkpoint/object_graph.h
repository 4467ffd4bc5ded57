/* The object graph of a checkpoint: TrackableObjectGraph, flat
 * (tensorflow/core/protobuf/trackable_object_graph.proto). It is a general directed graph: several
 * edges may lead to one node, and cycles are legal. */
#ifndef TN_FORMATS_TF_CHECKPOINT_OBJECT_GRAPH_H
#define TN_FORMATS_TF_CHECKPOINT_OBJECT_GRAPH_H

#include "core/arena.h"
#include <tenon/model.h>

typedef tn_object_value tni_tf_attribute;
typedef tn_object_slot tni_tf_slot;

typedef struct tni_tf_graph {
    tn_object *nodes; /* node 0 is the root */
    uint32_t n_nodes;
    tni_tf_attribute *attributes; /* by node */
    uint32_t n_attributes;
    tni_tf_slot *slots; /* by optimizer */
    uint32_t n_slots;
} tni_tf_graph;

/* Parses a graph. Names are views of `message`; all memory comes from `arena`. Errors: TN_E_CORRUPT
 * (damaged, no root, an edge to a node that is not there), TN_E_LIMIT, TN_E_NOMEM. */
tn_status tni_tf_graph_parse(tn_str message, tni_arena *arena, tni_tf_graph *graph_out,
                             tn_error *err);

#endif
