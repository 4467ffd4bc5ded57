#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"
#include "cli/plan.h"
#include "cli/print.h"

static void print_title(const cli_state *cli, const char *title)
{
    printf("%s%s%s\n", paint_start(cli->color_out, PAINT_HEAD), title,
           paint_start(cli->color_out, PAINT_PLAIN));
}

/* Tells whether a tensor comes from anything but the one of its own name. */
static bool is_renamed(const tn_plan_tensor *tensor)
{
    return tensor->n_from != 1 || tensor->n_ops > 0 || tensor->paired_by != NULL ||
           !tn_str_equal(tensor->from[0]->alias[TN_SCHEME_NAME], tensor->name);
}

static bool has_origins(const tn_plan_tensor *tensors, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_renamed(&tensors[i])) {
            return true;
        }
    }
    return false;
}

/* Says how --like gave a tensor its source; none where a rule did. */
static const char *pairing_text(const tn_plan_tensor *tensor)
{
    static const char *const words[][2] = {
        {"name", ", by name"},        {"full", ", by full name"}, {"key", ", by key"},
        {"object", ", by its path"},  {"alias", ", by an alias"}, {"order", ", by order"},
        {"slot", ", by its variable"}};
    for (size_t i = 0; tensor->paired_by != NULL && i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(tensor->paired_by, words[i][0]) == 0) {
            return words[i][1];
        }
    }
    return "";
}

