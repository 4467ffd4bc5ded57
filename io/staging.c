#include "io/staging.h"

#include "core/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>

/* What stands behind NAME: ".tenon-" and six hexadecimal digits, or "commit", which are none. */
enum { TAIL = 7 + 6, ROOM_FOR_NAME = 255 - 1 - TAIL, ATTEMPTS = 100 };

static void hidden_name(tn_str name, const char *tail, char out[TNI_NAME_ROOM])
{
    size_t len = name.len;
    if (len > ROOM_FOR_NAME) {
        len = ROOM_FOR_NAME;
        while (len > 0 && ((unsigned char)name.data[len] & 0xC0) == 0x80) {
            len--; /* not in the middle of a character: some file systems want UTF-8 */
        }
    }
    snprintf(out, TNI_NAME_ROOM, ".%.*s.tenon-%s", (int)len, name.data, tail);
}

void tni_marker_name(tn_str name, char out[TNI_NAME_ROOM])
{
    hidden_name(name, "commit", out);
}

void tni_marker_of_staging(tn_str staging, char out[TNI_NAME_ROOM])
{
    snprintf(out, TNI_NAME_ROOM, "%.*scommit", (int)(staging.len - 6), staging.data);
}

/* True for `.NAME.tenon-` and six more bytes; NAME is not empty. */
static bool has_form(tn_str name)
{
    return tni_name_plain(name) && name.len > 1 + TAIL && name.data[0] == '.' &&
           memcmp(name.data + name.len - TAIL, ".tenon-", 7) == 0;
}

bool tni_is_marker(tn_str name)
{
    return has_form(name) && tn_str_ends(name, TN_LIT("commit"));
}

bool tni_is_staging(tn_str name)
{
    if (!has_form(name)) {
        return false;
    }
    for (size_t i = name.len - 6; i < name.len; i++) {
        if (memchr("0123456789abcdef", name.data[i], 16) == NULL) {
            return false;
        }
    }
    return true;
}

bool tni_name_reserved(tn_str name)
{
    return tni_is_marker(name) || tni_is_staging(name) ||
           tn_str_equal(name, TN_LIT(TNI_STAGED_MARKER)) ||
           tn_str_equal(name, TN_LIT(TNI_STAGED_OLD));
}

tni_lock tni_lock_folder(const tni_sys *sys, int fd)
{
    if (sys->flock(fd, LOCK_EX | LOCK_NB) == 0) {
        return TNI_LOCK_TAKEN;
    }
    return errno == EWOULDBLOCK ? TNI_LOCK_HELD_BY_OTHER : TNI_LOCK_NONE;
}

bool tni_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Opens and locks a folder just made. Between mkdir and lock a recovery may have taken it for dead
 * and removed it: that is EAGAIN. Without locks on this file system we go on: recovery leaves
 * alone what it cannot lock. Returns 0 or an errno. */
static int claim(const tni_sys *sys, int folder, const char *name, int *fd_out)
{
    int fd = sys->openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0) {
        return errno == ENOENT ? EAGAIN : errno;
    }
    int why = 0;
    struct stat ours, there;
    if (tni_lock_folder(sys, fd) == TNI_LOCK_HELD_BY_OTHER) {
        why = EAGAIN;
    } else if (sys->fstat(fd, &ours) != 0) {
        why = errno;
    } else if (sys->fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW) != 0) {
        why = errno == ENOENT ? EAGAIN : errno;
    } else if (!tni_same_file(&ours, &there)) {
        why = EAGAIN;
    }
    if (why != 0) {
        sys->close(fd);
        return why;
    }
    *fd_out = fd;
    return 0;
}

tn_status tni_staging_make(const tni_sys *sys, int folder, tn_str name, bool shared,
                           const char *path, char name_out[TNI_NAME_ROOM], int *fd_out,
                           tn_error *err)
{
    int why = EEXIST;
    for (int attempt = 0; attempt < ATTEMPTS && (why == EEXIST || why == EAGAIN); attempt++) {
        uint32_t bits;
        if (getrandom(&bits, sizeof bits, 0) != (ssize_t)sizeof bits) {
            return tni_fail_write(err, errno, path, "cannot get a random number");
        }
        char tail[7];
        snprintf(tail, sizeof tail, "%06x", (unsigned)(bits & 0xFFFFFF));
        hidden_name(name, tail, name_out);
        why = sys->mkdirat(folder, name_out, shared ? 0777 : 0700) == 0 ? 0 : errno;
        if (why == 0) {
            why = claim(sys, folder, name_out, fd_out);
            if (why != 0 && why != EAGAIN) {
                sys->unlinkat(folder, name_out, AT_REMOVEDIR);
            }
        }
    }
    return why == 0 ? TN_OK : tni_fail_write(err, why, path, "cannot make a folder for the output");
}

