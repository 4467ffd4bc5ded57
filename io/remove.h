/* Removing the files of a set, and keeping others from changing a folder meanwhile. */
#ifndef TN_IO_REMOVE_H
#define TN_IO_REMOVE_H

#include "core/context.h"
#include <tenon/str.h>

/* Opens a folder ("" means ".") and locks it as recovery does, so that of all that change it as a
 * whole only one is at work; goes on where the file system has no locks. Give it back with
 * tni_folder_unlock. Errors: TN_E_WRITE (no such folder), TN_E_BUSY. */
tn_status tni_folder_lock(tn_context *ctx, const char *folder, int *fd_out, tn_error *err);
void tni_folder_unlock(tn_context *ctx, int fd); /* -1 is fine */

/* Removes files of a set from an open folder: the first one, by which the set is known, then, once
 * that is on the disk, the others. A crash leaves the set whole, or files that no reader opens.
 * What is gone already is no error; a name that is no plain component is left alone. `path` is the
 * folder's, for messages. Errors: TN_E_WRITE (the name is the subject), TN_E_DURABILITY (all are
 * gone but the last sync failed). */
tn_status tni_set_remove(tn_context *ctx, int folder, const char *path, const tn_str *names,
                         size_t count, tn_error *err);

#endif
