/* The loops of casts, to be compiled for several instruction sets: everything here is inlined into
 * the two functions of a tni_cast_impl. The loops have no branches and a constant count, so that
 * compilers make vectors of them, and read and write through memcpy, because tensors lie
 * anywhere. */
#ifndef TN_MODEL_CAST_LOOPS_H
#define TN_MODEL_CAST_LOOPS_H

#include <float.h>
#include <math.h>
#include <string.h>

#include "model/cast_impl.h"
#include "model/small_float.h"

#define INLINE static inline __attribute__((always_inline))
#define IN const unsigned char *restrict
#define OUT unsigned char *restrict
#define EACH(i) (size_t i = 0; (i) < TNI_CAST_TILE; (i)++)

/* Loads one or two bytes. */
INLINE uint32_t load_short(unsigned bytes, IN in, size_t i)
{
    uint16_t value;
    if (bytes == 1) {
        return in[i];
    }
    memcpy(&value, in + i * sizeof value, sizeof value);
    return value;
}

INLINE uint32_t load_u32(IN in, size_t i)
{
    uint32_t value;
    memcpy(&value, in + i * sizeof value, sizeof value);
    return value;
}

INLINE uint64_t load_u64(IN in, size_t i)
{
    uint64_t value;
    memcpy(&value, in + i * sizeof value, sizeof value);
    return value;
}

INLINE float load_f32(IN in, size_t i)
{
    float value;
    memcpy(&value, in + i * sizeof value, sizeof value);
    return value;
}

INLINE double load_f64(IN in, size_t i)
{
    double value;
    memcpy(&value, in + i * sizeof value, sizeof value);
    return value;
}

INLINE void store_short(unsigned bytes, OUT out, size_t i, uint32_t value)
{
    uint16_t two = (uint16_t)value;
    if (bytes == 1) {
        out[i] = (unsigned char)value;
    } else {
        memcpy(out + i * sizeof two, &two, sizeof two);
    }
}

INLINE void store_u32(OUT out, size_t i, uint32_t value)
{
    memcpy(out + i * sizeof value, &value, sizeof value);
}

INLINE void store_u64(OUT out, size_t i, uint64_t value)
{
    memcpy(out + i * sizeof value, &value, sizeof value);
}

INLINE void store_f32(OUT out, size_t i, float value)
{
    memcpy(out + i * sizeof value, &value, sizeof value);
}

INLINE void store_f64(OUT out, size_t i, double value)
{
    memcpy(out + i * sizeof value, &value, sizeof value);
}

