/* Outputs that are a folder: what may lie where they go, and moving them there as a whole. */
#include "core/error.h"
#include "io/output_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

enum { FOLDER_NAMES = 1000000 }; /* names in one folder that is to be replaced */

bool tni_folder_path_plain(tn_str path)
{
    const char *slash = path.len == 0 ? NULL : memchr(path.data, '/', path.len);
    size_t first = slash == NULL ? path.len : (size_t)(slash - path.data);
    return tni_name_plain(tn_str_first(path, first)) &&
           (slash == NULL || tni_name_plain(tn_str_skip(path, first + 1)));
}

/* ---------------------------------------------------------------- what lies there */

/* A look through a folder and the folders in it. */
typedef struct look {
    tn_context *ctx;
    tni_arena arena;
    const char *path; /* of the folder, for messages */
    const tni_names *known;
} look;

static tn_status fail_foreign(const look *l, tn_str name, tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_EXISTS,
                                "the output is a folder that holds other files too; it is not "
                                "replaced");
    tni_error_path(err, l->path);
    tni_error_subject(err, name);
    tni_error_hint(err, "choose another name, or move what is not of the output away");
    return status;
}

static tn_status list(look *l, int fd, tni_names *names_out, tn_error *err)
{
    return tni_list_open_folder(l->ctx, fd, l->path, FOLDER_NAMES, &l->arena, names_out, err);
}

/* Gives the path of a name, with a slash behind it if it is a folder's. */
static tn_status path_of(look *l, tn_str folder, tn_str name, bool is_folder, tn_str *path_out,
                         tn_error *err)
{
    return tni_arena_format(&l->arena, path_out, err, "%.*s%.*s%s", (int)folder.len, folder.data,
                            (int)name.len, name.data, is_folder ? "/" : "");
}

static tn_status look_at(look *l, int fd, tn_str folder, tn_str name, tn_error *err);

/* Looks at all names in an open folder, whose own path is `folder` ("" at the top). */
static tn_status look_into(look *l, int fd, tn_str folder, tn_error *err)
{
    tni_names names = {NULL, 0};
    tn_status status = list(l, fd, &names, err);
    for (size_t i = 0; i < names.count && status == TN_OK; i++) {
        status = look_at(l, fd, folder, names.at[i], err);
    }
    return status;
}

/* Looks into a folder that is known; those are never deeper than one. */
static tn_status look_deeper(look *l, int fd, tn_str name, tn_str path, tn_error *err)
{
    const tni_sys *sys = tni_sys_of(l->ctx);
    int inner = sys->openat(fd, name.data, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (inner < 0) {
        tn_status status = tni_fail_errno(err, TN_E_READ, errno, "cannot open a folder in it");
        tni_error_path(err, l->path);
        tni_error_subject(err, path);
        return status;
    }
    tn_status status = look_into(l, inner, path, err);
    sys->close(inner);
    return status;
}

static tn_status look_at(look *l, int fd, tn_str folder, tn_str name, tn_error *err)
{
    struct stat info;
    tn_str path;
    if (tni_sys_of(l->ctx)->fstatat(fd, name.data, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) {
            return TN_OK;
        }
        tn_status status = tni_fail_errno(err, TN_E_READ, errno, "cannot look up what is in it");
        tni_error_path(err, l->path);
        return status;
    }
    bool is_folder = S_ISDIR(info.st_mode);
    tn_status status = path_of(l, folder, name, is_folder, &path, err);
    if (status != TN_OK) {
        return status;
    }
    bool known = (is_folder ? folder.len == 0 : S_ISREG(info.st_mode) || S_ISLNK(info.st_mode)) &&
                 tni_names_has(l->known, path);
    if (!known) {
        return fail_foreign(l, path, err);
    }
    return is_folder ? look_deeper(l, fd, name, path, err) : TN_OK;
}

/* Checks that an open folder holds nothing but what is known. */
static tn_status holds_only(tn_context *ctx, int fd, const char *path, const tni_names *known,
                            tn_error *err)
{
    look l = {.ctx = ctx, .path = path, .known = known};
    tni_arena_init(&l.arena, ctx, UINT64_MAX);
    tn_status status = look_into(&l, fd, TN_LIT(""), err);
    tni_arena_clear(&l.arena);
    return status;
}

tn_status tni_folder_holds_only(tn_context *ctx, const char *path, const tni_names *known,
                                tn_error *err)
{
    const tni_sys *sys = tni_sys_of(ctx);
    int fd = sys->openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) {
        tn_code code = errno == ENOENT || errno == ENOTDIR ? TN_E_NOT_FOUND : TN_E_READ;
        tn_status status = tni_fail_errno(err, code, errno, "cannot open the folder");
        tni_error_path(err, path);
        return status;
    }
    tn_status status = holds_only(ctx, fd, path, known, err);
    sys->close(fd);
    return status;
}

