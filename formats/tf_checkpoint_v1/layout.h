/* Constants of TensorFlow's checkpoint format V1 (tensorflow/core/util/saved_tensor_slice.proto,
 * saved_tensor_slice_util.h; tensorflow/core/framework/tensor.proto). */
#ifndef TN_FORMATS_TF_CHECKPOINT_V1_LAYOUT_H
#define TN_FORMATS_TF_CHECKPOINT_V1_LAYOUT_H

#include "formats/shared/tf_message.h"
#include "formats/shared/wire.h"
#include <tenon/dtype.h>

#define TNI_V1_META_SUFFIX ".meta" /* of the graph that the Saver writes beside a checkpoint */

enum {
    TNI_V1_SLICES_META = TNI_WIRE_TAG(1, TNI_WIRE_LEN), /* of SavedTensorSlices */
    TNI_V1_SLICES_DATA = TNI_WIRE_TAG(2, TNI_WIRE_LEN),
    TNI_V1_META_TENSOR = TNI_WIRE_TAG(1, TNI_WIRE_LEN), /* of SavedTensorSliceMeta */
    TNI_V1_META_VERSIONS = TNI_WIRE_TAG(2, TNI_WIRE_LEN),
    TNI_V1_TENSOR_NAME = TNI_WIRE_TAG(1, TNI_WIRE_LEN), /* of SavedSliceMeta */
    TNI_V1_TENSOR_SHAPE = TNI_WIRE_TAG(2, TNI_WIRE_LEN),
    TNI_V1_TENSOR_TYPE = TNI_WIRE_TAG(3, TNI_WIRE_VARINT),
    TNI_V1_TENSOR_SLICE = TNI_WIRE_TAG(4, TNI_WIRE_LEN),
    TNI_V1_SLICE_DATA = TNI_WIRE_TAG(3, TNI_WIRE_LEN) /* of SavedSlice */
};

/* How the values of a dtype stand in a TensorProto: as words of one field. */
typedef struct tni_v1_type {
    uint64_t number; /* DataType (tensorflow/core/framework/types.proto) */
    tn_dtype dtype;
    uint32_t field; /* of TensorProto */
    uint32_t wire;  /* wire type of a word: VARINT, I32, I64, or LEN for strings */
    uint32_t words; /* of one element: 2 for complex numbers, else 1 */
} tni_v1_type;

/* Finds how the values of a DataType are stored; NULL: the format does not store it. */
const tni_v1_type *tni_v1_type_find(uint64_t number);
/* Finds how a dtype is stored; NULL: it is not. */
const tni_v1_type *tni_v1_type_of(tn_dtype dtype);

#endif
