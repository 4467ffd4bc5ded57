#include "io/redo.h"

#include "core/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

static tn_status fail_at(const tni_redo_place *place, tn_str name, int why, const char *what,
                         tn_error *err)
{
    tn_status status = tni_fail_errno(err, TN_E_WRITE, why, "%s", what);
    tni_error_path(err, place->folder_path);
    tni_error_subject(err, name);
    return status;
}

static tn_status sync_folder(const tni_redo_place *place, tn_error *err)
{
    if (place->sys->fsync(place->folder) != 0) {
        tn_status status = tni_fail_errno(err, TN_E_WRITE, errno, "cannot sync the folder");
        tni_error_path(err, place->folder_path);
        return status;
    }
    return TN_OK;
}

/* Looks a name up without following a link. *there_out says whether it is there. */
static tn_status look(const tni_redo_place *place, int dir, tn_str name, bool *there_out,
                      struct stat *info_out, tn_error *err)
{
    char text[TNI_NAME_ROOM];
    tni_name_text(name, text);
    *there_out = dir >= 0;
    if (dir < 0 || place->sys->fstatat(dir, text, info_out, AT_SYMLINK_NOFOLLOW) == 0) {
        return TN_OK;
    }
    if (errno == ENOENT) {
        *there_out = false;
        return TN_OK;
    }
    return fail_at(place, name, errno, "cannot look up a member of the set", err);
}

static tn_status install(const tni_redo *redo, const tni_redo_place *place, tn_str name,
                         tn_error *err)
{
    char text[TNI_NAME_ROOM];
    tni_name_text(name, text);
    int why = 0;
    if (!redo->replace) {
        why = tni_move_new(place->sys, place->staging, text, place->folder, text);
    } else if (place->sys->renameat2(place->staging, text, place->folder, text, 0) != 0) {
        why = errno;
    }
    if (why == EEXIST) {
        tn_status status =
            tni_fail(err, TN_E_EXISTS, "somebody else made a file with the name of a new member");
        tni_error_path(err, place->folder_path);
        tni_error_subject(err, name);
        return status;
    }
    return why == 0 ? TN_OK : fail_at(place, name, why, "cannot move a member into place", err);
}

/* Installs a member unless an earlier run did: then it is no longer staged but in place. */
static tn_status install_member(const tni_redo *redo, const tni_redo_place *place, tn_str name,
                                tn_error *err)
{
    bool there;
    struct stat info;
    tn_status status = look(place, place->staging, name, &there, &info, err);
    if (status == TN_OK && there) {
        if (!S_ISREG(info.st_mode)) {
            status = tni_fail(err, TN_E_UNSAFE, "a staged member is not a regular file");
            tni_error_path(err, place->folder_path);
            tni_error_subject(err, name);
            return status;
        }
        return install(redo, place, name, err);
    }
    if (status == TN_OK) {
        status = look(place, place->folder, name, &there, &info, err);
    }
    if (status == TN_OK && !there) {
        status = fail_at(place, name, ENOENT, "a member is neither staged nor in place", err);
    }
    return status;
}

/* From here until the new index is in place the set has no index, so that no reader, even one that
 * knows nothing of markers, sees an index over a mixture. */
static tn_status set_old_index_aside(const tni_redo *redo, const tni_redo_place *place,
                                     tn_error *err)
{
    tn_str index = redo->install[redo->n_install - 1];
    bool staged = false;
    bool old = false;
    struct stat new_info, info;
    tn_status status = look(place, place->staging, index, &staged, &new_info, err);
    if (status != TN_OK || !redo->replace || !staged) {
        return status; /* not staged: the new index is in place already */
    }
    status = look(place, place->folder, index, &old, &info, err);
    if (status != TN_OK || !old || tni_same_file(&info, &new_info)) {
        return status; /* under both names: a power cut came between them */
    }
    if (S_ISDIR(info.st_mode)) {
        return fail_at(place, index, EISDIR, "a folder has the name of the new index", err);
    }
    char text[TNI_NAME_ROOM];
    tni_name_text(index, text);
    if (place->sys->renameat2(place->folder, text, place->staging, TNI_STAGED_OLD, 0) != 0) {
        return fail_at(place, index, errno, "cannot set the old index aside", err);
    }
    return sync_folder(place, err);
}

static tn_status install_all(const tni_redo *redo, const tni_redo_place *place, tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; i + 1 < redo->n_install && status == TN_OK; i++) {
        status = install_member(redo, place, redo->install[i], err);
    }
    if (status == TN_OK && redo->n_install > 1) {
        status = sync_folder(place, err);
    }
    if (status == TN_OK) {
        status = install_member(redo, place, redo->install[redo->n_install - 1], err);
    }
    return status == TN_OK ? sync_folder(place, err) : status;
}

static tn_status remove_old(const tni_redo *redo, const tni_redo_place *place, tn_error *err)
{
    for (size_t i = 0; i < redo->n_remove; i++) {
        char text[TNI_NAME_ROOM];
        tni_name_text(redo->remove[i], text);
        /* Gone already is what we want; a folder was never a member. */
        if (place->sys->unlinkat(place->folder, text, 0) != 0 && errno != ENOENT &&
            errno != EISDIR) {
            return fail_at(place, redo->remove[i], errno, "cannot remove a member of the old set",
                           err);
        }
    }
    return redo->n_remove > 0 ? sync_folder(place, err) : TN_OK;
}

tn_status tni_redo_run(const tni_redo *redo, const tni_redo_place *place, bool *done_out,
                       tn_error *err)
{
    tn_status status = set_old_index_aside(redo, place, err);
    if (status == TN_OK) {
        status = install_all(redo, place, err);
    }
    if (status == TN_OK) {
        status = remove_old(redo, place, err);
    }
    if (status != TN_OK) {
        return status;
    }
    if (place->sys->unlinkat(place->folder, place->marker, 0) != 0 && errno != ENOENT) {
        return fail_at(place, tn_str_of(place->marker), errno, "cannot remove the commit marker",
                       err);
    }
    *done_out = true;
    if (place->sys->fsync(place->folder) != 0) {
        status = tni_fail_errno(err, TN_E_DURABILITY, errno,
                                "the new set is in place, but the folder could not be synced");
        tni_error_path(err, place->folder_path);
    }
    return status;
}
