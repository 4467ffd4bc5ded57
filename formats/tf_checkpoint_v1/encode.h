/* The values of a tensor as the words of a TensorProto, one field after the other as TensorFlow
 * packs them. */
#ifndef TN_FORMATS_TF_CHECKPOINT_V1_ENCODE_H
#define TN_FORMATS_TF_CHECKPOINT_V1_ENCODE_H

#include "formats/tf_checkpoint_v1/layout.h"
#include "io/output.h"
#include <tenon/values.h>

/* Tells whether the words are the tensor's own bytes, little-endian and row-major. */
static inline bool tni_v1_type_plain(const tni_v1_type *type)
{
    return type->wire == TNI_WIRE_I32 || type->wire == TNI_WIRE_I64;
}

/* Counts the bytes that the values take: of a packed field its content, of strings all fields.
 * Reads the values but where the dtype tells alone. Errors: those of reading, TN_E_CANNOT_HOLD. */
tn_status tni_v1_measure(tn_context *ctx, tn_reader *reader, const tn_tensor *tensor,
                         const tni_v1_type *type, uint64_t *bytes_out, tn_error *err);
/* Writes values that are not plain at `offset`, `bytes` of them as measured. *sum_out gets their
 * CRC-32C. Errors: those of reading and writing, TN_E_CHANGED (another number of bytes than was
 * measured). */
tn_status tni_v1_encode(tn_context *ctx, tn_reader *reader, const tn_tensor *tensor,
                        const tni_v1_type *type, tn_sink *sink, uint64_t offset, uint64_t bytes,
                        uint32_t *sum_out, tn_error *err);

#endif
