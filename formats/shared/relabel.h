/* Renames in an object graph, as a relabelling of its edges: which edges get which names follows
 * from the paths that tensors have and get, and which keys follow from that. It knows nothing of
 * messages: whoever writes one asks for each edge and each key. */
#ifndef TN_FORMATS_SHARED_RELABEL_H
#define TN_FORMATS_SHARED_RELABEL_H

#include "formats/shared/object_walk.h"

typedef struct tni_relabel {
    tni_object_walk walk;
    uint32_t count;    /* of objects */
    size_t *first;     /* by object: where its edges begin in the two below */
    tn_str *label;     /* by edge: its name from now on; data NULL: nobody has said */
    tn_str *said_by;   /* by edge: the old path of the tensor that said so */
    uint32_t *changed; /* objects with an edge that gets another name, some of them twice */
    size_t n_changed, changed_room;
    tni_arena *arena;
} tni_relabel;

/* Begins a relabelling of `count` objects, which changes nothing yet; memory comes from `arena`. */
tn_status tni_relabel_begin(const tn_object *nodes, uint32_t count, tni_arena *arena,
                            tni_relabel *relabel_out, tn_error *err);
/* Says that a tensor at the escaped path `from` is to be at `to`; equal paths say that it stays.
 * Both must outlive the relabelling. Errors: TN_E_IMPOSSIBLE with the reason: paths of different
 * length, an edge that would need two names, a component that is no escaped name. */
tn_status tni_relabel_path(tni_relabel *relabel, tn_str from, tn_str to, tn_error *err);
/* Ends the saying: TN_E_COLLISION if an object would have two edges of one name. */
tn_status tni_relabel_end(tni_relabel *relabel, tn_error *err);

/* Returns the name of an edge from now on. */
tn_str tni_relabel_edge(const tni_relabel *relabel, uint32_t node, uint32_t child);
/* Gives the key that follows from one: PATH/.ATTRIBUTES/NAME and
 * PATH/.OPTIMIZER_SLOT/PATH/NAME/.ATTRIBUTES/NAME where the paths lead somewhere; every other key
 * stays. No two different keys that follow become equal. */
tn_status tni_relabel_key(tni_relabel *relabel, tn_str key, tn_str *key_out, tn_error *err);

#endif
