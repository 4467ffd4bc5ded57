/* The inside of tn_reader: how a tensor's values come out of its leaves.
 *
 * A tensor whose pieces are whole leaves in order *streams*: bytes go straight to the caller, sums
 * run along. Any other tensor is *staged* (its leaves are loaded whole and checked) if the leaves
 * fit the budget, else *tiled*: sums are taken in a pass before, then each span fetches the leaf
 * ranges that feed it. Both are computed far ahead of what the caller takes at a time: a long span
 * of a transposed tensor touches few cache lines, and few places of a file, more often than once.
 */
#ifndef TN_MODEL_READER_H
#define TN_MODEL_READER_H

#include "core/arena.h"
#include "model/piece.h"
#include <tenon/values.h>

enum {
    TNI_READER_BUDGET = 32 << 20, /* bytes that a reader stages at most */
    TNI_READER_AHEAD = 2,         /* times as many that it computes ahead at most */
    TNI_READER_FORESIGHT = 32     /* times as many elements as it is asked for, but no more */
};

typedef enum tni_reader_mode {
    TNI_READ_IDLE,
    TNI_READ_STREAM,
    TNI_READ_STAGED,
    TNI_READ_TILED
} tni_reader_mode;

/* A leaf of a staged or tiled tensor; `data` holds all its elements, or is NULL when tiled. */
typedef struct tni_staged {
    const tni_leaf *leaf;
    const void *data;
} tni_staged;

struct tn_reader {
    tn_context *ctx;
    bool check;
    size_t budget; /* bytes that `stage` may take; at least 16. Tests lower it */
    size_t slab;   /* bytes of `chunk`, and between two polls for cancellation; at least 16 */
    tni_reader_mode mode;
    const tn_tensor *tensor;
    size_t unit;      /* bytes of one element; 0: packed */
    int64_t position; /* the next element that tn_reader_next gives */
    uint32_t piece;   /* streaming: the piece at hand, */
    int64_t done;     /* elements of it that were read, */
    uint32_t crc;     /* and their sum */
    void *stage;
    size_t stage_room;
    void *ahead; /* staged and tiled: elements that were computed before they were asked for */
    size_t ahead_room;
    int64_t ahead_first, ahead_count;
    void *chunk;
    void *raw;          /* slab bytes: elements on their way to a cast */
    tni_staged *staged; /* by address of the leaf */
    size_t n_staged;
    struct tni_nest_level *levels; /* tiled: scratch, as many as any map has dimensions */
    tni_dim *dims;
    size_t nest_room;
    tni_arena strings;
};

/* Chooses staged or tiled reading, for spans that lie in elements [first, first + count), and
 * checks the sums of the leaves that feed them. Errors: as tn_reader_start. */
tn_status tni_reader_prepare(tn_reader *reader, const tn_tensor *tensor, int64_t first,
                             int64_t count, tn_error *err);
/* Reads elements [first, first + count) of a prepared tensor into `out`, in any order of calls. */
tn_status tni_reader_span(tn_reader *reader, int64_t first, int64_t count, void *out,
                          tn_error *err);
/* Gathers one piece's part of elements [first, first + count) by reading only the leaf ranges that
 * feed it, at most `budget` bytes at a time. */
tn_status tni_reader_tile(tn_reader *reader, const tni_piece *piece, int64_t first, int64_t count,
                          void *out, tn_error *err);
/* Reads as tn_reader_next does, but where the elements were computed ahead it hands out where they
 * are, until the next call, instead of copying them into `room`. */
tn_status tni_reader_take(tn_reader *reader, int64_t count, void *room, const void **data_out,
                          tn_error *err);
/* Makes `chunk` (slab bytes). */
tn_status tni_reader_chunk(tn_reader *reader, tn_error *err);
/* Makes `stage` hold at least `bytes`. */
tn_status tni_reader_stage(tn_reader *reader, size_t bytes, tn_error *err);

/* Checks that a tensor's values can be read as fixed-size elements, and each piece's leaf. Errors:
 * TN_E_UNSUPPORTED, TN_E_CORRUPT (a leaf of another size than its elements). */
tn_status tni_reader_accepts(const tn_tensor *tensor, tn_error *err);
/* Fetches elements [first, first + count) of a leaf in native byte order, cast where it says so;
 * `crc` (may be NULL) is extended by the stored bytes. Packed elements: both ends must fall on
 * whole bytes. Errors: those of reading, TN_E_OVERFLOW. */
tn_status tni_leaf_fetch(tn_reader *reader, const tni_leaf *leaf, int64_t first, int64_t count,
                         void *out, uint32_t *crc, tn_error *err);
/* Fetches a whole leaf and checks its stored sum. */
tn_status tni_leaf_load(tn_reader *reader, const tni_leaf *leaf, void *out, tn_error *err);
/* Checks a leaf's stored sum without keeping its bytes. */
tn_status tni_leaf_prove(tn_reader *reader, const tni_leaf *leaf, tn_error *err);
/* Compares a computed sum with the stored one, if there is one. Errors: TN_E_CRC. */
tn_status tni_leaf_compare(const tni_leaf *leaf, uint32_t crc, tn_error *err);
/* Clears the bits of int2, int4, uint2 and uint4 elements that are no part of the value. */
void tni_clear_high_bits(tn_dtype dtype, void *data, int64_t count);

#endif
