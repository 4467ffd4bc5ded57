#include "formats/shared/ordered_code.h"

enum { MAX_SIGNED = 10 };

/* The first two bytes' header of a signed code of each length: as many leading ones as bytes. */
static const uint8_t signed_header[MAX_SIGNED + 1][2] = {
    {0x00, 0x00}, {0x80, 0x00}, {0xC0, 0x00}, {0xE0, 0x00}, {0xF0, 0x00}, {0xF8, 0x00},
    {0xFC, 0x00}, {0xFE, 0x00}, {0xFF, 0x00}, {0xFF, 0x80}, {0xFF, 0xC0},
};

void tni_ordered_put_u64(tni_buffer *buffer, uint64_t value)
{
    char code[9];
    size_t len = 0;
    for (uint64_t rest = value; rest != 0; rest >>= 8) {
        len++;
    }
    code[0] = (char)len;
    for (size_t i = 0; i < len; i++) {
        code[1 + i] = (char)(value >> (8 * (len - 1 - i)));
    }
    tni_buffer_add(buffer, code, 1 + len);
}

void tni_ordered_put_str(tni_buffer *buffer, tn_str text)
{
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c != '\0' && c != '\xFF') {
            continue;
        }
        tni_buffer_add(buffer, text.data + from, i - from);
        tni_buffer_add(buffer, c == '\0' ? "\0\xFF" : "\xFF\0", 2);
        from = i + 1;
    }
    tni_buffer_add(buffer, text.len == 0 ? "" : text.data + from, text.len - from);
    tni_buffer_add(buffer, "\0\1", 2);
}

/* Counts the bytes of a signed code: seven bits a byte, one of them the sign. */
static size_t signed_length(int64_t value)
{
    uint64_t magnitude = value < 0 ? ~(uint64_t)value : (uint64_t)value;
    size_t bits = 0;
    for (; magnitude != 0; magnitude >>= 1) {
        bits++;
    }
    return (bits + 1 + 6) / 7;
}

void tni_ordered_put_i64(tni_buffer *buffer, int64_t value)
{
    uint8_t wide[MAX_SIGNED];
    size_t len = signed_length(value);
    wide[0] = wide[1] = value < 0 ? 0xFF : 0;
    for (size_t i = 0; i < 8; i++) {
        wide[2 + i] = (uint8_t)((uint64_t)value >> (56 - 8 * i));
    }
    uint8_t *code = wide + MAX_SIGNED - len;
    code[0] ^= signed_header[len][0];
    if (len > 1) {
        code[1] ^= signed_header[len][1];
    }
    tni_buffer_add(buffer, code, len);
}

void tni_ordered_put_slice(tni_buffer *buffer, tn_str name, uint32_t rank, const int64_t *start,
                           const int64_t *length)
{
    tni_ordered_put_u64(buffer, 0);
    tni_ordered_put_str(buffer, name);
    tni_ordered_put_u64(buffer, rank);
    for (uint32_t i = 0; i < rank; i++) {
        tni_ordered_put_i64(buffer, start[i]);
        tni_ordered_put_i64(buffer, length[i]);
    }
}

bool tni_ordered_get_u64(tni_cursor *cursor, uint64_t *value_out)
{
    uint8_t len, byte;
    uint64_t value = 0;
    if (!tni_get_u8(cursor, &len) || len > 8) {
        return false;
    }
    for (uint8_t i = 0; i < len; i++) {
        if (!tni_get_u8(cursor, &byte) || (i == 0 && byte == 0)) {
            return false;
        }
        value = value << 8 | byte;
    }
    *value_out = value;
    return true;
}

bool tni_ordered_get_str(tni_cursor *cursor, tni_buffer *text)
{
    uint8_t byte, next;
    while (tni_get_u8(cursor, &byte)) {
        if (byte != 0 && byte != 0xFF) {
            tni_buffer_char(text, (char)byte);
            continue;
        }
        if (!tni_get_u8(cursor, &next)) {
            return false;
        }
        if (byte == 0 && next == 1) {
            return true;
        }
        if (next != (byte == 0 ? 0xFF : 0)) {
            return false;
        }
        tni_buffer_char(text, (char)byte);
    }
    return false;
}

/* Counts the leading ones of a code (of its inverse for negative numbers), up to ten. */
static size_t leading_ones(const uint8_t *code, size_t left, uint8_t invert)
{
    size_t ones = 0;
    while (ones < MAX_SIGNED && ones / 8 < left &&
           ((code[ones / 8] ^ invert) & (0x80 >> (ones % 8))) != 0) {
        ones++;
    }
    return ones;
}

bool tni_ordered_get_i64(tni_cursor *cursor, int64_t *value_out)
{
    size_t left = tni_cursor_left(cursor);
    const uint8_t *code = cursor->data + cursor->pos;
    if (left == 0) {
        return false;
    }
    uint8_t sign = (code[0] & 0x80) != 0 ? 0 : 0xFF;
    size_t len = leading_ones(code, left, sign);
    if (len == 0 || !tni_get_bytes(cursor, len, &code)) {
        return false;
    }
    uint8_t wide[MAX_SIGNED];
    memset(wide, sign, sizeof(wide));
    memcpy(wide + MAX_SIGNED - len, code, len);
    wide[MAX_SIGNED - len] ^= signed_header[len][0];
    if (len > 1) {
        wide[MAX_SIGNED - len + 1] ^= signed_header[len][1];
    }
    uint64_t bits = 0;
    for (size_t i = 2; i < MAX_SIGNED; i++) {
        bits = bits << 8 | wide[i];
    }
    bool fits = wide[0] == sign && wide[1] == sign && (wide[2] & 0x80) == (sign & 0x80);
    if (!fits || signed_length((int64_t)bits) != len) {
        return false;
    }
    *value_out = (int64_t)bits;
    return true;
}
