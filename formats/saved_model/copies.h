/* Copies of a checkpoint's object graph in a graph: what saves with it stores them. */
#ifndef TN_FORMATS_SAVED_MODEL_COPIES_H
#define TN_FORMATS_SAVED_MODEL_COPIES_H

#include "formats/saved_model/index.h"
#include <tenon/model.h>

/* Tells which constants of a MetaGraph, functions' too, hold an object graph (TrackableObjectGraph)
 * with the same edges as the checkpoint's: (*copies_out)[node], and how many. What else they say
 * may differ, as full names do. Errors: TN_E_NOMEM, TN_E_LIMIT. */
tn_status tni_sm_copies_find(const tni_sm_meta *meta, const tn_object *objects, uint32_t count,
                             tni_arena *arena, const bool **copies_out, size_t *found_out,
                             tn_error *err);

#endif
