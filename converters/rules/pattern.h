/* Compiled patterns: exact names, globs, patterns with typed holes, and regular expressions.
 *
 * Matching is bounded whatever the pattern: a glob takes name length x pattern length steps; holes
 * take that many too, because a table first says from which places the rest can match. Only a hole
 * that is repeated can be searched for longer; that search ends after TNI_MATCH_STEPS. */
#ifndef TN_CONVERTERS_RULES_PATTERN_H
#define TN_CONVERTERS_RULES_PATTERN_H

#include "core/arena.h"
#include "core/error.h"
#include <tenon/pattern.h>

enum {
    TNI_PATTERN_BYTES = 4096, /* longer patterns with stars or holes are refused */
    TNI_HOLES_MOST = 32,
    TNI_INT_DIGITS = 18, /* so that a number fits 64 bits */
    TNI_MATCH_STEPS = 1 << 20
};

typedef enum tni_pattern_kind { TNI_EXACT, TNI_GLOB, TNI_HOLES, TNI_REGEX } tni_pattern_kind;

/* Where two readings are possible, an earlier hole takes the shorter piece. */
typedef enum tni_hole_kind {
    TNI_HOLE_SEGMENT, /* {x}: one byte or more, none of them the separator */
    TNI_HOLE_PATH,    /* {x:**}: one segment or more */
    TNI_HOLE_INT,     /* {i:int}: no leading zeros; {i:int03}: this many digits */
    TNI_HOLE_CHOICE   /* {x:a|b} */
} tni_hole_kind;

typedef struct tni_hole {
    tn_str name;
    tni_hole_kind kind;
    unsigned digits; /* of an int; 0: as many as it takes */
    const tn_str *words;
    size_t n_words;
    uint32_t slot; /* which binding; equal names share one */
} tni_hole;

/* A part of a pattern with holes: a literal text, or a hole. */
typedef struct tni_part {
    tn_str text;
    const tni_hole *hole; /* NULL: literal */
} tni_part;

typedef struct tni_glob_token {
    unsigned char kind;
    char byte;
} tni_glob_token;

struct tn_pattern {
    tni_arena *own; /* made by tn_pattern_new; NULL: lives in somebody else's arena */
    tn_context *ctx;
    tni_pattern_kind kind;
    char separator;
    tn_str source; /* as written, escapes and variables resolved */
    tn_str exact;  /* the name */
    const tni_glob_token *tokens;
    size_t n_tokens;
    tn_str head, tail; /* of a glob: the literal texts before the first star and behind the last */
    const tni_part *parts;
    size_t n_parts;
    void *regex;      /* PCRE2's, in the arena */
    uint32_t n_slots; /* bindings */
    bool repeats;     /* a hole's name stands there twice */
    tn_str *spelt;    /* the literal texts and choices of the last segment */
    size_t n_spelt;
};

/* What the holes of a pattern are bound to. */
typedef struct tni_binding {
    tn_str text;
    const tni_hole *hole; /* its first mention; NULL: a group of a regular expression */
} tni_binding;

/* Memory and result of matching; one thread's. */
typedef struct tni_matcher {
    tn_context *ctx;
    unsigned char *can; /* by part and place: can the rest match from here */
    size_t room;
    struct tni_regex_room *regex;      /* regex.c's, made when needed */
    tni_binding bound[TNI_HOLES_MOST]; /* of the last match; the texts lie in the name */
} tni_matcher;

/* Compiles a pattern into the arena. `separator` 0: the text's own, else '/'. On an error *at_out
 * (may be NULL) is the offset in the text. Errors: TN_E_RULE. */
tn_status tni_pattern_compile(tni_arena *arena, tn_str text, char separator,
                              tn_pattern **pattern_out, size_t *at_out, tn_error *err);
/* Compiles what stands in a glob; the pattern's fields source and separator are set. */
tn_status tni_glob_compile(tni_arena *arena, tn_pattern *pattern, tn_error *err);
bool tni_glob_matches(const tn_pattern *pattern, tn_str name);

/* Reads what stands in a hole's braces: name and type. Errors: TN_E_RULE. */
tn_status tni_hole_read(tni_arena *arena, tn_str inside, char separator, tni_hole *hole_out,
                        tn_error *err);
/* Reads the type `int` or `int0N`. */
bool tni_int_type(tn_str type, unsigned *digits_out);

void tni_matcher_init(tni_matcher *matcher, tn_context *ctx);
void tni_matcher_clear(tni_matcher *matcher);
/* Matches a whole name; if *found_out, the bindings are set. Errors: TN_E_NOMEM, TN_E_LIMIT (a
 * repeated hole, TNI_MATCH_STEPS; a regular expression, see regex.h). */
tn_status tni_pattern_match(const tn_pattern *pattern, tni_matcher *matcher, tn_str name,
                            bool *found_out, tn_error *err);
/* Makes a copy of a pattern that binds one more hole, a number, in the slot behind its own: what
 * targets may name that count outputs. It is no pattern to match with. */
tn_status tni_pattern_widen(tni_arena *arena, const tn_pattern *pattern, tn_str hole,
                            const tn_pattern **wide_out, tn_error *err);
/* Returns the index of the binding of a hole's name, or of a group's number, or -1. */
int tni_pattern_slot(const tn_pattern *pattern, tn_str name);

#endif
