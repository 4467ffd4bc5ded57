/* The inside of tn_model, and how readers and mappers fill one. */
#ifndef TN_MODEL_MODEL_H
#define TN_MODEL_MODEL_H

#include "core/arena.h"
#include "core/hash.h"
#include "io/source.h"
#include "model/piece.h"
#include <tenon/model.h>

struct tn_format;

/* An opaque original document that writers of the same family may carry over (object graph,
 * GraphDef, config). */
typedef struct tni_carrier {
    const char *family; /* "tf_object_graph" … */
    tn_str bytes;       /* in the model's arena */
} tni_carrier;

/* What a reader wants done when the model is freed (a helper program that must end). */
typedef struct tni_closer {
    void (*close)(void *state);
    void *state;
} tni_closer;

struct tn_model {
    tn_context *ctx;
    tni_arena arena;
    const struct tn_format *format; /* of the opened input; a mapped model keeps its source's */
    const tn_model *base;           /* mapped models: what they borrow from; else NULL */
    const char *path, *resolved, *layout;
    tn_tensor *tensors;
    size_t count, room;
    bool in_file_order;        /* the reader added tensors in display order */
    bool own_output;           /* staged by this process: the HDF5 helper's cage is no condition */
    struct tni_lookup *lookup; /* tables from names to tensors, made on first use under a lock */
    tn_model_file *files;
    size_t n_files, files_room;
    tn_pair *metadata;
    size_t n_metadata, metadata_room;
    tn_pair *producer;
    size_t n_producer, producer_room;
    tn_source **sources; /* released with the model */
    size_t n_sources, sources_room;
    tn_object *objects;
    size_t n_objects;
    struct tn_graph *graph; /* of a SavedModel, a .meta or a GraphDef; the reader's; or NULL */
    tni_carrier *carriers;
    size_t n_carriers, carriers_room;
    tni_closer *closers;
    size_t n_closers, closers_room;
    tn_report *findings;
};

/* What a name may mean in a scheme besides one tensor (tni_model_index). */
#define TNI_INDEX_MANY (UINT32_MAX - 1)

/* Finds a name in one scheme: an index, TN_NO_INDEX, or TNI_INDEX_MANY where several tensors have
 * it. */
uint32_t tni_model_index(const tn_model *model, tn_scheme scheme, tn_str name);

/* Makes an empty model. */
tn_status tni_model_new(tn_context *ctx, tn_model **model_out, tn_error *err);
/* Makes room for `count` tensors, so that they can be added without moving. Errors: as
 * tni_model_add. */
tn_status tni_model_reserve(tn_model *model, size_t count, tn_error *err);
/* Adds a tensor; the caller fills what tni_tensor_init did not. The pointer is valid until the next
 * addition. Errors: TN_E_LIMIT ("tensors"), TN_E_NOMEM. */
tn_status tni_model_add(tn_model *model, tn_tensor **tensor_out, tn_error *err);
/* Keeps a source until the model is freed (takes over the caller's reference, also on failure). */
tn_status tni_model_keep(tn_model *model, tn_source *source, tn_error *err);
/* Has `close` called with `state` when the model is freed, before its sources are released (also on
 * failure: then at once). */
tn_status tni_model_close_with(tn_model *model, void (*close)(void *state), void *state,
                               tn_error *err);
tn_status tni_model_file(tn_model *model, tn_str name, uint64_t bytes, tn_error *err);
tn_status tni_model_metadata_add(tn_model *model, tn_str key, tn_str value, tn_error *err);
tn_status tni_model_producer_add(tn_model *model, tn_str key, tn_str value, tn_error *err);
/* Copies the document's bytes. */
tn_status tni_model_carry(tn_model *model, const char *family, tn_str bytes, tn_error *err);
const tni_carrier *tni_model_carrier(const tn_model *model, const char *family);
/* Ends the filling: puts tensors into display order (slot_of indexes follow), checks that names are
 * unique (TN_E_CORRUPT), sets origins where unset. After this the model
 * is immutable. */
tn_status tni_model_finish(tn_model *model, tn_error *err);

/* Returns the bytes of memory that a description takes, but for its tables of names. */
uint64_t tni_model_memory(const tn_model *model);
/* Returns the opened model at the bottom of all mappings: the one with documents, metadata, files.
 */
const tn_model *tni_model_root(const tn_model *model);

/* Sets dtype, shape (copied into the arena), elements and bytes. Errors: TN_E_LIMIT ("rank"),
 * TN_E_CORRUPT if the product overflows. The tensor's name (for the error) should be set before. */
tn_status tni_tensor_form(tn_model *model, tn_tensor *tensor, tn_dtype dtype, uint32_t rank,
                          const int64_t *shape, tn_error *err);
/* Gives the tensor one piece that is one whole contiguous leaf; *leaf_out is zeroed but for dtype
 * and elements. */
tn_status tni_tensor_leaf(tn_model *model, tn_tensor *tensor, tni_leaf **leaf_out, tn_error *err);

#endif
