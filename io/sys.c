#include "io/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int real_openat(int dir, const char *name, int flags, mode_t mode)
{
    return openat(dir, name, flags, mode);
}

/* Not posix_fallocate: where the file system cannot reserve, glibc's one writes a byte to every
 * block. */
static int real_fallocate(int fd, off_t offset, off_t len)
{
    return fallocate(fd, 0, offset, len) == 0 ? 0 : errno;
}

static int list_stream(DIR *stream, int (*each)(void *user, const char *name), void *user)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (entry == NULL) {
            return errno == 0 ? 0 : -1;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        int stop = each(user, entry->d_name);
        if (stop != 0) {
            return stop;
        }
    }
}

/* Opens the folder anew, so that the caller's descriptor keeps its position and stays open. */
static int real_getdents(int fd, int (*each)(void *user, const char *name), void *user)
{
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (own < 0) {
        return -1;
    }
    DIR *stream = fdopendir(own);
    if (stream == NULL) {
        int why = errno;
        close(own);
        errno = why;
        return -1;
    }
    int result = list_stream(stream, each, user);
    int why = errno;
    closedir(stream);
    errno = why;
    return result;
}

static void real_writeback(int fd, off_t offset, off_t len)
{
    (void)sync_file_range(fd, offset, len, SYNC_FILE_RANGE_WRITE);
}

static int real_clone(int to, int from)
{
    return ioctl(to, FICLONE, from);
}

static const tni_sys real_sys = {
    .openat = real_openat,
    .close = close,
    .pread = pread,
    .pwrite = pwrite,
    .fallocate = real_fallocate,
    .ftruncate = ftruncate,
    .fsync = fsync,
    .renameat2 = renameat2,
    .unlinkat = unlinkat,
    .mkdirat = mkdirat,
    .fstatat = fstatat,
    .fstat = fstat,
    .getdents = real_getdents,
    .readlinkat = readlinkat,
    .linkat = linkat,
    .clone = real_clone,
    .flock = flock,
    .writeback = real_writeback,
};

const tni_sys *tni_sys_of(const tn_context *ctx)
{
    return ctx->sys != NULL ? ctx->sys : &real_sys;
}
