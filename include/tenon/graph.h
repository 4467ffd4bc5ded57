/* Graphs of TensorFlow: SavedModels, `.meta` files, GraphDefs. */
#ifndef TENON_GRAPH_H
#define TENON_GRAPH_H

#include <tenon/model.h>

/* A graph, of one thread at a time: what is asked of it is worked out then. */
typedef struct tn_graph tn_graph;

#endif
