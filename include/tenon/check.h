/* Would a restore fit? Compares a file with what a program wants, before anybody restores. */
#ifndef TENON_CHECK_H
#define TENON_CHECK_H

#include <tenon/model.h>

/* Whose restore is predicted. */
typedef enum tn_loader {
    TN_LOADER_AUTO,   /* objects where both sides have object graphs and nothing is renamed, else
                         names */
    TN_LOADER_NAMES,  /* by name; where the file has an object graph also by full name, as
                         tf.compat.v1.train.Saver  falls back */
    TN_LOADER_OBJECTS /* both graphs walked from the root edge by edge, as
                         tf.train.Checkpoint.restore does */
} tn_loader;

/* What counts as failure. Zero overlap and mismatches always do. */
typedef enum tn_check_mode {
    TN_CHECK_FITS,       /* missing, and variables that are not wanted */
    TN_CHECK_CONSUMED,   /* missing, and everything that is not wanted (assert_consumed) */
    TN_CHECK_EXISTING,   /* missing (assert_existing_objects_matched, Saver.restore) */
    TN_CHECK_NONTRIVIAL, /* nothing else (assert_nontrivial_match) */
    TN_CHECK_PARTIAL     /* nothing else (expect_partial) */
} tn_check_mode;

/* The flags of `check`; all zeros: everything, by the loader that fits both sides. */
typedef struct tn_check_options {
    tn_loader loader;
    tn_check_mode mode;
    const char *const *only; /* patterns, on both sides */
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
} tn_check_options;

/* What a check found. */
typedef struct tn_checked {
    bool fits;        /* the answer in the mode asked for */
    tn_loader loader; /* the one that was predicted */
    tn_check_mode mode;
    uint64_t matched, missing, mismatched, unexpected;
    uint64_t wanted;                      /* tensors that the program wants */
    uint64_t matched_bytes, wanted_bytes; /* of their values */
} tn_checked;

/* Checks `a`, the file, against `b`, what the program wants: another checkpoint, or a
 * names-and-shapes list. All findings go to `report` at once: "missing", "shape", "dtype" (name:
 * the wanted one; other: the file's), "unexpected", "optimizer" and "no-overlap". A finding that a
 * rename would repair carries it in `rule`. Errors: TN_E_IMPOSSIBLE (the loader does not apply to
 * these), TN_E_NO_MATCH, TN_E_NOMEM, and those of rules as in tn_plan_new. */
TN_API tn_status tn_check(const tn_model *a, const tn_model *b, const tn_check_options *options,
                          tn_report *report, tn_checked *checked_out, tn_error *err);

/* Return the words of a loader and of a mode, as options and JSON spell them. */
TN_API const char *tn_loader_name(tn_loader loader);
TN_API const char *tn_check_mode_name(tn_check_mode mode);

#endif
