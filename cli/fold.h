/* Folding of repeated layers: `layers.{0..11}.weight` instead of twelve lines. */
#ifndef TENON_CLI_FOLD_H
#define TENON_CLI_FOLD_H

#include "cli/choose.h"

/* One line of a folded list: tensor `first` of the choice, and `times` - 1 more that differ from it
 * in one number of the name only. */
typedef struct fold_line {
    size_t first;
    size_t times;
    size_t digits, digits_len; /* where that number stands in the first name */
    uint64_t from, to;         /* the numbers */
    uint64_t bytes;            /* of all */
} fold_line;

/* Folds a choice in its order. The lines are owned by the caller (free). Layers fold where at least
 * three, numbered one after another, hold tensors of equal names, dtypes and shapes in equal order.
 */
size_t fold(const cli_choice *choice, fold_line **lines_out);
/* Makes the name that a line shows. The caller frees it. */
char *fold_name(const cli_choice *choice, const fold_line *line);

#endif
