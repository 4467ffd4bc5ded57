/* The inside of an output, shared by output.c (staging) and commit.c (moving into place). */
#ifndef TN_IO_OUTPUT_PARTS_H
#define TN_IO_OUTPUT_PARTS_H

#include "io/output.h"
#include "io/staging.h"

struct tn_sink {
    tn_sink *next;
    tni_output *output;
    tn_str name;   /* staged name; NUL-terminated */
    tn_str path;   /* final path, as the user would type it */
    int fd;        /* -1 once closed */
    uint64_t size; /* as promised at creation */
};

typedef enum tni_output_state {
    TNI_OUTPUT_STAGED, /* nothing of it is in place: freeing discards it */
    TNI_OUTPUT_PLACED, /* in place; only the staging folder is left to remove */
    TNI_OUTPUT_STUCK   /* a marker stands: the staging folder belongs to recovery now */
} tni_output_state;

struct tni_output {
    tn_context *ctx;
    const tni_sys *sys;
    tni_arena arena;
    int folder;  /* where the output goes, open from first to last */
    int staging; /* open and locked */
    char staging_name[TNI_NAME_ROOM];
    tn_str folder_path; /* as typed, or where a followed link leads; never "" */
    tn_str staging_path;
    tn_str typed_folder; /* as typed, may be "" */
    tn_str name;         /* as typed */
    tn_str target;       /* the name in `folder`: another one than `name` if a link was followed */
    bool followed;       /* `name` was a symlink: this can only be one file */
    bool replace;
    bool same_files;
    bool committed; /* tni_output_commit was called */
    tni_names old;
    tn_sink *sinks, **last;
    size_t n_sinks;
    atomic_bool failed; /* some write failed */
    tni_output_state state;
};

/* Checks that a file may be put at `name` in the output's folder: nothing is there, or with
 * `replace` a file or link. Errors: TN_E_EXISTS, TN_E_WRITE. `path` is for messages. */
tn_status tni_output_check_target(const tni_output *output, tn_str name, const char *path,
                                  tn_error *err);

#endif
