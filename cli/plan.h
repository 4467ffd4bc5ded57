/* What `plan` and `convert` print of a plan. */
#ifndef TENON_CLI_PLAN_H
#define TENON_CLI_PLAN_H

#include "cli/cli.h"

/* Prints each tensor, what is dropped and lost, and the sums. */
void plan_text(const cli_state *cli, const tn_plan *plan);
/* Prints losses of structure on stderr: they are told, but stop nothing. */
void plan_notes(const cli_state *cli, const tn_plan *plan);
/* Begins the document and writes the plan's fields. */
tn_json_out *plan_json(cli_state *cli, const tn_plan *plan);

/* Returns the word of a class of losses, as JSON has it. */
const char *plan_loss_word(tn_loss_class kind);

#endif
