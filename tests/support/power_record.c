#include "support/power_log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static tn_power *current;
static const tni_sys *next;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const size_t NOBODY = SIZE_MAX;

static void *must(void *block)
{
    if (block == NULL) {
        perror("power");
        abort();
    }
    return block;
}

static void *copy(const void *data, size_t len)
{
    char *block = must(malloc(len + 1));
    memcpy(block, data, len);
    block[len] = '\0';
    return block;
}

/* ---------------------------------------------------------------- the log */

static size_t add_object(tn_power *p, const struct stat *info)
{
    p->objects = must(realloc(p->objects, (p->n_objects + 1) * sizeof *p->objects));
    p->objects[p->n_objects] = (power_object){
        .dev = info->st_dev, .ino = info->st_ino, .is_folder = S_ISDIR(info->st_mode)};
    return p->n_objects++;
}

/* Finds the newest object of this inode, whose number may have been another's before. */
static size_t find_object(const tn_power *p, const struct stat *info)
{
    for (size_t i = p->n_objects; i-- > 0;) {
        if (p->objects[i].dev == info->st_dev && p->objects[i].ino == info->st_ino) {
            return i;
        }
    }
    return NOBODY;
}

static size_t object_of(const tn_power *p, int fd)
{
    struct stat info;
    return next->fstat(fd, &info) == 0 ? find_object(p, &info) : NOBODY;
}

static size_t object_at(const tn_power *p, int dir, const char *name)
{
    struct stat info;
    return next->fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) == 0 ? find_object(p, &info)
                                                                     : NOBODY;
}

static void add(tn_power *p, operation op)
{
    p->log = must(realloc(p->log, (p->count + 1) * sizeof *p->log));
    p->log[p->count++] = op;
}

static void add_name(tn_power *p, operation_kind kind, size_t folder, const char *name,
                     size_t object)
{
    if (folder != NOBODY && object != NOBODY) {
        add(p, (operation){.kind = kind,
                           .object = object,
                           .folder = folder,
                           .name = copy(name, strlen(name))});
    }
}

static void add_range(operation_kind kind, int fd, const void *data, off_t offset, off_t len)
{
    size_t object = object_of(current, fd);
    if (object != NOBODY) {
        add(current, (operation){.kind = kind,
                                 .object = object,
                                 .data = data == NULL ? NULL : copy(data, (size_t)len),
                                 .offset = (size_t)offset,
                                 .len = (size_t)len});
    }
}

/* Reads all of an open file. */
static char *load(int fd, size_t len)
{
    char *data = must(malloc(len + 1));
    if (next->pread(fd, data, len, 0) != (ssize_t)len) {
        must(NULL);
    }
    return data;
}

/* ---------------------------------------------------------------- the beginning */

static int begin_name(void *user, const char *name);

typedef struct beginning {
    tn_power *power;
    size_t folder;
    int fd;
} beginning;

static void begin_folder(tn_power *p, size_t folder, int fd)
{
    beginning b = {p, folder, fd};
    (void)next->getdents(fd, begin_name, &b);
}

static int begin_name(void *user, const char *name)
{
    beginning *b = user;
    struct stat info;
    int fd = next->openat(b->fd, name, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0 || next->fstat(fd, &info) != 0) {
        must(NULL);
    }
    size_t linked = find_object(b->power, &info);
    size_t at = linked == NOBODY ? add_object(b->power, &info) : linked;
    add_name(b->power, OP_ENTER, b->folder, name, at);
    if (linked != NOBODY) {
        /* a second name of a file */
    } else if (S_ISDIR(info.st_mode)) {
        begin_folder(b->power, at, fd);
    } else {
        b->power->objects[at].data = load(fd, (size_t)info.st_size);
        b->power->objects[at].len = (size_t)info.st_size;
    }
    next->close(fd);
    return 0;
}

tn_power *tn_power_new(const char *root)
{
    static const tn_context plain;
    struct stat info;
    tn_power *p = must(calloc(1, sizeof *p));
    next = tni_sys_of(&plain);
    int fd = next->openat(AT_FDCWD, root, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0 || next->fstat(fd, &info) != 0) {
        must(NULL);
    }
    begin_folder(p, add_object(p, &info), fd);
    next->close(fd);
    p->begin = p->count;
    return p;
}

void tn_power_free(tn_power *p)
{
    for (size_t i = 0; i < p->n_objects; i++) {
        free(p->objects[i].data);
    }
    for (size_t i = 0; i < p->count; i++) {
        free(p->log[i].name);
        free(p->log[i].data);
    }
    free(p->objects);
    free(p->log);
    free(p);
}

size_t tn_power_operations(const tn_power *power)
{
    return power->count - power->begin;
}

/* ---------------------------------------------------------------- the table */

/* Finds the folder that a path of one or two names ends in, and its last name. */
static size_t folder_of(int dir, const char **name)
{
    char inner[256];
    const char *slash = strchr(*name, '/');
    if (slash == NULL) {
        return object_of(current, dir);
    }
    snprintf(inner, sizeof inner, "%.*s", (int)(slash - *name), *name);
    *name = slash + 1;
    return object_at(current, dir, inner);
}

