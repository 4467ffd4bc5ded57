/* Which tensors a command speaks of, and in which order. */
#ifndef TENON_CLI_CHOOSE_H
#define TENON_CLI_CHOOSE_H

#include "cli/cli.h"

/* One entry of a list: a tensor, or one of its twins. */
typedef struct cli_row {
    uint32_t index; /* of the tensor */
    uint32_t twin;  /* TN_NO_INDEX: the tensor itself */
} cli_row;

typedef struct cli_choice {
    const tn_model *model;
    tn_scheme scheme;
    bool *chosen;  /* for each tensor of the model */
    cli_row *rows; /* what is told, in display order */
    size_t count;
} cli_choice;

/* Chooses tensors by --scheme, --all, --weights-only and the arguments from `first` on; none: all
 * that are not hidden. With --all and --scheme key twins have rows of their own. Free with
 * choice_clear. Errors: those of tn_select, TN_E_IMPOSSIBLE where a chosen tensor has no name in
 * the scheme, or shares it. */
tn_status choice_make(const cli_state *cli, const tn_model *model, size_t first,
                      cli_choice *choice_out, tn_error *err);
void choice_clear(cli_choice *choice);
/* Orders by --sort: "name", "size", "file"; NULL leaves display order. */
void choice_sort(cli_choice *choice, const char *by);
/* Returns the name of the n-th row in the scheme. */
tn_str choice_name(const cli_choice *choice, size_t n);
/* Returns the tensor of the n-th row. */
const tn_tensor *choice_at(const cli_choice *choice, size_t n);

#endif
