#include "support/faults.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static tn_fault_plan plan;
static atomic_ulong calls;
static atomic_ulong interrupts;
static atomic_uint hit;
static char log_text[256];
static atomic_size_t log_len;

/* The table of a context that has none. */
static const tni_sys *real(void)
{
    static const tn_context plain;
    return tni_sys_of(&plain);
}

/* By SIGKILL nothing is cleaned up, no exit handler or leak check runs. Any other signal may be
 * handled, and then the call goes on. */
static void die(void)
{
    kill(getpid(), plan.signal == 0 ? SIGKILL : plan.signal);
}

static void log_letter(char letter)
{
    size_t at = atomic_fetch_add(&log_len, 1);
    if (at + 1 < sizeof log_text) {
        log_text[at] = letter;
    }
}

typedef enum verdict { GO, FAIL, SHORT, DIE_AFTER } verdict;

static verdict judge(tn_fault_call call)
{
    if (plan.calls != 0 && (plan.calls & (unsigned)call) == 0) {
        return GO;
    }
    unsigned long number = atomic_fetch_add(&calls, 1) + 1;
    bool now = number == plan.at || (plan.sticky && plan.at != 0 && number > plan.at);
    if (!now) {
        return GO;
    }
    atomic_store(&hit, (unsigned)call);
    if (plan.kind == TN_FAULT_NONE && plan.before != NULL) {
        plan.before();
    }
    if (plan.kind == TN_FAULT_DIE_BEFORE) {
        die();
    }
    return plan.kind == TN_FAULT_FAIL        ? FAIL
           : plan.kind == TN_FAULT_SHORT     ? SHORT
           : plan.kind == TN_FAULT_DIE_AFTER ? DIE_AFTER
                                             : GO;
}

static bool interrupted(void)
{
    return plan.interrupt && atomic_fetch_add(&interrupts, 1) % 2 == 0;
}

/* Makes one call under the plan: `type` result, `call` bit, the real expression. */
#define UNDER_PLAN(type, call, expression) \
    verdict v = judge(call);               \
    if (v == FAIL) {                       \
        errno = plan.sys_errno;            \
        return (type)-1;                   \
    }                                      \
    type result = (expression);            \
    if (v == DIE_AFTER) {                  \
        die();                             \
    }                                      \
    return result

static int faulty_openat(int dir, const char *name, int flags, mode_t mode)
{
    UNDER_PLAN(int, TN_CALL_OPENAT, real()->openat(dir, name, flags, mode));
}

/* A failing close closes all the same, as on Linux. */
static int faulty_close(int fd)
{
    verdict v = judge(TN_CALL_CLOSE);
    int result = real()->close(fd);
    if (v == DIE_AFTER) {
        die();
    }
    if (v == FAIL) {
        errno = plan.sys_errno;
        return -1;
    }
    return result;
}

static size_t shortened(size_t len, verdict v)
{
    if (v == SHORT && len > 1) {
        return 1;
    }
    return plan.longest != 0 && len > plan.longest ? plan.longest : len;
}

static ssize_t faulty_pread(int fd, void *buffer, size_t len, off_t offset)
{
    if (interrupted()) {
        errno = EINTR;
        return -1;
    }
    UNDER_PLAN(ssize_t, TN_CALL_PREAD, real()->pread(fd, buffer, shortened(len, v), offset));
}

static ssize_t faulty_pwrite(int fd, const void *buffer, size_t len, off_t offset)
{
    if (interrupted()) {
        errno = EINTR;
        return -1;
    }
    UNDER_PLAN(ssize_t, TN_CALL_PWRITE, real()->pwrite(fd, buffer, shortened(len, v), offset));
}

static int faulty_fallocate(int fd, off_t offset, off_t len)
{
    if (interrupted()) {
        return EINTR;
    }
    verdict v = judge(TN_CALL_FALLOCATE);
    if (v == FAIL) {
        return plan.sys_errno;
    }
    int result = plan.no_fallocate ? EOPNOTSUPP : real()->fallocate(fd, offset, len);
    if (v == DIE_AFTER) {
        die();
    }
    return result;
}

