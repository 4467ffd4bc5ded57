/* Sums over the tensors that a command selected. */
#ifndef TENON_CLI_TOTALS_H
#define TENON_CLI_TOTALS_H

#include <tenon/tenon.h>

typedef struct cli_totals {
    uint64_t tensors, elements, bytes;
    uint64_t role_tensors[TN_ROLE_COUNT], role_bytes[TN_ROLE_COUNT];
} cli_totals;

/* Sums the chosen tensors; `chosen` NULL: all that are not hidden. Unknown counts of elements are
 * left out. */
cli_totals totals_of(const tn_model *model, const bool *chosen);

#endif
