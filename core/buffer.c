#include "core/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"

enum { FIRST_ROOM = 64 };

void tni_buffer_init(tni_buffer *buffer, tn_context *ctx)
{
    *buffer = (tni_buffer){.ctx = ctx};
}

void tni_buffer_clear(tni_buffer *buffer)
{
    tni_free(buffer->ctx, buffer->data);
    tni_buffer_init(buffer, buffer->ctx);
}

void tni_buffer_reset(tni_buffer *buffer)
{
    buffer->len = 0;
    buffer->failed = false;
}

/* Makes room for `more` bytes behind the content; false (and sticks) without memory. */
static bool reserve(tni_buffer *buffer, size_t more)
{
    if (buffer->failed) {
        return false;
    }
    if (more <= buffer->room - buffer->len) {
        return true;
    }
    size_t need;
    if (__builtin_add_overflow(buffer->len, more, &need)) {
        buffer->failed = true;
        return false;
    }
    size_t room = buffer->room > SIZE_MAX / 2 ? need : buffer->room * 2;
    if (room < need) {
        room = need < FIRST_ROOM ? FIRST_ROOM : need;
    }
    void *data = buffer->data;
    if (tni_resize(buffer->ctx, &data, room, NULL) != TN_OK) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->room = room;
    return true;
}

void tni_buffer_add(tni_buffer *buffer, const void *data, size_t len)
{
    if (len > 0 && reserve(buffer, len)) {
        memcpy(buffer->data + buffer->len, data, len);
        buffer->len += len;
    }
}

void tni_buffer_str(tni_buffer *buffer, tn_str text)
{
    tni_buffer_add(buffer, text.data, text.len);
}

void tni_buffer_text(tni_buffer *buffer, const char *text)
{
    tni_buffer_str(buffer, tn_str_of(text));
}

void tni_buffer_char(tni_buffer *buffer, char c)
{
    tni_buffer_add(buffer, &c, 1);
}

void tni_buffer_format(tni_buffer *buffer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0 || !reserve(buffer, (size_t)length + 1)) {
        buffer->failed = true;
        return;
    }
    va_start(args, format);
    vsnprintf(buffer->data + buffer->len, (size_t)length + 1, format, args);
    va_end(args);
    buffer->len += (size_t)length;
}

void tni_buffer_zeros(tni_buffer *buffer, size_t count)
{
    if (count > 0 && reserve(buffer, count)) {
        memset(buffer->data + buffer->len, 0, count);
        buffer->len += count;
    }
}

tn_status tni_buffer_check(const tni_buffer *buffer, tn_error *err)
{
    if (!buffer->failed) {
        return TN_OK;
    }
    return tni_fail(err, TN_E_NOMEM, "there is no memory for a buffer of more than %zu bytes",
                    buffer->len);
}
