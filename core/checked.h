/* Overflow-checked arithmetic. Each returns false and leaves *out alone when the result does not
 * fit. */
#ifndef TN_CORE_CHECKED_H
#define TN_CORE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool tni_add_u64(uint64_t a, uint64_t b, uint64_t *out)
{
    uint64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        return false;
    }
    *out = sum;
    return true;
}

static inline bool tni_mul_u64(uint64_t a, uint64_t b, uint64_t *out)
{
    uint64_t product;
    if (__builtin_mul_overflow(a, b, &product)) {
        return false;
    }
    *out = product;
    return true;
}

static inline bool tni_mul_i64(int64_t a, int64_t b, int64_t *out)
{
    int64_t product;
    if (__builtin_mul_overflow(a, b, &product)) {
        return false;
    }
    *out = product;
    return true;
}

static inline bool tni_add_i64(int64_t a, int64_t b, int64_t *out)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        return false;
    }
    *out = sum;
    return true;
}

/* Tells whether [offset, offset + length) lies within [0, size). */
static inline bool tni_range_fits(uint64_t offset, uint64_t length, uint64_t size)
{
    return offset <= size && length <= size - offset;
}

/* Multiplies the dimensions of a shape: false if one is negative or the product exceeds INT64_MAX.
 * An overflow counts even if another dimension is zero. Rank 0 gives 1. */
static inline bool tni_shape_elements(const int64_t *shape, size_t rank, int64_t *out)
{
    int64_t product = 1;
    bool zero = false;
    for (size_t i = 0; i < rank; i++) {
        if (shape[i] < 0) {
            return false;
        }
        if (shape[i] == 0) {
            zero = true;
        } else if (!tni_mul_i64(product, shape[i], &product)) {
            return false;
        }
    }
    *out = zero ? 0 : product;
    return true;
}

#endif
