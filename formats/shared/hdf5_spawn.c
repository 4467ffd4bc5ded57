/* Starts the helper program: never a bare fork, because other threads may hold any lock. */
#include "core/error.h"
#include "formats/shared/hdf5_session.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define HELPER "tenon-hdf5"

enum { HIGH = 20 }; /* descriptors from here on are in nobody's way while they change places */

static bool runs(const char *path)
{
    return access(path, X_OK) == 0;
}

/* Finds the helper beside the program that runs. */
static bool find_beside(char *path, size_t room)
{
    ssize_t len = readlink("/proc/self/exe", path, room - 1);
    if (len <= 0) {
        return false;
    }
    path[len] = '\0';
    char *name = strrchr(path, '/');
    if (name == NULL || (size_t)(name + 1 - path) + sizeof HELPER > room) {
        return false;
    }
    memcpy(name + 1, HELPER, sizeof HELPER);
    return runs(path);
}

static tn_status find_helper(const tn_context *ctx, char *path, size_t room, tn_error *err)
{
    if (ctx->helper_path != NULL) {
        int len = snprintf(path, room, "%s", ctx->helper_path);
        if (len > 0 && (size_t)len < room && runs(path)) {
            return TN_OK;
        }
    } else {
        if (find_beside(path, room)) {
            return TN_OK;
        }
        snprintf(path, room, "%s/%s", TN_LIBEXEC, HELPER);
        if (runs(path)) {
            return TN_OK;
        }
    }
    tn_status status = tni_fail(err, TN_E_UNSUPPORTED,
                                "the helper program " HELPER ", which HDF5 needs, is not there");
    tni_error_hint(err, "install it beside tenon or as %s",
                   ctx->helper_path != NULL ? ctx->helper_path : TN_LIBEXEC "/" HELPER);
    return status;
}

static bool set_actions(posix_spawn_file_actions_t *actions, int input, int socket)
{
    return posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDWR, 0) == 0 &&
           posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_RDWR, 0) == 0 &&
           posix_spawn_file_actions_addopen(actions, 2, "/dev/null", O_RDWR, 0) == 0 &&
           posix_spawn_file_actions_adddup2(actions, input, TNI_H5_INPUT_FD) == 0 &&
           posix_spawn_file_actions_adddup2(actions, socket, TNI_H5_SOCKET_FD) == 0 &&
           posix_spawn_file_actions_addclosefrom_np(actions, TNI_H5_SOCKET_FD + 1) == 0;
}

/* A group of its own, so that a terminal's signals do not reach it; no signal blocked or ignored.
 */
static bool set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    short flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
    return posix_spawnattr_setflags(attributes, flags) == 0 &&
           posix_spawnattr_setpgroup(attributes, 0) == 0 &&
           posix_spawnattr_setsigdefault(attributes, &all) == 0 &&
           posix_spawnattr_setsigmask(attributes, &none) == 0;
}

static int spawn(const char *path, char *const *arguments, int input, int socket, pid_t *pid_out)
{
    char *const environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int why = posix_spawn_file_actions_init(&actions);
    if (why != 0) {
        return why;
    }
    why = posix_spawnattr_init(&attributes);
    if (why == 0) {
        why = set_actions(&actions, input, socket) && set_attributes(&attributes)
                  ? posix_spawn(pid_out, path, &actions, &attributes, arguments, environment)
                  : ENOMEM;
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return why;
}

/* Makes a descriptor that lies high and is closed in other programs that may be started. */
static int lift(int fd)
{
    int high = fd < 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : fcntl(fd, F_DUPFD_CLOEXEC, HIGH);
    if (high < 0 && errno == EINVAL) {
        errno = EMFILE; /* fewer than HIGH descriptors are allowed here */
    }
    return high;
}

tn_status tni_hdf5_spawn(tn_context *ctx, int input, bool may_be_free, uint64_t cpu_seconds,
                         uint64_t memory, pid_t *pid_out, int *socket_out, tn_error *err)
{
    char path[PATH_MAX], cpu[24], bytes[24], name[] = HELPER, caged[] = "caged", free_[] = "free";
    int pair[2], why = 0;
    tn_status status = find_helper(ctx, path, sizeof path, err);
    if (status != TN_OK) {
        return status;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return tni_fail_errno(err, TN_E_READ, errno, "cannot talk to the helper program");
    }
    snprintf(cpu, sizeof cpu, "%" PRIu64, cpu_seconds);
    snprintf(bytes, sizeof bytes, "%" PRIu64, memory);
    char *const arguments[] = {name, may_be_free ? free_ : caged, cpu, bytes, NULL};
    int low = lift(input), high_input = low >= 0 && low < HIGH ? lift(low) : low;
    int high_socket = lift(pair[1]);
    why = high_input < 0 || high_socket < 0
              ? errno
              : spawn(path, arguments, high_input, high_socket, pid_out);
    close(pair[1]);
    if (high_socket >= 0) {
        close(high_socket);
    }
    if (high_input >= 0 && high_input != low) {
        close(high_input);
    }
    if (low >= 0) {
        close(low);
    }
    if (why != 0) {
        close(pair[0]);
        return tni_fail_errno(err, TN_E_READ, why, "cannot start the helper program %s", path);
    }
    *socket_out = pair[0];
    return TN_OK;
}
