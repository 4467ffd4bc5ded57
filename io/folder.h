/* Names in folders, for the inside of this room. */
#ifndef TN_IO_FOLDER_H
#define TN_IO_FOLDER_H

#include "io/source.h"
#include "io/sys.h"

enum { TNI_NAME_ROOM = 256 }; /* NAME_MAX of every Linux file system, and the NUL */

/* Tells whether a name is one plain component that can lie in a folder: not empty, ".", "..", no
 * '/', no NUL, at most 255 bytes. */
bool tni_name_plain(tn_str name);
/* Copies a plain name into a C string. */
void tni_name_text(tn_str name, char out[TNI_NAME_ROOM]);
/* Sorts by bytes. */
void tni_names_sort(tni_names *names);
/* Joins a folder's path ("" means the current one: no prefix) and a name; NUL-terminated. */
tn_status tni_path_join(tni_arena *arena, tn_str folder, tn_str name, tn_str *path_out,
                        tn_error *err);
/* Lists an open folder as tni_list_folder does; `path` is for messages. */
tn_status tni_list_open_folder(tn_context *ctx, int fd, const char *path, uint64_t limit,
                               tni_arena *arena, tni_names *names_out, tn_error *err);

#endif
