/* Mapped models: descriptions made from descriptions. Nothing is copied but tensor records; leaves,
 * documents and strings stay with the model below. */
#ifndef TN_CONVERTERS_MAPPED_H
#define TN_CONVERTERS_MAPPED_H

#include "converters/ops/value.h"
#include "formats/format.h"
#include "model/model.h"

/* Makes a model of those tensors of `base` for which keep[i] is true, in their order, under
 * names[i], and behind them the additions, whose names none of them has; slots keep their owners as
 * long as these are kept. `base` and the names must outlive it. Free with tn_model_free. Errors:
 * TN_E_COLLISION names both tensors. */
tn_status tni_map_named(const tn_model *base, const bool *keep, const tn_str *names,
                        const tni_addition *additions, size_t n_additions, tn_model **model_out,
                        tn_error *err);

struct tni_op;

/* A tensor that is made of others by operations. What is made of one group of tensors shares
 * `from`. */
typedef struct tni_made {
    tn_str name;
    tni_value value;
    const uint32_t *from; /* tensors of the base that it is made of; role and origin are those of
                             the first */
    uint32_t n_from;      /* 0: it is made from nothing, and comes last */
    uint32_t owner;       /* of a slot: index of the made tensor that owns it; else TN_NO_INDEX */
    bool keeps_names;     /* it is the first one itself, with other values: its other names stay */
    const tni_piece *twin_pieces; /* with keeps_names: what its twins are now, or NULL */
    tn_str place;                 /* of the rule, */
    const tn_str *ops;            /* and its operations, as the plan shows them */
    size_t n_ops;
    const struct tni_op *how; /* the operations that are index maps, with numbers for arguments; the
                                 others are zeroed. NULL: it is made from nothing */
} tni_made;

/* Tells whether a made tensor stands where tensor `index` of the base stood. */
static inline bool tni_made_stands_at(const tni_made *made, uint32_t index)
{
    return made->n_from > 0 && made->from[0] == index;
}

/* Makes an empty model above `base`, for tni_map_fill; what is made for its tensors may live in its
 * arena. Errors: TN_E_NOMEM. */
tn_status tni_map_begin(const tn_model *base, tn_model **model_out, tn_error *err);
/* Makes a tensor of one value from nothing, for tni_map_fill of `model`: `elements` elements of
 * `dtype` (of whole bytes) that are all *element, in native byte order. Shape and name are
 * borrowed. Errors: TN_E_NOMEM. */
tn_status tni_made_of_value(tn_model *model, tn_str name, const tni_value *form,
                            const void *element, tni_made *made_out, tn_error *err);
/* Fills it as tni_map_renamed does, with made tensors where their first origins stand, and ends it.
 * `made` is in order of first origins. The model stays the caller's on failure. */
tn_status tni_map_fill(tn_model *model, const bool *keep, const tn_str *names, const bool *renamed,
                       const tni_made *made, size_t n_made, tn_error *err);

/* The same without the check: the caller has made sure that no two kept tensors get one name. A
 * tensor for which renamed[i] is true (NULL: none is) loses its other names and its twins' keys. */
tn_status tni_map_renamed(const tn_model *base, const bool *keep, const tn_str *names,
                          const bool *renamed, tn_model **model_out, tn_error *err);

#endif
