/* The outputs of TensorFlow's own operations, as a table that is shipped. */
#ifndef TN_FORMATS_SAVED_MODEL_OPS_H
#define TN_FORMATS_SAVED_MODEL_OPS_H

#include "formats/saved_model/index.h"

/* Finds what outputs an operation has: "T", "N*T", "=9 @Tout" (scripts/make-tensorflow-ops). False:
 * the table does not have it. Errors: TN_E_NOMEM. */
tn_status tni_sm_known_op(tn_graph *graph, tn_str op, bool *found_out, tn_str *outputs_out,
                          tn_error *err);

#endif
