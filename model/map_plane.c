/* A plane whose leaf is dense along the other axis than its output is turned tile by tile, in
 * vectors of 16 bytes. A tile is one cache line wide on both sides, so that a line that is touched
 * is used up. Tiles go through the plane in blocks whose rows' pages the translation buffers can
 * hold. */
#include "model/map_plane.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    LINE = 64,        /* bytes of a cache line */
    VECTOR = 16,      /* bytes that are turned at once */
    FEW_ROWS = 8,     /* as many lines as a set of the first cache holds */
    BLOCK_ROWS = 256, /* of a plane, in both directions */
    TINY = 2 /* bytes of units so small that a line's tile has more rows than a set holds */
};

typedef tni_plane_axis axis;
typedef uint8_t vector1 __attribute__((vector_size(VECTOR)));
typedef uint16_t vector2 __attribute__((vector_size(VECTOR)));
typedef uint32_t vector4 __attribute__((vector_size(VECTOR)));
typedef uint64_t vector8 __attribute__((vector_size(VECTOR)));

/* Where a square of units lies: rows of VECTOR bytes, at this distance from each other. */
typedef struct rows {
    size_t in, out;
} rows;

/* The turning functions take as many vectors as a vector has units. Each round interleaves the
 * first half of them with the second half. */

static inline void turn8(const char *in, char *out, rows step)
{
    vector8 a[2];
    memcpy(&a[0], in, VECTOR);
    memcpy(&a[1], in + step.in, VECTOR);
    vector8 low = __builtin_shufflevector(a[0], a[1], 0, 2);
    vector8 high = __builtin_shufflevector(a[0], a[1], 1, 3);
    memcpy(out, &low, VECTOR);
    memcpy(out + step.out, &high, VECTOR);
}

static inline void mix4(const vector4 *a, vector4 *b)
{
    for (int i = 0; i < 2; i++) {
        b[2 * i] = __builtin_shufflevector(a[i], a[i + 2], 0, 4, 1, 5);
        b[2 * i + 1] = __builtin_shufflevector(a[i], a[i + 2], 2, 6, 3, 7);
    }
}

static inline void turn4(const char *in, char *out, rows step)
{
    vector4 a[4], b[4];
    for (size_t i = 0; i < 4; i++) {
        memcpy(&a[i], in + i * step.in, VECTOR);
    }
    mix4(a, b);
    mix4(b, a);
    for (size_t i = 0; i < 4; i++) {
        memcpy(out + i * step.out, &a[i], VECTOR);
    }
}

