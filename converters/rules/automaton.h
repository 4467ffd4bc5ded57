/* A pattern as an automaton over bytes: what it takes to hold two patterns against each other. */
#ifndef TN_CONVERTERS_RULES_AUTOMATON_H
#define TN_CONVERTERS_RULES_AUTOMATON_H

#include "converters/rules/pattern.h"

/* Which bytes an arc takes. */
typedef enum tni_bytes_kind {
    TNI_BYTES_NONE, /* no byte at all: the state is entered together with its source */
    TNI_BYTES_ONE,
    TNI_BYTES_DIGIT,
    TNI_BYTES_FROM_ONE, /* 1 to 9 */
    TNI_BYTES_SEGMENT,  /* all but `byte`, the separator */
    TNI_BYTES_ANY
} tni_bytes_kind;

typedef struct tni_arc {
    uint32_t to, next; /* next: the next arc of the same state + 1; 0: none */
    tni_bytes_kind kind;
    char byte;
} tni_arc;

/* States are numbered from 0, where a name begins; `end` is where it may end. */
typedef struct tni_automaton {
    uint32_t *first; /* by state: its first arc + 1 */
    size_t n_states;
    tni_arc *arcs;
    size_t n_arcs;
    uint32_t end;
} tni_automaton;

/* Builds the automaton of a pattern that is no regular expression. A hole that is repeated may be
 * bound differently each time: such an automaton takes too much, never too little. */
tn_status tni_automaton_of(tni_arena *arena, const tn_pattern *pattern, tni_automaton *out,
                           tn_error *err);
/* Tells whether a byte is among those of an arc. */
bool tni_arc_takes(const tni_arc *arc, unsigned char byte);

/* What a token of a glob stands for. */
typedef enum tni_glob_part {
    TNI_GLOB_BYTE,
    TNI_GLOB_STAR,
    TNI_GLOB_ANYTHING,
    TNI_GLOB_SUBTREE
} tni_glob_part;
tni_glob_part tni_glob_part_of(const tni_glob_token *token);

#endif
