/* Further inputs of a command: models whose tensors rules may take besides those of IN. Where there
 * are any, the stages begin with a joined model: IN's tensors, then those of the inputs, which are
 * called INPUT:NAME and are left out at the end unless a rule took them. */
#ifndef TN_CONVERTERS_RULES_INPUTS_H
#define TN_CONVERTERS_RULES_INPUTS_H

#include "converters/rules/rule.h"

typedef struct tni_input {
    tn_str name;
    tn_model *model;
} tni_input;

typedef struct tni_inputs {
    tni_input *at; /* number n is at[n - 1]; 0 is IN */
    size_t count;
} tni_inputs;

/* Opens the inputs that rules and guards take tensors of, and tells the rules their numbers.
 * Errors: TN_E_USAGE if one was not said, at the place that asks for it; those of tn_open. Call
 * tni_inputs_close in any case. */
tn_status tni_inputs_open(tni_arena *arena, tn_context *ctx, const tni_rulesets *sets,
                          const tni_rule_options *options, tni_inputs *inputs, tn_error *err);
void tni_inputs_close(tni_inputs *inputs);

/* Returns the input of a name, or NULL. */
const tni_input *tni_inputs_find(const tni_inputs *inputs, tn_str name);

/* Joins IN and the inputs. *number_out says by tensor of the joined model of which input it is; it
 * lives in the arena. */
tn_status tni_inputs_join(tni_arena *arena, const tn_model *in, const tni_inputs *inputs,
                          tn_model **model_out, uint32_t **number_out, tn_error *err);

#endif
