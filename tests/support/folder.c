#include "support/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void must(bool held, const char *what, const char *name)
{
    if (!held) {
        fprintf(stderr, "folder: %s %s: %s\n", what, name, strerror(errno));
        abort();
    }
}

static void read_file(int dir, const char *name, size_t len, tn_folder_file *file)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    must(fd >= 0, "open", name);
    *file = (tn_folder_file){strdup(name), malloc(len + 1), len};
    must(file->name != NULL && file->data != NULL, "malloc", name);
    must(pread(fd, file->data, len, 0) == (ssize_t)len, "read", name);
    close(fd);
}

static bool real_name(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static tn_folder_file *add_file(tn_folder *folder)
{
    folder->files = realloc(folder->files, (folder->count + 1) * sizeof *folder->files);
    must(folder->files != NULL, "malloc", "");
    return &folder->files[folder->count++];
}

/* Takes what lies in the folder `inner` ("" or ending in '/') below `path`. */
static void take_into(const char *path, const char *inner, tn_folder *folder)
{
    enum { ROOM = 1200 };
    struct dirent **names;
    char below[ROOM];
    snprintf(below, sizeof below, "%s/%s", path, inner);
    int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int n = scandir(below, &names, NULL, alphasort);
    must(root >= 0 && n >= 0, "list", below);
    for (int i = 0; i < n; i++) {
        struct stat info;
        char name[ROOM];
        snprintf(name, sizeof name, "%s%s", inner, names[i]->d_name);
        bool real = real_name(names[i]);
        must(!real || fstatat(root, name, &info, AT_SYMLINK_NOFOLLOW) == 0, "look up", name);
        if (real && S_ISREG(info.st_mode)) {
            read_file(root, name, (size_t)info.st_size, add_file(folder));
        } else if (real && S_ISDIR(info.st_mode)) {
            strcat(name, "/");
            *add_file(folder) = (tn_folder_file){strdup(name), strdup(""), 0};
            take_into(path, name, folder);
        } else if (real) {
            folder->strange = true;
        }
        free(names[i]);
    }
    free(names);
    close(root);
}

tn_folder tn_folder_take(const char *path)
{
    tn_folder folder = {.count = 0};
    take_into(path, "", &folder);
    return folder;
}

void tn_folder_free(tn_folder *folder)
{
    for (size_t i = 0; i < folder->count; i++) {
        free(folder->files[i].name);
        free(folder->files[i].data);
    }
    free(folder->files);
    *folder = (tn_folder){.count = 0};
}

static bool file_equal(const tn_folder_file *a, const tn_folder_file *b)
{
    return strcmp(a->name, b->name) == 0 && a->len == b->len &&
           memcmp(a->data, b->data, a->len) == 0;
}

bool tn_folder_equal(const tn_folder *a, const tn_folder *b)
{
    bool same = !a->strange && !b->strange && a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        same = file_equal(&a->files[i], &b->files[i]);
    }
    return same;
}

bool tn_folder_is(const char *path, const tn_folder *wanted)
{
    tn_folder now = tn_folder_take(path);
    bool same = tn_folder_equal(&now, wanted);
    tn_folder_free(&now);
    return same;
}

void tn_folder_put(const char *path, const tn_folder *folder)
{
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(dir >= 0, "open", path);
    for (size_t i = 0; i < folder->count; i++) {
        const tn_folder_file *file = &folder->files[i];
        if (file->name[strlen(file->name) - 1] == '/') {
            must(mkdirat(dir, file->name, 0755) == 0 || errno == EEXIST, "make", file->name);
            continue;
        }
        int fd = openat(dir, file->name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        must(fd >= 0, "make", file->name);
        must(pwrite(fd, file->data, file->len, 0) == (ssize_t)file->len, "write", file->name);
        close(fd);
    }
    close(dir);
}

const tn_folder_file *tn_folder_find(const tn_folder *folder, const char *name)
{
    for (size_t i = 0; i < folder->count; i++) {
        if (strcmp(folder->files[i].name, name) == 0) {
            return &folder->files[i];
        }
    }
    return NULL;
}