/* Opens the folder that is to be replaced; *fd_out is -1 if nothing is there. */
static tn_status open_old(const tni_output *output, const char *path, int *fd_out, tn_error *err)
{
    tn_status status;
    int fd = output->sys->openat(output->folder, output->target.data,
                                 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd >= 0 || errno == ENOENT) {
        *fd_out = fd;
        return TN_OK;
    }
    if (errno == ENOTDIR || errno == ELOOP) {
        status = tni_fail(err, TN_E_EXISTS, "the output is a folder, and a file has its name");
        tni_error_path(err, path);
        tni_error_hint(err, "choose another name, or remove the file");
        return status;
    }
    return tni_fail_write(err, errno, path, "cannot open the old output");
}

tn_status tni_folder_check_target(const tni_output *output, const char *path, tn_error *err)
{
    int old = -1;
    tn_status status = open_old(output, path, &old, err);
    if (status != TN_OK || old < 0) {
        return status;
    }
    if (output->replace) {
        status = holds_only(output->ctx, old, path, &output->old, err);
    } else {
        status = tni_fail(err, TN_E_EXISTS, "the output exists");
        tni_error_path(err, path);
        tni_error_hint(err, "-f replaces it");
    }
    output->sys->close(old);
    return status;
}

/* ---------------------------------------------------------------- staging */

static bool is_staged(const tni_output *output, tn_str name)
{
    for (const tni_staged_folder *f = output->folders; f != NULL; f = f->next) {
        if (tn_str_equal(f->name, name)) {
            return true;
        }
    }
    return false;
}

tn_status tni_folder_stage(tni_output *output, tn_str path, const char *shown, tn_error *err)
{
    if (!tni_folder_path_plain(path)) {
        tn_status status = tni_fail(err, TN_E_WRITE, "the output has no usable file name");
        tni_error_path(err, shown);
        return status;
    }
    const char *slash = memchr(path.data, '/', path.len);
    tn_str name = tn_str_first(path, slash == NULL ? 0 : (size_t)(slash - path.data));
    if (slash == NULL || is_staged(output, name)) {
        return TN_OK;
    }
    void *block;
    tn_status status = tni_arena_alloc(&output->arena, sizeof(tni_staged_folder), &block, err);
    tni_staged_folder *made = block;
    if (status == TN_OK) {
        status = tni_arena_str(&output->arena, name, &made->name, err);
    }
    if (status == TN_OK && output->sys->mkdirat(output->staging, made->name.data, 0777) != 0) {
        status = tni_fail_write(err, errno, shown, "cannot make a folder of the output");
    }
    if (status == TN_OK) {
        made->next = output->folders;
        output->folders = made;
    }
    return status;
}

void tni_folder_discard(const tni_output *output)
{
    for (const tn_sink *sink = output->sinks; sink != NULL; sink = sink->next) {
        output->sys->unlinkat(output->staging, sink->name.data, 0);
    }
    for (const tni_staged_folder *f = output->folders; f != NULL; f = f->next) {
        output->sys->unlinkat(output->staging, f->name.data, AT_REMOVEDIR);
    }
}

/* ---------------------------------------------------------------- moving it into place */

