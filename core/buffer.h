/* A growing byte buffer. Errors stick: check `failed` once at the end, or take the bytes with
 * tni_buffer_take. */
#ifndef TN_CORE_BUFFER_H
#define TN_CORE_BUFFER_H

#include "core/context.h"
#include <tenon/str.h>

typedef struct tni_buffer {
    tn_context *ctx;
    char *data;
    size_t len, room;
    bool failed; /* out of memory at some point: content is incomplete */
} tni_buffer;

void tni_buffer_init(tni_buffer *buffer, tn_context *ctx);
void tni_buffer_clear(tni_buffer *buffer);
/* Empties it but keeps the memory. */
void tni_buffer_reset(tni_buffer *buffer);
void tni_buffer_add(tni_buffer *buffer, const void *data, size_t len);
void tni_buffer_str(tni_buffer *buffer, tn_str text);
void tni_buffer_text(tni_buffer *buffer, const char *text);
void tni_buffer_char(tni_buffer *buffer, char c);
void tni_buffer_format(tni_buffer *buffer, const char *format, ...) TN_PRINTF(2, 3);
void tni_buffer_zeros(tni_buffer *buffer, size_t count);
/* Turns a sticky failure into TN_E_NOMEM. */
tn_status tni_buffer_check(const tni_buffer *buffer, tn_error *err);

#endif
