/* What the verbs on rule files share: one file read, and run over a model. */
#ifndef TN_CONVERTERS_RULE_VERBS_SESSION_H
#define TN_CONVERTERS_RULE_VERBS_SESSION_H

#include "converters/rules/bind.h"
#include "converters/rules/inverse.h"
#include "converters/rules/naming.h"
#include <tenon/rules.h>

/* A file, and where there is a model, what its stages decided. */
typedef struct tni_session {
    tn_context *ctx;
    tni_arena arena;
    tni_rulesets sets;
    const char *const *inputs; /* NAME=PATH */
    size_t n_inputs;
    tn_report *notes;      /* of the stages */
    tn_report *report;     /* what the verb finds */
    const tn_model *model; /* NULL: none */
    tni_naming naming;
    tni_stage *stages; /* one a set; their matchers are cleared */
    size_t n_stages;
} tni_session;

/* Reads the file. Call tni_session_end in any case. */
tn_status tni_session_begin(tni_session *session, tn_context *ctx, const char *file,
                            const tn_rules_options *options, tn_error *err);
void tni_session_end(tni_session *session);
/* Runs the stages over all tensors of a model. `lenient`: rules that match nothing are no error. */
tn_status tni_session_run(tni_session *session, const tn_model *model, bool lenient, tn_error *err);
/* Runs stages over all tensors of a model, beside the session's own; call tni_naming_clear in any
 * case. */
tn_status tni_session_run_other(tni_session *session, const tn_model *model,
                                const tni_rulesets *sets, bool lenient, tni_naming *naming,
                                tn_error *err);
/* Returns the number of a rule among those of its own file, from 1. */
size_t tni_rule_number(const tni_ruleset *set, const tni_rule *rule);
/* Adds a finding about a rule; `other` may be TN_STR_NONE. */
tn_status tni_session_find(tni_session *session, tn_severity severity, const char *code,
                           const tni_rule *rule, tn_str name, tn_str other, tn_error *err,
                           const char *format, ...) TN_PRINTF(8, 9);

/* Finds the variables and tables that a file declares and does not use. */
tn_status tni_lint_unused(tni_session *session, const tni_ruleset *set, tn_error *err);

/* Returns what a stage made of a tensor by operations, the first of it; NULL: nothing. */
const tni_made *tni_made_of(const tni_stage *stage, size_t index);

/* A derived inverse of a stage. */
typedef struct tni_file_inverse {
    tn_str text;       /* of the rule file */
    tni_rulesets sets; /* the same, read again */
} tni_file_inverse;

/* Derives the inverse of one stage of the session; where the session ran over a model, it is tested
 * on what the stage found there. Findings go to the report. Errors: TN_E_NO_INVERSE. */
tn_status tni_session_invert(tni_session *session, size_t stage, tni_file_inverse *inverse_out,
                             tn_error *err);

#endif
