/* Ordered code: byte strings that sort as what they encode. Keys of stored slices are made of it
 * (tensorflow/core/lib/strings/ordered_code.cc, tensorflow/core/util/saved_tensor_slice_util.cc).
 *
 * A slice key is N(0) S(name) N(rank) and for each dimension I(start) I(length), with start and
 * length exactly as the slice's message has them: a whole dimension by an empty extent is 0, -1. */
#ifndef TN_FORMATS_SHARED_ORDERED_CODE_H
#define TN_FORMATS_SHARED_ORDERED_CODE_H

#include "core/buffer.h"
#include "core/cursor.h"

/* Appends N(value): the number of significant bytes, then the bytes, high first. */
void tni_ordered_put_u64(tni_buffer *buffer, uint64_t value);
/* Appends S(text): 00 and FF escaped, closed by 00 01. */
void tni_ordered_put_str(tni_buffer *buffer, tn_str text);
/* Appends I(value): 1 to 10 bytes. */
void tni_ordered_put_i64(tni_buffer *buffer, int64_t value);
/* Appends the key of one slice. */
void tni_ordered_put_slice(tni_buffer *buffer, tn_str name, uint32_t rank, const int64_t *start,
                           const int64_t *length);

/* Each reads what its twin wrote; false if the bytes are not such a code. The text is appended to
 * `text`. */
bool tni_ordered_get_u64(tni_cursor *cursor, uint64_t *value_out);
bool tni_ordered_get_str(tni_cursor *cursor, tni_buffer *text);
bool tni_ordered_get_i64(tni_cursor *cursor, int64_t *value_out);

#endif
