/* tenon ckpt prune, rename and rm: what is done is said first. */
#ifndef TENON_CLI_CKPT_CHANGE_H
#define TENON_CLI_CKPT_CHANGE_H

#include "cli/cli.h"

/* Run one action on the folder `path`. Errors: those of the library. */
tn_status ckpt_prune(cli_state *cli, const char *path, tn_error *err);
tn_status ckpt_rename(cli_state *cli, const char *path, tn_error *err);
tn_status ckpt_rm(cli_state *cli, const char *path, tn_error *err);

/* Writes an array of names. */
void ckpt_put_names(tn_json_out *out, const char *key, const tn_str *names, size_t count);
/* Writes fields, apart by spaces, that an action leaves unknown. */
void ckpt_put_nulls(tn_json_out *out, const char *fields);

#endif
