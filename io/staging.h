/* Staging folders and commit markers: their names, life and removal.
 *
 * Beside an output NAME lie, while it is written, `.NAME.tenon-XXXXXX` (six hexadecimal digits)
 * and, while a set is moved into place, the marker `.NAME.tenon-commit`; NAME is cut where that
 * would be longer than 255 bytes. Both share what stands before the last '-', so one leads to the
 * other. A writer holds an exclusive flock on its staging folder for its life: who gets that lock
 * knows the writer is dead. */
#ifndef TN_IO_STAGING_H
#define TN_IO_STAGING_H

#include "io/folder.h"

/* Names inside the staging folder that no member may have. */
#define TNI_STAGED_MARKER ".tenon-commit" /* the marker before it is posted */
#define TNI_STAGED_OLD ".tenon-old"       /* the old index, set aside */

/* Gives the marker's name of the output `name`. */
void tni_marker_name(tn_str name, char out[TNI_NAME_ROOM]);
/* Gives the marker's name that belongs to a staging folder's name. */
void tni_marker_of_staging(tn_str staging, char out[TNI_NAME_ROOM]);
bool tni_is_marker(tn_str name);
bool tni_is_staging(tn_str name);
/* Tells whether a name is kept for the commit protocol, so that no output file may have it. */
bool tni_name_reserved(tn_str name);

typedef enum tni_lock { TNI_LOCK_TAKEN, TNI_LOCK_HELD_BY_OTHER, TNI_LOCK_NONE } tni_lock;
/* Tries to lock an open folder without waiting. TNI_LOCK_NONE: the file system cannot lock. */
tni_lock tni_lock_folder(const tni_sys *sys, int fd);

/* Makes a new staging folder in `folder` (a descriptor), open and locked. `path` is the folder's,
 * for messages. Its mode is 0700, or what the umask leaves of 0777 if it is to be the output
 * (`shared`). Errors: as tni_fail_write. */
tn_status tni_staging_make(const tni_sys *sys, int folder, tn_str name, bool shared,
                           const char *path, char name_out[TNI_NAME_ROOM], int *fd_out,
                           tn_error *err);
/* Removes the files and links right in a staging folder and in the folders in it, these folders,
 * and it itself unless something else is left. Never goes deeper. False if it is still there. */
bool tni_staging_remove(const tni_sys *sys, int folder, const char *name, int fd);

/* Tells whether two looks found one file, be it under two names. */
bool tni_same_file(const struct stat *a, const struct stat *b);

/* Moves a file out of a staging folder without ever replacing one. 0 or an errno: EEXIST if the
 * target exists. Where the system can only link, the file stays in the staging folder too; doing it
 * again is no error. */
int tni_move_new(const tni_sys *sys, int from_dir, const char *from, int to_dir, const char *to);

/* Raises TN_E_WRITE (or what tni_fail_errno makes of it) with the hint that fits the errno. */
tn_status tni_fail_write(tn_error *err, int sys_errno, const char *path, const char *what);
/* Adds just that hint. */
void tni_hint_write(tn_error *err, int sys_errno);

#endif
