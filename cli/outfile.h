/* The file of `get -o FILE`: written beside its place, and put there as a whole. */
#ifndef TENON_CLI_OUTFILE_H
#define TENON_CLI_OUTFILE_H

#include <stdio.h>

#include "cli/cli.h"

typedef struct cli_outfile {
    FILE *stream;
    const char *path; /* as the user said it; NULL: stdout */
    char *target;     /* behind symlinks */
    char *staged;     /* beside it; NULL: written in place (a device, a pipe) */
} cli_outfile;

/* Opens the output; `path` NULL or "-": stdout. `model` is what is read, or NULL: none of its
 * files may be the output. Errors: TN_E_WRITE and its kin, TN_E_SAME_FILE, TN_E_USAGE for a folder.
 */
tn_status outfile_open(cli_outfile *outfile, const char *path, const tn_model *model,
                       tn_error *err);
/* Puts the file in its place: synced, then renamed over an old one. */
tn_status outfile_commit(cli_outfile *outfile, tn_error *err);
/* Closes it; what was not committed is removed. */
void outfile_close(cli_outfile *outfile);

#endif
