/* The header of a .npy file. The format and NumPy's way of writing it: numpy/lib/_format_impl.py
 * (write_array_header_2_0 and its helpers). */
#include "core/error.h"
#include <inttypes.h>
#include <tenon/npy.h>

enum {
    MAGIC = 8,      /* "\x93NUMPY" and two version bytes */
    ALIGNMENT = 64, /* ARRAY_ALIGN */
    GROWTH = 21,    /* GROWTH_AXIS_MAX_DIGITS: room for the first dimension to grow in place */
    LENGTH_1_0 = 2, /* bytes of the header's length in version 1.0 */
    LENGTH_2_0 = 4
};

static const char *descr_of(tn_dtype dtype)
{
    static const char *const letters[TN_DTYPE_COUNT] = {
        [TN_BOOL] = "|b1",      [TN_INT8] = "|i1",       [TN_INT16] = "<i2",   [TN_INT32] = "<i4",
        [TN_INT64] = "<i8",     [TN_UINT8] = "|u1",      [TN_UINT16] = "<u2",  [TN_UINT32] = "<u4",
        [TN_UINT64] = "<u8",    [TN_FLOAT16] = "<f2",    [TN_FLOAT32] = "<f4", [TN_FLOAT64] = "<f8",
        [TN_COMPLEX64] = "<c8", [TN_COMPLEX128] = "<c16"};
    return letters[dtype];
}

/* Text that is counted in full and written as far as there is room. */
typedef struct writing {
    char *at;
    size_t room, len;
} writing;

static void put(writing *w, const char *text, size_t len)
{
    if (w->len <= w->room && len <= w->room - w->len) {
        memcpy(w->at + w->len, text, len);
    }
    w->len += len;
}

static void put_text(writing *w, const char *text)
{
    put(w, text, strlen(text));
}

static void put_fill(writing *w, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put(w, " ", 1);
    }
}

static size_t put_dimension(writing *w, int64_t size)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRId64, size);
    put(w, digits, (size_t)len);
    return (size_t)len;
}

static void put_dict(writing *w, const char *descr, uint32_t rank, const int64_t *shape)
{
    size_t first = 0;
    put_text(w, "{'descr': '");
    put_text(w, descr);
    put_text(w, "', 'fortran_order': False, 'shape': (");
    for (uint32_t i = 0; i < rank; i++) {
        if (i > 0) {
            put_text(w, ", ");
        }
        size_t len = put_dimension(w, shape[i]);
        first = i == 0 ? len : first;
    }
    put_text(w, rank == 1 ? ",), }" : "), }");
    put_fill(w, rank == 0 ? 0 : GROWTH - first);
}

static void put_length(writing *w, size_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        char byte = (char)(unsigned char)(value >> (8 * i));
        put(w, &byte, 1);
    }
}

/* Writes magic, length, dictionary and padding: at least one space and up to 64 (sic), then a
 * newline. */
static void put_header(writing *w, const char *descr, uint32_t rank, const int64_t *shape)
{
    writing measure = {0};
    put_dict(&measure, descr, rank, shape);
    size_t text = measure.len + 1, length_bytes = LENGTH_1_0;
    size_t padding = ALIGNMENT - (MAGIC + length_bytes + text) % ALIGNMENT;
    if (text + padding > UINT16_MAX) {
        length_bytes = LENGTH_2_0;
        padding = ALIGNMENT - (MAGIC + length_bytes + text) % ALIGNMENT;
    }
    put(w, length_bytes == LENGTH_1_0 ? "\x93NUMPY\1\0" : "\x93NUMPY\2\0", MAGIC);
    put_length(w, text + padding, length_bytes);
    put_dict(w, descr, rank, shape);
    put_fill(w, padding);
    put(w, "\n", 1);
}

tn_status tn_npy_header(tn_dtype dtype, uint32_t rank, const int64_t *shape, void *buffer,
                        size_t room, size_t *len_out, tn_error *err)
{
    const char *descr = descr_of(dtype);
    if (descr == NULL) {
        return tni_fail(err, TN_E_CANNOT_HOLD,
                        "NumPy has no dtype for %s; it has bool, int8 to int64, uint8 to uint64, "
                        "float16, float32, float64, complex64 and complex128",
                        tn_dtype_about(dtype)->name);
    }
    for (uint32_t i = 0; i < rank; i++) {
        if (shape[i] < 0) {
            return tni_fail(err, TN_E_CANNOT_HOLD, "dimension %" PRIu32 " is not known", i);
        }
    }
    writing measure = {0};
    put_header(&measure, descr, rank, shape);
    if (measure.len <= room) {
        writing w = {.at = buffer, .room = room};
        put_header(&w, descr, rank, shape);
    }
    *len_out = measure.len;
    return TN_OK;
}
