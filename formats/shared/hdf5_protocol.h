/* What the program and its helper tenon-hdf5 say to each other through their socket.
 *
 * A frame is one byte of kind, four of payload length, and the payload; all numbers little-endian.
 * Neither side believes the other: a frame that is too long, out of turn or too short for what it
 * says ends the conversation. The helper serves one file, descriptor 3, and never learns its name.
 *
 * Down (to the helper)                    Up (its answers)
 *   at start                              READY
 *   OPEN, LIST                            (GROUP | DATASET, (ATTRIBUTE, BYTES…)…)…, END
 *   OPEN, (DECODE …)…                     BYTES…, END for each
 *   BEGIN, (NODE, (ATTRIBUTE, BYTES…)…)…, FINISH    PLACE…, PIECE…, END
 * A REFUSE may stand in place of any answer and is the last frame. */
#ifndef TN_FORMATS_SHARED_HDF5_PROTOCOL_H
#define TN_FORMATS_SHARED_HDF5_PROTOCOL_H

enum {
    TNI_H5_VERSION = 2,
    TNI_H5_HEADER = 5,       /* bytes before a payload */
    TNI_H5_PAYLOAD = 131072, /* the most bytes of a payload */
    TNI_H5_PART = 61440,     /* the most bytes that BYTES and PIECE carry */
    TNI_H5_NAME = 65536,     /* the most bytes of a link's or attribute's name */
    TNI_H5_RANK = 32,        /* of HDF5 itself (H5S_MAX_RANK) */
    TNI_H5_FILTERS = 32,     /* of HDF5 itself (H5Z_MAX_NFILTERS) */
    TNI_H5_INPUT_FD = 3,
    TNI_H5_SOCKET_FD = 4
};

typedef enum tni_h5_frame {
    /* up */
    TNI_H5_READY = 1, /* u8 version, u8 caged */
    TNI_H5_GROUP,     /* u32 parent, u64 address, u64 links, name */
    TNI_H5_DATASET,   /* u32 parent, u64 address, type, space, u8 layout, u64 offset, u64 bytes,
                         u8 count of filters, u8 filter …, name */
    TNI_H5_ATTRIBUTE, /* of the last object: type, space, u64 bytes that follow in BYTES, name */
    TNI_H5_BYTES,     /* values: native elements; strings: u32 length and bytes each */
    TNI_H5_END,       /* u64 objects (decoding: elements; making: places), u64 attributes (making:
                         pieces), u64 bytes in BYTES and PIECE, u64 size (making) */
    TNI_H5_PLACE,     /* (u64 offset, u64 bytes) of one node after the other */
    TNI_H5_PIECE,     /* u64 offset, bytes */
    TNI_H5_REFUSE,    /* u8 reason, u64 detail, u64 detail, path */
    /* down */
    TNI_H5_OPEN,   /* u64 base, u64 length, u64 limits: objects, name bytes, depth, header bytes */
    TNI_H5_LIST,   /* nothing */
    TNI_H5_DECODE, /* u64 address, u64 elements of the dataset, u32 bytes of one (strings: 0),
                      u64 first, u64 count */
    TNI_H5_BEGIN,  /* u8 newer, u32 nodes that will come */
    TNI_H5_NODE,   /* u8 is dataset, u32 parent, type, space, name */
    TNI_H5_FINISH  /* nothing */
} tni_h5_frame;

/* type:  u8 dtype (tn_dtype), u8 flags, u32 width (bytes of a string of fixed length, or of an
 * opaque element) space: u8 rank, u64 size …; rank TNI_H5_NULL_SPACE: there is none name, path: the
 * rest of the payload */
enum {
    TNI_H5_SWAPPED = 1,
    TNI_H5_VARIABLE = 2,
    TNI_H5_UTF8 = 4,
    TNI_H5_KNOWN_FLAGS = 7,
    TNI_H5_NULL_SPACE = 255
};

/* Why a file is refused. */
typedef enum tni_h5_reason {
    TNI_H5_DAMAGED = 1,
    TNI_H5_TOO_NEW,          /* a version that libhdf5 does not know */
    TNI_H5_EXTERNAL_STORAGE, /* details: none, as where nothing is said */
    TNI_H5_EXTERNAL_LINK,
    TNI_H5_SOFT_LINK,
    TNI_H5_USER_LINK,
    TNI_H5_VIRTUAL,
    TNI_H5_UNALLOCATED,   /* details: chunks that are there, chunks that should be */
    TNI_H5_FILTER,        /* detail: the filter's number */
    TNI_H5_CHUNK,         /* detail: bytes of a chunk */
    TNI_H5_CIRCLE,        /* groups that lead in a circle */
    TNI_H5_LADDER,        /* shared groups that lead to more objects than the file has room for */
    TNI_H5_LIMIT_OBJECTS, /* details here: what is wanted, the limit */
    TNI_H5_LIMIT_NAME,
    TNI_H5_LIMIT_DEPTH,
    TNI_H5_LIMIT_HEADER,
    TNI_H5_NO_CAGE,
    TNI_H5_UNWRITABLE, /* libhdf5 cannot make this node */
    TNI_H5_PROTOCOL,   /* the other side did not keep to this page */
    TNI_H5_REASONS
} tni_h5_reason;

#endif
