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
    int64_t step;   /* the name's trailing number; -1: it has none */
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

#endif
