/* Integer expressions: `i-1`, `a*4+b`, `rank(i)`, `dim("emb", 0)`. Compiled once to a list of steps
 * over a stack, run for each name; 64 bits, every step checked. `//` and `%` round down, as in
 * Python. */
#ifndef TN_CONVERTERS_RULES_EXPRESSION_H
#define TN_CONVERTERS_RULES_EXPRESSION_H

#include "converters/rules/pattern.h"
#include "converters/rules/vars.h"

enum { TNI_EXPRESSION_STEPS = 256 }; /* longer or deeper expressions are refused */

typedef enum tni_step_kind {
    TNI_STEP_NUMBER, /* the first four put a number on the stack */
    TNI_STEP_HOLE,
    TNI_STEP_RANK, /* of a hole's value among those that the rule saw, from 0 */
    TNI_STEP_DIM,  /* the size of a source tensor along an axis */
    TNI_STEP_NEGATE,
    TNI_STEP_ADD, /* the others replace the upper two by one */
    TNI_STEP_SUBTRACT,
    TNI_STEP_MULTIPLY,
    TNI_STEP_DIVIDE,
    TNI_STEP_MODULO
} tni_step_kind;

typedef struct tni_step {
    tni_step_kind kind;
    int64_t number; /* also the axis of a size */
    uint32_t slot;  /* of a hole: which binding */
    tn_str name;    /* of the tensor whose size is meant */
} tni_step;

typedef struct tni_expression {
    tn_str source;
    const tni_step *steps;
    size_t n_steps;
    bool ranks;    /* needs all values of a hole */
    bool vars;     /* names a variable */
    bool constant; /* neither holes nor sizes */
} tni_expression;

/* What the names in an expression may mean. A hole hides a variable of its name. */
typedef struct tni_scope {
    const tn_pattern *pattern;       /* NULL: there are no holes */
    const tni_vars *vars;            /* NULL: there are none */
    const struct tni_tables *tables; /* for targets; NULL: there are none */
} tni_scope;

/* The distinct values that one hole had, ascending. */
typedef struct tni_seen_numbers {
    const int64_t *at;
    size_t count;
} tni_seen_numbers;

/* What an expression is run on. */
typedef struct tni_values {
    const tni_binding *bound;     /* by slot */
    const tni_seen_numbers *seen; /* by slot; needed if the expression ranks */
    const void *sizes;            /* handed to `size` */
    /* Gives the size of a tensor along an axis; NULL: expressions have no dim(). */
    tn_status (*size)(const void *sizes, tn_str name, int64_t axis, int64_t *size_out,
                      tn_error *err);
} tni_values;

/* Reads a whole number, which may have a minus before it. False: it is none, or exceeds 64 bits. */
bool tni_number_read(tn_str text, int64_t *number_out);
/* Tells whether all that a hole can be bound to are numbers. */
bool tni_hole_is_number(const tni_hole *hole);

/* Compiles an expression that begins at text[0]; *end_out is where it ends: at the text's end or at
 * a ':'. On an error *at_out is the offset in the text. Errors: TN_E_RULE. */
tn_status tni_expression_compile(tni_arena *arena, tn_str text, const tni_scope *scope,
                                 tni_expression *expression_out, size_t *end_out, size_t *at_out,
                                 tn_error *err);
/* Computes the value. Errors: TN_E_NAME (more than 64 bits, a division by zero, a tensor that is
 * not there or has no such axis). */
tn_status tni_expression_run(const tni_expression *expression, const tni_values *values,
                             int64_t *value_out, tn_error *err);

#endif
