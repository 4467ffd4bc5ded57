/* Runs mutants of the fixtures through open, list, read and verify, each batch in a process of its
 * own, and counts what came of them. A finding is a crash, a sanitizer's report, a broken promise,
 * more than 1 s of CPU time (10 s with sanitizers), more than 128 MiB, or values other than the
 * producer's where a checksum covers them.
 *
 *     fuzz_mutants FIXTURES [--count N] [--seed S] [--only NUMBER FOLDER]
 *
 * The seed is today's date unless it is given, and is printed: the same seed gives the same
 * mutants. --only writes one mutant's files into a folder instead. */
#include "mutants.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 1000, WALL_SECONDS = 60, ADDRESSES = 512 << 20, SHOWN = 20 };

#ifdef TN_SANITIZED
enum { CPU_SECONDS = 10, ADDRESSES_LIMITED = 0 };
#else
enum { CPU_SECONDS = 1, ADDRESSES_LIMITED = 1 };
#endif

/* What the workers tell: memory that they share with the parent. */
typedef struct tally {
    uint64_t at; /* the mutant at hand */
    uint64_t fates[FORMS][2][FATES];
    uint64_t codes[TN_CODE_COUNT];
    uint64_t crashes, hangs, memory, wrong;
    uint64_t slowest, slowest_at; /* microseconds */
    uint64_t peak, peak_at;       /* bytes */
} tally;

typedef struct run {
    sets all;
    uint64_t seed, count;
    tally *t;
    uint64_t shown;
    long resident; /* KiB, the most of any worker */
} run;

/* Says what one mutant did. */
static void show(run *r, uint64_t number, const char *what)
{
    mutant m;
    if (r->shown++ >= SHOWN) {
        return;
    }
    mutant_make(&r->all, r->seed, number, &m);
    printf("mutant %" PRIu64 " of seed %" PRIu64 ": %s: %s: %s%s\n", number, r->seed, what,
           m.set->folder, m.how, m.repaired ? ", sums repaired" : "");
    fflush(stdout);
    mutant_clear(&m);
}

/* Counts one mutant; in the worker. */
static void count(run *r, uint64_t number, const mutant *m, const outcome *o)
{
    tally *t = r->t;
    t->fates[m->set->form][m->repaired][o->fate]++;
    t->codes[o->fate == FATE_REFUSED ? o->code : TN_E_NONE]++;
    if (o->fate == FATE_WRONG) {
        t->wrong++;
        show(r, number, "other values than the producer's");
    }
    if (o->code == TN_E_NOMEM) {
        t->memory++;
        show(r, number, "more than 128 MiB");
    }
    if (o->micros > t->slowest) {
        t->slowest = o->micros;
        t->slowest_at = number;
    }
    if (o->peak > t->peak) {
        t->peak = o->peak;
        t->peak_at = number;
    }
}

/* The CPU's clock stops a busy mutant, the wall's one that waits. */
static void set_clocks(void)
{
    const struct itimerval cpu = {.it_value = {.tv_sec = CPU_SECONDS}},
                           wall = {.it_value = {.tv_sec = WALL_SECONDS}};
    setitimer(ITIMER_PROF, &cpu, NULL);
    setitimer(ITIMER_REAL, &wall, NULL);
}

_Noreturn static void work(run *r, uint64_t end)
{
    struct rlimit limit;
    if (ADDRESSES_LIMITED && getrlimit(RLIMIT_AS, &limit) == 0) {
        limit.rlim_cur = ADDRESSES; /* the soft limit alone: a helper program sets its own */
        setrlimit(RLIMIT_AS, &limit);
    }
    for (uint64_t number = r->t->at; number < end; number++) {
        mutant m;
        r->t->at = number;
        mutant_make(&r->all, r->seed, number, &m);
        set_clocks();
        outcome o = mutant_try(&m);
        count(r, number, &m, &o);
        mutant_clear(&m);
    }
    r->t->at = end;
    fflush(stdout);
    _exit(0);
}

/* Runs mutants from t->at on up to `end`; after a crash the next process goes on behind it. */
static void run_batch(run *r, uint64_t end)
{
    while (r->t->at < end) {
        int how;
        struct rusage usage;
        fflush(stdout);
        pid_t pid = fork();
        FUZZ_HOLDS(pid >= 0);
        if (pid == 0) {
            work(r, end);
        }
        while (wait4(pid, &how, 0, &usage) < 0) {
            FUZZ_HOLDS(errno == EINTR);
        }
        r->resident = usage.ru_maxrss > r->resident ? usage.ru_maxrss : r->resident;
        if (!WIFEXITED(how) || WEXITSTATUS(how) != 0) {
            bool hung = WIFSIGNALED(how) && (WTERMSIG(how) == SIGPROF || WTERMSIG(how) == SIGALRM);
            r->t->hangs += hung;
            r->t->crashes += !hung;
            show(r, r->t->at++, hung ? "hang" : "crash");
        }
    }
}

