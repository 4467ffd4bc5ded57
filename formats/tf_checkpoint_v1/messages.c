/* The messages of a new checkpoint, as TensorSliceWriter makes them
 * (tensorflow/core/util/tensor_slice_writer.cc): whole tensors, each with one slice whose extents
 * say nothing. */
#include "core/buffer.h"
#include "core/cursor.h"
#include "core/error.h"
#include "formats/tf_checkpoint_v1/write.h"

#define MOST_MESSAGE (UINT64_C(1) << 31) /* protobuf parses none of this length */

static void put_varint(tni_buffer *out, uint64_t value)
{
    uint8_t bytes[10];
    tni_buffer_add(out, bytes, tni_put_varint64(bytes, value));
}

static size_t varint_len(uint64_t value)
{
    uint8_t bytes[10];
    return tni_put_varint64(bytes, value);
}

static void put_message(tni_buffer *out, uint32_t tag, const tni_buffer *message)
{
    put_varint(out, tag);
    put_varint(out, message->len);
    tni_buffer_add(out, message->data, message->len);
    out->failed = out->failed || message->failed;
}

static void put_text(tni_buffer *out, uint32_t tag, tn_str text)
{
    put_varint(out, tag);
    put_varint(out, text.len);
    tni_buffer_str(out, text);
}

/* A TensorSliceProto of empty extents: all of every dimension. */
static void put_slice(tni_buffer *out, uint32_t tag, uint32_t rank)
{
    put_varint(out, tag);
    put_varint(out, (uint64_t)rank * 2);
    for (uint32_t i = 0; i < rank; i++) {
        put_text(out, TNI_WIRE_TAG(1, TNI_WIRE_LEN), TN_LIT(""));
    }
}

/* A TensorShapeProto; sizes of 0 are left out, as protobuf does. */
static void put_shape(tni_buffer *out, uint32_t tag, const tn_tensor *tensor, tni_buffer *scratch)
{
    tni_buffer_reset(scratch);
    for (uint32_t i = 0; i < tensor->rank; i++) {
        uint64_t size = (uint64_t)tensor->shape[i];
        put_varint(scratch, TNI_WIRE_TAG(2, TNI_WIRE_LEN));
        put_varint(scratch, size == 0 ? 0 : 1 + varint_len(size));
        if (size != 0) {
            put_varint(scratch, TNI_WIRE_TAG(1, TNI_WIRE_VARINT));
            put_varint(scratch, size);
        }
    }
    put_message(out, tag, scratch);
}

/* Appends the SavedSliceMeta of one tensor. */
static void put_tensor(tni_buffer *out, const tni_v1_entry *entry, tni_buffer *message,
                       tni_buffer *scratch)
{
    tni_buffer_reset(message);
    put_text(message, TNI_V1_TENSOR_NAME, entry->tensor->alias[TN_SCHEME_NAME]);
    put_shape(message, TNI_V1_TENSOR_SHAPE, entry->tensor, scratch);
    put_varint(message, TNI_V1_TENSOR_TYPE);
    put_varint(message, entry->type->number);
    put_slice(message, TNI_V1_TENSOR_SLICE, entry->tensor->rank);
    put_message(out, TNI_V1_META_TENSOR, message);
}

/* Copies a buffer's content. */
static tn_status keep(tni_write *write, const tni_buffer *buffer, tn_str *copy_out, tn_error *err)
{
    tn_status status = tni_buffer_check(buffer, err);
    return status != TN_OK
               ? status
               : tni_arena_str(write->arena,
                               (tn_str){buffer->len == 0 ? "" : buffer->data, buffer->len},
                               copy_out, err);
}

static tn_status make_meta(tni_write *write, tni_v1_write *state, tn_error *err)
{
    tni_buffer meta, message, scratch;
    tni_buffer_init(&meta, write->ctx);
    tni_buffer_init(&message, write->ctx);
    tni_buffer_init(&scratch, write->ctx);
    for (size_t i = 1; i < state->n_entries; i++) {
        put_tensor(&meta, &state->entries[i], &message, &scratch);
    }
    tni_buffer_reset(&message);
    put_varint(&message, TNI_WIRE_TAG(1, TNI_WIRE_VARINT)); /* producer */
    put_varint(&message, TNI_TF_VERSION);
    put_message(&meta, TNI_V1_META_VERSIONS, &message);
    tni_buffer_reset(&message);
    put_message(&message, TNI_V1_SLICES_META, &meta);
    tn_status status = keep(write, &message, &state->entries[0].value, err);
    if (status == TN_OK && message.len >= MOST_MESSAGE) {
        status = tni_fail(err, TN_E_CANNOT_HOLD, "the names and shapes take 2 GiB or more");
    }
    state->entries[0].key = TN_LIT("");
    tni_buffer_clear(&meta);
    tni_buffer_clear(&message);
    tni_buffer_clear(&scratch);
    return status;
}

/* Makes the head of a SavedTensorSlices with one SavedSlice, up to the values. */
static tn_status make_value(tni_write *write, tni_v1_entry *entry, tni_buffer *out,
                            tni_buffer *slice, tn_error *err)
{
    bool packed = entry->payload > 0 && entry->type->wire != TNI_WIRE_LEN;
    uint32_t tag = TNI_WIRE_TAG(entry->type->field, TNI_WIRE_LEN);
    uint64_t data = entry->payload;
    data += packed ? varint_len(tag) + varint_len(entry->payload) : 0;
    tni_buffer_reset(slice);
    put_text(slice, TNI_WIRE_TAG(1, TNI_WIRE_LEN), entry->tensor->alias[TN_SCHEME_NAME]);
    put_slice(slice, TNI_WIRE_TAG(2, TNI_WIRE_LEN), entry->tensor->rank);
    put_varint(slice, TNI_V1_SLICE_DATA);
    put_varint(slice, data);
    tni_buffer_reset(out);
    put_varint(out, TNI_V1_SLICES_DATA);
    put_varint(out, slice->len + data);
    tni_buffer_add(out, slice->data, slice->len);
    out->failed = out->failed || slice->failed;
    if (packed) {
        put_varint(out, tag);
        put_varint(out, entry->payload);
    }
    if (data >= MOST_MESSAGE || out->len + entry->payload >= MOST_MESSAGE) {
        tn_status status =
            tni_fail(err, TN_E_CANNOT_HOLD,
                     "its values take 2 GiB or more, which this format cannot hold in one tensor");
        tni_error_subject(err, entry->tensor->alias[TN_SCHEME_NAME]);
        tni_error_hint(err, "--to tf_checkpoint");
        return status;
    }
    return keep(write, out, &entry->value, err);
}

tn_status tni_v1_messages_make(tni_write *write, tni_v1_write *state, tn_error *err)
{
    tni_buffer value, slice;
    tni_buffer_init(&value, write->ctx);
    tni_buffer_init(&slice, write->ctx);
    tn_status status = make_meta(write, state, err);
    for (size_t i = 1; status == TN_OK && i < state->n_entries; i++) {
        status = make_value(write, &state->entries[i], &value, &slice, err);
    }
    tni_buffer_clear(&value);
    tni_buffer_clear(&slice);
    return status;
}
