/* Moving a staged output into place. */
#include "core/error.h"
#include "io/output_parts.h"
#include "io/redo.h"

#include <errno.h>
#include <fcntl.h>

tn_status tni_output_sync(const tni_sys *sys, int fd, const char *path, tn_error *err)
{
    /* A failed fsync is final: the kernel has dropped the pages, so trying again would lie. */
    return sys->fsync(fd) == 0 ? TN_OK
                               : tni_fail_write(err, errno, path, "cannot sync the file to disk");
}

static tn_status sync_members(const tni_output *output, tn_error *err)
{
    tn_status status = TN_OK;
    for (tn_sink *sink = output->sinks; sink != NULL && status == TN_OK; sink = sink->next) {
        status = tni_output_sync(output->sys, sink->fd, sink->path.data, err);
        if (status == TN_OK) {
            int fd = sink->fd;
            sink->fd = -1;
            if (output->sys->close(fd) != 0) {
                status = tni_fail_write(err, errno, sink->path.data, "cannot close the file");
            }
        }
    }
    return status;
}

static void remove_staging(tni_output *output)
{
    tni_staging_remove(output->sys, output->folder, output->staging_name, output->staging);
    output->sys->close(output->staging);
    output->staging = -1;
}

/* One file: a single rename, so that any moment shows the old file or the new one. */
static tn_status commit_file(tni_output *output, const tn_sink *sink, tn_error *err)
{
    const tni_sys *sys = output->sys;
    const char *path = sink->path.data;
    const char *target = output->followed ? output->target.data : sink->name.data;
    int why = 0;
    if (!output->replace) {
        why = tni_move_new(sys, output->staging, sink->name.data, output->folder, target);
    } else if (sys->renameat2(output->staging, sink->name.data, output->folder, target, 0) != 0) {
        why = errno;
    }
    if (why == EEXIST) {
        tn_status status = tni_fail(err, TN_E_EXISTS, "the output exists: somebody just made it");
        tni_error_path(err, path);
        tni_error_hint(err, "-f replaces it");
        return status;
    }
    if (why != 0) {
        return tni_fail_write(err, why, path, "cannot move the output into place");
    }
    output->state = TNI_OUTPUT_PLACED;
    tn_status status = TN_OK;
    if (sys->fsync(output->folder) != 0) {
        status = tni_fail_errno(err, TN_E_DURABILITY, errno,
                                "the output is in place, but its folder could not be synced");
        tni_error_path(err, path);
    }
    remove_staging(output);
    return status;
}

