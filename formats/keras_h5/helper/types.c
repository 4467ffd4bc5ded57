/* libhdf5's types and spaces in tenon's words, and back. */
#include "formats/keras_h5/helper/helper.h"

/* Where the parts of a floating-point type lie, in bits. */
typedef struct float_form {
    tn_dtype dtype;
    size_t size, sign, exponent, exponent_bits, mantissa, mantissa_bits, bias;
} float_form;

static const float_form float_forms[] = {
    {TN_FLOAT64, 8, 63, 52, 11, 0, 52, 1023}, {TN_FLOAT32, 4, 31, 23, 8, 0, 23, 127},
    {TN_FLOAT16, 2, 15, 10, 5, 0, 10, 15},    {TN_BFLOAT16, 2, 15, 7, 8, 0, 7, 127},
    {TN_FLOAT8_E4M3FN, 1, 7, 3, 4, 0, 3, 7},  {TN_FLOAT8_E5M2, 1, 7, 2, 5, 0, 2, 15},
};

enum { FLOAT_FORMS = sizeof float_forms / sizeof float_forms[0] };

static tn_dtype float_of(hid_t type)
{
    float_form is = {.size = H5Tget_size(type), .bias = H5Tget_ebias(type)};
    if (H5Tget_fields(type, &is.sign, &is.exponent, &is.exponent_bits, &is.mantissa,
                      &is.mantissa_bits) < 0 ||
        H5Tget_norm(type) != H5T_NORM_IMPLIED || H5Tget_precision(type) != is.size * 8) {
        return TN_DTYPE_NONE;
    }
    for (size_t i = 0; i < FLOAT_FORMS; i++) {
        const float_form *form = &float_forms[i];
        if (is.size == form->size && is.sign == form->sign && is.exponent == form->exponent &&
            is.exponent_bits == form->exponent_bits && is.mantissa == form->mantissa &&
            is.mantissa_bits == form->mantissa_bits && is.bias == form->bias) {
            return form->dtype;
        }
    }
    return TN_DTYPE_NONE;
}

static tn_dtype integer_of(hid_t type)
{
    static const tn_dtype is_signed[] = {TN_INT8, TN_INT16, TN_INT32, TN_INT64};
    static const tn_dtype is_unsigned[] = {TN_UINT8, TN_UINT16, TN_UINT32, TN_UINT64};
    size_t size = H5Tget_size(type);
    H5T_sign_t sign = H5Tget_sign(type);
    if (H5Tget_precision(type) != size * 8 || sign < 0) {
        return TN_DTYPE_NONE;
    }
    for (size_t i = 0; i < 4; i++) {
        if (size == (size_t)1 << i) {
            return sign == H5T_SGN_2 ? is_signed[i] : is_unsigned[i];
        }
    }
    return TN_DTYPE_NONE;
}

static bool member_is(hid_t type, unsigned index, const char *name)
{
    char *is = H5Tget_member_name(type, index);
    bool same = is != NULL && strcmp(is, name) == 0;
    (void)H5free_memory(is);
    return same;
}

/* h5py stores bool as an enum of int8 with the members FALSE and TRUE. */
static tn_dtype enum_of(hid_t type)
{
    int8_t no = -1, yes = -1;
    if (H5Tget_size(type) == 1 && H5Tget_nmembers(type) == 2 && member_is(type, 0, "FALSE") &&
        member_is(type, 1, "TRUE") && H5Tget_member_value(type, 0, &no) >= 0 &&
        H5Tget_member_value(type, 1, &yes) >= 0 && no == 0 && yes == 1) {
        return TN_BOOL;
    }
    return TN_DTYPE_NONE;
}

