/* The inside of tn_check. A loader decides what meets what; the judging is the same for all. */
#ifndef TN_CONVERTERS_CHECK_H
#define TN_CONVERTERS_CHECK_H

#include "converters/rules/naming.h"
#include "converters/select.h"
#include "model/model.h"
#include <tenon/check.h>

/* Something that the program wants. */
typedef struct tni_want {
    tn_str name;
    uint32_t b; /* the tensor in B, or TN_NO_INDEX: a value that is no tensor (a table) */
    uint32_t a; /* what the file gives, or TN_NO_INDEX */
    bool met;   /* the file gives something */
} tni_want;

typedef struct tni_checking {
    const tn_model *a, *b;
    const tn_check_options *options;
    tn_report *report;
    tni_arena arena;
    tni_choice *chosen_a, *chosen_b; /* by tensor */
    tni_want *wants;
    size_t n_wants;
    bool *used;        /* by tensor of A: some want takes it */
    tn_str *repairs;   /* by tensor of A: the rename that would put it to use, or none */
    bool overlap;      /* something met, besides the roots of object graphs */
    bool legacy_slots; /* slots of a legacy Keras optimizer meet an optimizer that refuses them */
    tn_checked sums;
} tni_checking;

/* Chooses the tensors of both sides, renames those of A, decides the loader, and makes room. A
 * becomes the model that the naming holds. Errors: TN_E_IMPOSSIBLE, and those of tni_choose and
 * tni_naming_run. */
tn_status tni_check_choose(tni_checking *check, tni_naming *naming, tn_error *err);
/* Tells whether a tensor of A may serve a want: no flag took it away. One that --only passed over
 * may.
 */
bool tni_check_may_serve(const tni_checking *check, uint32_t a);

/* Each fills wants, used and overlap. */
tn_status tni_check_by_names(tni_checking *check, tn_error *err);
tn_status tni_check_by_objects(tni_checking *check, tn_error *err);

/* A rename proposed for wants that are not met. */
typedef struct tni_proposal {
    tn_str rename;  /* FROM=TO as --rename takes it; none: nothing fits */
    tn_str near;    /* for the message, with shapes: what is renamed, or the nearest names of A */
    uint32_t spare; /* the tensor of A that the rename is for, or TN_NO_INDEX */
} tni_proposal;

/* Proposes renames of A's unused tensors that would meet the wants that are not met; proposals[i]
 * for wants[i]. */
tn_status tni_check_propose(tni_checking *check, tni_proposal *proposals, tn_error *err);

/* Tells whether a tensor of A could serve a want: same dtype and shape, where they are known. */
bool tni_check_form_fits(const tn_tensor *a, const tn_tensor *b);

#endif
