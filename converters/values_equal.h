/* Comparing values of two tensors. */
#ifndef TN_CONVERTERS_VALUES_EQUAL_H
#define TN_CONVERTERS_VALUES_EQUAL_H

#include "model/model.h"
#include <tenon/values.h>

/* Tells whether two tensors of equal dtype and shape hold the same bytes (strings: the same
 * strings), in constant memory. Stored sums of both sides are checked. Errors: of reading. */
tn_status tni_values_equal(tn_context *ctx, const tn_tensor *a, const tn_tensor *b, bool *equal_out,
                           tn_error *err);

#endif
