#include "formats/keras_h5/helper/cage.h"

#include <linux/landlock.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static void limit(int what, rlim_t soft, rlim_t hard)
{
    struct rlimit bounds = {soft, hard};
    (void)setrlimit((__rlimit_resource_t)what, &bounds); /* a limit that stays is one layer less */
}

void tnh_cage_limits(uint64_t cpu_seconds, uint64_t memory)
{
    limit(RLIMIT_CORE, 0, 0);
    limit(RLIMIT_FSIZE, 0, 0);
    limit(RLIMIT_NPROC, 0, 0);
    limit(RLIMIT_CPU, (rlim_t)cpu_seconds, RLIM_INFINITY);
    if (memory != 0) {
        limit(RLIMIT_AS, (rlim_t)memory, (rlim_t)memory);
    }
}

/* Denies every way to the file system: a second layer behind the filter, where the kernel has it.
 * The rights are those of the first version, which every version knows. */
static void deny_files(void)
{
    struct landlock_ruleset_attr rights = {.handled_access_fs =
                                               (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1};
    long rules = syscall(SYS_landlock_create_ruleset, &rights, sizeof rights, 0);
    if (rules >= 0) {
        (void)syscall(SYS_landlock_restrict_self, (int)rules, 0);
        (void)close((int)rules);
    }
}

bool tnh_cage_lock(bool lenient)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return false;
    }
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    deny_files();
    limit(RLIMIT_NOFILE, 5, 5);
    return tnh_cage_filter(lenient);
}
