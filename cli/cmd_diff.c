/* tenon diff: are these the same weights. */
#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"
#include "cli/json.h"
#include "cli/print.h"

enum { TERMINAL_CAP = 20 }; /* findings of a kind that a terminal gets */

static const struct {
    const char *code, *title;
} kinds[] = {
    {"dtype", "dtypes differ"}, {"shape", "shapes differ"}, {"values", "values differ"},
    {"only_a", "only in A"},    {"only_b", "only in B"},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void print_json(cli_state *cli, const tn_differences *differences, const tn_report *report)
{
    const struct {
        const char *key;
        uint64_t count;
    } counts[] = {{"equal", differences->equal},
                  {"different", differences->different},
                  {"only_a", differences->only_a},
                  {"only_b", differences->only_b}};
    for (size_t i = 0; cli->set->jsonl && i < tn_report_count(report); i++) {
        tn_json_out line;
        tn_json_start(&line, stdout, false);
        json_finding(&line, tn_report_at(report, i));
        fputc('\n', stdout);
    }
    tn_json_out *out = json_begin(cli);
    tn_json_key(out, "matched_by");
    tn_json_text(out, tn_scheme_name(differences->matched_by));
    tn_json_key(out, "counts");
    tn_json_object(out);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        tn_json_key(out, counts[i].key);
        tn_json_u64(out, counts[i].count);
    }
    tn_json_object_end(out);
    if (!cli->set->jsonl) {
        tn_json_key(out, "findings");
        tn_json_array(out);
        json_findings(out, report);
        tn_json_array_end(out);
    }
}

static void print_finding(const cli_state *cli, const tn_finding *finding)
{
    printf("  %s", paint_start(cli->color_out, PAINT_NAME));
    print_escaped(stdout, finding->name.data != NULL ? finding->name : finding->other);
    printf("%s: %.*s\n", paint_start(cli->color_out, PAINT_PLAIN), (int)finding->message.len,
           finding->message.data);
}

/* Prints the findings of one kind below their title. */
static void print_kind(const cli_state *cli, const tn_report *report, size_t kind)
{
    size_t count = 0;
    for (size_t i = 0; i < tn_report_count(report); i++) {
        const tn_finding *finding = tn_report_at(report, i);
        if (finding->severity == TN_SEVERITY_NOTE || strcmp(finding->code, kinds[kind].code) != 0) {
            continue;
        }
        if (count++ == 0) {
            printf("%s%s%s\n", paint_start(cli->color_out, PAINT_HEAD), kinds[kind].title,
                   paint_start(cli->color_out, PAINT_PLAIN));
        }
        if (!cli->terminal || count <= TERMINAL_CAP) {
            print_finding(cli, finding);
        }
    }
    if (cli->terminal && count > TERMINAL_CAP) {
        printf("  and %zu more\n", count - TERMINAL_CAP);
    }
}

static void print_notes(const cli_state *cli, const tn_report *report)
{
    bool titled = false;
    for (size_t i = 0; i < tn_report_count(report); i++) {
        const tn_finding *finding = tn_report_at(report, i);
        if (finding->severity == TN_SEVERITY_NOTE) {
            if (!titled) {
                printf("%snotes%s\n", paint_start(cli->color_out, PAINT_HEAD),
                       paint_start(cli->color_out, PAINT_PLAIN));
            }
            titled = true;
            print_finding(cli, finding);
        }
    }
}

static void print_text(const cli_state *cli, const tn_differences *differences,
                       const tn_report *report)
{
    for (size_t kind = 0; kind < KINDS; kind++) {
        print_kind(cli, report, kind);
    }
    print_notes(cli, report);
    printf("%llu equal, %llu different, %llu only in A, %llu only in B (paired by %s)\n",
           (unsigned long long)differences->equal, (unsigned long long)differences->different,
           (unsigned long long)differences->only_a, (unsigned long long)differences->only_b,
           tn_scheme_name(differences->matched_by));
}

static tn_status run(cli_state *cli, tn_report *report, tn_error *err)
{
    const cli_settings *set = cli->set;
    const tn_model *a = NULL, *b = NULL;
    tn_differences differences = {0};
    tn_diff_options options = {.only = set->only.items,
                               .n_only = set->only.count,
                               .drop = set->drop.items,
                               .n_drop = set->drop.count,
                               .weights_only = set->weights_only,
                               .rules = set->rules.items,
                               .n_rules = set->rules.count,
                               .vars = set->vars.items,
                               .n_vars = set->vars.count,
                               .inputs = set->inputs.items,
                               .n_inputs = set->inputs.count,
                               .rename = set->rename.items,
                               .n_rename = set->rename.count,
                               .ignore_unmatch = set->ignore_unmatch,
                               .has_scheme = set->scheme != NULL,
                               .tolerant = set->has_atol || set->has_rtol || set->has_ulp,
                               .atol = set->atol,
                               .rtol = set->rtol,
                               .ulp = set->ulp,
                               .no_values = set->no_values};
    tn_status status = cli_scheme(cli, &options.scheme, err);
    if (status == TN_OK) {
        status = cli_open(cli, 0, &a, err);
    }
    if (status == TN_OK) {
        status = cli_open(cli, 1, &b, err);
    }
    if (status == TN_OK) {
        status = tn_diff(a, b, &options, report, &differences, err);
    }
    if (status != TN_OK) {
        return status;
    }
    cli->answer = differences.different + differences.only_a + differences.only_b > 0;
    if (cli->json) {
        print_json(cli, &differences, report);
    } else if (!set->quiet) {
        print_text(cli, &differences, report);
    }
    return TN_OK;
}

tn_status cmd_diff(cli_state *cli, tn_error *err)
{
    tn_report *report = memory(tn_report_new(cli->ctx));
    tn_status status = run(cli, report, err);
    tn_report_free(report);
    return status;
}
