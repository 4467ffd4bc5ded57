/* The verb `graph`, in parts. */
#ifndef TENON_CLI_GRAPH_H
#define TENON_CLI_GRAPH_H

#include "cli/cli.h"
#include "cli/options.h"

extern const cli_option graph_options[];
extern const char *const graph_examples[];
extern const char graph_text[];

/* Opens the graph of the path that follows the action, and says which MetaGraph is meant. The graph
 * belongs to `cli`. */
tn_status graph_open(cli_state *cli, tn_graph **graph_out, size_t *meta_out, tn_error *err);
/* Lists operations, collections and functions. */
tn_status graph_ls(cli_state *cli, tn_graph *graph, size_t meta, tn_error *err);
/* Resolves the names and patterns behind the path. */
tn_status graph_resolve(cli_state *cli, tn_graph *graph, size_t meta, tn_error *err);
/* Writes a frozen graph to the path behind the graph's, or proposes outputs. */
tn_status graph_freeze(cli_state *cli, tn_graph *graph, size_t meta, tn_error *err);
/* Writes null for each field of a list with spaces. */
void graph_json_nulls(tn_json_out *out, const char *fields);
/* Writes an array of words. */
void graph_json_words(tn_json_out *out, const tn_str *words, size_t count);

#endif
