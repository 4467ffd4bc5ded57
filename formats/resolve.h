/* What a path means: which file leads the set that the user named. */
#ifndef TN_FORMATS_RESOLVE_H
#define TN_FORMATS_RESOLVE_H

#include "formats/format.h"

typedef struct tni_resolved {
    const tn_format *format; /* NULL: only the content can tell */
    tn_str main;             /* path of the set's main file, in the arena */
} tni_resolved;

/* Finds out what `path` names: a file, any member of a set, a prefix, or a folder. `forced` limits
 * it to one format (NULL: all). Notes (which set a folder was taken to mean) go to `notes`. Errors:
 * TN_E_NOT_FOUND, TN_E_AMBIGUOUS, TN_E_NOT_REGULAR, TN_E_UNSUPPORTED (remote and archive paths),
 * TN_E_READ, TN_E_LIMIT. */
tn_status tni_resolve(tn_context *ctx, const char *path, const tn_format *forced, tni_arena *arena,
                      tn_report *notes, tni_resolved *resolved_out, tn_error *err);

#endif
