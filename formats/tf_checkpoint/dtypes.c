#include "formats/tf_checkpoint/layout.h"

/* By DataType number; 0 is INVALID, 20 is RESOURCE, and `_REF` types begin at 101. */
static const tn_dtype by_number[] = {
    [1] = TN_FLOAT32,
    [2] = TN_FLOAT64,
    [3] = TN_INT32,
    [4] = TN_UINT8,
    [5] = TN_INT16,
    [6] = TN_INT8,
    [7] = TN_STRING,
    [8] = TN_COMPLEX64,
    [9] = TN_INT64,
    [10] = TN_BOOL,
    [11] = TN_QINT8,
    [12] = TN_QUINT8,
    [13] = TN_QINT32,
    [14] = TN_BFLOAT16,
    [15] = TN_QINT16,
    [16] = TN_QUINT16,
    [17] = TN_UINT16,
    [18] = TN_COMPLEX128,
    [19] = TN_FLOAT16,
    [21] = TN_VARIANT,
    [22] = TN_UINT32,
    [23] = TN_UINT64,
    [24] = TN_FLOAT8_E5M2,
    [25] = TN_FLOAT8_E4M3FN,
    [26] = TN_FLOAT8_E4M3FNUZ,
    [27] = TN_FLOAT8_E4M3B11FNUZ,
    [28] = TN_FLOAT8_E5M2FNUZ,
    [29] = TN_INT4,
    [30] = TN_UINT4,
    [31] = TN_INT2,
    [32] = TN_UINT2,
};

tn_dtype tni_tf_dtype(uint64_t number)
{
    return number < sizeof(by_number) / sizeof(by_number[0]) ? by_number[number] : TN_DTYPE_NONE;
}

int32_t tni_tf_dtype_number(tn_dtype dtype)
{
    for (size_t i = 1; i < sizeof(by_number) / sizeof(by_number[0]); i++) {
        if (by_number[i] == dtype && dtype != TN_DTYPE_NONE) {
            return (int32_t)i;
        }
    }
    return 0;
}
