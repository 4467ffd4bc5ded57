#include "formats/saved_model/constant.h"
#include "core/checked.h"
#include "core/error.h"
#include "formats/saved_model/constant_list.h"

/* By DataType number. */
static const struct {
    tn_dtype dtype;
    const char *word;
} types[] = {
    [0] = {TN_DTYPE_NONE, "INVALID"},
    [1] = {TN_FLOAT32, "FLOAT"},
    [2] = {TN_FLOAT64, "DOUBLE"},
    [3] = {TN_INT32, "INT32"},
    [4] = {TN_UINT8, "UINT8"},
    [5] = {TN_INT16, "INT16"},
    [6] = {TN_INT8, "INT8"},
    [7] = {TN_STRING, "STRING"},
    [8] = {TN_COMPLEX64, "COMPLEX64"},
    [9] = {TN_INT64, "INT64"},
    [10] = {TN_BOOL, "BOOL"},
    [11] = {TN_QINT8, "QINT8"},
    [12] = {TN_QUINT8, "QUINT8"},
    [13] = {TN_QINT32, "QINT32"},
    [14] = {TN_BFLOAT16, "BFLOAT16"},
    [15] = {TN_QINT16, "QINT16"},
    [16] = {TN_QUINT16, "QUINT16"},
    [17] = {TN_UINT16, "UINT16"},
    [18] = {TN_COMPLEX128, "COMPLEX128"},
    [19] = {TN_FLOAT16, "HALF"},
    [20] = {TN_DTYPE_NONE, "RESOURCE"},
    [21] = {TN_VARIANT, "VARIANT"},
    [22] = {TN_UINT32, "UINT32"},
    [23] = {TN_UINT64, "UINT64"},
    [24] = {TN_FLOAT8_E5M2, "FLOAT8_E5M2"},
    [25] = {TN_FLOAT8_E4M3FN, "FLOAT8_E4M3FN"},
    [26] = {TN_FLOAT8_E4M3FNUZ, "FLOAT8_E4M3FNUZ"},
    [27] = {TN_FLOAT8_E4M3B11FNUZ, "FLOAT8_E4M3B11FNUZ"},
    [28] = {TN_FLOAT8_E5M2FNUZ, "FLOAT8_E5M2FNUZ"},
    [29] = {TN_INT4, "INT4"},
    [30] = {TN_UINT4, "UINT4"},
    [31] = {TN_INT2, "INT2"},
    [32] = {TN_UINT2, "UINT2"},
};

tn_dtype tni_sm_dtype(uint64_t number)
{
    number = number > TNI_SM_REF ? number - TNI_SM_REF : number;
    return number < sizeof types / sizeof types[0] ? types[number].dtype : TN_DTYPE_NONE;
}

const char *tni_sm_dtype_word(uint64_t number)
{
    return number < sizeof types / sizeof types[0] ? types[number].word : NULL;
}

static bool read_tensor(tn_str message, tni_sm_tensor *tensor, uint64_t *dtype, tn_str *shape)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    while (tni_wire_next(&wire, &field)) {
        switch (field.tag) {
        case TENSOR_DTYPE:
            *dtype = field.number;
            break;
        case TENSOR_SHAPE:
            *shape = field.bytes;
            break;
        case TENSOR_CONTENT:
            tensor->content = field.bytes;
            break;
        default:
            break;
        }
    }
    return !wire.cursor.failed;
}

tn_status tni_sm_tensor_parse(tn_str message, tni_arena *arena, tni_sm_tensor *tensor_out,
                              tn_error *err)
{
    tni_sm_tensor tensor = {.message = message, .content = TN_STR_NONE};
    uint64_t dtype = 0;
    tn_str shape = TN_LIT("");
    if (!read_tensor(message, &tensor, &dtype, &shape)) {
        return tni_fail(err, TN_E_CORRUPT, "a constant is damaged");
    }
    tensor.dtype = tni_sm_dtype(dtype);
    if ((tensor.dtype == TN_DTYPE_NONE && dtype != TNI_SM_DT_RESOURCE) || dtype > TNI_SM_REF) {
        return tni_fail(err, TN_E_CORRUPT, "a constant has the unknown type %llu",
                        (unsigned long long)dtype);
    }
    tensor.valued = dtype != TNI_SM_DT_RESOURCE && dtype != TNI_SM_DT_VARIANT;
    tensor.dtype = tensor.valued ? tensor.dtype : TN_VARIANT;
    tn_status status = tni_sm_shape_parse(shape, arena, &tensor.shape, err);
    if (status == TN_OK &&
        (!tensor.shape.known ||
         !tni_shape_elements(tensor.shape.dims, tensor.shape.rank, &tensor.elements))) {
        status = tni_fail(err, TN_E_CORRUPT, "a constant's shape is not known, or overflows");
    }
    if (status == TN_OK) {
        *tensor_out = tensor;
    }
    return status;
}

