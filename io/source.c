/* A source is a file, borrowed memory, or a window of another source. Files are read with pread,
 * never mapped: a mapped input that shrinks would end the program by SIGBUS. */
#include "io/source.h"

#include "core/checked.h"
#include "core/error.h"
#include "io/folder.h"
#include "io/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

/* The folder of a file source, shared by all siblings: opened once, so that they come from the same
 * folder even if somebody renames it or puts a link in its place. */
typedef struct source_folder {
    atomic_uint refs;
    int fd;
} source_folder;

typedef enum source_kind { SOURCE_FILE, SOURCE_MEMORY, SOURCE_WINDOW } source_kind;

struct tn_source {
    atomic_uint refs;
    source_kind kind;
    tn_context *ctx;
    uint64_t size;
    char *path; /* files and memory; a window has its whole's */
    /* SOURCE_FILE */
    int fd;
    source_folder *folder;
    struct stat opened; /* what fstat said at opening */
    /* SOURCE_MEMORY */
    const char *data;
    /* SOURCE_WINDOW: of a file or memory, never of a window */
    tn_source *whole;
    uint64_t base;
};

static void folder_release(tn_context *ctx, source_folder *folder)
{
    if (folder != NULL && atomic_fetch_sub(&folder->refs, 1) == 1) {
        tni_sys_of(ctx)->close(folder->fd);
        tni_free(ctx, folder);
    }
}

static tn_status copy_text(tn_context *ctx, tn_str text, char **copy_out, tn_error *err)
{
    void *block;
    tn_status status = tni_alloc(ctx, text.len + 1, &block, err);
    if (status != TN_OK) {
        return status;
    }
    char *copy = block;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    *copy_out = copy;
    return TN_OK;
}

/* The path up to and with the last '/'; empty if there is none. */
static tn_str folder_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return (tn_str){path, slash == NULL ? 0 : (size_t)(slash - path) + 1};
}

static tn_status fail_open(tn_error *err, int why, tn_code missing, const char *path)
{
    tn_status status;
    if (why == ENOENT || why == ENOTDIR) {
        status = tni_fail(err, missing, "there is no such file");
    } else if (why == ENXIO) {
        status = tni_fail(err, TN_E_NOT_REGULAR, "this is a socket or a device, not a file");
    } else {
        status = tni_fail_errno(err, TN_E_READ, why, "cannot open the file");
    }
    tni_error_path(err, path);
    return status;
}

