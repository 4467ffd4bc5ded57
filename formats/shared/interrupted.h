/* Sets whose replacement was interrupted. */
#ifndef TN_FORMATS_SHARED_INTERRUPTED_H
#define TN_FORMATS_SHARED_INTERRUPTED_H

#include "formats/format.h"

/* Refuses to read where a commit marker of an output named `name` lies beside the main file: the
 * files may be of two generations. Errors: TN_E_INTERRUPTED (the hint finishes it), TN_E_READ. */
tn_status tni_refuse_interrupted(const tni_read *read, tn_str name, tn_error *err);

#endif
