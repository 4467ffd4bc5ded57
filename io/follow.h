/* Following a symlinked output to the file it stands for. */
#ifndef TN_IO_FOLLOW_H
#define TN_IO_FOLLOW_H

#include "io/folder.h"

typedef struct tni_followed {
    int folder;         /* open; the caller closes it, also after an error, unless -1 */
    tn_str folder_path; /* "." at least; NUL-terminated, in the arena */
    tn_str name;        /* plain; NUL-terminated, in the arena */
    unsigned links;     /* how many were followed */
} tni_followed;

/* Opens `folder` ("" means ".") for writing in it and, with `follow`, goes where the symlink `name`
 * leads, link by link; the end need not exist, its folder must. Errors: TN_E_WRITE (no such folder,
 * no permission, a loop). *end_out is valid whatever came back. */
tn_status tni_follow(const tni_sys *sys, tni_arena *arena, tn_str folder, tn_str name, bool follow,
                     tni_followed *end_out, tn_error *err);

#endif
