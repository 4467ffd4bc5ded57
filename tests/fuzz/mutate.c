#include "mutate.h"

#include "core/cursor.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const mut_names[MUT_ANY] = {"flip",   "set",  "number", "varint", "length", "truncate",
                                        "append", "swap", "repeat", "remove", "splice"};

static const uint64_t edges[] = {0,
                                 1,
                                 2,
                                 UINT64_MAX,
                                 UINT64_MAX - 1,
                                 INT8_MAX,
                                 UINT8_MAX,
                                 INT16_MAX,
                                 UINT16_MAX,
                                 INT32_MAX,
                                 UINT64_C(1) << 31,
                                 UINT32_MAX,
                                 UINT64_C(1) << 32,
                                 UINT64_C(1) << 40,
                                 (UINT64_C(1) << 53) + 1,
                                 UINT64_C(1) << 62,
                                 INT64_MAX,
                                 UINT64_C(1) << 63};
enum { EDGES = sizeof edges / sizeof edges[0], MOST = 1 << 20 /* bytes that a mutant grows to */ };

uint64_t mut_next(mut_rng *rng)
{
    uint64_t z = rng->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

size_t mut_below(mut_rng *rng, size_t count)
{
    return count == 0 ? 0 : (size_t)(mut_next(rng) % count);
}

static void make_room(mut_bytes *bytes, size_t len)
{
    if (len > bytes->room) {
        bytes->room = 2 * len;
        bytes->at = realloc(bytes->at, bytes->room);
        if (bytes->at == NULL) {
            fprintf(stderr, "out of memory\n");
            abort();
        }
    }
}

void mut_clear(mut_bytes *bytes)
{
    free(bytes->at);
    *bytes = (mut_bytes){NULL, 0, 0};
}

void mut_replace(mut_bytes *bytes, size_t place, size_t old_len, const void *data, size_t len)
{
    make_room(bytes, bytes->len - old_len + len + 1);
    memmove(bytes->at + place + len, bytes->at + place + old_len, bytes->len - place - old_len);
    if (len > 0) {
        memcpy(bytes->at + place, data, len);
    }
    bytes->len = bytes->len - old_len + len;
}

void mut_set(mut_bytes *bytes, const void *data, size_t len)
{
    mut_replace(bytes, 0, bytes->len, data, len);
}

void mut_add(mut_bytes *bytes, const void *data, size_t len)
{
    mut_replace(bytes, bytes->len, 0, data, len);
}

void mut_add_varint(mut_bytes *bytes, uint64_t value)
{
    uint8_t varint[10];
    mut_add(bytes, varint, tni_put_varint64(varint, value));
}

void mut_add_u32(mut_bytes *bytes, uint32_t value)
{
    uint8_t word[4];
    tni_store_u32le(word, value);
    mut_add(bytes, word, sizeof word);
}

/* Draws a place; both ends of a file hold most of its structure. */
static size_t draw_place(mut_rng *rng, size_t len)
{
    size_t near = len < 64 ? len : 64, which = mut_below(rng, 8);
    return which == 0   ? mut_below(rng, near)
           : which == 1 ? len - near + mut_below(rng, near)
                        : mut_below(rng, len);
}

/* Draws a section: mostly short ones. */
static void draw_section(mut_rng *rng, size_t len, size_t *at, size_t *count)
{
    size_t most = mut_below(rng, 2) == 0 ? 16 : mut_below(rng, 2) == 0 ? 256 : len;
    *at = mut_below(rng, len + 1);
    *count = mut_below(rng, most + 1);
    *count = *count > len - *at ? len - *at : *count;
}

static uint64_t draw_edge(mut_rng *rng, size_t len)
{
    size_t which = mut_below(rng, EDGES + 3);
    return which < EDGES ? edges[which] : len + which - EDGES - 1;
}

static void put_word(mut_bytes *bytes, size_t at, size_t unit, bool big, uint64_t value)
{
    for (size_t i = 0; i < unit && at + i < bytes->len; i++) {
        bytes->at[at + i] = (uint8_t)(value >> 8 * (big ? unit - 1 - i : i));
    }
}

static uint64_t get_word(const mut_bytes *bytes, size_t at, size_t unit, bool big)
{
    uint64_t value = 0;
    for (size_t i = 0; i < unit && at + i < bytes->len; i++) {
        value |= (uint64_t)bytes->at[at + i] << 8 * (big ? unit - 1 - i : i);
    }
    return value;
}

static void flip(mut_rng *rng, mut_bytes *bytes)
{
    for (size_t n = 1 + mut_below(rng, mut_below(rng, 2) == 0 ? 1 : 8); n > 0 && bytes->len > 0;
         n--) {
        bytes->at[draw_place(rng, bytes->len)] ^= (uint8_t)(1u << mut_below(rng, 8));
    }
}

static void put_varint(mut_rng *rng, mut_bytes *bytes, size_t at)
{
    uint8_t varint[12];
    size_t len = tni_put_varint64(varint, draw_edge(rng, bytes->len));
    size_t shape = mut_below(rng, 4);
    if (shape == 0) { /* longer than it must be, or without end */
        memset(varint, 0x80, sizeof varint);
        len = 1 + mut_below(rng, sizeof varint);
        varint[len - 1] = mut_below(rng, 2) == 0 ? 0x80 : 0x00;
    }
    size_t old = shape == 1 ? 1 : len; /* in the place of one byte, or of as many */
    mut_replace(bytes, at, old > bytes->len - at ? bytes->len - at : old, varint, len);
}

static void near_length(mut_rng *rng, mut_bytes *bytes, size_t at)
{
    size_t unit = (size_t)1 << mut_below(rng, 4);
    bool big = mut_below(rng, 4) == 0;
    uint64_t step = 1 + mut_below(rng, mut_below(rng, 2) == 0 ? 1 : 300);
    uint64_t value = get_word(bytes, at, unit, big);
    put_word(bytes, at, unit, big, mut_below(rng, 2) == 0 ? value + step : value - step);
}

static void append(mut_rng *rng, mut_bytes *bytes, tn_str other)
{
    uint8_t noise[300];
    size_t len = mut_below(rng, 3);
    for (size_t i = 0; i < sizeof noise; i++) {
        noise[i] = (uint8_t)mut_next(rng);
    }
    if (len == 2 && other.len < MOST) {
        mut_add(bytes, other.data, other.len);
    } else {
        mut_add(bytes, noise, len == 0 ? 1 : mut_below(rng, sizeof noise));
    }
}

static void swap(mut_rng *rng, mut_bytes *bytes)
{
    size_t a, a_len, b, b_len;
    mut_bytes copy = {NULL, 0, 0};
    draw_section(rng, bytes->len, &a, &a_len);
    draw_section(rng, bytes->len - a - a_len, &b, &b_len);
    b += a + a_len;
    mut_add(&copy, bytes->at + b, b_len);
    mut_add(&copy, bytes->at + a + a_len, b - a - a_len);
    mut_add(&copy, bytes->at + a, a_len);
    mut_replace(bytes, a, copy.len, copy.at, copy.len);
    mut_clear(&copy);
}

static void repeat(mut_rng *rng, mut_bytes *bytes)
{
    size_t at, len;
    mut_bytes copy = {NULL, 0, 0};
    draw_section(rng, bytes->len, &at, &len);
    mut_set(&copy, bytes->at + at, len);
    size_t to = mut_below(rng, 2) == 0 ? at + len : mut_below(rng, bytes->len + 1);
    for (size_t n = 1 + mut_below(rng, 3); n > 0 && bytes->len + len < MOST; n--) {
        mut_replace(bytes, to, 0, copy.at, len);
    }
    mut_clear(&copy);
}

static void splice(mut_rng *rng, mut_bytes *bytes, tn_str other)
{
    size_t at, len, from, count;
    draw_section(rng, bytes->len, &at, &len);
    draw_section(rng, other.len, &from, &count);
    mut_replace(bytes, at, mut_below(rng, 2) == 0 ? 0 : len, other.data + from, count);
}

mut_kind mut_damage(mut_rng *rng, mut_kind kind, mut_bytes *bytes, tn_str other)
{
    static const uint8_t values[] = {0x00, 0x01, 0x7F, 0x80, 0xFF};
    size_t at, len;
    kind = kind == MUT_ANY ? (mut_kind)mut_below(rng, MUT_ANY) : kind;
    make_room(bytes, bytes->len + 1); /* so that there are bytes to point at, even none */
    at = draw_place(rng, bytes->len);
    switch (kind) {
    case MUT_FLIP:
        flip(rng, bytes);
        break;
    case MUT_SET:
        put_word(bytes, at, 1, false, values[mut_below(rng, sizeof values)]);
        break;
    case MUT_NUMBER:
        len = (size_t)1 << mut_below(rng, 4);
        put_word(bytes, at, len, mut_below(rng, 4) == 0, draw_edge(rng, bytes->len));
        break;
    case MUT_VARINT:
        put_varint(rng, bytes, at);
        break;
    case MUT_LENGTH:
        near_length(rng, bytes, at);
        break;
    case MUT_TRUNCATE:
        bytes->len = at;
        break;
    case MUT_APPEND:
        append(rng, bytes, other);
        break;
    case MUT_SWAP:
        swap(rng, bytes);
        break;
    case MUT_REPEAT:
        repeat(rng, bytes);
        break;
    case MUT_REMOVE:
        draw_section(rng, bytes->len, &at, &len);
        mut_replace(bytes, at, len, NULL, 0);
        break;
    case MUT_SPLICE:
    case MUT_ANY:
        splice(rng, bytes, other);
        break;
    }
    return kind;
}
