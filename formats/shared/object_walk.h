/* Walking the edges of an object graph by their names, as keys spell them: '.' in a name is written
 * `..` and '/' is written `.S` (tensorflow/python/trackable/trackable_utils.py). */
#ifndef TN_FORMATS_SHARED_OBJECT_WALK_H
#define TN_FORMATS_SHARED_OBJECT_WALK_H

#include "core/arena.h"
#include "core/buffer.h"
#include <tenon/model.h>

typedef struct tni_object_walk {
    const tn_object *nodes;
    const uint32_t **sorted; /* by node: its children by name, made when first looked up */
    tni_arena *arena;
} tni_object_walk;

/* Prepares to walk a graph of `count` objects; memory comes from `arena`. */
tn_status tni_object_walk_init(const tn_object *nodes, uint32_t count, tni_arena *arena,
                               tni_object_walk *walk_out, tn_error *err);
/* Finds a node's edge by its escaped name: its index among the children, or TN_NO_INDEX. Of several
 * edges of one name one is found, always the same. */
tn_status tni_object_step(tni_object_walk *walk, uint32_t node, tn_str escaped, uint32_t *edge_out,
                          tn_error *err);

/* Takes the first component off an escaped path; false if nothing is left. *path keeps data NULL
 * behind the last one. */
bool tni_object_component(tn_str *path, tn_str *component_out);
/* Appends a name, escaped. */
void tni_object_escape(tn_str name, tni_buffer *out);
/* Undoes it into `out`, which has room for all of the component; false where a '.' is neither. */
bool tni_object_unescape(tn_str component, char *out, size_t *len_out);

#endif
