/* Many names at once: their natural order, and whether one stands there twice. Both work on a
 * number of 64 bits for each name and look at whole names only where two numbers are equal. */
#ifndef TN_CORE_ORDER_H
#define TN_CORE_ORDER_H

#include "core/context.h"
#include <tenon/str.h>

/* Names that stand in memory at equal distances: fields of an array of structs. */
typedef struct tni_names_view {
    const tn_str *first;
    size_t stride; /* bytes from one to the next */
    size_t count;  /* at most UINT32_MAX */
} tni_names_view;

static inline tn_str tni_names_view_at(const tni_names_view *view, size_t index)
{
    const void *at = (const char *)view->first + index * view->stride;
    return *(const tn_str *)at;
}

/* Finds the order in which names stand naturally (tn_natural_compare; equal names by index):
 * *order_out[i] is the index of the i-th, or NULL if they stand so already, each but once. Free
 * with tni_free. Errors: TN_E_NOMEM. */
tn_status tni_names_order(tn_context *ctx, const tni_names_view *view, uint32_t **order_out,
                          tn_error *err);
/* Finds the first name that stood there before: *again_out is its index, *before_out that of the
 * first one like it; both SIZE_MAX if all differ. Errors: TN_E_NOMEM. */
tn_status tni_names_repeat(tn_context *ctx, const tni_names_view *view, size_t *before_out,
                           size_t *again_out, tn_error *err);

#endif
