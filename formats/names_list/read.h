/* Reading names-and-shapes lists. */
#ifndef TN_FORMATS_NAMES_LIST_READ_H
#define TN_FORMATS_NAMES_LIST_READ_H

#include "formats/format.h"

tn_status tni_names_list_open(tni_read *read, tn_error *err);
/* Reads a list in YAML into an empty model, as far as names, dtypes and shapes. Errors:
 * TN_E_CORRUPT with line and column, TN_E_LIMIT, TN_E_NOMEM. */
tn_status tni_names_list_yaml(tn_model *model, tn_str text, tn_error *err);
/* Tells whether a file's name says that it is YAML. */
bool tni_names_list_is_yaml(tn_str name);

#endif
