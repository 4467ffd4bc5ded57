/* How far a pattern gets with a name that it does not match. */
#ifndef TN_CONVERTERS_RULE_VERBS_ALMOST_H
#define TN_CONVERTERS_RULE_VERBS_ALMOST_H

#include "converters/rules/pattern.h"

/* Counts the bytes of a name that a pattern takes before nothing more can follow. 0 for regular
 * expressions. Errors: TN_E_NOMEM. */
tn_status tni_pattern_reach(tni_arena *arena, const tn_pattern *pattern, tn_str name,
                            size_t *reach_out, tn_error *err);

#endif
