/* Help, generated from the tables of verbs and options. */
#ifndef TENON_CLI_HELP_H
#define TENON_CLI_HELP_H

#include <stdio.h>

#include "cli/verbs.h"

/* Each exit code and what it means, in turn; NULL ends. */
extern const char *const exit_codes[];

/* Prints what `tenon` alone says: how to go on. */
void help_short(FILE *out);
/* Prints all verbs, the global options and the exit codes. */
void help_program(FILE *out);
/* Prints everything about one verb. */
void help_verb(FILE *out, const cli_verb *verb);

#endif
