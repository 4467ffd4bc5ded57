/* --like: the output has another file's tensors (their names, shapes, dtypes, order and structure),
 * and the values are the input's. Each tensor of that file takes its source: the first that fits.
 */
#ifndef TN_CONVERTERS_LIKE_H
#define TN_CONVERTERS_LIKE_H

#include "core/arena.h"
#include "model/model.h"

struct tn_plan;
struct tn_convert_options;

/* What one tensor of the other file takes. */
typedef struct tni_like_pair {
    uint32_t source; /* in the input's model; TN_NO_INDEX: its own values, or none are found yet */
    uint32_t near;   /* what its names led to, of another shape; or TN_NO_INDEX */
    uint32_t fill;   /* the --fill that names it, counted from 1; 0: none does */
    const char *by;  /* tn_plan_tensor.paired_by; NULL: nothing is found yet */
} tni_like_pair;

/* Two models while their tensors are paired. */
typedef struct tni_pairs {
    tni_arena *arena;
    const tn_model *in, *like;
    const bool *may_serve; /* by tensor of `in` */
    const bool *renamed;   /* by tensor of `in`: a rule gave it its name; NULL: no rule did */
    const bool *wanted;    /* by tensor of `like`: it needs a value */
    bool *used;            /* by tensor of `in` */
    tni_like_pair *pair;   /* by tensor of `like` */
    size_t found;          /* pairs so far */
} tni_pairs;

/* Pairs by names: what rules renamed first, then by equal names, then by equal aliases. A name that
 * several tensors of one side have means none of them. */
void tni_like_by_names(tni_pairs *pairs);
/* Pairs variables by the order of their layers, if the layers of both sides have the same shapes
 * one after the other, all pairs by name among them. Those that a --fill names may be left over.
 * *count_out gets how many were paired. Errors: TN_E_NOMEM. */
tn_status tni_like_by_order(tni_pairs *pairs, size_t *count_out, tn_error *err);
/* Pairs slots of paired variables that are called the same. Errors: TN_E_NOMEM. */
tn_status tni_like_by_slots(tni_pairs *pairs, tn_error *err);

/* Tells whether a tensor has a shape that the other file's tensor may have. */
bool tni_like_fits(const tn_tensor *source, const tn_tensor *target);
/* Pairs two tensors if both are free and the shapes fit; notes a shape that does not. */
bool tni_like_take(tni_pairs *pairs, uint32_t target, uint32_t source, const char *by);

/* What a plan keeps of it. */
typedef struct tni_like {
    tn_model *model;     /* the other file's tensors with their values; NULL: there is no --like */
    const tn_model *in;  /* where the values come from: what the rules left */
    tni_like_pair *pair; /* by tensor of `model` */
} tni_like;

/* Makes options->like the base of a plan whose layout is chosen: sets base, keep and like, and adds
 * losses and notes. Errors: TN_E_NO_SOURCE, TN_E_NO_MATCH (a --fill), TN_E_IMPOSSIBLE (--link). */
tn_status tni_plan_like(struct tn_plan *plan, const struct tn_convert_options *options,
                        tn_error *err);

#endif
