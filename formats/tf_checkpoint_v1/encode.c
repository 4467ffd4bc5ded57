#include "formats/tf_checkpoint_v1/encode.h"
#include "core/buffer.h"
#include "core/checked.h"
#include "core/crc32c.h"
#include "core/cursor.h"
#include "core/error.h"

enum {
    ELEMENTS = 8192, /* read at a time */
    WIDEST = 8,      /* bytes of one that becomes a varint */
    FLUSH = 1 << 16  /* bytes that are written at a time, or a little more */
};

/* Where encoded bytes go: counted, and written if there is a sink. */
typedef struct target {
    tn_sink *sink; /* NULL: they are only counted */
    uint64_t offset, bytes;
    uint32_t crc;
    tni_buffer buffer;
} target;

static tn_status flush(target *t, tn_error *err)
{
    tn_status status = tni_buffer_check(&t->buffer, err);
    if (status != TN_OK || t->buffer.len == 0) {
        return status;
    }
    t->crc = tni_crc32c(t->crc, t->buffer.data, t->buffer.len);
    status = tni_sink_write(t->sink, t->offset + t->bytes, t->buffer.data, t->buffer.len, err);
    t->bytes += t->buffer.len;
    tni_buffer_reset(&t->buffer);
    return status;
}

/* Takes bytes in; false asks for a flush. */
static tn_status put(target *t, const void *data, size_t len, tn_error *err)
{
    if (t->sink == NULL) {
        t->bytes += len;
        return TN_OK;
    }
    tni_buffer_add(&t->buffer, data, len);
    return t->buffer.len >= FLUSH ? flush(t, err) : TN_OK;
}

/* Returns an element as protobuf widens it: signed numbers keep their sign in 64 bits. */
static uint64_t number_at(tn_dtype dtype, const char *values, size_t i)
{
    int8_t b;
    int16_t h;
    uint16_t uh;
    int32_t w;
    uint64_t d;
    switch (tn_dtype_about(dtype)->bits) {
    case 8:
        memcpy(&b, values + i, 1);
        return dtype == TN_INT8 || dtype == TN_QINT8 ? (uint64_t)(int64_t)b : (uint8_t)b;
    case 16:
        memcpy(&h, values + 2 * i, 2);
        memcpy(&uh, values + 2 * i, 2);
        return dtype == TN_INT16 ? (uint64_t)(int64_t)h : uh;
    case 32:
        memcpy(&w, values + 4 * i, 4);
        return (uint64_t)(int64_t)w;
    default:
        memcpy(&d, values + 8 * i, 8);
        return d;
    }
}

static tn_status put_numbers(target *t, tn_context *ctx, tn_reader *reader, const tn_tensor *tensor,
                             tn_error *err)
{
    void *values;
    tn_status status = tni_alloc(ctx, (size_t)ELEMENTS * WIDEST, &values, err);
    if (status != TN_OK) {
        return status;
    }
    status = tn_reader_start(reader, tensor, err);
    for (int64_t left = tensor->elements; status == TN_OK && left > 0;) {
        int64_t part = left < ELEMENTS ? left : ELEMENTS;
        status = tn_reader_next(reader, part, values, err);
        for (int64_t i = 0; status == TN_OK && i < part; i++) {
            uint8_t word[10];
            size_t len = tni_put_varint64(word, number_at(tensor->dtype, values, (size_t)i));
            status = put(t, word, len, err);
        }
        left -= part;
    }
    tni_free(ctx, values);
    return status == TN_OK ? tn_reader_end(reader, err) : status;
}

static tn_status put_strings(target *t, tn_reader *reader, const tn_tensor *tensor,
                             const tni_v1_type *type, tn_error *err)
{
    const tn_str *strings;
    tn_status status = tn_reader_strings(reader, tensor, &strings, err);
    for (int64_t i = 0; status == TN_OK && i < tensor->elements; i++) {
        uint8_t head[20];
        size_t len = tni_put_varint64(head, TNI_WIRE_TAG(type->field, TNI_WIRE_LEN));
        len += tni_put_varint64(head + len, strings[i].len);
        status = put(t, head, len, err);
        if (status == TN_OK) {
            status = put(t, strings[i].data, strings[i].len, err);
        }
    }
    return status;
}

static tn_status put_values(target *t, tn_context *ctx, tn_reader *reader, const tn_tensor *tensor,
                            const tni_v1_type *type, tn_error *err)
{
    tn_status status = TN_OK;
    tni_buffer_init(&t->buffer, ctx);
    if (tensor->elements > 0) {
        status = type->wire == TNI_WIRE_LEN ? put_strings(t, reader, tensor, type, err)
                                            : put_numbers(t, ctx, reader, tensor, err);
    }
    if (status == TN_OK) {
        status = flush(t, err);
    }
    tni_buffer_clear(&t->buffer);
    if (status != TN_OK) {
        tni_error_subject(err, tensor->alias[TN_SCHEME_NAME]);
    }
    return status;
}

tn_status tni_v1_measure(tn_context *ctx, tn_reader *reader, const tn_tensor *tensor,
                         const tni_v1_type *type, uint64_t *bytes_out, tn_error *err)
{
    target t = {.sink = NULL};
    if (tni_v1_type_plain(type)) {
        *bytes_out = tensor->bytes;
        return TN_OK;
    }
    tn_status status = put_values(&t, ctx, reader, tensor, type, err);
    if (status == TN_OK) {
        *bytes_out = t.bytes;
    }
    return status;
}

tn_status tni_v1_encode(tn_context *ctx, tn_reader *reader, const tn_tensor *tensor,
                        const tni_v1_type *type, tn_sink *sink, uint64_t offset, uint64_t bytes,
                        uint32_t *sum_out, tn_error *err)
{
    target t = {.sink = sink, .offset = offset};
    tn_status status = put_values(&t, ctx, reader, tensor, type, err);
    if (status == TN_OK && t.bytes != bytes) {
        status = tni_fail(err, TN_E_CHANGED, "its values changed while it was written");
        tni_error_subject(err, tensor->alias[TN_SCHEME_NAME]);
    }
    if (status == TN_OK) {
        *sum_out = t.crc;
    }
    return status;
}
