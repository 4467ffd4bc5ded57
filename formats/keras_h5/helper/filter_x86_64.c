/* The cage's filter of system calls for x86-64: an allow-list in BPF, without libseccomp. */
#include "formats/keras_h5/helper/cage.h"

#include "formats/shared/hdf5_protocol.h"
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { X32_CALLS = 0x40000000 };

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
/* The low half of an argument: descriptors and protection bits fit it (little-endian). */
#define LOAD_ARGUMENT(n) LOAD(args[n])
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, (what))
/* Goes on with the next instruction if the loaded word is `value`, else skips `count`. */
#define UNLESS_SKIP(value, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (count))
#define KILL RETURN(SECCOMP_RET_KILL_PROCESS)
#define ALLOW RETURN(SECCOMP_RET_ALLOW)
#define ALLOW_CALL(number) UNLESS_SKIP(number, 1), ALLOW
#define KILL_CALL(number) UNLESS_SKIP(number, 1), RETURN(forbidden)
/* Allows a call on one descriptor only. */
#define ALLOW_ON(number, fd) \
    UNLESS_SKIP(number, 4), LOAD_ARGUMENT(0), UNLESS_SKIP(fd, 1), ALLOW, KILL
/* Allows a call unless its third argument asks for executable memory. */
#define ALLOW_UNLESS_EXEC(number)             \
    UNLESS_SKIP(number, 4), LOAD_ARGUMENT(2), \
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1), KILL, ALLOW

bool tnh_cage_filter(bool lenient)
{
    const uint32_t forbidden =
        lenient ? SECCOMP_RET_ERRNO | EPERM : (uint32_t)SECCOMP_RET_KILL_PROCESS;
    const struct sock_filter code[] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
        KILL,
        LOAD(nr),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_CALLS, 0, 1),
        KILL,
        ALLOW_ON(SYS_pread64, TNI_H5_INPUT_FD),
        ALLOW_ON(SYS_read, TNI_H5_SOCKET_FD),
        ALLOW_ON(SYS_write, TNI_H5_SOCKET_FD),
        /* New memory only without a file behind it: descriptor -1. */
        UNLESS_SKIP(SYS_mmap, 6),
        LOAD_ARGUMENT(4),
        UNLESS_SKIP((uint32_t)-1, 3),
        LOAD_ARGUMENT(2),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 1, 0),
        ALLOW,
        KILL,
        ALLOW_UNLESS_EXEC(SYS_mprotect),
        ALLOW_CALL(SYS_brk),
        ALLOW_CALL(SYS_munmap),
        ALLOW_CALL(SYS_mremap),
        ALLOW_CALL(SYS_madvise),
        ALLOW_CALL(SYS_futex),
        ALLOW_CALL(SYS_exit_group),
        ALLOW_CALL(SYS_exit),
        ALLOW_CALL(SYS_rt_sigreturn),
        ALLOW_CALL(SYS_rt_sigprocmask),
        ALLOW_CALL(SYS_sigaltstack), /* sanitizers look where the stack ends */
        ALLOW_CALL(SYS_getpid),
        ALLOW_CALL(SYS_gettid),
        ALLOW_CALL(SYS_clock_gettime),
        ALLOW_CALL(SYS_restart_syscall),
        KILL_CALL(SYS_execve),
        KILL_CALL(SYS_execveat),
        KILL_CALL(SYS_socket),
        KILL_CALL(SYS_connect),
        KILL_CALL(SYS_ptrace),
        KILL_CALL(SYS_process_vm_writev),
        KILL_CALL(SYS_clone),
        KILL_CALL(SYS_clone3),
        KILL_CALL(SYS_fork),
        KILL_CALL(SYS_vfork),
        KILL_CALL(SYS_kill),
        KILL_CALL(SYS_bpf),
        KILL_CALL(SYS_io_uring_setup),
        /* libhdf5 asks for the working directory and takes no for an answer. */
        RETURN(SECCOMP_RET_ERRNO | EPERM),
    };
    const struct sock_fprog program = {.len = sizeof code / sizeof code[0],
                                       .filter = (struct sock_filter *)(uintptr_t)code};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}
