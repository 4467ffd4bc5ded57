/* The values of one stored slice: words of one field of a TensorProto, packed or one by one, as
 * protobuf allows both, also mixed. */
#ifndef TN_FORMATS_TF_CHECKPOINT_V1_WORDS_H
#define TN_FORMATS_TF_CHECKPOINT_V1_WORDS_H

#include "core/arena.h"
#include "formats/tf_checkpoint_v1/layout.h"
#include "formats/tf_checkpoint_v1/stream.h"

/* Where a word begins; those of varints and strings can only be found by reading all before. */
typedef struct tni_v1_mark {
    atomic_uint_fast64_t run; /* bytes that are left of its packed run */
    atomic_uint_fast64_t pos; /* in the plain block; 0: not known yet. Set after `run` */
} tni_v1_mark;

enum { TNI_V1_MARKS = 64 }; /* spread over the words of a slice */

/* Where the words are. It lives in the model's arena. */
typedef struct tni_v1_values {
    const tni_v1_type *type;
    const tni_v1_block *block;
    uint64_t at, len;   /* of the TensorProto in the plain block */
    uint64_t words;     /* that the slice's shape wants */
    uint32_t width;     /* bytes of a word in memory; strings: 0 */
    tni_v1_mark *marks; /* TNI_V1_MARKS of them, or NULL: the way is short */
} tni_v1_values;

/* A walk over the words. */
typedef struct tni_v1_words {
    const tni_v1_values *values;
    uint64_t next; /* index of the next word */
    uint64_t run;  /* bytes that are left of the field at hand */
    bool single;   /* the field at hand is one varint, whose length is not known */
    tni_v1_stream stream;
} tni_v1_words;

/* Begins at word `first`, or at the nearest mark before it: skip the rest. `plain` is the block
 * decompressed, or NULL. */
void tni_v1_words_start(tni_v1_words *words, const tni_v1_values *values, const uint8_t *plain,
                        uint64_t first);
/* Steps over words up to word `first`. Errors of this and of all below: TN_E_CORRUPT (fewer words,
 * or more, than the shape wants; damage), TN_E_READ, TN_E_CANCELLED. */
tn_status tni_v1_words_skip(tni_v1_words *words, uint64_t first, tn_error *err);
/* Reads `count` words of numbers in native form. */
tn_status tni_v1_words_read(tni_v1_words *words, uint64_t count, void *out, tn_error *err);
/* Steps to the next string and tells its length; its bytes are the stream's next. The caller takes
 * them with tni_v1_words_text. */
tn_status tni_v1_words_string(tni_v1_words *words, uint64_t *len_out, tn_error *err);
tn_status tni_v1_words_text(tni_v1_words *words, void *out, tn_error *err);
/* Checks that nothing follows the last word. */
tn_status tni_v1_words_end(tni_v1_words *words, tn_error *err);

#endif