static void print_fates(const run *r)
{
    static const char *const sums[] = {"as they were", "repaired"};
    printf("%-18s%-14s%10s%10s%10s%10s\n", "format", "sums", "mutants", "same", "refused",
           "different");
    for (size_t form = 0; form < FORMS; form++) {
        for (size_t repaired = 0; repaired < (form_is_summed((mutant_form)form) ? 2 : 1);
             repaired++) {
            const uint64_t *fates = r->t->fates[form][repaired];
            uint64_t sum =
                fates[FATE_SAME] + fates[FATE_REFUSED] + fates[FATE_DIFFERENT] + fates[FATE_WRONG];
            printf("%-18s%-14s%10" PRIu64 "%10" PRIu64 "%10" PRIu64 "%10" PRIu64 "\n",
                   mutant_forms[form], form_is_summed((mutant_form)form) ? sums[repaired] : "none",
                   sum, fates[FATE_SAME], fates[FATE_REFUSED],
                   fates[FATE_DIFFERENT] + fates[FATE_WRONG]);
        }
    }
}

/* Prints all; returns whether there were findings. */
static bool print_tally(const run *r)
{
    const tally *t = r->t;
    print_fates(r);
    printf("refused with:");
    for (size_t code = TN_E_NONE + 1; code < TN_CODE_COUNT; code++) {
        if (t->codes[code] > 0) {
            printf(" %s %" PRIu64, tn_code_name((tn_code)code), t->codes[code]);
        }
    }
    printf("\nslowest: %" PRIu64 " ms (mutant %" PRIu64 "); most memory: %" PRIu64
           " KiB (mutant %" PRIu64 ")",
           t->slowest / 1000, t->slowest_at, t->peak / 1024, t->peak_at);
    if (ADDRESSES_LIMITED) { /* sanitizers keep memory of their own */
        printf("; most resident: %ld MiB", r->resident / 1024);
    }
    printf("\n");
    uint64_t findings = t->crashes + t->hangs + t->memory + t->wrong;
    printf("%" PRIu64 " crashes, %" PRIu64 " hangs, %" PRIu64 " out of memory, %" PRIu64
           " wrong values\n",
           t->crashes, t->hangs, t->memory, t->wrong);
    return findings > 0;
}

/* Writes one mutant's files into a folder. */
static int keep(const run *r, uint64_t number, const char *folder)
{
    mutant m;
    mutant_make(&r->all, r->seed, number, &m);
    for (size_t i = 0; i < m.set->count; i++) {
        const mut_bytes *bytes = m.differs[i] ? &m.files[i] : &m.set->files[i].bytes;
        char path[2 * SET_NAME];
        snprintf(path, sizeof path, "%s/%s", folder, m.set->files[i].name);
        FILE *file = fopen(path, "wb");
        FUZZ_HOLDS(file != NULL && fwrite(bytes->at, 1, bytes->len, file) == bytes->len &&
                   fclose(file) == 0);
    }
    printf("%s: %s%s; open %s/%s\n", m.set->folder, m.how, m.repaired ? ", sums repaired" : "",
           folder, m.set->main);
    mutant_clear(&m);
    return 0;
}

static uint64_t today(void)
{
    time_t now = time(NULL);
    struct tm date;
    gmtime_r(&now, &date);
    return (uint64_t)(date.tm_year + 1900) * 10000 + (uint64_t)(date.tm_mon + 1) * 100 +
           (uint64_t)date.tm_mday;
}

static int run_all(run *r)
{
    printf("seed %" PRIu64 ": %" PRIu64 " mutants of %zu fixtures\n", r->seed, r->count,
           r->all.count);
    for (uint64_t end = 0; end < r->count;) {
        end = r->count - end < BATCH ? r->count : end + BATCH;
        run_batch(r, end);
    }
    bool failed = print_tally(r);
    printf("%d passed, %d failed, 0 skipped\n", failed ? 0 : 1, failed ? 1 : 0);
    return failed;
}

int main(int argc, char **argv)
{
    run r = {.seed = today(), .count = 200000};
    const char *number = NULL, *folder = NULL;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--count") == 0 && i + 1 < argc) {
            r.count = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            r.seed = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--only") == 0 && i + 2 < argc) {
            number = argv[++i];
            folder = argv[++i];
        } else {
            argc = 0;
        }
    }
    if (argc < 2) {
        fprintf(stderr,
                "usage: fuzz_mutants FIXTURES [--count N] [--seed S] [--only NUMBER FOLDER]\n");
        return 2;
    }
    sets_load(argv[1], &r.all);
    for (size_t i = 0; i < r.all.count; i++) {
        if (!set_repair_holds(&r.all.at[i])) {
            fprintf(stderr, "the sums of %s are not what table_repair makes\n", r.all.at[i].folder);
            return 1;
        }
    }
    r.t = mmap(NULL, sizeof *r.t, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    FUZZ_HOLDS(r.t != MAP_FAILED);
    int status = number != NULL ? keep(&r, strtoull(number, NULL, 10), folder) : run_all(&r);
    sets_clear(&r.all);
    return status;
}
