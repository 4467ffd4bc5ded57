#include "formats/keras_h5/helper/image_driver.h"

#include <stdlib.h>

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
        for (size_t i = begin; i < begin + part; i++) {
            page->written[i / 8] |= (uint8_t)(1u << i % 8);
        }
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
    return id < 0 || access < 0 || H5Pset_driver(access, id, &pages) < 0 ? -1 : access;
}

static bool is_written(const tnh_page *page, size_t at)
{
    return (page->written[at / 8] >> at % 8 & 1) != 0;
}

uint64_t tnh_image_send(tnh_channel *channel, const tnh_pages *pages)
{
    uint64_t pieces = 0;
    for (size_t i = 0; i < pages->count; i++) {
        const tnh_page *page = &pages->at[i];
        for (size_t begin = 0; begin < TNH_PAGE;) {
            size_t end = begin;
            while (end < TNH_PAGE && is_written(page, end)) {
                end++;
            }
            if (end > begin) {
                tnh_begin(channel, TNI_H5_PIECE);
                tnh_put_u64(channel, page->index * TNH_PAGE + begin);
                tnh_put(channel, page->bytes + begin, end - begin);
                tnh_end(channel);
                channel->sent += end - begin;
                pieces++;
            }
            begin = end + 1;
        }
    }
    return pieces;
}
