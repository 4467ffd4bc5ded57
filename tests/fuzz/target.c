#include "target.h"

#include "support/scratch.h"
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void fuzz_broken(const char *promise, const char *file, int line)
{
    fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, promise);
    abort();
}

static void *resize(void *user, void *block, size_t bytes)
{
    fuzz *f = user;
    size_t before = block == NULL ? 0 : malloc_usable_size(block);
    bool fits = bytes <= FUZZ_MEMORY && f->live - before + bytes <= FUZZ_MEMORY;
    FUZZ_HOLDS(fits || f->refuse);
    void *grown = fits ? realloc(block, bytes) : NULL;
    if (grown != NULL) {
        f->live = f->live - before + malloc_usable_size(grown);
        f->peak = f->live > f->peak ? f->live : f->peak;
    }
    return grown;
}

static void release(void *user, void *block)
{
    fuzz *f = user;
    f->live -= block == NULL ? 0 : malloc_usable_size(block);
    free(block);
}

void fuzz_begin(fuzz *f)
{
    tn_allocator allocator = {resize, release, f};
    *f = (fuzz){.ctx = NULL};
    tn_limits limits = tn_limits_default();
    limits.decoded_bytes = FUZZ_DECODED;
    f->ctx = tn_context_new(
        &(tn_context_options){.allocator = &allocator, .limits = &limits, .threads = 1});
    FUZZ_HOLDS(f->ctx != NULL);
}

void fuzz_end(fuzz *f)
{
    tn_context_free(f->ctx);
    FUZZ_HOLDS(f->live == 0);
}

tn_str fuzz_part(tni_cursor *input)
{
    uint32_t len;
    const uint8_t *bytes;
    if (!tni_get_u32le(input, &len) || len > tni_cursor_left(input)) {
        return fuzz_rest(input);
    }
    (void)tni_get_bytes(input, len, &bytes);
    return (tn_str){(const char *)bytes, len};
}

tn_str fuzz_rest(tni_cursor *input)
{
    size_t len = input->len - input->pos;
    const char *bytes = len == 0 ? "" : (const char *)input->data + input->pos;
    input->pos = input->len;
    return (tn_str){bytes, len};
}

static tn_scratch folder;

static void remove_folder(void)
{
    tn_scratch_remove(&folder);
}

const char *fuzz_path(const char *name)
{
    if (folder.path[0] == '\0') {
        tn_scratch_make(&folder);
        FUZZ_HOLDS(atexit(remove_folder) == 0);
    }
    return tn_scratch_at(&folder, name);
}

const char *fuzz_file(const char *name, tn_str bytes)
{
    const char *path = fuzz_path(name);
    FILE *file = fopen(path, "wb");
    FUZZ_HOLDS(file != NULL);
    FUZZ_HOLDS(fwrite(bytes.data, 1, bytes.len, file) == bytes.len);
    FUZZ_HOLDS(fclose(file) == 0);
    return path;
}

void fuzz_clean(void)
{
    (void)fuzz_path("");
    tn_scratch_empty(&folder);
}
