/* The inside of tn_plan. */
#ifndef TN_CONVERTERS_PLAN_H
#define TN_CONVERTERS_PLAN_H

#include "converters/like.h"
#include "converters/rules/naming.h"
#include "converters/select.h"
#include "formats/format.h"
#include <tenon/convert.h>

/* Which file a file is, whatever its path. */
typedef struct tni_identity {
    uint64_t device, inode;
} tni_identity;

/* Where the output goes. */
typedef struct tni_target {
    const char *path;   /* as the user typed it */
    const char *folder; /* "" or ending in '/' */
    tn_str name;        /* last component, as typed, without slashes */
    tni_path_kind kind; /* of what stands there already */
    const tn_format *format;
    tn_str main;   /* the first main file that it may have: in any layout its marker bears this;
                      or the folder's name */
    bool exists;   /* an output is there already, or a folder that may hold one */
    tni_names old; /* files of older outputs at this place, main files included; by their paths in
                      the folder that the output is */
    tni_identity *mains; /* which files its main files, or all in its folder, are */
    size_t n_mains, mains_room;
} tni_target;

struct tn_plan {
    tn_context *ctx;
    tni_arena arena;
    const tn_model *source;
    const tn_model *form; /* --like's file, which says what is written; or NULL */
    tni_naming naming;    /* what the rules did */
    tni_like like;        /* the tensors of --like's file, if that was said */
    const tn_model *base; /* `like.model`, else what the rules left: the source if there are none */
    bool *keep;           /* by the base's index */
    tn_model *mapped;     /* the base without what is dropped, with the names to write; NULL where
                             that is the base itself */
    const tn_model *written; /* what is written: `mapped` or `base` */
    const uint32_t *named;   /* by its index: which tensor of the base it is; NULL: no rules and no
                                --like */
    tni_rulesets choosing;   /* --drop and --only as stages, to be printed */
    bool weights_only;
    tni_target target;
    bool replace, skip_existing;
    tni_write write;
    tn_plan_tensor *tensors; /* by the written model's index */
    size_t n_tensors;
    tn_plan_drop *dropped;
    size_t n_dropped, dropped_room;
    tn_loss *losses;
    size_t n_losses, losses_room;
    tn_model_file *files;
    uint64_t copied, computed;
    tn_report *warnings;
};

/* Decides format and place of the output: TN_E_USAGE with the list of formats; an output that is a
 * folder; an output that is an input (TN_E_SAME_FILE); one that exists (TN_E_EXISTS, unless
 * replaced or skipped). */
tn_status tni_target_find(tn_plan *plan, const char *out, const tn_convert_options *options,
                          tn_error *err);

/* Refuses an output that would replace a file of this input (TN_E_SAME_FILE). */
tn_status tni_target_not_input(const tn_plan *plan, const tn_model *model, tn_error *err);

/* Applies the rule files and renames to what --only and --drop kept (keep[i], by the source's
 * index): sets base, keep and naming, and notes what the rules drop. */
tn_status tni_plan_apply_rules(tn_plan *plan, const tn_convert_options *options, bool *keep,
                               tn_error *err);
/* Tells whether a tensor of the base got its name from a rule. */
bool tni_plan_is_renamed(const tn_plan *plan, size_t index);
/* Notes a tensor that a flag or rule drops. */
tn_status tni_plan_drop(tn_plan *plan, tn_str name, tn_str rule, tn_error *err);

/* Tells whether the layout has a place for a tensor. Documents are carried by writers, not as
 * tensors. */
bool tni_plan_has_place(const tn_plan *plan, const tn_tensor *tensor);
/* Adds a loss; strings are copied. */
tn_status tni_plan_lose(tn_plan *plan, tn_loss_class kind, tn_str name, const char *fix,
                        tn_error *err, const char *format, ...) TN_PRINTF(6, 7);

/* Gathers the metadata to write. Errors: TN_E_NO_MATCH. */
tn_status tni_plan_metadata(tn_plan *plan, tn_error *err);

/* Tells whether a stored tensor has the shape of `wanted` and this dtype. */
bool tni_same_form(const tn_tensor *found, const tn_tensor *wanted, tn_dtype dtype);

/* Fills the plan's entries of all tensors that are written, and counts what they cost. Errors:
 * TN_E_CANNOT_HOLD, TN_E_NAME. */
tn_status tni_plan_describe(tn_plan *plan, tn_error *err);

/* Tells whether a piece's bytes are copied as they are: a whole raw leaf of a file, one run on both
 * sides. */
bool tni_piece_is_plain(const tni_piece *piece);
/* Tells whether all pieces are. */
bool tni_tensor_is_plain(const tn_tensor *tensor);

#endif
