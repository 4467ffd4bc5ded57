/* Targets of rules: literal text, the values of a pattern's holes, what tables have for them, and
 * expressions over them. */
#ifndef TN_CONVERTERS_RULES_TEMPLATE_H
#define TN_CONVERTERS_RULES_TEMPLATE_H

#include "converters/rules/expression.h"
#include "converters/rules/tables.h"
#include "core/buffer.h"

typedef enum tni_template_kind {
    TNI_PART_TEXT,
    TNI_PART_HOLE,
    TNI_PART_TABLE,     /* {p|part} */
    TNI_PART_EXPRESSION /* {i-1} */
} tni_template_kind;

typedef struct tni_template_part {
    tni_template_kind kind;
    tn_str text;            /* literal */
    uint32_t slot;          /* of a hole, also before a table: of the pattern's binding */
    unsigned digits;        /* a number's width; 0: as it comes */
    const tni_table *table; /* TNI_PART_TABLE */
    tni_expression *expression;
} tni_template_part;

typedef struct tni_template {
    tn_str source; /* as written, variables resolved */
    char separator;
    tni_template_part *parts;
    size_t n_parts;
    bool constant; /* without holes */
    bool ranks;    /* an expression needs all values of a hole */
    bool vars;     /* an expression names a variable */
} tni_template;

/* Compiles a target for one pattern (scope->pattern, never NULL). On an error *at_out is the offset
 * in the text. Errors: TN_E_RULE (a hole that the pattern does not bind, an unknown table, a wrong
 * expression). */
tn_status tni_template_compile(tni_arena *arena, tn_str text, char separator,
                               const tni_scope *scope, tni_template **template_out, size_t *at_out,
                               tn_error *err);
/* Writes the name for what a match bound. A list of segments is written with the target's
 * separator. Errors: TN_E_NAME (a segment that holds that separator, a table without the word, a
 * negative or too large number, an empty name). */
tn_status tni_template_render(const tni_template *target, const tn_pattern *pattern,
                              const tni_values *values, tni_buffer *out, tn_error *err);

#endif
