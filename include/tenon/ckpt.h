/* Checkpoint directories: what lies in a folder of TensorFlow checkpoints, and what its
 * `checkpoint` state file says. */
#ifndef TENON_CKPT_H
#define TENON_CKPT_H

#include <tenon/context.h>
#include <tenon/report.h>

/* What a folder of checkpoints thinks of one of them. */
typedef enum tn_ckpt_class {
    TN_CKPT_LIVE,      /* listed in the state file */
    TN_CKPT_PRESERVED, /* complete, not listed, not newer than last_preserved_timestamp: kept for
                          good */
    TN_CKPT_UNLISTED,  /* complete, not listed */
    TN_CKPT_INCOMPLETE /* a file is missing, or its replacement was interrupted */
} tn_ckpt_class;

/* One checkpoint of a folder. */
typedef struct tn_ckpt {
    tn_str prefix; /* plain name */
    tn_ckpt_class kind;
    int64_t step;   /* the name's trailing number, else, in a list, the value of its counter; -1:
                       none is known */
    double time;    /* seconds since 1970: the state file's, else the index's; 0: unknown */
    uint64_t bytes; /* of all files, a .meta too */
    const tn_str *files, *missing;
    size_t n_files, n_missing;
    bool interrupted; /* its replacement was: tn_ckpt_recover finishes it */
} tn_ckpt;

/* All checkpoints of a folder. Strings and arrays live until tn_ckpt_list_clear. */
typedef struct tn_ckpt_list {
    const char *directory; /* as given */
    tn_str latest;         /* what the state file calls latest, if it is complete; else none */
    const tn_ckpt *at;     /* by step, then name */
    size_t count;
    struct tn_ckpt_memory *memory;
} tn_ckpt_list;

/* Lists the checkpoints of a folder, headers only. Free with tn_ckpt_list_clear. Errors:
 * TN_E_NOT_FOUND, TN_E_READ, TN_E_CORRUPT (the state file, with line and column), TN_E_LIMIT. */
TN_API tn_status tn_ckpt_list_open(tn_context *ctx, const char *directory, tn_ckpt_list *list_out,
                                   tn_error *err);
TN_API void tn_ckpt_list_clear(tn_ckpt_list *list);

enum { TN_CKPT_PATH = 4352 };
/* Finds the latest checkpoint: of a folder the one that its state file names (as
 * tf.train.latest_checkpoint does, but looked for in this folder whatever directory the state file
 * says); of FOLDER/BEGINNING the complete one of that beginning with the greatest trailing number,
 * ties by time. Writes FOLDER/PREFIX as the folder was given. Errors: TN_E_NO_CHECKPOINT,
 * TN_E_INTERRUPTED (the replacement of the latest was), and those of tn_ckpt_list_open. */
TN_API tn_status tn_ckpt_latest(tn_context *ctx, const char *path, char path_out[TN_CKPT_PATH],
                                tn_error *err);

/* Makes `prefix_path` the latest in the state file of its folder, which is written anew,
 * atomically, as TensorFlow writes it: paths relative, oldest first; timestamps only if the file
 * had them. Errors: of reading and writing. */
TN_API tn_status tn_ckpt_state_add(tn_context *ctx, const char *prefix_path, tn_error *err);

/* What recovery did, or with `dry` would do. */
typedef struct tn_ckpt_recovered {
    size_t finished;    /* interrupted replacements rolled forward */
    size_t staging;     /* dead staging folders removed */
    bool state_mended;  /* the state file was made true again */
    bool state_rebuilt; /* a lost state file was made anew */
} tn_ckpt_recovered;

/* Finishes interrupted replacements in a folder, removes dead staging folders, and makes an
 * existing state file true again: absolute paths become relative, entries whose files are gone are
 * dropped. With `rebuild` a state file that is lost is made anew from the complete checkpoints, by
 * trailing number. Each step taken is a note in `report`. Errors: of reading and writing, TN_E_BUSY
 * (a writer is at work). */
TN_API tn_status tn_ckpt_recover(tn_context *ctx, const char *directory, bool rebuild, bool dry,
                                 tn_report *report, tn_ckpt_recovered *recovered_out,
                                 tn_error *err);

