/* What the writers of the three layouts share. */
#ifndef TN_FORMATS_KERAS_H5_WRITE_H
#define TN_FORMATS_KERAS_H5_WRITE_H

#include "core/hash.h"
#include "formats/keras_h5/layout.h"

/* A tree of groups and datasets that is being put together. */
typedef struct tni_keras_tree {
    tni_write *write;
    tni_hdf5_node *nodes; /* the first is the root */
    tn_str *path;         /* by node, without leading '/' */
    uint32_t *tensor;     /* by node: index in the written model, or TN_NO_INDEX */
    size_t count, room;
    tni_hash by_path;
} tni_keras_tree;

/* Makes a tree that has a root alone. */
tn_status tni_keras_tree_init(tni_keras_tree *tree, tni_write *write, tn_error *err);
void tni_keras_tree_clear(tni_keras_tree *tree);
/* Finds or makes the group at a path, and all above it. The path must live as long as the write.
 * Errors: TN_E_COLLISION if a dataset is in its place. */
tn_status tni_keras_tree_group(tni_keras_tree *tree, tn_str path, uint32_t *node_out,
                               tn_error *err);
/* Makes the dataset of a tensor. Errors: TN_E_COLLISION if something is there already. */
tn_status tni_keras_tree_dataset(tni_keras_tree *tree, tn_str path, uint32_t tensor, tn_error *err);
/* Tells whether something is at a path. */
bool tni_keras_tree_has(const tni_keras_tree *tree, tn_str path);
/* Gives a node more attributes; names, strings and values are borrowed. */
tn_status tni_keras_tree_say(tni_keras_tree *tree, uint32_t node,
                             const tni_hdf5_attribute *attributes, size_t count, tn_error *err);
/* Gives a group a list of names, split as Keras splits it. */
tn_status tni_keras_tree_list(tni_keras_tree *tree, uint32_t node, const char *name,
                              const tn_str *names, size_t count, tn_error *err);
/* Gives a node the attributes that `from` has in an opened file, if they can be carried: all texts,
 * and single values. Names in `except` (NULL-terminated), with or without a number behind them, are
 * left out. What cannot be carried is said. */
tn_status tni_keras_tree_carry(tni_keras_tree *tree, uint32_t node, const tni_hdf5_object *from,
                               const char *const *except, tn_error *err);

/* Fills the tree of one layout. */
tn_status tni_keras_write_legacy(tni_keras_tree *tree, tn_error *err);
tn_status tni_keras_write_three(tni_keras_tree *tree, tn_error *err);
tn_status tni_keras_write_plain(tni_keras_tree *tree, tn_error *err);

/* Where a weight goes in the legacy layout. */
typedef struct tni_keras_spot {
    uint32_t tensor; /* of the written model */
    uint32_t layer;  /* number of its layer in the order's own count; TNI_KERAS_TOP: none */
    uint32_t rank;   /* layers and weights stand in the order of their ranks */
    tn_str edges;    /* the layer as the object graph leads to it; none */
} tni_keras_spot;

/* Orders the weights of a model by the object graph of its source. False in *known_out if there is
 * none with layers. `spots` has one element a tensor with `tensor` set; it is not moved. */
tn_status tni_keras_by_graph(const tn_model *model, tni_arena *arena, tni_keras_spot *spots,
                             bool *known_out, tn_error *err);
/* Orders the weights by their names alone; `skip` leading bytes are the model's name. */
tn_status tni_keras_by_names(const tn_model *model, tni_arena *arena, size_t skip,
                             tni_keras_spot *spots, tn_error *err);

/* Tells whether a weight's last component is one that Keras's layers do not train. */
bool tni_keras_is_moving(tn_str last);
/* Ranks a weight in its layer by its last component, with or without a leading '_': kernel before
 * recurrent_kernel before bias. */
unsigned tni_keras_word_rank(tn_str last);

#endif
