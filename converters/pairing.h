/* Pairing the tensors of two models by name. */
#ifndef TN_CONVERTERS_PAIRING_H
#define TN_CONVERTERS_PAIRING_H

#include "model/model.h"

typedef struct tni_pairing {
    tn_scheme scheme;
    uint32_t *b_of_a; /* for each tensor of A its partner in B, or TN_NO_INDEX */
    uint32_t *a_of_b;
    size_t variables; /* pairs of variables */
} tni_pairing;

/* Pairs by `scheme`, or (NULL) by that of name, full, key and object that pairs most variables; the
 * first of them on a tie. A tensor that has no name in that scheme is paired by its name. One
 * partner at most. */
tn_status tni_pair(const tn_model *a, const tn_model *b, const tn_scheme *scheme, tni_arena *arena,
                   tni_pairing *pairing_out, tn_error *err);

#endif
