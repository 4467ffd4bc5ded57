/* What all verbs share while they run: the command, the context, the streams' properties, the
 * inputs. */
#ifndef TENON_CLI_CLI_H
#define TENON_CLI_CLI_H

#include <stdio.h>

#include "cli/options.h"
#include "cli/verbs.h"
#include <tenon/tenon.h>

enum { CLI_INPUTS = 2 };

typedef struct cli_input {
    const char *path;
    tn_model *model; /* NULL: it could not be opened, or is only looked at as a graph */
    tn_graph *graph; /* of the verb `graph`; NULL otherwise */
} cli_input;

typedef struct cli_state {
    cli_command command;
    const cli_settings *set; /* of the command */
    tn_context *ctx;
    bool terminal;             /* stdout is one */
    bool color_out, color_err; /* colours are wanted there */
    unsigned width;            /* of the terminal in columns */
    cli_input inputs[CLI_INPUTS];
    size_t n_inputs;
    bool json;         /* --json or --jsonl: the answer is a document */
    FILE *json_stream; /* where the document goes */
    tn_json_out document;
    bool document_open;        /* its own fields have been begun */
    bool document_done;        /* nothing more is to be printed */
    int answer;                /* exit code of a verb that did its work */
    const tn_report *warnings; /* beyond those of the inputs; or NULL */
} cli_state;

/* Opens argument `index` as the next input, and says on stderr what was chosen and what is odd. The
 * model belongs to `cli`. Errors: those of tn_open. */
tn_status cli_open(cli_state *cli, size_t index, const tn_model **model_out, tn_error *err);
/* The same for a path that is no argument. */
tn_status cli_open_path(cli_state *cli, const char *path, const tn_model **model_out,
                        tn_error *err);
/* Frees the inputs, so that the next path of several can be opened. */
void cli_close_inputs(cli_state *cli);
/* Reads --scheme. Errors: TN_E_USAGE. */
tn_status cli_scheme(const cli_state *cli, tn_scheme *scheme_out, tn_error *err);
/* Checks that stdout took everything that was printed. Errors: TN_E_WRITE, TN_E_NO_SPACE. */
tn_status cli_flush(tn_error *err);

#endif
