#include "support/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Not cmocka's assertions: helpers may run in forked children too. */
static void must(bool held, const char *what, const char *path)
{
    if (!held) {
        fprintf(stderr, "scratch: %s %s: %s\n", what, path, strerror(errno));
        abort();
    }
}

void tn_scratch_make(tn_scratch *scratch)
{
    const char *base = getenv("TMPDIR");
    snprintf(scratch->path, sizeof scratch->path, "%s/tenon-test-XXXXXX",
             base == NULL ? "/tmp" : base);
    must(mkdtemp(scratch->path) != NULL, "mkdtemp", scratch->path);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    return where->level == 0 ? 0 : remove(path);
}

void tn_scratch_empty(tn_scratch *scratch)
{
    must(nftw(scratch->path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0, "empty", scratch->path);
}

void tn_scratch_remove(tn_scratch *scratch)
{
    tn_scratch_empty(scratch);
    must(rmdir(scratch->path) == 0, "rmdir", scratch->path);
}

const char *tn_scratch_at(const tn_scratch *scratch, const char *name)
{
    static char paths[8][2 * TN_SCRATCH_PATH];
    static size_t next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", scratch->path, name);
    return path;
}

void tn_scratch_write(const tn_scratch *scratch, const char *name, const char *text)
{
    const char *path = tn_scratch_at(scratch, name);
    FILE *file = fopen(path, "wb");
    must(file != NULL, "fopen", path);
    must(fwrite(text, 1, strlen(text), file) == strlen(text), "fwrite", path);
    must(fclose(file) == 0, "fclose", path);
}

bool tn_scratch_is(const tn_scratch *scratch, const char *name, const char *text)
{
    const char *path = tn_scratch_at(scratch, name);
    struct stat info;
    if (text == NULL) {
        return lstat(path, &info) != 0 && errno == ENOENT;
    }
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return false;
    }
    char *found = malloc(strlen(text) + 2);
    must(found != NULL, "malloc", path);
    size_t len = fread(found, 1, strlen(text) + 2, file);
    bool same = len == strlen(text) && memcmp(found, text, len) == 0;
    free(found);
    fclose(file);
    return same;
}

size_t tn_scratch_count(const tn_scratch *scratch)
{
    DIR *stream = opendir(scratch->path);
    must(stream != NULL, "opendir", scratch->path);
    size_t count = 0;
    for (const struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    closedir(stream);
    return count;
}
