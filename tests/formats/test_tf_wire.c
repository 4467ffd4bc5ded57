/* The protobuf walker, and ordered code. */
#include "formats/shared/ordered_code.h"
#include "formats/shared/wire.h"
#include "tf_file.h"

/* Walks a message given in hexadecimal; returns the number of fields, or -1 for damage. */
static int walk(tn_context *ctx, const char *hex, tni_wire_field *last)
{
    tni_buffer b;
    tni_buffer_init(&b, ctx);
    put_hex(&b, hex);
    /* A copy of just that size, so that the sanitizer sees reads beyond it. */
    char *exact = malloc(b.len == 0 ? 1 : b.len);
    memcpy(exact, b.len == 0 ? "" : b.data, b.len);
    tni_wire wire = tni_wire_of((tn_str){exact, b.len});
    tni_wire_field field = {0, 0, TN_STR_NONE};
    int count = 0;
    while (tni_wire_next(&wire, &field)) {
        count++;
    }
    if (last != NULL) {
        *last = field;
    }
    bool failed = wire.cursor.failed;
    tni_buffer_clear(&b);
    free(exact);
    return failed ? -1 : count;
}

static void fields(void **state)
{
    tn_context *ctx = *state;
    tni_wire_field f;
    assert_int_equal(walk(ctx, "", NULL), 0);
    assert_int_equal(walk(ctx, "08 01", &f), 1);
    assert_int_equal(f.tag, TNI_WIRE_TAG(1, TNI_WIRE_VARINT));
    assert_int_equal(f.number, 1);
    assert_int_equal(walk(ctx, "35 06 38 27 1f", &f), 1);
    assert_int_equal(f.tag, TNI_WIRE_TAG(6, TNI_WIRE_I32));
    assert_int_equal(f.number, 0x1F273806);
    assert_int_equal(walk(ctx, "09 0102030405060708", &f), 1);
    assert_true(f.number == UINT64_C(0x0807060504030201));
    assert_int_equal(walk(ctx, "12 00 1a 03 61 62 63", &f), 2);
    assert_int_equal(f.bytes.len, 3);
    /* A negative int32 takes ten bytes. */
    assert_int_equal(walk(ctx, "08 ff ff ff ff ff ff ff ff ff 01", &f), 1);
    assert_true(f.number == UINT64_MAX);
}

static void groups_are_stepped_over(void **state)
{
    tn_context *ctx = *state;
    tni_wire_field f;
    assert_int_equal(walk(ctx, "0b 0c 08 05", &f), 2);
    assert_int_equal(f.number, 5);
    /* A group in a group, with every wire type inside. */
    assert_int_equal(
        walk(ctx, "0b 08 01 11 0000000000000000 13 1a 01 ff 14 2d 00000000 0c 10 07", &f), 2);
    assert_int_equal(f.number, 7);
    assert_int_equal(walk(ctx, "0b 08 01 0c", &f), 1);
    assert_int_equal(f.bytes.len, 2);
}

static void damage(void **state)
{
    tn_context *ctx = *state;
    const char *const bad[] = {
        "08",                               /* a tag without a value */
        "00 01",                            /* field number 0 */
        "08 80",                            /* a varint that does not end */
        "08 ff ff ff ff ff ff ff ff ff ff", /* one of eleven bytes */
        "ff ff ff ff ff 01",                /* a tag of six bytes */
        "12 05 61",                         /* a length beyond the end */
        "12 ff ff ff ff ff ff ff ff ff 01", /* a length of 2^64 - 1 */
        "35 00 00 00",                      /* a word cut short */
        "09 00 00 00 00 00 00 00",
        "0e",          /* wire type 6 */
        "0f",          /* wire type 7 */
        "0c",          /* an end without its group */
        "0b",          /* a group without an end */
        "0b 14",       /* ended by another one's tag */
        "0b 13 0c 14", /* ends that cross */
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (walk(ctx, bad[i], NULL) != -1) {
            fail_msg("not refused: %s", bad[i]);
        }
    }
}

