/* Patterns as arguments hold them: the public side of rules/pattern.h. */
#include "converters/rules/pattern.h"
#include <tenon/text.h>

/* Makes the arena that a pattern of its own lives in. */
static tn_status make_arena(tn_context *ctx, tni_arena **arena_out, tn_error *err)
{
    void *block;
    tn_status status = tni_alloc(ctx, sizeof(tni_arena), &block, err);
    if (status == TN_OK) {
        *arena_out = block;
        tni_arena_init(*arena_out, ctx, ctx->limits.memory);
    }
    return status;
}

static void free_arena(tni_arena *arena)
{
    tn_context *ctx = arena->ctx;
    tni_arena_clear(arena);
    tni_free(ctx, arena);
}

/* Reads the argument's escapes and compiles it. */
static tn_status compile(tni_arena *arena, const char *text, tn_pattern **pattern_out,
                         tn_error *err)
{
    size_t len = strlen(text), at = 0;
    void *copy;
    if (len > TNI_PATTERN_BYTES) {
        return tni_fail(err, TN_E_RULE, "the pattern is longer than %d bytes", TNI_PATTERN_BYTES);
    }
    tn_status status = tni_arena_alloc(arena, len + 1, &copy, err);
    if (status != TN_OK) {
        return status;
    }
    memcpy(copy, text, len + 1);
    if (!tn_unescape(copy, &len)) {
        status = tni_fail(err, TN_E_RULE, "the pattern '%s' has a malformed escape", text);
        tni_error_hint(err, "a backslash is written \\\\");
        return status;
    }
    status = tni_pattern_compile(arena, (tn_str){copy, len}, 0, pattern_out, &at, err);
    if (status == TN_RULE_FILE) {
        tni_error_subject(err, tn_str_of(text));
        if (err != NULL) {
            err->column = (uint32_t)at + 1; /* an argument has no lines */
        }
    }
    return status;
}

tn_status tn_pattern_new(tn_context *ctx, const char *text, tn_pattern **pattern_out, tn_error *err)
{
    tni_arena *arena;
    tn_pattern *pattern;
    tn_status status = make_arena(ctx, &arena, err);
    if (status != TN_OK) {
        return status;
    }
    status = compile(arena, text, &pattern, err);
    if (status != TN_OK) {
        free_arena(arena);
        return status;
    }
    pattern->own = arena;
    *pattern_out = pattern;
    return TN_OK;
}

void tn_pattern_free(tn_pattern *pattern)
{
    if (pattern != NULL && pattern->own != NULL) {
        free_arena(pattern->own);
    }
}

bool tn_pattern_is_exact(const tn_pattern *pattern)
{
    return pattern->kind == TNI_EXACT;
}

bool tn_pattern_matches(const tn_pattern *pattern, tn_str name)
{
    bool found = false;
    tni_matcher matcher;
    tni_matcher_init(&matcher, pattern->ctx);
    bool known = tni_pattern_match(pattern, &matcher, name, &found, NULL) == TN_OK;
    tni_matcher_clear(&matcher);
    return known && found;
}
