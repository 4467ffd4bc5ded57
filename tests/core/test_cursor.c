/* Cursor: bounds, sticky failure, varints as protobuf's documentation gives them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/cursor.h"

static void test_failure_sticks(void **state)
{
    (void)state;
    const uint8_t data[] = {1, 2, 3, 4, 5};
    tni_cursor c = tni_cursor_of(data, sizeof data);
    uint32_t word = 99;
    uint64_t both = 99;
    uint8_t byte = 99;
    assert_true(tni_get_u32le(&c, &word));
    assert_int_equal(word, 0x04030201);
    assert_false(tni_get_u64le(&c, &both));
    assert_false(tni_get_u8(&c, &byte)); /* although one byte is left */
    assert_int_equal(both, 99);
    assert_int_equal(byte, 99);
    assert_int_equal(tni_cursor_left(&c), 0);
}

static void test_lengths_cannot_wrap(void **state)
{
    (void)state;
    const uint8_t data[8] = {0};
    for (size_t pos = 0; pos <= 8; pos++) {
        tni_cursor c = tni_cursor_of(data, sizeof data);
        const uint8_t *bytes;
        assert_true(tni_skip(&c, pos));
        assert_false(tni_get_bytes(&c, SIZE_MAX - pos, &bytes));
    }
}

static void test_varint_vectors(void **state)
{
    (void)state;
    const uint8_t data[] = {0x00, 0x01, 0x96, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F};
    static const uint32_t wanted[] = {0, 1, 150, UINT32_MAX};
    tni_cursor c = tni_cursor_of(data, sizeof data);
    for (size_t i = 0; i < 4; i++) {
        uint32_t value;
        assert_true(tni_get_varint32(&c, &value));
        assert_int_equal(value, wanted[i]);
    }
    assert_int_equal(tni_cursor_left(&c), 0);
}

static void test_varint_round_trip(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit <= 64; bit++) {
        for (int delta = -1; delta <= 1; delta++) {
            uint64_t value = (bit < 64 ? UINT64_C(1) << bit : 0) + (uint64_t)(int64_t)delta;
            uint64_t back = ~value;
            uint8_t data[10];
            size_t len = tni_put_varint64(data, value);
            tni_cursor c = tni_cursor_of(data, len);
            assert_true(tni_get_varint64(&c, &back));
            assert_true(back == value);
            assert_int_equal(c.pos, len);
            c = tni_cursor_of(data, len - 1);
            assert_false(tni_get_varint64(&c, &back));
        }
    }
}

static void test_varint_too_large(void **state)
{
    (void)state;
    const uint8_t five[] = {0xFF, 0xFF, 0xFF, 0xFF, 0x1F};
    const uint8_t six[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x00};
    const uint8_t ten[] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02};
    const uint8_t eleven[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00};
    uint32_t small = 7;
    uint64_t large = 7;
    tni_cursor c = tni_cursor_of(five, sizeof five);
    assert_false(tni_get_varint32(&c, &small));
    c = tni_cursor_of(six, sizeof six);
    assert_false(tni_get_varint32(&c, &small));
    c = tni_cursor_of(ten, sizeof ten);
    assert_false(tni_get_varint64(&c, &large));
    c = tni_cursor_of(eleven, sizeof eleven);
    assert_false(tni_get_varint64(&c, &large));
    assert_int_equal(small, 7);
    assert_int_equal(large, 7);
}

static void test_byte_order(void **state)
{
    (void)state;
    uint8_t data[17] = {0};
    tni_store_u64le(data + 1, UINT64_C(0x0102030405060708));
    assert_int_equal(data[1], 8);
    assert_true(tni_load_u64le(data + 1) == UINT64_C(0x0102030405060708));
    tni_store_u32le(data + 9, 0xA1B2C3D4);
    assert_int_equal(tni_load_u32le(data + 9), 0xA1B2C3D4);
    for (size_t unit = 1; unit <= 8; unit *= 2) {
        uint8_t words[16];
        for (size_t i = 0; i < 16; i++) {
            words[i] = (uint8_t)i;
        }
        tni_swap_bytes(words, 16, unit);
        for (size_t i = 0; i < 16; i++) {
            assert_int_equal(words[i], i / unit * unit + (unit - 1 - i % unit));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failure_sticks),   cmocka_unit_test(test_lengths_cannot_wrap),
        cmocka_unit_test(test_varint_vectors),   cmocka_unit_test(test_varint_round_trip),
        cmocka_unit_test(test_varint_too_large), cmocka_unit_test(test_byte_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
