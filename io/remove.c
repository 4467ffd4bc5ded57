#include "io/remove.h"

#include "core/error.h"
#include "io/staging.h"

#include <errno.h>
#include <fcntl.h>

tn_status tni_folder_lock(tn_context *ctx, const char *folder, int *fd_out, tn_error *err)
{
    const tni_sys *sys = tni_sys_of(ctx);
    const char *path = folder[0] == '\0' ? "." : folder;
    int fd = sys->openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) {
        return tni_fail_write(err, errno, path, "cannot open the folder");
    }
    if (tni_lock_folder(sys, fd) == TNI_LOCK_HELD_BY_OTHER) {
        sys->close(fd);
        tn_status status = tni_fail(err, TN_E_BUSY, "another tenon is changing this folder");
        tni_error_path(err, path);
        tni_error_hint(err, "wait until it has finished");
        return status;
    }
    *fd_out = fd;
    return TN_OK;
}

void tni_folder_unlock(tn_context *ctx, int fd)
{
    if (fd >= 0) {
        tni_sys_of(ctx)->close(fd);
    }
}

static tn_status remove_one(const tni_sys *sys, int folder, const char *path, tn_str name,
                            tn_error *err)
{
    char text[TNI_NAME_ROOM];
    if (!tni_name_plain(name)) {
        return TN_OK;
    }
    tni_name_text(name, text);
    if (sys->unlinkat(folder, text, 0) == 0 || errno == ENOENT) {
        return TN_OK;
    }
    tn_status status = tni_fail_write(err, errno, path, "cannot remove the file");
    tni_error_subject(err, name);
    return status;
}

tn_status tni_set_remove(tn_context *ctx, int folder, const char *path, const tn_str *names,
                         size_t count, tn_error *err)
{
    const tni_sys *sys = tni_sys_of(ctx);
    tn_status status = TN_OK;
    for (size_t i = 0; i < count && status == TN_OK; i++) {
        status = remove_one(sys, folder, path, names[i], err);
        /* An index that a power cut brings back must find its data files. */
        if (status == TN_OK && i == 0 && count > 1 && sys->fsync(folder) != 0) {
            status = tni_fail_write(err, errno, path, "cannot sync the folder");
        }
    }
    if (status == TN_OK && count > 0 && sys->fsync(folder) != 0) {
        status = tni_fail_errno(err, TN_E_DURABILITY, errno,
                                "the files are gone, but the folder could not be synced");
        tni_error_path(err, path);
    }
    return status;
}
