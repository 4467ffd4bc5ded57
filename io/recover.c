/* Finishing what a crash interrupted. Who holds the lock of a staging folder is its writer; whoever
 * gets that lock here knows that the writer is dead. */
#include "core/error.h"
#include "io/output.h"
#include "io/redo.h"

#include <errno.h>
#include <fcntl.h>

/* One recovery of one folder. */
typedef struct recovery {
    tn_context *ctx;
    const tni_sys *sys;
    int folder; /* open and locked, so that two recoveries do not meet */
    const char *path;
    bool dry;
    tni_recovery done;
} recovery;

static tn_status fail_name(const recovery *work, tn_code code, int why, tn_str name,
                           const char *what, tn_error *err)
{
    tn_status status =
        why == 0 ? tni_fail(err, code, "%s", what) : tni_fail_errno(err, code, why, "%s", what);
    tni_error_path(err, work->path);
    tni_error_subject(err, name);
    return status;
}

/* Reads an open marker into a new block. */
static tn_status read_marker(const recovery *work, int fd, tn_str name, tni_buffer *text,
                             tn_error *err)
{
    char part[4096];
    while (text->len <= TNI_MARKER_MAX) {
        ssize_t got = work->sys->pread(fd, part, sizeof part, (off_t)text->len);
        if (got == 0) {
            return tni_buffer_check(text, err);
        }
        if (got > 0) {
            tni_buffer_add(text, part, (size_t)got);
            if (text->failed) {
                return tni_buffer_check(text, err);
            }
        } else if (errno != EINTR) {
            return fail_name(work, TN_E_READ, errno, name, "cannot read the commit marker", err);
        }
    }
    return fail_name(work, TN_E_CORRUPT, 0, name, "the commit marker is too long", err);
}

/* Opens the staging folder and takes its lock. *fd_out is -1 if it is gone. */
static tn_status lock_staging(const recovery *work, tn_str name, int *fd_out, tn_error *err)
{
    char text[TNI_NAME_ROOM];
    tni_name_text(name, text);
    int fd =
        work->sys->openat(work->folder, text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0 && errno != ENOENT) {
        return fail_name(work, TN_E_READ, errno, name, "cannot open the staging folder", err);
    }
    /* Where there are no locks we go on: rolling forward twice at once ends in the same state. */
    if (fd >= 0 && tni_lock_folder(work->sys, fd) == TNI_LOCK_HELD_BY_OTHER) {
        work->sys->close(fd);
        tn_status status =
            fail_name(work, TN_E_BUSY, 0, name, "a writer is at work on this set", err);
        tni_error_hint(err, "wait until it has finished");
        return status;
    }
    *fd_out = fd;
    return TN_OK;
}

/* Tells whether the marker is still the file that was opened. If so after the staging folder was
 * locked or found gone, no living writer owns it: a writer removes its marker first. */
static tn_status still_there(const recovery *work, const char *marker, int fd, bool *is_out,
                             tn_error *err)
{
    struct stat ours, there;
    if (work->sys->fstat(fd, &ours) != 0) {
        return fail_name(work, TN_E_READ, errno, tn_str_of(marker), "cannot look up the marker",
                         err);
    }
    if (work->sys->fstatat(work->folder, marker, &there, AT_SYMLINK_NOFOLLOW) != 0) {
        *is_out = false;
        return errno == ENOENT ? TN_OK
                               : fail_name(work, TN_E_READ, errno, tn_str_of(marker),
                                           "cannot look up the marker", err);
    }
    *is_out = tni_same_file(&ours, &there);
    return TN_OK;
}

static tn_status roll_forward(recovery *work, const tni_redo *redo, const char *marker, int fd,
                              tn_error *err)
{
    int staging = -1;
    tn_status status = lock_staging(work, redo->staging, &staging, err);
    if (status != TN_OK) {
        return status;
    }
    bool there = false;
    bool done = false;
    status = still_there(work, marker, fd, &there, err);
    if (status == TN_OK && there && !work->dry) {
        tni_redo_place place = {.sys = work->sys,
                                .folder = work->folder,
                                .staging = staging,
                                .folder_path = work->path,
                                .marker = marker};
        status = tni_redo_run(redo, &place, &done, err);
    }
    if (done && staging >= 0) {
        char name[TNI_NAME_ROOM];
        tni_name_text(redo->staging, name);
        tni_staging_remove(work->sys, work->folder, name, staging);
    }
    work->done.finished += status == TN_OK && there;
    if (staging >= 0) {
        work->sys->close(staging);
    }
    return status;
}

