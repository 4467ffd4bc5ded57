/* Variables of rule files: `{$name}` in patterns and targets. */
#ifndef TN_CONVERTERS_RULES_VARS_H
#define TN_CONVERTERS_RULES_VARS_H

#include "core/arena.h"

typedef struct tni_var {
    tn_str name, value;
} tni_var;

typedef struct tni_vars {
    tni_var *at;
    size_t count;
} tni_vars;

/* Returns a variable's value, or none. */
tn_str tni_vars_find(const tni_vars *vars, tn_str name);
/* Puts the variables' values into a text, as literal text (braces are doubled). A value with a star
 * is refused where stars would be read (`pattern`). NULL for `vars`: an argument, which has none.
 * On an error *at_out is the offset in the text. Errors: TN_E_RULE. */
tn_status tni_vars_expand(tni_arena *arena, const tni_vars *vars, tn_str text, bool pattern,
                          tn_str *text_out, size_t *at_out, tn_error *err);
/* Says that there is no such variable, with the nearest. */
void tni_vars_hint(const tni_vars *vars, tn_str name, tn_error *err);

#endif
