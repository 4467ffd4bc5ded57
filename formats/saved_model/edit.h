/* Editing a protobuf file on the wire: fields with a length get other bytes, the lengths around
 * them follow, and all else stays as it is, large constants and unknown fields too. */
#ifndef TN_FORMATS_SAVED_MODEL_EDIT_H
#define TN_FORMATS_SAVED_MODEL_EDIT_H

#include "formats/saved_model/image.h"
#include "formats/shared/splice.h"
#include "formats/shared/wire.h"

/* A message that is open. */
typedef struct tni_sm_open_message {
    size_t splice;          /* kept for its length */
    uint64_t length_at;     /* in the file */
    uint64_t start, length; /* of its content */
    int64_t growth;         /* of its content, so far */
} tni_sm_open_message;

typedef struct tni_sm_edit {
    const tni_sm_image *image;
    tni_arena *arena; /* of the new bytes */
    tni_splice *list; /* freed by tni_sm_edit_clear */
    size_t count, room;
    int64_t growth; /* of the file */
    tni_sm_open_message open[TNI_WIRE_DEPTH];
    uint32_t depth;
} tni_sm_edit;

/* Begins; nothing is open. Edits go from the front of the image to its back. */
void tni_sm_edit_init(tni_sm_edit *edit, const tni_sm_image *image, tni_arena *arena);
void tni_sm_edit_clear(tni_sm_edit *edit);
/* Opens the message that a field of the innermost open one holds. Errors: TN_E_NOMEM,
 * TN_E_CORRUPT (too deep). */
tn_status tni_sm_edit_open(tni_sm_edit *edit, tn_str content, tn_error *err);
/* Closes the innermost one. Its length is written anew if it changed. */
tn_status tni_sm_edit_close(tni_sm_edit *edit, tn_error *err);
/* Puts a copy of other bytes into a field of the innermost open message. Errors: TN_E_NOMEM,
 * TN_E_LIMIT. */
tn_status tni_sm_edit_put(tni_sm_edit *edit, tn_str content, tn_str bytes, tn_error *err);
/* Gives the splices, copied into the arena. Errors: TN_E_CANNOT_HOLD (protobuf ends at 2 GiB). */
tn_status tni_sm_edit_end(const tni_sm_edit *edit, tni_splices *splices_out, tn_error *err);

#endif
