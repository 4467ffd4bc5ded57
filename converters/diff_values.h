/* Comparing the values of one pair, with measures of how far apart they are. */
#ifndef TN_CONVERTERS_DIFF_VALUES_H
#define TN_CONVERTERS_DIFF_VALUES_H

#include "model/model.h"
#include <tenon/values.h>
#include <tenon/verify.h>

typedef struct tni_value_diff tni_value_diff;

/* Makes what the comparison of pairs needs: two readers and two buffers. */
tn_status tni_value_diff_new(tn_context *ctx, const tn_diff_options *options,
                             tni_value_diff **diff_out, tn_error *err);
void tni_value_diff_free(tni_value_diff *diff);
/* Tells whether values of two different dtypes can be compared: both are real numbers. */
bool tni_value_diff_can(tn_dtype a, tn_dtype b);
/* Compares two tensors of equal shape; dtypes may differ only if the options are tolerant.
 * *difference_out counts the elements that differ: bitwise, or beyond the tolerance. Stored sums of
 * both sides are checked. Errors: of reading; TN_E_UNSUPPORTED for dtypes that cannot be compared
 * with each other. */
tn_status tni_value_diff_pair(tni_value_diff *diff, const tn_tensor *a, const tn_tensor *b,
                              tn_value_difference *difference_out, tn_error *err);

#endif
