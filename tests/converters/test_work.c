/* Tasks on several threads: each once, the lowest failure reported. */
#include "converters/work.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/error.h"
#include <tenon/tenon.h>

enum { TASKS = 500, WORKERS = 7 };

typedef struct probe {
    atomic_uint done[TASKS];
    atomic_bool busy[WORKERS];
    atomic_bool shared; /* two tasks of one worker ran at one time */
    size_t fails_from;
    unsigned reports, cancel_at;
    tn_context *ctx;
} probe;

static tn_status task(void *state, unsigned worker, size_t index, tn_error *err)
{
    probe *p = state;
    if (atomic_exchange(&p->busy[worker], true)) {
        atomic_store(&p->shared, true);
    }
    /* Late tasks are quick, so that they often fail before early ones. */
    if (index % 16 == 0) {
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    }
    atomic_fetch_add(&p->done[index], 1);
    atomic_store(&p->busy[worker], false);
    return index < p->fails_from ? TN_OK : tni_fail(err, TN_E_READ, "task %zu", index);
}

static tn_status report(void *state, tn_error *err)
{
    probe *p = state;
    p->reports++;
    if (p->reports == p->cancel_at) {
        tn_context_cancel(p->ctx);
    }
    return tni_cancelled(p->ctx, err);
}

static tn_status run(probe *p, unsigned workers, tn_error *err)
{
    tn_context *ctx = tn_context_new(NULL);
    p->ctx = ctx;
    const tni_work work = {
        .count = TASKS, .workers = workers, .task = task, .report = report, .state = p};
    tn_status status = tni_work_run(ctx, &work, err);
    assert_false(atomic_load(&p->shared));
    tn_context_free(ctx);
    return status;
}

static void every_task_once(void **state)
{
    (void)state;
    for (unsigned workers = 1; workers <= WORKERS; workers += 3) {
        static probe p;
        memset(&p, 0, sizeof p);
        p.fails_from = SIZE_MAX;
        assert_int_equal(run(&p, workers, NULL), TN_OK);
        for (size_t i = 0; i < TASKS; i++) {
            assert_int_equal(atomic_load(&p.done[i]), 1);
        }
        assert_true(p.reports > 0);
    }
}

static void the_lowest_failure_wins(void **state)
{
    (void)state;
    for (unsigned workers = 1; workers <= WORKERS; workers++) {
        static probe p;
        tn_error err = {0};
        memset(&p, 0, sizeof p);
        p.fails_from = 48;
        assert_int_equal(run(&p, workers, &err), TN_READ);
        assert_string_equal(err.message, "task 48");
    }
}

static void cancelled_from_the_report(void **state)
{
    (void)state;
    static probe p;
    tn_error err = {0};
    memset(&p, 0, sizeof p);
    p.fails_from = SIZE_MAX;
    p.cancel_at = 3;
    assert_int_equal(run(&p, 2, &err), TN_CANCELLED);
    assert_int_equal(err.code, TN_E_CANCELLED);
}

static void workers_are_no_more_than_tasks(void **state)
{
    (void)state;
    tn_context *ctx = tn_context_new(&(tn_context_options){.threads = 200});
    assert_int_equal(tni_workers_for(ctx, 0), 1);
    assert_int_equal(tni_workers_for(ctx, 5), 5);
    assert_int_equal(tni_workers_for(ctx, 1000), TNI_WORKERS_MOST);
    tn_context_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_once),
        cmocka_unit_test(the_lowest_failure_wins),
        cmocka_unit_test(cancelled_from_the_report),
        cmocka_unit_test(workers_are_no_more_than_tasks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
