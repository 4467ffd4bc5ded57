#include "cli/ckpt_change.h"

#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/signals.h"

static const char *const actions[] = {[TN_CKPT_KEEP] = "keep",
                                      [TN_CKPT_UNLIST] = "unlist",
                                      [TN_CKPT_DELETE] = "delete",
                                      [TN_CKPT_RENAME] = "rename"};

void ckpt_put_names(tn_json_out *out, const char *key, const tn_str *names, size_t count)
{
    tn_json_key(out, key);
    tn_json_array(out);
    for (size_t i = 0; i < count; i++) {
        tn_json_str(out, names[i]);
    }
    tn_json_array_end(out);
}

void ckpt_put_nulls(tn_json_out *out, const char *fields)
{
    while (*fields != '\0') {
        char name[32];
        size_t span = strcspn(fields, " ");
        snprintf(name, sizeof name, "%.*s", (int)span, fields);
        tn_json_key(out, name);
        tn_json_null(out);
        fields += span + (fields[span] == ' ');
    }
}

static void put_step(tn_json_out *out, const tn_ckpt_step *step)
{
    tn_json_object(out);
    tn_json_key(out, "prefix");
    tn_json_str(out, step->ckpt->prefix);
    tn_json_key(out, "action");
    tn_json_text(out, actions[step->action]);
    tn_json_key(out, "reason");
    tn_json_str(out, step->reason);
    tn_json_key(out, "to");
    tn_json_str(out, step->to);
    ckpt_put_names(out, "files", step->ckpt->files, step->ckpt->n_files);
    tn_json_key(out, "bytes");
    tn_json_u64(out, step->ckpt->bytes);
    tn_json_object_end(out);
}

static void print_json(cli_state *cli, const tn_ckpt_change *change)
{
    tn_json_out *out = json_begin(cli);
    tn_json_key(out, "directory");
    tn_json_text(out, change->directory);
    tn_json_key(out, "latest");
    tn_json_str(out, change->latest);
    ckpt_put_nulls(out, "checkpoints recovered");
    tn_json_key(out, "changes");
    tn_json_array(out);
    for (size_t i = 0; i < change->count; i++) {
        put_step(out, &change->steps[i]);
    }
    tn_json_array_end(out);
}

/* Says in words what becomes of a checkpoint, beside its reason. */
static char *detail_of(const tn_ckpt_step *step)
{
    char bytes[TN_NUMBER_ROOM];
    char *text = NULL;
    if (step->action == TN_CKPT_DELETE) {
        char *files = text_count(step->ckpt->n_files, "file");
        tn_bytes_text(step->ckpt->bytes, bytes);
        text = text_format("%s, %s", files, bytes);
        free(files);
    } else if (step->action == TN_CKPT_RENAME) {
        char *to = text_escaped(step->to);
        text = text_format("to %s", to);
        free(to);
    } else {
        text = text_format("%s", "");
    }
    return text;
}

static void print_steps(const cli_state *cli, const tn_ckpt_change *change, bool reasons)
{
    cli_table table;
    table_init(&table, reasons ? "llll" : "lll");
    for (size_t i = 0; i < change->count; i++) {
        const tn_ckpt_step *step = &change->steps[i];
        table_text(&table, actions[step->action]);
        table_add(&table, text_escaped(step->ckpt->prefix));
        table_add(&table, detail_of(step));
        if (reasons) {
            table_add(&table, text_escaped(step->reason));
        }
    }
    table_print(&table, stdout, 0, 0, cli->color_out);
    table_clear(&table);
}

/* Says what the state file will say. */
static void print_state(const tn_ckpt_change *change)
{
    if (!change->changes_state) {
        return;
    }
    if (change->latest.data == NULL) {
        puts("the state file goes: it lists no other checkpoint");
        return;
    }
    fputs("the state file is written anew; the latest is ", stdout);
    print_escaped(stdout, change->latest);
    putchar('\n');
}

static bool does_anything(const tn_ckpt_change *change)
{
    bool any = change->changes_state;
    for (size_t i = 0; i < change->count; i++) {
        any = any || change->steps[i].action != TN_CKPT_KEEP;
    }
    return any;
}

/* Says what is planned, then does it, unless nobody wants that. */
static tn_status tell_and_run(cli_state *cli, tn_ckpt_change *change, bool reasons, tn_error *err)
{
    bool any = does_anything(change);
    if (cli->json) {
        print_json(cli, change);
    } else {
        print_steps(cli, change, reasons);
        print_state(change);
    }
    if (!cli->json && (!any || cli->set->dry_run)) {
        puts(any ? "nothing was changed (-n)" : "nothing to do");
    }
    tn_status status = TN_OK;
    if (any && !cli->set->dry_run) {
        /* Where nobody could be told, nothing is deleted. */
        status = cli->json ? TN_OK : cli_flush(err);
        signals_cancel(cli->ctx); /* what is half done is finished or taken back */
        if (status == TN_OK) {
            status = tn_ckpt_change_run(change, err);
        }
        if (status == TN_OK && !cli->json) {
            puts("done");
        }
    }
    tn_ckpt_change_clear(change);
    return status;
}

tn_status ckpt_prune(cli_state *cli, const char *path, tn_error *err)
{
    tn_ckpt_change change = {0};
    tn_report *report = memory(tn_report_new(cli->ctx));
    const tn_ckpt_prune_options options = {.keep = cli->set->keep,
                                           .keep_every = cli->set->keep_every};
    tn_status status = tn_ckpt_plan_prune(cli->ctx, path, &options, report, &change, err);
    if (status == TN_OK) {
        notes_print(cli, path, report);
        cli->warnings = report;
        status = tell_and_run(cli, &change, true, err);
        cli->warnings = NULL;
    }
    tn_report_free(report);
    return status;
}

tn_status ckpt_rename(cli_state *cli, const char *path, tn_error *err)
{
    tn_ckpt_change change = {0};
    const char **arguments = cli->command.arguments;
    tn_status status =
        tn_ckpt_plan_rename(cli->ctx, path, arguments[2], arguments[3], &change, err);
    return status == TN_OK ? tell_and_run(cli, &change, false, err) : status;
}

tn_status ckpt_rm(cli_state *cli, const char *path, tn_error *err)
{
    tn_ckpt_change change = {0};
    tn_status status = tn_ckpt_plan_rm(cli->ctx, path, cli->command.arguments + 2,
                                       cli->command.n_arguments - 2, &change, err);
    return status == TN_OK ? tell_and_run(cli, &change, false, err) : status;
}
