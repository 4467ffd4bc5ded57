/* The sorted string table of a checkpoint's index: keys ascend, and two scans tell the same. */
#include "formats/shared/table.h"
#include "table_edit.h"
#include "target.h"

#include <stdlib.h>

typedef struct seen {
    uint64_t digest;
    size_t count;
    char *last; /* the key before */
    size_t last_len;
} seen;

static tn_status take(void *user, const tni_table_entry *entry, bool *more, tn_error *err)
{
    seen *s = user;
    (void)more;
    (void)err;
    if (s->count++ > 0) {
        FUZZ_HOLDS(tn_str_compare((tn_str){s->last, s->last_len}, entry->key) < 0);
    }
    s->last = realloc(s->last, entry->key.len + 1);
    FUZZ_HOLDS(s->last != NULL);
    memcpy(s->last, entry->key.data, entry->key.len);
    s->last_len = entry->key.len;
    s->digest = fuzz_digest(s->digest, entry->key.data, entry->key.len);
    s->digest = fuzz_digest(s->digest, entry->value.data, entry->value.len);
    return TN_OK;
}

static seen scan(fuzz *f, const uint8_t *data, size_t size)
{
    seen s = {.count = 0};
    tn_source *source;
    tn_error err = {0};
    FUZZ_HOLDS(tni_source_memory(f->ctx, data, size, "t.index", &source, &err) == TN_OK);
    tn_status status = tni_table_scan(f->ctx, source, take, &s, &err);
    FUZZ_HOLDS(status == err.status);
    s.digest = fuzz_digest(s.digest, &status, sizeof status);
    tni_source_release(source);
    free(s.last);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz f;
    fuzz_begin(&f);
    seen first = scan(&f, data, size), second = scan(&f, data, size);
    FUZZ_HOLDS(first.digest == second.digest && first.count == second.count);
    fuzz_end(&f);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    return table_mutate_lone(data, size, max_size, seed);
}
