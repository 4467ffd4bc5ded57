/* The context: allocator, limits, workers, progress. There is no global state; everything hangs on
 * one of these. A context may be shared by threads once made; it must outlive all that was made
 * with it. */
#ifndef TENON_CONTEXT_H
#define TENON_CONTEXT_H

#include <stddef.h>

#include <tenon/error.h>

/* Upper bounds for what an input may ask for. Checked before memory is allocated; exceeding one is
 * TN_E_LIMIT. */
typedef struct tn_limits {
    uint64_t tensors;      /* tensors in one model */
    uint64_t name_bytes;   /* bytes of one name */
    uint64_t header_bytes; /* bytes of one header, index or object graph */
    uint64_t rank;         /* dimensions of one tensor */
    uint64_t nesting;      /* depth of messages, objects, groups */
    uint64_t
        decoded_bytes; /* bytes that one decoded (decompressed, string) tensor may take in memory */
    uint64_t memory;   /* bytes that one model's description may take */
    uint64_t pieces;   /* pieces of all tensors of one model */
} tn_limits;

/* The names of the limits as `--limit NAME=VALUE` spells them, in the order of the struct;
 * NULL-terminated. */
TN_API const char *const *tn_limit_names(void);
/* Sets one limit by name. Errors: TN_E_USAGE (unknown name; the hint lists them). */
TN_API tn_status tn_limits_set(tn_limits *limits, const char *name, uint64_t value, tn_error *err);
/* Returns the documented defaults. */
TN_API tn_limits tn_limits_default(void);

/* Where memory comes from. `resize` takes NULL for a new block; `release` takes NULL. All three may
 * be called from several threads. */
typedef struct tn_allocator {
    void *(*resize)(void *user, void *block, size_t bytes);
    void (*release)(void *user, void *block);
    void *user;
} tn_allocator;

/* How far a long work is. `total` may be 0 (unknown). */
typedef struct tn_progress {
    const char *phase; /* "copy", "verify", … */
    uint64_t done;     /* bytes */
    uint64_t total;    /* bytes */
} tn_progress;

/* Called from the calling thread between chunks; returning false cancels the work (TN_E_CANCELLED).
 */
typedef bool (*tn_progress_fn)(void *user, const tn_progress *progress);

typedef struct tn_context tn_context;

/* What a context is made with; all zeros is the default. */
typedef struct tn_context_options {
    const tn_allocator *allocator; /* NULL: malloc */
    const tn_limits *limits;       /* NULL: defaults */
    unsigned threads;              /* 0: the CPUs that this process may use */
    tn_progress_fn progress;       /* NULL: none */
    void *progress_user;
    bool no_sandbox;         /* read HDF5 files even where the system refuses the helper's cage */
    const char *helper_path; /* of tenon-hdf5, borrowed; NULL: beside this program, else where it
                                was installed */
} tn_context_options;

/* Makes a context; `options` may be NULL. Returns NULL without memory. Free with tn_context_free.
 */
TN_API tn_context *tn_context_new(const tn_context_options *options);
TN_API void tn_context_free(tn_context *ctx);
TN_API const tn_limits *tn_context_limits(const tn_context *ctx);
TN_API unsigned tn_context_threads(const tn_context *ctx);
/* Asks all work on this context to stop at the next chunk. Async-signal-safe; may be called from
 * any thread. */
TN_API void tn_context_cancel(tn_context *ctx);

#endif
