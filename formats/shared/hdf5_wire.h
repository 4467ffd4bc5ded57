/* Types and spaces as they travel in frames, and what becomes of them. */
#ifndef TN_FORMATS_SHARED_HDF5_WIRE_H
#define TN_FORMATS_SHARED_HDF5_WIRE_H

#include "core/buffer.h"
#include "formats/shared/hdf5_client.h"
#include "formats/shared/hdf5_session.h"

typedef struct tni_hdf5_type {
    tn_dtype dtype;
    bool swapped, variable, utf8;
    uint32_t width;
} tni_hdf5_type;

typedef struct tni_hdf5_space {
    bool null;
    uint32_t rank;
    int64_t shape[TNI_H5_RANK];
    int64_t elements;
} tni_hdf5_space;

/* Take a type and a space from a payload; false if they are none. */
bool tni_hdf5_get_type(tni_cursor *payload, tni_hdf5_type *type_out);
bool tni_hdf5_get_space(tni_cursor *payload, tni_hdf5_space *space_out);
/* Takes the rest of a payload. */
tn_str tni_hdf5_get_rest(tni_cursor *payload);
/* Returns the bytes of one element of a fixed size; 0 for strings and unknown types. */
uint32_t tni_hdf5_element(tn_dtype dtype, uint32_t opaque_size);
/* Splits (length, bytes)… into strings that are views of `stream`; false unless it holds exactly
 * `count`. */
bool tni_hdf5_split(tn_str stream, uint64_t count, tn_str *strings_out);
/* Receives BYTES frames until `len` bytes are there. */
tn_status tni_hdf5_receive_bytes(tni_hdf5_session *session, void *out, uint64_t len, tn_error *err);

void tni_hdf5_put_u32(tni_buffer *buffer, uint32_t value);
void tni_hdf5_put_u64(tni_buffer *buffer, uint64_t value);
/* Refuses texts or attributes that take far more bytes than the file has: thousands of them that
 * are one and the same object of its heap, or deflated blanks. What is less than a 256th of the
 * limit named `what` is always taken. Errors: TN_E_LIMIT. */
tn_status tni_hdf5_check_bloat(const tni_hdf5_session *session, uint64_t bytes, uint64_t limit,
                               const char *what, tn_error *err);

#endif
