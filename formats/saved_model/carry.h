/* Writing a SavedModel from a SavedModel: its graph goes along, with the names that its variables
 * get. */
#ifndef TN_FORMATS_SAVED_MODEL_CARRY_H
#define TN_FORMATS_SAVED_MODEL_CARRY_H

#include "formats/saved_model/rekey.h"
#include "formats/shared/relabel.h"

#define TNI_SM_KERAS "keras_metadata.pb"
/* The document of a model that holds its checkpoint's object graph. */
#define TNI_SM_OBJECTS_CARRIER "tf_object_graph"

/* A file of the source that goes along, the graph's own first. */
typedef struct tni_sm_file {
    tn_str path;      /* of the source's */
    uint32_t file;    /* which of write->files it is */
    uint32_t sum;     /* CRC-32C of what was written */
    tni_splices edit; /* none: the bytes stay */
} tni_sm_file;

typedef struct tni_sm_carry {
    const tn_model *root; /* the source */
    tn_str folder;        /* of the source: "" or ending in '/' */
    tn_scheme scheme;     /* that names are meant in; TN_SCHEME_OBJECT is TN_SCHEME_NAME here */
    bool objects;         /* the checkpoint has an object graph */
    tni_relabel relabel;  /* of that, where paths are renamed */
    tni_rekey *keys;      /* what becomes of the checkpoint's keys */
    size_t n_keys;
    tni_rekey *nodes; /* which variables get other names in the graph */
    size_t n_nodes;
    tni_sm_new_edges edges, copied; /* of the SavedModel's object graph, of the checkpoint's */
    tni_nest nest;                  /* where keys do not follow from names */
    tni_write variables;            /* the checkpoint below variables/ */
    tni_sm_file *files;
    size_t n_files;
} tni_sm_carry;

/* Tells whether a source's graph can go along: it is a SavedModel that has variables. */
bool tni_sm_can_carry(const tn_model *source);
/* The writer's four steps, as tni_writer_ops has them. Errors of the layout: TN_E_IMPOSSIBLE,
 * TN_E_COLLISION and TN_E_CANNOT_HOLD where the graph does not fit what is written. */
tn_status tni_sm_carry_layout(tni_write *write, tn_error *err);
tn_status tni_sm_carry_headers(tni_write *write, tn_error *err);
tn_status tni_sm_carry_finish(tni_write *write, tn_error *err);
tn_status tni_sm_carry_read_back(tni_write *write, const char *staged, tn_error *err);

/* Lists what becomes of every key of the checkpoint: fills keys. Paths must have been relabelled.
 * Errors: TN_E_IMPOSSIBLE with the tensor as subject (nothing in the source holds it). */
tn_status tni_sm_carry_keys(tni_write *write, tni_sm_carry *carry, tn_error *err);
/* Fills nodes, from full names. */
tn_status tni_sm_carry_nodes(tni_write *write, tni_sm_carry *carry, tn_error *err);
/* Relabels the paths, and fills edges and copied. Errors: as tni_relabel_path, with the tensor as
 * subject; TN_E_COLLISION. */
tn_status tni_sm_carry_edges(tni_write *write, tni_sm_carry *carry, tn_error *err);
/* Returns the tensor of the source whose place a tensor takes; NULL if there is none. */
const tn_tensor *tni_sm_carry_old(const tni_sm_carry *carry, const tn_tensor *tensor);

/* Lists the files that go along, the graph's first with its splices, and says in write->notes which
 * do not. Errors: TN_E_UNSAFE (an asset outside of its folder), TN_E_READ, TN_E_NOMEM. */
tn_status tni_sm_carry_files(tni_write *write, tni_sm_carry *carry, const tni_splices *splices,
                             tni_out_file *files, tn_error *err);
/* The most files that there can be. */
size_t tni_sm_carry_most_files(const tni_sm_carry *carry);

#endif
