/* tenon ls: what is in here. */
#include <stdlib.h>

#include "cli/choose.h"
#include "cli/errors.h"
#include "cli/json.h"
#include "cli/ls_text.h"

/* Refuses options that exclude each other. `--style tf` implies --all --scheme key, -0 implies
 * --name-only. */
static tn_status settle(cli_state *cli, tn_error *err)
{
    cli_settings *set = &cli->command.set;
    const char *forms[] = {set->name_only || set->null ? "--name-only" : NULL,
                           set->tree ? "--tree" : NULL, set->style != NULL ? "--style tf" : NULL,
                           cli->json ? "--json" : NULL};
    const char *first = NULL;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (forms[i] != NULL && first != NULL) {
            return cli_fail(err, TN_E_USAGE, "%s and %s exclude each other", first, forms[i]);
        }
        first = first == NULL ? forms[i] : first;
    }
    if (set->stats && first != NULL && !cli->json) {
        return cli_fail(err, TN_E_USAGE, "%s and --stats exclude each other", first);
    }
    if (set->style != NULL) {
        set->all = true;
        set->scheme = "key";
    }
    set->name_only = set->name_only || set->null;
    return TN_OK;
}

/* Reads the values of all chosen tensors; those without numbers keep 0 elements. */
static tn_status read_stats(cli_state *cli, const cli_choice *choice, tn_stats **stats_out,
                            tn_error *err)
{
    tn_reader *reader = NULL;
    tn_stats *stats = memory(calloc(choice->count + 1, sizeof *stats));
    tn_status status = tn_reader_new(cli->ctx, true, &reader, err);
    for (size_t i = 0; i < choice->count && status == TN_OK; i++) {
        tn_error own = {0};
        status = tn_reader_stats(reader, choice_at(choice, i), &stats[i], &own);
        if (status == TN_UNSUPPORTED) {
            status = TN_OK;
        } else if (status != TN_OK) {
            *err = own;
        }
    }
    tn_reader_free(reader);
    if (status != TN_OK) {
        free(stats);
        return status;
    }
    *stats_out = stats;
    return TN_OK;
}

static const tn_stats *stats_at(const tn_stats *stats, size_t i)
{
    return stats == NULL || stats[i].elements == 0 ? NULL : &stats[i];
}

static void print_json(cli_state *cli, const cli_choice *choice, const tn_stats *stats)
{
    tn_json_out *out = json_begin(cli);
    tn_json_key(out, "tensors");
    tn_json_array(out);
    for (size_t i = 0; i < choice->count; i++) {
        json_tensor(out, choice, i, stats_at(stats, i));
    }
    tn_json_array_end(out);
    tn_json_key(out, "totals");
    json_totals(out, choice->model, choice->chosen);
}

/* Prints one tensor a line; the last line is the document without them. */
static void print_jsonl(cli_state *cli, const cli_choice *choice, const tn_stats *stats)
{
    for (size_t i = 0; i < choice->count; i++) {
        tn_json_out line;
        tn_json_start(&line, stdout, false);
        json_tensor(&line, choice, i, stats_at(stats, i));
        fputc('\n', stdout);
    }
    tn_json_out *out = json_begin(cli);
    tn_json_key(out, "totals");
    json_totals(out, choice->model, choice->chosen);
}

static tn_status print(cli_state *cli, const cli_choice *choice, const tn_stats *stats,
                       tn_error *err)
{
    const cli_settings *set = cli->set;
    if (set->jsonl) {
        print_jsonl(cli, choice, stats);
    } else if (set->json) {
        print_json(cli, choice, stats);
    } else if (set->style != NULL) {
        return ls_tensorflow(choice, err);
    } else if (set->name_only) {
        ls_names(choice, set->null ? '\0' : '\n');
    } else if (set->tree) {
        ls_tree(cli, choice);
    } else if (cli->terminal) {
        ls_table(cli, choice, stats);
    } else {
        ls_lines(choice, stats);
    }
    return TN_OK;
}

tn_status cmd_ls(cli_state *cli, tn_error *err)
{
    const tn_model *model = NULL;
    cli_choice choice;
    tn_stats *stats = NULL;
    tn_status status = settle(cli, err);
    if (status == TN_OK) {
        status = cli_open(cli, 0, &model, err);
    }
    if (status == TN_OK) {
        status = choice_make(cli, model, 1, &choice, err);
    }
    if (status != TN_OK) {
        return status;
    }
    choice_sort(&choice, cli->set->sort);
    if (cli->set->stats) {
        status = read_stats(cli, &choice, &stats, err);
    }
    if (status == TN_OK) {
        status = print(cli, &choice, stats, err);
    }
    free(stats);
    choice_clear(&choice);
    return status;
}