/* h5py stores complex numbers as a compound of the floats r and i. */
static tn_dtype complex_of(hid_t type, uint8_t *flags)
{
    if (H5Tget_nmembers(type) != 2 || !member_is(type, 0, "r") || !member_is(type, 1, "i") ||
        H5Tget_member_offset(type, 0) != 0 ||
        H5Tget_member_offset(type, 1) * 2 != H5Tget_size(type) ||
        H5Tget_member_class(type, 0) != H5T_FLOAT || H5Tget_member_class(type, 1) != H5T_FLOAT) {
        return TN_DTYPE_NONE;
    }
    hid_t real = H5Tget_member_type(type, 0), imaginary = H5Tget_member_type(type, 1);
    tn_dtype part = H5Tequal(real, imaginary) > 0 ? float_of(real) : TN_DTYPE_NONE;
    *flags = H5Tget_order(real) == H5T_ORDER_BE ? TNI_H5_SWAPPED : 0;
    bool whole = H5Tget_size(type) == 2 * H5Tget_size(real);
    (void)H5Tclose(real);
    (void)H5Tclose(imaginary);
    if (!whole) {
        return TN_DTYPE_NONE;
    }
    return part == TN_FLOAT32 ? TN_COMPLEX64 : part == TN_FLOAT64 ? TN_COMPLEX128 : TN_DTYPE_NONE;
}

static tnh_type string_of(hid_t type)
{
    bool variable = H5Tis_variable_str(type) > 0;
    bool utf8 = H5Tget_cset(type) == H5T_CSET_UTF8;
    return (tnh_type){.dtype = TN_STRING,
                      .flags =
                          (uint8_t)((variable ? TNI_H5_VARIABLE : 0) | (utf8 ? TNI_H5_UTF8 : 0)),
                      .width = variable ? 0 : (uint32_t)H5Tget_size(type)};
}

/* Types of ml_dtypes are stored as opaque elements with an empty tag. */
static uint32_t opaque_of(hid_t type)
{
    size_t size = H5Tget_size(type);
    char *tag = H5Tget_tag(type);
    bool plain = tag != NULL && tag[0] == '\0' && size <= 16;
    (void)H5free_memory(tag);
    return plain ? (uint32_t)size : 0;
}

tnh_type tnh_type_of(tnh_helper *helper, hid_t type)
{
    tnh_type is = {.dtype = TN_DTYPE_NONE};
    if (H5Tget_size(type) == 0 || H5Tget_size(type) > UINT32_MAX) {
        tnh_damaged(helper);
    }
    bool swapped = false;
    H5T_class_t class = H5Tget_class(type);
    if (class == H5T_INTEGER || class == H5T_FLOAT) {
        is.dtype = class == H5T_INTEGER ? integer_of(type) : float_of(type);
        swapped = H5Tget_order(type) == H5T_ORDER_BE && H5Tget_size(type) > 1;
        if (!swapped && H5Tget_size(type) > 1 && H5Tget_order(type) != H5T_ORDER_LE) {
            is.dtype = TN_DTYPE_NONE; /* VAX and mixed orders */
        }
    } else if (class == H5T_ENUM) {
        is.dtype = enum_of(type);
    } else if (class == H5T_COMPOUND) {
        is.dtype = complex_of(type, &is.flags);
    } else if (class == H5T_STRING) {
        is = string_of(type);
    } else if (class == H5T_OPAQUE) {
        is.width = opaque_of(type);
    } else if (class < 0) {
        tnh_damaged(helper);
    }
    is.flags |= swapped ? TNI_H5_SWAPPED : 0;
    return is;
}

size_t tnh_type_bytes(const tnh_type *type)
{
    if (type->dtype == TN_DTYPE_NONE || type->dtype == TN_STRING) {
        return (type->flags & TNI_H5_VARIABLE) != 0 ? sizeof(char *) : type->width;
    }
    return tn_dtype_about(type->dtype)->bits / 8;
}

static hid_t float_make(const float_form *form)
{
    hid_t type = H5Tcopy(H5T_IEEE_F64LE);
    bool made = H5Tset_fields(type, form->sign, form->exponent, form->exponent_bits, form->mantissa,
                              form->mantissa_bits) >= 0 &&
                H5Tset_size(type, form->size) >= 0 && H5Tset_ebias(type, form->bias) >= 0;
    return made ? type : -1;
}

static hid_t bool_make(void)
{
    const int8_t no = 0, yes = 1;
    hid_t type = H5Tenum_create(H5T_STD_I8LE);
    bool made = H5Tenum_insert(type, "FALSE", &no) >= 0 && H5Tenum_insert(type, "TRUE", &yes) >= 0;
    return made ? type : -1;
}

