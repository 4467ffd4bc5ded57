/* Outputs where the system says no: permissions, read-only and full file systems, size limits. What
 * needs root is skipped without it, but never in CI. */
#include "io/in_scratch.h"
#include "support/faults.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const tni_output_options fresh = {.replace = false};
static const tni_output_options force = {.replace = true};

/* Runs `body` in a child, so that it may change what a process is; its return value comes back. */
static int in_child(int (*body)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(body());
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    return WEXITSTATUS(how);
}

enum { CANNOT_TRY = 99 };

static void held_or_skipped(int code)
{
    if (code == CANNOT_TRY) {
        if (getenv("CI") != NULL) {
            fail_msg("this needs root, and in CI we are root");
        }
        skip();
    }
    assert_int_equal(code, 0);
}

static int write_as_nobody(void)
{
    if (setgid(65534) != 0 || setuid(65534) != 0) {
        return CANNOT_TRY;
    }
    tn_error err = {0};
    return !(one("a.bin", "x", &fresh, &err) == TN_WRITE && err.sys_errno == EACCES &&
             strstr(err.hint, "permissions") != NULL && tn_scratch_count(&scratch) == 0);
}

static void a_forbidden_folder_is_explained(void **state)
{
    (void)state;
    assert_int_equal(chmod(scratch.path, 0555), 0);
    held_or_skipped(in_child(write_as_nobody));
    assert_int_equal(chmod(scratch.path, 0700), 0);
}

/* Mounts over the scratch folder, for this process alone. */
static bool mount_here(unsigned long flags, const char *options)
{
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", scratch.path, "tmpfs", flags, options) == 0;
}

static int write_read_only(void)
{
    if (!mount_here(MS_RDONLY, "size=64k")) {
        return CANNOT_TRY;
    }
    tn_error err = {0};
    return !(one("a.bin", "x", &fresh, &err) == TN_WRITE && err.sys_errno == EROFS &&
             strstr(err.hint, "read-only") != NULL);
}

static void a_read_only_file_system_is_explained(void **state)
{
    (void)state;
    held_or_skipped(in_child(write_read_only));
}

/* Tries to replace "old" by `size` bytes, on a disk where that may not fit. Writing is what meets
 * the full disk where room cannot be reserved. */
static int fill(size_t size, bool reserve)
{
    ctx->sys = tn_faults((tn_fault_plan){.no_fallocate = !reserve});
    char *block = calloc(1, size + 1);
    tni_output *output = NULL;
    tn_sink *sink = NULL;
    tn_error err = {0};
    tn_status status = tni_output_new(ctx, scratch.path, TN_LIT("a"), &force, &output, &err);
    if (status == TN_OK) {
        status = tni_output_create(output, TN_LIT("a"), size, &sink, &err);
    }
    if (status == TN_OK) {
        memset(block, 'x', size);
        status = tni_sink_write(sink, 0, block, size, &err);
    }
    if (status == TN_OK) {
        status = tni_output_commit(output, TN_LIT("a"), &err);
    }
    tni_output_free(output);
    bool held = status == TN_OK ? tn_scratch_is(&scratch, "a", block)
                                : err.code == TN_E_NO_SPACE && tn_scratch_is(&scratch, "a", "old");
    free(block);
    ctx->sys = NULL;
    return held && tn_scratch_count(&scratch) == 1 ? (int)status : -1;
}

static int fill_disk(void)
{
    enum { DISK = 256 << 10, STEP = 4 << 10 };
    if (!mount_here(0, "size=256k")) {
        return CANNOT_TRY;
    }
    int full = 0;
    for (size_t size = STEP; size <= DISK + STEP; size += STEP) {
        for (int reserve = 0; reserve < 2; reserve++) {
            tn_scratch_write(&scratch, "a", "old");
            int status = fill(size, reserve);
            if (status < 0) {
                return 1;
            }
            full += status == TN_WRITE;
        }
    }
    return full >= 4 ? 0 : 2;
}

static void a_full_disk_keeps_the_old_file(void **state)
{
    (void)state;
    held_or_skipped(in_child(fill_disk));
}

static int fill_inodes(void)
{
    if (!mount_here(0, "nr_inodes=3")) { /* the root, the staging folder, one file */
        return CANNOT_TRY;
    }
    tn_error err = {0};
    tni_output *output = NULL;
    tn_status status = tni_output_new(ctx, scratch.path, TN_LIT("m.index"), &fresh, &output, &err);
    if (status == TN_OK && put(output, "m.data", "x", &err) == TN_OK) {
        status = put(output, "m.index", "x", &err);
    }
    tni_output_free(output);
    return !(status == TN_WRITE && err.code == TN_E_NO_SPACE && tn_scratch_count(&scratch) == 0);
}

static void a_disk_without_inodes_is_full_too(void **state)
{
    (void)state;
    held_or_skipped(in_child(fill_inodes));
}

static int write_beyond_limit(void)
{
    struct rlimit limit = {8, 8};
    signal(SIGXFSZ, SIG_IGN); /* as the program does */
    for (int reserve = 0; reserve < 2; reserve++) {
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0) {
            return CANNOT_TRY;
        }
        ctx->sys = tn_faults((tn_fault_plan){.no_fallocate = reserve == 0});
        tn_error err = {0};
        if (one("a.bin", "longer than eight", &fresh, &err) != TN_WRITE || err.sys_errno != EFBIG ||
            strstr(err.hint, "ulimit -f") == NULL) {
            return 1;
        }
    }
    return tn_scratch_count(&scratch) != 0;
}

static void a_file_size_limit_is_explained(void **state)
{
    (void)state;
    held_or_skipped(in_child(write_beyond_limit));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(a_forbidden_folder_is_explained),
        IN_SCRATCH(a_read_only_file_system_is_explained),
        IN_SCRATCH(a_full_disk_keeps_the_old_file),
        IN_SCRATCH(a_disk_without_inodes_is_full_too),
        IN_SCRATCH(a_file_size_limit_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
