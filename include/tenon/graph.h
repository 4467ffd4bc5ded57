/* Graphs of TensorFlow: SavedModels, `.meta` files, GraphDefs. Nothing is ever run.
 *
 * A graph is of one thread at a time: what is asked of it is worked out then, and kept in it. All
 * strings and arrays live as long as the graph, those of a model's graph as long as the model. */
#ifndef TENON_GRAPH_H
#define TENON_GRAPH_H

#include <tenon/model.h>

typedef struct tn_graph tn_graph;

/* Opens the graph of what `path` names: a SavedModel, a `.meta`, a checkpoint with a `.meta` beside
 * it, a GraphDef. No variable is read, and none need be there. `tags` ("a,b") chooses a MetaGraph
 * of several; NULL: the only one, else all. Errors: TN_E_NOT_FOUND, TN_E_UNSUPPORTED (there is no
 * graph), TN_E_NO_MATCH (unknown tags), TN_E_CORRUPT and its kin, TN_E_LIMIT, TN_E_NOMEM. Free with
 * tn_graph_free. */
TN_API tn_status tn_graph_open(tn_context *ctx, const char *path, const char *tags,
                               tn_graph **graph_out, tn_error *err);
TN_API void tn_graph_free(tn_graph *graph); /* NULL is fine */
/* Returns the graph that a model was opened with, or NULL: its format has none. */
TN_API tn_graph *tn_model_graph(const tn_model *model);
/* Returns the path of the graph's file. */
TN_API const char *tn_graph_path(const tn_graph *graph);

/* One MetaGraph. A GraphDef is one without anything but operations and functions. */
typedef struct tn_meta_graph {
    const tn_str *tags; /* in the order of the file */
    size_t n_tags;
    tn_str version;             /* of TensorFlow; none where not said */
    size_t n_operations, n_own; /* with those of functions; without */
    size_t n_functions, n_collections, n_signatures, n_assets;
} tn_meta_graph;
TN_API size_t tn_graph_count(const tn_graph *graph);
TN_API tn_meta_graph tn_graph_at(const tn_graph *graph, size_t meta);
/* Returns the MetaGraph that the tags chose, or the only one; SIZE_MAX: there are several. */
TN_API size_t tn_graph_chosen(const tn_graph *graph);
/* Fails (TN_E_AMBIGUOUS) with the tag sets that there are, one of which must be said. */
TN_API tn_status tn_graph_say_tags(const tn_graph *graph, tn_error *err);

/* A tensor that a graph speaks of. */
typedef struct tn_graph_tensor {
    tn_str key;     /* of a signature's input or output */
    tn_str name;    /* "x:0"; "" for sparse and composite ones */
    uint32_t type;  /* DataType number; 0: not said */
    tn_dtype dtype; /* TN_DTYPE_NONE for handles */
    bool known_rank;
    uint32_t rank;
    const int64_t *shape; /* -1: unknown dimension */
} tn_graph_tensor;
/* Returns the name of a DataType without `DT_`: "FLOAT"; NULL for a number that TensorFlow lacks. A
 * `_REF` type gives the name of its values' type. */
TN_API const char *tn_graph_type_name(uint32_t type);

/* How a graph is called from outside. */
typedef struct tn_signature {
    tn_str key, method;
    const tn_graph_tensor *inputs, *outputs; /* in order of their keys */
    size_t n_inputs, n_outputs;
    bool reserved; /* TensorFlow's own (`__saved_model_init_op`), not for users */
} tn_signature;
/* Gives the signatures of a MetaGraph in order of their keys. Errors: TN_E_CORRUPT, TN_E_NOMEM. */
TN_API tn_status tn_graph_signatures(tn_graph *graph, size_t meta, const tn_signature **out,
                                     tn_error *err);

/* A collection: names of operations and tensors; of collections of variables the variables' names;
 * numbers as text; other bytes as they are. */
typedef struct tn_collection {
    tn_str key;
    const tn_str *items;
    size_t n_items;
} tn_collection;
/* Gives the collections of a MetaGraph in order of their keys. Errors: TN_E_CORRUPT, TN_E_NOMEM. */
TN_API tn_status tn_graph_collections(tn_graph *graph, size_t meta, const tn_collection **out,
                                      tn_error *err);

/* A file in `assets/`, and the tensor that is its path. */
typedef struct tn_asset {
    tn_str file, tensor;
} tn_asset;
TN_API tn_status tn_graph_assets(tn_graph *graph, size_t meta, const tn_asset **out, tn_error *err);

/* An operation of a graph or of one of its functions. */
typedef struct tn_operation {
    tn_str name, type;
    tn_str function;                /* none: the graph's own */
    bool known;                     /* its outputs are; else nobody knows this type of operation */
    const tn_graph_tensor *outputs; /* without keys and names */
    size_t n_outputs;
    const tn_str *inputs; /* as the file spells them: "x", "x:1", "^x" */
    size_t n_inputs;
} tn_operation;
/* Describes operation `index` (the graph's own come first). What it gives lives until the next call
 * on this graph. Errors: TN_E_CORRUPT, TN_E_NOMEM. */
