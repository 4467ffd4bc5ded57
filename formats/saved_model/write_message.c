#include "formats/saved_model/write_message.h"

#include "formats/saved_model/layout.h"

tn_status tni_sm_shape_message(const tn_tensor *tensor, tni_arena *arena,
                               Tenon__Graph__TensorShapeProto *shape_out, tn_error *err)
{
    void *dims, *pointers;
    tenon__graph__tensor_shape_proto__init(shape_out);
    tn_status status =
        tni_arena_array(arena, tensor->rank, sizeof(Tenon__Graph__TensorShapeProtoDim), &dims, err);
    if (status == TN_OK) {
        status = tni_arena_array(arena, tensor->rank, sizeof(Tenon__Graph__TensorShapeProtoDim *),
                                 &pointers, err);
    }
    if (status != TN_OK) {
        return status;
    }
    Tenon__Graph__TensorShapeProtoDim *dim = dims, **pointer = pointers;
    for (uint32_t i = 0; i < tensor->rank; i++) {
        tenon__graph__tensor_shape_proto_dim__init(&dim[i]);
        dim[i].size = tensor->shape[i];
        pointer[i] = &dim[i];
    }
    shape_out->dim = pointer;
    shape_out->n_dim = tensor->rank;
    return TN_OK;
}

tn_status tni_sm_put_message(uint32_t tag, const ProtobufCMessage *message, tni_arena *arena,
                             tni_buffer *out, tn_error *err)
{
    void *room;
    size_t len = protobuf_c_message_get_packed_size(message);
    tn_status status = tni_arena_alloc(arena, len + 1, &room, err);
    if (status == TN_OK) {
        protobuf_c_message_pack(message, room);
        tni_wire_put_len(out, tag, (tn_str){room, len});
        status = tni_buffer_check(out, err);
    }
    return status;
}