static void depth_of_groups(void **state)
{
    (void)state;
    for (size_t depth = TNI_WIRE_DEPTH; depth <= TNI_WIRE_DEPTH + 1; depth++) {
        char message[2 * (TNI_WIRE_DEPTH + 1)];
        memset(message, 0x0b, depth);
        memset(message + depth, 0x0c, depth);
        tni_wire wire = tni_wire_of((tn_str){message, 2 * depth});
        tni_wire_field field;
        assert_int_equal(tni_wire_next(&wire, &field), depth == TNI_WIRE_DEPTH);
        assert_int_equal(wire.cursor.failed, depth != TNI_WIRE_DEPTH);
    }
}

static void packed_and_single(void **state)
{
    (void)state;
    tni_wire wire = tni_wire_of(TN_LIT("\x1a\x03\x01\xac\x02\x18\x07\x1a\x01\x80"));
    tni_wire_field field;
    tni_wire_numbers numbers;
    uint64_t number;
    assert_true(tni_wire_next(&wire, &field));
    assert_true(tni_wire_numbers_of(&field, TNI_WIRE_VARINT, &numbers));
    assert_true(tni_wire_number(&numbers, &number));
    assert_int_equal(number, 1);
    assert_true(tni_wire_number(&numbers, &number));
    assert_int_equal(number, 300);
    assert_false(tni_wire_number(&numbers, &number));
    assert_false(numbers.cursor.failed);
    assert_true(tni_wire_next(&wire, &field));
    assert_false(tni_wire_numbers_of(&field, TNI_WIRE_I32, &numbers));
    assert_true(tni_wire_numbers_of(&field, TNI_WIRE_VARINT, &numbers));
    assert_true(tni_wire_number(&numbers, &number));
    assert_int_equal(number, 7);
    assert_false(tni_wire_number(&numbers, &number));
    assert_true(tni_wire_next(&wire, &field));
    assert_true(tni_wire_numbers_of(&field, TNI_WIRE_VARINT, &numbers));
    assert_false(tni_wire_number(&numbers, &number));
    assert_true(numbers.cursor.failed);
}

static void is_code(const tni_buffer *b, const char *hex)
{
    tni_buffer want;
    tni_buffer_init(&want, b->ctx);
    put_hex(&want, hex);
    assert_int_equal(b->len, want.len);
    assert_memory_equal(b->data, want.data, want.len);
    tni_buffer_clear(&want);
}

/* The values of ordered_code.cc's own documentation and of real files. */
static void signed_numbers(void **state)
{
    static const struct {
        int64_t value;
        const char *code;
    } known[] = {
        {0, "80"},
        {1, "81"},
        {-1, "7f"},
        {5, "85"},
        {-2048, "38 00"},
        {63, "bf"},
        {64, "c0 40"},
        {128, "c0 80"},
        {300, "c1 2c"},
        {1 << 20, "f0 10 00 00"},
        {8191, "df ff"},
        {8192, "e0 20 00"},
        {100000, "e1 86 a0"},
        {0x424242, "f0 42 42 42"},
        {INT64_C(1) << 31, "f8 80 00 00 00"},
    };
    tni_buffer b;
    tni_buffer_init(&b, *state);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        int64_t back;
        tni_buffer_reset(&b);
        tni_ordered_put_i64(&b, known[i].value);
        is_code(&b, known[i].code);
        tni_cursor c = tni_cursor_of(b.data, b.len);
        assert_true(tni_ordered_get_i64(&c, &back));
        assert_true(back == known[i].value);
    }
    tni_buffer_clear(&b);
}

