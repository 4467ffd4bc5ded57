/* tenon rules invert, explain. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/errors.h"
#include "cli/json.h"
#include "cli/outfile.h"
#include "cli/print.h"
#include "cli/rules.h"

/* Refuses to write the inverse over the file that it is made of. */
static tn_status check_output(const cli_state *cli, tn_error *err)
{
    struct stat rules, output;
    const char *path = cli->set->output;
    if (path == NULL || stat(cli->command.arguments[1], &rules) != 0 || stat(path, &output) != 0 ||
        rules.st_dev != output.st_dev || rules.st_ino != output.st_ino) {
        return TN_OK;
    }
    tn_status status = cli_fail(err, TN_E_SAME_FILE, "the output is the rule file itself");
    cli_error_path(err, path);
    cli_hint(err, "write to another name, then rename it");
    return status;
}

/* Writes the text to -o FILE, or prints it. */
static tn_status write_inverse(cli_state *cli, const tn_model *model, const char *text, size_t len,
                               tn_error *err)
{
    cli_outfile file;
    tn_status status = outfile_open(&file, cli->set->output, model, err);
    if (status != TN_OK) {
        return status;
    }
    fwrite(text, 1, len, file.stream);
    status = outfile_commit(&file, err);
    outfile_close(&file);
    return status;
}

tn_status rules_invert(cli_state *cli, tn_error *err)
{
    tn_rules_options options = rules_options(cli);
    const tn_model *model = NULL;
    tn_report *report = NULL;
    char *text = NULL;
    size_t len = 0;
    FILE *stream = memory(open_memstream(&text, &len));
    tn_status status = check_output(cli, err);
    if (status == TN_OK && cli->command.n_arguments > 2) {
        status = cli_open(cli, 2, &model, err);
    }
    if (status == TN_OK) {
        status = tn_rules_invert(cli->ctx, cli->command.arguments[1], model, &options, stream,
                                 &report, err);
    }
    fclose(stream);
    memory(text);
    if (status == TN_OK) {
        cli->warnings = report;
        notes_print(cli, cli->command.arguments[1], report);
    }
    if (status == TN_OK && (!cli->json || cli->set->output != NULL)) {
        status = write_inverse(cli, model, text, len, err);
    }
    if (status == TN_OK && cli->json) {
        tn_json_out *out = rules_json_begin(cli, "inverse");
        tn_json_str(out, (tn_str){text, len});
        rules_json_end(out, "inverse");
    }
    cli->warnings = NULL;
    tn_report_free(report);
    free(text);
    return status;
}

static void put_str(tn_json_out *out, const char *key, tn_str text)
{
    tn_json_key(out, key);
    tn_json_str(out, text);
}

static void json_stage(tn_json_out *out, const tn_explained_stage *stage)
{
    tn_json_object(out);
    put_str(out, "rule", stage->rule);
    put_str(out, "match", stage->pattern);
    put_str(out, "to", stage->target);
    tn_json_key(out, "bindings");
    tn_json_array(out);
    for (size_t i = 0; i < stage->n_bound; i++) {
        tn_json_object(out);
        put_str(out, "hole", stage->bound[i].hole);
        put_str(out, "value", stage->bound[i].value);
        tn_json_object_end(out);
    }
    tn_json_array_end(out);
    tn_json_key(out, "operations");
    tn_json_array(out);
    for (size_t i = 0; i < stage->n_operations; i++) {
        tn_json_str(out, stage->operations[i]);
    }
    tn_json_array_end(out);
    put_str(out, "forms", stage->forms);
    put_str(out, "why", stage->why);
    tn_json_key(out, "dropped");
    tn_json_bool(out, stage->dropped);
    put_str(out, "result", stage->result);
    tn_json_object_end(out);
}

static void json_explained(cli_state *cli, const tn_explained *said)
{
    tn_json_out *out = rules_json_begin(cli, "explained");
    tn_json_object(out);
    json_name(out, said->name);
    tn_json_key(out, "stages");
    tn_json_array(out);
    for (size_t i = 0; i < said->n_stages; i++) {
        json_stage(out, &said->stages[i]);
    }
    tn_json_array_end(out);
    put_str(out, "result", said->result);
    tn_json_key(out, "almost");
    tn_json_array(out);
    for (size_t i = 0; i < said->n_almost; i++) {
        tn_json_object(out);
        put_str(out, "rule", said->almost[i].rule);
        put_str(out, "match", said->almost[i].pattern);
        put_str(out, "why", said->almost[i].why);
        tn_json_object_end(out);
    }
    tn_json_array_end(out);
    tn_json_object_end(out);
    rules_json_end(out, "explained");
}

/* Prints `  LABEL: TEXT`; nothing where there is no text. */
static void line(const char *label, tn_str text)
{
    if (text.data != NULL) {
        printf("  %s: ", label);
        print_escaped(stdout, text);
        fputc('\n', stdout);
    }
}

static void print_stage(const tn_explained_stage *stage)
{
    line("rule", stage->rule);
    line("match", stage->pattern);
    line("to", stage->target);
    for (size_t i = 0; i < stage->n_bound; i++) {
        printf("  {%.*s}: ", (int)stage->bound[i].hole.len, stage->bound[i].hole.data);
        print_escaped(stdout, stage->bound[i].value);
        fputc('\n', stdout);
    }
    for (size_t i = 0; i < stage->n_operations; i++) {
        line("operation", stage->operations[i]);
    }
    line("forms", stage->forms);
    printf("  %.*s\n", (int)stage->why.len, stage->why.data);
    line("result", stage->result);
}

static void print_explained(const tn_explained *said)
{
    print_escaped(stdout, said->name);
    fputc('\n', stdout);
    for (size_t i = 0; i < said->n_stages; i++) {
        if (said->n_stages > 1) {
            printf("stage %zu\n", i + 1);
        }
        print_stage(&said->stages[i]);
    }
    if (said->n_almost > 0) {
        puts("rules that come nearest");
    }
    for (size_t i = 0; i < said->n_almost; i++) {
        fputs("  ", stdout);
        print_escaped(stdout, said->almost[i].rule);
        fputs(": ", stdout);
        print_escaped(stdout, said->almost[i].pattern);
        printf(": %.*s\n", (int)said->almost[i].why.len, said->almost[i].why.data);
    }
}

tn_status rules_explain(cli_state *cli, tn_error *err)
{
    tn_rules_options options = rules_options(cli);
    const tn_model *model = NULL;
    tn_explanation *explanation = NULL;
    size_t last = cli->command.n_arguments - 1;
    char *name = memory(strdup(cli->command.arguments[last]));
    size_t len = strlen(name);
    tn_status status = TN_OK;
    if (!tn_unescape(name, &len)) {
        status = cli_fail(err, TN_E_USAGE, "the name has a malformed escape: %s", name);
        cli_hint(err, "a backslash is written \\\\");
    }
    if (status == TN_OK && last == 3) {
        status = cli_open(cli, 2, &model, err);
    }
    if (status == TN_OK) {
        status = tn_rules_explain(cli->ctx, cli->command.arguments[1], model, (tn_str){name, len},
                                  &options, &explanation, err);
    }
    if (status == TN_OK && cli->json) {
        json_explained(cli, tn_explanation_of(explanation));
    } else if (status == TN_OK) {
        print_explained(tn_explanation_of(explanation));
    }
    tn_explanation_free(explanation);
    free(name);
    return status;
}