static int faulty_ftruncate(int fd, off_t len)
{
    UNDER_PLAN(int, TN_CALL_FTRUNCATE, real()->ftruncate(fd, len));
}

static int faulty_fsync(int fd)
{
    struct stat info;
    log_letter(real()->fstat(fd, &info) == 0 && S_ISDIR(info.st_mode) ? 'F' : 'f');
    UNDER_PLAN(int, TN_CALL_FSYNC, real()->fsync(fd));
}

static int faulty_renameat2(int from_dir, const char *from, int to_dir, const char *to,
                            unsigned flags)
{
    if (plan.no_noreplace && flags != 0) {
        errno = EINVAL;
        return -1;
    }
    log_letter('r');
    UNDER_PLAN(int, TN_CALL_RENAMEAT2, real()->renameat2(from_dir, from, to_dir, to, flags));
}

static int faulty_unlinkat(int dir, const char *name, int flags)
{
    log_letter('u');
    UNDER_PLAN(int, TN_CALL_UNLINKAT, real()->unlinkat(dir, name, flags));
}

static int faulty_mkdirat(int dir, const char *name, mode_t mode)
{
    UNDER_PLAN(int, TN_CALL_MKDIRAT, real()->mkdirat(dir, name, mode));
}

static int faulty_fstatat(int dir, const char *name, struct stat *out, int flags)
{
    UNDER_PLAN(int, TN_CALL_FSTATAT, real()->fstatat(dir, name, out, flags));
}

static int faulty_fstat(int fd, struct stat *out)
{
    UNDER_PLAN(int, TN_CALL_FSTAT, real()->fstat(fd, out));
}

static int faulty_getdents(int fd, int (*each)(void *user, const char *name), void *user)
{
    UNDER_PLAN(int, TN_CALL_GETDENTS, real()->getdents(fd, each, user));
}

static ssize_t faulty_readlinkat(int dir, const char *name, char *buffer, size_t room)
{
    UNDER_PLAN(ssize_t, TN_CALL_READLINKAT, real()->readlinkat(dir, name, buffer, room));
}

static int faulty_clone(int to, int from)
{
    UNDER_PLAN(int, TN_CALL_CLONE, real()->clone(to, from));
}

static int faulty_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    log_letter('l');
    UNDER_PLAN(int, TN_CALL_LINKAT, real()->linkat(from_dir, from, to_dir, to, flags));
}

static int faulty_flock(int fd, int operation)
{
    UNDER_PLAN(int, TN_CALL_FLOCK, real()->flock(fd, operation));
}

/* Only a hint: it cannot fail, but a process may die there. */
static void faulty_writeback(int fd, off_t offset, off_t len)
{
    verdict v = judge(TN_CALL_WRITEBACK);
    real()->writeback(fd, offset, len);
    if (v == DIE_AFTER) {
        die();
    }
}

static const tni_sys faulty = {
    .openat = faulty_openat,
    .close = faulty_close,
    .pread = faulty_pread,
    .pwrite = faulty_pwrite,
    .fallocate = faulty_fallocate,
    .ftruncate = faulty_ftruncate,
    .fsync = faulty_fsync,
    .renameat2 = faulty_renameat2,
    .unlinkat = faulty_unlinkat,
    .mkdirat = faulty_mkdirat,
    .fstatat = faulty_fstatat,
    .fstat = faulty_fstat,
    .getdents = faulty_getdents,
    .readlinkat = faulty_readlinkat,
    .linkat = faulty_linkat,
    .clone = faulty_clone,
    .flock = faulty_flock,
    .writeback = faulty_writeback,
};

const tni_sys *tn_faults(tn_fault_plan wanted)
{
    plan = wanted;
    atomic_store(&calls, 0);
    atomic_store(&interrupts, 0);
    atomic_store(&hit, 0);
    atomic_store(&log_len, 0);
    memset(log_text, 0, sizeof log_text);
    return &faulty;
}

unsigned long tn_faults_calls(void)
{
    return atomic_load(&calls);
}

const char *tn_faults_log(void)
{
    return log_text;
}

unsigned tn_faults_hit(void)
{
    return atomic_load(&hit);
}
