/* Models: what a checkpoint holds. Opening reads headers only; a tensor says where its bytes are.
 *
 * A model is immutable once opened and may be read by several threads. A model that was mapped from
 * another borrows from it: the source must outlive it. All strings and arrays live as long as their
 * model. */
#ifndef TENON_MODEL_H
#define TENON_MODEL_H

#include <tenon/context.h>
#include <tenon/dtype.h>
#include <tenon/report.h>
#include <tenon/str.h>

/* The names that one variable has. */
typedef enum tn_scheme {
    TN_SCHEME_NAME,   /* what `ls` prints and patterns match */
    TN_SCHEME_KEY,    /* what the container stores */
    TN_SCHEME_OBJECT, /* path in a TensorFlow object graph */
    TN_SCHEME_FULL,   /* the variable's full name (graph name) */
    TN_SCHEME_ORDER,  /* weighted layer / weight */
    TN_SCHEME_COUNT
} tn_scheme;

/* What a tensor is for; it decides what follows a rename and what a target must hold. */
typedef enum tn_role {
    TN_ROLE_VARIABLE,
    TN_ROLE_SLOT,     /* optimizer state of one variable */
    TN_ROLE_STATE,    /* other optimizer state, metrics, random generators */
    TN_ROLE_COUNTER,  /* global_step, save_counter, iterations … */
    TN_ROLE_CONSTANT, /* of a graph */
    TN_ROLE_METADATA, /* object graph, iterator and Python state, tables */
    TN_ROLE_COUNT
} tn_role;

/* Whether a graph trains a variable, where it says so. */
typedef enum tn_trainable { TN_TRAINABLE_UNKNOWN, TN_TRAINABLE_YES, TN_TRAINABLE_NO } tn_trainable;

#define TN_NO_INDEX UINT32_MAX

typedef struct tn_model tn_model;
struct tni_piece;

/* One tensor of a model: what it is called, what it looks like, where its bytes are. */
typedef struct tn_tensor {
    tn_str alias[TN_SCHEME_COUNT]; /* by scheme; [TN_SCHEME_NAME] is the name; data == NULL: none */
    const int64_t *shape;          /* -1: unknown dimension */
    int64_t elements;              /* -1: unknown */
    uint64_t bytes; /* of the values: in memory for fixed-size dtypes, as stored for others; 0 if
                       absent */
    tn_str slot;    /* "m", "v", "momentum" …; none unless role is slot */
    const tn_str *twins; /* further keys that hold the same tensor */
    const struct tni_piece
        *twin_pieces; /* where each twin's copy lies, one piece a twin; NULL: they
                         have no copies of their own, but what the tensor has */
    const struct tni_piece *pieces;
    const int64_t *slices;  /* a partitioned tensor: start and length of each dimension, slice by
                               slice, as a container that can stores it; a length of -1 is the whole
                               dimension. NULL: stored whole */
    const tn_model *origin; /* the opened model that this tensor came from through all mappings */
    uint32_t origin_index;
    uint32_t n_pieces;
    uint32_t n_twins;
    uint32_t n_slices;
    uint32_t slot_of; /* index of the owner in the same model, or TN_NO_INDEX */
    uint32_t rank;
    tn_dtype dtype;
    tn_role role;
    tn_trainable trainable;
    bool hidden;    /* listed only with --all */
    bool any_shape; /* names-and-shapes lists: the shape is not known at all */
    bool document;  /* one of the model's documents (object graph): writers carry or make it
                       themselves */
} tn_tensor;

/* A named text of a model's metadata or producer. */
typedef struct tn_pair {
    tn_str key, value;
} tn_pair;

/* One file of the set that a model was opened from. */
typedef struct tn_model_file {
    tn_str name; /* as the set's folder lists it */
    uint64_t bytes;
} tn_model_file;

/* Where a tensor's bytes are, one element a piece. */
typedef struct tn_stored {
    tn_str file;
    uint64_t offset, bytes;
    const char *encoding; /* raw, swapped, strings, chunked, deflate, blocks; "absent" */
    const char *sum_kind; /* NULL, "crc32c", "tf-crc32c", "block-crc32c" */
    uint32_t sum;         /* unmasked */
} tn_stored;

