/* The helper's end of the socket. Whatever goes wrong here or elsewhere in the helper ends it:
 * there is nothing to clean up, and a partial answer must never look like a whole one. */
#ifndef TN_KERAS_H5_HELPER_CHANNEL_H
#define TN_KERAS_H5_HELPER_CHANNEL_H

#include "core/cursor.h"
#include "formats/shared/hdf5_protocol.h"

typedef struct tnh_channel {
    uint8_t *out; /* frames that are not sent yet, and the one that is being built */
    size_t len, begin;
    uint8_t *in;           /* what was received */
    size_t in_len, in_pos; /* of it; the frames before in_pos have been handed out */
    uint64_t sent;         /* bytes in BYTES and PIECE since tnh_end */
} tnh_channel;

void tnh_channel_init(tnh_channel *channel);

/* Builds a frame: begin, put …, end. It is sent with others or by tnh_flush. */
void tnh_begin(tnh_channel *channel, tni_h5_frame kind);
void tnh_put_u8(tnh_channel *channel, unsigned value);
void tnh_put_u32(tnh_channel *channel, uint32_t value);
void tnh_put_u64(tnh_channel *channel, uint64_t value);
void tnh_put(tnh_channel *channel, const void *data, size_t len);
void tnh_end(tnh_channel *channel);
void tnh_flush(tnh_channel *channel);
/* Sends bytes of any length as BYTES frames. */
void tnh_bytes(tnh_channel *channel, const void *data, size_t len);
/* Sends an END with these numbers and the bytes since the last one. */
void tnh_finish(tnh_channel *channel, uint64_t a, uint64_t b, uint64_t size);

/* Waits for the next frame; its payload is valid until the next call. Ends the helper when the
 * socket is closed. */
tni_h5_frame tnh_next(tnh_channel *channel, tni_cursor *payload_out);
/* Ends the helper with a REFUSE. `path` may be cut. */
_Noreturn void tnh_refuse(tnh_channel *channel, tni_h5_reason reason, uint64_t a, uint64_t b,
                          tn_str path);
/* Ends the helper because the other side broke the rules, unless `kept`. */
void tnh_demand(tnh_channel *channel, bool kept);
/* Allocates zeroed memory or ends the helper. */
void *tnh_alloc(size_t count, size_t size);
void *tnh_grow(void *block, size_t count, size_t size);

#endif
