/* Escapes, UTF-8, natural order, edit distance, byte counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/text.h"
#include <tenon/text.h>

static void check_escape(tn_str name, const char *wanted)
{
    char out[256];
    size_t len = tn_escape(name, out, sizeof out);
    assert_string_equal(out, wanted);
    assert_int_equal(len, strlen(wanted));
    assert_true(tn_unescape(out, &len));
    assert_int_equal(len, name.len);
    assert_memory_equal(out, name.data, len);
}

static void test_escape(void **state)
{
    (void)state;
    check_escape(TN_LIT("dense/kernel:0"), "dense/kernel:0");
    check_escape(TN_LIT("größe/日本/🙂"), "größe/日本/🙂");
    check_escape(TN_LIT("a\\b\n\t\r\0c\x7F"), "a\\\\b\\n\\t\\x0d\\x00c\\x7f");
    check_escape(TN_LIT("\xC2\x85"), "\\u{85}");            /* C1: next line */
    check_escape(TN_LIT("\xE2\x80\xAE"), "\\u{202e}");      /* right-to-left override */
    check_escape(TN_LIT("\xE2\x80\x8B"), "\\u{200b}");      /* zero-width space */
    check_escape(TN_LIT("\xEF\xBB\xBF"), "\\u{feff}");      /* byte order mark */
    check_escape(TN_LIT("\xF3\xA0\x81\x81"), "\\u{e0041}"); /* tag letter */
    check_escape(TN_LIT("\xFF\xC3("), "\\xff\\xc3(");
    check_escape(TN_LIT("\xED\xA0\x80"), "\\xed\\xa0\\x80"); /* a surrogate */
    check_escape(TN_LIT("\xC0\x80"), "\\xc0\\x80");          /* overlong */
    check_escape(TN_LIT("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
}

/* Every pair of bytes, and every code point, comes back. */
static void test_escape_round_trip(void **state)
{
    (void)state;
    char out[64];
    for (unsigned pair = 0; pair < 65536; pair++) {
        const char name[2] = {(char)(pair >> 8), (char)pair};
        size_t len = tn_escape((tn_str){name, 2}, out, sizeof out);
        assert_true(tn_utf8_valid((tn_str){out, len}));
        assert_true(tn_unescape(out, &len));
        assert_int_equal(len, 2);
        assert_memory_equal(out, name, 2);
    }
    for (uint32_t point = 0; point <= 0x10FFFF; point++) {
        char name[4];
        size_t len = tni_utf8_encode(point, name);
        size_t escaped = tn_escape((tn_str){name, len}, out, sizeof out);
        assert_true(tn_unescape(out, &escaped));
        assert_int_equal(escaped, len);
        assert_memory_equal(out, name, len);
    }
}

static void test_escape_is_cut_whole(void **state)
{
    (void)state;
    const tn_str name = TN_LIT("a\xC3\xA9\x01z");
    static const char *const wanted[] = {"",   "",   "a",  "a",       "aé",
                                         "aé", "aé", "aé", "aé\\x01", "aé\\x01z"};
    for (size_t room = 0; room < 10; room++) {
        char out[16] = "untouched";
        assert_int_equal(tn_escape(name, out, room), 8);
        if (room == 0) {
            assert_string_equal(out, "untouched");
        } else {
            assert_string_equal(out, wanted[room]);
        }
    }
}

static void test_bad_escapes_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\\",   "a\\",   "\\q",    "\\x",       "\\x1",        "\\xg0",  "\\u",          "\\u1234",
        "\\u{", "\\u{}", "\\u{12", "\\u{d800}", "\\u{110000}", "\\u{g}", "\\u{0000041}", "\\n\\x4"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[32];
        strcpy(text, bad[i]);
        size_t len = strlen(text);
        assert_false(tn_unescape(text, &len));
        assert_string_equal(text, bad[i]);
        assert_int_equal(len, strlen(bad[i]));
    }
    char good[] = "\\u{000041}\\x4A\\u{1F642}";
    size_t len = sizeof good - 1;
    assert_true(tn_unescape(good, &len));
    assert_int_equal(len, 6);
    assert_memory_equal(good, "AJ\xF0\x9F\x99\x82", 6);
}

/* Unicode's table 3-7 of well-formed byte sequences, as an oracle for all three-byte beginnings. */
static bool well_formed(const unsigned char *p, size_t len)
{
    if (len == 1) {
        return p[0] < 0x80;
    }
    if (len == 2) {
        return p[0] >= 0xC2 && p[0] <= 0xDF && p[1] >= 0x80 && p[1] <= 0xBF;
    }
    unsigned low = p[0] == 0xE0 ? 0xA0 : 0x80, high = p[0] == 0xED ? 0x9F : 0xBF;
    return p[0] >= 0xE0 && p[0] <= 0xEF && p[1] >= low && p[1] <= high && p[2] >= 0x80 &&
           p[2] <= 0xBF;
}

