/* What rules ask of tensors (`when`, `expect`), and rule files of whole models (`from`, `to`,
 * `assert`). */
#ifndef TN_CONVERTERS_RULES_CONDITIONS_H
#define TN_CONVERTERS_RULES_CONDITIONS_H

#include "converters/rules/template.h"
#include "core/yaml.h"
#include <tenon/dtype.h>

/* What a tensor looks like, as far as it is said. */
typedef struct tni_form {
    bool has_rank, has_shape;
    int64_t rank;
    const tni_expression *shape;
    size_t n_shape;
    tn_dtype dtype; /* TN_DTYPE_NONE: not said */
} tni_form;

/* `when`: if it is not so, the rule does not claim the tensor. */
typedef struct tni_when {
    const tni_yaml *node;
    tni_form form;
    unsigned roles;             /* bits by tn_role: which it may have; 0: any */
    const tni_template *exists; /* a name that the model must have; NULL: none */
} tni_when;

/* `expect` of one hole: a range, which may be open at its end (`0..`: without a gap), or a sorted
 * list of numbers or words. */
typedef struct tni_expected {
    const tni_yaml *node;
    uint32_t slot;
    bool range, open;
    int64_t low, high; /* open: high is INT64_MAX */
    int64_t *numbers;  /* else */
    tn_str *words;     /* else; a word is recorded as its index */
    size_t count;
} tni_expected;

/* `expect`: if it is not so, the command ends. */
typedef struct tni_expect {
    const tni_yaml *node;
    bool has_count, complete; /* complete: the holes' values are there in every combination */
    int64_t count;
    tni_form form;
    tni_expected *holes;
    size_t n_holes;
} tni_expect;

/* `from` and `to`: what a model must be, have, and not have. */
typedef struct tni_guard {
    const tni_yaml *node; /* NULL: none */
    tn_str format;        /* the format's own name, or none */
    tn_pattern **has, **not ;
    const tni_yaml *has_node, *not_node;
    size_t n_has, n_not;
    tn_str like; /* of `to`: the input whose names and shapes the result has, or none */
    const tni_yaml *like_node;
} tni_guard;

typedef enum tni_assertion_kind {
    TNI_ASSERT_UNMATCHED_SOURCE, /* tensors that no rule claims: how many, or which */
    TNI_ASSERT_UNMATCHED_TARGET, /* tensors of `to: {like}` that the stage does not make: likewise
                                  */
    TNI_ASSERT_PARAMS            /* elements of all variables that the stage leaves */
} tni_assertion_kind;

typedef struct tni_assertion {
    tni_assertion_kind kind;
    const tni_yaml *node;
    int64_t number;
    tn_str *names; /* sorted; NULL: a number */
    size_t n_names;
} tni_assertion;

#endif
