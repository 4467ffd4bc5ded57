#include "io/folder.h"

#include "core/error.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

bool tni_name_plain(tn_str name)
{
    return name.len > 0 && name.len < TNI_NAME_ROOM && memchr(name.data, '/', name.len) == NULL &&
           memchr(name.data, '\0', name.len) == NULL && !tn_str_equal(name, TN_LIT(".")) &&
           !tn_str_equal(name, TN_LIT(".."));
}

void tni_name_text(tn_str name, char out[TNI_NAME_ROOM])
{
    memcpy(out, name.data, name.len);
    out[name.len] = '\0';
}

tn_status tni_path_join(tni_arena *arena, tn_str folder, tn_str name, tn_str *path_out,
                        tn_error *err)
{
    bool slash = folder.len > 0 && folder.data[folder.len - 1] != '/';
    void *block;
    size_t len = folder.len + slash + name.len;
    tn_status status = tni_arena_alloc(arena, len + 1, &block, err);
    if (status != TN_OK) {
        return status;
    }
    char *text = block;
    if (folder.len > 0) {
        memcpy(text, folder.data, folder.len);
    }
    if (slash) {
        text[folder.len] = '/';
    }
    memcpy(text + folder.len + slash, name.data, name.len);
    text[len] = '\0';
    *path_out = (tn_str){text, len};
    return TN_OK;
}

static int compare_names(const void *a, const void *b)
{
    return tn_str_compare(*(const tn_str *)a, *(const tn_str *)b);
}

void tni_names_sort(tni_names *names)
{
    if (names->count > 1) {
        qsort(names->at, names->count, sizeof(tn_str), compare_names);
    }
}

bool tni_names_has(const tni_names *names, tn_str name)
{
    return names->count > 0 &&
           bsearch(&name, names->at, names->count, sizeof(tn_str), compare_names) != NULL;
}

/* What collects the names while the folder is listed. */
typedef struct listing {
    tn_context *ctx;
    tni_arena *arena;
    tn_str *at; /* grown block of the context */
    size_t count, room;
    uint64_t limit;
    tn_error *err;
    tn_status status;
} listing;

static tn_status grow(listing *list)
{
    if (list->count < list->room) {
        return TN_OK;
    }
    size_t room = list->room == 0 ? 64 : list->room * 2;
    void *block = list->at;
    tn_status status = tni_resize(list->ctx, &block, room * sizeof(tn_str), list->err);
    if (status == TN_OK) {
        list->at = block;
        list->room = room;
    }
    return status;
}

static int add_name(void *user, const char *name)
{
    listing *list = user;
    if (list->count >= list->limit) {
        list->status = tni_fail(list->err, TN_E_LIMIT,
                                "the folder holds more than %" PRIu64 " names", list->limit);
        return 1;
    }
    list->status = grow(list);
    if (list->status == TN_OK) {
        list->status =
            tni_arena_str(list->arena, tn_str_of(name), &list->at[list->count], list->err);
    }
    list->count += list->status == TN_OK;
    return list->status != TN_OK;
}

tn_status tni_list_open_folder(tn_context *ctx, int fd, const char *path, uint64_t limit,
                               tni_arena *arena, tni_names *names_out, tn_error *err)
{
    listing list = {.ctx = ctx, .arena = arena, .limit = limit, .err = err};
    if (tni_sys_of(ctx)->getdents(fd, add_name, &list) < 0) {
        list.status = tni_fail_errno(err, TN_E_READ, errno, "cannot list the folder");
    }
    void *block = NULL;
    if (list.status == TN_OK && list.count > 0) {
        list.status = tni_arena_array(arena, list.count, sizeof(tn_str), &block, err);
    }
    if (list.status == TN_OK) {
        tni_names names = {block, list.count};
        if (list.count > 0) {
            memcpy(names.at, list.at, list.count * sizeof(tn_str));
        }
        tni_names_sort(&names);
        *names_out = names;
    } else {
        tni_error_path(err, path);
    }
    tni_free(ctx, list.at);
    return list.status;
}

tn_status tni_list_folder(tn_context *ctx, const char *path, uint64_t limit, tni_arena *arena,
                          tni_names *names_out, tn_error *err)
{
    const char *folder = path[0] == '\0' ? "." : path;
    const tni_sys *sys = tni_sys_of(ctx);
    int fd = sys->openat(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) {
        tn_code code = errno == ENOENT || errno == ENOTDIR ? TN_E_NOT_FOUND : TN_E_READ;
        tn_status status = tni_fail_errno(err, code, errno, "cannot open the folder");
        tni_error_path(err, folder);
        return status;
    }
    tn_status status = tni_list_open_folder(ctx, fd, folder, limit, arena, names_out, err);
    sys->close(fd);
    return status;
}

tn_status tni_path_kind_of(tn_context *ctx, const char *path, tni_path_kind *kind_out,
                           tn_error *err)
{
    struct stat info;
    if (tni_sys_of(ctx)->fstatat(AT_FDCWD, path, &info, 0) == 0) {
        *kind_out = S_ISREG(info.st_mode)   ? TNI_PATH_FILE
                    : S_ISDIR(info.st_mode) ? TNI_PATH_FOLDER
                                            : TNI_PATH_OTHER;
        return TN_OK;
    }
    if (errno == ENOENT || errno == ENOTDIR) {
        *kind_out = TNI_PATH_NONE;
        return TN_OK;
    }
    tn_status status = tni_fail_errno(err, TN_E_READ, errno, "cannot look up the path");
    tni_error_path(err, path);
    return status;
}
