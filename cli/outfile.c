#include "cli/outfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/errors.h"
#include "cli/print.h"

static tn_status fail_path(const cli_outfile *outfile, int sys_errno, const char *what,
                           tn_error *err)
{
    cli_error_path(err, outfile->path);
    return cli_fail_errno(err, sys_errno, "%s", what);
}

/* Tells whether one of the model's files is the file that `target` describes. */
static bool is_input(const tn_model *model, const struct stat *target)
{
    const tn_model_file *files = NULL;
    const char *resolved = tn_model_resolved(model);
    const char *slash = strrchr(resolved, '/');
    int folder = slash == NULL ? 0 : (int)(slash + 1 - resolved);
    size_t count = tn_model_files(model, &files);
    for (size_t i = 0; i < count; i++) {
        char *path =
            text_format("%.*s%.*s", folder, resolved, (int)files[i].name.len, files[i].name.data);
        struct stat file;
        bool same = stat(path, &file) == 0 && file.st_dev == target->st_dev &&
                    file.st_ino == target->st_ino;
        free(path);
        if (same) {
            return true;
        }
    }
    return false;
}

/* Looks at what stands at the path. Sets `*in_place_out` for what cannot be replaced: devices and
 * pipes. */
static tn_status look(const cli_outfile *outfile, const tn_model *model, bool *in_place_out,
                      tn_error *err)
{
    struct stat target;
    *in_place_out = false;
    if (stat(outfile->path, &target) != 0) {
        return TN_OK; /* what is wrong with it shows when it is made */
    }
    cli_error_path(err, outfile->path);
    if (S_ISDIR(target.st_mode)) {
        tn_status status = cli_fail(err, TN_E_USAGE, "the output is a folder");
        cli_hint(err, "-o %s/FILE", err->path);
        return status;
    }
    if (model != NULL && is_input(model, &target)) {
        tn_status status = cli_fail(err, TN_E_SAME_FILE, "the output is one of the inputs");
        cli_hint(err, "write to another name, then rename it");
        return status;
    }
    err->path[0] = '\0';
    *in_place_out = !S_ISREG(target.st_mode);
    return TN_OK;
}

/* Makes the staged file beside the target, with the mode that the umask gives. */
static tn_status stage(cli_outfile *outfile, tn_error *err)
{
    char *real = realpath(outfile->path, NULL);
    outfile->target = real != NULL ? real : memory(strdup(outfile->path));
    const char *slash = strrchr(outfile->target, '/');
    int folder = slash == NULL ? 0 : (int)(slash + 1 - outfile->target);
    outfile->staged = text_format("%.*s.tenon-XXXXXX", folder, outfile->target);
    int fd = mkstemp(outfile->staged);
    if (fd < 0) {
        int reason = errno;
        free(outfile->staged);
        outfile->staged = NULL;
        return fail_path(outfile, reason, "cannot make the file", err);
    }
    mode_t mask = umask(0);
    umask(mask);
    if (fchmod(fd, 0666 & ~mask) != 0) {
        int reason = errno;
        close(fd);
        return fail_path(outfile, reason, "cannot set the mode of the file", err);
    }
    outfile->stream = memory(fdopen(fd, "w"));
    return TN_OK;
}

tn_status outfile_open(cli_outfile *outfile, const char *path, const tn_model *model, tn_error *err)
{
    bool in_place = false;
    *outfile = (struct cli_outfile){.stream = stdout};
    if (path == NULL || strcmp(path, "-") == 0) {
        return TN_OK;
    }
    outfile->path = path;
    outfile->stream = NULL;
    tn_status status = look(outfile, model, &in_place, err);
    if (status != TN_OK || !in_place) {
        return status == TN_OK ? stage(outfile, err) : status;
    }
    outfile->stream = fopen(path, "w");
    return outfile->stream != NULL ? TN_OK : fail_path(outfile, errno, "cannot open the file", err);
}

tn_status outfile_commit(cli_outfile *outfile, tn_error *err)
{
    if (outfile->path == NULL) {
        return TN_OK; /* stdout is flushed at the end of the program */
    }
    errno = 0;
    bool good = fflush(outfile->stream) == 0 && ferror(outfile->stream) == 0;
    if (!good || (outfile->staged != NULL && fsync(fileno(outfile->stream)) != 0)) {
        return fail_path(outfile, errno != 0 ? errno : EIO, "cannot write the file", err);
    }
    if (outfile->staged != NULL && rename(outfile->staged, outfile->target) != 0) {
        return fail_path(outfile, errno, "cannot put the file in its place", err);
    }
    free(outfile->staged);
    outfile->staged = NULL;
    return TN_OK;
}

void outfile_close(cli_outfile *outfile)
{
    if (outfile->path != NULL && outfile->stream != NULL) {
        fclose(outfile->stream);
    }
    if (outfile->staged != NULL) {
        unlink(outfile->staged);
    }
    free(outfile->staged);
    free(outfile->target);
    *outfile = (struct cli_outfile){0};
}
