/* Reports: findings outlive what they were made of, and are counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <tenon/report.h>

static void test_findings_are_copied(void **state)
{
    (void)state;
    tn_context *ctx = tn_context_new(NULL);
    tn_report *report = tn_report_new(ctx);
    char code[] = "mismatched", name[] = "a\0b", message[] = "shapes differ", fix[] = "tenon …";
    int64_t wanted[] = {2, 3}, found[] = {3, 2};
    const tn_finding finding = {
        .code = code,
        .severity = TN_SEVERITY_ERROR,
        .name = {name, 3},
        .expected = {.has = true, .dtype = TN_FLOAT32, .rank = 2, .shape = wanted},
        .found = {.has = true, .dtype = TN_FLOAT16, .rank = 2, .shape = found},
        .values = {true, 1.5, 0.5, 7, 3},
        .message = tn_str_of(message),
        .fix = tn_str_of(fix)};
    assert_int_equal(tn_report_add(report, &finding, NULL), TN_OK);
    code[0] = name[0] = message[0] = fix[0] = '!';
    wanted[0] = found[0] = -1;
    const tn_finding *kept = tn_report_at(report, 0);
    assert_string_equal(kept->code, "mismatched");
    assert_int_equal(kept->name.len, 3);
    assert_memory_equal(kept->name.data, "a\0b", 3);
    assert_null(kept->other.data);
    assert_null(kept->rule.data);
    assert_string_equal(kept->message.data, "shapes differ");
    assert_int_equal(kept->fix.data[0], 't');
    assert_int_equal(kept->expected.shape[0], 2);
    assert_int_equal(kept->found.shape[0], 3);
    assert_int_equal(kept->found.dtype, TN_FLOAT16);
    assert_int_equal(kept->values.max_ulp, 7);
    tn_report_free(report);
    tn_context_free(ctx);
}

static void test_say_and_counts(void **state)
{
    (void)state;
    tn_context *ctx = tn_context_new(NULL);
    tn_report *report = tn_report_new(ctx);
    for (int i = 0; i < 1000; i++) {
        char name[16];
        int len = snprintf(name, sizeof name, "w%d", i);
        tn_severity severity = i % 10 == 0 ? TN_SEVERITY_ERROR : TN_SEVERITY_NOTE;
        assert_int_equal(tn_report_say(report, severity, "missing", (tn_str){name, (size_t)len},
                                       NULL, "%s is number %d", name, i),
                         TN_OK);
    }
    assert_int_equal(tn_report_say(report, TN_SEVERITY_WARNING, "x", TN_STR_NONE, NULL, "y"),
                     TN_OK);
    assert_int_equal(tn_report_count(report), 1001);
    assert_int_equal(tn_report_severity(report, TN_SEVERITY_ERROR), 100);
    assert_int_equal(tn_report_severity(report, TN_SEVERITY_WARNING), 1);
    assert_int_equal(tn_report_severity(report, TN_SEVERITY_NOTE), 900);
    const tn_finding *kept = tn_report_at(report, 777);
    assert_true(tn_str_equal(kept->name, TN_LIT("w777")));
    assert_true(tn_str_equal(kept->message, TN_LIT("w777 is number 777")));
    assert_null(tn_report_at(report, 1000)->name.data);
    tn_report_free(report);
    tn_report_free(NULL);
    tn_context_free(ctx);
}

typedef struct meter {
    long live, left; /* blocks; allocations until all fail */
} meter;

static void *meter_resize(void *user, void *block, size_t bytes)
{
    meter *m = user;
    if (m->left-- <= 0) {
        return NULL;
    }
    m->live += block == NULL;
    return realloc(block, bytes);
}

static void meter_release(void *user, void *block)
{
    ((meter *)user)->live -= block != NULL;
    free(block);
}

static void test_every_allocation_fails_once(void **state)
{
    (void)state;
    for (long allowed = 0; allowed < 4; allowed++) {
        meter m = {0, allowed};
        const tn_allocator allocator = {meter_resize, meter_release, &m};
        const tn_context_options options = {.allocator = &allocator};
        tn_context *ctx = tn_context_new(&options);
        tn_report *report = ctx == NULL ? NULL : tn_report_new(ctx);
        assert_int_equal(report != NULL, allowed >= 2);
        if (report != NULL) {
            tn_error err = {0};
            const tn_finding finding = {.code = "x", .message = TN_LIT("y")};
            assert_int_equal(tn_report_add(report, &finding, &err), TN_NOMEM);
            assert_int_equal(tn_report_count(report), 0);
        }
        tn_report_free(report);
        tn_context_free(ctx);
        assert_int_equal(m.live, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_findings_are_copied),
        cmocka_unit_test(test_say_and_counts),
        cmocka_unit_test(test_every_allocation_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
