/* What a name is, in parts. */
#ifndef TN_FORMATS_SAVED_MODEL_RESOLVE_H
#define TN_FORMATS_SAVED_MODEL_RESOLVE_H

#include "formats/saved_model/index.h"

/* Lists a node's inputs as the file spells them. Errors: TN_E_NOMEM. */
tn_status tni_sm_inputs(tn_str node, tni_arena *arena, const tn_str **inputs_out, size_t *count_out,
                        tn_error *err);
/* Proposes names near one that does not fit: `operation` is what the name says before its ':', and
 * with `tensor` tensors are meant. Errors: TN_E_NOMEM. */
tn_status tni_sm_candidates(tn_graph *graph, tni_sm_meta *meta, tn_str operation, bool tensor,
                            const tn_str **names_out, size_t *count_out, tn_error *err);
/* Lists the variables that an operation reaches over its inputs, by their keys, in order. Errors:
 * TN_E_CORRUPT, TN_E_NOMEM. */
tn_status tni_sm_reached(tn_graph *graph, tni_sm_meta *meta, uint32_t node,
                         const tn_str **names_out, size_t *count_out, tn_error *err);

#endif
