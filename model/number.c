#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/json_out.h"
#include "model/decimal.h"
#include "model/small_float.h"

static uint64_t load_bits(const void *element, unsigned bits)
{
    uint8_t byte;
    uint16_t half;
    uint32_t word;
    uint64_t both;
    switch (bits) {
    case 8:
        memcpy(&byte, element, 1);
        return byte;
    case 16:
        memcpy(&half, element, 2);
        return half;
    case 32:
        memcpy(&word, element, 4);
        return word;
    default:
        memcpy(&both, element, 8);
        return both;
    }
}

/* Returns how many bits of an integer's storage count: int2 and int4 take a byte in memory. */
static unsigned integer_bits(tn_dtype dtype)
{
    if (dtype == TN_INT2 || dtype == TN_UINT2) {
        return 2;
    }
    return dtype == TN_INT4 || dtype == TN_UINT4 ? 4 : tn_dtype_about(dtype)->bits;
}

static uint64_t unsigned_value(tn_dtype dtype, const void *element)
{
    uint64_t value = load_bits(element, tn_dtype_about(dtype)->bits);
    return value & UINT64_MAX >> (64 - integer_bits(dtype));
}

static int64_t signed_value(tn_dtype dtype, const void *element)
{
    uint64_t sign = UINT64_C(1) << (integer_bits(dtype) - 1);
    return (int64_t)((unsigned_value(dtype, element) ^ sign) - sign);
}

static double float_value(tn_dtype dtype, const void *element)
{
    const tni_small_float *small = tni_small_float_about(dtype);
    if (small != NULL) {
        return tni_small_float_value(small,
                                     (uint32_t)load_bits(element, tn_dtype_about(dtype)->bits));
    }
    if (dtype == TN_FLOAT32) {
        float value;
        memcpy(&value, element, sizeof value);
        return (double)value;
    }
    double value;
    memcpy(&value, element, sizeof value);
    return value;
}

/* Returns the dtype of a complex number's halves. */
static tn_dtype half_of(tn_dtype dtype)
{
    return dtype == TN_COMPLEX64 ? TN_FLOAT32 : TN_FLOAT64;
}

static const void *imaginary(tn_dtype dtype, const void *element)
{
    return (const char *)element + tn_dtype_about(dtype)->bits / 16;
}

double tn_number_double(tn_dtype dtype, const void *element)
{
    switch (tn_dtype_about(dtype)->kind) {
    case TN_KIND_BOOL:
        return load_bits(element, 8) != 0;
    case TN_KIND_INT:
        return (double)signed_value(dtype, element);
    case TN_KIND_UINT:
        return (double)unsigned_value(dtype, element);
    case TN_KIND_FLOAT:
        return float_value(dtype, element);
    case TN_KIND_COMPLEX:
        return float_value(half_of(dtype), element);
    case TN_KIND_NONE:
    case TN_KIND_PACKED:
    case TN_KIND_STRING:
    case TN_KIND_OPAQUE:
    default:
        return (double)NAN;
    }
}

/* Writes digits with a point, as Python does from 1e-4 to 1e16. */
static size_t write_plain(const tni_decimal *decimal, bool integer_point, char *out)
{
    size_t len = 0;
    int count = (int)decimal->count;
    if (decimal->point <= 0) {
        out[len++] = '0';
    }
    int first = decimal->point < 0 ? decimal->point : 0;
    int last = count > decimal->point ? count : decimal->point;
    for (int i = first; i < last; i++) {
        if (i == decimal->point) {
            out[len++] = '.';
        }
        out[len++] = i >= 0 && i < count ? decimal->digits[i] : '0';
    }
    if (count <= decimal->point && integer_point) {
        out[len++] = '.';
        out[len++] = '0';
    }
    return len;
}

static size_t write_scientific(const tni_decimal *decimal, char *out)
{
    size_t len = 0;
    out[len++] = decimal->digits[0];
    if (decimal->count > 1) {
        out[len++] = '.';
        memcpy(out + len, decimal->digits + 1, decimal->count - 1);
        len += decimal->count - 1;
    }
    return len + (size_t)snprintf(out + len, 8, "e%+03d", decimal->point - 1);
}

