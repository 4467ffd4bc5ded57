#include "cli/signals.h"

#include <signal.h>
#include <stddef.h>

/* A handler reaches nothing but file-scope variables. */
static tn_context *volatile cancelled_context;
static volatile sig_atomic_t caught;

static void on_signal(int number)
{
    caught = number;
    tn_context_cancel(cancelled_context);
}

void signals_prepare(void)
{
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGPIPE, SIG_DFL);
}

void signals_cancel(tn_context *ctx)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    cancelled_context = ctx;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction old;
        /* A caller such as nohup that ignores a signal means it for us too. */
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) {
            struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
            sigemptyset(&action.sa_mask);
            sigaction(numbers[i], &action, NULL);
        }
    }
}

void signals_finish(void)
{
    if (caught != 0) {
        signal(caught, SIG_DFL);
        raise(caught);
    }
}
