#include "formats/shared/hdf5_decode.h"
#include "core/checked.h"
#include "core/error.h"
#include "formats/shared/hdf5_wire.h"

typedef struct decoding {
    tni_hdf5_session *session;
    const tni_hdf5_object *object;
    uint32_t element; /* bytes; 0: strings */
} decoding;

static tn_status ask(const decoding *d, uint64_t first, uint64_t count, tn_error *err)
{
    uint8_t payload[36];
    tni_store_u64le(payload, d->object->address);
    tni_store_u64le(payload + 8, (uint64_t)d->object->elements);
    tni_store_u32le(payload + 16, d->element);
    tni_store_u64le(payload + 20, first);
    tni_store_u64le(payload + 28, count);
    return tni_hdf5_send(d->session, TNI_H5_DECODE, payload, sizeof payload, err);
}

static tn_status check_end(const decoding *d, tni_cursor *payload, uint64_t count, uint64_t bytes,
                           tn_error *err)
{
    uint64_t elements, none, sent;
    if (!tni_get_u64le(payload, &elements) || !tni_get_u64le(payload, &none) ||
        !tni_get_u64le(payload, &sent) || elements != count || sent != bytes) {
        return tni_hdf5_hostile(d->session, "the helper that reads it talks nonsense", err);
    }
    return TN_OK;
}

static tn_status take_numbers(const decoding *d, uint64_t count, void *out, tn_error *err)
{
    tni_h5_frame frame;
    tni_cursor payload;
    uint64_t bytes = count * d->element; /* what the caller has room for */
    tn_status status = tni_hdf5_receive_bytes(d->session, out, bytes, err);
    if (status == TN_OK) {
        status = tni_hdf5_receive(d->session, &frame, &payload, err);
    }
    if (status == TN_OK && frame != TNI_H5_END) {
        status = tni_hdf5_hostile(d->session, "the helper that reads it talks nonsense", err);
    }
    return status == TN_OK ? check_end(d, &payload, count, bytes, err) : status;
}

/* Receives all BYTES up to the END. */
static tn_status take_stream(const decoding *d, uint64_t count, tni_buffer *stream, tn_error *err)
{
    for (;;) {
        tni_h5_frame frame;
        tni_cursor payload;
        tn_status status = tni_hdf5_receive(d->session, &frame, &payload, err);
        if (status != TN_OK) {
            return status;
        }
        if (frame == TNI_H5_END) {
            return check_end(d, &payload, count, stream->len, err);
        }
        if (frame != TNI_H5_BYTES) {
            return tni_hdf5_hostile(d->session, "the helper that reads it talks nonsense", err);
        }
        status = tni_hdf5_check_bloat(d->session, stream->len + payload.len,
                                      d->session->ctx->limits.decoded_bytes, "decoded-bytes", err);
        if (status != TN_OK) {
            return status;
        }
        tni_buffer_add(stream, payload.data, payload.len);
        if ((status = tni_buffer_check(stream, err)) != TN_OK) {
            return status;
        }
    }
}

static tn_status take_strings(const decoding *d, uint64_t count, tn_str *out, tni_arena *arena,
                              tn_error *err)
{
    tni_buffer stream;
    tn_str copy;
    tni_buffer_init(&stream, d->session->ctx);
    tn_status status = take_stream(d, count, &stream, err);
    if (status == TN_OK) {
        status = tni_arena_str(arena, (tn_str){stream.data, stream.len}, &copy, err);
    }
    tni_buffer_clear(&stream);
    if (status == TN_OK && !tni_hdf5_split(copy, count, out)) {
        status = tni_hdf5_hostile(d->session, "the helper that reads it talks nonsense", err);
    }
    return status;
}

static tn_status decode(const tni_leaf *leaf, uint64_t first, uint64_t count, void *out,
                        tni_arena *arena, tn_error *err)
{
    const decoding *d = leaf->decoder_state;
    tni_hdf5_session *session = d->session;
    uint64_t work, size = tni_source_size(session->source);
    if (count == 0) {
        return TN_OK;
    }
    work = count * (d->element == 0 ? 1 : d->element);
    pthread_mutex_lock(&session->lock);
    tn_status status = tni_hdf5_start(session, err);
    if (status == TN_OK) {
        tni_hdf5_allow(session, tni_add_u64(work, size, &work) ? work : UINT64_MAX);
        status = ask(d, first, count, err);
    }
    if (status == TN_OK) {
        status = d->element == 0 ? take_strings(d, count, out, arena, err)
                                 : take_numbers(d, count, out, err);
    }
    if (status != TN_OK) {
        tni_hdf5_stop(session); /* whatever it says later belongs to no question */
        tni_error_subject(err, d->object->path);
        tni_error_path(err, tni_source_path(session->source));
    }
    pthread_mutex_unlock(&session->lock);
    return status;
}

static const tni_decoder decoder = {.decode = decode};

tn_status tni_hdf5_decoder(const tni_hdf5_file *file, tn_model *model,
                           const tni_hdf5_object *object, tni_leaf *leaf, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_alloc(&model->arena, sizeof(decoding), &block, err);
    if (status == TN_OK) {
        decoding *d = block;
        *d = (decoding){file->session, object, tni_hdf5_element(leaf->dtype, 0)};
        leaf->kind = TNI_LEAF_DECODER;
        leaf->encoding = object->layout == TNI_HDF5_CHUNKED ? TNI_ENCODING_CHUNKED
                         : leaf->dtype == TN_STRING         ? TNI_ENCODING_STRINGS
                                                            : TNI_ENCODING_RAW;
        leaf->decoder = &decoder;
        leaf->decoder_state = d;
    }
    return status;
}
