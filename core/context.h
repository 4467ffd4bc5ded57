/* The inside of tn_context. */
#ifndef TN_CORE_CONTEXT_H
#define TN_CORE_CONTEXT_H

#include <stdatomic.h>
#include <tenon/context.h>

struct tni_sys; /* io/sys.h: the one seam for system calls, where tests inject faults */

struct tn_context {
    tn_allocator allocator;
    tn_limits limits;
    unsigned threads;
    tn_progress_fn progress;
    void *progress_user;
    bool no_sandbox;
    const char *helper_path;
    atomic_bool cancelled;
    const struct tni_sys *sys; /* never NULL after tni_sys_of(); NULL means the real system */
};

/* Allocates; sets TN_E_NOMEM on failure. `bytes` 0 gives a valid block. Free with tni_free. */
tn_status tni_alloc(tn_context *ctx, size_t bytes, void **block_out, tn_error *err);
/* Grows or shrinks; on failure the old block stays valid. */
tn_status tni_resize(tn_context *ctx, void **block, size_t bytes, tn_error *err);
/* Like tni_alloc for count * size with overflow check, zeroed. */
tn_status tni_alloc_array(tn_context *ctx, size_t count, size_t size, void **block_out,
                          tn_error *err);
void tni_free(tn_context *ctx, void *block);

/* Reports progress and polls for cancellation. Only the thread that called the library may report;
 * workers call tni_cancelled. Errors: TN_E_CANCELLED. */
tn_status tni_progress(tn_context *ctx, const char *phase, uint64_t done, uint64_t total,
                       tn_error *err);
/* Tells whether the work should stop. Errors: TN_E_CANCELLED. */
tn_status tni_cancelled(tn_context *ctx, tn_error *err);

/* Checks a count from a file against one limit and names it in the error: `what` is the limit's
 * name ("tensors"). */
tn_status tni_check_limit(uint64_t value, uint64_t limit, const char *what, tn_error *err);

#endif
