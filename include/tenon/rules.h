/* Rule files by themselves: checked without a model, tested on one, inverted, explained. A file is
 * a path, "-" or "preset:NAME". */
#ifndef TENON_RULES_H
#define TENON_RULES_H

#include <stdio.h>
#include <tenon/model.h>

/* What a command says beside the file; all zeros: nothing. */
typedef struct tn_rules_options {
    const char *const *vars; /* NAME=VALUE */
    size_t n_vars;
    const char *const *inputs; /* NAME=PATH */
    size_t n_inputs;
} tn_rules_options;

/* A rule set that comes with the program. */
typedef struct tn_preset {
    const char *name; /* without "preset:" */
    tn_str about;     /* one sentence; or none */
} tn_preset;

typedef struct tn_preset_list tn_preset_list;

/* Lists the presets by name. Free with tn_presets_free. Errors: TN_E_NOMEM. */
TN_API tn_status tn_presets_new(tn_context *ctx, tn_preset_list **list_out, tn_error *err);
TN_API void tn_presets_free(tn_preset_list *list);
/* Returns the number of presets and gives them; they live as long as the list. */
TN_API size_t tn_presets(const tn_preset_list *list, const tn_preset **presets_out);

/* Checks a file without a model. Findings carry the rule's place ("r.yaml:3") as `rule`:
 * "rules-overlap" (errors; `name` is a name that both rules match), "rule-shadowed", "unused"
 * (warnings), "no-inverse" (notes). The caller frees the report. Errors: TN_E_RULE and all of
 * reading the file. */
TN_API tn_status tn_rules_lint(tn_context *ctx, const char *file, const tn_rules_options *options,
                               tn_report **report_out, tn_error *err);

/* What a test did. */
typedef struct tn_rules_tested {
    uint64_t tensors;             /* of the model */
    uint64_t renamed, kept, made; /* of the result; made: from nothing */
    uint64_t dropped;
    bool inverted; /* the inverse leads back to every tensor that was not dropped */
} tn_rules_tested;

/* Applies a file to a model, stage by stage, and the inverse of each stage to what that gives.
 * Findings: "dead-rule" (errors; `other` is the nearest name), "no-inverse" (errors), "rule-drops"
 * (warnings), "not-idempotent" (notes). The caller frees the report. Errors: as tn_rules_lint, and
 * all that a conversion with these rules would raise. */
TN_API tn_status tn_rules_test(tn_context *ctx, const char *file, const tn_model *model,
                               const tn_rules_options *options, tn_rules_tested *tested_out,
                               tn_report **report_out, tn_error *err);

/* Writes the inverse of a file as a rule file. With a model (NULL: none) it is proved: every tensor
 * that is not dropped comes back, by name, shape, dtype, and each element where it was. Nothing is
 * written on an error. Findings: "rule-drops" (warnings), "untested" (notes). The
 * caller frees the report. Errors: as tn_rules_test, TN_E_NO_INVERSE with rule and tensor. */
TN_API tn_status tn_rules_invert(tn_context *ctx, const char *file, const tn_model *model,
                                 const tn_rules_options *options, FILE *out, tn_report **report_out,
                                 tn_error *err);

/* What a hole is bound to. */
typedef struct tn_bound {
    tn_str hole, value;
} tn_bound;

/* What one stage does with a name. */
typedef struct tn_explained_stage {
    tn_str rule;    /* "r.yaml:3"; none: no rule claims the name */
    tn_str pattern; /* that matched; none for a slot that goes with its variable */
    tn_str target;  /* as the rule has it; none: it drops or keeps */
    const tn_bound *bound;
    size_t n_bound;
    const tn_str *operations; /* as the rule has them */
    size_t n_operations;
    tn_str forms;  /* with a model and operations: "[3, 4] float32 -> [4, 3] float32" */
    tn_str why;    /* a sentence: what becomes of the name */
    bool dropped;  /* it ends here */
    tn_str result; /* the name that it leaves; none where that is dropped or cannot be told */
} tn_explained_stage;

/* A rule that almost matches. */
typedef struct tn_almost {
    tn_str rule, pattern;
    tn_str why;
} tn_almost;

/* What a file does with a name, stage by stage. */
typedef struct tn_explained {
    tn_str name;
    const tn_explained_stage *stages;
    size_t n_stages;
    tn_str result;           /* of the last stage; none */
    const tn_almost *almost; /* where no rule of the first stage claims the name; nearest first */
    size_t n_almost;
} tn_explained;

typedef struct tn_explanation tn_explanation;

/* Explains what a file does with one name. With a model (NULL: none) the name is one of its
 * tensors, and conditions, slots and sizes are known. Free with tn_explanation_free. Errors: as
 * tn_rules_test; TN_E_NO_SUCH_NAME. */
TN_API tn_status tn_rules_explain(tn_context *ctx, const char *file, const tn_model *model,
                                  tn_str name, const tn_rules_options *options,
                                  tn_explanation **explanation_out, tn_error *err);
TN_API void tn_explanation_free(tn_explanation *explanation);
TN_API const tn_explained *tn_explanation_of(const tn_explanation *explanation);

#endif
