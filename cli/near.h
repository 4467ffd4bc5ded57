/* What the user may have meant: hints for words that are not known. */
#ifndef TENON_CLI_NEAR_H
#define TENON_CLI_NEAR_H

#include "cli/verbs.h"
#include <tenon/str.h>

/* Raises TN_E_USAGE for an unknown `--NAME`, with the nearest option, or the verb that has it.
 * `verb` may be NULL. */
tn_status near_option(const cli_verb *verb, tn_str name, tn_error *err);
/* The same for an unknown `-L`. */
tn_status near_letter(const cli_verb *verb, char letter, tn_error *err);
/* Raises TN_E_USAGE for a word that is no verb, with the nearest one, or the verb that a path was
 * meant for. */
tn_status near_verb(const char *word, tn_error *err);

#endif
