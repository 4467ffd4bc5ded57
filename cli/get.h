/* The forms in which `get` gives values. */
#ifndef TENON_CLI_GET_H
#define TENON_CLI_GET_H

#include "cli/choose.h"
#include "cli/outfile.h"

typedef struct cli_get {
    cli_state *cli;
    const cli_choice *choice;
    tn_reader *reader;
    cli_outfile *out;
} cli_get;

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
