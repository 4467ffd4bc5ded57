/* .npy headers and .npz archives, byte for byte: the lengths and CRC-32 sums are those of what
 * NumPy 2.4.6 (numpy.lib._format_impl._write_array_header) and, for archives, Python 3.11's zipfile
 * over a stream without seek (ZipInfo.external_attr = 0o100644 << 16) write for the same arrays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zlib.h>

#include "core/cursor.h"
#include <tenon/tenon.h>

enum { ROOM = 1 << 20 };

static void expect_header(tn_dtype dtype, uint32_t rank, const int64_t *shape, size_t len,
                          uint32_t crc)
{
    uint8_t *buffer = malloc(ROOM);
    size_t got = 0;
    tn_error err = {0};
    assert_int_equal(tn_npy_header(dtype, rank, shape, buffer, ROOM, &got, &err), TN_OK);
    assert_int_equal(got, len);
    assert_int_equal(crc32_z(0, buffer, got), crc);
    free(buffer);
}

static void test_text(void **state)
{
    (void)state;
    static const char wanted[] =
        "\x93NUMPY\1\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }";
    char buffer[128];
    size_t len = 0;
    tn_error err = {0};
    const int64_t shape[] = {3, 4};
    assert_int_equal(tn_npy_header(TN_FLOAT32, 2, shape, buffer, sizeof buffer, &len, &err), TN_OK);
    assert_int_equal(len, 128);
    assert_memory_equal(buffer, wanted, sizeof wanted - 1);
    for (size_t i = sizeof wanted - 1; i < 127; i++) {
        assert_int_equal(buffer[i], ' ');
    }
    assert_int_equal(buffer[127], '\n');
}

static void test_headers(void **state)
{
    (void)state;
    int64_t shape[16364];
    expect_header(TN_FLOAT32, 2, (const int64_t[]){3, 4}, 128, 545820259u);
    expect_header(TN_BOOL, 0, NULL, 128, 565381440u);
    expect_header(TN_COMPLEX128, 1, (const int64_t[]){5}, 128, 2075771349u);
    expect_header(TN_UINT8, 3, (const int64_t[]){0, 2, 7}, 128, 1472894252u);
    expect_header(TN_INT64, 2, (const int64_t[]){1234567890123, 2}, 128, 1012573897u);
    expect_header(TN_INT16, 3, (const int64_t[]){10, 10, 10}, 128, 4240379537u);
    for (int i = 0; i < 20; i++) {
        shape[i] = i + 1;
    }
    expect_header(TN_FLOAT32, 20, shape, 192, 2826118079u);
    for (size_t i = 0; i < sizeof shape / sizeof shape[0]; i++) {
        shape[i] = 1;
    }
    expect_header(TN_FLOAT16, 12, shape, 128, 2062952176u);
    for (size_t i = 0; i < sizeof shape / sizeof shape[0]; i++) {
        shape[i] = 11;
    }
    expect_header(TN_FLOAT32, 16363, shape, 65536, 1378643289u); /* the last of version 1.0 */
    expect_header(TN_FLOAT32, 16364, shape, 65600, 3928484035u); /* the first of 2.0 */
    shape[0] = 7;
    shape[10] = 333;
    expect_header(TN_FLOAT32, 11, shape, 192, 4273279826u); /* fits exactly: 64 bytes more */
}

static void test_room(void **state)
{
    (void)state;
    char buffer[128] = "x";
    size_t len = 0;
    tn_error err = {0};
    assert_int_equal(tn_npy_header(TN_INT8, 0, NULL, NULL, 0, &len, &err), TN_OK);
    assert_int_equal(len, 128);
    assert_int_equal(tn_npy_header(TN_INT8, 0, NULL, buffer, 127, &len, &err), TN_OK);
    assert_int_equal(buffer[0], 'x');
}

static void test_refused(void **state)
{
    (void)state;
    size_t len, held = 0;
    for (int dtype = 0; dtype < TN_DTYPE_COUNT; dtype++) {
        tn_error err = {0};
        tn_status status = tn_npy_header((tn_dtype)dtype, 0, NULL, NULL, 0, &len, &err);
        held += status == TN_OK;
        assert_true(status == TN_OK || err.code == TN_E_CANNOT_HOLD);
    }
    assert_int_equal(held, 14);
    tn_error err = {0};
    const int64_t unknown[] = {2, -1};
    assert_int_equal(tn_npy_header(TN_INT8, 2, unknown, NULL, 0, &len, &err), TN_UNSUPPORTED);
}

/* ---- archives */

typedef struct archive {
    tn_context *ctx;
    FILE *stream;
    char *bytes;
    size_t len;
    tn_npz *npz;
} archive;

static void start(archive *a)
{
    tn_error err = {0};
    a->bytes = NULL;
    a->ctx = tn_context_new(NULL);
    a->stream = open_memstream(&a->bytes, &a->len);
    assert_non_null(a->stream);
    assert_int_equal(tn_npz_new(a->ctx, a->stream, &a->npz, &err), TN_OK);
}

static void end(archive *a)
{
    tn_npz_free(a->npz);
    fclose(a->stream);
    free(a->bytes);
    tn_context_free(a->ctx);
}

static void add(archive *a, tn_str name, tn_dtype dtype, uint32_t rank, const int64_t *shape,
                const void *data, size_t len)
{
    tn_error err = {0};
    assert_int_equal(tn_npz_start(a->npz, name, dtype, rank, shape, &err), TN_OK);
    assert_int_equal(tn_npz_write(a->npz, data, len / 2, &err), TN_OK);
    assert_int_equal(tn_npz_write(a->npz, (const char *)data + len / 2, len - len / 2, &err),
                     TN_OK);
    assert_int_equal(tn_npz_end(a->npz, &err), TN_OK);
}

