/* What the fuzz targets share. A target is one file with one function, LLVMFuzzerTestOneInput,
 * which takes any bytes, and stops the process (FUZZ_HOLDS) where what it promises of its parser
 * does not hold. libFuzzer calls it in the preset `fuzz`, replay.c everywhere else. */
#ifndef TN_TESTS_FUZZ_TARGET_H
#define TN_TESTS_FUZZ_TARGET_H

#include "core/arena.h"
#include "core/cursor.h"
#include "core/error.h"
#include <tenon/tenon.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stops the process with the broken promise unless `condition` holds. */
#define FUZZ_HOLDS(condition) ((condition) ? (void)0 : fuzz_broken(#condition, __FILE__, __LINE__))
_Noreturn void fuzz_broken(const char *promise, const char *file, int line);

enum {
    FUZZ_MEMORY = 128 << 20, /* bytes that one input may make the library hold */
    FUZZ_DECODED = 64 << 20
};

/* A context whose memory is counted. */
typedef struct fuzz {
    tn_context *ctx;
    size_t live, peak; /* bytes */
    bool refuse; /* what asks for more than FUZZ_MEMORY gets nothing; else the process stops */
} fuzz;

/* Makes a context of one thread with the default limits, but for what a few bytes may be decoded
 * to: FUZZ_DECODED. */
void fuzz_begin(fuzz *f);
/* Frees it; all memory must have come back. */
void fuzz_end(fuzz *f);

/* Takes the next part of an input that holds several: its length in four bytes, then the bytes; cut
 * where the input ends. */
tn_str fuzz_part(tni_cursor *input);
/* Takes what is left of an input. */
tn_str fuzz_rest(tni_cursor *input);

/* Returns the path of a file in a folder of this process, which goes away at its end: valid until
 * the eighth call from here. */
const char *fuzz_path(const char *name);
/* Writes such a file anew; returns its path. */
const char *fuzz_file(const char *name, tn_str bytes);

/* Empties the folder. */
void fuzz_clean(void);

/* What reading all of a model came to. */
typedef struct fuzz_values {
    uint64_t digest; /* over names, forms and values of all tensors */
    size_t unread;   /* stored values that are verified but not read: of twins, and of no elements
                        (strings store a sum of them) */
    size_t failed;   /* tensors whose values cannot be read, and the first failure */
    tn_error err;
} fuzz_values;

/* Extends a digest (FNV-1a). Begin with 0. */
uint64_t fuzz_digest(uint64_t digest, const void *data, size_t len);
/* Reads a tensor's values, with checks, in small spans; the digest is over all that came. */
tn_status fuzz_tensor(tn_reader *reader, const tn_tensor *tensor, uint64_t *digest_out,
                      tn_error *err);
/* Reads all of a model: names, forms, objects, findings, values. */
fuzz_values fuzz_model(fuzz *f, const tn_model *model);
/* Opens what a path names, reads it twice, verifies it: both readings must give the same, and the
 * verdict must fit them. Returns whether it opened. */
bool fuzz_open(fuzz *f, const char *path, const char *from);

#endif
