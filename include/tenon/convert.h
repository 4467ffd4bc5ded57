/* Conversion: a plan that can be read before a byte moves, and its execution. */
#ifndef TENON_CONVERT_H
#define TENON_CONVERT_H

#include <stdio.h>
#include <tenon/model.h>

/* The flags of `convert` and `plan`; all zeros: everything, as it is. */
typedef struct tn_convert_options {
    const char *to;          /* output format; NULL: from the output's name */
    const char *layout;      /* --layout; NULL: the writer's choice */
    const char *const *only; /* patterns */
    size_t n_only;
    const char *const *drop;
    size_t n_drop;
    bool weights_only;
    const char *const *rules; /* rule files, one stage each; "-" is standard input */
    size_t n_rules;
    const char *const *vars; /* NAME=VALUE for variables that the files declare */
    size_t n_vars;
    const char *const *inputs; /* NAME=PATH for inputs that the files ask for */
    size_t n_inputs;
    const char *const *rename; /* FROM=TO, all together the last stage */
    size_t n_rename;
    const char *const *cast; /* [PATTERN=]DTYPE, all together one stage after the renames */
    size_t n_cast;
    const tn_model *like;    /* --like: an opened model whose tensors are written, with the input's
                                values; must outlive the plan. NULL: the input's own */
    const char *const *fill; /* patterns over its names: what may be taken from it, values too */
    size_t n_fill;
    bool print_rules;    /* tn_plan_print_rules will be asked for */
    bool ignore_unmatch; /* a flag or rule that matches nothing is no error */
    bool has_scheme;     /* --scheme was said: what is not renamed is written by it */
    tn_scheme scheme;
    uint64_t max_shard_size; /* 0: one file */
    bool link;               /* --link: data files that stay as they are are linked, not copied */
    bool replace;            /* -f */
    bool skip_existing;
} tn_convert_options;

/* What kind of thing is lost: bits or range of values, a tensor left behind, or what only the
 * source's format can hold (object graph, partition layout). Only the first two must be declared.
 */
typedef enum tn_loss_class { TN_LOSS_VALUE, TN_LOSS_STATE, TN_LOSS_STRUCTURE } tn_loss_class;

/* Something of the input that the output will not have. */
typedef struct tn_loss {
    tn_loss_class kind;
    tn_str name; /* tensor, or none */
    tn_str message;
    tn_str fix; /* the option that would declare it; none for structure losses */
    bool declared;
} tn_loss;

/* One tensor of the output and where it comes from. */
typedef struct tn_plan_tensor {
    tn_str name;                  /* in the output */
    const tn_tensor *tensor;      /* what is written: shape and dtype before storing */
    tn_dtype dtype;               /* as stored */
    const tn_tensor *const *from; /* origins */
    size_t n_from;
    tn_str rule;       /* "--rename 1", "file:line"; none: untouched */
    const tn_str *ops; /* what was done, in order: "transpose hwio->oihw" */
    size_t n_ops;
    /* With `like`: how it got its source. "rule": a rule gave the source a name of this tensor;
     * "name", "full", "key", "object": both have this name in that scheme; "alias": in different
     * ones; "order": by the order of the layers; "slot": it is that slot of the variable's source;
     * else the values are those of `like`, and `from` is its tensor: "fill": a pattern says so;
     * "counter": the input lacks it; "structure": it is no value. NULL without `like`. */
    const char *paired_by;
    uint64_t copied, computed; /* bytes moved as they are / through an operation */
    uint64_t linked;           /* bytes that stay where they are, in a linked file */
    tn_str loss;               /* none, or the sentence */
} tn_plan_tensor;

/* A tensor of the input that a flag or a rule leaves out. */
typedef struct tn_plan_drop {
    tn_str name;
    tn_str rule; /* "--drop 1", "--only", "--weights-only", "file:line" */
} tn_plan_drop;

typedef struct tn_plan tn_plan;

/* Plans the conversion of an opened model to `out`. Moves no payload and touches no file but to
 * look whether the output exists. `model` must outlive the plan. Errors: all that the real run
 * would find before the first byte: usage (TN_E_USAGE with the list of formats), TN_E_NO_MATCH,
 * TN_E_RULE, TN_E_OVERLAP, TN_E_UNMATCHED, TN_E_COLLISION, TN_E_SLOT, TN_E_CANNOT_HOLD,
 * TN_E_EXISTS, TN_E_SAME_FILE, TN_E_EMPTY, TN_E_NO_SOURCE … Undeclared losses are not an error
 * here: see tn_plan_refusal. Free with tn_plan_free. */
TN_API tn_status tn_plan_new(tn_context *ctx, const tn_model *model, const char *out,
                             const tn_convert_options *options, tn_plan **plan_out, tn_error *err);
TN_API void tn_plan_free(tn_plan *plan);
/* Raises TN_E_LOSS if the plan has undeclared losses (the hint names the options that would declare
 * them). */
TN_API tn_status tn_plan_refusal(const tn_plan *plan, tn_error *err);

/* What a plan says. Strings and arrays live as long as the plan; sizes are in bytes; functions with
 * an output parameter return the number of its elements. */
TN_API const char *tn_plan_output(const tn_plan *plan);
TN_API const char *tn_plan_format(const tn_plan *plan);
TN_API const char *tn_plan_layout(const tn_plan *plan);
TN_API size_t tn_plan_tensors(const tn_plan *plan, const tn_plan_tensor **tensors_out);
TN_API size_t tn_plan_dropped(const tn_plan *plan, const tn_plan_drop **dropped_out);
TN_API size_t tn_plan_losses(const tn_plan *plan, const tn_loss **losses_out);
TN_API size_t tn_plan_files(const tn_plan *plan, const tn_model_file **files_out);
TN_API uint64_t tn_plan_copied(const tn_plan *plan);
TN_API uint64_t tn_plan_computed(const tn_plan *plan);
TN_API uint64_t tn_plan_peak_memory(const tn_plan *plan);
TN_API const tn_report *tn_plan_warnings(const tn_plan *plan);
/* Writes what the flags --only, --drop and --rename and the rule files do as rule files: one
 * document a stage, each with a comment that says which flags it is. What the language cannot say
 * (--weights-only) is a comment. */
TN_API void tn_plan_print_rules(const tn_plan *plan, FILE *out);

/* What a conversion did. */
typedef struct tn_converted {
    uint64_t bytes_written;
    uint64_t bytes_linked; /* of files that are links to the input's: neither written nor read */
    size_t files_written;  /* linked ones too */
    size_t tensors_verified;
    uint64_t bytes_verified;
    bool skipped; /* --skip-existing: the output was there and fits the plan */
} tn_converted;

/* Executes a plan: stages, moves, reads back through the format's own reader, compares, commits. On
 * failure nothing is left and nothing was replaced. Errors: TN_E_LOSS, all of reading and writing,
 * TN_E_VERIFY. */
TN_API tn_status tn_convert(tn_plan *plan, tn_converted *converted_out, tn_error *err);

#endif
