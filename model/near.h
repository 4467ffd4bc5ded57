/* Names that are near to one that does not exist. */
#ifndef TN_MODEL_NEAR_H
#define TN_MODEL_NEAR_H

#include <tenon/model.h>

enum { TNI_NEAR_MOST = 3 };

/* Finds up to TNI_NEAR_MOST tensors whose names in a scheme (else their names) are nearest to
 * `wanted`, nearest first: by edit distance, by equal last components, and by one being the head or
 * tail of the other. Hidden tensors are left out. Returns how many. */
size_t tni_near(const tn_model *model, tn_scheme scheme, tn_str wanted,
                uint32_t near_out[TNI_NEAR_MOST]);

#endif
