/* tenon ckpt: folders of checkpoints. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/ckpt_change.h"
#include "cli/errors.h"
#include "cli/json.h"
#include "cli/print.h"

static const char *const classes[] = {[TN_CKPT_LIVE] = "live",
                                      [TN_CKPT_PRESERVED] = "preserved",
                                      [TN_CKPT_UNLISTED] = "unlisted",
                                      [TN_CKPT_INCOMPLETE] = "incomplete"};

enum { TIME_ROOM = 32 };

static const double year_10000 = 253402300800.0; /* RFC 3339 ends before */

/* Writes a time as RFC 3339 in UTC; "" if it is unknown. */
static void time_text(double seconds, char out[TIME_ROOM])
{
    struct tm parts;
    bool known = seconds > 0 && seconds < year_10000;
    time_t whole = known ? (time_t)seconds : 0;
    out[0] = '\0';
    if (known && gmtime_r(&whole, &parts) != NULL) {
        strftime(out, TIME_ROOM, "%Y-%m-%dT%H:%M:%SZ", &parts);
    }
}

static void put_ckpt(tn_json_out *out, const tn_ckpt *ckpt)
{
    char time[TIME_ROOM];
    time_text(ckpt->time, time);
    tn_json_object(out);
    tn_json_key(out, "prefix");
    tn_json_str(out, ckpt->prefix);
    tn_json_key(out, "format");
    tn_json_text(out, "tf_checkpoint");
    tn_json_key(out, "class");
    tn_json_text(out, classes[ckpt->kind]);
    tn_json_key(out, "step");
    if (ckpt->step >= 0) {
        tn_json_i64(out, ckpt->step);
    } else {
        tn_json_null(out);
    }
    tn_json_key(out, "time");
    json_word(out, time);
    tn_json_key(out, "bytes");
    tn_json_u64(out, ckpt->bytes);
    ckpt_put_names(out, "files", ckpt->files, ckpt->n_files);
    ckpt_put_names(out, "missing", ckpt->missing, ckpt->n_missing);
    tn_json_key(out, "interrupted");
    tn_json_bool(out, ckpt->interrupted);
    tn_json_object_end(out);
}

static void print_list_json(cli_state *cli, const tn_ckpt_list *list)
{
    tn_json_out *out = json_begin(cli);
    tn_json_key(out, "directory");
    tn_json_text(out, list->directory);
    tn_json_key(out, "latest");
    tn_json_str(out, list->latest);
    tn_json_key(out, "checkpoints");
    tn_json_array(out);
    for (size_t i = 0; i < list->count; i++) {
        put_ckpt(out, &list->at[i]);
    }
    tn_json_array_end(out);
    ckpt_put_nulls(out, "recovered changes");
}

static void print_list_text(const cli_state *cli, const tn_ckpt_list *list)
{
    cli_table table;
    table_init(&table, "lllrl");
    table.headed = cli->terminal;
    static const char *const heads[] = {"checkpoint", "class", "time", "bytes", ""};
    for (size_t i = 0; table.headed && i < sizeof heads / sizeof *heads; i++) {
        table_text(&table, heads[i]);
    }
    for (size_t i = 0; i < list->count; i++) {
        const tn_ckpt *ckpt = &list->at[i];
        char time[TIME_ROOM], bytes[TN_NUMBER_ROOM];
        time_text(ckpt->time, time);
        tn_bytes_text(ckpt->bytes, bytes);
        table_add(&table, text_escaped(ckpt->prefix));
        table_text(&table, classes[ckpt->kind]);
        table_text(&table, time);
        table_text(&table, bytes);
        bool latest = list->latest.data != NULL && tn_str_equal(list->latest, ckpt->prefix);
        if (ckpt->interrupted) {
            table_text(&table, "interrupted");
        } else if (ckpt->n_missing > 0) {
            char *missing = text_escaped(ckpt->missing[0]);
            table_add(&table, text_format("lacks %s", missing));
            free(missing);
        } else {
            table_text(&table, latest ? "latest" : "");
        }
    }
    table_print(&table, stdout, 0, 0, cli->color_out);
    table_clear(&table);
}

static tn_status run_ls(cli_state *cli, const char *path, tn_error *err)
{
    tn_ckpt_list list;
    tn_status status = tn_ckpt_list_open(cli->ctx, path, &list, err);
    if (status != TN_OK) {
        return status;
    }
    if (cli->json) {
        print_list_json(cli, &list);
    } else {
        print_list_text(cli, &list);
    }
    tn_ckpt_list_clear(&list);
    return TN_OK;
}

