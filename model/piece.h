/* Pieces and leaves: where a tensor's bytes are. */
#ifndef TN_MODEL_PIECE_H
#define TN_MODEL_PIECE_H

#include "io/source.h"
#include "model/map.h"
#include <tenon/cast.h>

typedef enum tni_leaf_kind {
    TNI_LEAF_RANGE,   /* `bytes` bytes at `offset` of `source` */
    TNI_LEAF_MEMORY,  /* `bytes` bytes at `memory`, native byte order */
    TNI_LEAF_DECODER, /* the reader decodes on request; offset and bytes say where the stored form
                         lies, if anywhere */
    TNI_LEAF_ABSENT   /* there are no values: lists, configs, uninitialised variables */
} tni_leaf_kind;

typedef enum tni_encoding {
    TNI_ENCODING_RAW,     /* row-major, little-endian, fixed size */
    TNI_ENCODING_SWAPPED, /* the same, big-endian */
    TNI_ENCODING_STRINGS, /* TensorFlow's string block */
    TNI_ENCODING_CHUNKED,
    TNI_ENCODING_DEFLATE,
    TNI_ENCODING_BLOCKS
} tni_encoding;

typedef enum tni_sum_kind {
    TNI_SUM_NONE,
    TNI_SUM_CRC32C,    /* of the stored bytes */
    TNI_SUM_TF_STRING, /* TensorFlow's sum of a string block or variant: the decoder checks it */
    TNI_SUM_BLOCK      /* CRC-32C of a block that holds more than the leaf: the decoder checks it */
} tni_sum_kind;

/* A cast of a leaf's elements on their way. It is done element by element, so it goes through every
 * index map, and hangs on the leaf. */
typedef struct tni_leaf_cast {
    tn_dtype from; /* what is stored; the leaf's dtype is what comes out */
    tn_overflow overflow;
    unsigned report;      /* what a conversion says of it: bits that who cast it knows */
    tn_cast_stats *stats; /* NULL, or where what it does is counted; of one thread at a time */
} tni_leaf_cast;

struct tni_leaf;

/* What a decoder leaf can do. All functions are thread-safe. */
typedef struct tni_decoder {
    /* Decodes elements [first, first + count) into `out`: fixed-size dtypes as native bytes. For
     * string dtypes `out` is an array of tn_str whose bytes come from `arena`. Checks the stored
     * sum when it has read all it covers. */
    tn_status (*decode)(const struct tni_leaf *leaf, uint64_t first, uint64_t count, void *out,
                        tni_arena *arena, tn_error *err);
    /* Checks the stored sum over all stored bytes in bounded memory. NULL: there is none. */
    tn_status (*verify)(const struct tni_leaf *leaf, tn_error *err);
} tni_decoder;

typedef struct tni_leaf {
    tni_leaf_kind kind;
    tni_encoding encoding;
    tni_sum_kind sum_kind;
    tn_dtype dtype;
    uint32_t sum; /* unmasked */
    int64_t elements;
    tn_source *source; /* borrowed from the model */
    uint64_t offset, bytes;
    const tni_leaf_cast *cast; /* NULL: none */
    const void *memory;
    const tni_decoder *decoder;
    const void *decoder_state;
    tn_context *ctx;
} tni_leaf;

/* Returns the dtype of the stored elements. */
static inline tn_dtype tni_leaf_stored(const tni_leaf *leaf)
{
    return leaf->cast != NULL ? leaf->cast->from : leaf->dtype;
}

/* A map and the leaf that it reads. */
typedef struct tni_piece {
    tni_map map;
    const tni_leaf *leaf;
} tni_piece;

/* The only piece of a tensor that is one whole contiguous run. */
typedef struct tni_whole_piece {
    tni_piece piece;
    tni_leaf leaf;
    tni_dim dim;
} tni_whole_piece;

/* Fills a piece and its leaf; the leaf is zeroed but for dtype, elements and context. */
void tni_whole_piece_init(tni_whole_piece *whole, tn_dtype dtype, int64_t elements,
                          tn_context *ctx);

#endif