static inline void mix2(const vector2 *a, vector2 *b)
{
    for (int i = 0; i < 4; i++) {
        b[2 * i] = __builtin_shufflevector(a[i], a[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
        b[2 * i + 1] = __builtin_shufflevector(a[i], a[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
    }
}

static inline void turn2(const char *in, char *out, rows step)
{
    vector2 a[8], b[8];
    for (size_t i = 0; i < 8; i++) {
        memcpy(&a[i], in + i * step.in, VECTOR);
    }
    mix2(a, b);
    mix2(b, a);
    mix2(a, b);
    for (size_t i = 0; i < 8; i++) {
        memcpy(out + i * step.out, &b[i], VECTOR);
    }
}

static inline void mix1(const vector1 *a, vector1 *b)
{
    for (int i = 0; i < 8; i++) {
        b[2 * i] = __builtin_shufflevector(a[i], a[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21,
                                           6, 22, 7, 23);
        b[2 * i + 1] = __builtin_shufflevector(a[i], a[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28,
                                               13, 29, 14, 30, 15, 31);
    }
}

static inline void turn1(const char *in, char *out, rows step)
{
    vector1 a[16], b[16];
    for (size_t i = 0; i < 16; i++) {
        memcpy(&a[i], in + i * step.in, VECTOR);
    }
    mix1(a, b);
    mix1(b, a);
    mix1(a, b);
    mix1(b, a);
    for (size_t i = 0; i < 16; i++) {
        memcpy(out + i * step.out, &a[i], VECTOR);
    }
}

static inline __attribute__((always_inline)) void turn(size_t unit, const char *in, char *out,
                                                       rows step)
{
    switch (unit) {
    case 1:
        turn1(in, out, step);
        break;
    case 2:
        turn2(in, out, step);
        break;
    case 4:
        turn4(in, out, step);
        break;
    default:
        turn8(in, out, step);
        break;
    }
}

/* Copies unit by unit, along q. */
static inline __attribute__((always_inline)) void copy_each(size_t unit, axis p, axis q,
                                                            const char *leaf, char *out)
{
    for (size_t i = 0; i < p.size; i++) {
        for (size_t j = 0; j < q.size; j++) {
            memcpy(out + i * p.to + j * q.to, leaf + i * p.from + j * q.from, unit);
        }
    }
}

/* Cuts [first, first + size) out of an axis, or what there is of it. */
static inline axis part(axis whole, size_t first, size_t size)
{
    whole.size = whole.size - first < size ? whole.size - first : size;
    return whole;
}

/* Turns what fills vectors, and copies the rest of the tile unit by unit. */
static inline __attribute__((always_inline)) void turn_tile(size_t unit, axis p, axis q,
                                                            const char *leaf, char *out)
{
    const size_t side = VECTOR / unit;
    const rows step = {q.from, p.to};
    size_t p_end = p.size / side * side, q_end = q.size / side * side;
    for (size_t i = 0; i < p_end; i += side) {
        for (size_t j = 0; j < q_end; j += side) {
            turn(unit, leaf + i * unit + j * q.from, out + i * p.to + j * unit, step);
        }
    }
    copy_each(unit, part(p, 0, p_end), part(q, q_end, side), leaf + q_end * q.from,
              out + q_end * unit);
    copy_each(unit, part(p, p_end, side), q, leaf + p_end * unit, out + p_end * p.to);
}

/* Turns a whole tile of tiny units in buffers: rows whose distance is a power of two share one set
 * of the first cache, which does not hold so many. */
static inline __attribute__((always_inline)) void turn_buffered(size_t unit, axis p, axis q,
                                                                const char *leaf, char *out)
{
    const size_t side = LINE / unit;
    char in[LINE * LINE], turned[LINE * LINE];
    for (size_t j = 0; j < side; j++) {
        memcpy(in + j * LINE, leaf + j * q.from, LINE);
    }
    turn_tile(unit, (axis){side, LINE, unit}, (axis){side, unit, LINE}, in, turned);
    for (size_t i = 0; i < side; i++) {
        memcpy(out + i * p.to, turned + i * LINE, LINE);
    }
}

static inline __attribute__((always_inline)) void copy_tile(size_t unit, axis p, axis q,
                                                            const char *leaf, char *out)
{
    const size_t side = LINE / unit;
    if (unit > VECTOR / 2 || p.from != unit || q.to != unit) {
        for (size_t j = 0; j < q.size; j += FEW_ROWS) {
            copy_each(unit, p, part(q, j, FEW_ROWS), leaf + j * q.from, out + j * q.to);
        }
    } else if (unit <= TINY && p.size == side && q.size == side) {
        turn_buffered(unit, p, q, leaf, out);
    } else {
        turn_tile(unit, p, q, leaf, out);
    }
}

static inline __attribute__((always_inline)) void copy_block(size_t unit, axis p, axis q,
                                                             const char *leaf, char *out)
{
    const size_t side = LINE / unit;
    for (size_t j = 0; j < q.size; j += side) {
        for (size_t i = 0; i < p.size; i += side) {
            copy_tile(unit, part(p, i, side), part(q, j, side), leaf + i * p.from + j * q.from,
                      out + i * p.to + j * q.to);
        }
    }
}

/* Copies along q, or in blocks of tiles where the leaf is denser along p. */
static inline __attribute__((always_inline)) void copy_plane(size_t unit, axis p, axis q,
                                                             const char *leaf, char *out)
{
    if (p.from >= q.from) {
        copy_each(unit, p, q, leaf, out);
        return;
    }
    for (size_t i = 0; i < p.size; i += BLOCK_ROWS) {
        for (size_t j = 0; j < q.size; j += BLOCK_ROWS) {
            copy_block(unit, part(p, i, BLOCK_ROWS), part(q, j, BLOCK_ROWS),
                       leaf + i * p.from + j * q.from, out + i * p.to + j * q.to);
        }
    }
}

/* Chooses a copier whose unit is known to the compiler. */
void tni_plane_copy(size_t unit, axis p, axis q, const char *leaf, char *out)
{
    switch (unit) {
    case 1:
        copy_plane(1, p, q, leaf, out);
        break;
    case 2:
        copy_plane(2, p, q, leaf, out);
        break;
    case 4:
        copy_plane(4, p, q, leaf, out);
        break;
    case 8:
        copy_plane(8, p, q, leaf, out);
        break;
    case 16:
        copy_plane(16, p, q, leaf, out);
        break;
    default:
        copy_each(unit, p, q, leaf, out);
        break;
    }
}
