/* The rule that leads back: from the names that a rule makes to those it matches. It is derived
 * from the texts alone, so it must be tested on the actual names. */
#ifndef TN_CONVERTERS_RULES_INVERSE_H
#define TN_CONVERTERS_RULES_INVERSE_H

#include "converters/rules/rule.h"

/* An inverse as a rule file spells it. */
typedef struct tni_inverse {
    tn_str match, to;
    tni_table *tables; /* that `to` names, besides those of the file */
    size_t n_tables;
} tni_inverse;

/* Derives the inverse of a rule that renames. `seen` are the numbers that its holes had in a model,
 * by slot: what rank() is undone by; `values->size` gives sizes for dim(). Either may be NULL: what
 * needs it is then refused, unless `expect` lists the numbers. `id` makes the tables' names unique.
 * Errors: TN_E_RULE with the reason; TN_E_NOMEM. */
tn_status tni_rule_invert(tni_arena *arena, const tni_rule *rule, const tni_seen_numbers *seen,
                          const tni_values *values, unsigned id, tni_inverse *inverse_out,
                          tn_error *err);

#endif