static hid_t complex_make(hid_t part)
{
    size_t size = H5Tget_size(part);
    hid_t type = H5Tcreate(H5T_COMPOUND, 2 * size);
    bool made = H5Tinsert(type, "r", 0, part) >= 0 && H5Tinsert(type, "i", size, part) >= 0;
    return made ? type : -1;
}

static hid_t opaque_make(size_t size)
{
    hid_t type = H5Tcreate(H5T_OPAQUE, size);
    return H5Tset_tag(type, "") >= 0 ? type : -1;
}

static hid_t integer_make(tn_dtype dtype)
{
    const tn_dtype_info *about = tn_dtype_about(dtype);
    const hid_t is_signed[] = {H5T_STD_I8LE, H5T_STD_I16LE, H5T_STD_I32LE, H5T_STD_I64LE};
    const hid_t is_unsigned[] = {H5T_STD_U8LE, H5T_STD_U16LE, H5T_STD_U32LE, H5T_STD_U64LE};
    for (size_t i = 0; i < 4; i++) {
        if (about->bits == 8u << i) {
            return H5Tcopy(about->kind == TN_KIND_INT ? is_signed[i] : is_unsigned[i]);
        }
    }
    return -1;
}

hid_t tnh_type_make(tn_dtype dtype)
{
    const tn_dtype_info *about = tn_dtype_about(dtype);
    if (dtype == TN_BFLOAT16) {
        return opaque_make(2);
    }
    for (size_t i = 0; i < FLOAT_FORMS; i++) {
        if (dtype == float_forms[i].dtype) {
            return float_make(&float_forms[i]);
        }
    }
    if (dtype == TN_BOOL) {
        return bool_make();
    }
    if (dtype == TN_COMPLEX64 || dtype == TN_COMPLEX128) {
        return complex_make(dtype == TN_COMPLEX64 ? H5T_IEEE_F32LE : H5T_IEEE_F64LE);
    }
    bool integer = about->kind == TN_KIND_INT || about->kind == TN_KIND_UINT;
    return integer ? integer_make(dtype) : -1;
}

hid_t tnh_type_memory(hid_t stored, const tnh_type *type)
{
    if (type->dtype == TN_BOOL || tn_dtype_about(type->dtype)->kind == TN_KIND_COMPLEX) {
        return tnh_type_make(type->dtype);
    }
    hid_t copy = H5Tcopy(stored);
    bool number = type->dtype != TN_DTYPE_NONE && type->dtype != TN_STRING;
    /* A bfloat16 that is opaque has no order. */
    bool ordered = number && H5Tget_class(stored) != H5T_OPAQUE;
    return copy >= 0 && ordered && H5Tset_order(copy, H5T_ORDER_LE) < 0 ? -1 : copy;
}

void tnh_space_of(tnh_helper *helper, hid_t space, tnh_space *space_out)
{
    *space_out = (tnh_space){.elements = 1};
    H5S_class_t class = H5Sget_simple_extent_type(space);
    if (class == H5S_NULL) {
        space_out->null = true;
        space_out->elements = 0;
        return;
    }
    int rank = H5Sget_simple_extent_ndims(space);
    if (class == H5S_NO_CLASS || rank < 0 || rank > TNI_H5_RANK ||
        (rank > 0 && H5Sget_simple_extent_dims(space, space_out->size, NULL) != rank)) {
        tnh_damaged(helper);
    }
    space_out->rank = rank;
    bool none = false;
    for (int i = 0; i < rank; i++) {
        none = none || space_out->size[i] == 0;
        if (space_out->size[i] > INT64_MAX ||
            (space_out->size[i] != 0 &&
             __builtin_mul_overflow(space_out->elements, space_out->size[i],
                                    &space_out->elements))) {
            tnh_damaged(helper);
        }
    }
    space_out->elements = none ? 0 : space_out->elements;
}

void tnh_put_type(tnh_channel *channel, const tnh_type *type)
{
    tnh_put_u8(channel, type->dtype);
    tnh_put_u8(channel, type->flags);
    tnh_put_u32(channel, type->width);
}

void tnh_put_space(tnh_channel *channel, const tnh_space *space)
{
    tnh_put_u8(channel, space->null ? TNI_H5_NULL_SPACE : (unsigned)space->rank);
    for (int i = 0; i < space->rank; i++) {
        tnh_put_u64(channel, space->size[i]);
    }
}
