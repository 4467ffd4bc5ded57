/* Conversions that the sweeps of this folder make again and again: each pair of formats that are
 * read and written, to a single file, a set or a folder, without an old output and over one; object
 * graphs; linked data files; one file's values in another's structure; frozen graphs. */
#ifndef TN_TESTS_FAULTS_SCENE_H
#define TN_TESTS_FAULTS_SCENE_H

#include "converters/conv.h"
#include "support/faults.h"
#include "support/folder.h"
#include "support/tally.h"

enum { SCENE_PATH = 2 * TN_SCRATCH_PATH, SCENE_TITLE = 160 };

/* One conversion. */
typedef struct scene {
    conv *c;        /* holds the input */
    tn_scratch out; /* holds the output, and nothing else */
    char title[SCENE_TITLE], in[SCENE_PATH], path[SCENE_PATH];
    const char *main;   /* the name of `path` in its folder */
    const char *like;   /* the file whose structure is written, or NULL */
    const char *freeze; /* not NULL: no conversion, but a graph frozen for this output */
    tn_convert_options options;
    bool folder;                /* the output is a folder */
    bool helped;                /* HDF5 is read or written, so the helper program runs */
    tn_folder inputs, old, new; /* the input's folder; the output's, before and after */
} scene;

/* An allocator that counts, fails from a place on, and knows what is still held. */
typedef struct scene_memory {
    atomic_ulong calls, held;
    unsigned long at; /* which allocation fails, from 1; 0: none */
    bool sticky;      /* and all after it */
} scene_memory;

/* Calls `each` with every scene; returns how many there were. */
size_t scenes_visit(conv *c, void (*each)(scene *s));
/* Puts the old output into its place, and takes away all else. */
void scene_reset(scene *s);
bool scene_is_old(const scene *s);
bool scene_is_new(const scene *s);

/* Converts in a context of the caller's. */
tn_status scene_run(const scene *s, tn_context *ctx, tn_error *err);
/* Converts once under faults. `memory` NULL: none of its allocations fails; `sys` NULL: none of its
 * calls. Fails the test if memory, a descriptor or a child process is left over, or if a byte of
 * the input's folder is another one. */
tn_status scene_try(const scene *s, scene_memory *memory, const tni_sys *sys, tn_error *err);
/* The same without faults, with another helper program than tenon's (NULL: that one). */
tn_status scene_try_with(const scene *s, const char *helper, tn_error *err);
/* Finishes what was interrupted and removes what was left, as `ckpt recover` does. Returns how many
 * replacements it finished. */
size_t scene_recover(const scene *s);

/* Returns a context of this allocator, with one worker. */
tn_context *scene_context(scene_memory *memory);
/* Returns the step at which `places` are tried: 1 where TN_SWEEP=all asks for every place, else one
 * that makes at most `trials` of them. */
unsigned long scene_step(unsigned long places, unsigned long trials);
/* Counts the descriptors of this process. */
size_t scene_descriptors(void);

/* Runs the tests as cmocka does and prints the tally. */
#define SCENE_MAIN(...)                                         \
    int main(void)                                              \
    {                                                           \
        conv_in_memory();                                       \
        const struct CMUnitTest tests[] = {__VA_ARGS__};        \
        int failed = cmocka_run_group_tests(tests, NULL, NULL); \
        tn_tally_print();                                       \
        return failed;                                          \
    }

#endif
