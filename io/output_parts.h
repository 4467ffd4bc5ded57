/* The inside of an output, shared by output.c (staging) and commit.c (moving into place). */
#ifndef TN_IO_OUTPUT_PARTS_H
#define TN_IO_OUTPUT_PARTS_H

#include "io/output.h"
#include "io/staging.h"

struct tn_sink {
    tn_sink *next;
    tni_output *output;
    tn_str name;   /* staged name, or "folder/name"; NUL-terminated */
    tn_str path;   /* final path, as the user would type it */
    int fd;        /* -1 once closed */
    uint64_t size; /* as promised at creation */
};

/* A folder in the staging folder. */
typedef struct tni_staged_folder {
    struct tni_staged_folder *next;
    tn_str name; /* NUL-terminated */
} tni_staged_folder;

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
    bool is_folder; /* all of it is one folder */
    bool committed; /* tni_output_commit was called */
    tni_names old;
    tn_sink *sinks, **last;
    size_t n_sinks;
    tni_staged_folder *folders; /* in the staging folder */
    atomic_bool failed;         /* some write failed */
    tni_output_state state;
};

/* Checks that a file may be put at `name` in the output's folder: nothing is there, or with
 * `replace` a file or link. Errors: TN_E_EXISTS, TN_E_WRITE. `path` is for messages. */
tn_status tni_output_check_target(const tni_output *output, tn_str name, const char *path,
                                  tn_error *err);

/* Syncs one open file or folder. Errors: as tni_fail_write. */
tn_status tni_output_sync(const tni_sys *sys, int fd, const char *path, tn_error *err);

/* Tells whether a path in a folder is one plain name, or two with a slash between them. */
bool tni_folder_path_plain(tn_str path);
/* The same of a folder output: it may take the place of nothing, or with `replace` of a folder that
 * holds only what is known. */
tn_status tni_folder_check_target(const tni_output *output, const char *path, tn_error *err);
/* Makes the folder that a member's path leads through, if it is not there yet. */
tn_status tni_folder_stage(tni_output *output, tn_str path, const char *shown, tn_error *err);
/* Removes the files and folders that were staged, by their names: that takes no descriptor, of
 * which there may be no more. What remains is for tni_staging_remove. */
void tni_folder_discard(const tni_output *output);
/* Moves a folder whose files have been synced into place. */
tn_status tni_folder_commit(tni_output *output, tn_error *err);

#endif
