/* Which key of the checkpoint each variable of a graph is restored from. */
#ifndef TN_FORMATS_SAVED_MODEL_RESTORE_H
#define TN_FORMATS_SAVED_MODEL_RESTORE_H

#include "formats/saved_model/index.h"

typedef struct tni_sm_binding {
    uint32_t node; /* that makes the variable: VarHandleOp, VariableV2 … */
    tn_str key;
    tn_str slice; /* "" or "FULL SHAPE SLICE" as SaveV2 takes it: the variable is a part */
} tni_sm_binding;

/* Follows the saver's restore operation of a TF1 MetaGraph back to the names that it restores; a
 * graph without a saver restores each variable by its own name. Bindings come from `arena`. Errors:
 * TN_E_CORRUPT (a list of names is damaged), TN_E_NOMEM. */
tn_status tni_sm_restore(tn_graph *graph, tni_sm_meta *meta, tni_arena *arena,
                         tni_sm_binding **bindings_out, uint32_t *count_out, tn_error *err);

#endif
