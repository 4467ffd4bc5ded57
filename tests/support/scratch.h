/* A temporary folder for one test, and small file helpers. All fail the test on any error. */
#ifndef TN_TESTS_SCRATCH_H
#define TN_TESTS_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

enum { TN_SCRATCH_PATH = 512 };

typedef struct tn_scratch {
    char path[TN_SCRATCH_PATH];
} tn_scratch;

/* Makes an empty folder below $TMPDIR or /tmp. */
void tn_scratch_make(tn_scratch *scratch);
/* Removes it with all that is in it. */
void tn_scratch_remove(tn_scratch *scratch);
/* Removes what is in it. */
void tn_scratch_empty(tn_scratch *scratch);
/* Gives the path of `name` in it: valid until the eighth call from here. */
const char *tn_scratch_at(const tn_scratch *scratch, const char *name);
/* Writes a file of this text. */
void tn_scratch_write(const tn_scratch *scratch, const char *name, const char *text);
/* Tells whether there is a file of exactly this text (NULL: whether there is nothing). */
bool tn_scratch_is(const tn_scratch *scratch, const char *name, const char *text);
/* Counts all names in it, hidden ones too. */
size_t tn_scratch_count(const tn_scratch *scratch);

#endif
