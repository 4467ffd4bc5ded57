/* The writer of .npz archives, for any names and forms: the archive is walked from its end by a
 * reader of its own, and holds just the arrays that were taken. An input is a list of arrays:
 * dtype, rank, its sizes, the name. */
#include "target.h"

#include <stdlib.h>
#include <zlib.h>

enum { MOST_ARRAYS = 64, MOST_BYTES = 4096, END = 22, CENTRAL = 46, LOCAL = 30 };

typedef struct array {
    tn_str name;
    uint64_t bytes;
} array;

static uint32_t u16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

/* Checks a member's data: a .npy header of version 1 or 2 that ends in a line feed, then the
 * values. */
static void check_npy(const uint8_t *data, uint32_t size, const array *a)
{
    FUZZ_HOLDS(size >= 12 && memcmp(data, "\x93NUMPY", 6) == 0 && (data[6] == 1 || data[6] == 2) &&
               data[7] == 0);
    uint32_t header = data[6] == 1 ? 10 + u16(data + 8) : 12 + tni_load_u32le(data + 8);
    FUZZ_HOLDS(header % 64 == 0 && header <= size && data[header - 1] == '\n');
    FUZZ_HOLDS(size - header == a->bytes);
    for (uint64_t i = 0; i < a->bytes; i++) {
        FUZZ_HOLDS(data[header + i] == (uint8_t)(i * 7));
    }
}

static void check_member(const uint8_t *zip, const uint8_t *central, const array *a)
{
    uint32_t crc = tni_load_u32le(central + 16), size = tni_load_u32le(central + 24);
    uint32_t name_len = u16(central + 28), at = tni_load_u32le(central + 42);
    const uint8_t *local = zip + at;
    FUZZ_HOLDS(tni_load_u32le(central) == 0x02014B50 && tni_load_u32le(local) == 0x04034B50);
    FUZZ_HOLDS(name_len == a->name.len + 4 && u16(local + 26) == name_len);
    FUZZ_HOLDS(memcmp(central + CENTRAL, a->name.data, a->name.len) == 0);
    FUZZ_HOLDS(memcmp(central + CENTRAL + a->name.len, ".npy", 4) == 0);
    FUZZ_HOLDS(memcmp(local + LOCAL, central + CENTRAL, name_len) == 0);
    const uint8_t *data = local + LOCAL + name_len + u16(local + 28);
    FUZZ_HOLDS(u16(central + 10) == 0 && size == tni_load_u32le(central + 20)); /* stored */
    FUZZ_HOLDS(crc32(0, data, size) == crc);
    check_npy(data, size, a);
}

static void check_zip(const uint8_t *zip, size_t len, const array *arrays, size_t count)
{
    FUZZ_HOLDS(len >= END && tni_load_u32le(zip + len - END) == 0x06054B50);
    const uint8_t *end = zip + len - END, *central = zip + tni_load_u32le(end + 16);
    FUZZ_HOLDS(u16(end + 10) == count);
    for (size_t i = 0; i < count; i++) {
        check_member(zip, central, &arrays[i]);
        central += CENTRAL + u16(central + 28) + u16(central + 30) + u16(central + 32);
    }
    FUZZ_HOLDS(central == end);
}

/* Writes the next array that the input tells; false if it is refused. */
static bool write_array(tn_npz *npz, tni_cursor *input, array *a)
{
    uint8_t dtype = 0, rank = 0, size, values[MOST_BYTES];
    int64_t shape[8], elements = 1;
    (void)tni_get_u8(input, &dtype);
    (void)tni_get_u8(input, &rank);
    rank %= 8;
    for (uint8_t i = 0; i < rank; i++) {
        shape[i] = tni_get_u8(input, &size) ? (int64_t)(size % 6) - (size == 255) * 4 : 1;
        elements *= shape[i];
    }
    a->name = fuzz_part(input);
    tn_dtype type = (tn_dtype)(dtype % TN_DTYPE_COUNT);
    if (elements < 0 || !tn_dtype_bytes(type, (uint64_t)elements, &a->bytes)) {
        a->bytes = 0;
    }
    if (a->bytes > MOST_BYTES) {
        return false;
    }
    for (uint64_t i = 0; i < a->bytes; i++) {
        values[i] = (uint8_t)(i * 7);
    }
    tn_error err = {0};
    if (tn_npz_start(npz, a->name, type, rank, shape, &err) != TN_OK) {
        FUZZ_HOLDS(err.code == TN_E_CANNOT_HOLD);
        return false;
    }
    uint64_t half = a->bytes / 2;
    FUZZ_HOLDS(tn_npz_write(npz, values, half, NULL) == TN_OK);
    FUZZ_HOLDS(tn_npz_write(npz, values + half, a->bytes - half, NULL) == TN_OK);
    FUZZ_HOLDS(tn_npz_end(npz, NULL) == TN_OK);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz f;
    tni_cursor input = tni_cursor_of(data, size);
    array arrays[MOST_ARRAYS];
    size_t count = 0, len;
    char *zip;
    tn_npz *npz;
    FILE *stream = open_memstream(&zip, &len);
    FUZZ_HOLDS(stream != NULL);
    fuzz_begin(&f);
    FUZZ_HOLDS(tn_npz_new(f.ctx, stream, &npz, NULL) == TN_OK);
    while (count < MOST_ARRAYS && tni_cursor_left(&input) > 0) {
        count += write_array(npz, &input, &arrays[count]);
    }
    FUZZ_HOLDS(tn_npz_finish(npz, NULL) == TN_OK);
    tn_npz_free(npz);
    fclose(stream);
    check_zip((const uint8_t *)zip, len, arrays, count);
    free(zip);
    fuzz_end(&f);
    return 0;
}
