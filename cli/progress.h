/* The progress bar on stderr. */
#ifndef TENON_CLI_PROGRESS_H
#define TENON_CLI_PROGRESS_H

#include <time.h>

#include <tenon/context.h>

typedef struct cli_progress {
    bool wanted, json;
    bool drawn;
    const char *phase; /* of the bar that stands there */
    struct timespec start, last;
} cli_progress;

/* Decides by --progress, -q and the terminal whether progress is shown. */
void progress_init(cli_progress *progress, const char *when, bool quiet, bool json);
/* A tn_progress_fn; `user` is a progress. Draws after half a second, then ten times a second. */
bool progress_show(void *user, const tn_progress *step);
/* Removes the bar. */
void progress_clear(cli_progress *progress);

#endif
