/* What the parts of the helper share. Everything that fails ends the helper (channel.h), so these
 * functions return only on success. */
#ifndef TN_KERAS_H5_HELPER_HELPER_H
#define TN_KERAS_H5_HELPER_HELPER_H

#include "formats/keras_h5/helper/channel.h"
#include <hdf5.h>
#include <tenon/dtype.h>

/* A dataset's or attribute's type, as far as it is known here. */
typedef struct tnh_type {
    tn_dtype dtype; /* NONE: unknown, or opaque with `width` */
    uint8_t flags;  /* TNI_H5_SWAPPED … */
    uint32_t width; /* strings of fixed length; opaque elements with an empty tag */
} tnh_type;

typedef struct tnh_space {
    bool null;
    int rank;
    hsize_t size[TNI_H5_RANK];
    uint64_t elements;
} tnh_space;

/* All that is said of a dataset, checked by the policy. */
typedef struct tnh_dataset {
    tnh_type type;
    tnh_space space;
    H5D_layout_t layout;
    uint64_t offset, bytes;
    hsize_t chunk[TNI_H5_RANK];
    int n_filters;
    uint8_t filters[TNI_H5_FILTERS];
} tnh_dataset;

typedef struct tnh_helper {
    tnh_channel channel;
    hid_t reading;   /* driver of inputs */
    hid_t file;      /* the input; 0 before OPEN */
    uint64_t length; /* bytes of it */
    uint64_t max_objects, max_name, max_depth, max_header;
    uint64_t attributes, header; /* attributes listed, and bytes of their values */
    uint32_t objects;
    char path[512]; /* of the object at hand, for refusals; may be cut */
    size_t path_len;
} tnh_helper;

/* Registers the driver that reads descriptor 3 (driver_read.c). */
hid_t tnh_reading_driver(void);
/* Makes a file access list that reads [base, base + length) of it. */
hid_t tnh_reading_access(hid_t driver, uint64_t base, uint64_t length);

/* Keeps libhdf5's cache of metadata small for a file access list; false if that fails. */
bool tnh_cache(hid_t access);

/* Ends the helper: the object at hand is damaged, or of a version that libhdf5 does not know. */
_Noreturn void tnh_damaged(tnh_helper *helper);
/* Ends the helper for a reason that lies in the object at hand. */
_Noreturn void tnh_refuse_here(tnh_helper *helper, tni_h5_reason reason, uint64_t a, uint64_t b);
/* Passes on what libhdf5 returned unless it is negative, which is damage. */
hid_t tnh_must(tnh_helper *helper, hid_t result);
/* Ends the helper if a value exceeds a limit. */
void tnh_limit(tnh_helper *helper, uint64_t value, uint64_t limit, tni_h5_reason reason);

/* types.c: says what a type is; makes the memory type of a dtype (little-endian, complex as h5py's
 * compound, bool as its enum); negative if there is none. */
tnh_type tnh_type_of(tnh_helper *helper, hid_t type);
hid_t tnh_type_make(tn_dtype dtype);
/* Makes the type that stored elements are read as: native numbers, strings and opaque bytes as they
 * are. Negative if that fails. */
hid_t tnh_type_memory(hid_t stored, const tnh_type *type);
size_t tnh_type_bytes(const tnh_type *type);
/* Says what a dataspace is. */
void tnh_space_of(tnh_helper *helper, hid_t space, tnh_space *space_out);
/* Put a type and a space into the frame at hand. */
void tnh_put_type(tnh_channel *channel, const tnh_type *type);
void tnh_put_space(tnh_channel *channel, const tnh_space *space);

/* describe.c: looks a dataset over and refuses what the policy refuses. */
void tnh_describe(tnh_helper *helper, hid_t dataset, tnh_dataset *dataset_out);
/* attributes.c: sends the attributes of an object. */
void tnh_attributes(tnh_helper *helper, hid_t object);
/* list.c: answers LIST. */
void tnh_list(tnh_helper *helper);
/* Opens an object by its address and tells whether it is a group, a dataset or neither. */
hid_t tnh_open_object(tnh_helper *helper, uint64_t address, H5I_type_t *kind_out);
/* decode.c: answers DECODE until the socket is closed. */
void tnh_decode(tnh_helper *helper, tni_cursor *request);
/* Sends strings that were read into `data`: of a fixed width, or pointers. */
void tnh_send_strings(tnh_channel *channel, const tnh_type *type, H5T_str_t padding,
                      const void *data, uint64_t count);
H5T_str_t tnh_padding_of(hid_t type);
/* image.c: answers BEGIN … FINISH. */
void tnh_image(tnh_helper *helper, tni_cursor *begin);

#endif
