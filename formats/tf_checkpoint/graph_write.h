/* Object graphs from nothing: from the paths at which variables are to be found. */
#ifndef TN_FORMATS_TF_CHECKPOINT_GRAPH_WRITE_H
#define TN_FORMATS_TF_CHECKPOINT_GRAPH_WRITE_H

#include "core/arena.h"
#include "core/buffer.h"

/* A variable of the graph. Paths are escaped as in keys; no component is empty. */
typedef struct tni_tf_place {
    tn_str path; /* a slot: of its optimizer */
    tn_str slot; /* its name, not escaped; data NULL: it is no slot */
    tn_str full_name;
    uint32_t owner; /* of a slot: the place of its variable, which is no slot; else TN_NO_INDEX */
} tni_tf_place;

/* Gives the key of a place as TensorFlow spells it: PATH/.ATTRIBUTES/VARIABLE_VALUE, a slot
 * OWNER/.OPTIMIZER_SLOT/OPTIMIZER/SLOT/.ATTRIBUTES/VARIABLE_VALUE. */
tn_status tni_tf_place_key(const tni_tf_place *places, uint32_t index, tni_arena *arena,
                           tn_str *key_out, tn_error *err);
/* Packs the TrackableObjectGraph of `count` places with these keys: an object for each component of
 * each path, in order of first use, and behind them one for each slot. Errors: TN_E_LIMIT,
 * TN_E_NOMEM, TN_E_CANNOT_HOLD (more objects than numbers). */
tn_status tni_tf_graph_write(tn_context *ctx, const tni_tf_place *places, const tn_str *keys,
                             uint32_t count, tni_buffer *out, tn_error *err);

#endif