/* At every border of length codes go back, and sort as their numbers do. */
static void signed_borders(void **state)
{
    tni_buffer b, before;
    int64_t values[4 * 63 + 2], back;
    size_t count = 0;
    for (int bits = 62; bits >= 0; bits--) {
        values[count++] = -(INT64_C(1) << bits) - 1;
        values[count++] = -(INT64_C(1) << bits);
    }
    for (int bits = 0; bits <= 62; bits++) {
        values[count++] = (INT64_C(1) << bits) - 1;
        values[count++] = INT64_C(1) << bits;
    }
    values[count++] = INT64_MAX;
    tni_buffer_init(&b, *state);
    tni_buffer_init(&before, *state);
    for (size_t i = 0; i < count; i++) {
        tni_buffer_reset(&b);
        tni_ordered_put_i64(&b, values[i]);
        tni_cursor c = tni_cursor_of(b.data, b.len);
        assert_true(tni_ordered_get_i64(&c, &back));
        assert_true(back == values[i]);
        assert_int_equal(tni_cursor_left(&c), 0);
        if (i > 0 && values[i] > values[i - 1]) {
            assert_true(tn_str_compare((tn_str){before.data, before.len}, (tn_str){b.data, b.len}) <
                        0);
        }
        tni_buffer_reset(&before);
        tni_buffer_str(&before, (tn_str){b.data, b.len});
        for (size_t cut = 0; cut < b.len; cut++) {
            c = tni_cursor_of(b.data, cut);
            assert_false(tni_ordered_get_i64(&c, &back));
        }
    }
    tni_buffer_clear(&b);
    tni_buffer_clear(&before);
}

static void slice_keys(void **state)
{
    tni_buffer b, text;
    tni_buffer_init(&b, *state);
    tni_buffer_init(&text, *state);
    tni_ordered_put_slice(&b, TN_LIT("W"), 2, (int64_t[]){0, 0}, (int64_t[]){5, 4});
    is_code(&b, "00 57 00 01 01 02 80 85 80 84");
    tni_buffer_reset(&b);
    tni_ordered_put_slice(&b, TN_LIT("W"), 2, (int64_t[]){5, 0}, (int64_t[]){5, 4});
    is_code(&b, "00 57 00 01 01 02 85 85 80 84");
    tni_buffer_reset(&b);
    tni_ordered_put_slice(&b, TN_LIT("W"), 2, (int64_t[]){0, 0}, (int64_t[]){5, -1});
    is_code(&b, "00 57 00 01 01 02 80 85 80 7f");
    tni_buffer_reset(&b);
    tni_ordered_put_slice(&b, TN_LIT("W"), 0, NULL, NULL);
    is_code(&b, "00 57 00 01 00");
    tni_buffer_reset(&b);
    tni_ordered_put_str(&b, TN_LIT("a\0b\xFF"));
    is_code(&b, "61 00 ff 62 ff 00 00 01");
    tni_cursor c = tni_cursor_of(b.data, b.len);
    assert_true(tni_ordered_get_str(&c, &text));
    assert_int_equal(text.len, 4);
    assert_memory_equal(text.data, "a\0b\xFF", 4);
    c = tni_cursor_of("a\0\2", 3);
    assert_false(tni_ordered_get_str(&c, &text));
    c = tni_cursor_of("a\xFF\1", 3);
    assert_false(tni_ordered_get_str(&c, &text));
    c = tni_cursor_of("abc", 3);
    assert_false(tni_ordered_get_str(&c, &text));
    uint64_t number;
    tni_buffer_reset(&b);
    tni_ordered_put_u64(&b, UINT64_MAX);
    is_code(&b, "08 ff ff ff ff ff ff ff ff");
    c = tni_cursor_of(b.data, b.len);
    assert_true(tni_ordered_get_u64(&c, &number));
    assert_true(number == UINT64_MAX);
    c = tni_cursor_of("\x09"
                      "123456789",
                      10);
    assert_false(tni_ordered_get_u64(&c, &number));
    tni_buffer_clear(&b);
    tni_buffer_clear(&text);
}

static int make_context(void **state)
{
    *state = tn_context_new(NULL);
    return *state == NULL;
}

static int free_context(void **state)
{
    tn_context_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields),
        cmocka_unit_test(groups_are_stepped_over),
        cmocka_unit_test(damage),
        cmocka_unit_test(depth_of_groups),
        cmocka_unit_test(packed_and_single),
        cmocka_unit_test(signed_numbers),
        cmocka_unit_test(signed_borders),
        cmocka_unit_test(slice_keys),
    };
    return cmocka_run_group_tests(tests, make_context, free_context);
}
