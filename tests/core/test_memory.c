/* Context, arena and buffer: limits, alignment, and every allocation failing once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/arena.h"
#include "core/buffer.h"

/* An allocator that fails from the call number `fail_at` on, and counts live blocks. */
typedef struct meter {
    long live, calls, fail_at;
} meter;

static void *meter_resize(void *user, void *block, size_t bytes)
{
    meter *m = user;
    if (m->calls++ >= m->fail_at) {
        return NULL;
    }
    m->live += block == NULL;
    return realloc(block, bytes);
}

static void meter_release(void *user, void *block)
{
    meter *m = user;
    m->live -= block != NULL;
    free(block);
}

static tn_context *metered_context(meter *m)
{
    const tn_allocator allocator = {meter_resize, meter_release, m};
    const tn_context_options options = {.allocator = &allocator};
    return tn_context_new(&options);
}

static void test_context_defaults(void **state)
{
    (void)state;
    tn_context *ctx = tn_context_new(NULL);
    assert_non_null(ctx);
    assert_true(tn_context_threads(ctx) >= 1);
    assert_int_equal(tn_context_limits(ctx)->rank, 254);
    assert_int_equal(tn_context_limits(ctx)->nesting, 100);
    tn_context_free(ctx);
    meter m = {.fail_at = 0};
    assert_null(metered_context(&m));
}

static void test_limit_names(void **state)
{
    (void)state;
    tn_limits limits = tn_limits_default();
    const uint64_t *fields = (const uint64_t *)&limits;
    size_t count = 0;
    for (const char *const *name = tn_limit_names(); *name != NULL; name++, count++) {
        tn_error err = {0};
        assert_int_equal(tn_limits_set(&limits, *name, 1000 + count, &err), TN_OK);
        assert_int_equal(fields[count], 1000 + count);
    }
    assert_int_equal(count, sizeof limits / sizeof *fields);
    tn_error err = {0};
    assert_int_equal(tn_limits_set(&limits, "name_bytes", 1, &err), TN_USAGE);
    assert_non_null(strstr(err.hint, "name-bytes"));
}

static bool stop_at_10(void *user, const tn_progress *progress)
{
    *(uint64_t *)user = progress->done;
    return progress->done < 10;
}

static void test_progress_cancels(void **state)
{
    (void)state;
    uint64_t seen = 0;
    const tn_context_options options = {.progress = stop_at_10, .progress_user = &seen};
    tn_context *ctx = tn_context_new(&options);
    tn_error err = {0};
    assert_int_equal(tni_progress(ctx, "copy", 9, 20, &err), TN_OK);
    assert_int_equal(seen, 9);
    assert_int_equal(tni_progress(ctx, "copy", 10, 20, &err), TN_CANCELLED);
    assert_int_equal(tni_cancelled(ctx, NULL), TN_CANCELLED);
    tn_context_free(ctx);
}

static void test_check_limit(void **state)
{
    (void)state;
    tn_error err = {0};
    assert_int_equal(tni_check_limit(5, 5, "tensors", &err), TN_OK);
    assert_int_equal(tni_check_limit(6, 5, "tensors", &err), TN_LIMIT);
    assert_non_null(strstr(err.hint, "--limit tensors=6"));
}

static void test_overflowing_array(void **state)
{
    (void)state;
    tn_context *ctx = tn_context_new(NULL);
    void *block = ctx;
    assert_int_equal(tni_alloc_array(ctx, SIZE_MAX / 2, 3, &block, NULL), TN_NOMEM);
    assert_ptr_equal(block, ctx);
    tni_arena arena;
    tni_arena_init(&arena, ctx, UINT64_MAX);
    assert_int_not_equal(tni_arena_array(&arena, SIZE_MAX / 2, 3, &block, NULL), TN_OK);
    assert_ptr_equal(block, ctx);
    tni_arena_clear(&arena);
    tn_context_free(ctx);
}

