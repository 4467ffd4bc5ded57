/* What lies in a folder, all names and bytes, to compare with and to put back. Any failure of the
 * system ends the program. */
#ifndef TN_TESTS_FOLDER_H
#define TN_TESTS_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct tn_folder_file {
    char *name, *data;
    size_t len;
} tn_folder_file;

typedef struct tn_folder {
    tn_folder_file *files; /* sorted by name; of malloc. A folder in it is a file without bytes
                              whose name ends in '/', followed by what is in it ("a/b") */
    size_t count;
    bool strange; /* it holds more than files and folders: such a folder equals no other */
} tn_folder;

/* Reads all files of the folder. Free with tn_folder_free. */
tn_folder tn_folder_take(const char *path);
void tn_folder_free(tn_folder *folder);
/* Tells whether a folder holds just these files. */
bool tn_folder_is(const char *path, const tn_folder *wanted);
bool tn_folder_equal(const tn_folder *a, const tn_folder *b);
/* Writes these files, and the folders that they are in, into a folder. */
void tn_folder_put(const char *path, const tn_folder *folder);
/* Finds a file by its name; NULL if there is none. */
const tn_folder_file *tn_folder_find(const tn_folder *folder, const char *name);

#endif