static tn_status finish_marker(recovery *work, tn_str name, tn_error *err)
{
    char marker[TNI_NAME_ROOM];
    tni_name_text(name, marker);
    /* A planted FIFO must not hang us, a planted link not lead us away. */
    int fd =
        work->sys->openat(work->folder, marker, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
    if (fd < 0) {
        return errno == ENOENT
                   ? TN_OK /* its writer has just finished */
                   : fail_name(work, TN_E_READ, errno, name, "cannot open the commit marker", err);
    }
    tni_arena arena;
    tni_buffer text;
    tni_arena_init(&arena, work->ctx, work->ctx->limits.memory);
    tni_buffer_init(&text, work->ctx);
    struct stat info;
    tni_redo redo = {0};
    tn_status status = TN_OK;
    if (work->sys->fstat(fd, &info) != 0) {
        status = fail_name(work, TN_E_READ, errno, name, "cannot look up the marker", err);
    } else if (!S_ISREG(info.st_mode)) {
        status = fail_name(work, TN_E_UNSAFE, 0, name, "the marker is not a regular file", err);
    } else {
        status = read_marker(work, fd, name, &text, err);
    }
    if (status == TN_OK) {
        status = tni_redo_parse((tn_str){text.data, text.len}, name, &arena, &redo, err);
        tni_error_path(status == TN_OK ? NULL : err, work->path);
        tni_error_subject(status == TN_OK ? NULL : err, name);
    }
    if (status == TN_OK) {
        status = roll_forward(work, &redo, marker, fd, err);
    }
    work->sys->close(fd);
    tni_buffer_clear(&text);
    tni_arena_clear(&arena);
    return status;
}

/* Removes a staging folder whose writer is dead and of which no marker speaks. Leaves alone what it
 * cannot open, lock or empty: that is no harm to any output. */
static void remove_dead(recovery *work, tn_str name)
{
    char text[TNI_NAME_ROOM], marker[TNI_NAME_ROOM];
    tni_name_text(name, text);
    tni_marker_of_staging(name, marker);
    int fd =
        work->sys->openat(work->folder, text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    struct stat info;
    /* The marker is looked up under the lock: a writer may have posted it and died since. */
    bool dead = tni_lock_folder(work->sys, fd) == TNI_LOCK_TAKEN &&
                work->sys->fstatat(work->folder, marker, &info, AT_SYMLINK_NOFOLLOW) != 0 &&
                errno == ENOENT;
    /* It may be what a folder replaced: first that must be on the disk. */
    if (dead && (work->dry || work->sys->fsync(work->folder) == 0)) {
        work->done.staging += work->dry || tni_staging_remove(work->sys, work->folder, text, fd);
    }
    work->sys->close(fd);
}

static tn_status recover_all(recovery *work, tn_error *err)
{
    tni_arena arena;
    tni_arena_init(&arena, work->ctx, work->ctx->limits.memory);
    tni_names names = {NULL, 0};
    tn_status status = TN_OK;
    if (tni_lock_folder(work->sys, work->folder) == TNI_LOCK_HELD_BY_OTHER) {
        status = tni_fail(err, TN_E_BUSY, "another recovery is at work in this folder");
        tni_error_path(err, work->path);
    }
    if (status == TN_OK) {
        status = tni_list_open_folder(work->ctx, work->folder, work->path, UINT64_MAX, &arena,
                                      &names, err);
    }
    for (size_t i = 0; i < names.count && status == TN_OK; i++) {
        if (tni_is_marker(names.at[i])) {
            status = finish_marker(work, names.at[i], err);
        }
    }
    for (size_t i = 0; i < names.count && status == TN_OK; i++) {
        if (tni_is_staging(names.at[i])) {
            remove_dead(work, names.at[i]);
        }
    }
    tni_arena_clear(&arena);
    return status;
}

tn_status tni_output_recover(tn_context *ctx, const char *folder, bool dry,
                             tni_recovery *recovery_out, tn_error *err)
{
    recovery work = {.ctx = ctx, .sys = tni_sys_of(ctx), .dry = dry};
    work.path = folder[0] == '\0' ? "." : folder;
    work.folder = work.sys->openat(AT_FDCWD, work.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (work.folder < 0) {
        tn_code code = errno == ENOENT || errno == ENOTDIR ? TN_E_NOT_FOUND : TN_E_READ;
        tn_status status = tni_fail_errno(err, code, errno, "cannot open the folder");
        tni_error_path(err, work.path);
        return status;
    }
    tn_status status = recover_all(&work, err);
    work.sys->close(work.folder);
    if (status == TN_OK) {
        *recovery_out = work.done;
    }
    return status;
}

tn_status tni_output_interrupted(tn_context *ctx, const char *folder, tn_str name, bool *is_out,
                                 tn_error *err)
{
    if (!tni_name_plain(name)) {
        *is_out = false;
        return TN_OK;
    }
    char marker[TNI_NAME_ROOM];
    tni_marker_name(name, marker);
    tni_arena arena;
    tni_arena_init(&arena, ctx, UINT64_MAX);
    tn_str path;
    struct stat info;
    tn_status status = tni_path_join(&arena, tn_str_of(folder), tn_str_of(marker), &path, err);
    if (status == TN_OK) {
        bool there = tni_sys_of(ctx)->fstatat(AT_FDCWD, path.data, &info, AT_SYMLINK_NOFOLLOW) == 0;
        if (there || errno == ENOENT || errno == ENOTDIR) {
            *is_out = there;
        } else {
            status = tni_fail_errno(err, TN_E_READ, errno, "cannot look up the commit marker");
            tni_error_path(err, path.data);
        }
    }
    tni_arena_clear(&arena);
    return status;
}
