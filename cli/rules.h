/* The actions of `tenon rules`. */
#ifndef TENON_CLI_RULES_H
#define TENON_CLI_RULES_H

#include "cli/cli.h"

/* Makes the options of the library from those of the command. */
tn_rules_options rules_options(const cli_state *cli);

/* `rules explain`: prints what a file does with a name. */
tn_status rules_explain(cli_state *cli, tn_error *err);
/* `rules invert`: prints the inverse, or writes it to -o FILE. */
tn_status rules_invert(cli_state *cli, tn_error *err);

/* Begins the document with all own fields before `field` as null; the field's value follows. */
tn_json_out *rules_json_begin(cli_state *cli, const char *field);
/* Writes the own fields behind `field` as null. */
void rules_json_end(tn_json_out *out, const char *field);

#endif
