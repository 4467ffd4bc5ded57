/* The writing side of the drawer. */
#ifndef TN_FORMATS_TF_CHECKPOINT_V1_WRITE_H
#define TN_FORMATS_TF_CHECKPOINT_V1_WRITE_H

#include "formats/format.h"
#include "formats/shared/meta_beside.h"
#include "formats/tf_checkpoint_v1/layout.h"

/* One entry of the table: the meta, then the tensors in key order. */
typedef struct tni_v1_entry {
    tn_str key;              /* as ordered code */
    const tn_tensor *tensor; /* NULL: the meta */
    const tni_v1_type *type;
    uint32_t index;   /* of the tensor in the model */
    uint64_t payload; /* bytes of its values, which follow `head` in the file */
    tn_str value;     /* of the table's value, what stands before the values */
    tn_str head;      /* of the file, what stands before the values: lengths, key, value */
    uint64_t offset;  /* of `head` */
} tni_v1_entry;

/* One data block. */
typedef struct tni_v1_out_block {
    size_t first, count;   /* entries */
    uint64_t offset, size; /* without its trailer */
    tn_str tail;           /* its restarts */
} tni_v1_out_block;

typedef struct tni_v1_write {
    tni_v1_entry *entries;
    size_t n_entries;
    tni_v1_out_block *blocks;
    size_t n_blocks;
    tn_str end; /* metaindex, index and footer */
    uint64_t end_offset;
    tni_meta_beside meta;
} tni_v1_write;

/* Makes the key and the head of the value of each entry, and the meta, from sorted tensors whose
 * payload is known. Errors: TN_E_CANNOT_HOLD (2 GiB and more), TN_E_NOMEM, TN_E_LIMIT. */
tn_status tni_v1_messages_make(tni_write *write, tni_v1_write *state, tn_error *err);
/* Cuts the entries into blocks as TensorFlow's builder does (formats/shared/table_build.h), gives
 * all their places, and makes the table's end. Errors: TN_E_NOMEM, TN_E_LIMIT. */
tn_status tni_v1_blocks_place(tni_write *write, tni_v1_write *state, tn_error *err);

extern const tni_writer_ops tni_v1_writer;

#endif
