/* The textual forms of `ls`. */
#ifndef TENON_CLI_LS_TEXT_H
#define TENON_CLI_LS_TEXT_H

#include "cli/choose.h"

/* Prints raw names, each ended by `end`. */
void ls_names(const cli_choice *choice, char end);
/* Prints an aligned table with folded layers and a line of totals. `stats` may be NULL. */
void ls_table(const cli_state *cli, const cli_choice *choice, const tn_stats *stats);
/* Prints one tensor a line, uncut: name, dtype, shape, bytes, and statistics, separated by tabs
 * (which names cannot hold, for they are escaped). */
void ls_lines(const cli_choice *choice, const tn_stats *stats);
/* Prints names as a tree of their components. */
void ls_tree(const cli_state *cli, const cli_choice *choice);
/* Prints the lines of TensorFlow's BundleReader::DebugString (tensor_bundle.cc): key, DataType name
 * and shape, in byte order of the keys, twins included. A partitioned variable is one line with its
 * whole shape. Errors: TN_E_IMPOSSIBLE for a dtype that TensorFlow does not have. */
tn_status ls_tensorflow(const cli_choice *choice, tn_error *err);

#endif
