#include "io/follow.h"

#include "core/error.h"
#include "io/staging.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

enum { MAX_LINKS = 40 }; /* as Linux itself (MAXSYMLINKS) */

static tn_status fail_folder(tn_error *err, int why, const char *path)
{
    tn_status status;
    if (why == ENOENT || why == ENOTDIR) {
        status = tni_fail_errno(err, TN_E_WRITE, why, "there is no such folder to write in");
        tni_error_hint(err, "make it first: mkdir -p %s", path);
        tni_error_path(err, path);
    } else {
        status = tni_fail_write(err, why, path, "cannot open the folder to write in");
    }
    return status;
}

/* Opens the folder `path`, as seen from the folder at hand, in its stead. */
static tn_status enter(const tni_sys *sys, tni_followed *at, const char *path, tn_error *err)
{
    int from = at->folder < 0 ? AT_FDCWD : at->folder;
    int fd = sys->openat(from, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) {
        return fail_folder(err, errno, at->folder_path.data);
    }
    if (at->folder >= 0) {
        sys->close(at->folder);
    }
    at->folder = fd;
    return TN_OK;
}

/* Goes where `target`, the text of the link at hand, leads. */
static tn_status go(const tni_sys *sys, tni_arena *arena, tni_followed *at, tn_str target,
                    tn_error *err)
{
    size_t cut = target.len;
    while (cut > 0 && target.data[cut - 1] != '/') {
        cut--;
    }
    tn_str part = tn_str_first(target, cut);
    tn_status status = tni_arena_str(arena, tn_str_skip(target, cut), &at->name, err);
    if (status == TN_OK && !tni_name_plain(at->name)) {
        status = tni_fail(err, TN_E_EXISTS, "the output is a link to a folder");
        tni_error_path(err, at->folder_path.data);
        tni_error_hint(err, "give the name of a file in it");
    }
    if (status != TN_OK || cut == 0) {
        return status;
    }
    tn_str text;
    status = tni_arena_str(arena, part, &text, err);
    if (status == TN_OK && part.data[0] == '/') {
        at->folder_path = text;
    } else if (status == TN_OK) {
        status = tni_path_join(arena, at->folder_path, part, &at->folder_path, err);
    }
    return status == TN_OK ? enter(sys, at, text.data, err) : status;
}

tn_status tni_follow(const tni_sys *sys, tni_arena *arena, tn_str folder, tn_str name, bool follow,
                     tni_followed *end_out, tn_error *err)
{
    tni_followed *at = end_out;
    *at = (tni_followed){.folder = -1, .name = name};
    at->folder_path = folder.len == 0 ? TN_LIT(".") : folder;
    tn_status status = enter(sys, at, at->folder_path.data, err);
    while (status == TN_OK && follow) {
        char target[PATH_MAX];
        ssize_t len = sys->readlinkat(at->folder, at->name.data, target, sizeof target);
        if (len < 0 && (errno == EINVAL || errno == ENOENT)) {
            break; /* not a link, or not there: here it ends */
        }
        int why = len < 0 ? errno : (size_t)len == sizeof target ? ENAMETOOLONG : 0;
        if (at->links++ == MAX_LINKS) {
            why = ELOOP;
        }
        if (why != 0) {
            return tni_fail_write(err, why, at->folder_path.data,
                                  "cannot follow the output's link");
        }
        status = go(sys, arena, at, (tn_str){target, (size_t)len}, err);
    }
    return status;
}
