/* Bounded cursor over bytes in memory. Reading past the end fails, sticks, and never touches memory
 * outside. */
#ifndef TN_CORE_CURSOR_H
#define TN_CORE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tenon/str.h>

typedef struct tni_cursor {
    const uint8_t *data;
    size_t len;
    size_t pos;
    bool failed; /* some read did not fit; all later reads fail too */
} tni_cursor;

static inline tni_cursor tni_cursor_of(const void *data, size_t len)
{
    return (tni_cursor){data, len, 0, false};
}

static inline size_t tni_cursor_left(const tni_cursor *c)
{
    return c->failed ? 0 : c->len - c->pos;
}

/* Each returns false (and sticks) if the bytes are not there; *out is then untouched. */
bool tni_get_u8(tni_cursor *c, uint8_t *out);
bool tni_get_u32le(tni_cursor *c, uint32_t *out);
bool tni_get_u64le(tni_cursor *c, uint64_t *out);
/* Base-128 varints, low group first: at most 5 / 10 bytes (tsl/platform/coding.cc). */
bool tni_get_varint32(tni_cursor *c, uint32_t *out);
bool tni_get_varint64(tni_cursor *c, uint64_t *out);
/* Returns a view of the next `len` bytes. */
bool tni_get_bytes(tni_cursor *c, size_t len, const uint8_t **out);
bool tni_skip(tni_cursor *c, size_t len);

/* Loads and stores in a given byte order from unaligned memory. */
static inline uint32_t tni_load_u32le(const void *p)
{
    const uint8_t *b = p;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static inline uint64_t tni_load_u64le(const void *p)
{
    const uint8_t *b = p;
    return (uint64_t)tni_load_u32le(b) | (uint64_t)tni_load_u32le(b + 4) << 32;
}

void tni_store_u32le(void *p, uint32_t value);
void tni_store_u64le(void *p, uint64_t value);
/* Encodes a varint; returns its length (1…10). */
size_t tni_put_varint64(uint8_t out[10], uint64_t value);
/* Reverses the bytes of each `unit`-byte word (1, 2, 4, 8) of a buffer in place. */
void tni_swap_bytes(void *data, size_t len, size_t unit);

#endif
