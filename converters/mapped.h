/* Mapped models: descriptions made from descriptions. Nothing is copied but tensor records; leaves,
 * documents and strings stay with the model below. */
#ifndef TN_CONVERTERS_MAPPED_H
#define TN_CONVERTERS_MAPPED_H

#include "model/model.h"

/* Makes a model of those tensors of `base` for which keep[i] is true, in their order, under
 * names[i]; slots keep their owners as long as these are kept. `base` and the names must outlive
 * it. Free with tn_model_free. Errors: TN_E_COLLISION names both tensors. */
tn_status tni_map_named(const tn_model *base, const bool *keep, const tn_str *names,
                        tn_model **model_out, tn_error *err);

/* The same without the check: the caller has made sure that no two kept tensors get one name. A
 * tensor for which renamed[i] is true (NULL: none is) loses its other names and its twins' keys. */
tn_status tni_map_renamed(const tn_model *base, const bool *keep, const tn_str *names,
                          const bool *renamed, tn_model **model_out, tn_error *err);

#endif