/* What a change of a folder does to one checkpoint. */
typedef enum tn_ckpt_action {
    TN_CKPT_KEEP,   /* nothing */
    TN_CKPT_UNLIST, /* it leaves the state file's list, its files stay */
    TN_CKPT_DELETE, /* its files are deleted, and it leaves the list */
    TN_CKPT_RENAME
} tn_ckpt_action;

/* One checkpoint of a change. */
typedef struct tn_ckpt_step {
    const tn_ckpt *ckpt; /* its files are what is deleted or renamed, no other */
    tn_ckpt_action action;
    tn_str reason; /* a few words for people */
    tn_str to;     /* the new prefix; none unless it is renamed */
} tn_ckpt_step;

/* A change of a folder, planned and not yet done. Strings and arrays live until
 * tn_ckpt_change_clear. */
typedef struct tn_ckpt_change {
    const char *directory;     /* as given */
    const tn_ckpt_step *steps; /* prune: all checkpoints of the folder by step, then name; else
                                  those that were named */
    size_t count;
    tn_str latest;      /* what the state file then calls latest; none: there is no state file */
    bool changes_state; /* the state file is written anew, or removed */
    struct tn_ckpt_plan *plan;
} tn_ckpt_change;

/* How to prune. */
typedef struct tn_ckpt_prune_options {
    uint64_t keep;     /* how many of those that the state file lists stay; at least 1 */
    double keep_every; /* seconds; 0: none is kept for good */
    double now;        /* seconds since 1970; 0: the clock's time */
} tn_ckpt_prune_options;

/* Plans to prune a folder by the rule of tf.train.CheckpointManager: of those that the state file
 * lists the last `keep` stay; of the older ones, oldest first, each is kept for good that is at
 * least `keep_every` newer than the last one kept so, and the others are deleted. What the state
 * file does not list is left alone. Without times in the state file its order counts; `report` gets
 * a note that says so. Errors: TN_E_NO_CHECKPOINT (no state file, or its latest is not complete),
 * TN_E_INTERRUPTED, TN_E_IMPOSSIBLE (`keep_every` without times), TN_E_USAGE (`keep` is 0), and
 * those of tn_ckpt_list_open. Clear the change with tn_ckpt_change_clear. */
TN_API tn_status tn_ckpt_plan_prune(tn_context *ctx, const char *directory,
                                    const tn_ckpt_prune_options *options, tn_report *report,
                                    tn_ckpt_change *change_out, tn_error *err);

/* Plans to delete checkpoints by prefix. Where the latest goes, the last one still listed becomes
 * the latest; where none is, the state file goes. Errors: TN_E_NO_CHECKPOINT, TN_E_INTERRUPTED,
 * TN_E_CORRUPT (an index that cannot be read: which files are its own is not known), and those of
 * tn_ckpt_list_open. */
TN_API tn_status tn_ckpt_plan_rm(tn_context *ctx, const char *directory, const char *const *names,
                                 size_t count, tn_ckpt_change *change_out, tn_error *err);

/* Plans to rename a checkpoint within its folder: all its files and its entries in the state file.
 * Errors: TN_E_NO_CHECKPOINT, TN_E_EXISTS (the new name is taken), TN_E_USAGE (it is no name),
 * TN_E_MISSING_FILE, TN_E_INTERRUPTED, and those of tn_ckpt_list_open. */
TN_API tn_status tn_ckpt_plan_rename(tn_context *ctx, const char *directory, const char *old_name,
                                     const char *new_name, tn_ckpt_change *change_out,
                                     tn_error *err);

/* Does what was planned, in an order that loses nothing wherever it stops. Deletion: first the
 * state file without the names, then, one checkpoint after the other, its index, its data files,
 * its .meta. Renaming: hard links under the new name, the index last; the state file; the old names
 * are deleted. Errors: TN_E_CHANGED (the state file is not what was planned with), TN_E_BUSY, and
 * those of writing. */
TN_API tn_status tn_ckpt_change_run(tn_ckpt_change *change, tn_error *err);
TN_API void tn_ckpt_change_clear(tn_ckpt_change *change); /* also one that was never made */

#endif
