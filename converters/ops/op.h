/* The layout operations of the rule language, as data and as functions from values to values.
 *
 * Everything here is an index map: an operation says which element of its inputs each element of
 * its outputs is, and that map is composed with the pieces of the inputs. */
#ifndef TN_CONVERTERS_OPS_OP_H
#define TN_CONVERTERS_OPS_OP_H

#include "converters/ops/axes.h"
#include "converters/ops/value.h"

typedef enum tni_op_kind {
    /* These take values one by one and make one of each. */
    TNI_OP_TRANSPOSE,
    TNI_OP_REARRANGE,
    TNI_OP_RESHAPE,
    TNI_OP_PARTITION,   /* stored in slices, as TensorFlow stores partitioned variables */
    TNI_OP_UNPARTITION, /* stored whole */
    /* These take one value and make several. */
    TNI_OP_SPLIT,
    TNI_OP_UNSTACK,
    /* These take all values and make one. */
    TNI_OP_CONCAT,
    TNI_OP_STACK,
    TNI_OP_COUNT
} tni_op_kind;

/* One operation with its arguments, which are numbers by now. */
typedef struct tni_op {
    tni_op_kind kind;
    const tni_axes *axes; /* transpose, rearrange */
    int64_t axis;         /* partition, split, unstack, concat, stack; negative: from the end */
    const int64_t *sizes; /* reshape: the new shape, of which one may be -1; rearrange: the size of
                             each axis, TNI_AXIS_OPEN where it is not given (NULL: none is);
                             partition, split: sizes along the axis (split: NULL for equal ones) */
    size_t n_sizes;
    int64_t parts;  /* split without sizes: outputs; unstack: outputs that are expected, 0: any */
    int64_t groups; /* split, concat: the axis consists of so many equal groups, and each output of
                       split (input of concat) has its part in every one; 0 means 1 */
} tni_op;

/* Applies an operation. Outputs live in the arena and borrow leaves from the inputs. Values without
 * pieces give outputs without pieces: their shapes alone. `limit` bounds the pieces of all outputs
 * together, and their number. Partitions last through partition and unpartition only: what any
 * other operation makes is whole. Errors: TN_E_SHAPE with the operation, the shapes and what was
 * expected; TN_E_UNSUPPORTED where elements would move that share bytes or have no fixed size;
 * TN_E_LIMIT. */
tn_status tni_op_apply(tni_arena *arena, const tni_op *op, const tni_value *in, size_t n_in,
                       uint64_t limit, tni_value **out_out, size_t *n_out, tn_error *err);

/* Makes the operation that turns what tni_op_apply made of `in` back into that. An operation that
 * takes values one by one is inverted one by one too: `in` is one value then. Errors: TN_E_SHAPE
 * where the language has none: for slices that do not follow each other along one axis. */
tn_status tni_op_inverse(tni_arena *arena, const tni_op *op, const tni_value *in, size_t n_in,
                         tni_op *inverse_out, tn_error *err);

/* Returns the word that a rule file has for it: "transpose" … */
const char *tni_op_name(tni_op_kind kind);

#endif
