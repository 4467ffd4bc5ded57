#include "core/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"

enum { ALIGNMENT = 16, FIRST_BLOCK = 4096, LARGEST_BLOCK = 16 << 20, GROWTH = 4 };

typedef struct tni_arena_block {
    struct tni_arena_block *next;
    size_t bytes; /* with this header */
} tni_arena_block;

/* What a block's header takes, so that the bytes behind it stay aligned. */
#define HEADER ((sizeof(tni_arena_block) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT)

void tni_arena_init(tni_arena *arena, tn_context *ctx, uint64_t limit)
{
    *arena = (tni_arena){.ctx = ctx, .limit = limit};
}

void tni_arena_clear(tni_arena *arena)
{
    tni_arena_block *block = arena->blocks;
    while (block != NULL) {
        tni_arena_block *next = block->next;
        tni_free(arena->ctx, block);
        block = next;
    }
    tni_arena_init(arena, arena->ctx, arena->limit);
}

/* Chooses the size of a new block for `need` bytes (header included): GROWTH times the last one, so
 * that the number of blocks stays small, but never past the limit. */
static size_t block_bytes(const tni_arena *arena, size_t need)
{
    size_t bytes = arena->blocks == NULL ? FIRST_BLOCK : arena->blocks->bytes * GROWTH;
    if (bytes > LARGEST_BLOCK) {
        bytes = LARGEST_BLOCK;
    }
    uint64_t left = arena->limit - arena->used;
    if (bytes > left) {
        bytes = (size_t)left / ALIGNMENT * ALIGNMENT;
    }
    return bytes < need ? need : bytes;
}

static tn_status add_block(tni_arena *arena, size_t need, tni_arena_block **block_out,
                           tn_error *err)
{
    uint64_t wanted = arena->used > UINT64_MAX - need ? UINT64_MAX : arena->used + need;
    tn_status status = tni_check_limit(wanted, arena->limit, "memory", err);
    if (status != TN_OK) {
        return status;
    }
    size_t bytes = block_bytes(arena, need);
    void *memory = NULL;
    status = tni_alloc(arena->ctx, bytes, &memory, err);
    if (status != TN_OK) {
        return status;
    }
    tni_arena_block *block = memory;
    block->bytes = bytes;
    arena->used += bytes;
    *block_out = block;
    return TN_OK;
}

/* Makes a block and decides what happens to the old one's rest: whichever block has more room left
 * is the one that is filled further. */
static tn_status grow(tni_arena *arena, size_t bytes, char **block_out, tn_error *err)
{
    tni_arena_block *block = NULL;
    tn_status status = add_block(arena, HEADER + bytes, &block, err);
    if (status != TN_OK) {
        return status;
    }
    char *start = (char *)block + HEADER;
    size_t rest = block->bytes - HEADER - bytes;
    if (arena->blocks != NULL && rest < arena->left) {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    } else {
        block->next = arena->blocks;
        arena->blocks = block;
        arena->next = start + bytes;
        arena->left = rest;
    }
    *block_out = start;
    return TN_OK;
}

/* Takes `bytes` whose start is a multiple of `align` (a power of two, 16 at most) from the newest
 * block or a new one. */
static tn_status take(tni_arena *arena, size_t bytes, size_t align, char **block_out, tn_error *err)
{
    if (bytes > SIZE_MAX - HEADER - ALIGNMENT) {
        return tni_fail(err, TN_E_NOMEM, "no memory could hold %zu bytes", bytes);
    }
    size_t skip = -(uintptr_t)arena->next & (align - 1);
    if (skip + bytes <= arena->left) {
        *block_out = arena->next + skip;
        arena->next += skip + bytes;
        arena->left -= skip + bytes;
        return TN_OK;
    }
    return grow(arena, bytes, block_out, err);
}

tn_status tni_arena_alloc(tni_arena *arena, size_t bytes, void **block_out, tn_error *err)
{
    char *block = NULL;
    tn_status status = take(arena, bytes == 0 ? 1 : bytes, ALIGNMENT, &block, err);
    if (status == TN_OK) {
        memset(block, 0, bytes);
        *block_out = block;
    }
    return status;
}

tn_status tni_arena_array(tni_arena *arena, size_t count, size_t size, void **block_out,
                          tn_error *err)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        bytes = SIZE_MAX; /* tni_arena_alloc refuses it */
    }
    return tni_arena_alloc(arena, bytes, block_out, err);
}

tn_status tni_arena_str(tni_arena *arena, tn_str text, tn_str *copy_out, tn_error *err)
{
    char *copy = NULL;
    tn_status status = take(arena, text.len + 1, 1, &copy, err);
    if (status != TN_OK) {
        return status;
    }
    if (text.len > 0) {
        memcpy(copy, text.data, text.len);
    }
    copy[text.len] = '\0';
    *copy_out = (tn_str){copy, text.len};
    return TN_OK;
}

tn_status tni_arena_format(tni_arena *arena, tn_str *text_out, tn_error *err, const char *format,
                           ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    size_t room = length < 0 ? 1 : (size_t)length + 1;
    void *text = NULL;
    tn_status status = tni_arena_alloc(arena, room, &text, err);
    if (status != TN_OK) {
        return status;
    }
    va_start(args, format);
    vsnprintf(text, room, format, args);
    va_end(args);
    *text_out = (tn_str){text, room - 1};
    return TN_OK;
}
