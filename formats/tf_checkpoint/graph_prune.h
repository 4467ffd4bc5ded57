/* Taking values out of an object graph. */
#ifndef TN_FORMATS_TF_CHECKPOINT_GRAPH_PRUNE_H
#define TN_FORMATS_TF_CHECKPOINT_GRAPH_PRUNE_H

#include "core/buffer.h"
#include "io/source.h"

/* Copies a TrackableObjectGraph without the attributes whose values `present` has and `written`
 * lacks (both lists of keys, sorted by bytes), and without the slot references to variables that
 * lost their value so; has_checkpoint_values is worked out anew on nodes that say it. Nodes keep
 * their numbers; all other bytes are copied as they are, so a graph that loses nothing comes out
 * unchanged. An attribute's key may be the beginning of several stored keys (lookup tables: `table`
 * for `table-keys` and `table-values`); it stays as long as one of them does. Errors: as
 * tni_tf_graph_parse. */
tn_status tni_tf_graph_prune(tn_context *ctx, tn_str message, const tni_names *present,
                             const tni_names *written, tni_buffer *out, tn_error *err);

#endif
