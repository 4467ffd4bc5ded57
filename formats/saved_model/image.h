/* A protobuf file in memory, without the values of its large constants.
 *
 * Gigabytes of constants are not copied: a value of HOLE_LEAST bytes or more (a tensor's content,
 * or its packed numbers of fixed size) becomes a *hole*. Its field stays with no bytes, the lengths
 * of the messages around it are corrected in as many bytes as they had, so the image is the same
 * message with those values empty. Every place in the image leads back to the file, for ranges of
 * values now and for edits of the file. */
#ifndef TN_FORMATS_SAVED_MODEL_IMAGE_H
#define TN_FORMATS_SAVED_MODEL_IMAGE_H

#include "io/source.h"

/* What message a file is. */
typedef enum tni_sm_kind { TNI_SM_MODEL, TNI_SM_META, TNI_SM_GRAPH } tni_sm_kind;

/* A value that was left in the file. */
typedef struct tni_sm_hole {
    size_t at; /* in the image */
    uint64_t offset, bytes;
    uint64_t gone; /* bytes that this and all holes before it take */
} tni_sm_hole;

typedef struct tni_sm_image {
    tn_context *ctx;
    tn_source *source; /* borrowed; NULL: the image is all there is (text) */
    char *data;
    size_t len, room;
    tni_sm_hole *holes;
    size_t n_holes, holes_room;
} tni_sm_image;

/* Loads a file. What it does not understand is kept as it is, for the parser to judge. Errors:
 * TN_E_LIMIT ("header-bytes"), TN_E_NOMEM, TN_E_READ and its kin. Clear in any case. */
tn_status tni_sm_image_load(tni_sm_image *image, tn_context *ctx, tn_source *source,
                            tni_sm_kind kind, tn_error *err);
void tni_sm_image_clear(tni_sm_image *image);

/* Returns the whole message. */
tn_str tni_sm_image_message(const tni_sm_image *image);
/* Returns where a byte of the image, or the end of it, lies in the file. */
uint64_t tni_sm_image_offset(const tni_sm_image *image, const char *at);
/* Returns the hole that a field's value was, or NULL: its bytes are in the image. */
const tni_sm_hole *tni_sm_image_hole(const tni_sm_image *image, tn_str value);

#endif
