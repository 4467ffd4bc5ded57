/* Values: the layout half of a tensor. Operations make values of values; no payload is touched. */
#ifndef TN_CONVERTERS_OPS_VALUE_H
#define TN_CONVERTERS_OPS_VALUE_H

#include "model/piece.h"
#include <tenon/model.h>

typedef struct tni_value {
    tn_dtype dtype;
    uint32_t rank;
    const int64_t *shape;
    int64_t elements;
    const tni_piece *pieces; /* operations give them in the order of their first elements */
    uint32_t n_pieces;       /* 0: nothing but shapes is asked for, or there is no element */
    uint32_t n_slices;
    const int64_t *slices; /* how a container that can is to store it: start and length of each
                              dimension, slice by slice; NULL: whole */
} tni_value;

/* Makes the value of a tensor, whose shape and pieces it borrows. Errors: TN_E_SHAPE where the
 * shape is not known. */
tn_status tni_value_of(tni_arena *arena, const tn_tensor *tensor, tni_value *value_out,
                       tn_error *err);
/* Tells whether the values together use every element of `leaf` exactly once: whether what was made
 * of the leaf can be turned back into it. As tni_maps_tile. */
tn_status tni_values_tile(tni_arena *arena, const tni_value *values, size_t count,
                          const tni_leaf *leaf, bool *tile_out, tn_error *err);

#endif
