/* tenon rules: rule files by themselves. */
#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/rules.h"

static const char *const fields[] = {"findings", "tested", "inverse", "explained", "presets"};
enum { FIELDS = sizeof fields / sizeof *fields };

tn_rules_options rules_options(const cli_state *cli)
{
    return (tn_rules_options){.vars = cli->set->vars.items,
                              .n_vars = cli->set->vars.count,
                              .inputs = cli->set->inputs.items,
                              .n_inputs = cli->set->inputs.count};
}

tn_json_out *rules_json_begin(cli_state *cli, const char *field)
{
    tn_json_out *out = json_begin(cli);
    for (size_t i = 0; strcmp(fields[i], field) != 0; i++) {
        tn_json_key(out, fields[i]);
        tn_json_null(out);
    }
    tn_json_key(out, field);
    return out;
}

void rules_json_end(tn_json_out *out, const char *field)
{
    bool behind = false;
    for (size_t i = 0; i < FIELDS; i++) {
        if (behind) {
            tn_json_key(out, fields[i]);
            tn_json_null(out);
        }
        behind = behind || strcmp(fields[i], field) == 0;
    }
}

/* Prints findings as `PLACE: SEVERITY: message`. */
static void print_findings(const tn_report *report)
{
    static const char *const words[] = {[TN_SEVERITY_NOTE] = "note",
                                        [TN_SEVERITY_WARNING] = "warning",
                                        [TN_SEVERITY_ERROR] = "error"};
    for (size_t i = 0; i < tn_report_count(report); i++) {
        const tn_finding *finding = tn_report_at(report, i);
        print_escaped(stdout, finding->rule);
        printf("%s%s: %.*s\n", finding->rule.len > 0 ? ": " : "", words[finding->severity],
               (int)finding->message.len, finding->message.data);
    }
}

/* Tells whether there is more than notes. */
static bool found_something(const tn_report *report)
{
    return tn_report_severity(report, TN_SEVERITY_WARNING) +
               tn_report_severity(report, TN_SEVERITY_ERROR) >
           0;
}

/* Lints one file. Returns its exit code. */
static int lint(cli_state *cli, const char *file, tn_error *err)
{
    tn_rules_options options = rules_options(cli);
    tn_report *report = NULL;
    tn_status status = tn_rules_lint(cli->ctx, file, &options, &report, err);
    if (status != TN_OK) {
        return tn_status_exit_code(status);
    }
    int code = found_something(report) ? 1 : 0;
    if (cli->json) {
        tn_json_out *out = rules_json_begin(cli, "findings");
        tn_json_array(out);
        json_findings(out, report);
        tn_json_array_end(out);
        rules_json_end(out, "findings");
    } else if (!cli->set->quiet) {
        print_findings(report);
        if (code == 0) {
            print_escaped(stdout, tn_str_of(file));
            puts(": good");
        }
    }
    tn_report_free(report);
    return code;
}

/* Every file has its own document and its own error; the highest exit code wins. */
static tn_status run_lint(cli_state *cli, tn_error *err)
{
    (void)err;
    for (size_t i = 1; i < cli->command.n_arguments; i++) {
        tn_error own = {0};
        int code = lint(cli, cli->command.arguments[i], &own);
        if (cli->json) {
            json_end(cli, code, &own);
        } else if (own.status != TN_OK) {
            fflush(stdout);
            error_print(cli, &own);
        }
        cli->answer = code > cli->answer ? code : cli->answer;
    }
    return TN_OK;
}

static void json_tested(tn_json_out *out, const tn_rules_tested *tested)
{
    const struct {
        const char *key;
        uint64_t count;
    } counts[] = {{"tensors", tested->tensors},
                  {"renamed", tested->renamed},
                  {"kept", tested->kept},
                  {"made", tested->made},
                  {"dropped", tested->dropped}};
    tn_json_object(out);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        tn_json_key(out, counts[i].key);
        tn_json_u64(out, counts[i].count);
    }
    tn_json_key(out, "inverted");
    tn_json_bool(out, tested->inverted);
    tn_json_object_end(out);
}

