/* Which format a file is in, by content. */
#ifndef TN_FORMATS_PROBE_H
#define TN_FORMATS_PROBE_H

#include "formats/format.h"

/* Grades a file for one format. Errors: of reading. */
tn_status tni_probe_file(const tn_format *format, tn_source *source, tni_grade *grade_out,
                         tn_error *err);

/* Tells whether the file's first bytes say that it is something that no format reads. */
tn_status tni_probe_stranger(tn_source *source, bool *is_out, tn_error *err);

/* Raises TN_E_UNKNOWN_FORMAT for a file that no format knows, and says what it looks like: an HTML
 * page, a Git LFS pointer, an archive, an empty file … */
tn_status tni_fail_unknown(tn_source *source, tn_error *err);

#endif
