/* A helper program that misbehaves: it stands between tenon and the true tenon-hdf5, passes on what
 * both say, and does something else at one of the helper's frames. A test program is its own proxy:
 * its main calls proxy_serve first. */
#ifndef TN_TESTS_FAULTS_PROXY_H
#define TN_TESTS_FAULTS_PROXY_H

#include "support/scratch.h"
#include <stdatomic.h>
#include <sys/types.h>

/* What it does at the frame. */
typedef enum proxy_way {
    PROXY_HONEST,
    PROXY_KILLED,  /* is killed before the frame */
    PROXY_CRASHES, /* as by a wrong pointer */
    PROXY_EXITS,   /* without a word */
    PROXY_CUTS,    /* ends in the middle of the frame */
    PROXY_HANGS,   /* says nothing more and lives on */
    PROXY_DROPS,   /* leaves the frame out */
    PROXY_REPEATS, /* sends it twice */
    PROXY_SWAPS,   /* sends it after the next one */
    PROXY_RENAMES, /* as one of another kind */
    PROXY_LONGER,  /* with a byte more */
    PROXY_SHORTER, /* with a byte less */
    PROXY_HUGE,    /* with a length of 4 GiB */
    PROXY_LIES,    /* with another number at the payload's beginning */
    PROXY_FLIPS,   /* with a bit of the payload turned */
    PROXY_SIGNALS  /* sends `signal` to `program`, then the frame */
} proxy_way;

/* Shared by the test and all proxies that it causes. */
typedef struct proxy_state {
    atomic_ulong frames; /* that came from true helpers */
    atomic_int hit;      /* the kind of the frame that was hit; 0: none was */
    unsigned long at;    /* which frame, from 1; 0: none */
    proxy_way way;
    int signal;
    pid_t program;
} proxy_state;

typedef struct proxy {
    tn_scratch folder;
    proxy_state *state;
    char path[2 * TN_SCRATCH_PATH]; /* for tn_context_options.helper_path */
} proxy;

/* Makes the folder from which proxies know what to do. */
void proxy_make(proxy *p);
void proxy_remove(proxy *p);
/* Says what proxies do from now on, and counts anew. */
void proxy_set(proxy *p, proxy_way way, unsigned long at);
/* Serves as a proxy and ends the process if it was started as a helper; otherwise returns. */
void proxy_serve(int argc, char **argv);

#endif
