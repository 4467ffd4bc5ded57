/* Sources: positional, bounded, immutable bytes. Reference-counted; reading is thread-safe. */
#ifndef TN_IO_SOURCE_H
#define TN_IO_SOURCE_H

#include "core/arena.h"
#include <tenon/str.h>

typedef struct tn_source tn_source;

/* Opens a regular file by path (symlinks are followed; FIFOs, devices, sockets and folders are
 * refused without blocking). Errors: TN_E_NOT_FOUND, TN_E_NOT_REGULAR, TN_E_READ, TN_E_NOMEM.
 * Release with tni_source_release. */
tn_status tni_source_open(tn_context *ctx, const char *path, tn_source **source_out, tn_error *err);
/* Opens a file in the folder of another source by one plain name component: no '/', not ".", "..",
 * empty, no NUL. A symlink is followed to a regular file (download caches are symlink farms).
 * Errors: TN_E_UNSAFE for a name that is not plain, TN_E_MISSING_FILE if it is not there, else as
 * tni_source_open. */
tn_status tni_source_sibling(tn_source *source, tn_str name, tn_source **source_out, tn_error *err);
/* Opens a file that lies in the folder of the file `beside`, or below it: by a relative path of
 * plain name components, none of which may be a symbolic link, so that nobody can lead out of that
 * folder. Errors: TN_E_UNSAFE for anything else, as tni_source_open. */
tn_status tni_source_beneath(tn_context *ctx, const char *beside, tn_str relative,
                             tn_source **source_out, tn_error *err);
/* Makes a source over borrowed memory; `path` is only for messages. */
tn_status tni_source_memory(tn_context *ctx, const void *data, size_t len, const char *path,
                            tn_source **source_out, tn_error *err);
/* Makes a source that shows [base, base + len) of another, which it retains. TN_E_TRUNCATED beyond
 * its end. */
tn_status tni_source_window(tn_source *source, uint64_t base, uint64_t len, tn_source **source_out,
                            tn_error *err);
tn_source *tni_source_retain(tn_source *source);
void tni_source_release(tn_source *source); /* NULL is fine */

/* Reads exactly `len` bytes at `offset`. Errors: TN_E_TRUNCATED (beyond the end: nothing is read),
 * TN_E_READ, TN_E_CHANGED (file shrank below its size at opening). */
tn_status tni_source_read(tn_source *source, uint64_t offset, void *buffer, size_t len,
                          tn_error *err);
/* Reads the whole range into memory made by tni_alloc, after checking `len` against `limit`
 * (limit's name: `what`). The caller frees it with tni_free. */
tn_status tni_source_load(tn_source *source, uint64_t offset, uint64_t len, uint64_t limit,
                          const char *what, void **data_out, tn_error *err);
uint64_t tni_source_size(const tn_source *source);
/* The path as the user would type it. */
const char *tni_source_path(const tn_source *source);
/* The last component of the path. */
tn_str tni_source_name(const tn_source *source);
/* Identity of the file (device, inode): equal numbers mean the same file. False for memory. */
bool tni_source_identity(const tn_source *source, uint64_t *device_out, uint64_t *inode_out);
/* Gives the descriptor of the file (borrowed) and where the source begins in it, for a helper
 * program that reads it by itself. False for memory. */
bool tni_source_descriptor(const tn_source *source, int *fd_out, uint64_t *base_out);
/* When the file was last written, as it was at opening: seconds since 1970; 0 for memory. */
double tni_source_time(const tn_source *source);
/* Checks that the file still is what it was at opening (size, mtime, ctime). Errors: TN_E_CHANGED.
 */
tn_status tni_source_unchanged(tn_source *source, tn_error *err);

/* Takes note that a hard link to the file was just made, which moves its change time. Errors:
 * TN_E_CHANGED if anything else changed. */
tn_status tni_source_linked(tn_source *source, tn_error *err);

/* Reads standard input to its end, `most` bytes of it at most, into memory that the caller frees
 * with tni_free. Errors: TN_E_READ, TN_E_NOMEM. */
tn_status tni_stdin_load(tn_context *ctx, uint64_t most, void **data_out, size_t *len_out,
                         tn_error *err);

/* A list of plain file names, sorted by bytes. */
typedef struct tni_names {
    tn_str *at;
    size_t count;
} tni_names;

/* Tells whether a name is in a sorted list. */
bool tni_names_has(const tni_names *names, tn_str name);
/* Lists the folder at `path` ("" means "."), at most `limit` names, into the arena. Errors:
 * TN_E_NOT_FOUND, TN_E_READ, TN_E_LIMIT. */
tn_status tni_list_folder(tn_context *ctx, const char *path, uint64_t limit, tni_arena *arena,
                          tni_names *names_out, tn_error *err);

typedef enum tni_path_kind {
    TNI_PATH_NONE,
    TNI_PATH_FILE,
    TNI_PATH_FOLDER,
    TNI_PATH_OTHER
} tni_path_kind;
/* Tells what a path is (following symlinks). Errors: TN_E_READ for anything but "not there". */
tn_status tni_path_kind_of(tn_context *ctx, const char *path, tni_path_kind *kind_out,
                           tn_error *err);

#endif