static tn_status folder_open(tn_context *ctx, const char *path, source_folder **folder_out,
                             tn_error *err)
{
    tn_str part = folder_part(path);
    char *text = NULL;
    void *block = NULL;
    tn_status status = copy_text(ctx, part.len == 0 ? TN_LIT(".") : part, &text, err);
    if (status == TN_OK) {
        status = tni_alloc(ctx, sizeof(source_folder), &block, err);
    }
    if (status == TN_OK) {
        /* O_PATH: a folder that may be searched but not listed is enough. */
        int fd = tni_sys_of(ctx)->openat(AT_FDCWD, text, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        if (fd >= 0) {
            source_folder *folder = block;
            atomic_init(&folder->refs, 1);
            folder->fd = fd;
            *folder_out = folder;
            block = NULL;
        } else {
            status = fail_open(err, errno, TN_E_NOT_FOUND, path);
        }
    }
    tni_free(ctx, block);
    tni_free(ctx, text);
    return status;
}

static tn_status source_new(tn_context *ctx, source_kind kind, const char *path,
                            tn_source **source_out, tn_error *err)
{
    void *block;
    tn_status status = tni_alloc_array(ctx, 1, sizeof(tn_source), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tn_source *source = block;
    atomic_init(&source->refs, 1);
    source->kind = kind;
    source->ctx = ctx;
    source->fd = -1;
    if (path != NULL) {
        status = copy_text(ctx, tn_str_of(path), &source->path, err);
    }
    if (status != TN_OK) {
        tni_source_release(source);
        return status;
    }
    *source_out = source;
    return TN_OK;
}

static tn_status check_regular(const struct stat *info, const char *path, tn_error *err)
{
    if (S_ISREG(info->st_mode)) {
        return TN_OK;
    }
    tn_status status;
    if (S_ISDIR(info->st_mode)) {
        status = tni_fail(err, TN_E_NOT_REGULAR, "this is a folder, not a file");
    } else {
        status = tni_fail(err, TN_E_NOT_REGULAR, "this is a pipe or a device, not a regular file");
        tni_error_hint(err, "copy the data into a file first");
    }
    tni_error_path(err, path);
    return status;
}

/* Refuses a symbolic link on the way to a file that another file names. */
static tn_status fail_link(const char *path, tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_UNSAFE,
                                "a symbolic link is not followed to a file that "
                                "another file names");
    tni_error_path(err, path);
    return status;
}

/* Opens `name` in the folder, which the new source retains. `missing` is the code for "not there";
 * `more` are further flags. */
static tn_status open_with(tn_context *ctx, source_folder *folder, const char *name,
                           const char *path, tn_code missing, int more, tn_source **source_out,
                           tn_error *err)
{
    const tni_sys *sys = tni_sys_of(ctx);
    tn_source *source = NULL;
    tn_status status = source_new(ctx, SOURCE_FILE, path, &source, err);
    if (status != TN_OK) {
        return status;
    }
    atomic_fetch_add(&folder->refs, 1);
    source->folder = folder;
    /* O_NONBLOCK: a FIFO without a writer must not hang us. It means nothing to regular files. */
    source->fd =
        sys->openat(folder->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | more, 0);
    if (source->fd < 0 && errno == ELOOP && more != 0) {
        status = fail_link(path, err);
    } else if (source->fd < 0) {
        status = fail_open(err, errno, missing, path);
    } else if (sys->fstat(source->fd, &source->opened) != 0) {
        status = tni_fail_errno(err, TN_E_READ, errno, "cannot look up the file");
        tni_error_path(err, path);
    } else {
        status = check_regular(&source->opened, path, err);
    }
    if (status != TN_OK) {
        tni_source_release(source);
        return status;
    }
    source->size = (uint64_t)source->opened.st_size;
    *source_out = source;
    return TN_OK;
}

static tn_status open_in(tn_context *ctx, source_folder *folder, const char *name, const char *path,
                         tn_code missing, tn_source **source_out, tn_error *err)
{
    return open_with(ctx, folder, name, path, missing, 0, source_out, err);
}

tn_status tni_source_open(tn_context *ctx, const char *path, tn_source **source_out, tn_error *err)
{
    source_folder *folder = NULL;
    tn_status status = folder_open(ctx, path, &folder, err);
    if (status == TN_OK) {
        const char *name = path + folder_part(path).len;
        if (name[0] == '\0' && name != path) {
            name = "."; /* "x/": whatever x is, it is no file */
        }
        status = open_in(ctx, folder, name, path, TN_E_NOT_FOUND, source_out, err);
    }
    folder_release(ctx, folder);
    return status;
}

static const tn_source *whole_of(const tn_source *source)
{
    return source->kind == SOURCE_WINDOW ? source->whole : source;
}

tn_status tni_source_sibling(tn_source *source, tn_str name, tn_source **source_out, tn_error *err)
{
    const tn_source *whole = whole_of(source);
    tn_status status;
    if (!tni_name_plain(name)) {
        status = tni_fail(err, TN_E_UNSAFE, "the file names a companion outside its own folder");
        tni_error_subject(err, name);
        tni_error_path(err, whole->path);
        return status;
    }
    if (whole->kind == SOURCE_MEMORY) {
        status = tni_fail(err, TN_E_MISSING_FILE, "data in memory has no companion files");
        tni_error_subject(err, name);
        tni_error_path(err, whole->path);
        return status;
    }
    tni_arena arena;
    tni_arena_init(&arena, source->ctx, UINT64_MAX);
    tn_str path;
    status = tni_path_join(&arena, folder_part(whole->path), name, &path, err);
    if (status == TN_OK) {
        char text[TNI_NAME_ROOM];
        tni_name_text(name, text);
        status = open_in(source->ctx, whole->folder, text, path.data, TN_E_MISSING_FILE, source_out,
                         err);
    }
    tni_arena_clear(&arena);
    return status;
}

/* Steps into the folder `name` of a folder, which may not be a symbolic link. */
static tn_status step_down(tn_context *ctx, source_folder *folder, const char *name,
                           const char *path, tn_error *err)
{
    const tni_sys *sys = tni_sys_of(ctx);
    struct stat info;
    if (sys->fstatat(folder->fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode)) {
        return fail_link(path, err);
    }
    int fd = sys->openat(folder->fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0) {
        return fail_open(err, errno, TN_E_NOT_FOUND, path);
    }
    sys->close(folder->fd);
    folder->fd = fd;
    return TN_OK;
}

/* Tells whether every component of a relative path is a plain name. */
static bool is_beneath(tn_str relative)
{
    bool plain = relative.len > 0;
    for (size_t i = 0; plain && i <= relative.len;) {
        tn_str rest = tn_str_skip(relative, i);
        const char *slash = rest.len == 0 ? NULL : memchr(rest.data, '/', rest.len);
        tn_str name = tn_str_first(rest, slash == NULL ? rest.len : (size_t)(slash - rest.data));
        plain = tni_name_plain(name);
        i += name.len + 1;
    }
    return plain;
}

/* Walks down to the last component of a path and opens it. */
static tn_status walk_down(tn_context *ctx, source_folder *folder, tn_str relative,
                           const char *path, tn_source **source_out, tn_error *err)
{
    char name[TNI_NAME_ROOM];
    const char *slash;
    tn_status status = TN_OK;
    while (status == TN_OK && (slash = memchr(relative.data, '/', relative.len)) != NULL) {
        tn_str part = tn_str_first(relative, (size_t)(slash - relative.data));
        tni_name_text(part, name);
        relative = tn_str_skip(relative, part.len + 1);
        status = step_down(ctx, folder, name, path, err);
    }
    if (status == TN_OK) {
        tni_name_text(relative, name);
        status = open_with(ctx, folder, name, path, TN_E_NOT_FOUND, O_NOFOLLOW, source_out, err);
    }
    return status;
}

tn_status tni_source_beneath(tn_context *ctx, const char *beside, tn_str relative,
                             tn_source **source_out, tn_error *err)
{
    source_folder *folder = NULL;
    tni_arena arena;
    tn_str path = TN_STR_NONE;
    tn_status status;
    if (!is_beneath(relative)) {
        status = tni_fail(err, TN_E_UNSAFE, "the file names another one outside its own folder");
        tni_error_subject(err, relative);
        tni_error_path(err, beside);
        return status;
    }
    tni_arena_init(&arena, ctx, UINT64_MAX);
    status = tni_path_join(&arena, folder_part(beside), relative, &path, err);
    if (status == TN_OK) {
        status = folder_open(ctx, beside, &folder, err);
    }
    if (status == TN_OK) {
        status = walk_down(ctx, folder, relative, path.data, source_out, err);
    }
    folder_release(ctx, folder);
    tni_arena_clear(&arena);
    return status;
}

tn_status tni_source_memory(tn_context *ctx, const void *data, size_t len, const char *path,
                            tn_source **source_out, tn_error *err)
{
    tn_source *source;
    tn_status status = source_new(ctx, SOURCE_MEMORY, path, &source, err);
    if (status == TN_OK) {
        source->data = data;
        source->size = len;
        *source_out = source;
    }
    return status;
}

static tn_status fail_truncated(const tn_source *source, uint64_t offset, uint64_t len,
                                tn_error *err)
{
    tn_status status =
        tni_fail(err, TN_E_TRUNCATED,
                 "%" PRIu64 " bytes are wanted at byte %" PRIu64 ", but there are only %" PRIu64,
                 len, offset, source->size);
    tni_error_path(err, tni_source_path(source));
    return status;
}

tn_status tni_source_window(tn_source *source, uint64_t base, uint64_t len, tn_source **source_out,
                            tn_error *err)
{
    if (!tni_range_fits(base, len, source->size)) {
        return fail_truncated(source, base, len, err);
    }
    tn_source *window;
    tn_status status = source_new(source->ctx, SOURCE_WINDOW, NULL, &window, err);
    if (status != TN_OK) {
        return status;
    }
    bool nested = source->kind == SOURCE_WINDOW;
    window->whole = tni_source_retain(nested ? source->whole : source);
    window->base = base + (nested ? source->base : 0);
    window->size = len;
    *source_out = window;
    return TN_OK;
}

tn_source *tni_source_retain(tn_source *source)
{
    atomic_fetch_add(&source->refs, 1);
    return source;
}

void tni_source_release(tn_source *source)
{
    if (source == NULL || atomic_fetch_sub(&source->refs, 1) != 1) {
        return;
    }
    tn_context *ctx = source->ctx;
    tni_source_release(source->whole); /* never a window: one level deep */
    if (source->fd >= 0) {
        tni_sys_of(ctx)->close(source->fd);
    }
    folder_release(ctx, source->folder);
    tni_free(ctx, source->path);
    tni_free(ctx, source);
}

static tn_status read_file(const tn_source *source, uint64_t offset, char *buffer, size_t len,
                           tn_error *err)
{
    const tni_sys *sys = tni_sys_of(source->ctx);
    tn_status status = TN_OK;
    while (len > 0 && status == TN_OK) {
        ssize_t got = sys->pread(source->fd, buffer, len, (off_t)offset);
        if (got > 0) {
            buffer += got;
            offset += (uint64_t)got;
            len -= (size_t)got;
        } else if (got == 0) {
            status = tni_fail(err, TN_E_CHANGED, "the file became shorter while it was read");
        } else if (errno != EINTR) {
            status = tni_fail_errno(err, TN_E_READ, errno, "cannot read the file");
        }
    }
    if (status != TN_OK) {
        tni_error_path(err, source->path);
        tni_error_offset(err, offset);
    }
    return status;
}

tn_status tni_source_read(tn_source *source, uint64_t offset, void *buffer, size_t len,
                          tn_error *err)
{
    if (!tni_range_fits(offset, len, source->size)) {
        return fail_truncated(source, offset, len, err);
    }
    const tn_source *whole = whole_of(source);
    uint64_t at = offset + source->base;
    if (whole->kind == SOURCE_FILE) {
        return read_file(whole, at, buffer, len, err);
    }
    if (len > 0) {
        memcpy(buffer, whole->data + at, len);
    }
    return TN_OK;
}

tn_status tni_source_load(tn_source *source, uint64_t offset, uint64_t len, uint64_t limit,
                          const char *what, void **data_out, tn_error *err)
{
    tn_status status = tni_check_limit(len, limit, what, err);
    if (status != TN_OK) {
        tni_error_path(err, tni_source_path(source));
        return status;
    }
    if (!tni_range_fits(offset, len, source->size) || len > SIZE_MAX) {
        return fail_truncated(source, offset, len, err);
    }
    void *data;
    status = tni_alloc(source->ctx, (size_t)len, &data, err);
    if (status != TN_OK) {
        return status;
    }
    status = tni_source_read(source, offset, data, (size_t)len, err);
    if (status != TN_OK) {
        tni_free(source->ctx, data);
        return status;
    }
    *data_out = data;
    return TN_OK;
}

uint64_t tni_source_size(const tn_source *source)
{
    return source->size;
}

const char *tni_source_path(const tn_source *source)
{
    return whole_of(source)->path;
}

tn_str tni_source_name(const tn_source *source)
{
    const char *path = tni_source_path(source);
    return tn_str_of(path + folder_part(path).len);
}

bool tni_source_identity(const tn_source *source, uint64_t *device_out, uint64_t *inode_out)
{
    const tn_source *whole = whole_of(source);
    if (whole->kind != SOURCE_FILE) {
        return false;
    }
    *device_out = (uint64_t)whole->opened.st_dev;
    *inode_out = (uint64_t)whole->opened.st_ino;
    return true;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool tni_source_descriptor(const tn_source *source, int *fd_out, uint64_t *base_out)
{
    const tn_source *whole = whole_of(source);
    if (whole->kind != SOURCE_FILE) {
        return false;
    }
    *fd_out = whole->fd;
    *base_out = source->base;
    return true;
}

static tn_status changed(const tn_source *whole, tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_CHANGED, "the file changed while it was read");
    tni_error_hint(err, "run the command again when nobody writes to the file");
    tni_error_path(err, whole->path);
    return status;
}

/* Looks a file up again. Errors: TN_E_CHANGED (size, content's time), TN_E_READ. */
static tn_status look_again(const tn_source *whole, struct stat *now_out, tn_error *err)
{
    if (tni_sys_of(whole->ctx)->fstat(whole->fd, now_out) != 0) {
        tn_status status = tni_fail_errno(err, TN_E_READ, errno, "cannot look up the file");
        tni_error_path(err, whole->path);
        return status;
    }
    bool same = now_out->st_size == whole->opened.st_size &&
                now_out->st_ino == whole->opened.st_ino &&
                same_time(&now_out->st_mtim, &whole->opened.st_mtim);
    return same ? TN_OK : changed(whole, err);
}

/* The change time also moves when the name is removed or given to another file, since that changes
 * the number of links. */
tn_status tni_source_unchanged(tn_source *source, tn_error *err)
{
    const tn_source *whole = whole_of(source);
    struct stat now;
    if (whole->kind != SOURCE_FILE) {
        return TN_OK;
    }
    tn_status status = look_again(whole, &now, err);
    if (status == TN_OK && !same_time(&now.st_ctim, &whole->opened.st_ctim)) {
        status = changed(whole, err);
    }
    return status;
}

tn_status tni_source_linked(tn_source *source, tn_error *err)
{
    tn_source *whole = source->kind == SOURCE_WINDOW ? source->whole : source;
    struct stat now;
    tn_status status = look_again(whole, &now, err);
    if (status == TN_OK) {
        whole->opened.st_ctim = now.st_ctim;
    }
    return status;
}

double tni_source_time(const tn_source *source)
{
    const tn_source *whole = source->kind == SOURCE_WINDOW ? source->whole : source;
    if (whole->kind != SOURCE_FILE) {
        return 0;
    }
    const struct timespec *written = &whole->opened.st_mtim;
    return (double)written->tv_sec + (double)written->tv_nsec / 1e9;
}
