/* What becomes of a graph whose checkpoint is written anew. */
#ifndef TN_FORMATS_SAVED_MODEL_REKEY_H
#define TN_FORMATS_SAVED_MODEL_REKEY_H

#include "formats/format.h"
#include "formats/saved_model/new_edges.h"
#include <tenon/graph.h>

/* The key of the checkpoint's object graph. */
#define TNI_SM_OBJECTS_KEY "_CHECKPOINTABLE_OBJECT_GRAPH"

typedef struct tni_sm_changes {
    tni_rekeys keys;        /* all that the checkpoint holds, but for its object graph */
    bool follow;            /* a variable that is called as its key is renamed with it */
    const tni_rekey *nodes; /* without `follow`: variables that get other names in the graph */
    size_t n_nodes;
    const tn_object *objects; /* the checkpoint's, which change; NULL: they do not */
    uint32_t n_objects;
    const tni_sm_new_edges *edges, *copied; /* of the SavedModel's object graph and of the
                                               checkpoint's; NULL: they stay */
} tni_sm_changes;

/* Makes the splices of the graph's file. Errors: as tni_reader_ops.rekey, and TN_E_UNSUPPORTED
 * where a file in text form would have to change. */
tn_status tni_sm_change(tn_graph *graph, const tni_sm_changes *changes, tni_arena *arena,
                        tni_splices *splices_out, tn_error *err);

#endif
