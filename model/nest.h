/* A loop nest of fixed room, in which maps are built before they become canonical. For map*.c only.
 *
 * Dimensions of size 1 never enter a nest, and a map moves at most INT64_MAX elements, so 62
 * dimensions are the most that a nest of a possible tensor has, whatever the tensor's rank is. */
#ifndef TN_MODEL_NEST_H
#define TN_MODEL_NEST_H

#include "model/map.h"

enum { TNI_NEST_ROOM = 64 };

typedef struct tni_nest {
    int64_t to, from;
    uint32_t rank;
    bool empty; /* some dimension is 0 */
    tni_dim dim[TNI_NEST_ROOM];
} tni_nest;

/* Starts a nest of one element. */
static inline void tni_nest_init(tni_nest *nest, int64_t to, int64_t from)
{
    nest->to = to;
    nest->from = from;
    nest->rank = 0;
    nest->empty = false;
}

/* Adds one dimension. Errors: TN_E_LIMIT where there are more than a possible tensor has. */
tn_status tni_nest_add(tni_nest *nest, int64_t size, int64_t to, int64_t from, tn_error *err);
/* Tells whether each `to` stride of a sorted nest exceeds the span of the dimensions inside it. */
bool tni_nest_is_nested(const tni_nest *nest);
/* Makes the nest canonical in place and copies it into the arena. */
tn_status tni_nest_finish(tni_nest *nest, tni_arena *arena, tni_map *map_out, tn_error *err);

#endif
