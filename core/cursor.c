#include "core/cursor.h"

#include <string.h>

bool tni_get_bytes(tni_cursor *c, size_t len, const uint8_t **out)
{
    if (c->failed || len > c->len - c->pos) {
        c->failed = true;
        return false;
    }
    *out = c->data + c->pos;
    c->pos += len;
    return true;
}

bool tni_skip(tni_cursor *c, size_t len)
{
    const uint8_t *bytes;
    return tni_get_bytes(c, len, &bytes);
}

bool tni_get_u8(tni_cursor *c, uint8_t *out)
{
    const uint8_t *bytes;
    if (!tni_get_bytes(c, 1, &bytes)) {
        return false;
    }
    *out = bytes[0];
    return true;
}

bool tni_get_u32le(tni_cursor *c, uint32_t *out)
{
    const uint8_t *bytes;
    if (!tni_get_bytes(c, 4, &bytes)) {
        return false;
    }
    *out = tni_load_u32le(bytes);
    return true;
}

bool tni_get_u64le(tni_cursor *c, uint64_t *out)
{
    const uint8_t *bytes;
    if (!tni_get_bytes(c, 8, &bytes)) {
        return false;
    }
    *out = tni_load_u64le(bytes);
    return true;
}

/* Reads a varint that must fit in `bits`; bits beyond are an error, not dropped. */
static bool get_varint(tni_cursor *c, unsigned bits, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < bits && !c->failed && c->pos < c->len; shift += 7) {
        uint8_t byte = c->data[c->pos++];
        uint64_t group = byte & 0x7Fu;
        unsigned left = bits - shift;
        if (left < 7 && group >> left != 0) {
            break;
        }
        value |= group << shift;
        if (byte < 0x80) {
            *out = value;
            return true;
        }
    }
    c->failed = true;
    return false;
}

bool tni_get_varint32(tni_cursor *c, uint32_t *out)
{
    uint64_t value;
    if (!get_varint(c, 32, &value)) {
        return false;
    }
    *out = (uint32_t)value;
    return true;
}

bool tni_get_varint64(tni_cursor *c, uint64_t *out)
{
    return get_varint(c, 64, out);
}

void tni_store_u32le(void *p, uint32_t value)
{
    uint8_t *b = p;
    for (unsigned i = 0; i < 4; i++) {
        b[i] = (uint8_t)(value >> (8 * i));
    }
}

void tni_store_u64le(void *p, uint64_t value)
{
    uint8_t *b = p;
    for (unsigned i = 0; i < 8; i++) {
        b[i] = (uint8_t)(value >> (8 * i));
    }
}

size_t tni_put_varint64(uint8_t out[10], uint64_t value)
{
    size_t len = 0;
    while (value >= 0x80) {
        out[len++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    out[len++] = (uint8_t)value;
    return len;
}

static void swap2(uint8_t *p, size_t len)
{
    for (size_t i = 0; i + 2 <= len; i += 2) {
        uint16_t word;
        memcpy(&word, p + i, 2);
        word = __builtin_bswap16(word);
        memcpy(p + i, &word, 2);
    }
}

static void swap4(uint8_t *p, size_t len)
{
    for (size_t i = 0; i + 4 <= len; i += 4) {
        uint32_t word;
        memcpy(&word, p + i, 4);
        word = __builtin_bswap32(word);
        memcpy(p + i, &word, 4);
    }
}

static void swap8(uint8_t *p, size_t len)
{
    for (size_t i = 0; i + 8 <= len; i += 8) {
        uint64_t word;
        memcpy(&word, p + i, 8);
        word = __builtin_bswap64(word);
        memcpy(p + i, &word, 8);
    }
}

void tni_swap_bytes(void *data, size_t len, size_t unit)
{
    if (unit == 2) {
        swap2(data, len);
    } else if (unit == 4) {
        swap4(data, len);
    } else if (unit == 8) {
        swap8(data, len);
    }
}
