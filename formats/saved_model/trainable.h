/* Which variables of a TF1 graph are trained. */
#ifndef TN_FORMATS_SAVED_MODEL_TRAINABLE_H
#define TN_FORMATS_SAVED_MODEL_TRAINABLE_H

#include "formats/saved_model/index.h"

/* Fills a table (initialised by the caller) from the names of variables' operations to 1: trained,
 * or 0: not. Variables in no collection are not in it. Errors: TN_E_NOMEM. */
tn_status tni_sm_trainable(const tni_sm_meta *meta, tni_hash *by_name, tn_error *err);

#endif
