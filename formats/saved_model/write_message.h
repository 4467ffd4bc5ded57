/* What packing a SavedModel's parts has in common. */
#ifndef TN_FORMATS_SAVED_MODEL_WRITE_MESSAGE_H
#define TN_FORMATS_SAVED_MODEL_WRITE_MESSAGE_H

#include "formats/saved_model/write.h"
#include "schemas/graph.pb-c.h"

/* Borrows text for a message; protobuf-c does not write to it. */
static inline ProtobufCBinaryData tni_sm_data(tn_str text)
{
    return (ProtobufCBinaryData){text.len, (uint8_t *)(uintptr_t)text.data};
}

/* Makes a tensor's shape; its dimensions come from the arena. */
tn_status tni_sm_shape_message(const tn_tensor *tensor, tni_arena *arena,
                               Tenon__Graph__TensorShapeProto *shape_out, tn_error *err);
/* Appends a message as the field `tag`. The arena is for the packed bytes. */
tn_status tni_sm_put_message(uint32_t tag, const ProtobufCMessage *message, tni_arena *arena,
                             tni_buffer *out, tn_error *err);

#endif
