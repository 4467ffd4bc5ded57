/* Globs: a list of tokens, matched by following all states at once, so time is bounded by name
 * length x pattern length whatever the pattern. */
#include "converters/rules/automaton.h"
#include "converters/rules/lexer.h"
#include "converters/rules/pattern.h"

enum {
    TOKEN_BYTE,     /* this byte */
    TOKEN_STAR,     /* any bytes but the separator, also none */
    TOKEN_ANYTHING, /* any bytes, also none */
    TOKEN_SUBTREE   /* `**` and its separator: nothing, or any bytes that end in the separator */
};

tni_glob_part tni_glob_part_of(const tni_glob_token *token)
{
    return token->kind == TOKEN_BYTE       ? TNI_GLOB_BYTE
           : token->kind == TOKEN_STAR     ? TNI_GLOB_STAR
           : token->kind == TOKEN_ANYTHING ? TNI_GLOB_ANYTHING
                                           : TNI_GLOB_SUBTREE;
}

typedef struct builder {
    tni_glob_token *tokens;
    size_t count;
} builder;

/* Appends a token, but not one that adds nothing to the last: `****` is `**`, and `**`+`/`+`**`+`/`
 * is one subtree. So no run of tokens that need no byte is longer than two. */
static void add_token(builder *b, unsigned char kind, char byte)
{
    unsigned char last = b->count == 0 ? TOKEN_BYTE : b->tokens[b->count - 1].kind;
    bool idle = kind != TOKEN_BYTE && (kind == last || last == TOKEN_ANYTHING);
    if (!idle) {
        b->tokens[b->count++] = (tni_glob_token){kind, byte};
    }
}

/* Adds the token of a star at text[i]; returns how many bytes it takes. */
static size_t add_star(builder *b, tn_str text, size_t i, char separator)
{
    if (i + 1 == text.len || text.data[i + 1] != '*') {
        add_token(b, TOKEN_STAR, 0);
        return 1;
    }
    bool starts_segment = i == 0 || text.data[i - 1] == separator;
    bool subtree = starts_segment && i + 2 < text.len && text.data[i + 2] == separator;
    add_token(b, subtree ? TOKEN_SUBTREE : TOKEN_ANYTHING, 0);
    return subtree ? 3 : 2;
}

/* Counts the literal bytes at the start of a glob, or at its end. */
static size_t count_literal(const tn_pattern *pattern, bool at_end)
{
    size_t count = 0;
    while (count < pattern->n_tokens &&
           pattern->tokens[at_end ? pattern->n_tokens - 1 - count : count].kind == TOKEN_BYTE) {
        count++;
    }
    return count;
}

/* Keeps the literal texts at both ends: most names fail there. */
static tn_status keep_ends(tni_arena *arena, tn_pattern *pattern, tn_error *err)
{
    void *block;
    size_t head = count_literal(pattern, false), tail = count_literal(pattern, true);
    tn_status status = tni_arena_alloc(arena, head + tail + 1, &block, err);
    if (status != TN_OK) {
        return status;
    }
    char *bytes = block;
    for (size_t i = 0; i < head + tail; i++) {
        size_t token = i < head ? i : pattern->n_tokens - tail + (i - head);
        bytes[i] = pattern->tokens[token].byte;
    }
    pattern->head = (tn_str){bytes, head};
    pattern->tail = (tn_str){bytes + head, tail};
    return TN_OK;
}

tn_status tni_glob_compile(tni_arena *arena, tn_pattern *pattern, tn_error *err)
{
    void *block;
    tn_status status =
        tni_arena_array(arena, pattern->source.len, sizeof(tni_glob_token), &block, err);
    if (status != TN_OK) {
        return status;
    }
    builder b = {block, 0};
    tni_lexer lexer = {pattern->source, 0};
    tni_lexeme lexeme;
    while ((status = tni_lex(&lexer, &lexeme, err)) == TN_OK && lexeme.kind != TNI_LEX_END) {
        if (lexeme.kind == TNI_LEX_STAR) {
            lexer.at =
                lexeme.start + add_star(&b, pattern->source, lexeme.start, pattern->separator);
        } else {
            add_token(&b, TOKEN_BYTE, lexeme.byte);
        }
    }
    pattern->tokens = b.tokens;
    pattern->n_tokens = b.count;
    return status != TN_OK ? status : keep_ends(arena, pattern, err);
}

/* The set of states after some bytes: at[p] means that tokens before p are matched. */
typedef struct states {
    bool at[TNI_PATTERN_BYTES + 1];
} states;

/* Enters state p and all states that need no further byte from there. */
static void enter(const tn_pattern *pattern, states *set, size_t p)
{
    set->at[p] = true;
    while (p < pattern->n_tokens && pattern->tokens[p].kind != TOKEN_BYTE) {
        set->at[++p] = true;
    }
}

/* Follows one byte from state p. A subtree that has begun stays open until a separator. */
static void follow(const tn_pattern *pattern, size_t p, char byte, states *next)
{
    const tni_glob_token *here = &pattern->tokens[p];
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
    default:
        next->at[p] = true;
        if (separator) {
            enter(pattern, next, p + 1);
        }
        break;
    }
}

bool tni_glob_matches(const tn_pattern *pattern, tn_str name)
{
    states sets[2];
    if (!tn_str_starts(name, pattern->head) || !tn_str_ends(name, pattern->tail)) {
        return false;
    }
    memset(sets[0].at, 0, pattern->n_tokens + 1);
    enter(pattern, &sets[0], 0);
    for (size_t i = 0; i < name.len; i++) {
        const states *now = &sets[i % 2];
        states *next = &sets[(i + 1) % 2];
        memset(next->at, 0, pattern->n_tokens + 1);
        for (size_t p = 0; p < pattern->n_tokens; p++) {
            if (now->at[p]) {
                follow(pattern, p, name.data[i], next);
            }
        }
    }
    return sets[name.len % 2].at[pattern->n_tokens];
}
