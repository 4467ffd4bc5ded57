#include "formats/shared/hdf5_wire.h"
#include "core/checked.h"
#include "core/error.h"
#include <inttypes.h>

bool tni_hdf5_get_type(tni_cursor *payload, tni_hdf5_type *type_out)
{
    uint8_t dtype, flags;
    uint32_t width;
    if (!tni_get_u8(payload, &dtype) || !tni_get_u8(payload, &flags) ||
        !tni_get_u32le(payload, &width) || dtype >= TN_DTYPE_COUNT ||
        (flags & ~TNI_H5_KNOWN_FLAGS) != 0) {
        return false;
    }
    *type_out = (tni_hdf5_type){.dtype = (tn_dtype)dtype,
                                .swapped = (flags & TNI_H5_SWAPPED) != 0,
                                .variable = (flags & TNI_H5_VARIABLE) != 0,
                                .utf8 = (flags & TNI_H5_UTF8) != 0,
                                .width = width};
    return true;
}

bool tni_hdf5_get_space(tni_cursor *payload, tni_hdf5_space *space_out)
{
    uint8_t rank;
    tni_hdf5_space space = {.elements = 0};
    if (!tni_get_u8(payload, &rank)) {
        return false;
    }
    space.null = rank == TNI_H5_NULL_SPACE;
    space.rank = space.null ? 0 : rank;
    if (space.rank > TNI_H5_RANK) {
        return false;
    }
    for (uint32_t i = 0; i < space.rank; i++) {
        uint64_t size;
        if (!tni_get_u64le(payload, &size) || size > INT64_MAX) {
            return false;
        }
        space.shape[i] = (int64_t)size;
    }
    if (!space.null && !tni_shape_elements(space.shape, space.rank, &space.elements)) {
        return false;
    }
    *space_out = space;
    return true;
}

tn_str tni_hdf5_get_rest(tni_cursor *payload)
{
    size_t len = tni_cursor_left(payload);
    const uint8_t *bytes = payload->data;
    (void)tni_get_bytes(payload, len, &bytes);
    return (tn_str){(const char *)bytes, len};
}

uint32_t tni_hdf5_element(tn_dtype dtype, uint32_t opaque_size)
{
    return dtype == TN_DTYPE_NONE ? opaque_size : tn_dtype_about(dtype)->bits / 8;
}

bool tni_hdf5_split(tn_str stream, uint64_t count, tn_str *strings_out)
{
    tni_cursor from = tni_cursor_of(stream.data, stream.len);
    for (uint64_t i = 0; i < count; i++) {
        uint32_t len;
        const uint8_t *bytes;
        if (!tni_get_u32le(&from, &len) || !tni_get_bytes(&from, len, &bytes)) {
            return false;
        }
        strings_out[i] = (tn_str){(const char *)bytes, len};
    }
    return tni_cursor_left(&from) == 0;
}

tn_status tni_hdf5_receive_bytes(tni_hdf5_session *session, void *out, uint64_t len, tn_error *err)
{
    char *to = out;
    while (len > 0) {
        tni_h5_frame frame;
        tni_cursor payload;
        tn_status status = tni_hdf5_receive(session, &frame, &payload, err);
        if (status != TN_OK) {
            return status;
        }
        if (frame != TNI_H5_BYTES || payload.len == 0 || payload.len > len) {
            return tni_hdf5_hostile(session, "the helper that reads it talks nonsense", err);
        }
        memcpy(to, payload.data, payload.len);
        to += payload.len;
        len -= payload.len;
    }
    return TN_OK;
}

void tni_hdf5_put_u32(tni_buffer *buffer, uint32_t value)
{
    uint8_t bytes[4];
    tni_store_u32le(bytes, value);
    tni_buffer_add(buffer, bytes, sizeof bytes);
}

void tni_hdf5_put_u64(tni_buffer *buffer, uint64_t value)
{
    uint8_t bytes[8];
    tni_store_u64le(bytes, value);
    tni_buffer_add(buffer, bytes, sizeof bytes);
}

tn_status tni_hdf5_check_bloat(const tni_hdf5_session *session, uint64_t bytes, uint64_t limit,
                               const char *what, tn_error *err)
{
    enum { SHARE = 256, RATIO = 16 };
    uint64_t size = tni_source_size(session->source);
    tn_status status = tni_check_limit(bytes, limit, what, err);
    if (status == TN_OK && bytes > limit / SHARE && bytes / RATIO > size) {
        status = tni_fail(err, TN_E_LIMIT,
                          "its values take %" PRIu64 " bytes and more, which a file of %" PRIu64
                          " does not hold: this looks like a bomb",
                          bytes, size);
        tni_error_hint(err, "if you trust this input: --limit %s=%" PRIu64, what,
                       limit > UINT64_MAX / SHARE ? UINT64_MAX : limit * SHARE);
    }
    return status;
}
