#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"
#include "cli/print.h"

tn_status cli_open(cli_state *cli, size_t index, const tn_model **model_out, tn_error *err)
{
    return cli_open_path(cli, cli->command.arguments[index], model_out, err);
}

tn_status cli_open_path(cli_state *cli, const char *path, const tn_model **model_out, tn_error *err)
{
    tn_open_options options = {.from = cli->set->from, .tags = cli->set->tags};
    cli_input *input = &cli->inputs[cli->n_inputs++];
    *input = (cli_input){.path = path};
    tn_status status = tn_open(cli->ctx, path, &options, &input->model, err);
    if (status != TN_OK) {
        cli_error_path(err, path);
        return status;
    }
    const char *resolved = tn_model_resolved(input->model);
    const char *plain = tn_model_path(input->model);
    if (strcmp(resolved, plain) != 0 && strcmp(resolved, path) != 0) {
        char *where = text_escaped(tn_str_of(resolved));
        char *message = text_format("opened %s (%s)", where, tn_model_format(input->model));
        tn_finding note = {.code = "resolved", .message = tn_str_of(message)};
        note_print(cli, path, &note);
        free(where);
        free(message);
    }
    notes_print(cli, path, tn_model_findings(input->model));
    *model_out = input->model;
    return TN_OK;
}

void cli_close_inputs(cli_state *cli)
{
    for (size_t i = 0; i < cli->n_inputs; i++) {
        tn_model_free(cli->inputs[i].model);
        tn_graph_free(cli->inputs[i].graph);
    }
    cli->n_inputs = 0;
}

tn_status cli_scheme(const cli_state *cli, tn_scheme *scheme_out, tn_error *err)
{
    tn_scheme scheme = TN_SCHEME_NAME;
    if (cli->set->scheme != NULL && !tn_scheme_find(cli->set->scheme, &scheme)) {
        return cli_fail(err, TN_E_USAGE, "there is no scheme %s", cli->set->scheme);
    }
    *scheme_out = scheme;
    return TN_OK;
}

tn_status cli_flush(tn_error *err)
{
    errno = 0;
    if (fflush(stdout) == 0 && ferror(stdout) == 0) {
        return TN_OK;
    }
    return cli_fail_errno(err, errno != 0 ? errno : EIO, "cannot write to the standard output");
}