static tn_status run_latest(cli_state *cli, const char *path, tn_error *err)
{
    char latest[TN_CKPT_PATH];
    tn_status status = tn_ckpt_latest(cli->ctx, path, latest, err);
    if (status != TN_OK) {
        return status;
    }
    if (cli->json) {
        tn_json_out *out = json_begin(cli);
        ckpt_put_nulls(out, "directory");
        tn_json_key(out, "latest");
        tn_json_text(out, latest);
        ckpt_put_nulls(out, "checkpoints recovered changes");
    } else {
        puts(latest);
    }
    return TN_OK;
}

static void print_recovered(cli_state *cli, const char *path, const tn_report *report,
                            const tn_ckpt_recovered *done)
{
    if (cli->json) {
        tn_json_out *out = json_begin(cli);
        tn_json_key(out, "directory");
        tn_json_text(out, path);
        ckpt_put_nulls(out, "latest checkpoints");
        tn_json_key(out, "recovered");
        tn_json_object(out);
        tn_json_key(out, "finished");
        tn_json_u64(out, done->finished);
        tn_json_key(out, "staging");
        tn_json_u64(out, done->staging);
        tn_json_key(out, "state_mended");
        tn_json_bool(out, done->state_mended);
        tn_json_key(out, "state_rebuilt");
        tn_json_bool(out, done->state_rebuilt);
        tn_json_object_end(out);
        ckpt_put_nulls(out, "changes");
        return;
    }
    for (size_t i = 0; i < tn_report_count(report); i++) {
        const tn_finding *finding = tn_report_at(report, i);
        printf("%.*s\n", (int)finding->message.len, finding->message.data);
    }
    bool any = done->finished + done->staging > 0 || done->state_mended || done->state_rebuilt;
    if (tn_report_count(report) == 0) {
        puts("nothing to recover");
    } else if (any) {
        puts(cli->set->dry_run ? "nothing was changed (-n)" : "done");
    }
}

static tn_status run_recover(cli_state *cli, const char *path, tn_error *err)
{
    tn_ckpt_recovered done = {0};
    tn_report *report = memory(tn_report_new(cli->ctx));
    tn_status status = tn_ckpt_recover(cli->ctx, path, cli->set->update_state, cli->set->dry_run,
                                       report, &done, err);
    if (status == TN_OK) {
        print_recovered(cli, path, report, &done);
    }
    tn_report_free(report);
    return status;
}

/* One action: what it does and takes. */
typedef struct action {
    const char *name;
    tn_status (*run)(cli_state *cli, const char *path, tn_error *err);
    const char *takes;  /* behind its name */
    size_t least, most; /* arguments behind its name */
} action;

static const action actions[] = {
    {"latest", run_latest, "DIR|DIR/BEGINNING", 1, 1}, {"ls", run_ls, "DIR", 1, 1},
    {"prune", ckpt_prune, "DIR --keep N", 1, 1},       {"rename", ckpt_rename, "DIR OLD NEW", 3, 3},
    {"rm", ckpt_rm, "DIR NAME…", 2, SIZE_MAX},         {"recover", run_recover, "DIR", 1, 1},
};

/* Checks that an option was said to the action that it is for. */
static tn_status check_options(const cli_state *cli, const char *name, tn_error *err)
{
    const cli_settings *set = cli->set;
    bool prune = strcmp(name, "prune") == 0;
    if ((set->has_keep || set->keep_every > 0) && !prune) {
        return cli_fail(err, TN_E_USAGE, "%s is for ckpt prune, not for ckpt %s",
                        set->has_keep ? "--keep" : "--keep-every", name);
    }
    if (prune && (!set->has_keep || set->keep == 0)) {
        tn_status status =
            cli_fail(err, TN_E_USAGE, "%s",
                     set->has_keep ? "--keep 0 would delete every checkpoint: at least one stays"
                                   : "ckpt prune needs to know how many stay");
        cli_hint(err, "tenon ckpt prune -n %s --keep 5", cli->command.arguments[1]);
        return status;
    }
    return TN_OK;
}

tn_status cmd_ckpt(cli_state *cli, tn_error *err)
{
    const char *name = cli->command.arguments[0];
    size_t given = cli->command.n_arguments - 1;
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        const action *found = &actions[i];
        if (strcmp(name, found->name) != 0) {
            continue;
        }
        if (given < found->least || given > found->most) {
            tn_status status = cli_fail(err, TN_E_USAGE, "too %s arguments: tenon ckpt %s %s",
                                        given < found->least ? "few" : "many", name, found->takes);
            cli_hint(err, "tenon help ckpt");
            return status;
        }
        tn_status status = check_options(cli, name, err);
        return status == TN_OK ? found->run(cli, cli->command.arguments[1], err) : status;
    }
    tn_status status = cli_fail(err, TN_E_USAGE, "ckpt has no action '%s'", name);
    cli_hint(err, "its actions are: latest, ls, prune, rename, rm, recover");
    return status;
}
