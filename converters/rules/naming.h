/* All stages of a command, one after the other: from a model to the model that the last one leaves.
 */
#ifndef TN_CONVERTERS_RULES_NAMING_H
#define TN_CONVERTERS_RULES_NAMING_H

#include "converters/rules/inputs.h"

/* A tensor that a rule drops. */
typedef struct tni_left_out {
    uint32_t source; /* index in the model that the stages began with */
    tn_str rule;
} tni_left_out;

/* Where a tensor comes from, and what was done to it. */
typedef struct tni_history {
    const uint32_t *from; /* tensors of the first model; NULL: its `source`, alone */
    uint32_t n_from;
    uint32_t n_ops;
    const tn_str *ops; /* as the plan shows them */
} tni_history;

typedef struct tni_naming {
    tni_arena *arena;
    tn_model **models; /* one a stage and one to begin with; freed by tni_naming_clear */
    size_t n_models;
    tni_inputs inputs;     /* further ones, whose tensors rules take */
    const tn_model *first; /* what the stages began with: IN, or IN and the inputs joined */
    const tn_model *model; /* what the last stage left; the first model itself if there are none */
    uint32_t *source;      /* by its tensors: index in the first model, of several the first;
                              TN_NO_INDEX: made from nothing */
    uint32_t *input;       /* by its tensors, while stages run: the input that it still belongs to,
                              0: IN; NULL: there are no inputs */
    tni_history *history;  /* by its tensors; NULL: no rule has operations */
    tn_str *rule;          /* by its tensors: "--rename 1", "r.yaml:3", or none */
    bool *renamed;         /* by its tensors: has lost its other names */
    bool any_renamed;
    tni_left_out *left_out;
    size_t n_left_out;
    tni_rulesets sets;
} tni_naming;

/* Reads the rules and runs the stages over the tensors of `first` for which keep[i]. Notes go to
 * `notes`. Arrays live in the arena; `first` must outlive the naming. Call tni_naming_clear in any
 * case. Errors: those of tni_rules_load and tni_stage_bind. */
tn_status tni_naming_run(tni_arena *arena, const tn_model *first, const bool *keep,
                         const tni_rule_options *options, tn_report *notes, tni_naming *naming_out,
                         tn_error *err);
void tni_naming_clear(tni_naming *naming);
/* Returns a tensor of the first model as it was opened: IN's, or a further input's. */
const tn_tensor *tni_naming_origin(const tni_naming *naming, uint32_t source);
/* Returns the bytes that the stages' models take. */
uint64_t tni_naming_memory(const tni_naming *naming);

#endif
