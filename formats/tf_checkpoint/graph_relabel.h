/* Rewriting an object graph with other names of edges. */
#ifndef TN_FORMATS_TF_CHECKPOINT_GRAPH_RELABEL_H
#define TN_FORMATS_TF_CHECKPOINT_GRAPH_RELABEL_H

#include "core/buffer.h"
#include "formats/shared/relabel.h"

/* Copies a TrackableObjectGraph with the edges and keys that `relabel` says: local names of
 * children, checkpoint keys of attributes. All other bytes, full names too, are copied as they are,
 * so a relabelling that changes nothing gives the message, and one with its inverse gives it back
 * (where lengths were written in their shortest form). `message` parses, and has the objects and
 * children that the relabelling was begun with. Errors: TN_E_LIMIT, TN_E_NOMEM. */
tn_status tni_tf_graph_relabel(tn_context *ctx, tn_str message, tni_relabel *relabel,
                               tni_buffer *out, tn_error *err);

#endif
