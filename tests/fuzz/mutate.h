/* Damage to bytes, drawn from a seed: what every mutator here is made of. */
#ifndef TN_TESTS_FUZZ_MUTATE_H
#define TN_TESTS_FUZZ_MUTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tenon/str.h>

/* A stream of numbers (splitmix64); the state is the seed. */
typedef struct mut_rng {
    uint64_t state;
} mut_rng;

uint64_t mut_next(mut_rng *rng);
/* Returns a number below `count`; 0 where count is 0. */
size_t mut_below(mut_rng *rng, size_t count);

/* Bytes that change and grow; memory of malloc, the process stops without it. */
typedef struct mut_bytes {
    uint8_t *at;
    size_t len, room;
} mut_bytes;

void mut_clear(mut_bytes *bytes);
void mut_set(mut_bytes *bytes, const void *data, size_t len);
void mut_add(mut_bytes *bytes, const void *data, size_t len);
void mut_add_varint(mut_bytes *bytes, uint64_t value);
void mut_add_u32(mut_bytes *bytes, uint32_t value);
/* Replaces `old_len` bytes at `place`. */
void mut_replace(mut_bytes *bytes, size_t place, size_t old_len, const void *data, size_t len);

/* The kinds of damage; MUT_NAMES tells them. */
typedef enum mut_kind {
    MUT_FLIP,   /* some bits */
    MUT_SET,    /* one byte: 00 01 7F 80 FF */
    MUT_NUMBER, /* a word of 1, 2, 4 or 8 bytes, either order: an edge of the integers, or near the
                   file's size */
    MUT_VARINT, /* a varint put over what was there: an edge, too long, without end */
    MUT_LENGTH, /* a byte or word that stood there, a little larger or smaller */
    MUT_TRUNCATE, /* the end cut off */
    MUT_APPEND,   /* bytes behind the end */
    MUT_SWAP,     /* two sections change places */
    MUT_REPEAT,   /* a section stands there twice */
    MUT_REMOVE,   /* a section goes */
    MUT_SPLICE,   /* a section of another file over or between */
    MUT_ANY
} mut_kind;
extern const char *const mut_names[MUT_ANY];

/* Damages bytes in one way, or in one chosen at random (MUT_ANY), which is returned. `other` is
 * what splices come from. */
mut_kind mut_damage(mut_rng *rng, mut_kind kind, mut_bytes *bytes, tn_str other);

/* Changes JSON text by its structure: a member twice, gone, moved, its value another kind or an
 * edge number, brackets nested. Text that is no JSON stays. */
void mut_json(mut_rng *rng, mut_bytes *text);

#endif
