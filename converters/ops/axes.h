/* The small texts that name axes: "hwio->oihw" and "(h two d) x -> (h d two) x". */
#ifndef TN_CONVERTERS_OPS_AXES_H
#define TN_CONVERTERS_OPS_AXES_H

#include "core/arena.h"

enum {
    TNI_AXES_MOST = 255, /* axes, and dimensions of a side */
    TNI_AXIS_OPEN = -1   /* a size that follows from the shape */
};

/* Axes are numbered as they stand on the left side, and a dimension of a side is a product of
 * axes, the last one moving fastest: of none (`1`), one, or several (in parentheses). */
typedef struct tni_axes_side {
    uint32_t rank;
    const uint32_t *end;  /* how many axes the dimensions up to and with this one have */
    const uint32_t *axis; /* their numbers, all dimensions in a row */
} tni_axes_side;

typedef struct tni_axes {
    tn_str text; /* as written */
    uint32_t count;
    const tn_str *name;
    tni_axes_side left, right;
} tni_axes;

/* Parses a transpose: letters, `->`, the same letters in another order. The text must outlive the
 * result. On an error *at_out is the offset in the text. Errors: TN_E_RULE. */
tn_status tni_axes_letters(tni_arena *arena, tn_str text, tni_axes *axes_out, size_t *at_out,
                           tn_error *err);
/* Parses a rearrangement in the notation of einops: words for axes, `1`, parentheses; no ellipsis,
 * no repetition, no reduction. As above. */
tn_status tni_axes_words(tni_arena *arena, tn_str text, tni_axes *axes_out, size_t *at_out,
                         tn_error *err);
/* Finds an axis by name; TNI_AXES_MOST if there is none. */
uint32_t tni_axes_find(const tni_axes *axes, tn_str name);

#endif
