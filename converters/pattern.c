/* Patterns over names. Compiled to a list of tokens, matched by following all states at once, so
 * time is bounded by name length x pattern length whatever the pattern. */
#include "core/arena.h"
#include "core/error.h"
#include <tenon/pattern.h>
#include <tenon/text.h>

enum { PATTERN_TOKENS = 4096 }; /* longer patterns are refused, so that a match fits the stack */

typedef enum token_kind {
    TOKEN_BYTE,     /* this byte */
    TOKEN_STAR,     /* any bytes but the separator, also none */
    TOKEN_ANYTHING, /* any bytes, also none */
    TOKEN_SUBTREE   /* `**` and its separator: nothing, or any bytes that end in the separator */
} token_kind;

typedef struct token {
    token_kind kind;
    char byte;
} token;

struct tn_pattern {
    tn_context *ctx;
    token *tokens;
    size_t count;
    char separator;
    bool exact;
};

/* The separator of a pattern: '/' if it contains one, else '.', else '/'. */
static char separator_of(tn_str text)
{
    bool slash = memchr(text.data, '/', text.len) != NULL;
    bool dot = memchr(text.data, '.', text.len) != NULL;
    return !slash && dot ? '.' : '/';
}

/* Appends a token, but not one that adds nothing to the last: `****` is `**`, and `**`+`/`+`**`+`/`
 * is one subtree. So no run of tokens that need no byte is longer than two. */
static void add_token(tn_pattern *pattern, token_kind kind, char byte)
{
    token_kind last = pattern->count == 0 ? TOKEN_BYTE : pattern->tokens[pattern->count - 1].kind;
    bool idle = kind != TOKEN_BYTE && (kind == last || last == TOKEN_ANYTHING);
    if (!idle) {
        pattern->tokens[pattern->count++] = (token){kind, byte};
    }
}

static void compile(tn_pattern *pattern, const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        if (text[i] != '*') {
            add_token(pattern, TOKEN_BYTE, text[i++]);
            continue;
        }
        pattern->exact = false;
        if (i + 1 == len || text[i + 1] != '*') {
            add_token(pattern, TOKEN_STAR, 0);
            i++;
            continue;
        }
        bool starts_segment = i == 0 || text[i - 1] == pattern->separator;
        bool subtree = starts_segment && i + 2 < len && text[i + 2] == pattern->separator;
        add_token(pattern, subtree ? TOKEN_SUBTREE : TOKEN_ANYTHING, 0);
        i += subtree ? 3 : 2;
    }
}

tn_status tn_pattern_new(tn_context *ctx, const char *text, tn_pattern **pattern_out, tn_error *err)
{
    size_t len = strlen(text);
    void *block = NULL, *copy = NULL;
    tn_status status = tni_alloc_array(ctx, 1, sizeof(tn_pattern), &block, err);
    if (status == TN_OK) {
        status = tni_alloc(ctx, len + 1, &copy, err);
    }
    tn_pattern *pattern = block;
    if (status == TN_OK && len > PATTERN_TOKENS) {
        status = tni_fail(err, TN_E_RULE, "the pattern is longer than %d bytes", PATTERN_TOKENS);
    }
    if (status == TN_OK) {
        memcpy(copy, text, len + 1);
        if (!tn_unescape(copy, &len)) {
            status = tni_fail(err, TN_E_RULE, "the pattern '%s' has a malformed escape", text);
            tni_error_hint(err, "a backslash is written \\\\");
        }
    }
    if (status == TN_OK) {
        *pattern = (tn_pattern){.ctx = ctx, .exact = true};
        pattern->separator = separator_of((tn_str){copy, len});
        status = tni_alloc_array(ctx, len, sizeof(token), (void **)&pattern->tokens, err);
    }
    if (status == TN_OK) {
        compile(pattern, copy, len);
        *pattern_out = pattern;
    } else {
        tni_free(ctx, pattern);
    }
    tni_free(ctx, copy);
    return status;
}

void tn_pattern_free(tn_pattern *pattern)
{
    if (pattern != NULL) {
        tn_context *ctx = pattern->ctx;
        tni_free(ctx, pattern->tokens);
        tni_free(ctx, pattern);
    }
}

bool tn_pattern_is_exact(const tn_pattern *pattern)
{
    return pattern->exact;
}

/* The set of states after some bytes: at[p] means that tokens before p are matched. */
typedef struct states {
    bool at[PATTERN_TOKENS + 1];
} states;

/* Enters state p and all states that need no further byte from there. */
static void enter(const tn_pattern *pattern, states *set, size_t p)
{
    set->at[p] = true;
    while (p < pattern->count && pattern->tokens[p].kind != TOKEN_BYTE) {
        set->at[++p] = true;
    }
}

/* Follows one byte from state p. A subtree that has begun stays open until a separator. */
static void follow(const tn_pattern *pattern, size_t p, char byte, states *next)
{
    const token *here = &pattern->tokens[p];
    bool separator = byte == pattern->separator;
    switch (here->kind) {
    case TOKEN_BYTE:
        if (here->byte == byte) {
            enter(pattern, next, p + 1);
        }
        break;
    case TOKEN_STAR:
        if (!separator) {
            enter(pattern, next, p);
        }
        break;
    case TOKEN_ANYTHING:
        enter(pattern, next, p);
        break;
    case TOKEN_SUBTREE:
        next->at[p] = true;
        if (separator) {
            enter(pattern, next, p + 1);
        }
        break;
    }
}

static bool follow_all(const tn_pattern *pattern, tn_str name)
{
    states sets[2];
    memset(sets[0].at, 0, pattern->count + 1);
    enter(pattern, &sets[0], 0);
    for (size_t i = 0; i < name.len; i++) {
        const states *now = &sets[i % 2];
        states *next = &sets[(i + 1) % 2];
        memset(next->at, 0, pattern->count + 1);
        for (size_t p = 0; p < pattern->count; p++) {
            if (now->at[p]) {
                follow(pattern, p, name.data[i], next);
            }
        }
    }
    return sets[name.len % 2].at[pattern->count];
}

static bool equals(const tn_pattern *pattern, tn_str name)
{
    bool equal = name.len == pattern->count;
    for (size_t i = 0; equal && i < name.len; i++) {
        equal = name.data[i] == pattern->tokens[i].byte;
    }
    return equal;
}

bool tn_pattern_matches(const tn_pattern *pattern, tn_str name)
{
    return pattern->exact ? equals(pattern, name) : follow_all(pattern, name);
}
