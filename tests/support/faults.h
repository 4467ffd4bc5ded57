/* A system table that counts calls and makes some of them go wrong: the real one, wrapped. One plan
 * at a time for the whole test program; counting is thread-safe. Use:
 *
 *     ctx->sys = tn_faults((tn_fault_plan){.kind = TN_FAULT_FAIL, .at = n, .sys_errno = EIO});
 *     … tn_faults_calls() tells how many calls were made; n = 1, 2, … until none was hit. */
#ifndef TN_TESTS_FAULTS_H
#define TN_TESTS_FAULTS_H

#include "io/sys.h"

typedef enum tn_fault_kind {
    TN_FAULT_NONE,       /* only counts */
    TN_FAULT_FAIL,       /* the call does not happen and fails with sys_errno */
    TN_FAULT_SHORT,      /* a pread or pwrite moves a single byte */
    TN_FAULT_DIE_BEFORE, /* the process gets `signal` right before the call */
    TN_FAULT_DIE_AFTER   /* the process gets `signal` right after the call */
} tn_fault_kind;

/* The calls of the table, as bits. */
typedef enum tn_fault_call {
    TN_CALL_OPENAT = 1 << 0,
    TN_CALL_CLOSE = 1 << 1,
    TN_CALL_PREAD = 1 << 2,
    TN_CALL_PWRITE = 1 << 3,
    TN_CALL_FALLOCATE = 1 << 4,
    TN_CALL_FTRUNCATE = 1 << 5,
    TN_CALL_FSYNC = 1 << 6,
    TN_CALL_RENAMEAT2 = 1 << 7,
    TN_CALL_UNLINKAT = 1 << 8,
    TN_CALL_MKDIRAT = 1 << 9,
    TN_CALL_FSTATAT = 1 << 10,
    TN_CALL_FSTAT = 1 << 11,
    TN_CALL_GETDENTS = 1 << 12,
    TN_CALL_READLINKAT = 1 << 13,
    TN_CALL_LINKAT = 1 << 14,
    TN_CALL_FLOCK = 1 << 15,
    TN_CALL_WRITEBACK = 1 << 16,
    TN_CALL_CLONE = 1 << 17
} tn_fault_call;

typedef struct tn_fault_plan {
    tn_fault_kind kind;
    unsigned long at;     /* which call, from 1; 0 means none */
    bool sticky;          /* all calls from there on */
    int sys_errno;        /* for TN_FAULT_FAIL */
    int signal;           /* for TN_FAULT_DIE_…; 0 means SIGKILL */
    unsigned calls;       /* only these calls count (bits); 0 means all */
    size_t longest;       /* no pread or pwrite moves more bytes than this; 0: as asked */
    bool interrupt;       /* every second pread, pwrite or fallocate fails with EINTR */
    bool no_noreplace;    /* the file system lacks RENAME_NOREPLACE */
    bool no_fallocate;    /* the file system cannot reserve */
    void (*before)(void); /* called before call number `at` (TN_FAULT_NONE): a race */
} tn_fault_plan;

/* Starts a plan and returns the table. */
const tni_sys *tn_faults(tn_fault_plan plan);
/* How many calls that count were made since. */
unsigned long tn_faults_calls(void);
/* The order of what matters for a power cut, one letter a call: f fsync of a file, F fsync of a
 * folder, r rename, l link, u unlink. */
const char *tn_faults_log(void);
/* The call that was hit, or 0. */
unsigned tn_faults_hit(void);

#endif
