/* A test in a folder of its own, with a context; and outputs of one file. */
#ifndef TENON_TESTS_IO_IN_SCRATCH_H
#define TENON_TESTS_IO_IN_SCRATCH_H

#include "core/context.h"
#include "io/output.h"
#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static tn_scratch scratch;
static tn_context *ctx;

static inline int in_scratch(void **state)
{
    (void)state;
    ctx = tn_context_new(NULL);
    tn_scratch_make(&scratch);
    return ctx == NULL;
}

static inline int out_of_scratch(void **state)
{
    (void)state;
    tn_scratch_remove(&scratch);
    tn_context_free(ctx);
    return 0;
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, in_scratch, out_of_scratch)

/* The same for a whole group of tests that sync thousands of times: in memory where there is such a
 * folder. */
static inline int group_in_scratch(void **state)
{
    if (access("/dev/shm", W_OK) == 0) {
        setenv("TMPDIR", "/dev/shm", 0);
    }
    return in_scratch(state);
}

/* Puts one file into an output. */
static inline tn_status put(tni_output *output, const char *name, const char *text, tn_error *err)
{
    tn_sink *sink;
    tn_status status = tni_output_create(output, tn_str_of(name), strlen(text), &sink, err);
    return status == TN_OK ? tni_sink_write(sink, 0, text, strlen(text), err) : status;
}

/* Writes the one file `name` in `folder`. */
static inline tn_status one_in(const char *folder, const char *name, const char *text,
                               const tni_output_options *options, tn_error *err)
{
    tni_output *output = NULL;
    tn_status status = tni_output_new(ctx, folder, tn_str_of(name), options, &output, err);
    if (status == TN_OK) {
        status = put(output, name, text, err);
    }
    if (status == TN_OK) {
        status = tni_output_commit(output, tn_str_of(name), err);
    }
    tni_output_free(output);
    return status;
}

/* Writes one file in the test's folder. */
static inline tn_status one(const char *name, const char *text, const tni_output_options *options,
                            tn_error *err)
{
    return one_in(scratch.path, name, text, options, err);
}

#endif