/* Tells whether a tensor keeps the values that it has in the file of --like. */
static bool is_filled(const tn_plan_tensor *tensor)
{
    static const char *const words[] = {"fill", "counter", "structure"};
    for (size_t i = 0; tensor->paired_by != NULL && i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(tensor->paired_by, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Says from which file a tensor comes whose values are not the input's, and why. */
static char *filled_text(const tn_plan_tensor *tensor)
{
    char *path = text_escaped(tn_str_of(tn_model_path(tensor->tensor->origin)));
    char *rule = text_escaped(tensor->rule);
    char *text = text_format("from %s, %s", path, *rule == '\0' ? tensor->paired_by : rule);
    free(path);
    free(rule);
    return text;
}

/* Says from which tensors one comes, and by which rule. */
static char *origin_text(const cli_state *cli, const tn_plan_tensor *tensor)
{
    if (tensor->n_from == 0) {
        return text_format("from nothing");
    }
    if (is_filled(tensor)) {
        return filled_text(tensor);
    }
    char *name = text_escaped(tensor->from[0]->alias[TN_SCHEME_NAME]);
    char *rule = text_escaped(tensor->rule);
    const char *path = tn_model_path(tensor->from[0]->origin);
    bool other = strcmp(path, tn_model_path(cli->inputs[0].model)) != 0; /* a further input */
    char *in = other ? text_format(" in %s", path) : memory(strdup(""));
    char *more = tensor->n_from == 1 ? text_format("%s", "")
                                     : text_format(" and %zu more", tensor->n_from - 1);
    char *ops = memory(strdup(""));
    for (size_t i = 0; i < tensor->n_ops; i++) {
        char *one = text_escaped(tensor->ops[i]);
        char *longer = text_format("%s, %s", ops, one);
        free(ops);
        free(one);
        ops = longer;
    }
    char *text = text_format("from %s%s%s%s%s%s%s", name, in, more, ops, *rule == '\0' ? "" : ", ",
                             rule, pairing_text(tensor));
    free(ops);
    free(name);
    free(rule);
    free(in);
    free(more);
    return text;
}

static void print_tensors(const cli_state *cli, const tn_plan *plan)
{
    const tn_plan_tensor *tensors = NULL;
    size_t count = tn_plan_tensors(plan, &tensors);
    bool origins = has_origins(tensors, count);
    cli_table table;
    table_init(&table, origins ? "lllrll" : "lllrl");
    for (size_t i = 0; i < count; i++) {
        char bytes[TN_NUMBER_ROOM];
        tn_bytes_text(tensors[i].copied + tensors[i].computed + tensors[i].linked, bytes);
        table_add(&table, text_escaped(tensors[i].name));
        table_text(&table, tn_dtype_about(tensors[i].dtype)->name);
        table_add(&table, text_tensor_shape(tensors[i].tensor));
        table_text(&table, bytes);
        table_text(&table, tensors[i].computed > 0 ? "computed"
                           : tensors[i].linked > 0 ? "linked"
                                                   : "copied");
        if (origins) {
            table_add(&table, origin_text(cli, &tensors[i]));
        }
    }
    table_print(&table, stdout, 2, cli->terminal ? cli->width : 0, cli->color_out);
    table_clear(&table);
}

static void print_dropped(const cli_state *cli, const tn_plan *plan)
{
    const tn_plan_drop *dropped = NULL;
    size_t count = tn_plan_dropped(plan, &dropped);
    if (count == 0) {
        return;
    }
    print_title(cli, "left out");
    cli_table table;
    table_init(&table, "ll");
    for (size_t i = 0; i < count; i++) {
        table_add(&table, text_escaped(dropped[i].name));
        table_add(&table, text_escaped(dropped[i].rule));
    }
    table_print(&table, stdout, 2, 0, cli->color_out);
    table_clear(&table);
}

const char *plan_loss_word(tn_loss_class kind)
{
    return kind == TN_LOSS_VALUE ? "value" : kind == TN_LOSS_STATE ? "state" : "structure";
}

/* Prints a loss as `state: NAME: what; declare it with OPTION`. */
static void print_loss(FILE *out, const tn_loss *loss)
{
    fprintf(out, "%s: ", plan_loss_word(loss->kind));
    if (loss->name.data != NULL) {
        print_escaped(out, loss->name);
        fputs(": ", out);
    }
    fprintf(out, "%.*s", (int)loss->message.len, loss->message.data);
    if (!loss->declared && loss->fix.len > 0) {
        fprintf(out, "; declare it with %.*s", (int)loss->fix.len, loss->fix.data);
    }
    fputc('\n', out);
}

static void print_losses(const cli_state *cli, const tn_plan *plan)
{
    const tn_loss *losses = NULL;
    size_t count = tn_plan_losses(plan, &losses);
    if (count > 0) {
        print_title(cli, "losses");
    }
    for (size_t i = 0; i < count; i++) {
        fputs("  ", stdout);
        print_loss(stdout, &losses[i]);
    }
}

static void print_sums(const tn_plan *plan)
{
    const tn_plan_tensor *tensors = NULL;
    const tn_model_file *files = NULL;
    char copied[TN_NUMBER_ROOM], computed[TN_NUMBER_ROOM], peak[TN_NUMBER_ROOM];
    char *count = text_count(tn_plan_tensors(plan, &tensors), "tensor");
    char *set = text_count(tn_plan_files(plan, &files), "file");
    tn_bytes_text(tn_plan_copied(plan), copied);
    tn_bytes_text(tn_plan_computed(plan), computed);
    tn_bytes_text(tn_plan_peak_memory(plan), peak);
    printf("%s in %s: %s copied, %s computed, at most %s of memory\n", count, set, copied, computed,
           peak);
    free(count);
    free(set);
}

void plan_text(const cli_state *cli, const tn_plan *plan)
{
    const char *layout = tn_plan_layout(plan);
    bool laid_out = layout != NULL && *layout != '\0';
    fputs(paint_start(cli->color_out, PAINT_HEAD), stdout);
    print_escaped(stdout, tn_str_of(tn_plan_output(plan)));
    printf("%s: %s%s%s\n", paint_start(cli->color_out, PAINT_PLAIN), tn_plan_format(plan),
           laid_out ? ", " : "", laid_out ? layout : "");
    print_tensors(cli, plan);
    print_dropped(cli, plan);
    print_losses(cli, plan);
    print_sums(plan);
}

void plan_notes(const cli_state *cli, const tn_plan *plan)
{
    const tn_loss *losses = NULL;
    size_t count = tn_plan_losses(plan, &losses);
    for (size_t i = 0; i < count; i++) {
        if (losses[i].kind == TN_LOSS_STRUCTURE) {
            tn_finding note = {
                .code = "structure", .name = losses[i].name, .message = losses[i].message};
            note_print(cli, tn_plan_output(plan), &note);
        }
    }
}