/* Writes a float as Python's repr does; `integer_point`: whole numbers end in ".0". */
static size_t write_float(tn_dtype dtype, const void *element, bool integer_point, char *out)
{
    double value = float_value(dtype, element);
    size_t len = 0;
    if (isnan(value)) {
        memcpy(out, "nan", 3);
        return 3;
    }
    if (signbit(value)) {
        out[len++] = '-';
    }
    if (isinf(value)) {
        memcpy(out + len, "inf", 3);
        return len + 3;
    }
    tni_decimal decimal = {"0", 1, 1};
    if (value != 0) {
        uint64_t bits = load_bits(element, tn_dtype_about(dtype)->bits);
        tni_decimal_shortest(dtype, bits, value, &decimal);
    }
    if (decimal.point > -4 && decimal.point <= 16) {
        return len + write_plain(&decimal, integer_point, out + len);
    }
    return len + write_scientific(&decimal, out + len);
}

static size_t write_complex(tn_dtype dtype, const void *element, char *out)
{
    tn_dtype half = half_of(dtype);
    size_t len = write_float(half, element, false, out);
    char *second = out + len + 1;
    size_t second_len = write_float(half, imaginary(dtype, element), false, second);
    if (second[0] == '-') {
        memmove(second - 1, second, second_len);
        len += second_len;
    } else {
        second[-1] = '+';
        len += 1 + second_len;
    }
    out[len++] = 'j';
    return len;
}

size_t tn_number_text(tn_dtype dtype, const void *element, char out[TN_NUMBER_ROOM])
{
    size_t len = 0;
    switch (tn_dtype_about(dtype)->kind) {
    case TN_KIND_BOOL:
        return (size_t)snprintf(out, TN_NUMBER_ROOM, load_bits(element, 8) ? "True" : "False");
    case TN_KIND_INT:
        return (size_t)snprintf(out, TN_NUMBER_ROOM, "%lld",
                                (long long)signed_value(dtype, element));
    case TN_KIND_UINT:
        return (size_t)snprintf(out, TN_NUMBER_ROOM, "%llu",
                                (unsigned long long)unsigned_value(dtype, element));
    case TN_KIND_FLOAT:
        len = write_float(dtype, element, true, out);
        break;
    case TN_KIND_COMPLEX:
        len = write_complex(dtype, element, out);
        break;
    case TN_KIND_NONE:
    case TN_KIND_PACKED:
    case TN_KIND_STRING:
    case TN_KIND_OPAQUE:
    default:
        out[len++] = '?';
    }
    out[len] = '\0';
    return len;
}

static void json_float(tn_json_out *out, tn_dtype dtype, const void *element)
{
    char text[TN_NUMBER_ROOM];
    double value = float_value(dtype, element);
    if (isnan(value)) {
        tn_json_text(out, "NaN");
    } else if (isinf(value)) {
        tn_json_text(out, value > 0 ? "Infinity" : "-Infinity");
    } else {
        tni_json_raw(out, text, write_float(dtype, element, true, text));
    }
}

void tn_json_number(tn_json_out *out, tn_dtype dtype, const void *element)
{
    switch (tn_dtype_about(dtype)->kind) {
    case TN_KIND_BOOL:
        tn_json_bool(out, load_bits(element, 8) != 0);
        break;
    case TN_KIND_INT:
        tn_json_i64(out, signed_value(dtype, element));
        break;
    case TN_KIND_UINT:
        tn_json_u64(out, unsigned_value(dtype, element));
        break;
    case TN_KIND_FLOAT:
        json_float(out, dtype, element);
        break;
    case TN_KIND_COMPLEX:
        tn_json_array(out);
        json_float(out, half_of(dtype), element);
        json_float(out, half_of(dtype), imaginary(dtype, element));
        tn_json_array_end(out);
        break;
    case TN_KIND_NONE:
    case TN_KIND_PACKED:
    case TN_KIND_STRING:
    case TN_KIND_OPAQUE:
    default:
        tn_json_null(out);
    }
}
