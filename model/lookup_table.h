/* Tables from names to tensors, one a scheme, made on first use. */
#ifndef TN_MODEL_LOOKUP_TABLE_H
#define TN_MODEL_LOOKUP_TABLE_H

#include "core/context.h"

struct tni_lookup;

/* Makes empty tables. */
tn_status tni_lookup_new(tn_context *ctx, struct tni_lookup **lookup_out, tn_error *err);
void tni_lookup_free(tn_context *ctx, struct tni_lookup *lookup);

#endif
