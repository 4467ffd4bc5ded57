#include "cli/json.h"

#include <string.h>

static void input_object(tn_json_out *out, const cli_input *input)
{
    const tn_model *model = input->model;
    const tn_graph *graph = input->graph;
    tn_json_object(out);
    tn_json_key(out, "path");
    tn_json_text(out, input->path);
    tn_json_key(out, "resolved");
    tn_json_text(out, graph != NULL   ? tn_graph_path(graph)
                      : model == NULL ? NULL
                                      : tn_model_resolved(model));
    tn_json_key(out, "format");
    tn_json_text(out, graph != NULL   ? "saved_model"
                      : model == NULL ? NULL
                                      : tn_model_format(model));
    tn_json_key(out, "layout");
    json_word(out, model == NULL ? NULL : tn_model_layout(model));
    tn_json_object_end(out);
}

static void warnings_array(const cli_state *cli, tn_json_out *out)
{
    tn_json_array(out);
    for (size_t i = 0; i < cli->n_inputs; i++) {
        if (cli->inputs[i].model != NULL) {
            json_findings(out, tn_model_findings(cli->inputs[i].model));
        }
    }
    if (cli->warnings != NULL) {
        json_findings(out, cli->warnings);
    }
    tn_json_array_end(out);
}

tn_json_out *json_begin(cli_state *cli)
{
    const cli_verb *verb = cli->command.verb;
    tn_json_out *out = &cli->document;
    bool dense = cli->set->jsonl || verb == NULL || verb->run == cmd_verify ||
                 verb->run == cmd_rules || verb->run == cmd_get;
    tn_json_start(out, cli->json_stream, cli->terminal && !dense);
    tn_json_object(out);
    tn_json_key(out, "tenon");
    tn_json_u64(out, 1);
    tn_json_key(out, "verb");
    tn_json_text(out, verb == NULL ? NULL : verb->name);
    tn_json_key(out, "inputs");
    tn_json_array(out);
    for (size_t i = 0; i < cli->n_inputs; i++) {
        input_object(out, &cli->inputs[i]);
    }
    tn_json_array_end(out);
    tn_json_key(out, "warnings");
    warnings_array(cli, out);
    cli->document_open = true;
    return out;
}

/* Writes the verb's own fields as null. */
static void null_fields(tn_json_out *out, const char *fields)
{
    char name[32];
    while (*fields != '\0') {
        size_t span = strcspn(fields, " ");
        if (span < sizeof name) {
            memcpy(name, fields, span);
            name[span] = '\0';
            tn_json_key(out, name);
            tn_json_null(out);
        }
        fields += span + (fields[span] == ' ');
    }
}

void json_end(cli_state *cli, int exit_code, const tn_error *err)
{
    tn_json_out *out = &cli->document;
    if (!cli->document_open) {
        json_begin(cli);
        if (cli->command.verb != NULL) {
            null_fields(out, cli->command.verb->fields);
        }
    }
    tn_json_key(out, "ok");
    if (exit_code > 1) {
        tn_json_null(out);
    } else {
        tn_json_bool(out, exit_code == 0);
    }
    tn_json_key(out, "exit");
    tn_json_u64(out, (uint64_t)exit_code);
    tn_json_key(out, "error");
    if (err->status == TN_OK) {
        tn_json_null(out);
    } else {
        json_error(out, err);
    }
    tn_json_object_end(out);
    fputc('\n', cli->json_stream);
    cli->document_open = false;
    cli->document_done = true;
}

void json_line_begin(tn_json_out *out, FILE *stream)
{
    tn_json_start(out, stream, false);
    tn_json_object(out);
}

void json_line_end(tn_json_out *out)
{
    tn_json_object_end(out);
    fputc('\n', out->stream);
}

static void number_or_null(tn_json_out *out, const char *key, bool has, uint64_t value)
{
    tn_json_key(out, key);
    if (has) {
        tn_json_u64(out, value);
    } else {
        tn_json_null(out);
    }
}

void json_error(tn_json_out *out, const tn_error *err)
{
    tn_json_object(out);
    tn_json_key(out, "code");
    tn_json_text(out, tn_code_name(err->code));
    tn_json_key(out, "status");
    tn_json_text(out, tn_status_word(err->status));
    number_or_null(out, "exit", true, (uint64_t)tn_status_exit_code(err->status));
    tn_json_key(out, "path");
    json_word(out, err->path);
    number_or_null(out, "offset", err->has_offset, err->offset);
    number_or_null(out, "line", err->line != 0, err->line);
    number_or_null(out, "column", err->column != 0, err->column);
    tn_json_key(out, "subject");
    json_word(out, err->subject);
    tn_json_key(out, "message");
    tn_json_text(out, err->message);
    tn_json_key(out, "hint");
    json_word(out, err->hint);
    tn_json_object_end(out);
}

static void form_or_null(tn_json_out *out, const char *key, const tn_form *form)
{
    tn_json_key(out, key);
    if (!form->has) {
        tn_json_null(out);
        return;
    }
    tn_json_object(out);
    tn_json_key(out, "dtype");
    json_dtype(out, form->dtype);
    tn_json_key(out, "shape");
    if (form->any_shape) {
        tn_json_null(out);
    } else {
        json_shape(out, form->rank, form->shape);
    }
    tn_json_object_end(out);
}

static void values_or_null(tn_json_out *out, const tn_value_difference *values)
{
    tn_json_key(out, "values");
    if (!values->has) {
        tn_json_null(out);
        return;
    }
    tn_json_object(out);
    tn_json_key(out, "max_abs");
    json_double(out, values->max_abs);
    tn_json_key(out, "max_rel");
    json_double(out, values->max_rel);
    number_or_null(out, "max_ulp", true, values->max_ulp);
    number_or_null(out, "differ", true, values->differ);
    tn_json_object_end(out);
}

void json_finding(tn_json_out *out, const tn_finding *finding)
{
    static const char *const words[] = {[TN_SEVERITY_NOTE] = "note",
                                        [TN_SEVERITY_WARNING] = "warning",
                                        [TN_SEVERITY_ERROR] = "error"};
    tn_json_object(out);
    tn_json_key(out, "code");
    tn_json_text(out, finding->code);
    tn_json_key(out, "severity");
    tn_json_text(out, words[finding->severity]);
    json_name(out, finding->name);
    tn_json_key(out, "other");
    tn_json_str(out, finding->other);
    form_or_null(out, "expected", &finding->expected);
    form_or_null(out, "found", &finding->found);
    values_or_null(out, &finding->values);
    tn_json_key(out, "message");
    tn_json_str(out, finding->message);
    tn_json_key(out, "rule");
    tn_json_str(out, finding->rule);
    tn_json_key(out, "fix");
    tn_json_str(out, finding->fix);
    tn_json_object_end(out);
}

void json_findings(tn_json_out *out, const tn_report *report)
{
    for (size_t i = 0; i < tn_report_count(report); i++) {
        json_finding(out, tn_report_at(report, i));
    }
}
