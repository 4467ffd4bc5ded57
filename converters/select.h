/* Choosing tensors: by arguments, and by --only, --drop and --weights-only. */
#ifndef TN_CONVERTERS_SELECT_H
#define TN_CONVERTERS_SELECT_H

#include "model/model.h"
#include <tenon/pattern.h>

/* What to keep. The same words serve convert and diff. */
typedef struct tni_selection {
    const char *const *only;
    size_t n_only;
    const char *const *drop;
    size_t n_drop;
    bool weights_only;
    tn_scheme scheme;
} tni_selection;

/* Why a tensor is not kept. */
typedef enum tni_drop_cause {
    TNI_KEPT,
    TNI_NOT_ONLY,       /* --only names others */
    TNI_DROPPED,        /* a --drop pattern; `flag` counts them from 1 */
    TNI_WITH_OWNER,     /* a slot whose variable goes */
    TNI_NOT_A_WEIGHT,   /* --weights-only */
    TNI_HIDDEN_CONSTANT /* a graph's, which no --only names */
} tni_drop_cause;

typedef struct tni_choice {
    tni_drop_cause cause;
    uint32_t flag;
} tni_choice;

/* Marks what one argument means: a name of the scheme, else an alias, else a pattern. Metadata is
 * matched only by exact names unless `all`. Sets marked[i]; *count_out gets how many. Errors:
 * TN_E_AMBIGUOUS, TN_E_RULE. Nothing found is not an error. */
tn_status tni_mark(const tn_model *model, tn_scheme scheme, const char *argument, bool all,
                   bool *marked, size_t *count_out, tn_error *err);

/* Finds an exact name: in the scheme, then by any alias, each as written and without `:0`;
 * TN_NO_INDEX if it is none. Errors: TN_E_AMBIGUOUS by tn_model_lookup. */
tn_status tni_find_exact(const tn_model *model, tn_scheme scheme, tn_str name, uint32_t *index_out,
                         tn_error *err);

/* Says that a flag's argument matched nothing (TN_E_NO_MATCH for flags, TN_E_NO_SUCH_NAME for
 * arguments) with what is near. `flag` may be NULL. */
tn_status tni_nothing_matches(const tn_model *model, tn_scheme scheme, const char *flag,
                              const char *argument, tn_error *err);

/* Decides for every tensor; choice[i] for the model's tensors. `matched` has n_only + n_drop
 * entries that tell which flags matched something, so that the caller can demand it (on either
 * side). */
tn_status tni_choose(const tn_model *model, const tni_selection *selection, tni_choice *choice,
                     bool *matched, tn_error *err);

#endif
