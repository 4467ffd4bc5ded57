#include "core/text.h"

#include <stdio.h>

#include "core/cursor.h"
#include <tenon/text.h>

/* Tells whether a byte is a UTF-8 continuation (10xxxxxx). */
static bool continues(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* Returns how many bytes a sequence that starts with `c` has; 0 if none starts so. */
static size_t sequence_length(unsigned char c)
{
    if (c < 0x80) {
        return 1;
    }
    if (c < 0xC2) {
        return 0; /* a continuation, or an overlong form of ASCII */
    }
    return c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
}

size_t tni_utf8_decode(tn_str text, uint32_t *point_out)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = text.len == 0 ? 0 : sequence_length((unsigned char)text.data[0]);
    if (len == 0 || len > text.len) {
        return 0;
    }
    uint32_t point = (unsigned char)text.data[0] & (len == 1 ? 0x7Fu : 0xFFu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if (!continues(text.data[i])) {
            return 0;
        }
        point = point << 6 | ((unsigned char)text.data[i] & 0x3Fu);
    }
    if (point < smallest[len] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) {
        return 0;
    }
    if (point_out != NULL) {
        *point_out = point;
    }
    return len;
}

size_t tni_utf8_encode(uint32_t point, char out[4])
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    size_t len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (point & 0x3F));
        point >>= 6;
    }
    out[0] = (char)((0xF00u >> len & 0xF0u) | point);
    return len;
}

size_t tni_utf8_floor(tn_str text)
{
    size_t start = text.len;
    while (start > 0 && text.len - start < 4) {
        start--;
        if (!continues(text.data[start])) {
            size_t wanted = sequence_length((unsigned char)text.data[start]);
            return wanted > text.len - start ? start : text.len;
        }
    }
    return text.len;
}

bool tn_utf8_valid(tn_str text)
{
    while (text.len > 0) {
        size_t len = tni_utf8_decode(text, NULL);
        if (len == 0) {
            return false;
        }
        text = tn_str_skip(text, len);
    }
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static tn_str skip_zeros(tn_str digits)
{
    while (digits.len > 0 && digits.data[0] == '0') {
        digits = tn_str_skip(digits, 1);
    }
    return digits;
}

/* Takes the run of digits off the start of a text. */
static tn_str take_digits(tn_str *text)
{
    size_t len = 0;
    while (len < text->len && is_digit(text->data[len])) {
        len++;
    }
    tn_str digits = tn_str_first(*text, len);
    *text = tn_str_skip(*text, len);
    return digits;
}

static int compare_numbers(tn_str a, tn_str b)
{
    a = skip_zeros(a);
    b = skip_zeros(b);
    return a.len != b.len ? (a.len > b.len) - (a.len < b.len) : tn_str_compare(a, b);
}

size_t tni_common_bytes(tn_str a, tn_str b)
{
    size_t most = a.len < b.len ? a.len : b.len, len = 0;
    for (; len + 8 <= most; len += 8) {
        uint64_t differ = tni_load_u64le(a.data + len) ^ tni_load_u64le(b.data + len);
        if (differ != 0) {
            return len + (size_t)__builtin_ctzll(differ) / 8;
        }
    }
    while (len < most && a.data[len] == b.data[len]) {
        len++;
    }
    return len;
}

int tn_natural_compare(tn_str a, tn_str b)
{
    const tn_str whole_a = a, whole_b = b;
    size_t same = tni_common_bytes(a, b);
    while (same > 0 && is_digit(a.data[same - 1])) {
        same--; /* a number is compared as a whole */
    }
    a = tn_str_skip(a, same);
    b = tn_str_skip(b, same);
    while (a.len > 0 && b.len > 0) {
        if (is_digit(a.data[0]) && is_digit(b.data[0])) {
            int order = compare_numbers(take_digits(&a), take_digits(&b));
            if (order != 0) {
                return order;
            }
        } else if (a.data[0] != b.data[0]) {
            return (unsigned char)a.data[0] < (unsigned char)b.data[0] ? -1 : 1;
        } else {
            a = tn_str_skip(a, 1);
            b = tn_str_skip(b, 1);
        }
    }
    if (a.len > 0 || b.len > 0) {
        return a.len > 0 ? 1 : -1;
    }
    return tn_str_compare(whole_a, whole_b); /* they differ in leading zeros at most */
}

enum { NEAR_BYTES = 256 };

static tn_str last_bytes(tn_str text)
{
    return text.len <= NEAR_BYTES ? text : tn_str_skip(text, text.len - NEAR_BYTES);
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned tn_edit_distance(tn_str a, tn_str b, unsigned limit)
{
    /* Row i holds the distances of a's first i bytes to each beginning of b; a swap looks two rows
     * back. */
    unsigned rows[3][NEAR_BYTES + 1];
    a = last_bytes(a);
    b = last_bytes(b);
    for (size_t j = 0; j <= b.len; j++) {
        rows[0][j] = (unsigned)j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i - 1) % 3], *above2 = rows[(i + 1) % 3];
        unsigned best = row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            unsigned differs = a.data[i - 1] != b.data[j - 1];
            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + differs);
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] &&
                a.data[i - 2] == b.data[j - 1]) {
                row[j] = least(row[j], above2[j - 2] + 1);
            }
            best = least(best, row[j]);
        }
        if (best > limit) {
            return limit; /* a swap costs a row at least 1, so that it cannot get better again */
        }
    }
    return least(rows[a.len % 3][b.len], limit);
}

size_t tn_bytes_text(uint64_t bytes, char out[TN_NUMBER_ROOM])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        return (size_t)snprintf(out, TN_NUMBER_ROOM, "%u B", (unsigned)bytes);
    }
    unsigned unit = 1;
    while (unit < 6 && bytes >> (10 * unit) >= 1024) {
        unit++;
    }
    unsigned shift = 10 * unit;
    uint64_t whole = bytes >> shift;
    uint64_t rest = bytes & ((UINT64_C(1) << shift) - 1);
    uint64_t tenths = whole * 10 + ((rest * 10 + (UINT64_C(1) << (shift - 1))) >> shift);
    if (tenths == 10240 && unit < 6) {
        tenths = 10;
        unit++;
    }
    return (size_t)snprintf(out, TN_NUMBER_ROOM, "%llu.%llu %s", (unsigned long long)(tenths / 10),
                            (unsigned long long)(tenths % 10), units[unit]);
}