/* Lists the members, the index last, and what the old set has besides. */
static tn_status make_redo(tni_output *output, const tn_sink *index, tni_redo *redo, tn_error *err)
{
    void *install, *sorted, *remove;
    size_t n = output->n_sinks;
    tn_status status = tni_arena_array(&output->arena, n, sizeof(tn_str), &install, err);
    if (status == TN_OK) {
        status = tni_arena_array(&output->arena, n, sizeof(tn_str), &sorted, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(&output->arena, output->old.count, sizeof(tn_str), &remove, err);
    }
    if (status != TN_OK) {
        return status;
    }
    *redo = (tni_redo){.staging = tn_str_of(output->staging_name),
                       .replace = output->replace,
                       .install = install,
                       .remove = remove};
    for (const tn_sink *sink = output->sinks; sink != NULL; sink = sink->next) {
        if (sink != index) {
            redo->install[redo->n_install++] = sink->name;
        }
    }
    redo->install[redo->n_install++] = index->name;
    tni_names members = {sorted, n};
    memcpy(members.at, redo->install, n * sizeof(tn_str));
    tni_names_sort(&members);
    for (size_t i = 0; i < output->old.count; i++) {
        if (output->replace && !tni_names_has(&members, output->old.at[i])) {
            redo->remove[redo->n_remove++] = output->old.at[i];
        }
    }
    return TN_OK;
}

static tn_status check_targets(const tni_output *output, tn_error *err)
{
    tn_status status = TN_OK;
    for (const tn_sink *sink = output->sinks; sink != NULL && status == TN_OK; sink = sink->next) {
        status = tni_output_check_target(output, sink->name, sink->path.data, err);
    }
    return status;
}

static int write_all(const tni_sys *sys, int fd, const char *data, size_t len)
{
    off_t offset = 0;
    while (len > 0) {
        ssize_t put = sys->pwrite(fd, data, len, offset);
        if (put > 0) {
            data += put;
            offset += put;
            len -= (size_t)put;
        } else if (put == 0 || errno != EINTR) {
            return put == 0 ? EIO : errno;
        }
    }
    return 0;
}

/* Writes the marker under its name in the staging folder, and syncs it, that folder and the one
 * that holds it: it must be whole from the moment it is posted, and what it speaks of must be on
 * the disk, the staging folder's own name too. */
static tn_status stage_marker(tni_output *output, const tni_redo *redo, tn_error *err)
{
    const tni_sys *sys = output->sys;
    const char *path = output->staging_path.data;
    tni_buffer text;
    tni_buffer_init(&text, output->ctx);
    tni_redo_text(redo, &text);
    int fd = -1;
    tn_status status = tni_buffer_check(&text, err);
    if (status == TN_OK && text.len > TNI_MARKER_MAX) {
        status = tni_fail(err, TN_E_WRITE, "the output has too many files");
    }
    if (status == TN_OK) {
        fd = sys->openat(output->staging, TNI_STAGED_MARKER,
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        int why = fd < 0 ? errno : write_all(sys, fd, text.data, text.len);
        status = why == 0 ? tni_output_sync(sys, fd, path, err)
                          : tni_fail_write(err, why, path, "cannot write the commit marker");
    }
    if (fd >= 0 && sys->close(fd) != 0 && status == TN_OK) {
        status = tni_fail_write(err, errno, path, "cannot write the commit marker");
    }
    if (status == TN_OK) {
        status = tni_output_sync(sys, output->staging, path, err);
    }
    if (status == TN_OK) {
        status = tni_output_sync(sys, output->folder, output->folder_path.data, err);
    }
    tni_buffer_clear(&text);
    return status;
}

/* Posts the marker: from here on the set is ours alone, and a crash is for recovery to finish. */
static tn_status post_marker(tni_output *output, const char *marker, tn_error *err)
{
    const char *path = output->folder_path.data;
    int why = tni_move_new(output->sys, output->staging, TNI_STAGED_MARKER, output->folder, marker);
    if (why == EEXIST) {
        tn_status status = tni_fail(err, TN_E_BUSY, "another writer is replacing this set");
        tni_error_path(err, path);
        tni_error_hint(err, "if no other tenon is at work: tenon ckpt recover %s", path);
        return status;
    }
    if (why != 0) {
        return tni_fail_write(err, why, path, "cannot create the commit marker");
    }
    output->state = TNI_OUTPUT_STUCK;
    tn_status status = tni_output_sync(output->sys, output->folder, path, err);
    if (status == TN_OK) {
        /* Another writer may have finished between the first check and our lock. */
        status = check_targets(output, err);
    }
    if (status != TN_OK && output->sys->unlinkat(output->folder, marker, 0) == 0) {
        output->state = TNI_OUTPUT_STAGED; /* nothing was moved yet: all can be discarded */
    }
    return status;
}

static tn_status commit_set(tni_output *output, const tni_redo *redo, tn_error *err)
{
    char marker[TNI_NAME_ROOM];
    tni_marker_name(output->target, marker);
    tn_status status = check_targets(output, err);
    if (status == TN_OK) {
        status = stage_marker(output, redo, err);
    }
    if (status == TN_OK) {
        status = post_marker(output, marker, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tni_redo_place place = {.sys = output->sys,
                            .folder = output->folder,
                            .staging = output->staging,
                            .folder_path = output->folder_path.data,
                            .marker = marker};
    bool done = false;
    status = tni_redo_run(redo, &place, &done, err);
    if (done) {
        output->state = TNI_OUTPUT_PLACED;
        remove_staging(output);
    }
    return status;
}

tn_status tni_output_commit(tni_output *output, tn_str index, tn_error *err)
{
    const tn_sink *found = NULL;
    for (const tn_sink *sink = output->sinks; sink != NULL; sink = sink->next) {
        found = tn_str_equal(sink->name, index) ? sink : found;
    }
    tn_status status = TN_OK;
    if (found == NULL || output->committed || atomic_load(&output->failed)) {
        status = tni_fail(err, TN_E_WRITE, "the output is not complete");
        tni_error_path(err, output->folder_path.data);
    }
    output->committed = true;
    tni_redo redo = {0};
    if (status == TN_OK && !output->is_folder) {
        status = make_redo(output, found, &redo, err);
    }
    if (status == TN_OK) {
        status = sync_members(output, err);
    }
    if (status == TN_OK && output->is_folder) {
        status = tni_folder_commit(output, err);
    } else if (status == TN_OK) {
        status = redo.n_install == 1 && redo.n_remove == 0 ? commit_file(output, found, err)
                                                           : commit_set(output, &redo, err);
    }
    if (output->state == TNI_OUTPUT_STUCK) {
        /* A full disk has a hint already: both are needed. */
        tni_error_hint_line(err, "tenon ckpt recover %s", output->folder_path.data);
    }
    return status;
}
