/* Sums of tensors, element by element: (Σ scale·operand + constant) / divisor, computed in float64
 * and rounded once. `mean` and `add` of the rule language are such sums. */
#ifndef TN_MODEL_LINEAR_H
#define TN_MODEL_LINEAR_H

#include "model/model.h"

typedef struct tni_operand {
    const tn_tensor *tensor; /* of real floats; its pieces outlive the leaf, the record itself need
                                not */
    double scale;
} tni_operand;

typedef struct tni_linear {
    const tni_operand *operands;
    uint32_t count; /* at least 1; all have as many elements as the first */
    double constant, divisor;
} tni_linear;

/* Makes a leaf that holds such a sum as elements of `dtype`, a real float. It lives as long as the
 * model, with a reader for each operand. Values that leave the dtype's range are TN_E_OVERFLOW when
 * they are read. Errors: TN_E_NOMEM, TN_E_LIMIT. */
tn_status tni_linear_leaf(tn_model *model, const tni_linear *sum, tn_dtype dtype,
                          const tni_leaf **leaf_out, tn_error *err);

#endif
