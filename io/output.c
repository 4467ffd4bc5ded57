/* Making an output and writing its files into the staging folder. */
#include "io/output.h"

#include "core/checked.h"
#include "core/error.h"
#include "io/follow.h"
#include "io/output_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

/* Files from here on are written out while they are filled, so that the last sync is short. */
enum { WRITEBACK_SIZE = 16 << 20 };

static tn_status fail_exists(tn_error *err, const char *path, const char *what, const char *hint)
{
    tn_status status = tni_fail(err, TN_E_EXISTS, "%s", what);
    tni_error_path(err, path);
    tni_error_hint(err, "%s", hint);
    return status;
}

tn_status tni_output_check_target(const tni_output *output, tn_str name, const char *path,
                                  tn_error *err)
{
    char text[TNI_NAME_ROOM];
    tni_name_text(name, text);
    struct stat info;
    if (output->sys->fstatat(output->folder, text, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? TN_OK
                               : tni_fail_write(err, errno, path, "cannot look up the output");
    }
    if (S_ISDIR(info.st_mode)) {
        return fail_exists(err, path, "the output is an existing folder",
                           "give the name of a file in it");
    }
    if (!S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode)) {
        tn_status status =
            tni_fail(err, TN_E_WRITE, "the output is a pipe, a socket or a device, not a file");
        tni_error_path(err, path);
        tni_error_hint(err, "write to a file and copy it there afterwards");
        return status;
    }
    return output->replace ? TN_OK : fail_exists(err, path, "the output exists", "-f replaces it");
}

/* A folder's target is looked at as a whole. */
static tn_status check_place(const tni_output *output, const char *path, tn_error *err)
{
    return output->is_folder ? tni_folder_check_target(output, path, err)
                             : tni_output_check_target(output, output->target, path, err);
}