static void print_tested(const tn_rules_tested *tested, const tn_report *report)
{
    char *tensors = text_count(tested->tensors, "tensor");
    uint64_t left = tested->renamed + tested->kept + tested->made;
    print_findings(report);
    fputs(tensors, stdout);
    if (left + tested->dropped != tested->tensors) {
        printf(" become %llu", (unsigned long long)left);
    }
    printf(": %llu renamed, %llu kept, ", (unsigned long long)tested->renamed,
           (unsigned long long)tested->kept);
    if (tested->made > 0) {
        printf("%llu made, ", (unsigned long long)tested->made);
    }
    printf("%llu dropped; %s\n", (unsigned long long)tested->dropped,
           tested->inverted ? "the inverse leads back to every tensor that is left"
                            : "there is no inverse");
    free(tensors);
}

static tn_status run_test(cli_state *cli, tn_error *err)
{
    tn_rules_options options = rules_options(cli);
    const tn_model *model = NULL;
    tn_report *report = NULL;
    tn_rules_tested tested;
    tn_status status = cli_open(cli, 2, &model, err);
    if (status == TN_OK) {
        status = tn_rules_test(cli->ctx, cli->command.arguments[1], model, &options, &tested,
                               &report, err);
    }
    if (status != TN_OK) {
        return status;
    }
    cli->answer = tn_report_severity(report, TN_SEVERITY_ERROR) > 0 ? 1 : 0;
    if (cli->json) {
        tn_json_out *out = rules_json_begin(cli, "findings");
        tn_json_array(out);
        json_findings(out, report);
        tn_json_array_end(out);
        tn_json_key(out, "tested");
        json_tested(out, &tested);
        rules_json_end(out, "tested");
    } else if (!cli->set->quiet) {
        print_tested(&tested, report);
    }
    tn_report_free(report);
    return TN_OK;
}

static tn_status run_list(cli_state *cli, tn_error *err)
{
    tn_preset_list *list = NULL;
    const tn_preset *presets = NULL;
    tn_status status = tn_presets_new(cli->ctx, &list, err);
    size_t count = status == TN_OK ? tn_presets(list, &presets) : 0;
    tn_json_out *out = status == TN_OK && cli->json ? rules_json_begin(cli, "presets") : NULL;
    if (out != NULL) {
        tn_json_array(out);
    }
    for (size_t i = 0; i < count; i++) {
        if (out == NULL) {
            printf("preset:%s\n    %.*s\n", presets[i].name, (int)presets[i].about.len,
                   presets[i].about.data);
            continue;
        }
        tn_json_object(out);
        tn_json_key(out, "name");
        tn_json_text(out, presets[i].name);
        tn_json_key(out, "about");
        tn_json_str(out, presets[i].about);
        tn_json_object_end(out);
    }
    if (out != NULL) {
        tn_json_array_end(out);
    }
    tn_presets_free(list);
    return status;
}

tn_status cmd_rules(cli_state *cli, tn_error *err)
{
    static const struct {
        const char *name, *synopsis;
        size_t least, most; /* arguments behind the action */
        tn_status (*run)(cli_state *cli, tn_error *err);
    } actions[] = {{"lint", "FILE…", 1, SIZE_MAX, run_lint},
                   {"test", "FILE A", 2, 2, run_test},
                   {"invert", "FILE [A]", 1, 2, rules_invert},
                   {"explain", "FILE [A] NAME", 2, 3, rules_explain},
                   {"list", "", 0, 0, run_list}};
    const char *action = cli->command.arguments[0];
    size_t count = cli->command.n_arguments - 1;
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(action, actions[i].name) != 0) {
            continue;
        }
        if (count >= actions[i].least && count <= actions[i].most) {
            return actions[i].run(cli, err);
        }
        cli_fail(err, TN_E_USAGE, "rules %s takes %s arguments", action,
                 count < actions[i].least ? "more" : "fewer");
        cli_hint(err, "tenon rules %s%s%s", action, *actions[i].synopsis == '\0' ? "" : " ",
                 actions[i].synopsis);
        return TN_USAGE;
    }
    tn_status status = cli_fail(err, TN_E_USAGE, "rules has no action '%s'", action);
    cli_hint(err, "its actions are: lint, test, invert, explain, list");
    return status;
}
