/* Verification of stored checksums, and comparison of two models. */
#ifndef TENON_VERIFY_H
#define TENON_VERIFY_H

#include <tenon/model.h>

/* Proved: every tensor carries a sum and every sum fits. Unproved: nothing is wrong, but not all
 * carry one. */
typedef enum tn_verdict { TN_VERDICT_PROVED, TN_VERDICT_UNPROVED, TN_VERDICT_CORRUPT } tn_verdict;

/* What tn_verify read. */
typedef struct tn_verified {
    tn_verdict verdict;
    uint64_t tensors, bytes;   /* checked against a stored sum */
    uint64_t without_checksum; /* tensors whose bytes were read but carry none */
} tn_verified;

/* Reads every referenced byte and checks every stored sum; findings (code "crc", "truncated", …) go
 * to `report`. A tensor that fails does not stop the others. Errors only where the work itself
 * fails (TN_E_CANCELLED, TN_E_NOMEM). */
TN_API tn_status tn_verify(const tn_model *model, tn_report *report, tn_verified *verified_out,
                           tn_error *err);

/* The flags of `diff`; all zeros: everything, bitwise. */
typedef struct tn_diff_options {
    const char *const *only;
    size_t n_only;
    const char *const *drop;
    size_t n_drop;
    bool weights_only;
    const char *const *rules; /* of A: rule files, variables, renames, as in tn_convert_options */
    size_t n_rules;
    const char *const *vars;
    size_t n_vars;
    const char *const *inputs; /* NAME=PATH for inputs that the files ask for */
    size_t n_inputs;
    const char *const *rename;
    size_t n_rename;
    bool ignore_unmatch;
    bool has_scheme;
    tn_scheme scheme;
    bool tolerant; /* compare by atol, rtol, ulp; else bitwise */
    double atol, rtol;
    uint64_t ulp;
    bool no_values; /* names, shapes, dtypes only */
} tn_diff_options;

/* How many tensors are equal, and how the others are not. */
typedef struct tn_differences {
    tn_scheme matched_by;
    uint64_t equal, different, only_a, only_b;
} tn_differences;

/* Compares A with B: pairs by the scheme that pairs most variables (name, full, key, object; ties
 * in that order), then dtype, shape, values. Findings: "dtype", "shape", "values", "only_a",
 * "only_b"; counters and metadata on one side only are notes and count nowhere. Errors: reading
 * errors of either side, TN_E_NO_MATCH for patterns that match on neither. */
TN_API tn_status tn_diff(const tn_model *a, const tn_model *b, const tn_diff_options *options,
                         tn_report *report, tn_differences *differences_out, tn_error *err);

#endif
