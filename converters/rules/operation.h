/* Operations of rules: what stands in a `do` list, with arguments that may be expressions. */
#ifndef TN_CONVERTERS_RULES_OPERATION_H
#define TN_CONVERTERS_RULES_OPERATION_H

#include "converters/ops/op.h"
#include "converters/rules/template.h"
#include "core/yaml.h"
#include <tenon/cast.h>

typedef enum tni_rule_op_kind {
    TNI_RULE_LAYOUT, /* an index map: converters/ops */
    TNI_RULE_CAST,
    TNI_RULE_ADD, /* a number or another tensor, element by element */
    TNI_RULE_MEAN /* of all tensors that go together */
} tni_rule_op_kind;

typedef struct tni_rule_op {
    tni_rule_op_kind kind;
    const tni_yaml *node; /* as it stands in the file; NULL: a flag's */
    tn_str text;          /* as the plan shows it: "transpose hwio->oihw" */
    /* TNI_RULE_LAYOUT */
    tni_op_kind layout;
    const tni_axes *axes;
    const tni_expression *axis, *groups; /* NULL: 0; none */
    const tni_expression *sizes;         /* of a rearrangement: by axis, those in `given` */
    size_t n_sizes;
    const bool *given; /* by axis of a rearrangement; NULL: all are sizes */
    tn_str over;       /* the hole that stack and unstack count by; none elsewhere */
    /* TNI_RULE_CAST */
    tn_dtype dtype;
    tn_overflow overflow;
    unsigned report; /* bits by tni_cast_figure */
    /* TNI_RULE_ADD */
    const tni_template *operand; /* NULL: a number */
    double scale, number;
} tni_rule_op;

/* Tells whether an operation makes one tensor of all that a rule claims together. */
static inline bool tni_rule_op_gathers(const tni_rule_op *op)
{
    return op->kind == TNI_RULE_MEAN ||
           (op->kind == TNI_RULE_LAYOUT &&
            (op->layout == TNI_OP_CONCAT || op->layout == TNI_OP_STACK));
}

/* Tells whether an operation makes several tensors of one. */
static inline bool tni_rule_op_spreads(const tni_rule_op *op)
{
    return op->kind == TNI_RULE_LAYOUT &&
           (op->layout == TNI_OP_SPLIT || op->layout == TNI_OP_UNSTACK);
}

/* Returns the operation of a list that makes one tensor of several, or NULL. */
static inline const tni_rule_op *tni_rule_op_gathering(const tni_rule_op *ops, size_t count)
{
    const tni_rule_op *found = NULL;
    for (size_t i = 0; i < count && found == NULL; i++) {
        found = tni_rule_op_gathers(&ops[i]) ? &ops[i] : NULL;
    }
    return found;
}

/* Returns the operation of a list that makes several tensors of one, or NULL. */
static inline const tni_rule_op *tni_rule_op_spreading(const tni_rule_op *ops, size_t count)
{
    const tni_rule_op *found = NULL;
    for (size_t i = 0; i < count && found == NULL; i++) {
        found = tni_rule_op_spreads(&ops[i]) ? &ops[i] : NULL;
    }
    return found;
}

/* Tells whether an operation makes one tensor for every number of a hole: unstack. NULL does not.
 */
static inline bool tni_rule_op_counts(const tni_rule_op *op)
{
    return op != NULL && op->kind == TNI_RULE_LAYOUT && op->layout == TNI_OP_UNSTACK;
}

#endif
