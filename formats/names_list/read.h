/* Reading names-and-shapes lists. */
#ifndef TN_FORMATS_NAMES_LIST_READ_H
#define TN_FORMATS_NAMES_LIST_READ_H

#include "formats/format.h"

tn_status tni_names_list_open(tni_read *read, tn_error *err);

#endif
