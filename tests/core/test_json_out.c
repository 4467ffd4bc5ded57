/* JSON emitter: exact bytes, and jansson reads back what was given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include <tenon/text.h>

/* What an emitter wrote; free() it. */
typedef struct sheet {
    FILE *stream;
    char *text;
    size_t len;
    tn_json_out out;
} sheet;

static void start(sheet *s, bool pretty)
{
    s->stream = open_memstream(&s->text, &s->len);
    assert_non_null(s->stream);
    tn_json_start(&s->out, s->stream, pretty);
}

static void write_document(tn_json_out *out)
{
    tn_json_object(out);
    tn_json_key(out, "empty");
    tn_json_array(out);
    tn_json_array_end(out);
    tn_json_key(out, "list");
    tn_json_array(out);
    tn_json_i64(out, INT64_MIN);
    tn_json_u64(out, UINT64_MAX);
    tn_json_object(out);
    tn_json_object_end(out);
    tn_json_array_end(out);
    tn_json_key_str(out, TN_LIT("k\"\xFF"));
    tn_json_bool(out, true);
    tn_json_key(out, "none");
    tn_json_str(out, TN_STR_NONE);
    tn_json_key(out, "text");
    tn_json_text(out, "");
    tn_json_object_end(out);
}

static void test_compact(void **state)
{
    (void)state;
    sheet s;
    start(&s, false);
    write_document(&s.out);
    fclose(s.stream);
    assert_string_equal(s.text, "{\"empty\":[],\"list\":[-9223372036854775808,18446744073709551615,"
                                "{}],\"k\\\"\\\\xff\":true,\"none\":null,\"text\":\"\"}");
    free(s.text);
}

static void test_pretty(void **state)
{
    (void)state;
    sheet s;
    start(&s, true);
    write_document(&s.out);
    fclose(s.stream);
    assert_string_equal(s.text,
                        "{\n  \"empty\": [],\n  \"list\": [\n    -9223372036854775808,\n"
                        "    18446744073709551615,\n    {}\n  ],\n"
                        "  \"k\\\"\\\\xff\": true,\n  \"none\": null,\n  \"text\": \"\"\n}");
    free(s.text);
}

static void check_string(tn_str given, tn_str wanted)
{
    sheet s;
    start(&s, false);
    tn_json_str(&s.out, given);
    fclose(s.stream);
    json_t *value = json_loadb(s.text, s.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    assert_non_null(value);
    assert_int_equal(json_string_length(value), wanted.len);
    assert_memory_equal(json_string_value(value), wanted.data, wanted.len);
    json_decref(value);
    free(s.text);
}

static void test_strings(void **state)
{
    (void)state;
    char every[128];
    for (size_t i = 0; i < sizeof every; i++) {
        every[i] = (char)i;
    }
    check_string((tn_str){every, sizeof every}, (tn_str){every, sizeof every});
    check_string(TN_LIT("größe\\日本🙂\xE2\x80\xAE"),
                 TN_LIT("größe\\日本🙂\xE2\x80\xAE"));
    /* Not UTF-8: the whole text is in tn_escape's form, so that it can be decoded again. */
    check_string(TN_LIT("a\\b\xC3\n\"é"), TN_LIT("a\\\\b\\xc3\\n\"é"));
}

/* RFC 4648's vectors. */
static void test_base64(void **state)
{
    (void)state;
    static const char *const wanted[] = {"\"\"",         "\"Zg==\"",     "\"Zm8=\"",    "\"Zm9v\"",
                                         "\"Zm9vYg==\"", "\"Zm9vYmE=\"", "\"Zm9vYmFy\""};
    for (size_t len = 0; len <= 6; len++) {
        sheet s;
        start(&s, false);
        tn_json_base64(&s.out, "foobar", len);
        fclose(s.stream);
        assert_string_equal(s.text, wanted[len]);
        free(s.text);
    }
    sheet s;
    start(&s, false);
    tn_json_base64(&s.out, "\xFB\xFF\xFE", 3);
    fclose(s.stream);
    assert_string_equal(s.text, "\"+//+\"");
    free(s.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compact),
        cmocka_unit_test(test_pretty),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
