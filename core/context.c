#include "core/context.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/checked.h"
#include "core/error.h"
#include "core/system_allocator.h"

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* The defaults hold every model that is published today with room to spare, and keep a hostile file
 * from taking a whole machine. `rank` is what TensorFlow allows (TensorShape::MaxDimensions),
 * `nesting` is protobuf's own limit. */
static const tn_limits default_limits = {
    .tensors = 4 * MIB,
    .name_bytes = 64 * KIB,
    .header_bytes = 1 * GIB,
    .rank = 254,
    .nesting = 100,
    .decoded_bytes = 4 * GIB,
    .memory = 8 * GIB,
    .pieces = 16 * MIB,
};

static const char *const limit_names[] = {"tensors", "name-bytes", "header-bytes",
                                          "rank",    "nesting",    "decoded-bytes",
                                          "memory",  "pieces",     NULL};

const char *const *tn_limit_names(void)
{
    return limit_names;
}

tn_limits tn_limits_default(void)
{
    return default_limits;
}

tn_status tn_limits_set(tn_limits *limits, const char *name, uint64_t value, tn_error *err)
{
    uint64_t *const fields[] = {&limits->tensors, &limits->name_bytes, &limits->header_bytes,
                                &limits->rank,    &limits->nesting,    &limits->decoded_bytes,
                                &limits->memory,  &limits->pieces};
    for (size_t i = 0; limit_names[i] != NULL; i++) {
        if (strcmp(name, limit_names[i]) == 0) {
            *fields[i] = value;
            return TN_OK;
        }
    }
    tn_status status = tni_fail(err, TN_E_USAGE, "there is no limit \"%s\"", name);
    tni_error_hint(err, "limits are tensors, name-bytes, header-bytes, rank, nesting, "
                        "decoded-bytes, memory, pieces");
    return status;
}

/* Counts the CPUs that this process may use: containers and taskset narrow the set. */
static unsigned usable_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        return (unsigned)CPU_COUNT(&set);
    }
    long online = sysconf(_SC_NPROCESSORS_ONLN); /* the machine has more CPUs than a cpu_set_t */
    return online > 0 ? (unsigned)online : 1;
}

tn_context *tn_context_new(const tn_context_options *options)
{
    static const tn_context_options nothing = {0};
    if (options == NULL) {
        options = &nothing;
    }
    const tn_allocator *allocator =
        options->allocator != NULL ? options->allocator : &tni_system_allocator;
    tn_context *ctx = allocator->resize(allocator->user, NULL, sizeof *ctx);
    if (ctx == NULL) {
        return NULL;
    }
    memset(ctx, 0, sizeof *ctx);
    ctx->allocator = *allocator;
    ctx->limits = options->limits != NULL ? *options->limits : default_limits;
    ctx->threads = options->threads != 0 ? options->threads : usable_cpus();
    ctx->progress = options->progress;
    ctx->progress_user = options->progress_user;
    ctx->no_sandbox = options->no_sandbox;
    ctx->helper_path = options->helper_path;
    atomic_init(&ctx->cancelled, false);
    return ctx;
}

void tn_context_free(tn_context *ctx)
{
    if (ctx != NULL) {
        tn_allocator allocator = ctx->allocator;
        allocator.release(allocator.user, ctx);
    }
}

const tn_limits *tn_context_limits(const tn_context *ctx)
{
    return &ctx->limits;
}

unsigned tn_context_threads(const tn_context *ctx)
{
    return ctx->threads;
}

void tn_context_cancel(tn_context *ctx)
{
    atomic_store(&ctx->cancelled, true);
}

static tn_status out_of_memory(size_t bytes, tn_error *err)
{
    return tni_fail(err, TN_E_NOMEM, "there is no memory for %zu more bytes", bytes);
}

tn_status tni_resize(tn_context *ctx, void **block, size_t bytes, tn_error *err)
{
    void *grown = ctx->allocator.resize(ctx->allocator.user, *block, bytes == 0 ? 1 : bytes);
    if (grown == NULL) {
        return out_of_memory(bytes, err);
    }
    *block = grown;
    return TN_OK;
}

tn_status tni_alloc(tn_context *ctx, size_t bytes, void **block_out, tn_error *err)
{
    void *block = NULL;
    tn_status status = tni_resize(ctx, &block, bytes, err);
    if (status == TN_OK) {
        *block_out = block;
    }
    return status;
}

tn_status tni_alloc_array(tn_context *ctx, size_t count, size_t size, void **block_out,
                          tn_error *err)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return out_of_memory(SIZE_MAX, err);
    }
    tn_status status = tni_alloc(ctx, bytes, block_out, err);
    if (status == TN_OK) {
        memset(*block_out, 0, bytes);
    }
    return status;
}

void tni_free(tn_context *ctx, void *block)
{
    ctx->allocator.release(ctx->allocator.user, block);
}

tn_status tni_cancelled(tn_context *ctx, tn_error *err)
{
    if (atomic_load_explicit(&ctx->cancelled, memory_order_relaxed)) {
        return tni_fail(err, TN_E_CANCELLED, "the work was cancelled");
    }
    return TN_OK;
}

tn_status tni_progress(tn_context *ctx, const char *phase, uint64_t done, uint64_t total,
                       tn_error *err)
{
    if (ctx->progress != NULL) {
        const tn_progress progress = {phase, done, total};
        if (!ctx->progress(ctx->progress_user, &progress)) {
            tn_context_cancel(ctx); /* so that the workers stop too */
        }
    }
    return tni_cancelled(ctx, err);
}

tn_status tni_check_limit(uint64_t value, uint64_t limit, const char *what, tn_error *err)
{
    if (value <= limit) {
        return TN_OK;
    }
    tn_status status = tni_fail(err, TN_E_LIMIT, "%llu exceeds the limit %s (%llu)",
                                (unsigned long long)value, what, (unsigned long long)limit);
    tni_error_hint(err, "if you trust this input: --limit %s=%llu", what,
                   (unsigned long long)value);
    return status;
}