/* Syncs the folders, so that every name in them is on the disk before their own is. */
static tn_status sync_folders(const tni_output *output, tn_error *err)
{
    const tni_sys *sys = output->sys;
    const char *path = output->staging_path.data;
    tn_status status = TN_OK;
    for (const tni_staged_folder *f = output->folders; f != NULL && status == TN_OK; f = f->next) {
        int fd = sys->openat(output->staging, f->name.data,
                             O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
        status = fd < 0 ? tni_fail_write(err, errno, path, "cannot open a folder of the output")
                        : tni_output_sync(sys, fd, path, err);
        if (fd >= 0) {
            sys->close(fd);
        }
    }
    return status == TN_OK ? tni_output_sync(sys, output->staging, path, err) : status;
}

/* Where there is no RENAME_NOREPLACE, a rename still never replaces a folder that holds something.
 */
static int move_new(const tni_output *output)
{
    const tni_sys *sys = output->sys;
    const char *from = output->staging_name, *to = output->target.data;
    int why =
        sys->renameat2(output->folder, from, output->folder, to, RENAME_NOREPLACE) == 0 ? 0 : errno;
    if (why == EINVAL || why == ENOSYS) {
        why = sys->renameat2(output->folder, from, output->folder, to, 0) == 0 ? 0 : errno;
    }
    return why == ENOTEMPTY || why == ENOTDIR ? EEXIST : why;
}

static tn_status place_new(tni_output *output, const char *path, tn_error *err)
{
    int why = move_new(output);
    if (why == EEXIST) {
        tn_status status = tni_fail(err, TN_E_EXISTS, "the output exists: somebody just made it");
        tni_error_path(err, path);
        tni_error_hint(err, "-f replaces it");
        return status;
    }
    if (why != 0) {
        return tni_fail_write(err, why, path, "cannot move the output into place");
    }
    output->state = TNI_OUTPUT_PLACED;
    return TN_OK;
}

static int exchange(const tni_output *output)
{
    return output->sys->renameat2(output->folder, output->staging_name, output->folder,
                                  output->target.data, RENAME_EXCHANGE) == 0
               ? 0
               : errno;
}

/* Locks the old folder, which will have the staging folder's name: recovery must leave it alone
 * until the exchange is on the disk. */
static tn_status lock_old(const tni_output *output, int old, const char *path, tn_error *err)
{
    if (tni_lock_folder(output->sys, old) != TNI_LOCK_HELD_BY_OTHER) {
        return TN_OK;
    }
    tn_status status = tni_fail(err, TN_E_BUSY, "another tenon is at work in the old output");
    tni_error_path(err, path);
    tni_error_hint(err, "wait until it has finished");
    return status;
}

/* Looks through the old folder once more after the exchange, and takes that back where it may not
 * go. If it cannot be taken back the output is in place, and the old folder stays too. */
static tn_status look_again(tni_output *output, int old, const char *path, tn_error *err)
{
    tn_error why = {0};
    tn_status status = holds_only(output->ctx, old, path, &output->old, &why);
    if (status == TN_OK) {
        return TN_OK;
    }
    if (exchange(output) == 0) {
        output->state = TNI_OUTPUT_STAGED;
        if (err != NULL && err->status == TN_OK) {
            *err = why;
        }
        return status;
    }
    status = tni_fail(err, TN_E_DURABILITY,
                      "the output is in place, but what was there is not removed: %s", why.message);
    tni_error_path(err, path);
    tni_error_hint(err, "it is %s/%s now", output->folder_path.data, output->staging_name);
    return status;
}

/* Exchanges the staging folder and the old one, and makes sure that nobody put a file of his own
 * there meanwhile. */
static tn_status place_over(tni_output *output, int old, const char *path, tn_error *err)
{
    tn_status status = lock_old(output, old, path, err);
    if (status == TN_OK) {
        status = holds_only(output->ctx, old, path, &output->old, err);
    }
    if (status != TN_OK) {
        return status;
    }
    int why = exchange(output);
    if (why == EINVAL || why == ENOSYS) {
        status = tni_fail_errno(err, TN_E_WRITE, why,
                                "this file system cannot replace a folder in one step");
        tni_error_path(err, path);
        tni_error_hint(err, "write it under another name");
        return status;
    }
    if (why != 0) {
        return tni_fail_write(err, why, path, "cannot move the output into place");
    }
    output->state = TNI_OUTPUT_PLACED;
    return look_again(output, old, path, err);
}

/* Syncs the folder that holds the output, then removes the old one. If that cannot be synced the
 * old one stays: the disk may still know it by the output's name. */
static tn_status settle(tni_output *output, int old, const char *path, tn_error *err)
{
    const tni_sys *sys = output->sys;
    if (sys->fsync(output->folder) == 0) {
        if (old >= 0) {
            tni_staging_remove(sys, output->folder, output->staging_name, old);
        }
        return TN_OK;
    }
    tn_status status = tni_fail_errno(err, TN_E_DURABILITY, errno,
                                      "the output is in place, but its folder could not be "
                                      "synced");
    tni_error_path(err, path);
    if (old >= 0) {
        tni_error_hint(err, "tenon ckpt recover %s removes the old one, which is still there",
                       output->folder_path.data);
    }
    return status;
}

tn_status tni_folder_commit(tni_output *output, tn_error *err)
{
    const tni_sys *sys = output->sys;
    tn_str path;
    int old = -1;
    tn_status status =
        tni_path_join(&output->arena, output->typed_folder, output->name, &path, err);
    if (status == TN_OK) {
        status = sync_folders(output, err);
    }
    if (status == TN_OK && output->replace) {
        status = open_old(output, path.data, &old, err);
    }
    if (status == TN_OK) {
        status =
            old < 0 ? place_new(output, path.data, err) : place_over(output, old, path.data, err);
    }
    if (output->state == TNI_OUTPUT_PLACED) {
        /* What was the staging folder is the output now: it must not be emptied. */
        sys->close(output->staging);
        output->staging = -1;
        if (status == TN_OK) {
            status = settle(output, old, path.data, err);
        }
    }
    if (old >= 0) {
        sys->close(old);
    }
    return status;
}
