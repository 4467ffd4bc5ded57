#include "formats/numpy/npz_layout.h"

enum {
    VERSION = 20,
    VERSION_ZIP64 = 45,
    MADE_ON_UNIX = 3 << 8,
    FLAG_DESCRIPTOR = 0x0008, /* sum and sizes follow the data */
    FLAG_UTF8 = 0x0800,
    DATE_1980 = 0x0021, /* 1 January 1980, the first that there is: output never depends on time */
    MODE = 0100644
};

/* A record in the making. */
typedef struct record {
    uint8_t *at;
    size_t len;
} record;

static void put(record *r, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        r->at[r->len++] = (uint8_t)(value >> (8 * i));
    }
}

static bool is_large(uint64_t value)
{
    return value >= UINT32_MAX;
}

static uint64_t short_form(uint64_t value)
{
    return is_large(value) ? UINT32_MAX : value;
}

static uint16_t flags_of(tn_str name)
{
    uint16_t flags = FLAG_DESCRIPTOR;
    for (size_t i = 0; i < name.len; i++) {
        if ((unsigned char)name.data[i] >= 0x80) {
            return flags | FLAG_UTF8;
        }
    }
    return flags;
}

/* The part that local and central headers share: from the version to the sizes. */
static void put_common(record *r, const tni_zip_member *member, bool zip64, uint32_t crc,
                       uint64_t size)
{
    put(r, zip64 ? VERSION_ZIP64 : VERSION, 2);
    put(r, flags_of(member->name), 2);
    put(r, 0, 2); /* stored */
    put(r, 0, 2); /* time */
    put(r, DATE_1980, 2);
    put(r, crc, 4);
    put(r, size, 4); /* compressed */
    put(r, size, 4);
    put(r, member->name.len, 2);
}

size_t tni_zip_local(const tni_zip_member *member, uint8_t out[TNI_ZIP_LOCAL], size_t *fixed_out)
{
    record r = {out, 0};
    bool zip64 = is_large(member->size);
    put(&r, 0x04034b50, 4);
    put_common(&r, member, zip64, 0, zip64 ? UINT32_MAX : 0);
    put(&r, zip64 ? 20 : 0, 2);
    *fixed_out = r.len;
    if (zip64) {
        put(&r, 1, 2);
        put(&r, 16, 2);
        put(&r, 0, 8);
        put(&r, 0, 8);
    }
    return r.len;
}

size_t tni_zip_descriptor(const tni_zip_member *member, uint8_t out[TNI_ZIP_DESCRIPTOR])
{
    record r = {out, 0};
    size_t width = is_large(member->size) ? 8 : 4;
    put(&r, 0x08074b50, 4);
    put(&r, member->crc, 4);
    put(&r, member->size, width);
    put(&r, member->size, width);
    return r.len;
}

size_t tni_zip_central(const tni_zip_member *member, uint8_t out[TNI_ZIP_CENTRAL],
                       size_t *fixed_out)
{
    record r = {out, 0};
    bool large_size = is_large(member->size), large_offset = is_large(member->offset);
    bool zip64 = large_size || large_offset;
    size_t extra = (large_size ? 16u : 0u) + (large_offset ? 8u : 0u);
    put(&r, 0x02014b50, 4);
    put(&r, MADE_ON_UNIX | (zip64 ? VERSION_ZIP64 : VERSION), 2);
    put_common(&r, member, zip64, member->crc, short_form(member->size));
    put(&r, zip64 ? extra + 4 : 0, 2);
    put(&r, 0, 2); /* comment */
    put(&r, 0, 2); /* disk */
    put(&r, 0, 2); /* internal attributes */
    put(&r, (uint64_t)MODE << 16, 4);
    put(&r, short_form(member->offset), 4);
    *fixed_out = r.len;
    if (zip64) {
        put(&r, 1, 2);
        put(&r, extra, 2);
    }
    if (large_size) {
        put(&r, member->size, 8);
        put(&r, member->size, 8);
    }
    if (large_offset) {
        put(&r, member->offset, 8);
    }
    return r.len;
}

static void put_zip64_end(record *r, uint64_t count, uint64_t offset, uint64_t size)
{
    put(r, 0x06064b50, 4);
    put(r, 44, 8); /* bytes that follow */
    put(r, MADE_ON_UNIX | VERSION_ZIP64, 2);
    put(r, VERSION_ZIP64, 2);
    put(r, 0, 4);
    put(r, 0, 4);
    put(r, count, 8);
    put(r, count, 8);
    put(r, size, 8);
    put(r, offset, 8);
    put(r, 0x07064b50, 4); /* locator */
    put(r, 0, 4);
    put(r, offset + size, 8);
    put(r, 1, 4);
}

size_t tni_zip_end(uint64_t count, uint64_t offset, uint64_t size, uint8_t out[TNI_ZIP_END])
{
    record r = {out, 0};
    bool many = count >= UINT16_MAX;
    if (many || is_large(offset) || is_large(size)) {
        put_zip64_end(&r, count, offset, size);
    }
    put(&r, 0x06054b50, 4);
    put(&r, 0, 2);
    put(&r, 0, 2);
    put(&r, many ? UINT16_MAX : count, 2);
    put(&r, many ? UINT16_MAX : count, 2);
    put(&r, short_form(size), 4);
    put(&r, short_form(offset), 4);
    put(&r, 0, 2);
    return r.len;
}
