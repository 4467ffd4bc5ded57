/* A checkpoint while it is being opened. */
#ifndef TN_FORMATS_TF_CHECKPOINT_BUNDLE_H
#define TN_FORMATS_TF_CHECKPOINT_BUNDLE_H

#include "formats/tf_checkpoint/entry.h"
#include "model/model.h"

typedef struct tni_tf_bundle {
    tn_context *ctx;
    tn_model *model;
    tn_source *main;
    tni_arena scratch; /* gone when the checkpoint is open */
    tni_tf_header header;
    bool has_header;
    tni_tf_entry *entries; /* by key; keys are in the model's arena */
    uint32_t count;
    size_t room;
    tn_source **shards; /* kept by the model */
    uint64_t pieces;    /* of all tensors so far */
} tni_tf_bundle;

/* Reads the index into header and entries. */
tn_status tni_tf_index_read(tni_tf_bundle *bundle, tn_error *err);
/* Reads the header alone. */
tn_status tni_tf_header_read(tn_context *ctx, tn_source *main, tni_tf_header *header_out,
                             tn_error *err);

/* Opens all data files and checks that each entry lies within its own. Adds the set's files to the
 * model, and a finding "overlap" where entries share bytes. Errors: TN_E_MISSING_FILE,
 * TN_E_TRUNCATED, and what opening gives. */
tn_status tni_tf_shards_open(tni_tf_bundle *bundle, tn_error *err);
/* Appends the name of one data file: PREFIX.data-SSSSS-of-NNNNN. */
tn_status tni_tf_shard_name(tn_str prefix, uint32_t shard, uint32_t shards, tni_arena *arena,
                            tn_str *name_out, tn_error *err);
/* Takes the index's suffix off a name; false if it has none. */
bool tni_tf_prefix(tn_str index_name, tn_str *prefix_out);
/* Takes a data file's suffix off a name and reads how many data files it is one of; false if the
 * name is not a data file's. */
bool tni_tf_shard_prefix(tn_str name, tn_str *prefix_out, uint64_t *shards_out);

/* Fills a leaf, whose dtype and elements are set, with an entry's place, encoding and sum. */
void tni_tf_entry_leaf(const tni_tf_bundle *bundle, const tni_tf_entry *entry, tni_leaf *leaf);

/* Finds the stored slices of all partitioned tensors and hides them. Errors: TN_E_CORRUPT with the
 * tensor as subject: a slice that is missing, out of bounds, or of another shape or dtype. */
tn_status tni_tf_slices_hide(tni_tf_bundle *bundle, tn_error *err);
/* Makes the pieces of a partitioned tensor. Errors: TN_E_CORRUPT if its slices do not cover it
 * exactly once, TN_E_UNSUPPORTED (strings), TN_E_LIMIT ("pieces"). */
tn_status tni_tf_slices_pieces(tni_tf_bundle *bundle, const tni_tf_entry *entry, tn_tensor *tensor,
                               tn_error *err);

#endif