TN_API tn_status tn_graph_operation(tn_graph *graph, size_t meta, size_t index, tn_operation *out,
                                    tn_error *err);
/* Returns the name of a function of the library. */
TN_API tn_str tn_graph_function(const tn_graph *graph, size_t meta, size_t index);

/* What TensorFlow would say to a name. */
typedef enum tn_graph_why {
    TN_GRAPH_FITS,
    TN_GRAPH_IS_OPERATION, /* asked for a tensor, found an operation */
    TN_GRAPH_IS_TENSOR,    /* asked for an operation, with a tensor's name */
    TN_GRAPH_NO_SUCH_OPERATION,
    TN_GRAPH_NO_SUCH_OUTPUT,
    TN_GRAPH_BAD_OPERATION_NAME, /* neither an operation nor a tensor's name */
    TN_GRAPH_MALFORMED,
    TN_GRAPH_UNKNOWN_OP /* nobody knows how many outputs it has */
} tn_graph_why;
/* Returns the word of JSON: "is_operation" …; NULL for TN_GRAPH_FITS. */
TN_API const char *tn_graph_why_word(tn_graph_why why);

/* What a name is. */
typedef enum tn_graph_kind {
    TN_GRAPH_NOTHING,
    TN_GRAPH_VARIABLE,
    TN_GRAPH_CONSTANT,
    TN_GRAPH_INTERMEDIATE,
    TN_GRAPH_OPERATION, /* without outputs */
    TN_GRAPH_COLLECTION,
    TN_GRAPH_SIGNATURE
} tn_graph_kind;
/* Returns its word, or NULL for TN_GRAPH_NOTHING. */
TN_API const char *tn_graph_kind_word(tn_graph_kind kind);

/* What get_tensor_by_name and get_operation_by_name would do with a name, and what it is. */
typedef struct tn_resolution {
    tn_str query;
    tn_graph_why as_tensor, as_operation;
    tn_str operation;       /* that the name leads to; none */
    int64_t output;         /* of it, if as_tensor fits */
    tn_graph_tensor tensor; /* the same: its dtype and shape */
    bool has_shape;
    tn_graph_kind kind;
    tn_str value_name, value_key; /* where its value can be read; none */
    const tn_str *members;        /* of a collection or signature */
    const tn_str *state;          /* the variables that an operation without outputs reaches */
    const tn_str *inputs;
    const tn_str *candidates; /* other names that would fit */
    size_t n_members, n_state, n_inputs, n_candidates;
    tn_str message; /* a sentence */
} tn_resolution;
/* Resolves one name in one MetaGraph. Errors: TN_E_CORRUPT, TN_E_NOMEM. */
TN_API tn_status tn_graph_resolve(tn_graph *graph, size_t meta, tn_str name, tn_resolution *out,
                                  tn_error *err);
/* Proposes operations that a graph may be frozen for: the outputs of its signatures, else what has
 * outputs that no other operation takes. Errors: TN_E_CORRUPT, TN_E_NOMEM. */
TN_API tn_status tn_graph_propose_outputs(tn_graph *graph, size_t meta, const tn_str **names_out,
                                          size_t *count_out, tn_error *err);

/* What a graph is frozen for. */
typedef struct tn_freeze_options {
    const char *const *outputs; /* names of operations, or of their tensors */
    size_t n_outputs;
    bool replace; /* a file that is there */
} tn_freeze_options;
/* What was written. */
typedef struct tn_frozen {
    size_t operations, functions;
    size_t variables; /* that became constants */
    uint64_t bytes;
} tn_frozen;
/* Writes a graph of TensorFlow 1 as a GraphDef alone: what the outputs need, with the variables as
 * constants of the values that the checkpoint in the SavedModel, or beside the .meta, has. Constant
 * memory; atomic, and read back before it is in place. Errors: TN_E_USAGE (no outputs, or a name
 * that no frozen graph may have), TN_E_NO_MATCH (no such output), TN_E_UNSUPPORTED (a variable is
 * changed, or handed to a function), TN_E_NOT_FOUND (no checkpoint, or no value in it),
 * TN_E_CANNOT_HOLD (2 GiB), TN_E_EXISTS, TN_E_SAME_FILE, and all of reading and writing. */
TN_API tn_status tn_graph_freeze(tn_graph *graph, size_t meta, const char *out,
                                 const tn_freeze_options *options, tn_frozen *frozen_out,
                                 tn_error *err);

/* Gives what `saved_model_cli show --all` prints of a SavedModel. */
TN_API tn_status tn_graph_tf_text(tn_graph *graph, tn_str *text_out, tn_error *err);

#endif
