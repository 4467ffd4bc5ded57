/* The forms in which `get` gives values. */
#ifndef TENON_CLI_GET_H
#define TENON_CLI_GET_H

#include "cli/choose.h"
#include "cli/outfile.h"
#include "cli/values.h"

typedef struct cli_get {
    cli_state *cli;
    const cli_choice *choice;
    tn_reader *reader;
    cli_outfile *out;
    tn_dtype cast; /* what --cast says; TN_DTYPE_NONE without */
    bool *named;   /* with --cast: for each tensor of the model whether its name was an argument */
} cli_get;

/* Reads --cast. Errors: TN_E_USAGE. */
tn_status get_cast(cli_get *get, tn_error *err);
/* Marks which tensors an argument names, as it is or escaped, and not by a pattern or a layer. The
 * caller frees get->named. */
void get_cast_named(cli_get *get);
/* Begins the n-th chosen tensor, cast if --cast means it: floating tensors that are no counters,
 * and whatever was named by itself. Always end with values_clear. Errors: those of values_start,
 * TN_E_IMPOSSIBLE for a cast that there is not. */
tn_status get_start(const cli_get *get, size_t n, cli_values *values, tn_error *err);

/* Prints nested brackets as NumPy does, with commas: a scalar is its bare value, several tensors
 * have a heading each. */
tn_status get_text(const cli_get *get, tn_error *err);
/* Prints a document with complete values. */
tn_status get_json(const cli_get *get, tn_error *err);
/* Writes one .npy file. Errors: TN_E_USAGE for several tensors, TN_E_CANNOT_HOLD. */
tn_status get_npy(const cli_get *get, tn_error *err);
/* Writes one .npz archive. */
tn_status get_npz(const cli_get *get, tn_error *err);
/* Writes the bytes alone: little-endian, row-major, one tensor behind the other. */
tn_status get_raw(const cli_get *get, tn_error *err);

#endif
