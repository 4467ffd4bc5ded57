/* One safetensors file, or the index of several. The tensors of a file cover its data without hole
 * or overlap, and give the same values twice. */
#include "formats/safetensors/layout.h"
#include "target.h"

#include <stdlib.h>

static int by_begin(const void *a, const void *b)
{
    const tni_st_entry *x = a, *y = b;
    return x->begin != y->begin ? (x->begin > y->begin) - (x->begin < y->begin)
                                : (x->end > y->end) - (x->end < y->end);
}

static void check_header(fuzz *f, tn_source *source)
{
    tni_st_header header;
    tn_report *findings = tn_report_new(f->ctx);
    tn_error err = {0};
    tn_status status = tni_st_header_read(&header, f->ctx, source, findings, &err);
    FUZZ_HOLDS(status == err.status);
    if (status == TN_OK) {
        uint64_t end = 0;
        if (header.count > 0) {
            qsort(header.entries, header.count, sizeof *header.entries, by_begin);
        }
        for (size_t i = 0; i < header.count; i++) {
            FUZZ_HOLDS(header.entries[i].begin == end && header.entries[i].end >= end);
            end = header.entries[i].end;
        }
        FUZZ_HOLDS(header.data + end == tni_source_size(source));
    }
    tni_st_header_clear(&header);
    tn_report_free(findings);
}

static void check_index(fuzz *f, tn_source *source)
{
    tni_st_index index;
    tn_error err = {0};
    tn_status status = tni_st_index_read(&index, f->ctx, source, &err);
    FUZZ_HOLDS(status == err.status);
    for (size_t i = 0; status == TN_OK && i < index.count; i++) {
        FUZZ_HOLDS(index.mapped[i].shard < index.n_shards);
    }
    tni_st_index_clear(&index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz f;
    tn_source *source;
    bool index = false;
    fuzz_begin(&f);
    FUZZ_HOLDS(tni_source_memory(f.ctx, data, size, "m.safetensors", &source, NULL) == TN_OK);
    FUZZ_HOLDS(tni_st_is_index(source, &index, NULL) == TN_OK);
    if (index) {
        check_index(&f, source);
    } else {
        check_header(&f, source);
        tni_source_release(source);
        source = NULL;
        (void)fuzz_open(&f, fuzz_file("m.safetensors", (tn_str){(const char *)data, size}),
                        "safetensors");
    }
    tni_source_release(source);
    fuzz_end(&f);
    return 0;
}
