/* The rule that leads back: from the names that a rule makes to those it matches. It is derived
 * from the texts alone, so it must be tested on the actual names. */
#ifndef TN_CONVERTERS_RULES_INVERSE_H
#define TN_CONVERTERS_RULES_INVERSE_H

#include "converters/rules/rule.h"

/* An inverse as a rule file spells it. */
typedef struct tni_inverse {
    tn_str *match; /* of a rule that splits one a target, in their order; else one */
    size_t n_match;
    tn_str *to; /* of a rule that joins by concat one a pattern, in their order; else one */
    size_t n_to;
    tni_table *tables; /* that `to` names, besides those of the file */
    size_t n_tables;
} tni_inverse;

/* What a model tells of the tensors that a rule claims. All fields may be zero: what needs them is
 * then refused, unless `expect` says it. */
typedef struct tni_inverse_facts {
    const tni_seen_numbers
        *seen;                /* by slot: the numbers that holes had: what rank() is undone by */
    const tni_values *values; /* `size` gives sizes for dim() */
    bool counts;              /* the rule stacks, */
    int64_t first;            /* and this is the first number of the hole that it stacks over */
} tni_inverse_facts;

/* Derives the inverse of a rule that renames: its names, whatever its operations are. The hole that
 * a stack or unstack counts by has its own name in the inverse, too. A hole of the rule's first
 * pattern that has words is one of them alone; the model told so. `id` makes the tables' names
 * unique. Errors: TN_E_RULE with the reason; TN_E_NOMEM. */
tn_status tni_rule_invert(tni_arena *arena, const tni_rule *rule, const tni_inverse_facts *facts,
                          unsigned id, tni_inverse *inverse_out, tn_error *err);

#endif
