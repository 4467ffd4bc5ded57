/* Looking things up by name in an object graph: sorted once, so that a graph of any form is
 * searched in time. */
#ifndef TN_CONVERTERS_OBJECT_INDEX_H
#define TN_CONVERTERS_OBJECT_INDEX_H

#include "core/arena.h"
#include <tenon/model.h>

typedef enum tni_object_part {
    TNI_OBJECT_CHILDREN,
    TNI_OBJECT_VALUES,
    TNI_OBJECT_SLOTS
} tni_object_part;

typedef struct tni_object_entry {
    uint32_t object;
    uint32_t variable; /* of slots; else 0 */
    tn_str name;
    uint32_t at; /* children: the node; values: the index in the object; slots: the node */
} tni_object_entry;

typedef struct tni_object_index {
    const tni_object_entry *at;
    size_t count;
} tni_object_index;

/* Sorts one part of all objects; the index lives in the arena. */
tn_status tni_object_index_make(tni_arena *arena, const tn_object *objects, size_t count,
                                tni_object_part part, tni_object_index *index_out, tn_error *err);
/* Finds what an object calls `name`; of slots the one of `variable` (else 0). TN_NO_INDEX: nothing.
 */
uint32_t tni_object_index_find(const tni_object_index *index, uint32_t object, uint32_t variable,
                               tn_str name);

#endif
