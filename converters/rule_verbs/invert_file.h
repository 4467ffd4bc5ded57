/* The parts of tni_session_invert. */
#ifndef TN_CONVERTERS_RULE_VERBS_INVERT_FILE_H
#define TN_CONVERTERS_RULE_VERBS_INVERT_FILE_H

#include "converters/rule_verbs/session.h"

/* What leads back from one rule. */
typedef struct tni_back {
    const tni_rule *rule;
    tni_inverse inverse; /* of a renaming rule */
    int64_t priority;
} tni_back;

/* The inverse of a file in the making. */
typedef struct tni_inverting {
    tni_session *session;
    const tni_ruleset *set;
    const tni_stage *stage; /* what it decided on a model; NULL: there is none */
    tni_back *backs;
    size_t n_backs;
    size_t *back_at; /* by rule of the set: index in `backs` */
    tn_str *stay;    /* names that no rule claims, but a pattern of the inverse would */
    size_t n_stay;
} tni_inverting;

/* Raises that a rule cannot be led back; `subject` is a tensor, or none. */
tn_status tni_no_inverse(const tni_inverting *v, const tni_rule *rule, tn_str subject,
                         const tn_error *why, tn_error *err);
/* Copies a rule with its tables cut down to the words that it met in the model: what matched
 * nothing leaves no trace in the inverse. */
tn_status tni_inverse_trim(const tni_inverting *v, const tni_rule *rule, tni_rule *out,
                           tn_error *err);
/* Writes `, do: […]` with the operations of a rule led back, the last one first. */
void tni_ops_print_reversed(const tni_rule *rule, FILE *out);
/* Tells whether a target needs no tables, no variables and nothing but the name at hand. */
bool tni_template_is_closed(const tni_template *to);
/* Writes the inverse as a rule file into the arena, and reads it again. */
tn_status tni_inverse_write(tni_inverting *v, tni_file_inverse *out, tn_error *err);
/* Gives rules whose patterns meet priorities, so that every name goes back to where it came from,
 * and lists the names that must stay. `out` is what was written without. Errors: TN_E_NO_INVERSE.
 */
tn_status tni_inverse_order(tni_inverting *v, const tni_file_inverse *out, tn_error *err);
/* Runs the inverse over what the session's stage left, and compares the names. */
tn_status tni_inverse_check(tni_inverting *v, const tni_file_inverse *out, tn_error *err);

#endif
