#include "core/json_string.h"

#include <string.h>

#include "core/cursor.h"
#include "core/error.h"
#include "core/text.h"

#define EVERY_BYTE(x) (UINT64_C(0x0101010101010101) * (x))

/* Marks (in the high bits) whether some byte of a word is zero. */
static uint64_t zero_bytes(uint64_t word)
{
    return (word - EVERY_BYTE(1)) & ~word & EVERY_BYTE(0x80);
}

/* Counts the bytes before the first of eight that is not ASCII or may not stand in a string as it
 * is; 8 if there is none. Eight at a time because documents within strings are long: measured ten
 * times as fast as one at a time there. */
static size_t plain_of_eight(const char *text)
{
    uint64_t word = tni_load_u64le(text);
    /* A mark may be wrong above a right one only, so the lowest is right. */
    uint64_t special = (word & EVERY_BYTE(0x80)) | zero_bytes(word & EVERY_BYTE(0xE0)) |
                       zero_bytes(word ^ EVERY_BYTE('"')) | zero_bytes(word ^ EVERY_BYTE('\\'));
    return special == 0 ? 8 : (size_t)__builtin_ctzll(special) / 8;
}

/* Steps over bytes that stand for themselves, up to a quote, a backslash or the end. */
static tn_status skip_plain(tni_json *json, tn_error *err)
{
    while (json->pos < json->len) {
        tn_str rest = {json->text + json->pos, json->len - json->pos};
        size_t plain = rest.len >= 8 ? plain_of_eight(rest.data) : 0;
        unsigned char c = (unsigned char)rest.data[plain & 7];
        if (plain == 8) {
            json->pos += 8;
            continue;
        }
        json->pos += plain;
        if (c == '"' || c == '\\') {
            return TN_OK;
        }
        if (c < 0x20) {
            return tni_json_fail_at(json, json->pos, err,
                                    "a JSON string holds a control character that is not escaped");
        }
        size_t len = tni_utf8_decode(tn_str_skip(rest, plain), NULL);
        if (len == 0) {
            return tni_json_fail_at(json, json->pos, err,
                                    "a JSON string holds bytes that are not UTF-8");
        }
        json->pos += len;
    }
    return tni_json_fail_at(json, json->pos, err, "the JSON text ends within a string");
}

/* Reads the XXXX of \uXXXX at `offset`; false if it is not four hexadecimal digits. */
static bool read_unit(const tni_json *json, size_t offset, uint32_t *unit_out)
{
    uint32_t unit = 0;
    if (offset > json->len || json->len - offset < 4) {
        return false;
    }
    for (size_t i = 0; i < 4; i++) {
        int digit = tni_hex_digit(json->text[offset + i]);
        if (digit < 0) {
            return false;
        }
        unit = unit << 4 | (uint32_t)digit;
    }
    *unit_out = unit;
    return true;
}

/* Reads the second half of a surrogate pair, whose backslash should be at hand. */
static bool read_low_surrogate(tni_json *json, uint32_t *low_out)
{
    tn_str rest = {json->text + json->pos, json->len - json->pos};
    if (!tn_str_starts(rest, TN_LIT("\\u")) || !read_unit(json, json->pos + 2, low_out) ||
        *low_out < 0xDC00 || *low_out > 0xDFFF) {
        return false;
    }
    json->pos += 6;
    return true;
}

/* Decodes \uXXXX, and a second one if the first is a high surrogate; `start` is the backslash. */
static tn_status decode_point(tni_json *json, size_t start, tn_error *err)
{
    uint32_t point;
    char encoded[4];
    if (!read_unit(json, json->pos, &point)) {
        return tni_json_fail_at(json, start, err, "\\u is not followed by four hexadecimal digits");
    }
    json->pos += 4;
    if (point >= 0xD800 && point < 0xE000) {
        uint32_t low;
        if (point >= 0xDC00 || !read_low_surrogate(json, &low)) {
            return tni_json_fail_at(json, start, err,
                                    "half a surrogate pair stands alone in a JSON string");
        }
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    }
    tni_buffer_add(&json->decoded, encoded, tni_utf8_encode(point, encoded));
    return TN_OK;
}

/* Decodes the escape whose backslash is at hand. */
static tn_status decode_escape(tni_json *json, tn_error *err)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    size_t start = json->pos;
    char letter = start + 1 < json->len ? json->text[start + 1] : '\0';
    if (letter == 'u') {
        json->pos += 2;
        return decode_point(json, start, err);
    }
    const char *found = memchr(letters, letter, sizeof letters - 1);
    if (found == NULL) {
        return tni_json_fail_at(json, start, err, "a JSON string holds an escape that JSON lacks");
    }
    json->pos += 2;
    tni_buffer_char(&json->decoded, meanings[found - letters]);
    return TN_OK;
}

/* Reads on from the first backslash; `start` is the string's first byte. */
static tn_status read_escaped(tni_json *json, size_t start, tn_str *text_out, tn_error *err)
{
    tni_buffer_reset(&json->decoded);
    for (;;) {
        tni_buffer_add(&json->decoded, json->text + start, json->pos - start);
        if (json->text[json->pos] == '"') {
            json->pos++;
            *text_out = (tn_str){json->decoded.data, json->decoded.len};
            return tni_buffer_check(&json->decoded, err);
        }
        tn_status status = decode_escape(json, err);
        start = json->pos;
        if (status == TN_OK) {
            status = skip_plain(json, err);
        }
        if (status != TN_OK) {
            return status;
        }
    }
}

tn_status tni_json_read_string(tni_json *json, tn_str *text_out, tn_error *err)
{
    size_t start = ++json->pos;
    tn_status status = skip_plain(json, err);
    if (status != TN_OK) {
        return status;
    }
    if (json->text[json->pos] == '\\') {
        return read_escaped(json, start, text_out, err);
    }
    *text_out = (tn_str){json->text + start, json->pos - start};
    json->pos++;
    return TN_OK;
}
