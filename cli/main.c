/* tenon: reads, checks and converts model weights. */
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/errors.h"
#include "cli/help.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/signals.h"

/* Opens the null device on standard streams that the caller closed, so that no file of ours becomes
 * one of them. */
static void open_standard_streams(void)
{
    int fd = 0;
    while (fd >= 0 && fd <= STDERR_FILENO) {
        fd = open("/dev/null", O_RDWR);
    }
    if (fd > STDERR_FILENO) {
        close(fd);
    }
}

static bool wants_color(const char *when, int fd)
{
    if (when != NULL && strcmp(when, "auto") != 0) {
        return strcmp(when, "always") == 0;
    }
    const char *term = getenv("TERM"), *none = getenv("NO_COLOR");
    return isatty(fd) == 1 && (none == NULL || *none == '\0') &&
           (term == NULL || strcmp(term, "dumb") != 0);
}

static unsigned terminal_width(void)
{
    const char *columns = getenv("COLUMNS");
    uint64_t said = 0;
    struct winsize size;
    if (columns != NULL && size_parse(columns, &said) && said > 0 && said < 10000) {
        return (unsigned)said;
    }
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static void prepare(cli_state *cli)
{
    const cli_settings *set = cli->set = &cli->command.set;
    cli->json_stream = stdout;
    cli->json = set->json || set->jsonl;
    cli->terminal = isatty(STDOUT_FILENO) == 1;
    cli->color_out = !cli->json && wants_color(set->color, STDOUT_FILENO);
    cli->color_err = !cli->json && wants_color(set->color, STDERR_FILENO);
    cli->width = terminal_width();
}

/* Answers --version, --help and the lack of a verb. False: there is a verb to run. */
static bool answer_help(const cli_state *cli, int *exit_out)
{
    *exit_out = 0;
    if (cli->set->version) {
        puts("tenon " TN_VERSION);
    } else if (cli->command.verb != NULL && cli->set->help) {
        help_verb(stdout, cli->command.verb);
    } else if (cli->set->help) {
        help_program(stdout);
    } else if (cli->command.verb == NULL && cli->json) {
        return false;
    } else if (cli->command.verb == NULL) {
        help_short(stderr);
        *exit_out = tn_status_exit_code(TN_USAGE);
    } else {
        return false;
    }
    return true;
}

/* Runs the verb with a context of its own. */
static void run(cli_state *cli, tn_error *err)
{
    cli_progress progress;
    progress_init(&progress, cli->set->progress, cli->set->quiet, cli->json);
    if (cli->set->threads > 1024) {
        cli_fail(err, TN_E_USAGE, "--threads takes at most 1024");
        return;
    }
    tn_context_options options = {.limits = &cli->set->limits,
                                  .threads = (unsigned)cli->set->threads,
                                  .no_sandbox = cli->set->no_sandbox,
                                  .progress = progress_show,
                                  .progress_user = &progress};
    cli->ctx = memory(tn_context_new(&options));
    if (cli->command.verb->stages) {
        signals_cancel(cli->ctx);
    }
    cli->command.verb->run(cli, err);
    progress_clear(&progress);
}

/* Tells the outcome and returns the exit code. */
static int finish(cli_state *cli, tn_error *err)
{
    int code = err->status == TN_OK ? cli->answer : tn_status_exit_code(err->status);
    if (cli->json && !cli->document_done) {
        json_end(cli, code, err);
    } else if (err->status != TN_OK && !cli->json) {
        fflush(stdout);
        error_print(cli, err);
    }
    tn_error lost = {0};
    if (cli_flush(&lost) != TN_OK) {
        error_print(cli, &lost);
        int worse = tn_status_exit_code(lost.status);
        code = worse > code ? worse : code;
    }
    return code;
}

/* Keeps memory that was freed from staying with the process: by default glibc would learn from the
 * first large block to keep the next ones of that size. */
static void prepare_memory(void)
{
    enum { LARGE_BLOCK = 256 << 10 };
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
}

int main(int argc, char **argv)
{
    prepare_memory();
    open_standard_streams();
    signals_prepare();
    cli_state cli = {0};
    tn_error err = {0};
    int code = 0;
    tn_status status = command_parse(argc, argv, &cli.command, &err);
    prepare(&cli);
    if (status == TN_OK && !answer_help(&cli, &code)) {
        if (cli.command.verb != NULL) {
            run(&cli, &err);
        } else {
            cli_fail(&err, TN_E_USAGE, "a verb is missing");
        }
    } else {
        cli.answer = code;
        cli.document_done = status == TN_OK;
    }
    code = finish(&cli, &err);
    cli_close_inputs(&cli);
    tn_context_free(cli.ctx);
    command_clear(&cli.command);
    signals_finish();
    return code;
}
