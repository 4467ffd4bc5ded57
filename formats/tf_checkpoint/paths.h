/* Shortest paths from the root of an object graph, for names. */
#ifndef TN_FORMATS_TF_CHECKPOINT_PATHS_H
#define TN_FORMATS_TF_CHECKPOINT_PATHS_H

#include "formats/shared/object_walk.h"
#include "formats/tf_checkpoint/object_graph.h"

/* For each node the path of fewest edges from the root; of several the first, component by
 * component in byte order. A path is kept as its last edge and the node before it. */
typedef struct tni_tf_paths {
    const tni_tf_graph *graph;
    const bool *optimizer; /* nodes that paths must not enter; NULL: paths may use any edge */
    uint32_t *parent;      /* TN_NO_INDEX: not reached (the root: itself) */
    uint32_t *edge;        /* index into the parent's children */
    uint32_t *depth;       /* edges from the root */
    tni_object_walk walk;
} tni_tf_paths;

/* Tells whether an edge is one of Keras's lists of variables, whose items have better names. */
bool tni_tf_is_list_edge(tn_str name);
/* Finds the paths. With `optimizer` (one flag a node) they enter no optimizer and use no list edge.
 * Breadth first, without recursion, in O(edges + nodes log nodes). */
tn_status tni_tf_paths_find(const tni_tf_graph *graph, const bool *optimizer, tni_arena *scratch,
                            tni_tf_paths *paths_out, tn_error *err);
/* Spells the path of a node that was reached, escaped as in keys and joined by '/'. Errors:
 * TN_E_LIMIT ("name-bytes"), TN_E_NOMEM. */
tn_status tni_tf_path_text(const tni_tf_paths *paths, uint32_t node, tni_arena *arena,
                           tn_str *text_out, tn_error *err);
/* Tells whether the escaped path `text` is another shortest path to `node` over edges that paths
 * may use. Of several edges of one name from one node only one is followed. */
tn_status tni_tf_path_leads_to(tni_tf_paths *paths, tn_str text, uint32_t node, bool *leads_out,
                               tn_error *err);

#endif
