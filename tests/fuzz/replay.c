/* Runs a fuzz target without libFuzzer over files and folders of inputs, so that what was found
 * once is tried in every build. Prints how many inputs it replayed; there must be some. */
#include "target.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_ROOM = 4096, MOST = 1 << 20 /* bytes of an input */ };

/* Hands over a copy of exactly the input's size, so that a sanitizer sees every byte beyond. */
static size_t replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(MOST);
    FUZZ_HOLDS(file != NULL && bytes != NULL);
    size_t len = fread(bytes, 1, MOST, file);
    fclose(file);
    uint8_t *exact = malloc(len == 0 ? 1 : len);
    FUZZ_HOLDS(exact != NULL);
    memcpy(exact, bytes, len);
    free(bytes);
    (void)LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    return 1;
}

static size_t replay_folder(const char *folder)
{
    struct dirent **names;
    size_t count = 0;
    int found = scandir(folder, &names, NULL, alphasort);
    for (int i = 0; i < found; i++) {
        char path[PATH_ROOM];
        struct stat about;
        snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        if (stat(path, &about) == 0 && S_ISREG(about.st_mode)) {
            count += replay_file(path);
        }
        free(names[i]);
    }
    if (found >= 0) {
        free(names);
    }
    return count;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    for (int i = 1; i < argc; i++) {
        struct stat about;
        bool there = stat(argv[i], &about) == 0; /* a target without findings has no folder */
        count += !there                   ? 0
                 : S_ISDIR(about.st_mode) ? replay_folder(argv[i])
                                          : replay_file(argv[i]);
    }
    printf("%zu inputs replayed\n", count);
    return count == 0;
}
