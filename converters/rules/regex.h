/* Regular expressions in patterns: `re:…`, by PCRE2, over bytes. Whole names match. Bounded in
 * length, steps, depth and memory; never compiled to machine code, because that needs memory that
 * is both writable and executable, in a program that reads hostile files, and obeys no bound on
 * depth. */
#ifndef TN_CONVERTERS_RULES_REGEX_H
#define TN_CONVERTERS_RULES_REGEX_H

#include "converters/rules/pattern.h"

enum {
    TNI_REGEX_NESTING = 64,        /* parentheses */
    TNI_REGEX_STEPS = 100000,      /* of one match: PCRE2's match limit */
    TNI_REGEX_DEPTH = 10000,       /* of backtracking */
    TNI_REGEX_HEAP_KIB = 16 * 1024 /* for that depth */
};

/* Tells whether a pattern's text is a regular expression. */
bool tni_is_regex(tn_str text);
/* Compiles pattern->source. On an error *at_out is the offset in it. Errors: TN_E_RULE. */
tn_status tni_regex_compile(tni_arena *arena, tn_pattern *pattern, size_t *at_out, tn_error *err);
/* Matches a whole name; group 1 is bound as slot 0. A group that took no part is bound to the empty
 * text. Errors: TN_E_LIMIT, TN_E_NOMEM. */
tn_status tni_regex_match(const tn_pattern *pattern, tni_matcher *matcher, tn_str name,
                          bool *found_out, tn_error *err);
/* Frees what matching needed. NULL is fine. */
void tni_regex_room_free(struct tni_regex_room *room);

/* Returns the separator that a regular expression shows: '/', else an escaped '.', else 0. */
char tni_regex_separator(tn_str text);
/* Returns a run of letters, digits and _ of a regular expression at or after *at, and moves *at
 * behind it; none if there is no more. Letters behind a backslash do not count. */
tn_str tni_regex_word(tn_str text, size_t *at);

#endif
