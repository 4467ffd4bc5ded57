/* The composing part of every operation: what maps from outputs to inputs make of the inputs'
 * pieces. */
#ifndef TN_CONVERTERS_OPS_FEED_H
#define TN_CONVERTERS_OPS_FEED_H

#include "converters/ops/op.h"

/* The pieces of an operation's inputs, ready for composition. */
typedef struct tni_feed {
    tni_arena *arena;
    const tni_op *op;
    const tni_value *in;
    size_t n_in;
    uint64_t limit; /* pieces of all outputs */
    uint64_t made;
    size_t *first; /* where each input's pieces begin; one more for the end */
    /* By piece: the map, the number of its leaf, and the last element of the input that it or an
     * earlier piece of the same input fills. */
    tni_map *maps;
    uint32_t *leaf;
    int64_t *reach;
    const tni_leaf **leaves; /* by number */
    size_t n_leaves;
} tni_feed;

/* Collects the pieces of all inputs in order of their first elements. */
tn_status tni_feed_start(tni_feed *feed, tni_arena *arena, const tni_op *op, const tni_value *in,
                         size_t n_in, uint64_t limit, tn_error *err);
/* Appends to `list` what `outer` makes of input `index`: `to` is the output, `from` the input.
 * Errors: TN_E_LIMIT, TN_E_CANCELLED, TN_E_UNSUPPORTED for elements that cannot move. */
tn_status tni_feed_pull(tni_feed *feed, size_t index, tni_map outer, tni_map_list *list,
                        tn_error *err);
/* Gives an output the pieces of `list`, in order and merged. Errors: TN_E_LIMIT. */
tn_status tni_feed_finish(tni_feed *feed, const tni_map_list *list, tni_value *value,
                          tn_error *err);
/* Makes an output of one input and one map: all three calls in one. */
tn_status tni_feed_one(tni_feed *feed, size_t index, tni_map outer, tni_value *value,
                       tn_error *err);
/* The same where every element stays where it is. */
tn_status tni_feed_same(tni_feed *feed, size_t index, tni_value *value, tn_error *err);

#endif
