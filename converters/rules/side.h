/* Rules applied to one side of a comparison. */
#ifndef TN_CONVERTERS_RULES_SIDE_H
#define TN_CONVERTERS_RULES_SIDE_H

#include "converters/rules/naming.h"
#include "converters/select.h"

/* Tells whether there is anything to apply. */
bool tni_has_rules(const tni_rule_options *rules);
/* Applies rules to what flags left of a side: *model_inout becomes the renamed model,
 * *choices_inout the choices of its tensors. What only --only leaves out stays, because its partner
 * may be kept. Notes go to `notes`; `naming` owns the renamed model. Errors: those of
 * tni_naming_run. */
tn_status tni_rename_side(tni_arena *arena, const tni_rule_options *rules, tn_report *notes,
                          tni_naming *naming, const tn_model **model_inout,
                          tni_choice **choices_inout, tn_error *err);

#endif
