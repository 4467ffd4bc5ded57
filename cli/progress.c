#include "cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tenon/text.h>

enum { BAR = 24 };
static const double first_after = 0.5, again_after = 0.1;

void progress_init(cli_progress *progress, const char *when, bool quiet, bool json)
{
    const char *term = getenv("TERM");
    bool terminal = isatty(STDERR_FILENO) == 1 && (term == NULL || strcmp(term, "dumb") != 0);
    bool automatic = when == NULL || strcmp(when, "auto") == 0;
    *progress = (struct cli_progress){.json = json};
    progress->wanted = automatic ? terminal && !quiet && !json : strcmp(when, "always") == 0;
    clock_gettime(CLOCK_MONOTONIC, &progress->start);
    progress->last = progress->start;
}

static double seconds_between(struct timespec from, struct timespec to)
{
    return (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
}

static void draw_json(const tn_progress *step)
{
    tn_json_out out;
    tn_json_start(&out, stderr, false);
    tn_json_object(&out);
    tn_json_key(&out, "progress");
    tn_json_object(&out);
    tn_json_key(&out, "phase");
    tn_json_text(&out, step->phase);
    tn_json_key(&out, "done");
    tn_json_u64(&out, step->done);
    tn_json_key(&out, "total");
    tn_json_u64(&out, step->total);
    tn_json_object_end(&out);
    tn_json_object_end(&out);
    fputc('\n', stderr);
}

static void draw_bar(const tn_progress *step, double seconds)
{
    char done[TN_NUMBER_ROOM], rate[TN_NUMBER_ROOM], bar[BAR + 1];
    double per_second = (double)step->done / seconds;
    tn_bytes_text(step->done, done);
    tn_bytes_text((uint64_t)per_second, rate);
    if (step->total == 0) {
        fprintf(stderr, "\r\033[K%s  %s  %s/s", step->phase, done, rate);
        return;
    }
    double part = (double)step->done / (double)step->total;
    part = part > 1 ? 1 : part;
    size_t full = (size_t)(part * BAR);
    memset(bar, '-', BAR);
    memset(bar, '#', full);
    bar[BAR] = '\0';
    double left = per_second > 0 ? (double)(step->total - step->done) / per_second : 0;
    left = step->done > step->total ? 0 : left;
    fprintf(stderr, "\r\033[K%s [%s] %3.0f %%  %s  %s/s  %.0f s left", step->phase, bar, 100 * part,
            done, rate, left);
}

bool progress_show(void *user, const tn_progress *step)
{
    cli_progress *progress = user;
    struct timespec now;
    if (!progress->wanted) {
        return true;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (progress->phase == NULL || strcmp(progress->phase, step->phase) != 0) {
        progress->phase = step->phase; /* a new phase has its own rate */
        progress->start = now;
    }
    double wait = progress->drawn ? again_after : first_after;
    if (seconds_between(progress->last, now) < wait) {
        return true;
    }
    progress->last = now;
    progress->drawn = true;
    if (progress->json) {
        draw_json(step);
    } else {
        double seconds = seconds_between(progress->start, now);
        draw_bar(step, seconds > 0.001 ? seconds : 0.001);
    }
    return true;
}

void progress_clear(cli_progress *progress)
{
    if (progress->drawn && !progress->json) {
        fputs("\r\033[K", stderr);
    }
    progress->drawn = false;
}
