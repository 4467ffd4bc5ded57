/* The printable form of names and its way back. */
#include <stdio.h>
#include <string.h>

#include "core/text.h"
#include <tenon/text.h>

/* Writes whole units only, so that a cut text ends neither in half an escape nor half a letter. */
typedef struct sink {
    char *out;
    size_t room;
    size_t written; /* bytes in `out` */
    size_t wanted;  /* bytes of the whole form */
} sink;

static void put(sink *to, const char *unit, size_t len)
{
    bool cut = to->wanted > to->written;
    to->wanted += len;
    if (!cut && to->room > 0 && len < to->room - to->written) {
        memcpy(to->out + to->written, unit, len);
        to->written += len;
    }
}

static size_t finish(sink *to)
{
    if (to->room > 0) {
        to->out[to->written] = '\0';
    }
    return to->wanted;
}

/* Tells whether a code point could hide or reorder what a terminal shows: controls, bidi and
 * zero-width format characters, line separators, tags. */
static bool is_deceptive(uint32_t point)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x00, 0x1F},     {0x7F, 0x9F},     {0xAD, 0xAD},       {0x61C, 0x61C},
        {0x180E, 0x180E}, {0x200B, 0x200F}, {0x2028, 0x202E},   {0x2060, 0x206F},
        {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (point >= ranges[i].first && point <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

static void put_escape(sink *to, uint32_t point)
{
    char escape[16];
    if (point == '\n') {
        put(to, "\\n", 2);
    } else if (point == '\t') {
        put(to, "\\t", 2);
    } else {
        int len = snprintf(escape, sizeof escape, point < 0x80 ? "\\x%02x" : "\\u{%x}", point);
        put(to, escape, (size_t)len);
    }
}

static void put_bad_byte(sink *to, char byte)
{
    char escape[8];
    int len = snprintf(escape, sizeof escape, "\\x%02x", (unsigned char)byte);
    put(to, escape, (size_t)len);
}

/* Appends the printable form of a text; `plain` is a character that stays as it is although it
 * would be escaped ('\n'), or 0. */
static void put_text(sink *to, tn_str text, bool backslashes, char plain)
{
    while (text.len > 0) {
        uint32_t point = 0;
        size_t len = tni_utf8_decode(text, &point);
        if (len == 0) {
            put_bad_byte(to, text.data[0]);
            len = 1;
        } else if (backslashes && point == '\\') {
            put(to, "\\\\", 2);
        } else if (is_deceptive(point) && (plain == 0 || point != (uint32_t)plain)) {
            put_escape(to, point);
        } else {
            put(to, text.data, len);
        }
        text = tn_str_skip(text, len);
    }
}

size_t tn_escape(tn_str name, char *out, size_t room)
{
    sink to = {out, room, 0, 0};
    put_text(&to, name, true, 0);
    return finish(&to);
}

size_t tni_escape_sentence(tn_str text, bool keep_lines, char *out, size_t room)
{
    sink to = {out, room, 0, 0};
    put_text(&to, text, false, keep_lines ? '\n' : 0);
    return finish(&to);
}

int tni_hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes the HEX} of \u{HEX}; returns the bytes taken from `text`, or 0. */
static size_t decode_point(tn_str text, char out[4], size_t *len_out)
{
    uint32_t point = 0;
    for (size_t i = 0; i < text.len && i <= 6; i++) {
        int digit = tni_hex_digit(text.data[i]);
        if (text.data[i] == '}' && i > 0) {
            *len_out = tni_utf8_encode(point, out);
            return point > 0x10FFFF || (point >= 0xD800 && point < 0xE000) ? 0 : i + 1;
        }
        if (digit < 0) {
            return 0;
        }
        point = point << 4 | (uint32_t)digit;
    }
    return 0;
}

/* Decodes one escape behind its backslash; returns the bytes taken from `text`, or 0. */
static size_t decode_escape(tn_str text, char out[4], size_t *len_out)
{
    *len_out = 1;
    if (text.len == 0) {
        return 0;
    }
    switch (text.data[0]) {
    case '\\':
        out[0] = '\\';
        return 1;
    case 'n':
        out[0] = '\n';
        return 1;
    case 't':
        out[0] = '\t';
        return 1;
    case 'x': {
        int high = text.len < 3 ? -1 : tni_hex_digit(text.data[1]);
        int low = text.len < 3 ? -1 : tni_hex_digit(text.data[2]);
        out[0] = (char)(unsigned char)(high * 16 + low);
        return high < 0 || low < 0 ? 0 : 3;
    }
    case 'u': {
        bool braced = text.len > 1 && text.data[1] == '{';
        size_t taken = braced ? decode_point(tn_str_skip(text, 2), out, len_out) : 0;
        return taken == 0 ? 0 : taken + 2;
    }
    default:
        return 0;
    }
}

/* Decodes `text` into `out` (NULL: only checks); false on a malformed escape. No decoded form is
 * longer than its escape, so `out` may be the text itself. */
static bool decode(tn_str text, char *out, size_t *len_out)
{
    size_t len = 0;
    while (text.len > 0) {
        char unit[4] = {text.data[0]};
        size_t unit_len = 1, taken = 1;
        if (text.data[0] == '\\') {
            taken = 1 + decode_escape(tn_str_skip(text, 1), unit, &unit_len);
            if (taken == 1) {
                return false;
            }
        }
        if (out != NULL) {
            memcpy(out + len, unit, unit_len);
        }
        len += unit_len;
        text = tn_str_skip(text, taken);
    }
    *len_out = len;
    return true;
}

bool tn_unescape(char *text, size_t *len_inout)
{
    const tn_str whole = {text, *len_inout};
    size_t len;
    return decode(whole, NULL, &len) && decode(whole, text, len_inout);
}
