#include "formats/tf_checkpoint_v1/layout.h"

/* Those that TensorFlow's writer takes (SaveData of tensorflow/core/util/tensor_slice_writer.h). */
static const tni_v1_type types[] = {
    {1, TN_FLOAT32, 5, TNI_WIRE_I32, 1},      {2, TN_FLOAT64, 6, TNI_WIRE_I64, 1},
    {3, TN_INT32, 7, TNI_WIRE_VARINT, 1},     {4, TN_UINT8, 7, TNI_WIRE_VARINT, 1},
    {5, TN_INT16, 7, TNI_WIRE_VARINT, 1},     {6, TN_INT8, 7, TNI_WIRE_VARINT, 1},
    {7, TN_STRING, 8, TNI_WIRE_LEN, 1},       {8, TN_COMPLEX64, 9, TNI_WIRE_I32, 2},
    {9, TN_INT64, 10, TNI_WIRE_VARINT, 1},    {10, TN_BOOL, 11, TNI_WIRE_VARINT, 1},
    {11, TN_QINT8, 7, TNI_WIRE_VARINT, 1},    {12, TN_QUINT8, 7, TNI_WIRE_VARINT, 1},
    {13, TN_QINT32, 7, TNI_WIRE_VARINT, 1},   {16, TN_QUINT16, 7, TNI_WIRE_VARINT, 1},
    {17, TN_UINT16, 7, TNI_WIRE_VARINT, 1},   {18, TN_COMPLEX128, 12, TNI_WIRE_I64, 2},
    {19, TN_FLOAT16, 13, TNI_WIRE_VARINT, 1},
};

const tni_v1_type *tni_v1_type_find(uint64_t number)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (types[i].number == number) {
            return &types[i];
        }
    }
    return NULL;
}

const tni_v1_type *tni_v1_type_of(tn_dtype dtype)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (types[i].dtype == dtype) {
            return &types[i];
        }
    }
    return NULL;
}
