#include "core/json_out.h"

#include "core/text.h"

static void write_bytes(tn_json_out *out, const char *data, size_t len)
{
    fwrite(data, 1, len, out->stream);
}

static void write_char(tn_json_out *out, char c)
{
    putc(c, out->stream);
}

static void write_line(tn_json_out *out)
{
    if (out->pretty) {
        write_char(out, '\n');
        for (unsigned i = 0; i < out->depth; i++) {
            write_bytes(out, "  ", 2);
        }
    }
}

/* Writes what stands before a key or a value on this level. */
static void separate(tn_json_out *out)
{
    if (out->after_key) {
        out->after_key = false;
        return;
    }
    if (out->depth > 0) {
        if (!out->first) {
            write_char(out, ',');
        }
        write_line(out);
    }
    out->first = false;
}

static void open_level(tn_json_out *out, char bracket)
{
    separate(out);
    write_char(out, bracket);
    out->depth++;
    out->first = true;
}

static void close_level(tn_json_out *out, char bracket)
{
    out->depth--;
    if (!out->first) {
        write_line(out);
    }
    write_char(out, bracket);
    out->first = false;
}

void tn_json_start(tn_json_out *out, FILE *stream, bool pretty)
{
    *out = (tn_json_out){.stream = stream, .pretty = pretty, .first = true};
}

void tn_json_object(tn_json_out *out)
{
    open_level(out, '{');
}

void tn_json_object_end(tn_json_out *out)
{
    close_level(out, '}');
}

void tn_json_array(tn_json_out *out)
{
    open_level(out, '[');
}

void tn_json_array_end(tn_json_out *out)
{
    close_level(out, ']');
}

/* Writes the escape of a character that may not stand in a JSON string as it is. */
static void write_escape(tn_json_out *out, char c)
{
    static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *found = memchr(plain, c, sizeof plain - 1);
    if (found != NULL) {
        const char escape[2] = {'\\', letters[found - plain]};
        write_bytes(out, escape, 2);
    } else {
        fprintf(out->stream, "\\u%04x", (unsigned)c);
    }
}

static bool needs_escape(char c)
{
    return c == '"' || c == '\\' || (unsigned char)c < 0x20;
}

/* Writes the inside of a string; `text` is valid UTF-8. */
static void write_valid(tn_json_out *out, tn_str text)
{
    size_t start = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (needs_escape(text.data[i])) {
            write_bytes(out, text.data + start, i - start);
            write_escape(out, text.data[i]);
            start = i + 1;
        }
    }
    write_bytes(out, text.data + start, text.len - start);
}

static void write_string(tn_json_out *out, tn_str text)
{
    write_char(out, '"');
    if (tn_utf8_valid(text)) {
        write_valid(out, text);
    } else {
        while (text.len > 0) {
            char unit[16]; /* no single character's printable form is longer */
            size_t len = tni_utf8_decode(text, NULL);
            len = len == 0 ? 1 : len;
            size_t unit_len = tn_escape(tn_str_first(text, len), unit, sizeof unit);
            write_valid(out, (tn_str){unit, unit_len});
            text = tn_str_skip(text, len);
        }
    }
    write_char(out, '"');
}

void tn_json_key_str(tn_json_out *out, tn_str key)
{
    separate(out);
    write_string(out, key);
    write_char(out, ':');
    if (out->pretty) {
        write_char(out, ' ');
    }
    out->after_key = true;
}

void tn_json_key(tn_json_out *out, const char *key)
{
    tn_json_key_str(out, tn_str_of(key));
}

void tn_json_str(tn_json_out *out, tn_str text)
{
    if (text.data == NULL) {
        tn_json_null(out);
        return;
    }
    separate(out);
    write_string(out, text);
}

void tn_json_text(tn_json_out *out, const char *text)
{
    tn_json_str(out, tn_str_of(text));
}

void tn_json_base64(tn_json_out *out, const void *data, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *bytes = data;
    separate(out);
    write_char(out, '"');
    for (size_t i = 0; i < len; i += 3) {
        size_t left = len - i;
        unsigned group = (unsigned)bytes[i] << 16;
        group |= left > 1 ? (unsigned)bytes[i + 1] << 8 : 0;
        group |= left > 2 ? bytes[i + 2] : 0;
        const char quad[4] = {digits[group >> 18], digits[group >> 12 & 63],
                              left > 1 ? digits[group >> 6 & 63] : '=',
                              left > 2 ? digits[group & 63] : '='};
        write_bytes(out, quad, 4);
    }
    write_char(out, '"');
}

void tni_json_raw(tn_json_out *out, const char *text, size_t len)
{
    separate(out);
    write_bytes(out, text, len);
}

void tn_json_u64(tn_json_out *out, uint64_t value)
{
    separate(out);
    fprintf(out->stream, "%llu", (unsigned long long)value);
}

void tn_json_i64(tn_json_out *out, int64_t value)
{
    separate(out);
    fprintf(out->stream, "%lld", (long long)value);
}

void tn_json_bool(tn_json_out *out, bool value)
{
    tni_json_raw(out, value ? "true" : "false", value ? 4 : 5);
}

void tn_json_null(tn_json_out *out)
{
    tni_json_raw(out, "null", 4);
}
