/* The ZIP records that a .npz is made of: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3. */
#ifndef TN_FORMATS_NUMPY_NPZ_LAYOUT_H
#define TN_FORMATS_NUMPY_NPZ_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tenon/str.h>

enum {
    TNI_ZIP_LOCAL = 30 + 20,    /* fixed part and a zip64 field, at most */
    TNI_ZIP_DESCRIPTOR = 24,    /* at most */
    TNI_ZIP_CENTRAL = 46 + 28,  /* at most */
    TNI_ZIP_END = 56 + 20 + 22, /* zip64 record, its locator, end record */
    TNI_ZIP_NAME_MAX = UINT16_MAX
};

/* One member, whose size is known before its sum. */
typedef struct tni_zip_member {
    tn_str name; /* of the member: with ".npy" */
    uint64_t size, offset;
    uint32_t crc;
} tni_zip_member;

/* Each fills `out` and returns the record's length; the name stands between the fixed part and the
 * rest, so local and central headers come in two halves: *fixed_out bytes go before the name. */
size_t tni_zip_local(const tni_zip_member *member, uint8_t out[TNI_ZIP_LOCAL], size_t *fixed_out);
size_t tni_zip_descriptor(const tni_zip_member *member, uint8_t out[TNI_ZIP_DESCRIPTOR]);
size_t tni_zip_central(const tni_zip_member *member, uint8_t out[TNI_ZIP_CENTRAL],
                       size_t *fixed_out);
/* Ends an archive of `count` members whose directory of `size` bytes begins at `offset`. */
size_t tni_zip_end(uint64_t count, uint64_t offset, uint64_t size, uint8_t out[TNI_ZIP_END]);

#endif
