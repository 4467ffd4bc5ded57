/* tenon verify: every stored checksum of every byte. */
#include <stdlib.h>

#include "cli/errors.h"
#include "cli/json.h"
#include "cli/print.h"

static const char *const verdicts[] = {[TN_VERDICT_PROVED] = "proved",
                                       [TN_VERDICT_UNPROVED] = "unproved",
                                       [TN_VERDICT_CORRUPT] = "corrupt"};

static int exit_code_of(const cli_state *cli, tn_verdict verdict)
{
    if (verdict == TN_VERDICT_CORRUPT) {
        return tn_status_exit_code(TN_CORRUPT);
    }
    return verdict == TN_VERDICT_UNPROVED && cli->set->require_checksums
               ? tn_status_exit_code(TN_NO)
               : 0;
}

static void print_json(cli_state *cli, const tn_verified *verified, const tn_report *report)
{
    tn_json_out *out = json_begin(cli);
    tn_json_key(out, "verdict");
    tn_json_text(out, verdicts[verified->verdict]);
    tn_json_key(out, "checked");
    tn_json_object(out);
    tn_json_key(out, "tensors");
    tn_json_u64(out, verified->tensors);
    tn_json_key(out, "bytes");
    tn_json_u64(out, verified->bytes);
    tn_json_object_end(out);
    tn_json_key(out, "without_checksum");
    tn_json_u64(out, verified->without_checksum);
    tn_json_key(out, "findings");
    tn_json_array(out);
    json_findings(out, report);
    tn_json_array_end(out);
}

static void print_verdict(const cli_state *cli, const char *path, const tn_verified *verified)
{
    uint64_t all = verified->tensors + verified->without_checksum;
    char *tensors = text_count(all, "tensor");
    char bytes[TN_NUMBER_ROOM];
    tn_bytes_text(verified->bytes, bytes);
    bool bad = verified->verdict == TN_VERDICT_CORRUPT;
    print_escaped(stdout, tn_str_of(path));
    printf(": %s%s%s", paint_start(cli->color_out, bad ? PAINT_BAD : PAINT_HEAD),
           verdicts[verified->verdict], paint_start(cli->color_out, PAINT_PLAIN));
    if (verified->verdict == TN_VERDICT_UNPROVED) {
        printf(" (%llu of %s carr%s a checksum)\n", (unsigned long long)verified->tensors, tensors,
               verified->tensors == 1 ? "ies" : "y");
    } else if (verified->verdict == TN_VERDICT_PROVED) {
        printf(" (%s, %s)\n", tensors, bytes);
    } else {
        fputc('\n', stdout);
    }
    free(tensors);
}

static void print_findings(const tn_report *report)
{
    for (size_t i = 0; i < tn_report_count(report); i++) {
        const tn_finding *finding = tn_report_at(report, i);
        fputs("  ", stdout);
        if (finding->name.data != NULL) {
            print_escaped(stdout, finding->name);
            fputs(": ", stdout);
        }
        printf("%.*s\n", (int)finding->message.len, finding->message.data);
    }
}

/* Verifies one path and tells its verdict. Returns its exit code. */
static int verify_path(cli_state *cli, size_t index, tn_error *err)
{
    const tn_model *model = NULL;
    tn_verified verified = {0};
    tn_report *report = memory(tn_report_new(cli->ctx));
    tn_status status = cli_open(cli, index, &model, err);
    if (status == TN_OK) {
        status = tn_verify(model, report, &verified, err);
    }
    bool judged = status == TN_OK || status == TN_CORRUPT;
    if (status == TN_CORRUPT) { /* too damaged to open: that is a verdict too */
        verified = (tn_verified){.verdict = TN_VERDICT_CORRUPT};
    }
    if (judged && cli->json) {
        print_json(cli, &verified, report);
    } else if (judged && !cli->set->quiet) {
        print_verdict(cli, cli->inputs[0].path, &verified);
        print_findings(report);
    }
    tn_report_free(report);
    return status == TN_OK ? exit_code_of(cli, verified.verdict) : tn_status_exit_code(status);
}

/* Every path has its own document and its own error; the highest exit code wins. */
tn_status cmd_verify(cli_state *cli, tn_error *err)
{
    for (size_t i = 0; i < cli->command.n_arguments; i++) {
        tn_error own = {0};
        int code = verify_path(cli, i, &own);
        if (own.status == TN_CANCELLED) {
            *err = own;
            return own.status;
        }
        if (cli->json) {
            json_end(cli, code, &own);
        } else if (own.status != TN_OK) {
            fflush(stdout);
            error_print(cli, &own);
        }
        cli->answer = code > cli->answer ? code : cli->answer;
        cli_close_inputs(cli);
    }
    return TN_OK;
}
