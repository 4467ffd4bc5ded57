/* The plain bytes of one block of a table, read from front to back through a window. */
#ifndef TN_FORMATS_TF_CHECKPOINT_V1_STREAM_H
#define TN_FORMATS_TF_CHECKPOINT_V1_STREAM_H

#include "formats/shared/table.h"
#include <stdatomic.h>

enum { TNI_V1_WINDOW = 16384 };

/* A data block of a shard. It lives in the model's arena. */
typedef struct tni_v1_block {
    tn_context *ctx;
    tn_source *source;     /* borrowed from the model */
    tni_table_block table; /* `last` is none */
    atomic_bool proved;    /* its sum was checked */
} tni_v1_block;

typedef struct tni_v1_stream {
    const tni_v1_block *block;
    const uint8_t *plain; /* the block decompressed; NULL: it is stored as it is */
    uint64_t next;        /* in the plain block: where the window ends */
    uint64_t end;         /* in the plain block: where what is read ends */
    size_t at, len;       /* in the window */
    uint8_t window[TNI_V1_WINDOW];
} tni_v1_stream;

/* Begins to read plain bytes [from, end) of a block, which must be there. */
void tni_v1_stream_start(tni_v1_stream *stream, const tni_v1_block *block, const uint8_t *plain,
                         uint64_t from, uint64_t end);
/* Returns the position of the next byte in the plain block. */
static inline uint64_t tni_v1_stream_pos(const tni_v1_stream *stream)
{
    return stream->next - (stream->len - stream->at);
}
static inline uint64_t tni_v1_stream_left(const tni_v1_stream *stream)
{
    return stream->end - tni_v1_stream_pos(stream);
}

/* Records that the block is damaged: TN_E_CORRUPT with its file and place. */
tn_status tni_v1_stream_fail(const tni_v1_stream *stream, const char *what, tn_error *err);
/* Makes sure that the window holds a byte to read. Errors of this and of all below: TN_E_CORRUPT
 * (the bytes end), TN_E_READ, TN_E_CANCELLED. */
tn_status tni_v1_stream_fill(tni_v1_stream *stream, tn_error *err);
tn_status tni_v1_stream_varint(tni_v1_stream *stream, uint64_t *value_out, tn_error *err);
/* Takes the next `count` bytes; what is long goes past the window. */
tn_status tni_v1_stream_take(tni_v1_stream *stream, uint64_t count, void *out, tn_error *err);
tn_status tni_v1_stream_skip(tni_v1_stream *stream, uint64_t count, tn_error *err);
/* Skips one field of a message by its tag. Groups are damage: these messages never hold any. */
tn_status tni_v1_stream_skip_field(tni_v1_stream *stream, uint64_t tag, tn_error *err);

#endif
