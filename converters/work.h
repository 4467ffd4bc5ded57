/* Work on several threads: numbered tasks, each done once. */
#ifndef TN_CONVERTERS_WORK_H
#define TN_CONVERTERS_WORK_H

#include "core/context.h"

enum { TNI_WORKERS_MOST = 64 };

typedef struct tni_work {
    size_t count;     /* tasks: 0 … count - 1, begun in this order */
    unsigned workers; /* threads, the calling one included; at most TNI_WORKERS_MOST */
    /* Does one task; `worker` is below `workers`, and no two calls at one time have the same. */
    tn_status (*task)(void *state, unsigned worker, size_t index, tn_error *err);
    /* Called between tasks by the calling thread; NULL: nothing is reported. */
    tn_status (*report)(void *state, tn_error *err);
    void *state;
} tni_work;

/* Runs the tasks and ends with the error of the lowest one that failed; behind a failure no further
 * task is begun. Threads that cannot be started are done without. Errors: the tasks', the report's,
 * TN_E_CANCELLED. */
tn_status tni_work_run(tn_context *ctx, const tni_work *work, tn_error *err);
/* Returns how many workers a context allows for `count` tasks. */
unsigned tni_workers_for(const tn_context *ctx, uint64_t count);

#endif
