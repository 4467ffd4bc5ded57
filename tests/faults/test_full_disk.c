/* Conversions to a real disk that is too small by every amount: a tmpfs of so many bytes or so many
 * files, in a mount namespace of this process. Then with a limit on the size of files. The output
 * is the old one or the new one, whole, and nothing else is left.
 *
 * Every size of the disk is tried for each conversion, twice: where the file system reserves room
 * beforehand, and where only writing shows that there is none. Of the limits on files at most
 * LIMITS are tried; TN_SWEEP=all tries all. */
#include "faults/scene.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PAGE = 4096, BEYOND = 64 << 10, MORE_FILES = 6, LIMIT_STEP = 37, LIMITS = 12 };

/* ---------------------------------------------------------------- a namespace of our own */

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0) {
        close(fd);
    }
    return written;
}

/* Becomes root of a user namespace, in which anybody may mount. */
static bool enter_user_namespace(void)
{
    char users[64], groups[64];
    snprintf(users, sizeof users, "0 %u 1", (unsigned)geteuid());
    snprintf(groups, sizeof groups, "0 %u 1", (unsigned)getegid());
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
           write_text("/proc/self/setgroups", "deny") && write_text("/proc/self/uid_map", users) &&
           write_text("/proc/self/gid_map", groups);
}

/* Mounts of this process are its own from here on; false if the system does not allow it. */
static bool enter_namespace(void)
{
    bool entered = unshare(CLONE_NEWNS) == 0 || enter_user_namespace();
    return entered && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static bool mount_disk(const char *path, const char *size)
{
    return mount("tmpfs", path, "tmpfs", 0, size) == 0;
}

/* Tells whether a tmpfs can be mounted here at all; if not, the test counts as skipped. */
static bool able(const conv *c)
{
    static bool entered;
    if (!entered && !enter_namespace()) {
        print_message("skipped: no mount namespace: %s\n", strerror(errno));
        return false;
    }
    entered = true;
    if (!mount_disk(c->dir.path, "size=4k")) {
        print_message("skipped: tmpfs cannot be mounted: %s\n", strerror(errno));
        return false;
    }
    assert_int_equal(umount(c->dir.path), 0);
    return true;
}

/* ---------------------------------------------------------------- trials */

static size_t in_pages(size_t bytes)
{
    return (bytes + PAGE - 1) / PAGE * PAGE;
}

static size_t disk_bytes(const tn_folder *folder)
{
    size_t bytes = 0;
    for (size_t i = 0; i < folder->count; i++) {
        bytes += in_pages(folder->files[i].len);
    }
    return bytes;
}

/* Converts, and checks what came of it. `number`: what the system says where there is no room. */
static bool convert(const scene *s, bool reserves, int number, const char *where)
{
    tn_error err = {0};
    tn_fault_plan plan = {.kind = TN_FAULT_NONE, .no_fallocate = !reserves};
    tn_status status = scene_try(s, NULL, tn_faults(plan), &err);
    if (status == TN_OK) {
        assert_true(scene_is_new(s));
        return true;
    }
    if (status != TN_WRITE || err.sys_errno != number || err.path[0] == '\0' ||
        err.hint[0] == '\0' || (number == ENOSPC && err.code != TN_E_NO_SPACE)) {
        fail_msg("%s: %s: %s: %s: %s (hint: %s)", s->title, where, tn_code_name(err.code), err.path,
                 err.message, err.hint);
    }
    if (!scene_is_old(s)) {
        fail_msg("%s: %s: the old one is not as it was", s->title, where);
    }
    return false;
}

static bool try_disk(scene *s, bool reserves, const char *size)
{
    tn_scratch_empty(&s->out);
    assert_true(mount_disk(s->out.path, size));
    tn_folder_put(s->out.path, &s->old);
    bool made = convert(s, reserves, ENOSPC, size);
    assert_int_equal(umount(s->out.path), 0);
    return made;
}

static void count(bool made)
{
    tn_tally(made ? "left the new one" : "left the old one", 1);
}

static void every_size(scene *s)
{
    if (s->options.link) { /* there are no links to another disk */
        return;
    }
    char size[64];
    bool made = false;
    size_t first = disk_bytes(&s->old), last = first + disk_bytes(&s->new) + BEYOND;
    for (size_t bytes = first == 0 ? PAGE : first; bytes <= last; bytes += PAGE) {
        snprintf(size, sizeof size, "size=%zu", bytes);
        tn_tally("disks of too few bytes and just enough", 2);
        made = try_disk(s, true, size);
        count(made);
        count(try_disk(s, false, size));
    }
    assert_true(made);
    for (size_t files = s->old.count + 1; files <= s->old.count + s->new.count + MORE_FILES;
         files++) {
        snprintf(size, sizeof size, "nr_inodes=%zu", files);
        tn_tally("disks of too few files and just enough", 1);
        made = try_disk(s, true, size);
        count(made);
    }
    assert_true(made);
}

static void disk_is_full(void **state)
{
    if (!able(*state)) {
        skip();
    }
    scenes_visit(*state, every_size);
    assert_true(tn_tally_of("left the old one") > 100 && tn_tally_of("left the new one") > 100);
}

static size_t largest(const tn_folder *folder)
{
    size_t most = 0;
    for (size_t i = 0; i < folder->count; i++) {
        most = folder->files[i].len > most ? folder->files[i].len : most;
    }
    return most;
}

static bool try_limit(const scene *s, bool reserves, size_t bytes)
{
    struct rlimit old, now;
    char where[64];
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    now = (struct rlimit){bytes, old.rlim_max};
    snprintf(where, sizeof where, "files of %zu bytes", bytes);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
    bool made = convert(s, reserves, EFBIG, where);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    return made;
}

static void every_limit(scene *s)
{
    bool made = false;
    size_t last = largest(&s->new) + 512; /* room for a commit marker */
    size_t step = LIMIT_STEP * scene_step(last / LIMIT_STEP, LIMITS);
    for (size_t bytes = 0; bytes < last + step; bytes += step) {
        for (int reserves = 0; reserves < 2; reserves++) {
            scene_reset(s);
            tn_tally("limits on the size of files", 1);
            made = try_limit(s, reserves == 1, bytes);
            count(made);
        }
    }
    assert_true(made);
}

static void files_are_limited(void **state)
{
    signal(SIGXFSZ, SIG_IGN); /* as the program does */
    scenes_visit(*state, every_limit);
}

SCENE_MAIN(CONV_TEST(disk_is_full), CONV_TEST(files_are_limited))
