/* The writing side of the drawer. */
#ifndef TN_FORMATS_TF_CHECKPOINT_WRITE_H
#define TN_FORMATS_TF_CHECKPOINT_WRITE_H

#include "formats/format.h"
#include "formats/shared/meta_beside.h"
#include "formats/shared/relabel.h"
#include "formats/tf_checkpoint/index_write.h"

/* Something with bytes of its own in a data file: a tensor, one slice of a partitioned tensor, a
 * twin's copy, or the object graph. */
typedef struct tni_tf_part {
    const tn_tensor *tensor; /* what fills it; NULL: the object graph */
    uint32_t index;          /* of the whole tensor */
    tn_str key;              /* of the whole tensor */
    const int64_t *box;      /* a slice: start and length of every dimension; NULL: whole */
    const tni_leaf *leaf;    /* where it was stored in a source of this format; or NULL */
    uint64_t bytes;
    bool stored; /* its bytes are copied as they are stored */
    bool linked; /* its bytes are in a linked file; set by placing, as the two below */
    uint32_t shard;
    uint64_t offset;
} tni_tf_part;

typedef struct tni_tf_write {
    tn_str prefix;      /* plain name without suffix */
    tni_tf_part *parts; /* in the order of the payload; of the layout alone, freed by it */
    size_t n_parts;
    uint32_t shards;
    tn_source **links;    /* by shard: the file that it is a link to, or NULL; NULL: none is */
    tn_str *keys;         /* by tensor: where a new object graph puts it; NULL: there is none */
    tni_relabel *relabel; /* how the source's keys change; NULL: they do not */
    tn_str graph;         /* the string block of the object graph; none in the layout "names" */
    uint32_t graph_sum;   /* its sum, not masked */
    bool graph_kept;      /* it is the source's, byte for byte */
    uint32_t graph_shard; /* where it goes */
    uint64_t graph_offset;
    tni_tf_out_entry *entries; /* by key */
    uint32_t *entry_item;      /* by entry: the item whose sum it carries, or TN_NO_INDEX */
    size_t n_entries;
    tni_meta_beside meta;
} tni_tf_write;

/* Lists the parts of everything that is written, in the payload's order. */
tn_status tni_tf_parts_list(tni_write *write, tni_tf_write *state, tn_error *err);
/* Makes a tensor of its own out of slice `index` of a partitioned one. Errors: TN_E_LIMIT. */
tn_status tni_tf_slice_tensor(tni_write *write, const tn_tensor *whole, uint32_t index,
                              const tn_tensor **tensor_out, tn_error *err);
/* Gives the parts their places in linked data files of the source where they lie there as they are
 * to be; what does not goes into a further last data file. */
tn_status tni_tf_parts_link(tni_write *write, tni_tf_write *state, tn_error *err);
/* Returns the key under which the source stores a tensor; none if it is in no source. */
tn_str tni_tf_stored_key(const tn_tensor *tensor);
/* Tells whether a tensor has another name than in the source, or comes from elsewhere. */
bool tni_tf_any_renamed(const tn_model *model);
/* Writes the source's graph, of which `pruned` is what stays, with the edges and keys that follow
 * from the names that tensors have in `model`, and ends the relabelling. Errors: TN_E_IMPOSSIBLE
 * and TN_E_COLLISION, with the tensor as subject, where it cannot follow; TN_E_LIMIT, TN_E_NOMEM.
 */
tn_status tni_tf_graph_follow(const tn_model *model, tn_str pruned, tni_relabel *relabel,
                              tni_buffer *out, tn_error *err);
/* Tells whether it can: the errors are the reasons. */
tn_status tni_tf_graph_can_follow(const tn_model *model, tn_error *err);
/* Makes the string block of the object graph that fits what is written. */
tn_status tni_tf_graph_make(tni_write *write, tni_tf_write *state, tn_error *err);
/* Makes a new object graph of the components of the names, with the keys that follow from it. */
tn_status tni_tf_objects_make(tni_write *write, tni_tf_write *state, tn_error *err);
/* Keeps a graph's message as the string block that is stored. */
tn_status tni_tf_graph_keep(tni_write *write, tni_tf_write *state, tn_str graph, tn_error *err);
/* Makes the index's entries from placed parts: TN_E_COLLISION if two have one key. */
tn_status tni_tf_entries_make(tni_write *write, tni_tf_write *state, tn_error *err);

extern const tni_writer_ops tni_tf_writer;

#endif
