#include "cli/ls_text.h"

#include <stdlib.h>

#include "cli/errors.h"
#include "cli/fold.h"
#include "cli/print.h"
#include "cli/totals.h"

enum { FOLD_FROM = 24 }; /* shorter lists are printed as they are */

void ls_names(const cli_choice *choice, char end)
{
    for (size_t i = 0; i < choice->count; i++) {
        tn_str name = choice_name(choice, i);
        fwrite_unlocked(name.data, 1, name.len, stdout);
        putc_unlocked(end, stdout);
    }
}

/* Adds the columns of statistics; tensors without numbers have dashes. */
static void stats_cells(cli_table *table, const tn_stats *stats)
{
    if (stats->elements == 0) {
        for (int i = 0; i < 6; i++) {
            table_text(table, "-");
        }
        return;
    }
    table_add(table, text_format("%.6g", stats->min));
    table_add(table, text_format("%.6g", stats->max));
    table_add(table, text_format("%.6g", stats->mean));
    table_add(table, text_format("%llu", (unsigned long long)stats->nan));
    table_add(table, text_format("%llu", (unsigned long long)stats->inf));
    table_add(table, text_format("%llu", (unsigned long long)stats->zeros));
}

static void table_heading(cli_table *table, bool stats)
{
    static const char *const heads[] = {"name", "dtype", "shape", "bytes", "min",
                                        "max",  "mean",  "nan",   "inf",   "zeros"};
    for (size_t i = 0; i < (stats ? 10U : 4U); i++) {
        table_text(table, heads[i]);
    }
    table->headed = true;
}

static char *bytes_text(uint64_t bytes)
{
    char text[TN_NUMBER_ROOM];
    tn_bytes_text(bytes, text);
    return text_format("%s", text);
}

/* Prints `12 tensors, 1234 elements, 4.8 KiB (8 variable, 4 slot)`. */
static void print_totals(const cli_state *cli, const cli_choice *choice)
{
    cli_totals sum = totals_of(choice->model, choice->chosen);
    char *tensors = text_count(sum.tensors, "tensor");
    char *elements = text_count(sum.elements, "element");
    char *bytes = bytes_text(sum.bytes);
    printf("%s%s, %s, %s", paint_start(cli->color_out, PAINT_HEAD), tensors, elements, bytes);
    const char *before = " (";
    for (int role = 0; role < TN_ROLE_COUNT; role++) {
        if (sum.role_tensors[role] > 0) {
            printf("%s%llu %s", before, (unsigned long long)sum.role_tensors[role],
                   tn_role_name((tn_role)role));
            before = ", ";
        }
    }
    printf("%s%s\n", *before == ',' ? ")" : "", paint_start(cli->color_out, PAINT_PLAIN));
    free(tensors);
    free(elements);
    free(bytes);
}

void ls_table(const cli_state *cli, const cli_choice *choice, const tn_stats *stats)
{
    fold_line *lines = NULL;
    bool folds = stats == NULL && choice->count >= FOLD_FROM;
    size_t count = folds ? fold(choice, &lines) : choice->count;
    cli_table table;
    table_init(&table, stats == NULL ? "lllr" : "lllrrrrrrr");
    table_heading(&table, stats != NULL);
    for (size_t i = 0; i < count; i++) {
        fold_line alone = {.first = i, .times = 1, .bytes = choice_at(choice, i)->bytes};
        const fold_line *line = folds ? &lines[i] : &alone;
        const tn_tensor *tensor = choice_at(choice, line->first);
        table_add(&table, fold_name(choice, line));
        table_text(&table, tn_dtype_about(tensor->dtype)->name);
        table_add(&table, text_tensor_shape(tensor));
        table_add(&table, bytes_text(line->bytes));
        if (stats != NULL) {
            stats_cells(&table, &stats[i]);
        }
    }
    table_print(&table, stdout, 0, cli->width, cli->color_out);
    table_clear(&table);
    free(lines);
    print_totals(cli, choice);
}

/* Prints a number of the statistics so that it reads back. */
static void print_real(double value)
{
    char text[TN_NUMBER_ROOM];
    tn_number_text(TN_FLOAT64, &value, text);
    printf("\t%s", text);
}

void ls_lines(const cli_choice *choice, const tn_stats *stats)
{
    for (size_t i = 0; i < choice->count; i++) {
        const tn_tensor *tensor = choice_at(choice, i);
        char *shape = text_tensor_shape(tensor);
        print_escaped(stdout, choice_name(choice, i));
        printf("\t%s\t%s\t%llu", tn_dtype_about(tensor->dtype)->name, shape,
               (unsigned long long)tensor->bytes);
        free(shape);
        if (stats != NULL && stats[i].elements == 0) {
            fputs("\t-\t-\t-\t-\t-\t-", stdout);
        } else if (stats != NULL) {
            print_real(stats[i].min);
            print_real(stats[i].max);
            print_real(stats[i].mean);
            printf("\t%llu\t%llu\t%llu", (unsigned long long)stats[i].nan,
                   (unsigned long long)stats[i].inf, (unsigned long long)stats[i].zeros);
        }
        fputc('\n', stdout);
    }
}
