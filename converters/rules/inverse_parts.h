/* The parts of tni_rule_invert. */
#ifndef TN_CONVERTERS_RULES_INVERSE_PARTS_H
#define TN_CONVERTERS_RULES_INVERSE_PARTS_H

#include "converters/rules/inverse.h"
#include "converters/rules/linear.h"

/* What leads back to one hole. */
typedef enum tni_way_kind {
    TNI_WAY_NONE,
    TNI_WAY_HOLE,
    TNI_WAY_TABLE,
    TNI_WAY_EXPRESSION,
    TNI_WAY_WORD
} tni_way_kind;

typedef struct tni_way {
    tni_way_kind kind;
    tn_str name;    /* of the inverse's hole */
    tn_str text;    /* of an expression; the word */
    uint32_t table; /* index in the inverse's tables */
} tni_way;

/* A rule that is turned round. */
typedef struct tni_turning {
    tni_arena *arena;
    const tni_rule *rule;
    const tn_pattern *pattern; /* the first; of a rule that unstacks with the hole that counts */
    const tni_template *first; /* target, */
    const tni_template *to;    /* and the one at hand */
    const tni_inverse_facts *facts;
    unsigned id;
    int stacked, counted; /* slots of the holes that a stack and an unstack count by, or -1 */
    tni_bound bounds[TNI_HOLES_MOST + 1];
    tni_way ways[TNI_HOLES_MOST + 1];
    tni_inverse *inverse;
    tni_buffer match, to_text;
} tni_turning;

/* Tells whether a hole is one of some words: a choice, or what a model told. */
static inline bool tni_hole_is_closed(const tni_hole *hole)
{
    return hole->n_words > 0;
}

/* Returns the first mention of the hole that binds a slot, which there always is. */
const tni_hole *tni_turning_hole(const tn_pattern *pattern, uint32_t slot);
/* Learns what `expect` and closed choices say of the numbers of a hole. */
void tni_turning_bound(tni_turning *v, uint32_t slot);
/* Writes literal text; a star of a name cannot stand in a pattern. Errors: TN_E_RULE. */
tn_status tni_turning_literal(tn_str text, bool pattern, tni_buffer *out, tn_error *err);
/* Writes the inverse's pattern for the target at hand, and learns what leads back to each hole.
 * Holes that stand alone are read first: nothing leads back better. Errors: TN_E_RULE. */
tn_status tni_turning_match(tni_turning *v, tn_error *err);

#endif
