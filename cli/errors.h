/* Errors: raising them in the program, and telling them as text. */
#ifndef TENON_CLI_ERRORS_H
#define TENON_CLI_ERRORS_H

#include "cli/cli.h"

/* Records a failure of the program itself, unless `err` already holds one. The message is one
 * sentence without a full stop. Returns the status of the code. */
tn_status cli_fail(tn_error *err, tn_code code, const char *format, ...) TN_PRINTF(3, 4);
/* The same after a failed system call: appends its text; no room on the disk has its own code. */
tn_status cli_fail_errno(tn_error *err, int sys_errno, const char *format, ...) TN_PRINTF(3, 4);
/* Adds one line of hint. */
void cli_hint(tn_error *err, const char *format, ...) TN_PRINTF(2, 3);
/* Names the path that the error speaks of, unless it names one. */
void cli_error_path(tn_error *err, const char *path);
/* Prints an error on stderr: `tenon: PATH: PLACE: what is wrong`, then its hints. */
void error_print(const cli_state *cli, const tn_error *err);
/* Prints the notes and warnings of a report on stderr, as text or as lines of JSON; nothing with
 * -q. */
void notes_print(const cli_state *cli, const char *path, const tn_report *report);
/* Prints one note on stderr, as text or as a line of JSON; nothing with -q. */
void note_print(const cli_state *cli, const char *path, const tn_finding *note);
/* Returns the block; ends the program with exit code 6 if there is none. For the small texts of the
 * program itself. */
void *memory(void *block);

#endif