static int rec_openat(int dir, const char *name, int flags, mode_t mode)
{
    struct stat info;
    pthread_mutex_lock(&lock);
    int fd = next->openat(dir, name, flags, mode);
    if (fd >= 0 && (flags & O_CREAT) != 0 && next->fstat(fd, &info) == 0) {
        size_t folder = folder_of(dir, &name);
        add_name(current, OP_ENTER, folder, name, add_object(current, &info));
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

static int rec_mkdirat(int dir, const char *name, mode_t mode)
{
    struct stat info;
    pthread_mutex_lock(&lock);
    int result = next->mkdirat(dir, name, mode);
    if (result == 0 && next->fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) == 0) {
        add_name(current, OP_ENTER, object_of(current, dir), name, add_object(current, &info));
    }
    pthread_mutex_unlock(&lock);
    return result;
}

/* Gives the object that a name leads to after a link was made. The file may lie elsewhere: then it
 * is taken as it is, durable as any input. */
static size_t linked_object(int dir, const char *name)
{
    struct stat info;
    size_t known = object_at(current, dir, name);
    int fd = known == NOBODY ? next->openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0) : -1;
    if (fd >= 0 && next->fstat(fd, &info) == 0) {
        known = add_object(current, &info);
        current->objects[known].data = load(fd, (size_t)info.st_size);
        current->objects[known].len = (size_t)info.st_size;
    }
    if (fd >= 0) {
        next->close(fd);
    }
    return known;
}

static int rec_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    pthread_mutex_lock(&lock);
    int result = next->linkat(from_dir, from, to_dir, to, flags);
    if (result == 0) {
        add_name(current, OP_ENTER, object_of(current, to_dir), to, linked_object(to_dir, to));
    }
    pthread_mutex_unlock(&lock);
    return result;
}

static int rec_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    pthread_mutex_lock(&lock);
    size_t object = object_at(current, from_dir, from), other = object_at(current, to_dir, to);
    int result = next->renameat2(from_dir, from, to_dir, to, flags);
    if (result == 0 && (flags & RENAME_EXCHANGE) != 0) {
        add_name(current, OP_ENTER, object_of(current, to_dir), to, object);
        add_name(current, OP_ENTER, object_of(current, from_dir), from, other);
        current->log[current->count - 1].joined = true;
    } else if (result == 0) {
        add_name(current, OP_ENTER, object_of(current, to_dir), to, object);
        add_name(current, OP_LEAVE, object_of(current, from_dir), from, object);
        current->log[current->count - 1].moved = true;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

static int rec_unlinkat(int dir, const char *name, int flags)
{
    pthread_mutex_lock(&lock);
    size_t object = object_at(current, dir, name);
    int result = next->unlinkat(dir, name, flags);
    if (result == 0) {
        add_name(current, OP_LEAVE, object_of(current, dir), name, object);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

static ssize_t rec_pwrite(int fd, const void *buffer, size_t len, off_t offset)
{
    pthread_mutex_lock(&lock);
    ssize_t put = next->pwrite(fd, buffer, len, offset);
    if (put > 0) {
        add_range(OP_WRITE, fd, buffer, offset, put);
    }
    pthread_mutex_unlock(&lock);
    return put;
}

static int rec_fallocate(int fd, off_t offset, off_t len)
{
    pthread_mutex_lock(&lock);
    int why = next->fallocate(fd, offset, len);
    if (why == 0) {
        add_range(OP_RESERVE, fd, NULL, 0, offset + len);
    }
    pthread_mutex_unlock(&lock);
    return why;
}

static int rec_clone(int to, int from)
{
    struct stat info;
    pthread_mutex_lock(&lock);
    int result = next->clone(to, from);
    if (result == 0 && next->fstat(to, &info) == 0) {
        char *data = load(to, (size_t)info.st_size);
        add_range(OP_WRITE, to, data, 0, info.st_size);
        free(data);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

static int rec_ftruncate(int fd, off_t len)
{
    pthread_mutex_lock(&lock);
    int result = next->ftruncate(fd, len);
    if (result == 0) {
        add_range(OP_TRUNCATE, fd, NULL, 0, len);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

static int rec_fsync(int fd)
{
    pthread_mutex_lock(&lock);
    int result = next->fsync(fd);
    size_t object = object_of(current, fd);
    if (result == 0 && object != NOBODY) {
        add(current,
            (operation){.kind = current->objects[object].is_folder ? OP_SYNC_FOLDER : OP_SYNC_FILE,
                        .object = object});
    }
    pthread_mutex_unlock(&lock);
    return result;
}

const tni_sys *tn_power_sys(tn_power *power, const tni_sys *underlying)
{
    static tni_sys table;
    current = power;
    next = underlying;
    table = *underlying;
    table.openat = rec_openat;
    table.mkdirat = rec_mkdirat;
    table.linkat = rec_linkat;
    table.renameat2 = rec_renameat2;
    table.unlinkat = rec_unlinkat;
    table.clone = rec_clone;
    table.pwrite = rec_pwrite;
    table.fallocate = rec_fallocate;
    table.ftruncate = rec_ftruncate;
    table.fsync = rec_fsync;
    return &table;
}
