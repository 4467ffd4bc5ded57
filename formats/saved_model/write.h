/* The writing side of the drawer: a SavedModel from weights alone. */
#ifndef TN_FORMATS_SAVED_MODEL_WRITE_H
#define TN_FORMATS_SAVED_MODEL_WRITE_H

#include "core/buffer.h"
#include "core/hash.h"
#include "formats/format.h"

/* The child of the root that holds what cannot be an attribute. */
#define TNI_SM_ITEMS "weights"

/* Names of operations that other parts of the model speak of, below a variable's name or the scope
 * of what saves and restores. */
#define TNI_SM_INITIAL "Initializer/zeros"
#define TNI_SM_ASSIGN "Assign"
#define TNI_SM_READ "Read/ReadVariableOp"
#define TNI_SM_FED "Const"
#define TNI_SM_SAVED "control_dependency"
#define TNI_SM_RESTORE "restore_all"

/* SavedModel.saved_model_schema_version, which is 1. */
#define TNI_SM_SCHEMA_VERSION "\x08\x01"

/* An object of the model: the root, a part of some paths, or a variable. */
typedef struct tni_sm_object {
    tn_str edge;     /* name of the edge that leads to it, not escaped */
    uint32_t parent; /* TN_NO_INDEX: it is the root */
    uint32_t tensor; /* the variable that it is, or TN_NO_INDEX */
    uint32_t n_children;
    bool dict; /* its children are items, not attributes */
} tni_sm_object;

/* How a tensor's path came about. */
typedef enum tni_sm_path {
    TNI_SM_PATH_SPLIT, /* an attribute of an attribute …, its name split at '/' */
    TNI_SM_PATH_FLAT,  /* one attribute of the root */
    TNI_SM_PATH_ITEM   /* an item of the root's dictionary */
} tni_sm_path;

/* Where a tensor goes. */
typedef struct tni_sm_place {
    tn_str name;  /* its name, not escaped */
    tn_str graph; /* its variable's name in the graph */
    uint32_t object;
    tni_sm_path path;
} tni_sm_place;

typedef struct tni_sm_write {
    const tn_model *model;
    tni_arena *arena;
    tni_sm_place *places; /* by tensor */
    uint32_t count;
    tni_sm_object *objects; /* the root first, parents before children */
    uint32_t n_objects, objects_room;
    tni_hash taken;      /* variables' names in the graph */
    tn_str scope, init;  /* names that no variable has: of what saves and restores, and of what
                            initialises */
    tn_str main;         /* saved_model.pb */
    tni_write variables; /* the checkpoint below variables/ */
    tni_nest nest;
} tni_sm_write;

/* Tells whether a loaded model's variable is trainable: as the input says; where it says nothing,
 * floating variables are. */
bool tni_sm_trains(const tn_tensor *tensor);

/* Says which object each tensor is: fills places (but for `graph`) and objects. Errors: TN_E_NOMEM,
 * TN_E_CANNOT_HOLD (more objects than numbers). */
tn_status tni_sm_paths_make(tni_sm_write *w, tn_error *err);
/* Says how each variable is called in the graph: fills `graph`, taken, scope and init. */
tn_status tni_sm_names_make(tni_sm_write *w, tn_error *err);
/* Appends the SavedObjectGraph. */
tn_status tni_sm_pack_objects(const tni_sm_write *w, tni_buffer *out, tn_error *err);
/* Appends the TrackableObjectGraph of the checkpoint, whose keys are `keys`. */
tn_status tni_sm_pack_checkpoint_objects(const tni_sm_write *w, const tn_str *keys, tni_buffer *out,
                                         tn_error *err);
/* Appends the GraphDef: variables, their initialisation, saving and restoring. */
tn_status tni_sm_pack_graph(const tni_sm_write *w, const tn_str *keys, tni_buffer *out,
                            tn_error *err);
/* Appends the SavedModel around the two. */
tn_status tni_sm_pack_model(const tni_sm_write *w, tn_str graph, tn_str objects, tni_buffer *out,
                            tn_error *err);

/* Tells the plan of names that are replaced and of dtypes that old versions do not know. */
tn_status tni_sm_tell(tni_write *write, const tni_sm_write *w, tn_error *err);

/* Gives the name of a variable's own operation, unlike all variables': NAME/SUFFIX. */
tn_status tni_sm_own_name(const tni_sm_write *w, uint32_t tensor, const char *suffix,
                          tni_arena *arena, tn_str *name_out, tn_error *err);
/* Returns TensorFlow's number of a dtype; 0 if it has none. */
uint32_t tni_sm_dtype_number(tn_dtype dtype);

extern const tni_writer_ops tni_sm_writer;

#endif
