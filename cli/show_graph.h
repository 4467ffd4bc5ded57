/* What `show` tells of a graph. */
#ifndef TENON_CLI_SHOW_GRAPH_H
#define TENON_CLI_SHOW_GRAPH_H

#include "cli/cli.h"

/* Has everything worked out that the others print, so that they cannot fail. `graph` may be NULL.
 */
tn_status show_graph_prepare(tn_graph *graph, tn_error *err);
/* Writes the fields tag_sets, signatures, collections and assets; null without a graph. */
void show_graph_json(tn_json_out *out, tn_graph *graph);
/* Prints the MetaGraphs: tags, operations, signatures, collections, assets. */
void show_graph_text(const cli_state *cli, tn_graph *graph);

#endif
