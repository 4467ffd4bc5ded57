/* Arena: many small blocks, freed at once. Not thread-safe. */
#ifndef TN_CORE_ARENA_H
#define TN_CORE_ARENA_H

#include "core/context.h"
#include <tenon/str.h>

typedef struct tni_arena {
    tn_context *ctx;
    struct tni_arena_block *blocks;
    char *next;     /* free room in the newest block */
    size_t left;    /* bytes of it */
    uint64_t used;  /* bytes handed out and reserved in all blocks */
    uint64_t limit; /* TN_E_LIMIT ("memory") beyond that */
} tni_arena;

/* Initialises; `limit` is in bytes. Allocates nothing. */
void tni_arena_init(tni_arena *arena, tn_context *ctx, uint64_t limit);
void tni_arena_clear(tni_arena *arena);
/* Allocates zeroed memory, aligned to 16. Errors: TN_E_NOMEM, TN_E_LIMIT. */
tn_status tni_arena_alloc(tni_arena *arena, size_t bytes, void **block_out, tn_error *err);
/* The same for count * size, with overflow check. */
tn_status tni_arena_array(tni_arena *arena, size_t count, size_t size, void **block_out,
                          tn_error *err);
/* Copies bytes and adds a NUL behind them (not counted in len). */
tn_status tni_arena_str(tni_arena *arena, tn_str text, tn_str *copy_out, tn_error *err);
/* Formats into the arena. */
tn_status tni_arena_format(tni_arena *arena, tn_str *text_out, tn_error *err, const char *format,
                           ...) TN_PRINTF(4, 5);

#endif
