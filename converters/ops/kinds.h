/* The operations one by one: each makes its outputs from a feed. What they have in common stands in
 * op.c. */
#ifndef TN_CONVERTERS_OPS_KINDS_H
#define TN_CONVERTERS_OPS_KINDS_H

#include "converters/ops/feed.h"

/* Each of these makes one output of input `index`. */
tn_status tni_op_transpose(tni_feed *feed, size_t index, tni_value *value, tn_error *err);
tn_status tni_op_reshape(tni_feed *feed, size_t index, tni_value *value, tn_error *err);
tn_status tni_op_partition(tni_feed *feed, size_t index, tni_value *value, tn_error *err);
tn_status tni_op_unpartition(tni_feed *feed, size_t index, tni_value *value, tn_error *err);

/* Each of these makes all outputs of the only input. */
tn_status tni_op_split(tni_feed *feed, tni_value **out_out, size_t *n_out, tn_error *err);
tn_status tni_op_unstack(tni_feed *feed, tni_value **out_out, size_t *n_out, tn_error *err);

/* Each of these makes the only output of all inputs. */
tn_status tni_op_concat(tni_feed *feed, tni_value *value, tn_error *err);
tn_status tni_op_stack(tni_feed *feed, tni_value *value, tn_error *err);

/* Computes the size of every axis of a transpose or rearrangement for one shape; sizes_out has room
 * for all axes. Errors: TN_E_SHAPE; TN_E_RULE where two sizes of one dimension are open. */
tn_status tni_op_axis_sizes(const tni_op *op, const tni_value *value, int64_t *sizes_out,
                            tn_error *err);

#endif
