/* Outputs: one file or a set of files that appears under its final name complete or not at all.
 *
 * Everything is written into one staging folder beside the target, `.NAME.tenon-XXXXXX/` (NAME cut
 * to fit), under the final names, so that the format's own reader opens it unchanged. Commit: all
 * files fsynced, then one file:   rename, fsync of the folder: old or new. several:
 * `.NAME.tenon-commit` is created exclusively (lock and redo list), the old index moves into the
 * staging folder, members are renamed, the new index last, old members that the new set lacks are
 * removed, the marker goes; the folder is fsynced at each step. Recovery always rolls forward.
 * Without `replace` the commit never replaces a file, also in a race (RENAME_NOREPLACE). A set that
 * meets a foreign file of a member's name after its marker was made stops there with TN_E_EXISTS:
 * nothing foreign is touched, the marker stays, and recovery finishes once that file is moved away.
 *
 * An output may also be a folder of its own: the staging folder takes its name, old or new at any
 * moment, without a marker. With `replace` the two folders exchange their names (RENAME_EXCHANGE),
 * and the old one, which now has the staging folder's name, is removed. Dying in between leaves
 * that to recovery. */
#ifndef TN_IO_OUTPUT_H
#define TN_IO_OUTPUT_H

#include "io/source.h"

typedef struct tni_output tni_output;
typedef struct tn_sink tn_sink;

typedef struct tni_output_options {
    bool replace; /* -f */
    /* A set: plain names of the old set's members, index included (empty if there is none); those
     * that the new set lacks are removed, with `replace` only. NULL: one file, or a new set. If
     * `name` is a symlink, NULL follows it to its file (the link stays; it can only be one file
     * then), while a set puts its own files in the place of links. */
    const tni_names *old;
    bool same_files; /* members that are linked are the sources' own files, never clones: a set that
                        only changes its name keeps their times */
    /* The output is the folder `name`, whose files may lie one folder deeper ("a/b"). `old` lists
     * all that a folder in its place may hold, by path, folders with a slash at their end: one that
     * holds anything else is not replaced. */
    bool folder;
} tni_output_options;

/* Prepares an output: `folder` ("" means ".") must exist; `name` is the one file's, or the one that
 * a set is known by, in whatever form it was written before: the marker is named after it, so that
 * of all writers of an output only one is at work. Creates the staging folder. Errors: TN_E_WRITE
 * (hint for a missing or read-only folder), TN_E_EXISTS, TN_E_BUSY (a marker of another writer;
 * hint `ckpt recover`). */
tn_status tni_output_new(tn_context *ctx, const char *folder, tn_str name,
                         const tni_output_options *options, tni_output **output_out, tn_error *err);
/* Creates one file of the set, of a known size (space is reserved: TN_E_NO_SPACE before the first
 * byte where the file system can tell). The sink belongs to the output. `name` is a plain
 * component, in a folder also two with a slash between them. */
tn_status tni_output_create(tni_output *output, tn_str name, uint64_t size, tn_sink **sink_out,
                            tn_error *err);
/* Adds a member that holds just what a source's file holds, without copying: a clone where the file
 * system can share blocks, else a hard link to the same file. Nothing may be written to it. Errors:
 * TN_E_WRITE (another file system, or one that does not link), TN_E_CHANGED (the path now names
 * another file), TN_E_EXISTS. */
tn_status tni_output_link(tni_output *output, tn_str name, tn_source *source, tn_error *err);
/* The staging folder's path, where the staged files can be opened with the format's own reader. */
const char *tni_output_staged(const tni_output *output);
/* Syncs and moves everything into place; `index` (a name given to tni_output_create) goes last (a
 * folder goes as a whole).
 * Afterwards the output is finished whatever came back. Errors: TN_E_WRITE, TN_E_EXISTS, TN_E_BUSY,
 * TN_E_DURABILITY (in place, but the last sync failed). */
tn_status tni_output_commit(tni_output *output, tn_str index, tn_error *err);
/* Removes all that was staged (if not committed) and frees the output. NULL is fine. Safe after any
 * failure. */
void tni_output_free(tni_output *output);

/* Writes exactly `len` bytes at `offset`, thread-safe for disjoint ranges. Errors: TN_E_WRITE,
 * TN_E_NO_SPACE, TN_E_VERIFY (outside the size given at creation: a writer's bug). The first error
 * sticks: the set can then not be committed. */
tn_status tni_sink_write(tn_sink *sink, uint64_t offset, const void *data, size_t len,
                         tn_error *err);
/* Hints that [offset, offset + len) is complete, so that writing out can begin. */
void tni_sink_written(tn_sink *sink, uint64_t offset, uint64_t len);
const char *tni_sink_path(const tn_sink *sink); /* the final path, for messages */

/* Checks that the folder at `path` holds nothing but what `known` lists, by path, folders with a
 * slash at their end. Errors: TN_E_EXISTS with what else is there as the subject, TN_E_NOT_FOUND,
 * TN_E_READ, TN_E_NOMEM. */
tn_status tni_folder_holds_only(tn_context *ctx, const char *path, const tni_names *known,
                                tn_error *err);

/* Finishes an interrupted replacement in `folder` (all markers found there), rolling forward;
 * removes dead staging folders that no marker names. `dry` only counts. Errors: TN_E_NOT_FOUND,
 * TN_E_READ, TN_E_BUSY (the writer lives), TN_E_CORRUPT and TN_E_UNSAFE (markers that no writer
 * left; nothing is touched), TN_E_WRITE, TN_E_EXISTS, TN_E_DURABILITY. */
typedef struct tni_recovery {
    size_t finished; /* replacements rolled forward */
    size_t staging;  /* dead staging folders removed */
} tni_recovery;
tn_status tni_output_recover(tn_context *ctx, const char *folder, bool dry,
                             tni_recovery *recovery_out, tn_error *err);
/* Tells whether a set named `name` in `folder` has a commit marker. */
tn_status tni_output_interrupted(tn_context *ctx, const char *folder, tn_str name, bool *is_out,
                                 tn_error *err);

#endif
