/* Undoing expressions: `a*4+b` gives a = n//4, b = n%4 if b is known to be 0..3. */
#ifndef TN_CONVERTERS_RULES_LINEAR_H
#define TN_CONVERTERS_RULES_LINEAR_H

#include "converters/rules/expression.h"
#include "core/buffer.h"

/* A hole's share in the sum. */
typedef struct tni_term {
    uint32_t slot;
    bool ranked; /* rank(hole) and not the hole itself */
    int64_t factor;
    bool bounded;
    int64_t low, high; /* of the hole (of its rank); low is 0 where nothing is known */
} tni_term;

/* What an expression is, as a sum; the terms of larger factors come first. */
typedef struct tni_linear {
    int64_t constant;
    tni_term terms[2 * TNI_HOLES_MOST];
    size_t n_terms;
} tni_linear;

/* What is known of a hole's numbers. */
typedef struct tni_bound {
    bool known;
    int64_t low, high;
} tni_bound;

/* Turns an expression into a sum of holes. `bounds` are by slot; sizes of tensors are asked of
 * `values`, if that is not NULL. Refuses, with the reason, what cannot be undone uniquely: //, %,
 * products of holes, and holes that are not bounded so that each has its own digits. Errors:
 * TN_E_RULE; TN_E_NOMEM. */
tn_status tni_linear_of(tni_arena *arena, const tni_expression *expression, const tni_bound *bounds,
                        const tni_values *values, tni_linear *linear_out, tn_error *err);
/* Finds the one value of each term that gives `result`. False: there is none within the bounds. */
bool tni_linear_solve(const tni_linear *linear, int64_t result, int64_t *values_out);
/* Writes the expression that gives term k of the result, which is called `name`. */
void tni_linear_write(const tni_linear *linear, size_t k, tn_str name, tni_buffer *out);

#endif
