#include "formats/keras_h5/helper/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    BATCH = 61440,
    OUT_ROOM = BATCH + 2 * TNI_H5_PAYLOAD,
    IN_ROOM = TNI_H5_HEADER + TNI_H5_PAYLOAD,
    PATH_SHOWN = 512
};

/* Exit statuses, for whoever debugs the helper: the program looks at none of them. */
enum { EXIT_REFUSED = 3, EXIT_MEMORY = 4, EXIT_SOCKET = 5 };

void *tnh_alloc(size_t count, size_t size)
{
    void *block = calloc(count == 0 ? 1 : count, size);
    if (block == NULL) {
        _exit(EXIT_MEMORY);
    }
    return block;
}

void *tnh_grow(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || (block = realloc(block, bytes)) == NULL) {
        _exit(EXIT_MEMORY);
    }
    return block;
}

void tnh_channel_init(tnh_channel *channel)
{
    *channel = (tnh_channel){.out = tnh_alloc(1, OUT_ROOM), .in = tnh_alloc(1, IN_ROOM)};
}

void tnh_flush(tnh_channel *channel)
{
    size_t at = 0;
    while (at < channel->len) {
        ssize_t done = write(TNI_H5_SOCKET_FD, channel->out + at, channel->len - at);
        if (done > 0) {
            at += (size_t)done;
        } else if (done == 0 || errno != EINTR) {
            _exit(EXIT_SOCKET);
        }
    }
    channel->len = 0;
}

void tnh_begin(tnh_channel *channel, tni_h5_frame kind)
{
    channel->begin = channel->len;
    channel->out[channel->len] = (uint8_t)kind;
    channel->len += TNI_H5_HEADER;
}

void tnh_put(tnh_channel *channel, const void *data, size_t len)
{
    if (len > channel->begin + TNI_H5_HEADER + TNI_H5_PAYLOAD - channel->len) {
        _exit(EXIT_SOCKET);
    }
    if (len > 0) {
        memcpy(channel->out + channel->len, data, len);
    }
    channel->len += len;
}

void tnh_put_u8(tnh_channel *channel, unsigned value)
{
    uint8_t byte = (uint8_t)value;
    tnh_put(channel, &byte, 1);
}

void tnh_put_u32(tnh_channel *channel, uint32_t value)
{
    uint8_t bytes[4];
    tni_store_u32le(bytes, value);
    tnh_put(channel, bytes, sizeof bytes);
}

void tnh_put_u64(tnh_channel *channel, uint64_t value)
{
    uint8_t bytes[8];
    tni_store_u64le(bytes, value);
    tnh_put(channel, bytes, sizeof bytes);
}

void tnh_end(tnh_channel *channel)
{
    size_t payload = channel->len - channel->begin - TNI_H5_HEADER;
    tni_store_u32le(channel->out + channel->begin + 1, (uint32_t)payload);
    if (channel->len >= BATCH) {
        tnh_flush(channel);
    }
}

void tnh_bytes(tnh_channel *channel, const void *data, size_t len)
{
    const uint8_t *from = data;
    channel->sent += len;
    while (len > 0) {
        size_t part = len < TNI_H5_PART ? len : TNI_H5_PART;
        tnh_begin(channel, TNI_H5_BYTES);
        tnh_put(channel, from, part);
        tnh_end(channel);
        from += part;
        len -= part;
    }
}

void tnh_finish(tnh_channel *channel, uint64_t a, uint64_t b, uint64_t size)
{
    tnh_begin(channel, TNI_H5_END);
    tnh_put_u64(channel, a);
    tnh_put_u64(channel, b);
    tnh_put_u64(channel, channel->sent);
    tnh_put_u64(channel, size);
    tnh_end(channel);
    tnh_flush(channel);
    channel->sent = 0;
}

/* Receives more bytes until `len` are at hand, and as many more as there are. */
static void fill(tnh_channel *channel, size_t len)
{
    if (channel->in_pos == channel->in_len || channel->in_pos + len > IN_ROOM) {
        memmove(channel->in, channel->in + channel->in_pos, channel->in_len - channel->in_pos);
        channel->in_len -= channel->in_pos;
        channel->in_pos = 0;
    }
    while (channel->in_len - channel->in_pos < len) {
        ssize_t got =
            read(TNI_H5_SOCKET_FD, channel->in + channel->in_len, IN_ROOM - channel->in_len);
        if (got > 0) {
            channel->in_len += (size_t)got;
        } else if (got == 0 || errno != EINTR) {
            _exit(got == 0 ? 0 : EXIT_SOCKET);
        }
    }
}

tni_h5_frame tnh_next(tnh_channel *channel, tni_cursor *payload_out)
{
    fill(channel, TNI_H5_HEADER);
    uint32_t len = tni_load_u32le(channel->in + channel->in_pos + 1);
    tnh_demand(channel, len <= TNI_H5_PAYLOAD);
    fill(channel, TNI_H5_HEADER + len);
    const uint8_t *frame = channel->in + channel->in_pos;
    channel->in_pos += TNI_H5_HEADER + len;
    *payload_out = tni_cursor_of(frame + TNI_H5_HEADER, len);
    return (tni_h5_frame)frame[0];
}

_Noreturn void tnh_refuse(tnh_channel *channel, tni_h5_reason reason, uint64_t a, uint64_t b,
                          tn_str path)
{
    tnh_begin(channel, TNI_H5_REFUSE);
    tnh_put_u8(channel, reason);
    tnh_put_u64(channel, a);
    tnh_put_u64(channel, b);
    tnh_put(channel, path.data, path.len < PATH_SHOWN ? path.len : PATH_SHOWN);
    tnh_end(channel);
    tnh_flush(channel);
    _exit(EXIT_REFUSED);
}

void tnh_demand(tnh_channel *channel, bool kept)
{
    if (!kept) {
        tnh_refuse(channel, TNI_H5_PROTOCOL, 0, 0, TN_STR_NONE);
    }
}
