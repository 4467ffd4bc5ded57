/* A driver of libhdf5 that reads one range of descriptor 3 and can do nothing else. */
#include "formats/keras_h5/helper/helper.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* The cache of decoded chunks of the one dataset that is open: a chunk that does not fit would be
 * decoded anew for every span of it. Nothing is allocated before there are chunks. */
enum { CHUNK_SLOTS = 12421, CHUNK_BYTES = 256 << 20 };

/* The cache of the file's metadata: libhdf5 reads it in pieces of a few dozen bytes, and those of
 * one object mostly lie together. Block n of the range has its place in slot n % SLOTS. */
enum { BLOCK = 16384, SLOTS = 64 };

/* The range, as the access list carries it. */
typedef struct range {
    uint64_t base, length;
} range;

typedef struct reading {
    H5FD_t head; /* libhdf5's own part must come first */
    range range;
    haddr_t end;          /* of what libhdf5 considers allocated */
    uint64_t held[SLOTS]; /* number of the block in a slot, plus 1; 0: none */
    uint8_t *blocks;      /* SLOTS * BLOCK bytes */
} reading;

static H5FD_t *open_input(const char *name, unsigned flags, hid_t access, haddr_t most)
{
    (void)name;
    (void)most;
    const range *asked = H5Pget_driver_info(access);
    reading *file = calloc(1, sizeof *file);
    uint8_t *blocks = malloc((size_t)SLOTS * BLOCK);
    if (asked == NULL || file == NULL || blocks == NULL || (flags & H5F_ACC_RDWR) != 0) {
        free(file);
        free(blocks);
        return NULL;
    }
    file->range = *asked;
    file->blocks = blocks;
    return &file->head;
}

static herr_t close_input(H5FD_t *file)
{
    free(((reading *)file)->blocks);
    free(file);
    return 0;
}

static int compare(const H5FD_t *a, const H5FD_t *b)
{
    return (a > b) - (a < b);
}

static haddr_t get_end(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const reading *)file)->end;
}

static herr_t set_end(H5FD_t *file, H5FD_mem_t type, haddr_t end)
{
    (void)type;
    ((reading *)file)->end = end;
    return 0;
}

static haddr_t get_size(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const reading *)file)->range.length;
}

/* Reads bytes that the range holds. */
static bool read_exactly(const range *of, haddr_t at, size_t len, void *buffer)
{
    char *to = buffer;
    while (len > 0) {
        ssize_t got = pread(TNI_H5_INPUT_FD, to, len, (off_t)(of->base + at));
        if (got > 0) {
            to += got;
            at += (haddr_t)got;
            len -= (size_t)got;
        } else if (got == 0 || errno != EINTR) {
            return false;
        }
    }
    return true;
}

/* Returns a block, as much of it as the range holds; NULL if it cannot be read. */
static const uint8_t *block_of(reading *file, uint64_t number)
{
    size_t slot = number % SLOTS;
    uint8_t *block = file->blocks + slot * BLOCK;
    uint64_t left = file->range.length - number * BLOCK;
    if (file->held[slot] != number + 1) {
        file->held[slot] = 0;
        if (!read_exactly(&file->range, number * BLOCK, left < BLOCK ? (size_t)left : BLOCK,
                          block)) {
            return NULL;
        }
        file->held[slot] = number + 1;
    }
    return block;
}

static herr_t read_input(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t len,
                         void *buffer)
{
    reading *from = (reading *)file;
    uint8_t *to = buffer;
    (void)transfer;
    if (at > from->range.length || len > from->range.length - at) {
        return -1;
    }
    if (type == H5FD_MEM_DRAW || len >= BLOCK) {
        return read_exactly(&from->range, at, len, buffer) ? 0 : -1;
    }
    while (len > 0) {
        size_t begin = at % BLOCK, part = BLOCK - begin < len ? BLOCK - begin : len;
        const uint8_t *block = block_of(from, at / BLOCK);
        if (block == NULL) {
            return -1;
        }
        memcpy(to, block + begin, part);
        to += part;
        at += part;
        len -= part;
    }
    return 0;
}

static herr_t write_nothing(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t len,
                            const void *buffer)
{
    (void)file;
    (void)type;
    (void)transfer;
    (void)at;
    (void)len;
    (void)buffer;
    return -1;
}

hid_t tnh_reading_driver(void)
{
    static const H5FD_class_t driver = {
        .name = "tenon-read",
        .maxaddr = INT64_MAX,
        .fc_degree = H5F_CLOSE_WEAK,
        .fapl_size = sizeof(range),
        .open = open_input,
        .close = close_input,
        .cmp = compare,
        .get_eoa = get_end,
        .set_eoa = set_end,
        .get_eof = get_size,
        .read = read_input,
        .write = write_nothing,
        .fl_map = H5FD_FLMAP_DICHOTOMY,
    };
    return H5FDregister(&driver);
}

hid_t tnh_reading_access(hid_t driver, uint64_t base, uint64_t length)
{
    const range bytes = {base, length};
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    bool set = access >= 0 && H5Pset_driver(access, driver, &bytes) >= 0 && tnh_cache(access) &&
               H5Pset_cache(access, 0, CHUNK_SLOTS, CHUNK_BYTES, 0.75) >= 0;
    return set ? access : -1;
}
