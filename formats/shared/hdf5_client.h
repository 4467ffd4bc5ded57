/* HDF5 as the drawers see it: a listing of a file, values on request, and images of new files.
 *
 * libhdf5 never runs in this process. It runs in the helper program tenon-hdf5, which is locked
 * into a cage before it sees the first byte of an input (formats/keras_h5/NOTES.md): it can read
 * the one descriptor that it was given and answer through one socket, nothing else. Whatever it
 * says is checked here as if the input itself had said it. Nothing of this costs anything before
 * the first call.
 *
 * Reading, in a drawer's `open`:
 *
 *     const tni_hdf5_file *file;
 *     tn_status status = tni_hdf5_open(read->model, read->main, &file, err);
 *     for (size_t i = 0; status == TN_OK && i < file->count; i++) {
 *         const tni_hdf5_object *object = &file->objects[i];
 *         if (object->kind == TNI_HDF5_DATASET) {
 *             … tni_model_add, names, role …
 *             status = tni_hdf5_fill(file, read->model, object, object->dtype, tensor, err);
 *         }
 *     }
 *
 * Writing: describe the tree with tni_hdf5_node, ask tni_hdf5_image for the metadata and for the
 * places of the values, and let the engine write both: first the pieces, then the values. */
#ifndef TN_FORMATS_SHARED_HDF5_CLIENT_H
#define TN_FORMATS_SHARED_HDF5_CLIENT_H

#include "io/source.h"
#include "model/model.h"

/* ---------------------------------------------------------------- what a file holds */

/* An attribute with its value, which is always read whole. */
typedef struct tni_hdf5_attribute {
    tn_str name;
    tn_dtype dtype;  /* TN_STRING: strings of any kind. TN_DTYPE_NONE: of a type that has no dtype
                        (references, compounds …): it has neither values nor strings */
    bool null_space; /* the attribute is there but has no dataspace: rank 0, no elements */
    bool variable;   /* strings: of variable length; else of fixed length */
    bool utf8;       /* strings: marked as UTF-8; else as ASCII (the bytes may be anything) */
    uint32_t width;  /* strings of fixed length: bytes of one, as stored */
    uint32_t rank;   /* 0: a scalar */
    const int64_t *shape; /* `rank` sizes */
    int64_t elements;
    const void *values;    /* numbers, bools: `elements` native elements; else NULL */
    const tn_str *strings; /* strings: `elements` of them, padding taken off; a string of variable
                              length that is a null pointer in the file is "" here */
} tni_hdf5_attribute;

typedef enum tni_hdf5_kind { TNI_HDF5_GROUP, TNI_HDF5_DATASET } tni_hdf5_kind;

typedef enum tni_hdf5_layout {
    TNI_HDF5_CONTIGUOUS, /* one range of the file; or no range, where there are no elements */
    TNI_HDF5_COMPACT,    /* in the object's header: the helper decodes */
    TNI_HDF5_CHUNKED     /* the helper decodes */
} tni_hdf5_layout;

/* One group or dataset, under one path. Objects are listed depth first: each group before what is
 * in it, the links of a group in byte order of their names, so "10" stands before "2". An object
 * that is hard-linked from several places is listed once for each path, with the same address. */
typedef struct tni_hdf5_object {
    tni_hdf5_kind kind;
    uint32_t parent;  /* index of its group; the root's is TN_NO_INDEX */
    uint32_t end;     /* groups: index behind the last object that is in it at any depth */
    tn_str path;      /* from the root without leading '/'; the root's is "". Any bytes but NUL; the
                         names of links hold no '/' */
    tn_str name;      /* its last component, a view of path */
    uint64_t address; /* which object it is in the file */
    const tni_hdf5_attribute *attributes; /* in byte order of their names */
    uint32_t n_attributes;
    const uint32_t
        *children; /* groups: indexes of what is directly in it, in byte order of names */
    uint32_t n_children;
    /* Datasets only: */
    tni_hdf5_layout layout;
    tn_dtype dtype;       /* TN_DTYPE_NONE: an opaque or other type that has no dtype by itself */
    uint32_t opaque_size; /* dtype NONE: bytes of an element if its type is opaque with an empty tag
                             (h5py stores the types of ml_dtypes like that), else 0 */
    bool null_space;      /* no dataspace: shape (0), no elements */
    bool swapped;         /* stored big-endian */
    bool variable, utf8;  /* strings, as in tni_hdf5_attribute */
    uint32_t rank;
    const int64_t *shape;
    int64_t elements;
    uint64_t offset;     /* contiguous: where its values lie in the source */
    uint64_t bytes;      /* that they take in the file, with chunks as they are stored */
    const char *filters; /* "" or the names of its filters in their order: "shuffle,deflate" */
} tni_hdf5_object;

struct tni_hdf5_session; /* the connection to the helper */

