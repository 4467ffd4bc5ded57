/* tenon get: the values of tensors. */
#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"
#include "cli/get.h"
#include "cli/json.h"
#include "cli/keras_order.h"

typedef struct get_form {
    const char *name;
    const char *const *extensions; /* of -o FILE; NULL-terminated */
    bool binary;
    tn_status (*write)(const cli_get *get, tn_error *err);
} get_form;

static const char *const text_names[] = {".txt", NULL};
static const char *const json_names[] = {".json", NULL};
static const char *const npy_names[] = {".npy", NULL};
static const char *const npz_names[] = {".npz", NULL};
static const char *const raw_names[] = {".raw", ".bin", NULL};

static const get_form forms[] = {
    {"text", text_names, false, get_text}, {"json", json_names, false, get_json},
    {"npy", npy_names, true, get_npy},     {"npz", npz_names, true, get_npz},
    {"raw", raw_names, true, get_raw},
};
enum { FORMS = sizeof forms / sizeof *forms };

static const get_form *form_named(const char *name)
{
    const get_form *found = &forms[0];
    for (size_t i = 0; i < FORMS; i++) {
        if (strcmp(forms[i].name, name) == 0) {
            found = &forms[i];
        }
    }
    return found;
}

/* Takes the form from the extension of the output; text where it says nothing. */
static const get_form *form_of_file(const char *path)
{
    for (size_t i = 0; path != NULL && i < FORMS; i++) {
        for (const char *const *name = forms[i].extensions; *name != NULL; name++) {
            if (tn_str_ends(tn_str_of(path), tn_str_of(*name))) {
                return &forms[i];
            }
        }
    }
    return &forms[0];
}

/* Decides the form. With JSON on stdout an error belongs into the document as well. */
static tn_status decide(cli_state *cli, const get_form **form_out, tn_error *err)
{
    const cli_settings *set = cli->set;
    bool to_stdout = set->output == NULL || strcmp(set->output, "-") == 0;
    const get_form *form = set->as != NULL ? form_named(set->as) : form_of_file(set->output);
    if (cli->json && set->as == NULL && to_stdout) {
        form = form_named("json");
    }
    if (cli->json && form->write != get_json) {
        return cli_fail(err, TN_E_USAGE, "--json prints values as JSON, not as %s", form->name);
    }
    if (form->binary && to_stdout && cli->terminal) {
        tn_status status = cli_fail(err, TN_E_USAGE, "%s is not for a terminal", form->name);
        cli_hint(err, "-o FILE, or a pipe");
        return status;
    }
    cli->json = cli->json || (form->write == get_json && to_stdout);
    *form_out = form;
    return TN_OK;
}

/* Chooses the tensors. Only --keras-order needs no name: it then means the whole model. */
static tn_status choose(const cli_state *cli, const tn_model *model, cli_choice *choice,
                        tn_error *err)
{
    return cli->set->keras_order ? keras_order_make(cli, model, 1, choice, err)
                                 : choice_make(cli, model, 1, choice, err);
}

static tn_status check_arguments(const cli_state *cli, tn_error *err)
{
    if (cli->command.n_arguments > 1 || cli->set->keras_order) {
        return TN_OK;
    }
    tn_status status = cli_fail(err, TN_E_USAGE, "get needs another argument: tenon get %s",
                                cli->command.verb->synopsis);
    cli_hint(err, "tenon help get");
    return status;
}

/* Writes the values and puts the file in its place. A document in a file is ended here: it is only
 * there if all went well. */
static tn_status write_values(const cli_get *get, const get_form *form, tn_error *err)
{
    cli_state *cli = get->cli;
    cli->json_stream = get->out->stream;
    tn_status status = form->write(get, err);
    if (get->out->path != NULL && form->write == get_json) {
        if (status == TN_OK) {
            json_end(cli, 0, err);
        }
        cli->document_open = false;
        cli->json_stream = stdout;
    }
    return status == TN_OK ? outfile_commit(get->out, err) : status;
}

tn_status cmd_get(cli_state *cli, tn_error *err)
{
    const tn_model *model = NULL;
    const get_form *form = NULL;
    cli_choice choice = {0};
    cli_outfile out = {0};
    cli_get get = {.cli = cli, .choice = &choice, .out = &out};
    tn_status status = check_arguments(cli, err);
    if (status == TN_OK) {
        status = decide(cli, &form, err);
    }
    if (status == TN_OK) {
        status = get_cast(&get, err);
    }
    if (status == TN_OK) {
        status = cli_open(cli, 0, &model, err);
    }
    if (status == TN_OK) {
        status = choose(cli, model, &choice, err);
    }
    if (status == TN_OK) {
        get_cast_named(&get);
        status = tn_reader_new(cli->ctx, !cli->set->no_checksum, &get.reader, err);
    }
    if (status == TN_OK) {
        status = outfile_open(&out, cli->set->output, model, err);
    }
    if (status == TN_OK) {
        status = write_values(&get, form, err);
        if (status != TN_OK) {
            cli_error_path(err, cli->inputs[0].path);
        }
    }
    outfile_close(&out);
    tn_reader_free(get.reader);
    free(get.named);
    choice_clear(&choice);
    return status;
}
