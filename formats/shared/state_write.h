/* The state file of a folder: read whole, changed, written atomically. */
#ifndef TN_FORMATS_SHARED_STATE_WRITE_H
#define TN_FORMATS_SHARED_STATE_WRITE_H

#include "core/buffer.h"
#include "formats/shared/state_file.h"

/* Reads and parses the state file of a folder ("" or ending in '/'). Errors: TN_E_NOT_FOUND, and
 * those of tni_tf_state_parse. */
tn_status tni_tf_state_load(tn_context *ctx, const char *folder, tni_arena *arena,
                            tni_tf_state *state_out, tn_error *err);
/* Appends the text as TensorFlow 2.21 writes it (text_format of CheckpointState). */
void tni_tf_state_text(const tni_tf_state *state, tni_buffer *out);
/* Tells whether two states have the same text. Errors: TN_E_NOMEM. */
tn_status tni_tf_state_same(tn_context *ctx, const tni_tf_state *a, const tni_tf_state *b,
                            bool *same_out, tn_error *err);
/* Writes the state file of a folder, replacing an old one atomically. Errors: of writing. */
tn_status tni_tf_state_save(tn_context *ctx, const char *folder, const tni_tf_state *state,
                            tn_error *err);
/* The last component of a path that a state file says. */
tn_str tni_tf_state_last(tn_str path);

#endif
