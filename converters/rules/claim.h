/* The parts of tni_stage_claim. */
#ifndef TN_CONVERTERS_RULES_CLAIM_H
#define TN_CONVERTERS_RULES_CLAIM_H

#include "converters/rules/bind.h"
#include "converters/rules/match_index.h"

/* Offers a tensor to a rule that matches it. It belongs to the rule of the highest priority; where
 * several have that, it has a rival. Returns whether it is this rule's now. */
bool tni_claim_offer(tni_stage *stage, size_t index, const tni_rule *rule,
                     const tn_pattern *pattern);
/* Offers tensors to the rules that name them exactly, and files the patterns of the others. Errors:
 * TN_E_AMBIGUOUS, TN_E_NOMEM. */
tn_status tni_claim_named(tni_stage *stage, tni_match_index *index, tn_error *err);
/* Collects the values of the recorded holes of all rules, and checks what rules expect. Errors:
 * TN_E_EXPECT, TN_E_NOMEM, TN_E_LIMIT. */
tn_status tni_claim_record(tni_stage *stage, tn_error *err);
/* Holds a tensor's name against a pattern; an error names both. */
tn_status tni_claim_match(tni_stage *stage, size_t index, const tni_rule *rule,
                          const tn_pattern *pattern, bool *found_out, tn_error *err);

/* Copies what the last match, of one of a rule's patterns, bound, in the order of the holes of the
 * rule's first pattern; holes that are not in both are left out. */
void tni_claim_bound(const tni_stage *stage, const tni_rule *rule, const tn_pattern *pattern,
                     tni_binding bound[TNI_HOLES_MOST + 1]);

/* Adds the rule's place to an error about a tensor. */
tn_status tni_claim_raise(const tni_stage *stage, size_t index, const tni_rule *rule,
                          const tn_error *why, tn_error *err);
/* Gives what the last match bound, and what else expressions may ask for. */
tni_values tni_claim_values(const tni_stage *stage, const tni_rule *rule);

/* Tells whether a rule's `when` holds for a tensor that its pattern has just matched. */
tn_status tni_when_holds(tni_stage *stage, size_t index, const tni_rule *rule,
                         const tn_pattern *pattern, bool *holds_out, tn_error *err);
/* Checks what a rule expects of one tensor that it claims: its form, and what a hole is bound to,
 * which becomes a number. Errors: TN_E_EXPECT. */
tn_status tni_expect_form(tni_stage *stage, size_t index, const tni_rule *rule, tn_error *err);
tn_status tni_expect_value(tni_stage *stage, size_t index, const tni_rule *rule, uint32_t slot,
                           int64_t *number_out, tn_error *err);
/* Checks what a rule expects of all of them. Errors: TN_E_EXPECT. */
tn_status tni_expect_all(const tni_stage *stage, const tni_rule *rule, tn_error *err);

/* Raises that two rules claim a tensor. */
tn_status tni_claim_overlap(const tni_stage *stage, size_t index, tn_error *err);
/* Raises that a rule claims nothing. */
tn_status tni_claim_nothing(tni_stage *stage, const tni_rule *rule, tn_error *err);

#endif
