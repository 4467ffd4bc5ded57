/* Whether two patterns can match one name, told from the patterns alone, with such a name. */
#ifndef TN_CONVERTERS_RULES_OVERLAP_H
#define TN_CONVERTERS_RULES_OVERLAP_H

#include "converters/rules/rule.h"

typedef enum tni_overlap {
    TNI_APART,   /* no name matches both */
    TNI_OVERLAP, /* *witness_out does */
    TNI_UNKNOWN  /* a regular expression, a repeated hole, or too large to tell */
} tni_overlap;

enum { TNI_OVERLAP_STATES = 1 << 20 }; /* pairs of states; larger patterns are not compared */

/* Searches for a name that both patterns match; one with few bytes goes into the arena. Errors:
 * TN_E_NOMEM. */
tn_status tni_patterns_overlap(tni_arena *arena, const tn_pattern *a, const tn_pattern *b,
                               tni_overlap *overlap_out, tn_str *witness_out, tn_error *err);

/* The same of two rules of one file: those of different priority are apart, since the higher one
 * claims. Where a rule has a `when` an overlap is TNI_UNKNOWN, with the witness of the patterns. */
tn_status tni_rules_overlap(tni_arena *arena, const tni_rule *a, const tni_rule *b,
                            tni_overlap *overlap_out, tn_str *witness_out, tn_error *err);

#endif
