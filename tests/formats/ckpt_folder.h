/* Folders of checkpoints that are copies of a manager's two. */
#ifndef TN_TESTS_CKPT_FOLDER_H
#define TN_TESTS_CKPT_FOLDER_H

#include "tf_file.h"

#define MANAGER TN_FIXTURES "/tf_checkpoint/good-objects-manager/"
#define DATA ".data-00000-of-00001"

/* Reads a whole file into a text that the caller frees. */
static inline char *read_file(const char *path, size_t *len_out)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = malloc(1 << 16);
    *len_out = fread(text, 1, (1 << 16) - 1, file);
    text[*len_out] = '\0';
    fclose(file);
    return text;
}

/* Puts a copy of a file into the folder. */
static inline void copy_file(const tn_scratch *scratch, const char *from, const char *name)
{
    size_t len;
    char *text = read_file(from, &len);
    FILE *file = fopen(tn_scratch_at(scratch, name), "wb");
    assert_int_equal(fwrite(text, 1, len, file), len);
    fclose(file);
    free(text);
}

/* Puts a copy of one of the manager's checkpoints into the folder. */
static inline void put_manager_ckpt(const tn_scratch *scratch, const char *fixture,
                                    const char *name)
{
    static const char *const suffixes[] = {".index", DATA};
    for (int i = 0; i < 2; i++) {
        char from[512], to[320];
        snprintf(from, sizeof from, MANAGER "%s%s", fixture, suffixes[i]);
        snprintf(to, sizeof to, "%s%s", name, suffixes[i]);
        copy_file(scratch, from, to);
    }
}

#endif