static void test_arena_blocks_are_aligned_zeroed_and_apart(void **state)
{
    (void)state;
    enum { COUNT = 2000 };
    static unsigned char *blocks[COUNT];
    static size_t sizes[COUNT];
    tn_context *ctx = tn_context_new(NULL);
    tni_arena arena;
    tni_arena_init(&arena, ctx, UINT64_MAX);
    for (size_t i = 0; i < COUNT; i++) {
        void *block = NULL;
        sizes[i] = i * 7919 % 977 + (i % 100 == 99 ? 300000 : 0);
        assert_int_equal(tni_arena_alloc(&arena, sizes[i], &block, NULL), TN_OK);
        assert_int_equal((uintptr_t)block % 16, 0);
        blocks[i] = block;
        for (size_t k = 0; k < sizes[i]; k++) {
            assert_int_equal(blocks[i][k], 0);
        }
        memset(block, (int)(i % 251 + 1), sizes[i]);
    }
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t k = 0; k < sizes[i]; k++) {
            assert_int_equal(blocks[i][k], i % 251 + 1);
        }
    }
    tni_arena_clear(&arena);
    tn_context_free(ctx);
}

static void test_arena_limit(void **state)
{
    (void)state;
    meter m = {.fail_at = 1000};
    tn_context *ctx = metered_context(&m);
    tni_arena arena;
    tni_arena_init(&arena, ctx, 10000);
    size_t total = 0;
    tn_error err = {0};
    void *block;
    while (tni_arena_alloc(&arena, 100, &block, &err) == TN_OK) {
        total += 100;
        assert_true(total <= 10000);
    }
    assert_int_equal(err.code, TN_E_LIMIT);
    assert_non_null(strstr(err.message, "memory"));
    assert_true(total > 8000); /* the limit is not wasted */
    assert_true(arena.used <= 10000);
    tni_arena_clear(&arena);
    assert_int_equal(m.live, 1);
    tn_context_free(ctx);
    assert_int_equal(m.live, 0);
}

static void test_arena_text(void **state)
{
    (void)state;
    tn_context *ctx = tn_context_new(NULL);
    tni_arena arena;
    tni_arena_init(&arena, ctx, UINT64_MAX);
    tn_str copy, text;
    assert_int_equal(tni_arena_str(&arena, (tn_str){"a\0b", 3}, &copy, NULL), TN_OK);
    assert_memory_equal(copy.data, "a\0b", 4);
    assert_int_equal(copy.len, 3);
    assert_int_equal(tni_arena_format(&arena, &text, NULL, "%d-%s", 7, "x"), TN_OK);
    assert_string_equal(text.data, "7-x");
    assert_int_equal(text.len, 3);
    tni_arena_clear(&arena);
    tn_context_free(ctx);
}

static void test_buffer(void **state)
{
    (void)state;
    tn_context *ctx = tn_context_new(NULL);
    tni_buffer buffer;
    tni_buffer_init(&buffer, ctx);
    tni_buffer_add(&buffer, NULL, 0);
    for (int i = 0; i < 1000; i++) {
        tni_buffer_format(&buffer, "%04d", i);
        tni_buffer_char(&buffer, ',');
    }
    tni_buffer_zeros(&buffer, 3);
    tni_buffer_text(&buffer, "end");
    assert_int_equal(buffer.len, 5006);
    assert_memory_equal(buffer.data + 4995, "0999,\0\0\0end", 11);
    assert_int_equal(tni_buffer_check(&buffer, NULL), TN_OK);
    tni_buffer_reset(&buffer);
    assert_int_equal(buffer.len, 0);
    tni_buffer_clear(&buffer);
    tn_context_free(ctx);
}

static void test_buffer_failure_sticks(void **state)
{
    (void)state;
    for (long fail_at = 1; fail_at < 6; fail_at++) {
        meter m = {.fail_at = fail_at};
        tn_context *ctx = metered_context(&m);
        tni_buffer buffer;
        tni_buffer_init(&buffer, ctx);
        for (int i = 0; i < 100000; i++) {
            tni_buffer_char(&buffer, 'x');
        }
        tn_error err = {0};
        assert_int_equal(tni_buffer_check(&buffer, &err), TN_NOMEM);
        m.fail_at = 1000000;
        tni_buffer_char(&buffer, 'x');
        assert_true(buffer.failed);
        tni_buffer_clear(&buffer);
        tn_context_free(ctx);
        assert_int_equal(m.live, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_context_defaults),
        cmocka_unit_test(test_limit_names),
        cmocka_unit_test(test_progress_cancels),
        cmocka_unit_test(test_check_limit),
        cmocka_unit_test(test_overflowing_array),
        cmocka_unit_test(test_arena_blocks_are_aligned_zeroed_and_apart),
        cmocka_unit_test(test_arena_limit),
        cmocka_unit_test(test_arena_text),
        cmocka_unit_test(test_buffer),
        cmocka_unit_test(test_buffer_failure_sticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