static void test_archive(void **state)
{
    (void)state;
    archive a;
    tn_error err = {0};
    static const char floats[] =
        "\0\0\0\0\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40\0\0\xa0\x40";
    start(&a);
    add(&a, TN_LIT("a"), TN_FLOAT32, 2, (const int64_t[]){2, 3}, floats, 24);
    add(&a, TN_LIT("dense/kernel:0"), TN_BOOL, 1, (const int64_t[]){2}, "\1\0", 2);
    add(&a,
        TN_LIT("gr\xc3\xb6\xc3\x9f"
               "e"),
        TN_INT64, 0, NULL, "\xfb\xff\xff\xff\xff\xff\xff\xff", 8);
    add(&a, TN_LIT(""), TN_UINT8, 2, (const int64_t[]){0, 3}, "", 0);
    assert_int_equal(tn_npz_finish(a.npz, &err), TN_OK);
    assert_int_equal(a.len, 1012);
    assert_int_equal(crc32_z(0, (const uint8_t *)a.bytes, a.len), 3094267494u);
    end(&a);
    start(&a);
    assert_int_equal(tn_npz_finish(a.npz, &err), TN_OK);
    assert_int_equal(a.len, 22);
    assert_int_equal(crc32_z(0, (const uint8_t *)a.bytes, a.len), 3620455694u);
    end(&a);
}

static void refuse(archive *a, tn_str name)
{
    tn_error err = {0};
    tn_status status = tn_npz_start(a->npz, name, TN_INT8, 0, NULL, &err);
    if (status == TN_OK || err.code != TN_E_CANNOT_HOLD) {
        fail_msg("%.*s: %s", (int)name.len, name.data, err.message);
    }
}

static void test_names(void **state)
{
    (void)state;
    archive a;
    start(&a);
    char *longest = malloc(65532);
    memset(longest, 'x', 65532);
    refuse(&a, TN_LIT("/etc/passwd"));
    refuse(&a, TN_LIT(".."));
    refuse(&a, TN_LIT("../x"));
    refuse(&a, TN_LIT("a/../x"));
    refuse(&a, TN_LIT("a/.."));
    refuse(&a, TN_LIT("a\\b"));
    refuse(&a, TN_LIT("a\0b"));
    refuse(&a, TN_LIT("a\xff"));
    refuse(&a, (tn_str){longest, 65532});
    add(&a, (tn_str){longest, 65531}, TN_INT8, 0, NULL, "", 1);
    free(longest);
    add(&a, TN_LIT("..a/b../..."), TN_INT8, 0, NULL, "", 1);
    add(&a, TN_LIT("W:0"), TN_INT8, 0, NULL, "", 1);
    add(&a, TN_LIT("b"), TN_INT8, 0, NULL, "", 1);
    refuse(&a, TN_LIT("b"));
    refuse(&a, TN_LIT("b.npy"));
    add(&a, TN_LIT("c.npy"), TN_INT8, 0, NULL, "", 1);
    refuse(&a, TN_LIT("c"));
    refuse(&a, TN_LIT("c.npy.npy"));
    end(&a);
}

static void test_misuse(void **state)
{
    (void)state;
    archive a;
    tn_error err = {0};
    start(&a);
    assert_int_equal(tn_npz_start(a.npz, TN_LIT("a"), TN_INT8, 0, NULL, &err), TN_OK);
    assert_int_equal(tn_npz_end(a.npz, &err), TN_USAGE);
    assert_int_equal(tn_npz_write(a.npz, "ab", 2, &err), TN_USAGE);
    end(&a);
}

static void test_many(void **state)
{
    (void)state;
    enum { MANY = 65536, END = 56 + 20 + 22 };
    archive a;
    tn_error err = {0};
    start(&a);
    for (int i = 0; i < MANY; i++) {
        char name[16];
        int len = snprintf(name, sizeof name, "%d", i);
        add(&a, (tn_str){name, (size_t)len}, TN_INT8, 0, NULL, "", 1);
    }
    assert_int_equal(tn_npz_finish(a.npz, &err), TN_OK);
    const uint8_t *tail = (const uint8_t *)a.bytes + a.len - END;
    assert_int_equal(tni_load_u32le(tail), 0x06064b50);
    assert_int_equal(tni_load_u64le(tail + 24), MANY);
    assert_int_equal(tni_load_u64le(tail + 32), MANY);
    uint64_t directory = tni_load_u64le(tail + 48);
    assert_int_equal(directory + tni_load_u64le(tail + 40), a.len - END);
    assert_int_equal(tni_load_u32le(a.bytes + directory), 0x02014b50);
    assert_int_equal(tni_load_u32le(tail + 56), 0x07064b50);
    assert_int_equal(tni_load_u64le(tail + 64), a.len - END);
    assert_int_equal(tni_load_u32le(tail + 76), 0x06054b50);
    end(&a);
}

static void test_stream_error(void **state)
{
    (void)state;
    tn_context *ctx = tn_context_new(NULL);
    tn_npz *npz;
    tn_error err = {0};
    FILE *full = fopen("/dev/full", "wb");
    assert_non_null(full);
    assert_int_equal(tn_npz_new(ctx, full, &npz, &err), TN_OK);
    assert_int_equal(tn_npz_finish(npz, &err), TN_WRITE);
    assert_int_equal(err.code, TN_E_NO_SPACE);
    tn_npz_free(npz);
    fclose(full);
    tn_context_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),         cmocka_unit_test(test_headers),
        cmocka_unit_test(test_room),         cmocka_unit_test(test_refused),
        cmocka_unit_test(test_archive),      cmocka_unit_test(test_names),
        cmocka_unit_test(test_misuse),       cmocka_unit_test(test_many),
        cmocka_unit_test(test_stream_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
