/* The cage of the HDF5 helper: what a process cannot do any more once it is locked in. */
#include "formats/keras_h5/helper/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { ESCAPED = 1, DENIED = 2, NO_CAGE = 3 };

static long try_open(void)
{
    return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static long try_create(void)
{
    return syscall(SYS_open, "/tmp/escaped", O_CREAT | O_WRONLY, 0600);
}

static long try_socket(void)
{
    return syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}

static long try_exec(void)
{
    char *const arguments[] = {NULL};
    return syscall(SYS_execve, "/bin/true", arguments, arguments);
}

static long try_ptrace(void)
{
    return syscall(SYS_ptrace, PTRACE_ATTACH, getppid(), NULL, NULL);
}

static long try_fork(void)
{
    return syscall(SYS_fork);
}

static long try_kill(void)
{
    return syscall(SYS_kill, getppid(), SIGCONT);
}

static long try_thread_kill(void)
{
    return syscall(SYS_tgkill, getppid(), getppid(), SIGCONT);
}

static long try_limit(void)
{
    return syscall(SYS_prlimit64, 0, 0, NULL, NULL);
}

static long try_unlink(void)
{
    return syscall(SYS_unlinkat, AT_FDCWD, "/tmp/escaped", 0);
}

/* These are killed in every mode. */
static long try_read_other(void)
{
    char byte;
    return syscall(SYS_pread64, 0, &byte, 1, 0);
}

static long try_write_input(void)
{
    return syscall(SYS_write, 3, "x", 1);
}

static long try_write_error(void)
{
    return syscall(SYS_write, 2, "x", 1);
}

static long try_executable(void)
{
    return (long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long try_map_file(void)
{
    return (long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0);
}

static long try_x32(void)
{
    return syscall(0x40000000 | SYS_getpid);
}

/* This must go on working. */
static long try_memory(void)
{
    void *block = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char byte;
    return block != MAP_FAILED && pread(3, &byte, 1, 0) == 1 && write(4, "x", 1) == 1 ? 0 : -1;
}

/* Runs a call in the cage. Returns ESCAPED, DENIED (EPERM), or the signal that ended it, negative.
 */
static int in_cage(long (*call)(void), bool lenient)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int input = open("/etc/passwd", O_RDONLY), pair[2];
        bool ready = socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && dup2(pair[0], 24) == 24 &&
                     dup2(input, 23) == 23 && dup2(23, 3) == 3 && dup2(24, 4) == 4;
        tnh_cage_limits(10, 0);
        if (!ready || !tnh_cage_lock(lenient)) {
            _exit(NO_CAGE);
        }
        long result = call();
        _exit(result >= 0 ? ESCAPED : errno == EPERM ? DENIED : 77);
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    return WIFSIGNALED(how) ? -WTERMSIG(how) : WEXITSTATUS(how);
}

typedef struct attempt {
    const char *name;
    long (*call)(void);
    int lenient, strict; /* what must come of it */
} attempt;

static const attempt attempts[] = {
    {"open", try_open, DENIED, DENIED},
    {"create", try_create, DENIED, DENIED},
    {"unlink", try_unlink, DENIED, DENIED},
    {"tgkill", try_thread_kill, DENIED, DENIED},
    {"prlimit", try_limit, DENIED, DENIED},
    {"socket", try_socket, DENIED, -SIGSYS},
    {"exec", try_exec, DENIED, -SIGSYS},
    {"ptrace", try_ptrace, DENIED, -SIGSYS},
    {"fork", try_fork, DENIED, -SIGSYS},
    {"kill", try_kill, DENIED, -SIGSYS},
    {"read another descriptor", try_read_other, -SIGSYS, -SIGSYS},
    {"write to the input", try_write_input, -SIGSYS, -SIGSYS},
    {"write to standard error", try_write_error, -SIGSYS, -SIGSYS},
    {"executable memory", try_executable, -SIGSYS, -SIGSYS},
    {"map the input", try_map_file, -SIGSYS, -SIGSYS},
    {"x32 call", try_x32, -SIGSYS, -SIGSYS},
    {"its own work", try_memory, ESCAPED, ESCAPED},
};

static void nothing_escapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        const attempt *a = &attempts[i];
        int lenient = in_cage(a->call, true), strict = in_cage(a->call, false);
        if (lenient != a->lenient || strict != a->strict) {
            fail_msg("%s: lenient %d, strict %d", a->name, lenient, strict);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_escapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
