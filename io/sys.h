/* The one seam between tenon and the system: every call that touches files goes through this table,
 * so tests can make the n-th call fail, run short, or stop the process. The context carries the
 * table; NULL there means the real one. */
#ifndef TN_IO_SYS_H
#define TN_IO_SYS_H

#include "core/context.h"
#include <dirent.h>
#include <sys/stat.h>
#include <sys/types.h>

typedef struct tni_sys {
    int (*openat)(int dir, const char *name, int flags, mode_t mode);
    int (*close)(int fd);
    ssize_t (*pread)(int fd, void *buffer, size_t len, off_t offset);
    ssize_t (*pwrite)(int fd, const void *buffer, size_t len, off_t offset);
    int (*fallocate)(int fd, off_t offset,
                     off_t len); /* returns 0 or an errno, as posix_fallocate */
    int (*ftruncate)(int fd, off_t len);
    int (*fsync)(int fd);
    int (*renameat2)(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
    int (*unlinkat)(int dir, const char *name, int flags);
    int (*mkdirat)(int dir, const char *name, mode_t mode);
    int (*fstatat)(int dir, const char *name, struct stat *out, int flags);
    int (*fstat)(int fd, struct stat *out);
    /* Lists all names but "." and ".."; stops when `each` returns nonzero, and returns that. */
    int (*getdents)(int fd, int (*each)(void *user, const char *name), void *user);
    ssize_t (*readlinkat)(int dir, const char *name, char *buffer, size_t room);
    int (*linkat)(int from_dir, const char *from, int to_dir, const char *to, int flags);
    int (*clone)(int to, int from); /* shares the blocks of a whole file (FICLONE) */
    int (*flock)(int fd, int operation);
    void (*writeback)(int fd, off_t offset,
                      off_t len); /* starts writing out, a hint (sync_file_range) */
} tni_sys;

/* Returns the context's table, or the real one. */
const tni_sys *tni_sys_of(const tn_context *ctx);

#endif