INLINE uint32_t bits_of_f32(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

INLINE float f32_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

INLINE uint64_t bits_of_f64(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

INLINE double f64_of_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Widens one small float to the bits of a float32; exact. */
INLINE uint32_t widened(tni_small_float about, uint32_t bits)
{
    uint32_t highest = (1u << (about.exponent_bits + about.mantissa_bits)) - 1;
    uint32_t magnitude = bits & highest;
    uint32_t sign = bits > highest ? 1u << 31 : 0;
    if (about.exponent_bits == 8 && about.specials == TNI_SPECIALS_IEEE) {
        return bits << 16; /* bfloat16 is the first half of a float32 */
    }
    uint32_t rebias = (uint32_t)(127 - about.bias) << 23;
    uint32_t placed = magnitude << (23 - about.mantissa_bits);
    uint32_t result = placed + rebias;
    if (about.specials == TNI_SPECIALS_FNU) {
        result = magnitude == 0 ? 1u << 22 : result; /* 2^-127 */
    } else if (about.bias != 127) {
        /* A subnormal, given the smallest exponent and a leading one, which is then taken away. */
        float one = f32_of_bits(rebias + (1u << 23));
        uint32_t subnormal = bits_of_f32(f32_of_bits(placed + rebias + (1u << 23)) - one);
        result = magnitude >> about.mantissa_bits == 0 ? subnormal : result;
    }
    uint32_t infinity = highest >> about.mantissa_bits << about.mantissa_bits;
    if (about.specials == TNI_SPECIALS_FNUZ) {
        return sign != 0 && magnitude == 0 ? 0xFFC00000 : sign | result;
    }
    if (about.specials != TNI_SPECIALS_IEEE) {
        return sign | (magnitude == highest ? 0x7FC00000 : result);
    }
    /* As NumPy and ml_dtypes do, 16 bits keep their payload and 8 bits have none. */
    uint32_t nan = about.exponent_bits + about.mantissa_bits > 7 ? 0x7F800000 | placed : 0x7FC00000;
    result = magnitude == infinity ? 0x7F800000 : result;
    return sign | (magnitude > infinity ? nan : result);
}

INLINE unsigned bytes_of(tni_small_float about)
{
    return about.exponent_bits + about.mantissa_bits > 8 ? 2 : 1;
}

INLINE void small_to_f32(tni_small_float about, IN in, OUT out)
{
    for
        EACH(i)
        {
            store_u32(out, i, widened(about, load_short(bytes_of(about), in, i)));
        }
}

/* Returns what an overflow becomes; for float8_e4m3fn this is its NaN. */
INLINE uint32_t beyond_finite(tni_small_float about)
{
    uint32_t highest = (1u << (about.exponent_bits + about.mantissa_bits)) - 1;
    return about.specials == TNI_SPECIALS_IEEE
               ? highest >> about.mantissa_bits << about.mantissa_bits
               : highest;
}

/* Narrows the bits of a float32 to a small float of the kinds IEEE and FN. */
INLINE uint32_t narrowed(tni_small_float about, uint32_t bits)
{
    uint32_t m = about.mantissa_bits, drop = 23 - m, rebias = (uint32_t)(127 - about.bias);
    uint32_t magnitude = bits & 0x7FFFFFFF;
    uint32_t sign = bits >> 31 << (about.exponent_bits + m);
    uint32_t even = (1u << (drop - 1)) - 1 + (magnitude >> drop & 1);
    uint32_t result = ((magnitude + even) >> drop) - (rebias << m);
    if (rebias != 0) {
        /* The sum has the last place of the smallest subnormal, and rounds there. */
        uint32_t place = (rebias + 1 - m + 23) << 23;
        uint32_t subnormal = bits_of_f32(f32_of_bits(magnitude) + f32_of_bits(place)) - place;
        result = magnitude < (rebias + 1) << 23 ? subnormal : result;
    }
    uint32_t beyond = beyond_finite(about);
    uint32_t nan = beyond;
    if (about.exponent_bits == 5 && m == 10) {
        uint32_t payload = magnitude >> drop & 0x3FF; /* NumPy keeps it for float16 */
        nan |= payload == 0 ? 1 : payload;
    } else if (about.specials == TNI_SPECIALS_IEEE) {
        nan |= 1u << (m - 1);
    }
    result = result > beyond ? beyond : result;
    return sign | (magnitude > 0x7F800000 ? nan : result);
}

INLINE void f32_to_small(tni_small_float about, IN in, OUT out)
{
    for
        EACH(i)
        {
            store_short(bytes_of(about), out, i, narrowed(about, load_u32(in, i)));
        }
}

/* Narrows to float16 with one rounding, as `narrowed` does. */
INLINE void f64_to_f16(IN in, OUT out)
{
    const uint64_t place = (uint64_t)(1023 - 24 + 52) << 52, infinity = (uint64_t)0x7FF << 52;
    for
        EACH(i)
        {
            uint64_t bits = load_u64(in, i), magnitude = bits & INT64_MAX;
            uint64_t even = (UINT64_C(1) << 41) - 1 + (magnitude >> 42 & 1);
            uint64_t result = ((magnitude + even) >> 42) - ((1023 - 15) << 10);
            uint64_t subnormal = bits_of_f64(f64_of_bits(magnitude) + f64_of_bits(place)) - place;
            uint64_t payload = magnitude >> 42 & 0x3FF;
            result = magnitude < (uint64_t)(1023 - 14) << 52 ? subnormal : result;
            result = result > 0x7C00 ? 0x7C00 : result;
            result = magnitude > infinity ? 0x7C00 | (payload == 0 ? 1 : payload) : result;
            store_short(2, out, i, (uint32_t)(bits >> 63 << 15 | result));
        }
}

INLINE void f32_to_f64(IN in, OUT out)
{
    for
        EACH(i)
        {
            store_f64(out, i, (double)load_f32(in, i));
        }
}

INLINE void f64_to_f32(IN in, OUT out)
{
    for
        EACH(i)
        {
            store_f32(out, i, (float)load_f64(in, i));
        }
}

/* What is out of range is put right afterwards; here it must only not be undefined, as NaN too. */
INLINE double within(double value, double low, double high)
{
    value = value > low ? value : low;
    return value < high ? value : high;
}

INLINE void f64_to_i32(IN in, OUT out)
{
    for
        EACH(i)
        {
            store_u32(out, i, (uint32_t)(int32_t)within(load_f64(in, i), INT32_MIN, INT32_MAX));
        }
}

INLINE void f64_to_i64(IN in, OUT out)
{
    for
        EACH(i)
        {
            store_u64(out, i,
                      (uint64_t)(int64_t)within(load_f64(in, i), -0x1p63, 0x1.fffffffffffffp62));
        }
}

INLINE void f64_to_u64(IN in, OUT out)
{
    for
        EACH(i)
        {
            store_u64(out, i, (uint64_t)within(load_f64(in, i), 0, 0x1.fffffffffffffp63));
        }
}

INLINE void f64_to_bool(IN in, OUT out)
{
    for
        EACH(i)
        {
            out[i] = load_f64(in, i) != 0;
        }
}

/* Widens integers of one or two bytes, of which `bits` bits count. */
INLINE void short_to_i32(unsigned bits, bool is_signed, IN in, OUT out)
{
    uint32_t mask = (1u << bits) - 1, sign = is_signed ? 1u << (bits - 1) : 0;
    for
        EACH(i)
        {
            uint32_t value = load_short(bits > 8 ? 2 : 1, in, i) & mask;
            store_u32(out, i, (value ^ sign) - sign);
        }
}

INLINE void bools_to_i32(IN in, OUT out)
{
    for
        EACH(i)
        {
            store_u32(out, i, in[i] != 0);
        }
}

INLINE void words_to_i64(bool is_signed, IN in, OUT out)
{
    uint64_t sign = is_signed ? UINT64_C(1) << 31 : 0;
    for
        EACH(i)
        {
            store_u64(out, i, (load_u32(in, i) ^ sign) - sign);
        }
}

INLINE void i32_to_short(unsigned bits, IN in, OUT out)
{
    uint32_t mask = (1u << bits) - 1;
    for
        EACH(i)
        {
            store_short(bits > 8 ? 2 : 1, out, i, load_u32(in, i) & mask);
        }
}

INLINE void i32_to_bools(IN in, OUT out)
{
    for
        EACH(i)
        {
            out[i] = load_u32(in, i) != 0;
        }
}

INLINE void i32_to_f32(IN in, OUT out)
{
    for
        EACH(i)
        {
            store_f32(out, i, (float)(int32_t)load_u32(in, i));
        }
}

INLINE void i32_to_f64(IN in, OUT out)
{
    for
        EACH(i)
        {
            store_f64(out, i, (double)(int32_t)load_u32(in, i));
        }
}

INLINE void i64_to_words(IN in, OUT out)
{
    for
        EACH(i)
        {
            store_u32(out, i, (uint32_t)load_u64(in, i));
        }
}

INLINE void i64_to_bools(IN in, OUT out)
{
    for
        EACH(i)
        {
            out[i] = load_u64(in, i) != 0;
        }
}

INLINE void i64_to_f32(bool is_signed, IN in, OUT out)
{
    for
        EACH(i)
        {
            uint64_t value = load_u64(in, i);
            store_f32(out, i, is_signed ? (float)(int64_t)value : (float)value);
        }
}

INLINE void i64_to_f64(bool is_signed, IN in, OUT out)
{
    for
        EACH(i)
        {
            uint64_t value = load_u64(in, i);
            store_f64(out, i, is_signed ? (double)(int64_t)value : (double)value);
        }
}

#define ABOUT(exponent_bits, mantissa_bits, bias, specials)         \
    (tni_small_float)                                               \
    {                                                               \
        exponent_bits, mantissa_bits, bias, TNI_SPECIALS_##specials \
    }

INLINE void step_from_small(tn_dtype from, IN in, OUT out)
{
    switch ((int)from) {
#define SMALL_FLOAT(id, ...)                       \
    case TN_##id:                                  \
        small_to_f32(ABOUT(__VA_ARGS__), in, out); \
        break;
#include "model/small_floats.def"
#undef SMALL_FLOAT
    default:
        break;
    }
}

INLINE void step_from_f32(tn_dtype to, IN in, OUT out)
{
    switch ((int)to) {
    case TN_FLOAT64:
        f32_to_f64(in, out);
        break;
#define SMALL_FLOAT(id, ...)                       \
    case TN_##id:                                  \
        f32_to_small(ABOUT(__VA_ARGS__), in, out); \
        break;
#include "model/small_floats.def"
#undef SMALL_FLOAT
    default:
        break;
    }
}

INLINE void step_from_f64(tn_dtype to, IN in, OUT out)
{
    switch ((int)to) {
    case TN_FLOAT32:
        f64_to_f32(in, out);
        break;
    case TN_FLOAT16:
        f64_to_f16(in, out);
        break;
    case TN_INT32:
        f64_to_i32(in, out);
        break;
    case TN_INT64:
        f64_to_i64(in, out);
        break;
    case TN_UINT64:
        f64_to_u64(in, out);
        break;
    case TN_BOOL:
        f64_to_bool(in, out);
        break;
    default:
        break;
    }
}

INLINE void step_from_i32(tn_dtype to, IN in, OUT out)
{
    switch ((int)to) {
    case TN_FLOAT32:
        i32_to_f32(in, out);
        break;
    case TN_FLOAT64:
        i32_to_f64(in, out);
        break;
    case TN_INT64:
        words_to_i64(true, in, out);
        break;
    case TN_BOOL:
        i32_to_bools(in, out);
        break;
    case TN_INT2:
    case TN_UINT2:
        i32_to_short(2, in, out);
        break;
    case TN_INT4:
    case TN_UINT4:
        i32_to_short(4, in, out);
        break;
    case TN_INT8:
    case TN_UINT8:
        i32_to_short(8, in, out);
        break;
    case TN_INT16:
    case TN_UINT16:
        i32_to_short(16, in, out);
        break;
    default:
        break;
    }
}

/* Of 64 bits the sign matters to floats alone. */
INLINE void step_from_64(bool is_signed, tn_dtype to, IN in, OUT out)
{
    switch ((int)to) {
    case TN_FLOAT32:
        i64_to_f32(is_signed, in, out);
        break;
    case TN_FLOAT64:
        i64_to_f64(is_signed, in, out);
        break;
    case TN_INT64:
    case TN_UINT64:
        memcpy(out, in, TNI_CAST_TILE * sizeof(uint64_t));
        break;
    case TN_INT32:
    case TN_UINT32:
        i64_to_words(in, out);
        break;
    case TN_BOOL:
        i64_to_bools(in, out);
        break;
    default:
        break;
    }
}

INLINE void step_from_short(tn_dtype from, IN in, OUT out)
{
    switch ((int)from) {
    case TN_BOOL:
        bools_to_i32(in, out);
        break;
    case TN_INT2:
        short_to_i32(2, true, in, out);
        break;
    case TN_UINT2:
        short_to_i32(2, false, in, out);
        break;
    case TN_INT4:
        short_to_i32(4, true, in, out);
        break;
    case TN_UINT4:
        short_to_i32(4, false, in, out);
        break;
    case TN_INT8:
        short_to_i32(8, true, in, out);
        break;
    case TN_UINT8:
        short_to_i32(8, false, in, out);
        break;
    case TN_INT16:
        short_to_i32(16, true, in, out);
        break;
    case TN_UINT16:
        short_to_i32(16, false, in, out);
        break;
    default:
        break;
    }
}

/* The step of a tni_cast_impl. */
INLINE void cast_step(tn_dtype from, tn_dtype to, const void *restrict in, void *restrict out)
{
    switch ((int)from) {
    case TN_FLOAT32:
        step_from_f32(to, in, out);
        break;
    case TN_FLOAT64:
        step_from_f64(to, in, out);
        break;
    case TN_INT32:
        step_from_i32(to, in, out);
        break;
    case TN_UINT32:
        words_to_i64(false, in, out);
        break;
    case TN_INT64:
        step_from_64(true, to, in, out);
        break;
    case TN_UINT64:
        step_from_64(false, to, in, out);
        break;
    default:
        if (to == TN_FLOAT32) {
            step_from_small(from, in, out);
        } else {
            step_from_short(from, in, out);
        }
    }
}

#endif
