/* Text protos (saved_model.pbtxt, meta graphs and graphs as text): from text to the wire, after
 * which they are read as everything else. */
#ifndef TN_FORMATS_SAVED_MODEL_TEXT_H
#define TN_FORMATS_SAVED_MODEL_TEXT_H

#include "formats/saved_model/image.h"

/* Tells whether a file that begins so is a text proto of ours. */
bool tni_sm_looks_like_text(tn_str head);
/* Loads a text proto; which message it is shows in its first fields. Fields that the descriptors do
 * not know are left out. Errors: TN_E_CORRUPT with line and column, TN_E_LIMIT ("header-bytes",
 * "nesting"), TN_E_NOMEM, TN_E_READ. */
tn_status tni_sm_text_load(tni_sm_image *image, tn_context *ctx, tn_source *source,
                           tni_sm_kind *kind_out, tn_error *err);

#endif