static tn_status check_marker(const tni_output *output, const char *path, tn_error *err)
{
    char marker[TNI_NAME_ROOM];
    tni_marker_name(output->target, marker);
    struct stat info;
    if (output->sys->fstatat(output->folder, marker, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? TN_OK
                               : tni_fail_write(err, errno, path, "cannot look up the marker");
    }
    tn_status status =
        tni_fail(err, TN_E_BUSY, "another writer is replacing this set, or was interrupted");
    tni_error_path(err, path);
    tni_error_hint(err, "if no other tenon is at work: tenon ckpt recover %s",
                   output->folder_path.data);
    return status;
}

/* Tells whether an old set's name is one that it may have: what it calls its members is input. */
static bool is_old_name(const tni_output *output, tn_str name)
{
    if (output->is_folder) {
        bool folder = name.len > 0 && name.data[name.len - 1] == '/';
        return tni_folder_path_plain(folder ? tn_str_first(name, name.len - 1) : name);
    }
    return tni_name_plain(name) && !tni_name_reserved(name);
}

/* Copies all good names. */
static tn_status copy_old(tni_output *output, const tni_names *old, tn_error *err)
{
    if (old == NULL || old->count == 0) {
        return TN_OK;
    }
    void *block;
    tn_status status = tni_arena_array(&output->arena, old->count, sizeof(tn_str), &block, err);
    output->old.at = block;
    for (size_t i = 0; i < old->count && status == TN_OK; i++) {
        if (is_old_name(output, old->at[i])) {
            tn_str *copy = &output->old.at[output->old.count];
            status = tni_arena_str(&output->arena, old->at[i], copy, err);
            output->old.count += status == TN_OK;
        }
    }
    tni_names_sort(&output->old);
    return status;
}

static tn_status check_name(tn_str name, const char *path, tn_error *err)
{
    tn_status status = TN_OK;
    if (name.len >= TNI_NAME_ROOM) {
        return tni_fail_write(err, ENAMETOOLONG, path, "cannot make the output");
    }
    if (!tni_name_plain(name)) {
        status = tni_fail(err, TN_E_WRITE, "the output has no usable file name");
        tni_error_hint(err, "give a path that ends in a file's name");
    } else if (tni_name_reserved(name)) {
        status = tni_fail(err, TN_E_WRITE, "this name is kept for unfinished outputs");
        tni_error_hint(err, "choose another name");
    }
    if (status != TN_OK) {
        tni_error_path(err, path);
    }
    return status;
}

static tn_status open_output(tni_output *output, bool follow, tn_error *err)
{
    tn_str typed;
    tn_status status =
        tni_path_join(&output->arena, output->typed_folder, output->name, &typed, err);
    if (status == TN_OK) {
        status = check_name(output->name, typed.data, err);
    }
    if (status == TN_OK) {
        tni_followed end = {.folder = -1};
        status = tni_follow(output->sys, &output->arena, output->typed_folder, output->name, follow,
                            &end, err);
        output->folder = end.folder;
        output->folder_path = end.folder_path;
        output->target = end.name;
        output->followed = end.links > 0;
    }
    if (status == TN_OK) {
        status = check_place(output, typed.data, err);
    }
    return status == TN_OK ? check_marker(output, typed.data, err) : status;
}

static tn_status stage_output(tni_output *output, tn_error *err)
{
    tn_status status =
        tni_staging_make(output->sys, output->folder, output->target, output->is_folder,
                         output->folder_path.data, output->staging_name, &output->staging, err);
    if (status != TN_OK) {
        return status;
    }
    return tni_path_join(&output->arena, output->folder_path, tn_str_of(output->staging_name),
                         &output->staging_path, err);
}

tn_status tni_output_new(tn_context *ctx, const char *folder, tn_str name,
                         const tni_output_options *options, tni_output **output_out, tn_error *err)
{
    void *block;
    tn_status status = tni_alloc_array(ctx, 1, sizeof(tni_output), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tni_output *output = block;
    output->ctx = ctx;
    output->sys = tni_sys_of(ctx);
    tni_arena_init(&output->arena, ctx, UINT64_MAX);
    output->folder = output->staging = -1;
    output->replace = options->replace;
    output->same_files = options->same_files;
    output->is_folder = options->folder;
    output->last = &output->sinks;
    atomic_init(&output->failed, false);
    status = tni_arena_str(&output->arena, tn_str_of(folder), &output->typed_folder, err);
    if (status == TN_OK) {
        status = tni_arena_str(&output->arena, name, &output->name, err);
    }
    if (status == TN_OK) {
        status = copy_old(output, options->old, err);
    }
    if (status == TN_OK) {
        status = open_output(output, options->folder || options->old == NULL, err);
    }
    if (status == TN_OK) {
        status = stage_output(output, err);
    }
    if (status != TN_OK) {
        tni_output_free(output);
        return status;
    }
    *output_out = output;
    return TN_OK;
}

/* Reserves the room, so that a full disk is known before the first byte. Where the file system
 * cannot reserve, the file is only made that long. */
static tn_status reserve(const tn_sink *sink, tn_error *err)
{
    const tni_sys *sys = sink->output->sys;
    if (sink->size == 0) {
        return TN_OK;
    }
    if (sink->size > INT64_MAX) {
        return tni_fail_write(err, EFBIG, sink->path.data, "cannot make a file of this size");
    }
    int why;
    do {
        why = sys->fallocate(sink->fd, 0, (off_t)sink->size);
    } while (why == EINTR);
    if (why == EOPNOTSUPP || why == ENOSYS || why == EINVAL) {
        why = sys->ftruncate(sink->fd, (off_t)sink->size) == 0 ? 0 : errno;
    }
    if (why == 0) {
        return TN_OK;
    }
    tn_status status =
        tni_fail_errno(err, TN_E_WRITE, why,
                       "cannot reserve the %" PRIu64 " bytes that this file needs", sink->size);
    tni_error_path(err, sink->path.data);
    tni_hint_write(err, why);
    return status;
}

static tn_status create_file(tn_sink *sink, tn_error *err)
{
    const tni_output *output = sink->output;
    /* Read and write: a finish step reads back what it patches. 0666: the umask decides. */
    sink->fd = output->sys->openat(output->staging, sink->name.data,
                                   O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (sink->fd < 0) {
        return tni_fail_write(err, errno, sink->path.data, "cannot create the file");
    }
    return reserve(sink, err);
}

static tn_status check_member(tni_output *output, tn_str name, const char *path, tn_error *err)
{
    if (output->is_folder) {
        return tni_folder_stage(output, name, path, err);
    }
    tn_status status = check_name(name, path, err);
    if (status == TN_OK && output->followed &&
        (output->n_sinks > 0 || !tn_str_equal(name, output->name))) {
        return fail_exists(err, path, "an output of several files cannot be written through a link",
                           "remove the link or choose another name");
    }
    if (status == TN_OK && !output->followed) {
        status = tni_output_check_target(output, name, path, err);
    }
    return status;
}

static tn_status member_path(tni_output *output, tn_str name, tn_str *path_out, tn_error *err)
{
    tn_str folder = output->typed_folder;
    tn_status status = TN_OK;
    if (output->is_folder) {
        status = tni_path_join(&output->arena, folder, output->name, &folder, err);
    }
    return status == TN_OK ? tni_path_join(&output->arena, folder, name, path_out, err) : status;
}

/* Begins a member: its names, and whether it may be there. */
static tn_status new_sink(tni_output *output, tn_str name, uint64_t size, tn_sink **sink_out,
                          tn_error *err)
{
    void *block;
    tn_status status = tni_arena_alloc(&output->arena, sizeof(tn_sink), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tn_sink *sink = block;
    *sink = (tn_sink){.output = output, .fd = -1, .size = size};
    status = tni_arena_str(&output->arena, name, &sink->name, err);
    if (status == TN_OK) {
        status = member_path(output, name, &sink->path, err);
    }
    if (status == TN_OK) {
        status = check_member(output, name, sink->path.data, err);
    }
    if (status == TN_OK) {
        *sink_out = sink;
    }
    return status;
}

/* Adds a member whose file was made, or gives it up. */
static tn_status add_sink(tni_output *output, tn_sink *sink, tn_status status)
{
    if (status != TN_OK) {
        atomic_store(&output->failed, true);
        if (sink != NULL && sink->fd >= 0) {
            output->sys->close(sink->fd);
        }
        if (sink != NULL) {
            /* Where descriptors have run out, the staging folder cannot be listed to be emptied. */
            (void)output->sys->unlinkat(output->staging, sink->name.data, 0);
        }
        return status;
    }
    *output->last = sink;
    output->last = &sink->next;
    output->n_sinks++;
    return TN_OK;
}

tn_status tni_output_create(tni_output *output, tn_str name, uint64_t size, tn_sink **sink_out,
                            tn_error *err)
{
    tn_sink *sink = NULL;
    tn_status status = new_sink(output, name, size, &sink, err);
    if (status == TN_OK) {
        status = create_file(sink, err);
    }
    status = add_sink(output, sink, status);
    if (status == TN_OK) {
        *sink_out = sink;
    }
    return status;
}

/* Makes the member a clone of an open file. False: this file system has no clones. */
static bool clone_file(tn_sink *sink, int from)
{
    const tni_output *output = sink->output;
    int fd = output->sys->openat(output->staging, sink->name.data,
                                 O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0) {
        return false;
    }
    if (output->sys->clone(fd, from) != 0) {
        output->sys->close(fd);
        output->sys->unlinkat(output->staging, sink->name.data, 0);
        return false;
    }
    sink->fd = fd;
    return true;
}

/* Makes the member a hard link to a source's file, and checks that it is this one. */
static tn_status link_file(tn_sink *sink, tn_source *source, tn_error *err)
{
    const tni_output *output = sink->output;
    const tni_sys *sys = output->sys;
    const char *from = tni_source_path(source);
    struct stat about;
    uint64_t device, inode;
    if (sys->linkat(AT_FDCWD, from, output->staging, sink->name.data, AT_SYMLINK_FOLLOW) != 0) {
        tn_status status = tni_fail_errno(err, TN_E_WRITE, errno, "cannot link it to %s", from);
        tni_error_path(err, sink->path.data);
        tni_error_hint(err, "%s",
                       output->same_files ? "this needs a file system that has hard links"
                                          : "leave --link out: then it is copied");
        return status;
    }
    sink->fd = sys->openat(output->staging, sink->name.data, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (sink->fd < 0 || sys->fstat(sink->fd, &about) != 0) {
        return tni_fail_write(err, errno, sink->path.data, "cannot open the linked file");
    }
    if (!tni_source_identity(source, &device, &inode) || (uint64_t)about.st_dev != device ||
        (uint64_t)about.st_ino != inode) {
        tn_status status = tni_fail(err, TN_E_CHANGED, "the file was replaced while it was linked");
        tni_error_path(err, from);
        return status;
    }
    return tni_source_linked(source, err);
}

tn_status tni_output_link(tni_output *output, tn_str name, tn_source *source, tn_error *err)
{
    tn_sink *sink = NULL;
    int from;
    uint64_t base;
    tn_status status = new_sink(output, name, tni_source_size(source), &sink, err);
    if (status == TN_OK && (!tni_source_descriptor(source, &from, &base) || base != 0)) {
        status = tni_fail(err, TN_E_IMPOSSIBLE, "it is no file of its own that could be linked");
        tni_error_path(err, tni_source_path(source));
    } else if (status == TN_OK && (output->same_files || !clone_file(sink, from))) {
        status = link_file(sink, source, err);
    }
    return add_sink(output, sink, status);
}

const char *tni_output_staged(const tni_output *output)
{
    return output->staging_path.data;
}

void tni_output_free(tni_output *output)
{
    if (output == NULL) {
        return;
    }
    const tni_sys *sys = output->sys;
    for (tn_sink *sink = output->sinks; sink != NULL; sink = sink->next) {
        if (sink->fd >= 0) {
            sys->close(sink->fd);
        }
    }
    if (output->staging >= 0) {
        if (output->is_folder) {
            tni_folder_discard(output);
        }
        if (output->state != TNI_OUTPUT_STUCK) {
            tni_staging_remove(sys, output->folder, output->staging_name, output->staging);
        }
        sys->close(output->staging); /* gives up the lock, so after the removal */
    }
    if (output->folder >= 0) {
        sys->close(output->folder);
    }
    tni_arena_clear(&output->arena);
    tni_free(output->ctx, output);
}

tn_status tni_sink_write(tn_sink *sink, uint64_t offset, const void *data, size_t len,
                         tn_error *err)
{
    const char *from = data;
    int why = 0;
    if (!tni_range_fits(offset, len, sink->size)) {
        atomic_store(&sink->output->failed, true);
        tn_status status =
            tni_fail(err, TN_E_VERIFY,
                     "%zu bytes at byte %" PRIu64 " are outside the file's layout", len, offset);
        tni_error_path(err, sink->path.data);
        return status;
    }
    while (len > 0 && why == 0) {
        ssize_t put = sink->output->sys->pwrite(sink->fd, from, len, (off_t)offset);
        if (put > 0) {
            from += put;
            offset += (uint64_t)put;
            len -= (size_t)put;
        } else if (put == 0) {
            why = EIO; /* no progress and no reason: never try forever */
        } else if (errno != EINTR) {
            why = errno;
        }
    }
    if (why == 0) {
        return TN_OK;
    }
    atomic_store(&sink->output->failed, true);
    tn_status status = tni_fail_write(err, why, sink->path.data, "cannot write the file");
    tni_error_offset(err, offset);
    return status;
}

void tni_sink_written(tn_sink *sink, uint64_t offset, uint64_t len)
{
    if (sink->size >= WRITEBACK_SIZE && len > 0 && tni_range_fits(offset, len, sink->size)) {
        sink->output->sys->writeback(sink->fd, (off_t)offset, (off_t)len);
    }
}

const char *tni_sink_path(const tn_sink *sink)
{
    return sink->path.data;
}
