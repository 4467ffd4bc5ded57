/* tenon convert: write it in another format, verified before it appears. tenon plan: its dry run.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"
#include "cli/json.h"
#include "cli/plan.h"
#include "cli/print.h"

static tn_status make_plan(cli_state *cli, tn_plan **plan_out, tn_error *err)
{
    const cli_settings *set = cli->set;
    const tn_model *model = NULL;
    tn_convert_options options = {.to = set->to,
                                  .layout = set->layout,
                                  .only = set->only.items,
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
                                  .cast = set->casts.items,
                                  .n_cast = set->casts.count,
                                  .fill = set->fill.items,
                                  .n_fill = set->fill.count,
                                  .print_rules = set->print_rules,
                                  .ignore_unmatch = set->ignore_unmatch,
                                  .has_scheme = set->scheme != NULL,
                                  .max_shard_size = set->max_shard_size,
                                  .link = set->link,
                                  .replace = set->force,
                                  .skip_existing = set->skip_existing};
    if (set->force && set->skip_existing) {
        return cli_fail(err, TN_E_USAGE, "--force and --skip-existing exclude each other");
    }
    if (set->fill.count > 0 && set->like == NULL) {
        return cli_fail(err, TN_E_USAGE, "--fill takes tensors from the file of --like");
    }
    tn_status status = cli_scheme(cli, &options.scheme, err);
    if (status == TN_OK) {
        status = cli_open(cli, 0, &model, err);
    }
    if (status == TN_OK && set->like != NULL) {
        status = cli_open_path(cli, set->like, &options.like, err);
    }
    if (status == TN_OK) {
        status = tn_plan_new(cli->ctx, model, cli->command.arguments[1], &options, plan_out, err);
    }
    return status;
}

/* Prints what was written and what was verified. */
static void print_summary(const tn_plan *plan, const tn_converted *converted)
{
    char bytes[TN_NUMBER_ROOM];
    print_escaped(stdout, tn_str_of(tn_plan_output(plan)));
    if (converted->skipped) {
        puts(": skipped: it is there already and fits the plan");
        return;
    }
    char *files = text_count(converted->files_written, "file");
    char *tensors = text_count(converted->tensors_verified, "tensor");
    tn_bytes_text(converted->bytes_written, bytes);
    printf(": wrote %s, %s (%s)\n", files, bytes, tn_plan_format(plan));
    if (converted->bytes_linked > 0) {
        tn_bytes_text(converted->bytes_linked, bytes);
        printf("linked %s of the input's data files, unread: tenon verify reads them\n", bytes);
    }
    tn_bytes_text(converted->bytes_verified, bytes);
    printf("verified %s, %s, equal to the plan\n", tensors, bytes);
    free(files);
    free(tensors);
}

static void json_written(cli_state *cli, const tn_plan *plan, const tn_converted *converted)
{
    tn_json_out *out = plan_json(cli, plan);
    bool wrote = converted != NULL && !converted->skipped;
    const tn_model_file *files = NULL;
    tn_json_key(out, "written");
    if (wrote) {
        tn_json_object(out);
        tn_json_key(out, "files");
        size_t count = tn_plan_files(plan, &files);
        json_files(out, files, count);
        tn_json_key(out, "bytes");
        tn_json_u64(out, converted->bytes_written);
        tn_json_key(out, "linked");
        tn_json_u64(out, converted->bytes_linked);
        tn_json_object_end(out);
    } else {
        tn_json_null(out);
    }
    tn_json_key(out, "verified");
    if (wrote) {
        tn_json_object(out);
        tn_json_key(out, "tensors");
        tn_json_u64(out, converted->tensors_verified);
        tn_json_key(out, "bytes");
        tn_json_u64(out, converted->bytes_verified);
        tn_json_object_end(out);
    } else {
        tn_json_null(out);
    }
    tn_json_key(out, "skipped");
    tn_json_bool(out, converted != NULL && converted->skipped);
}

static tn_status execute(cli_state *cli, tn_plan *plan, tn_error *err)
{
    tn_converted converted = {0};
    const tn_report *report = tn_plan_warnings(plan);
    size_t said = tn_report_count(report);
    tn_status status = tn_plan_refusal(plan, err);
    if (status == TN_OK) {
        plan_notes(cli, plan);
        status = tn_convert(plan, &converted, err);
    }
    for (; said < tn_report_count(report); said++) { /* what only the conversion knows */
        note_print(cli, tn_plan_output(plan), tn_report_at(report, said));
    }
    if (status == TN_OK && cli->set->update_state && !converted.skipped) {
        status = tn_ckpt_state_add(cli->ctx, tn_plan_output(plan), err);
    }
    if (cli->json) {
        json_written(cli, plan, status == TN_OK ? &converted : NULL);
    } else if (status == TN_OK && !cli->set->quiet) {
        print_summary(plan, &converted);
    }
    return status;
}

/* Prints the rules alone: a file for --rules, or with --json the text of one. */
static void print_rules(cli_state *cli, const tn_plan *plan)
{
    if (!cli->json) {
        tn_plan_print_rules(plan, stdout);
        return;
    }
    char *text = NULL;
    size_t len = 0;
    FILE *stream = memory(open_memstream(&text, &len));
    tn_plan_print_rules(plan, stream);
    fclose(stream);
    tn_json_out *out = plan_json(cli, plan);
    tn_json_key(out, "rules");
    tn_json_str(out, (tn_str){memory(text), len});
    free(text);
}

/* Prints the plan and answers as the real run would. */
static tn_status describe(cli_state *cli, const tn_plan *plan, tn_error *err)
{
    if (cli->set->print_rules) {
        print_rules(cli, plan);
    } else if (cli->json && cli->command.verb->run == cmd_plan) {
        plan_json(cli, plan);
    } else if (cli->json) {
        json_written(cli, plan, NULL);
    } else {
        plan_text(cli, plan);
    }
    return tn_plan_refusal(plan, err);
}

/* Only TensorFlow's checkpoints have a state file. */
static tn_status check_state(const cli_state *cli, const tn_plan *plan, tn_error *err)
{
    if (!cli->set->update_state || strcmp(tn_plan_format(plan), "tf_checkpoint") == 0) {
        return TN_OK;
    }
    tn_status status =
        cli_fail(err, TN_E_IMPOSSIBLE, "--update-state is for TensorFlow checkpoints; OUT is %s",
                 tn_plan_format(plan));
    cli_hint(err, "leave it out");
    return status;
}

static tn_status run(cli_state *cli, bool dry, tn_error *err)
{
    tn_plan *plan = NULL;
    tn_status status = make_plan(cli, &plan, err);
    if (status == TN_OK) {
        status = check_state(cli, plan, err);
    }
    if (status == TN_OK) {
        cli->warnings = tn_plan_warnings(plan);
        notes_print(cli, tn_plan_output(plan), cli->warnings);
        status = dry ? describe(cli, plan, err) : execute(cli, plan, err);
    }
    cli->warnings = NULL;
    tn_plan_free(plan);
    return status;
}

tn_status cmd_convert(cli_state *cli, tn_error *err)
{
    return run(cli, cli->set->dry_run, err);
}

tn_status cmd_plan(cli_state *cli, tn_error *err)
{
    return run(cli, true, err);
}
