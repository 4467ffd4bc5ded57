/* Element types. */
#ifndef TENON_DTYPE_H
#define TENON_DTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tenon/export.h>
#include <tenon/str.h>

/* Every element type that a format of ours can name; the list is dtypes.def. */
typedef enum tn_dtype {
    TN_DTYPE_NONE = 0, /* unknown (names-and-shapes lists) */
#define TN_DTYPE(id, name, short_name, bits, word, kind) TN_##id,
#include <tenon/dtypes.def>
#undef TN_DTYPE
    TN_DTYPE_COUNT
} tn_dtype;

/* What can be done with elements of a type. */
typedef enum tn_dtype_kind {
    TN_KIND_NONE = 0,
    TN_KIND_BOOL,
    TN_KIND_INT,
    TN_KIND_UINT,
    TN_KIND_FLOAT,
    TN_KIND_COMPLEX,
    TN_KIND_PACKED, /* less than a byte an element: copied as stored, never computed with */
    TN_KIND_STRING, /* bytes of any length an element */
    TN_KIND_OPAQUE  /* only listed, or carried within its own format */
} tn_dtype_kind;

/* What is to be known about one element type. */
typedef struct tn_dtype_info {
    const char *name;       /* "float32" */
    const char *short_name; /* "f32" */
    unsigned bits;          /* of one element in memory and in raw storage; 0: not of fixed size */
    unsigned word;          /* bytes that are swapped together between byte orders */
    tn_dtype_kind kind;
} tn_dtype_info;

/* Describes a dtype (TN_DTYPE_NONE: name "?"). Never NULL. */
TN_API const tn_dtype_info *tn_dtype_about(tn_dtype dtype);
/* Finds a dtype by name or short name; TN_DTYPE_NONE if there is none. */
TN_API tn_dtype tn_dtype_find(tn_str name);
/* Computes the bytes of `elements` elements of a fixed-size dtype; false if the dtype is not of
 * fixed size, the bits do not fill whole bytes, or the product overflows. */
TN_API bool tn_dtype_bytes(tn_dtype dtype, uint64_t elements, uint64_t *bytes_out);

#endif
