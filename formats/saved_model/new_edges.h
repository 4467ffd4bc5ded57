/* What the edges of an object graph become. */
#ifndef TN_FORMATS_SAVED_MODEL_NEW_EDGES_H
#define TN_FORMATS_SAVED_MODEL_NEW_EDGES_H

#include "core/arena.h"
#include "core/hash.h"

typedef struct tni_sm_new_edges {
    tni_arena *arena;
    tni_hash edges; /* object and old name → its place in `to` */
    tn_str *to;     /* freed by tni_sm_new_edges_clear */
    uint32_t count;
    size_t room;
} tni_sm_new_edges;

/* Initialises: every edge keeps its name. */
void tni_sm_new_edges_init(tni_sm_new_edges *edges, tni_arena *arena);
void tni_sm_new_edges_clear(tni_sm_new_edges *edges);
/* Says what the edge of an object becomes; `to` is borrowed. Errors: TN_E_IMPOSSIBLE (it was said
 * to become something else), TN_E_NOMEM, TN_E_LIMIT. */
tn_status tni_sm_new_edge(tni_sm_new_edges *edges, uint32_t object, tn_str from, tn_str to,
                          tn_error *err);
/* Gives what an edge becomes: the same view where it stays, or where `edges` is NULL. Errors:
 * TN_E_NOMEM, TN_E_LIMIT. */
tn_status tni_sm_edge_becomes(const tni_sm_new_edges *edges, uint32_t object, tn_str name,
                              tn_str *to_out, tn_error *err);
/* Spells an object and a name as one text, in `arena`. Errors: TN_E_NOMEM, TN_E_LIMIT. */
tn_status tni_sm_edge_key(tni_arena *arena, uint32_t object, tn_str name, tn_str *key_out,
                          tn_error *err);

#endif
