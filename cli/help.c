#include "cli/help.h"

#include <stdlib.h>
#include <string.h>

#include "cli/print.h"

const char *const exit_codes[] = {
    "0",     "done, or the answer is yes",
    "1",     "the answer is no",
    "2",     "the command must change",
    "3",     "cannot read, not found, unknown or unsupported",
    "4",     "corrupt",
    "5",     "could not write, or the output exists",
    "6",     "a limit, or not enough memory",
    "7",     "the output failed its own verification",
    "8",     "unsafe input",
    "128+n", "ended by signal n",
    NULL,
};

static void print_exit_codes(FILE *out)
{
    cli_table table;
    table_init(&table, "ll");
    for (const char *const *code = exit_codes; *code != NULL; code++) {
        table_text(&table, *code);
    }
    fputs("\nExit codes\n", out);
    table_print(&table, out, 2, 0, false);
    table_clear(&table);
}

/* Makes `-o, --output FILE` of an option. */
static char *option_words(const cli_option *option)
{
    char letter[8] = "    ";
    if (option->letter != 0) {
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    }
    return text_format("%s--%s%s%s", letter, option->name, option->value == NULL ? "" : " ",
                       option->value == NULL ? "" : option->value);
}

static void print_options(FILE *out, const char *title, const cli_option *options)
{
    if (options->name == NULL) {
        return;
    }
    fprintf(out, "\n%s\n", title);
    cli_table table;
    table_init(&table, "ll");
    for (; options->name != NULL; options++) {
        table_add(&table, option_words(options));
        table_text(&table, options->help);
    }
    table_print(&table, out, 2, 0, false);
    table_clear(&table);
}

static void print_limits(FILE *out)
{
    fputs("\nLimits, for --limit: ", out);
    for (const char *const *name = tn_limit_names(); *name != NULL; name++) {
        fprintf(out, "%s%s", *name, name[1] == NULL ? "\n" : " ");
    }
}

static void print_verbs(FILE *out)
{
    cli_table table;
    table_init(&table, "ll");
    for (const cli_verb *verb = verbs; verb->name != NULL; verb++) {
        table_add(&table, text_format("%s %s", verb->name, verb->synopsis));
        table_text(&table, verb->summary);
    }
    table_print(&table, out, 2, 0, false);
    table_clear(&table);
}

void help_short(FILE *out)
{
    fputs("usage: tenon VERB …\n\n", out);
    print_verbs(out);
    fputs("\n  tenon help VERB tells all about one verb, tenon --help about the options of all\n",
          out);
}

void help_program(FILE *out)
{
    fputs("tenon reads, checks and converts model weights.\n\n"
          "usage: tenon [OPTION]… VERB …\n\nVerbs\n",
          out);
    print_verbs(out);
    fputs("  help VERB\n", out);
    print_options(out, "Options of all verbs, before or behind the verb", global_options);
    print_limits(out);
    print_exit_codes(out);
    fputs("\n  tenon help VERB tells all about one verb\n", out);
}

void help_verb(FILE *out, const cli_verb *verb)
{
    fprintf(out, "tenon %s: %s\n\nusage: tenon %s%s%s%s\n", verb->name, verb->summary, verb->name,
            verb->options->name == NULL ? "" : " [OPTION]…", *verb->synopsis == '\0' ? "" : " ",
            verb->synopsis);
    if (verb->description != NULL) {
        fprintf(out, "\n%s\n", verb->description);
    }
    print_options(out, "Options", verb->options);
    print_options(out, "Options of all verbs", global_options);
    if (verb->examples != NULL) {
        fputs("\nExamples\n", out);
        for (const char *const *line = verb->examples; *line != NULL; line += 2) {
            fprintf(out, "  %s\n      %s\n", line[0], line[1]);
        }
    }
}
