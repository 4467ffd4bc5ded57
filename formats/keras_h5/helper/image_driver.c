#include "formats/keras_h5/helper/image_driver.h"

#include <stdlib.h>

enum { ALL = 0xff }; /* eight bytes that are all written */

typedef struct image_file {
    H5FD_t head; /* libhdf5's own part must come first */
    tnh_pages *pages;
} image_file;

static H5FD_t *open_image(const char *name, unsigned flags, hid_t access, haddr_t most)
{
    (void)name;
    (void)flags;
    (void)most;
    tnh_pages *const *pages = H5Pget_driver_info(access);
    image_file *file = tnh_alloc(1, sizeof *file);
    file->pages = *pages;
    return &file->head;
}

static herr_t close_image(H5FD_t *file)
{
    free(file);
    return 0;
}

static int compare(const H5FD_t *a, const H5FD_t *b)
{
    return (a > b) - (a < b);
}

/* What makes libhdf5 gather small pieces: without it the file is larger and takes longer. */
static herr_t query(const H5FD_t *file, unsigned long *flags)
{
    (void)file;
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA |
             H5FD_FEAT_AGGREGATE_SMALLDATA;
    return 0;
}

static haddr_t get_end(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const image_file *)file)->pages->end;
}

static herr_t set_end(H5FD_t *file, H5FD_mem_t type, haddr_t end)
{
    (void)type;
    ((image_file *)file)->pages->end = end;
    return 0;
}

/* Finds a page; returns where it is or belongs. */
static size_t find(const tnh_pages *pages, uint64_t index)
{
    size_t low = 0, high = pages->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (pages->at[middle].index < index) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static tnh_page *page_for(tnh_pages *pages, uint64_t index)
{
    size_t at = find(pages, index);
    if (at < pages->count && pages->at[at].index == index) {
        return &pages->at[at];
    }
    if (pages->count == pages->room) {
        pages->room = pages->room == 0 ? 64 : 2 * pages->room;
        pages->at = tnh_grow(pages->at, pages->room, sizeof *pages->at);
    }
    memmove(&pages->at[at + 1], &pages->at[at], (pages->count - at) * sizeof *pages->at);
    pages->count++;
    uint8_t *bytes = tnh_alloc(TNH_PAGE + TNH_PAGE / 8, 1);
    pages->at[at] = (tnh_page){index, bytes, bytes + TNH_PAGE};
    return &pages->at[at];
}

/* What was never written is zero. */
static herr_t read_image(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t len,
                         void *buffer)
{
    (void)type;
    (void)transfer;
    const tnh_pages *pages = ((const image_file *)file)->pages;
    uint8_t *to = buffer;
    memset(buffer, 0, len);
    while (len > 0) {
        size_t begin = at % TNH_PAGE, part = TNH_PAGE - begin;
        part = part < len ? part : len;
        size_t found = find(pages, at / TNH_PAGE);
        if (found < pages->count && pages->at[found].index == at / TNH_PAGE) {
            memcpy(to, pages->at[found].bytes + begin, part);
        }
        to += part;
        at += part;
        len -= part;
    }
    return 0;
}

/* Notes that the bytes [begin, end) of a page are written, eight at a time where that goes. */
static void mark(tnh_page *page, size_t begin, size_t end)
{
    while (begin < end) {
        if (begin % 8 == 0 && end - begin >= 8) {
            page->written[begin / 8] = ALL;
            begin += 8;
        } else {
            page->written[begin / 8] |= (uint8_t)(1u << begin % 8);
            begin++;
        }
    }
}

static herr_t write_image(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t len,
                          const void *buffer)
{
    (void)type;
    (void)transfer;
    const uint8_t *from = buffer;
    while (len > 0) {
        size_t begin = at % TNH_PAGE, part = TNH_PAGE - begin;
        part = part < len ? part : len;
        tnh_page *page = page_for(((image_file *)file)->pages, at / TNH_PAGE);
        memcpy(page->bytes + begin, from, part);
        mark(page, begin, begin + part);
        from += part;
        at += part;
        len -= part;
    }
    return 0;
}

hid_t tnh_image_access(tnh_pages *pages)
{
    static const H5FD_class_t driver = {
        .name = "tenon-image",
        .maxaddr = INT64_MAX,
        .fc_degree = H5F_CLOSE_STRONG,
        .fapl_size = sizeof(tnh_pages *),
        .open = open_image,
        .close = close_image,
        .cmp = compare,
        .query = query,
        .get_eoa = get_end,
        .set_eoa = set_end,
        .get_eof = get_end,
        .read = read_image,
        .write = write_image,
        .fl_map = H5FD_FLMAP_DICHOTOMY,
    };
    hid_t id = H5FDregister(&driver), access = H5Pcreate(H5P_FILE_ACCESS);
    return id < 0 || access < 0 || H5Pset_driver(access, id, &pages) < 0 || !tnh_cache(access)
               ? -1
               : access;
}

/* Returns the first byte at or after `at` that is written, or not, as `wanted` says; the page's end
 * if there is none. */
static size_t next_written(const tnh_page *page, size_t at, bool wanted)
{
    const uint8_t skipped = wanted ? 0 : ALL;
    while (at < TNH_PAGE) {
        unsigned eight = page->written[at / 8];
        if (at % 8 == 0 && eight == skipped) {
            at += 8;
        } else if ((eight >> at % 8 & 1) == wanted) {
            return at;
        } else {
            at++;
        }
    }
    return TNH_PAGE;
}

/* Tells whether the piece at hand, which ends at byte `end` of the file, goes on at `at`. */
static bool goes_on(const tnh_channel *channel, uint64_t end, uint64_t at, size_t len)
{
    size_t held = channel->len - channel->begin - TNI_H5_HEADER;
    return end == at && held + len <= TNI_H5_PART;
}

uint64_t tnh_image_send(tnh_channel *channel, const tnh_pages *pages)
{
    uint64_t pieces = 0, end = 0;
    for (size_t i = 0; i < pages->count; i++) {
        const tnh_page *page = &pages->at[i];
        for (size_t from = next_written(page, 0, true); from < TNH_PAGE;) {
            size_t to = next_written(page, from, false);
            uint64_t at = page->index * TNH_PAGE + from;
            if (pieces == 0 || !goes_on(channel, end, at, to - from)) {
                if (pieces > 0) {
                    tnh_end(channel);
                }
                tnh_begin(channel, TNI_H5_PIECE);
                tnh_put_u64(channel, at);
                pieces++;
            }
            tnh_put(channel, page->bytes + from, to - from);
            channel->sent += to - from;
            end = at + (to - from);
            from = next_written(page, to, true);
        }
    }
    if (pieces > 0) {
        tnh_end(channel);
    }
    return pieces;
}