/* How to open; all zeros is the default. */
typedef struct tn_open_options {
    const char *from; /* force this reader; NULL: by content */
    const char *tags; /* the MetaGraph of a SavedModel with just these tags ("a,b"); NULL: all */
} tn_open_options;

/* Opens what `path` names: a file, any member of a set, a prefix, or a folder. `path` may begin
 * with `FORMAT:`. Errors: TN_E_NOT_FOUND, TN_E_AMBIGUOUS, TN_E_UNKNOWN_FORMAT, TN_E_UNSUPPORTED,
 * TN_E_READ, TN_E_CORRUPT and its kin, TN_E_LIMIT, TN_E_NOMEM, TN_E_NO_MATCH (tags that it does
 * not have), TN_E_IMPOSSIBLE (tags of what has none). Free with tn_model_free. */
TN_API tn_status tn_open(tn_context *ctx, const char *path, const tn_open_options *options,
                         tn_model **model_out, tn_error *err);
TN_API void tn_model_free(tn_model *model); /* NULL is fine */

/* Returns the number of tensors, hidden ones included. */
TN_API size_t tn_model_count(const tn_model *model);
/* Returns tensor `index` in display order: the file's layer order where it has one, else natural
 * order of names. */
TN_API const tn_tensor *tn_model_at(const tn_model *model, size_t index);
/* Finds a tensor by its name in one scheme. TN_NO_INDEX if there is none, or several. */
TN_API uint32_t tn_model_find(const tn_model *model, tn_scheme scheme, tn_str name);

/* What a model was opened from. Functions with an output parameter return the number of elements.
 */
TN_API const char *tn_model_path(const tn_model *model); /* as given */
TN_API const char *
tn_model_resolved(const tn_model *model); /* what was opened, as one would type it */
TN_API const char *tn_model_format(const tn_model *model); /* "tf_checkpoint" … */
TN_API const char *tn_model_layout(
    const tn_model *model); /* "objects", "names", "sharded" …; "" if it has no variants */
TN_API size_t tn_model_files(const tn_model *model, const tn_model_file **files_out);
TN_API size_t tn_model_metadata(const tn_model *model, const tn_pair **pairs_out);
TN_API size_t tn_model_producer(const tn_model *model, const tn_pair **pairs_out);
/* Notes and warnings from opening (what was chosen, what is odd). */
TN_API const tn_report *tn_model_findings(const tn_model *model);

/* Describes piece `index` of a tensor as stored. */
TN_API void tn_tensor_stored(const tn_tensor *tensor, size_t index, tn_stored *stored_out);
TN_API const char *tn_role_name(tn_role role);
TN_API const char *tn_scheme_name(tn_scheme scheme);
TN_API bool tn_scheme_find(const char *name, tn_scheme *scheme_out);

/* Looks up what a user typed: a name of `scheme` first, else any alias, with or without `:0`.
 * Errors: TN_E_NO_SUCH_NAME (nearest names with shapes in the hint), TN_E_AMBIGUOUS (the candidates
 * in the hint). */
TN_API tn_status tn_model_lookup(const tn_model *model, tn_scheme scheme, tn_str name,
                                 uint32_t *index_out, tn_error *err);

/* Objects of a TensorFlow object graph, for `show --objects`: node 0 is the root. Count 0: there is
 * no graph. */
typedef struct tn_object_edge {
    uint32_t node;
    tn_str name;
} tn_object_edge;
/* A value that a node stores. */
typedef struct tn_object_value {
    uint32_t node;
    tn_str name, full_name, key; /* "" where not said */
} tn_object_value;
/* An optimizer's state for one variable: three nodes. */
typedef struct tn_object_slot {
    uint32_t optimizer, variable, node;
    tn_str name;
} tn_object_slot;
typedef struct tn_object {
    const tn_object_edge *children;
    const tn_object_value *attributes;
    const tn_object_slot *slots; /* of an optimizer */
    uint32_t n_children;
    uint32_t n_attributes;
    uint32_t n_slots;
} tn_object;
TN_API size_t tn_model_objects(const tn_model *model, const tn_object **objects_out);

#endif
