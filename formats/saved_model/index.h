/* The flat index of a SavedModel, a .meta or a GraphDef: lists of views of the messages in the
 * image. What is inside of a node, a signature or a collection is walked through on demand. */
#ifndef TN_FORMATS_SAVED_MODEL_INDEX_H
#define TN_FORMATS_SAVED_MODEL_INDEX_H

#include "core/hash.h"
#include "formats/saved_model/image.h"
#include "formats/saved_model/layout.h"
#include <tenon/graph.h>

/* An operation of a graph or of a library function. */
typedef struct tni_sm_node {
    tn_str message, name, op;
    uint32_t function; /* of its MetaGraph; TN_NO_INDEX: the graph's own */
} tni_sm_node;

/* An entry of a map, an operation's definition, or an asset. */
typedef struct tni_sm_entry {
    tn_str key, message;
} tni_sm_entry;

typedef struct tni_sm_entries {
    tni_sm_entry *at;
    uint32_t count;
} tni_sm_entries;

/* One MetaGraph. A GraphDef alone is one without anything else. */
typedef struct tni_sm_meta {
    tn_str *tags; /* as stored */
    uint32_t n_tags;
    tn_str joined; /* the tags in order of their bytes, with commas; "" if there are none */
    tn_str version, git_version;    /* of TensorFlow; none where not said */
    tn_str save_tensor, restore_op; /* of the saver; none */
    tni_sm_node *nodes;             /* the graph's own, then those of functions */
    uint32_t n_nodes, n_own;
    tni_sm_entries functions;  /* by position; key: name, message: FunctionDef */
    tni_sm_entries operations; /* definitions that the file carries along */
    tni_sm_entries collections, signatures;
    tni_sm_entries assets;          /* key: file name, message: AssetFileDef */
    tn_str objects;                 /* SavedObjectGraph; none */
    tn_signature *signature_list;   /* once they were asked for */
    tn_collection *collection_list; /* the same */
    tn_asset *asset_list;
    tni_hash by_name; /* own node → index, made by tni_sm_index_names */
    tni_hash by_op;   /* operation type → definition, or function + 2^31: TNI_SM_IS_FUNCTION */
    tni_hash
        by_variable; /* TF2: a variable's name → its node in the object graph, or TNI_SM_MANY */
    bool has_names, has_ops, has_variables;
    tn_str *keys; /* by own node: what its variable is restored from; made on first use */
} tni_sm_meta;

#define TNI_SM_IS_FUNCTION 0x80000000u
#define TNI_SM_MANY (UINT32_MAX - 1)

struct tn_graph {
    tn_context *ctx;
    tni_arena arena;
    tni_sm_image image;
    tni_sm_kind kind;
    tn_source *source; /* of the file */
    bool own_source;   /* released with the graph */
    tni_sm_meta *metas;
    uint32_t n_metas;
    tni_arena row;     /* of tn_graph_operation: gone at the next call */
    tn_str *known_ops; /* the shipped table's entries, in order; made on first use */
    size_t n_known_ops;
    uint32_t chosen; /* by --tags; TN_NO_INDEX: all */
};

/* Reads the file and makes the index. The graph borrows `source`. Errors: TN_E_CORRUPT with the
 * offset, TN_E_UNSUPPORTED (a chunked SavedModel), TN_E_LIMIT, TN_E_NOMEM, TN_E_READ. */
tn_status tni_sm_index_load(tn_context *ctx, tn_source *source, tn_graph **graph_out,
                            tn_error *err);
void tni_sm_index_free(tn_graph *graph);

/* Says what message begins with these bytes, which may be cut off anywhere. */
tni_sm_kind tni_sm_kind_of(tn_str head);

/* Chooses the MetaGraph that has just these tags ("a,b"; NULL: all MetaGraphs). Errors:
 * TN_E_NO_MATCH with those that there are. */
tn_status tni_sm_choose(tn_graph *graph, const char *tags, tn_error *err);
/* Fills meta->joined. */
tn_status tni_sm_join_tags(tn_graph *graph, tni_sm_meta *meta, tn_error *err);
/* Fails with the tag sets that there are as the hint. */
tn_status tni_sm_fail_tags(const tn_graph *graph, tn_code code, const char *what, tn_error *err);

/* Makes the table from names to own nodes; of two equal names the first counts. Errors: TN_E_NOMEM.
 */
tn_status tni_sm_index_names(tn_graph *graph, tni_sm_meta *meta, tn_error *err);
/* Finds an own node; TN_NO_INDEX if there is none. The table must have been made. */
uint32_t tni_sm_find(const tni_sm_meta *meta, tn_str name);

/* Parses MetaGraphDef and GraphDef into `meta`. False: damaged. */
tn_status tni_sm_meta_parse(tn_graph *graph, tn_str message, tni_sm_kind kind, tni_sm_meta *meta,
                            tn_error *err);

/* Finds an attribute's value (AttrValue) of a node; false if it has none. */
bool tni_sm_attr(tn_str node, tn_str name, tn_str *value_out);
/* Reads a number of an attribute's value: its integer, or its type; false if it is none. */
bool tni_sm_attr_number(tn_str value, uint32_t tag, uint64_t *number_out);
/* Reads text or a message of an attribute's value. */
bool tni_sm_attr_bytes(tn_str value, uint32_t tag, tn_str *bytes_out);
/* Iterates over a node's inputs: gives the next one. */
bool tni_sm_next_input(tni_wire *wire, tn_str *input_out);
/* Cuts an input into node and output ("n:1", "n", "^n"); control inputs have output -1. */
tn_str tni_sm_input_node(tn_str input, int64_t *output_out);
/* Tells whether an operation makes a variable. */
bool tni_sm_is_variable_op(tn_str op);

/* Finds the AssetFileDef that an Any holds, and its file's name; false if it holds something else.
 */
bool tni_sm_any_asset(tn_str any, tn_str *file_out, tn_str *message_out);
/* Lists a node's outputs with dtypes and, as far as the file says them, shapes; *known_out is false
 * where nobody knows its operation. Errors: TN_E_CORRUPT, TN_E_NOMEM. */
tn_status tni_sm_outputs(tn_graph *graph, tni_sm_meta *meta, const tni_sm_node *node,
                         tni_arena *arena, tn_graph_tensor **outputs_out, size_t *count_out,
                         bool *known_out, tn_error *err);
/* Tells which key a variable's node is restored from; "" where none. Errors: TN_E_CORRUPT,
 * TN_E_NOMEM. */
tn_status tni_sm_key_of(tn_graph *graph, tni_sm_meta *meta, uint32_t node, tn_str *key_out,
                        tn_error *err);

/* Reads a TensorInfo. Errors: TN_E_CORRUPT, TN_E_NOMEM. */
tn_status tni_sm_tensor_info(tn_graph *graph, tn_str key, tn_str message, tn_graph_tensor *out,
                             tn_error *err);

/* A shape as the file says it. */
typedef struct tni_sm_shape {
    bool known; /* the rank is */
    uint32_t rank;
    int64_t *dims; /* -1: unknown; in the arena */
} tni_sm_shape;
/* Reads a TensorShapeProto. False: damaged, or of more dimensions than TensorFlow allows. */
tn_status tni_sm_shape_parse(tn_str message, tni_arena *arena, tni_sm_shape *shape_out,
                             tn_error *err);

/* Raises TN_E_CORRUPT at a place of the image. */
tn_status tni_sm_fail(const tn_graph *graph, const char *at, const char *what, tn_error *err);

#endif
