#include "formats/tf_checkpoint_v1/stream.h"
#include "core/error.h"
#include "formats/shared/wire.h"

void tni_v1_stream_start(tni_v1_stream *stream, const tni_v1_block *block, const uint8_t *plain,
                         uint64_t from, uint64_t end)
{
    stream->block = block;
    stream->plain = plain;
    stream->next = from;
    stream->end = end;
    stream->at = stream->len = 0;
}

tn_status tni_v1_stream_fail(const tni_v1_stream *stream, const char *what, tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_CORRUPT, "%s", what);
    tni_error_path(err, tni_source_path(stream->block->source));
    tni_error_offset(err, stream->block->table.offset);
    return status;
}

static tn_status fail_end(const tni_v1_stream *stream, tn_error *err)
{
    return tni_v1_stream_fail(stream, "a block of the table ends within one of its entries", err);
}

/* Reads bytes of the plain block at a position that was checked. */
static tn_status read_plain(const tni_v1_stream *stream, uint64_t pos, void *out, size_t len,
                            tn_error *err)
{
    const tni_v1_block *block = stream->block;
    if (stream->plain != NULL) {
        memcpy(out, stream->plain + pos, len);
        return TN_OK;
    }
    tn_status status = tni_cancelled(block->ctx, err);
    return status != TN_OK
               ? status
               : tni_source_read(block->source, block->table.offset + pos, out, len, err);
}

tn_status tni_v1_stream_fill(tni_v1_stream *stream, tn_error *err)
{
    if (stream->at < stream->len) {
        return TN_OK;
    }
    uint64_t left = stream->end - stream->next;
    size_t len = left < TNI_V1_WINDOW ? (size_t)left : TNI_V1_WINDOW;
    if (len == 0) {
        return fail_end(stream, err);
    }
    tn_status status = read_plain(stream, stream->next, stream->window, len, err);
    if (status == TN_OK) {
        stream->next += len;
        stream->at = 0;
        stream->len = len;
    }
    return status;
}

tn_status tni_v1_stream_varint(tni_v1_stream *stream, uint64_t *value_out, tn_error *err)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        tn_status status = tni_v1_stream_fill(stream, err);
        if (status != TN_OK) {
            return status;
        }
        uint8_t byte = stream->window[stream->at++];
        if (shift == 63 && byte > 1) {
            break;
        }
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            *value_out = value;
            return TN_OK;
        }
    }
    return tni_v1_stream_fail(stream, "a number in a block of the table does not end", err);
}

tn_status tni_v1_stream_take(tni_v1_stream *stream, uint64_t count, void *out, tn_error *err)
{
    char *to = out;
    size_t inside = stream->len - stream->at;
    if (count > tni_v1_stream_left(stream)) {
        return fail_end(stream, err);
    }
    inside = inside < count ? inside : (size_t)count;
    memcpy(to, stream->window + stream->at, inside);
    stream->at += inside;
    size_t rest = (size_t)count - inside;
    if (rest >= TNI_V1_WINDOW) {
        tn_status status = read_plain(stream, stream->next, to + inside, rest, err);
        stream->next += rest;
        return status;
    }
    if (rest > 0) {
        tn_status status = tni_v1_stream_fill(stream, err);
        if (status != TN_OK) {
            return status;
        }
        memcpy(to + inside, stream->window, rest);
        stream->at = rest;
    }
    return TN_OK;
}

tn_status tni_v1_stream_skip(tni_v1_stream *stream, uint64_t count, tn_error *err)
{
    size_t inside = stream->len - stream->at;
    if (count > tni_v1_stream_left(stream)) {
        return fail_end(stream, err);
    }
    if (count <= inside) {
        stream->at += (size_t)count;
    } else {
        stream->next += count - inside;
        stream->at = stream->len = 0;
    }
    return TN_OK;
}

tn_status tni_v1_stream_skip_field(tni_v1_stream *stream, uint64_t tag, tn_error *err)
{
    uint64_t number;
    tn_status status;
    switch (tag & 7) {
    case TNI_WIRE_VARINT:
        return tni_v1_stream_varint(stream, &number, err);
    case TNI_WIRE_I64:
        return tni_v1_stream_skip(stream, 8, err);
    case TNI_WIRE_I32:
        return tni_v1_stream_skip(stream, 4, err);
    case TNI_WIRE_LEN:
        status = tni_v1_stream_varint(stream, &number, err);
        return status == TN_OK ? tni_v1_stream_skip(stream, number, err) : status;
    default:
        return tni_v1_stream_fail(stream, "an entry of the table is no message", err);
    }
}
