/* What the readers of a rule file's parts share. */
#ifndef TN_CONVERTERS_RULES_FILE_H
#define TN_CONVERTERS_RULES_FILE_H

#include "converters/rules/keys.h"
#include "converters/rules/loading.h"

/* A file in the making. */
typedef struct tni_file_reading {
    tni_arena *arena;
    tni_loading *loading;
    const tni_rule_source *source;
    tni_ruleset *set;
} tni_file_reading;

/* Gives a value's text; `{raw: …}` has its escapes read. */
tn_status tni_file_text(tni_file_reading *r, const tni_yaml *value, tn_str *text_out,
                        tn_error *err);
/* Sets where a rule stands. */
tn_status tni_file_place(tni_file_reading *r, const tni_yaml *node, tni_rule *rule, tn_error *err);
/* Compiles one pattern, and the target if there is one; `moves`: either may be a subtree. */
tn_status tni_file_compile(tni_file_reading *r, const tni_yaml *match, const tni_yaml *to,
                           bool moves, tni_rule *rule, tn_error *err);
/* Computes a value that is a whole number, or an expression over variables. */
tn_status tni_file_number(tni_file_reading *r, const tni_yaml *value, int64_t *number_out,
                          tn_error *err);
/* Compiles a text as an expression, all of it. */
tn_status tni_file_expression(tni_file_reading *r, const tni_yaml *value, const tni_scope *scope,
                              tni_expression *out, tn_error *err);
/* Reads the operations of a `do` list, for a rule whose patterns are compiled. */
tn_status tni_file_operations(tni_file_reading *r, const tni_yaml *list, tni_rule *rule,
                              tn_error *err);
/* Reads a decimal number. */
tn_status tni_file_real(const tni_yaml *value, double *number_out, tn_error *err);
/* Reads a rule with `tie`. */
tn_status tni_file_tie(tni_file_reading *r, const tni_yaml *map, tni_rule *rule, tn_error *err);
/* Reads a rule with `make`. */
tn_status tni_file_make(tni_file_reading *r, const tni_yaml *map, tni_rule *rule, tn_error *err);
/* Reads `priority`, `otherwise`, `when` and `expect` of a rule whose patterns are compiled. */
tn_status tni_file_conditions(tni_file_reading *r, const tni_yaml *map, tni_rule *rule,
                              tn_error *err);
/* Reads `from` or `to`; `assert`. */
tn_status tni_file_guard(tni_file_reading *r, const tni_yaml *map, tni_guard *guard, tn_error *err);
tn_status tni_file_assertions(tni_file_reading *r, const tni_yaml *list, tn_error *err);
/* Reads `vars` and `vars_from`, and takes the values from outside. */
tn_status tni_file_vars(tni_file_reading *r, const tni_yaml *root, tn_error *err);
/* Reads a file that is an assignment_map. */
tn_status tni_file_assignment(tni_file_reading *r, const tni_yaml *root, tn_error *err);
/* Reads `slot_families` and `inputs`. */
tn_status tni_file_families(tni_file_reading *r, const tni_yaml *list, tn_error *err);
tn_status tni_file_inputs(tni_file_reading *r, const tni_yaml *list, tn_error *err);
/* Reads `metadata`. */
tn_status tni_file_metadata(tni_file_reading *r, const tni_yaml *map, tn_error *err);
/* Reads the name of an input that the file lists, or `in`; {input: NAME}. */
tn_status tni_file_input(tni_file_reading *r, const tni_yaml *value, tn_str *name_out,
                         tn_error *err);
tn_status tni_file_model(tni_file_reading *r, const tni_yaml *map, tn_str *name_out, tn_error *err);
/* Reads `from` of a rule: the inputs whose tensors it takes. */
tn_status tni_file_from(tni_file_reading *r, const tni_yaml *from, tni_rule *rule, tn_error *err);
/* Reads a name without holes and stars. */
tn_status tni_file_name(tni_file_reading *r, const tni_yaml *name, tn_str *name_out, tn_error *err);
/* Reads one rule. */
tn_status tni_file_rule(tni_file_reading *r, const tni_yaml *map, tni_rule *rule, tn_error *err);

#endif
