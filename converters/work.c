#include "converters/work.h"

#include <pthread.h>

typedef struct crew {
    tn_context *ctx;
    const tni_work *work;
    atomic_size_t next;   /* task to take */
    atomic_bool stop;     /* some task failed: take no further one */
    pthread_mutex_t lock; /* guards the two below */
    size_t failed;
    tn_error error;
} crew;

typedef struct worker {
    crew *crew;
    unsigned number;
    pthread_t thread;
} worker;

/* Keeps the error of the lowest task. */
static void fail_task(crew *c, size_t index, const tn_error *error)
{
    pthread_mutex_lock(&c->lock);
    if (index < c->failed) {
        c->failed = index;
        c->error = *error;
    }
    pthread_mutex_unlock(&c->lock);
    atomic_store(&c->stop, true);
}

/* Takes the next task; false if there is none. */
static bool work_once(crew *c, unsigned number)
{
    if (atomic_load(&c->stop)) {
        return false;
    }
    size_t index = atomic_fetch_add(&c->next, 1);
    if (index >= c->work->count) {
        return false;
    }
    tn_error error = {0};
    if (tni_cancelled(c->ctx, &error) != TN_OK ||
        c->work->task(c->work->state, number, index, &error) != TN_OK) {
        fail_task(c, index, &error);
        return false;
    }
    return true;
}

static void *work_on(void *argument)
{
    worker *self = argument;
    while (work_once(self->crew, self->number)) {
    }
    return NULL;
}

/* The calling thread's share: it alone reports. */
static void work_and_report(crew *c)
{
    while (work_once(c, 0)) {
        tn_error error = {0};
        if (c->work->report != NULL && c->work->report(c->work->state, &error) != TN_OK) {
            fail_task(c, c->work->count, &error);
        }
    }
}

tn_status tni_work_run(tn_context *ctx, const tni_work *work, tn_error *err)
{
    crew c = {.ctx = ctx, .work = work, .failed = SIZE_MAX};
    worker workers[TNI_WORKERS_MOST];
    unsigned started = 0;
    pthread_mutex_init(&c.lock, NULL);
    for (unsigned i = 1; i < work->workers; i++) {
        worker *one = &workers[started];
        *one = (worker){.crew = &c, .number = i};
        started += pthread_create(&one->thread, NULL, work_on, one) == 0;
    }
    work_and_report(&c);
    for (unsigned i = 0; i < started; i++) {
        pthread_join(workers[i].thread, NULL);
    }
    pthread_mutex_destroy(&c.lock);
    if (c.error.status != TN_OK && err != NULL && err->status == TN_OK) {
        *err = c.error;
    }
    return c.error.status;
}

unsigned tni_workers_for(const tn_context *ctx, uint64_t count)
{
    unsigned most = ctx->threads < TNI_WORKERS_MOST ? ctx->threads : TNI_WORKERS_MOST;
    return count < most ? (unsigned)(count == 0 ? 1 : count) : most;
}
