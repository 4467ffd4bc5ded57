/* Writing new names into a graph, wherever it says the old ones. */
#ifndef TN_FORMATS_SAVED_MODEL_RENAME_H
#define TN_FORMATS_SAVED_MODEL_RENAME_H

#include "formats/saved_model/new_edges.h"
#include "formats/saved_model/new_names.h"
#include "formats/saved_model/saver_keys.h"
#include "formats/shared/splice.h"

/* What is said to one MetaGraph. */
typedef struct tni_sm_rename {
    const tni_sm_new_names *names;
    tni_sm_saver_keys keys;
    const tni_sm_new_edges *edges;  /* of the SavedModel's object graph; NULL: they stay */
    const tni_sm_new_edges *copied; /* of the checkpoint's, for its copies; NULL: they stay */
    const bool *copies; /* by node, functions' too: a Const that holds a copy; NULL: none */
} tni_sm_rename;

/* Makes the splices of the graph's file that put new names in the place of old ones: names and
 * inputs of operations, where they are placed and by what name variables are shared; lists of keys;
 * savers, collections, signatures, assets; the SavedModel's own variables and the edges between its
 * objects; copies of the checkpoint's object graph. `renames` has one for each MetaGraph. Without a
 * change there is no splice, whatever form the file is of. Errors: TN_E_CORRUPT, TN_E_UNSUPPORTED
 * (a list of keys of a rare form), TN_E_CANNOT_HOLD (2 GiB), TN_E_NOMEM, TN_E_LIMIT. */
tn_status tni_sm_rename_graph(const tn_graph *graph, const tni_sm_rename *renames, tni_arena *arena,
                              tni_splices *splices_out, tn_error *err);

/* Makes the splices of a checkpoint's object graph (TrackableObjectGraph) for new edges (copied),
 * keys and full names. Errors: TN_E_CORRUPT, TN_E_NOMEM, TN_E_LIMIT. */
tn_status tni_sm_rename_objects(tn_context *ctx, tn_str message, const tni_sm_rename *rename,
                                tni_arena *arena, tni_splices *splices_out, tn_error *err);

#endif