typedef struct removal {
    const tni_sys *sys;
    int fd;
    size_t removed;
} removal;

/* Empties an open folder of what `each` removes, and removes it. */
static bool remove_folder(const tni_sys *sys, int parent, const char *name, int fd,
                          int (*each)(void *user, const char *name))
{
    for (;;) {
        removal work = {sys, fd, 0};
        int listed = sys->getdents(fd, each, &work);
        if (sys->unlinkat(parent, name, AT_REMOVEDIR) == 0) {
            return true;
        }
        /* Removing while listing may skip names, so list again as long as that helps. */
        if (listed != 0 || work.removed == 0 || errno != ENOTEMPTY) {
            return false;
        }
    }
}

static void remove_one(removal *work, const char *name, const struct stat *info)
{
    if ((S_ISREG(info->st_mode) || S_ISLNK(info->st_mode)) &&
        work->sys->unlinkat(work->fd, name, 0) == 0) {
        work->removed++;
    }
}

static int remove_file(void *user, const char *name)
{
    removal *work = user;
    struct stat info;
    if (work->sys->fstatat(work->fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0) {
        remove_one(work, name, &info);
    }
    return 0;
}

static int remove_file_or_folder(void *user, const char *name)
{
    removal *work = user;
    const tni_sys *sys = work->sys;
    struct stat info;
    if (sys->fstatat(work->fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return 0;
    }
    if (!S_ISDIR(info.st_mode)) {
        remove_one(work, name, &info);
        return 0;
    }
    int fd = sys->openat(work->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd >= 0) {
        work->removed += remove_folder(sys, work->fd, name, fd, remove_file);
        sys->close(fd);
    }
    return 0;
}

bool tni_staging_remove(const tni_sys *sys, int folder, const char *name, int fd)
{
    return remove_folder(sys, folder, name, fd, remove_file_or_folder);
}

/* Tells whether both names are one file: a link was made. */
static bool both_one(const tni_sys *sys, int from_dir, const char *from, int to_dir, const char *to)
{
    struct stat a, b;
    return sys->fstatat(from_dir, from, &a, AT_SYMLINK_NOFOLLOW) == 0 &&
           sys->fstatat(to_dir, to, &b, AT_SYMLINK_NOFOLLOW) == 0 && tni_same_file(&a, &b);
}

int tni_move_new(const tni_sys *sys, int from_dir, const char *from, int to_dir, const char *to)
{
    if (sys->renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0) {
        return 0;
    }
    int why = errno;
    if (why == EINVAL || why == ENOSYS) {
        /* No RENAME_NOREPLACE here (NFS): a hard link never replaces either. */
        why = sys->linkat(from_dir, from, to_dir, to, 0) == 0 ? 0 : errno;
    }
    /* The first name of a link goes with the staging folder, when the second one has been synced: a
     * power cut must not take both. */
    return why == EEXIST && both_one(sys, from_dir, from, to_dir, to) ? 0 : why;
}

static const char *write_hint(int sys_errno)
{
    switch (sys_errno) {
    case ENOSPC:
        return "free some space or write to another disk";
    case EDQUOT:
        return "your quota on this disk is used up: free some space or write to another disk";
    case EFBIG:
        return "this file system or `ulimit -f` does not allow a file of this size";
    case EROFS:
        return "this file system is mounted read-only: choose a folder on another one";
    case EACCES:
    case EPERM:
        return "you may not write in this folder: choose another one or change its permissions";
    case EMFILE:
        return "an output of so many files needs more open files: `ulimit -n 65536`";
    case ENAMETOOLONG:
        return "choose a shorter name: at most 255 bytes";
    default:
        return NULL;
    }
}

void tni_hint_write(tn_error *err, int sys_errno)
{
    const char *hint = write_hint(sys_errno);
    if (hint != NULL) {
        tni_error_hint(err, "%s", hint);
    }
}

tn_status tni_fail_write(tn_error *err, int sys_errno, const char *path, const char *what)
{
    tn_status status = tni_fail_errno(err, TN_E_WRITE, sys_errno, "%s", what);
    tni_error_path(err, path);
    tni_hint_write(err, sys_errno);
    return status;
}
