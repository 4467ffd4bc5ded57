/* The redo list of a set that is being moved into place: the content of a commit marker, and the
 * one function that carries it out, for the writer and for recovery alike. */
#ifndef TN_IO_REDO_H
#define TN_IO_REDO_H

#include "core/buffer.h"
#include "io/staging.h"

enum { TNI_MARKER_MAX = 8 << 20 }; /* bytes of a marker that recovery reads */

typedef struct tni_redo {
    tn_str staging;   /* the staging folder's name */
    bool replace;     /* members may replace what has their names */
    tn_str *install;  /* the members in the order to install them, the index last */
    size_t n_install; /* at least 1 */
    tn_str *remove;   /* members of the old set that the new one lacks */
    size_t n_remove;
} tni_redo;

/* Writes the marker's text: lines of a keyword and a length-prefixed name, the last line the
 * CRC-32C of all before it. */
void tni_redo_text(const tni_redo *redo, tni_buffer *text);
/* Reads a marker's text, which may be hostile: every name is a plain component that is not the
 * protocol's own, nothing installed is removed, and the staging folder belongs to `marker` (the
 * marker's name). Names are views of `text`, lists lie in the arena. Errors: TN_E_CORRUPT,
 * TN_E_UNSAFE, TN_E_NOMEM. */
tn_status tni_redo_parse(tn_str text, tn_str marker, tni_arena *arena, tni_redo *redo_out,
                         tn_error *err);

/* Where the work is done. */
typedef struct tni_redo_place {
    const tni_sys *sys;
    int folder;              /* open for fsync */
    int staging;             /* -1: it is gone */
    const char *folder_path; /* for messages */
    const char *marker;      /* the marker's name in the folder */
} tni_redo_place;

/* Rolls forward from any state that a crash may have left: the old index is set aside, members are
 * moved, the index last, old members are removed, the marker is removed; the folder is synced at
 * each step. Errors leave the marker (TN_E_WRITE; TN_E_EXISTS if a foreign file has a member's name
 * and nothing may be replaced: it is never touched), except TN_E_DURABILITY: all is done but the
 * last sync failed. *done_out becomes true once the marker is gone. */
tn_status tni_redo_run(const tni_redo *redo, const tni_redo_place *place, bool *done_out,
                       tn_error *err);

#endif
