/* The `.meta` beside a checkpoint of a Saver: its graph, which goes along when the checkpoint is
 * written anew, with the same renames. A graph that would not restore from what is written, or
 * cannot have the new names, is left out with a warning. */
#ifndef TN_FORMATS_SHARED_META_BESIDE_H
#define TN_FORMATS_SHARED_META_BESIDE_H

#include "formats/format.h"

#define TNI_META_SUFFIX ".meta"

typedef struct tni_meta_beside {
    bool there;        /* one is written */
    bool first_format; /* with a checkpoint of TensorFlow's first format */
    tn_str path;       /* of the source's */
    tn_str name;       /* of the output's */
    uint64_t size;     /* of the output's */
    uint32_t file;     /* which of write->files it is; the writer sets it */
    uint32_t sum;      /* CRC-32C of what was written */
} tni_meta_beside;

/* Looks for a `.meta` beside the model's checkpoint and says how large OUT.meta will be, where OUT
 * is the output's name. Items must have been laid out. Errors: TN_E_NOMEM, TN_E_READ,
 * TN_E_CANCELLED. */
tn_status tni_meta_plan(tni_write *write, bool first_format, tni_meta_beside *meta_out,
                        tn_error *err);
/* Warns in write->notes of a `.meta` that stands in the output's folder and that no other one
 * replaces: it stays, and goes on speaking of the graph that was saved with the old values. */
tn_status tni_meta_look_around(tni_write *write, const tni_meta_beside *meta,
                               const tni_names *siblings, tn_error *err);
/* Writes it into its sink. Errors: TN_E_CHANGED (it is not what it was when it was planned), and
 * what reading and writing give. */
tn_status tni_meta_write(tni_write *write, tni_meta_beside *meta, tn_error *err);
/* Reads the staged one: its bytes are those that were written, it is a graph, and it restores what
 * the source's restores, under the new names. Errors: TN_E_VERIFY, and what reading gives. */
tn_status tni_meta_read_back(tni_write *write, const tni_meta_beside *meta, const char *staged,
                             tn_error *err);

#endif
