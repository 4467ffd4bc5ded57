/* Where a graph's savers keep the names of a checkpoint's tensors. */
#ifndef TN_FORMATS_SAVED_MODEL_SAVER_KEYS_H
#define TN_FORMATS_SAVED_MODEL_SAVER_KEYS_H

#include "formats/saved_model/index.h"

/* A tensor that a saver restores. */
typedef struct tni_sm_restored {
    tn_str key;
    bool first_format; /* by an operation that reads TensorFlow's first format alone */
} tni_sm_restored;

typedef struct tni_sm_saver_keys {
    bool *listed; /* by node, functions' too: a Const whose strings are keys */
    tni_sm_restored *restored;
    size_t n_restored;
} tni_sm_saver_keys;

/* Follows all savers of a MetaGraph (its own, those of the collection `savers`, and the functions
 * that save and restore) to the names that they save and restore. What restores from another
 * checkpoint, as `init_from_checkpoint` does, belongs to no saver. Errors: TN_E_CORRUPT (a list of
 * names is damaged), TN_E_NOMEM, TN_E_LIMIT. */
tn_status tni_sm_saver_keys_find(tn_graph *graph, tni_sm_meta *meta, tni_arena *arena,
                                 tni_sm_saver_keys *keys_out, tn_error *err);

#endif