/* Tells whether the values are in the field of content; a hole's bytes are in the file. */
static bool has_content(const tni_sm_image *image, const tni_sm_tensor *tensor)
{
    return tensor->content.len > 0 ||
           (tensor->content.data != NULL && tni_sm_image_hole(image, tensor->content) != NULL);
}

void tni_sm_value_place(const tni_sm_image *image, tn_str value, tni_leaf *leaf)
{
    const tni_sm_hole *hole = tni_sm_image_hole(image, value);
    leaf->kind = image->source != NULL ? TNI_LEAF_RANGE : TNI_LEAF_MEMORY;
    leaf->source = image->source;
    leaf->memory = value.data;
    leaf->bytes = value.len;
    if (hole != NULL) {
        leaf->offset = hole->offset;
        leaf->bytes = hole->bytes;
    } else if (image->source != NULL) {
        leaf->offset = tni_sm_image_offset(image, value.data);
    }
}

/* Content of numbers is the values as they are. */
static tn_status content_leaf(const tni_sm_image *image, const tni_sm_tensor *tensor,
                              tni_leaf *leaf, tn_error *err)
{
    uint64_t bytes;
    tni_sm_value_place(image, tensor->content, leaf);
    if (!tn_dtype_bytes(tensor->dtype, (uint64_t)tensor->elements, &bytes) ||
        bytes != leaf->bytes) {
        return tni_fail(err, TN_E_CORRUPT, "a constant's content is not as long as its shape says");
    }
    return TN_OK;
}

/* A few bytes can stand for any number of elements, as the last one is repeated: what they come to
 * is bounded. */
static tn_status check_size(const tni_sm_image *image, const tni_sm_tensor *tensor, tn_error *err)
{
    uint64_t bits = tn_dtype_about(tensor->dtype)->bits, bytes;
    if (!tni_mul_u64((uint64_t)tensor->elements, bits == 0 ? sizeof(tn_str) : bits / 8, &bytes)) {
        bytes = UINT64_MAX;
    }
    return tni_check_limit(bytes, image->ctx->limits.decoded_bytes, "decoded-bytes", err);
}

tn_status tni_sm_constant_leaf(const tni_sm_image *image, const tni_sm_tensor *tensor,
                               tni_arena *arena, tni_leaf *leaf, tn_error *err)
{
    if (!tensor->valued) {
        leaf->kind = TNI_LEAF_ABSENT;
        return TN_OK;
    }
    if (has_content(image, tensor) && tensor->dtype != TN_STRING) {
        return content_leaf(image, tensor, leaf, err);
    }
    tn_status status = check_size(image, tensor, err);
    return status == TN_OK
               ? tni_sm_list_leaf(image, tensor, has_content(image, tensor), arena, leaf, err)
               : status;
}

tn_status tni_sm_constant_strings(const tni_sm_image *image, tn_str message, tni_arena *arena,
                                  tn_str **strings_out, size_t *count_out, tn_error *err)
{
    tni_sm_tensor tensor;
    void *block;
    tn_status status = tni_sm_tensor_parse(message, arena, &tensor, err);
    if (status == TN_OK && tensor.dtype != TN_STRING) {
        status = tni_fail(err, TN_E_CORRUPT, "a list of names is not of strings");
    }
    if (status == TN_OK) {
        status =
            tni_check_limit((uint64_t)tensor.elements, image->ctx->limits.tensors, "tensors", err);
    }
    if (status != TN_OK) {
        return status;
    }
    tni_leaf leaf = {.dtype = TN_STRING, .elements = tensor.elements, .ctx = image->ctx};
    if ((status = tni_sm_constant_leaf(image, &tensor, arena, &leaf, err)) != TN_OK ||
        (status = tni_arena_array(arena, (size_t)tensor.elements, sizeof(tn_str), &block, err)) !=
            TN_OK ||
        (status = leaf.decoder->decode(&leaf, 0, (uint64_t)tensor.elements, block, arena, err)) !=
            TN_OK) {
        return status;
    }
    *strings_out = block;
    *count_out = (size_t)tensor.elements;
    return TN_OK;
}
