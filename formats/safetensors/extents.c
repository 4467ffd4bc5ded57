/* Checks that tensors cover the data exactly: tensor.rs' Metadata::validate, in its order. A file
 * without holes has no room for hidden bytes and is nothing else besides. */
#include "core/checked.h"
#include "core/error.h"
#include "formats/safetensors/layout.h"
#include <inttypes.h>
#include <stdlib.h>

static int compare_places(const void *a, const void *b)
{
    const tni_st_entry *x = a, *y = b;
    if (x->begin != y->begin) {
        return x->begin < y->begin ? -1 : 1;
    }
    if (x->end != y->end) {
        return x->end < y->end ? -1 : 1;
    }
    return x->at < y->at ? -1 : x->at > y->at;
}

static void sort_by_place(tni_st_header *header)
{
    for (size_t i = 1; i < header->count; i++) {
        if (compare_places(&header->entries[i - 1], &header->entries[i]) > 0) {
            qsort(header->entries, header->count, sizeof *header->entries, compare_places);
            return;
        }
    }
}

static tn_status check_place(const tni_st_entry *entry, uint64_t running, tn_error *err)
{
    if (entry->end < entry->begin) {
        return tni_fail(err, TN_E_CORRUPT,
                        "its data ends at %" PRIu64 ", before it begins at %" PRIu64, entry->end,
                        entry->begin);
    }
    if (entry->begin > running) {
        return tni_fail(err, TN_E_CORRUPT,
                        "a hole lies before its data, which begins at %" PRIu64
                        " of the data; the tensor before it ends at %" PRIu64,
                        entry->begin, running);
    }
    if (entry->begin < running) {
        return tni_fail(err, TN_E_CORRUPT,
                        "its data overlaps another tensor's: it begins at %" PRIu64
                        " of the data, the tensor before it ends at %" PRIu64,
                        entry->begin, running);
    }
    return TN_OK;
}

static tn_status check_size(const tni_st_entry *entry, tn_error *err)
{
    const tn_dtype_info *about = tn_dtype_about(entry->dtype);
    int64_t elements;
    uint64_t bits, bytes;
    if (!tni_shape_elements(entry->shape, entry->rank, &elements) ||
        !tni_mul_u64((uint64_t)elements, about->bits, &bits)) {
        return tni_fail(err, TN_E_CORRUPT, "the number of elements in its shape overflows");
    }
    if (bits % 8 != 0) {
        return tni_fail(err, TN_E_CORRUPT,
                        "its %" PRId64 " elements of %u bits do not fill whole bytes", elements,
                        about->bits);
    }
    bytes = bits / 8;
    if (entry->end - entry->begin != bytes) {
        return tni_fail(err, TN_E_CORRUPT,
                        "its dtype and shape need %" PRIu64 " bytes, but its data_offsets span "
                        "%" PRIu64,
                        bytes, entry->end - entry->begin);
    }
    return TN_OK;
}

/* Returns the name of the first tensor that the end of the file cuts. */
static tn_str first_cut(const tni_st_header *header, uint64_t room)
{
    for (size_t i = 0; i < header->count; i++) {
        if (header->entries[i].end > room) {
            return header->entries[i].name;
        }
    }
    return TN_STR_NONE;
}

static tn_status check_end(const tni_st_header *header, tn_source *source, uint64_t end,
                           tn_error *err)
{
    uint64_t size = tni_source_size(source);
    uint64_t room = size - header->data; /* the header was read, so it fits */
    if (end == room) {
        return TN_OK;
    }
    tn_status status;
    if (end > room) {
        status = tni_fail(err, TN_E_TRUNCATED,
                          "the file ends within its data: the header promises %" PRIu64
                          " bytes of data, there are %" PRIu64,
                          end, room);
        tni_error_subject(err, first_cut(header, room));
        tni_error_offset(err, size);
        tni_error_hint(err, "download or copy the file again");
    } else {
        status = tni_fail(err, TN_E_CORRUPT,
                          "the file goes on after its last tensor: it should have %" PRIu64
                          " bytes and has %" PRIu64,
                          header->data + end, size);
        tni_error_offset(err, header->data + end);
    }
    tni_error_path(err, tni_source_path(source));
    return status;
}

tn_status tni_st_check_extents(tni_st_header *header, tn_source *source, tn_error *err)
{
    sort_by_place(header);
    uint64_t running = 0;
    for (size_t i = 0; i < header->count; i++) {
        const tni_st_entry *entry = &header->entries[i];
        tn_status status = check_place(entry, running, err);
        if (status == TN_OK) {
            status = check_size(entry, err);
        }
        if (status != TN_OK) {
            tni_error_path(err, tni_source_path(source));
            tni_error_offset(err, entry->at);
            tni_error_subject(err, entry->name);
            return status;
        }
        running = entry->end;
    }
    return check_end(header, source, running, err);
}