static void test_utf8(void **state)
{
    (void)state;
    for (unsigned first = 0x80; first < 0x100; first++) {
        for (unsigned rest = 0; rest < 65536; rest++) {
            const unsigned char p[3] = {(unsigned char)first, (unsigned char)(rest >> 8),
                                        (unsigned char)rest};
            bool wanted = well_formed(p, 3) || (well_formed(p, 2) && well_formed(p + 2, 1));
            assert_int_equal(tn_utf8_valid((tn_str){(const char *)p, 3}), wanted);
        }
    }
    assert_true(tn_utf8_valid(TN_LIT("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF")));
    assert_false(tn_utf8_valid(TN_LIT("\xF0\x8F\xBF\xBF")));
    assert_false(tn_utf8_valid(TN_LIT("\xF4\x90\x80\x80")));
    assert_false(tn_utf8_valid(TN_LIT("\xF0\x90\x80")));
    assert_true(tn_utf8_valid((tn_str){"", 0}));
}

static void test_natural_order(void **state)
{
    (void)state;
    static const char *const sorted[] = {"",      "2",       "002x",     "10",       "a",
                                         "a/b",   "a0",      "a1",       "a01",      "a2",
                                         "a2b",   "a10",     "a10b2",    "a10b10",   "ab",
                                         "layer", "layer_9", "layer_09", "layer_10", "\xC3\xA9"};
    enum { COUNT = sizeof sorted / sizeof sorted[0] };
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < COUNT; j++) {
            int order = tn_natural_compare(tn_str_of(sorted[i]), tn_str_of(sorted[j]));
            /* a1 and a01 are equal in value; their bytes decide, so that 01 < 1. */
            bool zeros = (i == 7 && j == 8) || (i == 8 && j == 7) || (i == 16 && j == 17) ||
                         (i == 17 && j == 16);
            int wanted = ((i > j) - (i < j)) * (zeros ? -1 : 1);
            assert_int_equal((order > 0) - (order < 0), wanted);
        }
    }
    assert_true(tn_natural_compare(TN_LIT("x99999999999999999999999"),
                                   TN_LIT("x100000000000000000000000")) < 0);
}

static void test_edit_distance(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        unsigned distance;
    } rows[] = {{"", "", 0},
                {"kernel", "kernel", 0},
                {"", "abc", 3},
                {"kitten", "sitting", 3},
                {"kernel", "kenrel", 1},
                {"ca", "abc", 3},
                {"dense/bias", "dense_1/bias", 2}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tn_str a = tn_str_of(rows[i].a), b = tn_str_of(rows[i].b);
        for (unsigned limit = 0; limit < 10; limit++) {
            unsigned wanted = rows[i].distance < limit ? rows[i].distance : limit;
            assert_int_equal(tn_edit_distance(a, b, limit), wanted);
            assert_int_equal(tn_edit_distance(b, a, limit), wanted);
        }
    }
    static char x[1000], y[1000];
    memset(x, 'x', sizeof x);
    memset(y, 'x', sizeof y);
    memset(y, 'y', 500);
    assert_int_equal(tn_edit_distance((tn_str){x, 1000}, (tn_str){y, 1000}, 50), 0);
    memset(y, 'y', 1000);
    assert_int_equal(tn_edit_distance((tn_str){x, 1000}, (tn_str){y, 1000}, 1000), 256);
}

static void test_bytes_text(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {{0, "0 B"},
                {812, "812 B"},
                {1023, "1023 B"},
                {4096, "4.0 KiB"},
                {1075, "1.0 KiB"},
                {1076, "1.1 KiB"},
                {UINT64_C(1048575), "1.0 MiB"},
                {UINT64_C(1610612736), "1.5 GiB"},
                {UINT64_MAX, "16.0 EiB"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[TN_NUMBER_ROOM];
        assert_int_equal(tn_bytes_text(rows[i].bytes, out), strlen(rows[i].text));
        assert_string_equal(out, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape),
        cmocka_unit_test(test_escape_round_trip),
        cmocka_unit_test(test_escape_is_cut_whole),
        cmocka_unit_test(test_bad_escapes_are_refused),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_natural_order),
        cmocka_unit_test(test_edit_distance),
        cmocka_unit_test(test_bytes_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
