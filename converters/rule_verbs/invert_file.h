/* The parts of tni_session_invert. */
#ifndef TN_CONVERTERS_RULE_VERBS_INVERT_FILE_H
#define TN_CONVERTERS_RULE_VERBS_INVERT_FILE_H

#include "converters/rule_verbs/session.h"

/* One rule of the inverse. A rule that joins and splits tensors of unlike shapes needs several. */
typedef struct tni_back {
    const tni_rule *rule;
    tni_inverse inverse; /* of a renaming rule */
    const tn_str
        *names; /* where names stay: of the tensors that it is for; NULL: all of the rule's */
    size_t n_names;
    tn_str operations;    /* "[{…}, …]", the last one first; or none */
    bool names_variables; /* the operations do, of the file */
    int64_t priority;
} tni_back;

/* Tensors that a rule with operations made of others, together. */
typedef struct tni_group {
    const tni_made *made; /* the first of them */
    size_t n_made;
    uint32_t kind; /* groups of one kind have one list of operations that leads back */
    size_t next;   /* group of the same rule, or SIZE_MAX */
} tni_group;

/* The inverse of a stage in the making. */
typedef struct tni_inverting {
    tni_session *session;
    size_t at; /* which stage */
    const tni_ruleset *set;
    const tni_stage *stage; /* what it decided on a model; NULL: there is none */
    tni_back *backs;
    size_t n_backs;
    size_t *back_at;   /* by rule of the set: index in `backs` */
    size_t *back_of;   /* by what the stage made: index in `backs` */
    tni_group *groups; /* of all rules */
    size_t *group_at;  /* by rule: its first group, or SIZE_MAX */
    tn_str *stay;      /* names that no rule claims, but a pattern of the inverse would */
    size_t n_stay;
} tni_inverting;

/* Raises that a rule cannot be led back; `subject` is a tensor, or none. */
tn_status tni_no_inverse(const tni_inverting *v, const tni_rule *rule, tn_str subject,
                         const tn_error *why, tn_error *err);
/* Copies a rule with its tables cut down to the words that it met in the model: what matched
 * nothing leaves no trace in the inverse. */
tn_status tni_inverse_trim(const tni_inverting *v, const tni_rule *rule, tni_rule *out,
                           tn_error *err);

/* The words that a hole is bound to; none: any. */
typedef struct tni_words {
    const tn_str *at;
    size_t count;
} tni_words;

/* Copies a rule for tensors whose holes are bound to these words alone, by slot of the first
 * pattern. `pattern` (NULL: all) is the one by which they came. */
tn_status tni_inverse_narrow(tni_arena *arena, const tni_rule *rule, const tn_pattern *pattern,
                             const tni_words *words, tni_rule *out, tn_error *err);

/* Lists the groups of all rules, by rule. */
tn_status tni_inverse_groups(tni_inverting *v, tn_error *err);
/* Leads a rule with operations back, as its groups in the model need it. Errors: TN_E_NO_INVERSE.
 */
tn_status tni_lead_groups_back(tni_inverting *v, const tni_rule *rule, tn_error *err);

/* Writes "[{…}, …]", which leads one group of a model's tensors back, into `room`; empty: nothing
 * does it. Errors: TN_E_RULE with the reason. */
tn_status tni_ops_lead_back(tni_arena *room, const tn_model *model, const tni_rule *rule,
                            const tni_made *made, tn_str *text_out, tn_error *err);
/* Writes "{NAME: …}", the inverse of operation `index` of a rule, from what the rule file says. */
tn_status tni_op_turn(const tni_rule *rule, size_t index, tni_buffer *out, tn_error *err);

/* Tells whether a target needs no tables, no variables and nothing but the name at hand. */
bool tni_template_is_closed(const tni_template *to);
/* Writes the inverse as a rule file into the arena, and reads it again. */
tn_status tni_inverse_write(tni_inverting *v, tni_file_inverse *out, tn_error *err);
/* Gives rules whose patterns meet priorities, so that every name goes back to where it came from,
 * and lists the names that must stay. `out` is what was written without. Errors: TN_E_NO_INVERSE.
 */
tn_status tni_inverse_order(tni_inverting *v, const tni_file_inverse *out, tn_error *err);
/* Runs the stage and then the inverse over a twin of the stage's model: every tensor that is not
 * dropped must come back, by name, shape, dtype and element by element. Errors: TN_E_NO_INVERSE. */
tn_status tni_inverse_check(tni_inverting *v, const tni_file_inverse *out, tn_error *err);

#endif