/* A listed file. It lives in the model's arena. */
typedef struct tni_hdf5_file {
    const tni_hdf5_object *objects; /* [0] is the root group */
    size_t count;
    tn_source *source; /* borrowed from the model */
    struct tni_hdf5_session *session;
} tni_hdf5_file;

/* Lists all of an HDF5 file: every object with every attribute. `source` is a file or a window of a
 * file, and must be one that the model keeps (tni_model_keep) or that lives longer. The result
 * lives in the model's arena and is freed with the model; its objects may be read by several
 * threads.
 *
 * Errors, all with the object's path as subject where there is one:
 * TN_E_UNSAFE       something leads out of the file (external storage, an external, soft or
 *                   user-defined link, a virtual dataset), groups lead in a circle, or the system
 *                   refuses the cage (unless the context says no_sandbox)
 * TN_E_UNSUPPORTED  a filter or a version of the format that the helper does not know; the helper
 *                   program is not there; the source is no file
 * TN_E_LIMIT        more than the context's limits allow; decompression bombs
 * TN_E_CORRUPT      damage: also values that were never written, and whatever made the helper
 *                   crash, hang or lie
 * TN_E_READ, TN_E_CANCELLED, TN_E_NOMEM */
tn_status tni_hdf5_open(tn_model *model, tn_source *source, const tni_hdf5_file **file_out,
                        tn_error *err);

/* Finds an object by its path; NULL if there is none. O(depth · log(links)). */
const tni_hdf5_object *tni_hdf5_find(const tni_hdf5_file *file, tn_str path);
/* Finds the child `name` of a group; NULL if there is none. */
const tni_hdf5_object *tni_hdf5_child(const tni_hdf5_file *file, const tni_hdf5_object *group,
                                      tn_str name);
/* Finds an object's attribute; NULL if it has none of this name. */
const tni_hdf5_attribute *tni_hdf5_attribute_of(const tni_hdf5_object *object, const char *name);
/* Returns the index of an object. */
uint32_t tni_hdf5_index(const tni_hdf5_file *file, const tni_hdf5_object *object);

/* Gives a tensor its form and its one leaf: a checked range of the source for what is contiguous,
 * else a decoder that asks the helper. `dtype` is the object's own, or for an object of dtype NONE
 * with opaque_size the one that its attributes tell: its size must be opaque_size. The tensor's
 * name should be set before. Errors: TN_E_UNSUPPORTED if the object has no dtype. */
tn_status tni_hdf5_fill(const tni_hdf5_file *file, tn_model *model, const tni_hdf5_object *object,
                        tn_dtype dtype, tn_tensor *tensor, tn_error *err);

/* ---------------------------------------------------------------- making a new file */

/* One group or dataset to be made. The first node is the root group; every other node comes after
 * its group. */
typedef struct tni_hdf5_node {
    tni_hdf5_kind kind;
    uint32_t parent;                      /* index of its group; ignored for the root */
    tn_str name;                          /* of the link: not empty, no '/', no NUL, not "." */
    const tni_hdf5_attribute *attributes; /* made in this order. Of strings of fixed length `width`
                                             counts and padding is by NUL; numbers are stored
                                             little-endian */
    uint32_t n_attributes;
    /* Datasets: contiguous, little-endian. bool becomes h5py's enum, complex numbers its compound,
     * bfloat16 an opaque type of two bytes with an empty tag. */
    tn_dtype dtype;
    uint32_t rank;
    const int64_t *shape;
} tni_hdf5_node;

/* Where a node's values go. */
typedef struct tni_hdf5_place {
    uint64_t offset, bytes; /* groups and datasets without elements: 0, 0 */
} tni_hdf5_place;

/* A stretch of metadata. */
typedef struct tni_hdf5_piece {
    uint64_t offset;
    tn_str bytes;
} tni_hdf5_piece;

/* A new file without its values. All of it lives in the arena. Bytes that belong to neither a piece
 * nor a place are zero. */
typedef struct tni_hdf5_image {
    uint64_t size;                /* of the whole file */
    const tni_hdf5_piece *pieces; /* sorted, apart from each other and from all places */
    size_t n_pieces;
    const tni_hdf5_place *places; /* one a node, apart from each other */
} tni_hdf5_image;

/* Lays out a new file: the same nodes give the same bytes every time (no times are stored).
 * `newer` asks for the format of HDF5 1.8, which is smaller for many objects; else it is what Keras
 * writes and everything reads. Errors: TN_E_CANNOT_HOLD (dtype, name, a name twice in a group, an
 * attribute of 64 KiB or more), TN_E_UNSUPPORTED (no helper program), TN_E_NOMEM, TN_E_WRITE (the
 * helper failed). */
tn_status tni_hdf5_image_make(tn_context *ctx, const tni_hdf5_node *nodes, size_t count, bool newer,
                              tni_arena *arena, tni_hdf5_image *image_out, tn_error *err);

#endif
