/* Errors: first failure wins, nothing dangerous reaches a terminal, the tables are complete. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/error.h"

static void test_first_failure_wins(void **state)
{
    (void)state;
    tn_error err = {0};
    assert_int_equal(tni_fail(&err, TN_E_CRC, "the sum of %s is wrong", "a"), TN_CORRUPT);
    assert_int_equal(tni_fail(&err, TN_E_USAGE, "something else"), TN_CORRUPT);
    assert_int_equal(err.code, TN_E_CRC);
    assert_string_equal(err.message, "the sum of a is wrong");
}

static void test_places_are_filled_once(void **state)
{
    (void)state;
    tn_error err = {0};
    tni_fail(&err, TN_E_CORRUPT, "x");
    tni_error_path(&err, "inner");
    tni_error_path(&err, "outer");
    tni_error_offset(&err, 0);
    tni_error_offset(&err, 7);
    tni_error_place(&err, 3, 4);
    tni_error_place(&err, 5, 6);
    tni_error_hint(&err, "first\nsecond");
    tni_error_hint(&err, "third");
    assert_string_equal(err.path, "inner");
    assert_true(err.has_offset);
    assert_int_equal(err.offset, 0);
    assert_int_equal(err.line, 3);
    assert_int_equal(err.column, 4);
    assert_string_equal(err.hint, "first\nsecond");
}

static void test_null_error_gives_the_status(void **state)
{
    (void)state;
    assert_int_equal(tni_fail(NULL, TN_E_UNSAFE, "x"), TN_UNSAFE);
    assert_int_equal(tni_fail_errno(NULL, TN_E_WRITE, ENOSPC, "x"), TN_WRITE);
    assert_int_equal(tni_fail_errno(NULL, TN_E_READ, ENOMEM, "x"), TN_NOMEM);
    tni_error_path(NULL, "x");
    tni_error_hint(NULL, "x");
}

static void test_errno_is_told(void **state)
{
    (void)state;
    tn_error err = {0};
    assert_int_equal(tni_fail_errno(&err, TN_E_WRITE, EDQUOT, "cannot write"), TN_WRITE);
    assert_int_equal(err.code, TN_E_NO_SPACE);
    assert_int_equal(err.sys_errno, EDQUOT);
    tn_error other = {0};
    tni_fail_errno(&other, TN_E_READ, EACCES, "cannot open");
    assert_string_equal(other.message, "cannot open: Permission denied");
    tn_error placed = {0};
    tni_fail_errno(&placed, TN_E_DURABILITY, ENOMEM, "in place, not synced");
    assert_int_equal(placed.code, TN_E_DURABILITY);
}

static void test_control_characters_are_escaped(void **state)
{
    (void)state;
    tn_error err = {0};
    tni_fail(&err, TN_E_CORRUPT, "a\033[2Jb\nc\\d\xE2\x80\xAE");
    assert_string_equal(err.message, "a\\x1b[2Jb\\nc\\d\\u{202e}");
    tni_error_path(&err, "x\ny");
    assert_string_equal(err.path, "x\\ny");
    tni_error_subject(&err, (tn_str){"a\0b", 3});
    assert_string_equal(err.subject, "a\\x00b");
}

static void test_long_text_is_cut_between_letters(void **state)
{
    (void)state;
    static char text[4000];
    for (size_t i = 0; i + 2 < sizeof text; i += 2) {
        memcpy(text + i, "\xC3\xA9", 2);
    }
    for (size_t shift = 0; shift < 2; shift++) {
        tn_error err = {0};
        tni_fail(&err, TN_E_CORRUPT, "%s%s", shift ? "x" : "", text);
        size_t len = strlen(err.message);
        assert_in_range(len, TN_ERROR_TEXT - 3, TN_ERROR_TEXT - 1);
        assert_memory_equal(err.message + len - 2, "\xC3\xA9", 2);
    }
}

static void test_lines_of_hint_are_added(void **state)
{
    (void)state;
    tn_error err = {0};
    static char text[TN_ERROR_TEXT];
    tni_error_hint_line(&err, "first %d", 1);
    tni_error_hint_line(&err, "second");
    assert_string_equal(err.hint, "first 1\nsecond");
    memset(text, 'x', sizeof text - 1);
    tni_error_hint_line(&err, "%s", text);
    assert_string_equal(err.hint, "first 1\nsecond");
    tni_error_hint_line(NULL, "x");
}

static void test_tables(void **state)
{
    (void)state;
    static const int exits[] = {0, 1, 2, 2, 2, 3, 3, 3, 3, 4, 5, 5, 6, 6, 7, 8, 130};
    static const char *const words[] = {
        "ok",          "no",     "usage",    "rule_file", "no_match", "not_found", "unknown_format",
        "unsupported", "read",   "corrupt",  "write",     "exists",   "limit",     "nomem",
        "verify",      "unsafe", "cancelled"};
    for (int i = TN_OK; i <= TN_CANCELLED; i++) {
        assert_int_equal(tn_status_exit_code((tn_status)i), exits[i]);
        assert_string_equal(tn_status_word((tn_status)i), words[i]);
    }
    for (int i = 0; i < TN_CODE_COUNT; i++) {
        assert_int_equal(strncmp(tn_code_name((tn_code)i), "TN_E_", 5), 0);
        assert_true(strlen(tn_code_meaning((tn_code)i)) > 10);
        assert_int_equal(tn_code_status((tn_code)i) == TN_OK, i == 0);
    }
    assert_string_equal(tn_code_name(TN_E_CRC), "TN_E_CRC");
    assert_int_equal(tn_code_status(TN_E_CRC), TN_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_failure_wins),
        cmocka_unit_test(test_places_are_filled_once),
        cmocka_unit_test(test_null_error_gives_the_status),
        cmocka_unit_test(test_errno_is_told),
        cmocka_unit_test(test_control_characters_are_escaped),
        cmocka_unit_test(test_long_text_is_cut_between_letters),
        cmocka_unit_test(test_lines_of_hint_are_added),
        cmocka_unit_test(test_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
