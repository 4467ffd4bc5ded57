/* Prints a man page of tenon (no argument) or of one verb, from the tables that the parser uses.
 * Runs when tenon is built; it is no part of the program. */
#include <stdio.h>
#include <string.h>

#include "cli/help.h"
#include "cli/verbs.h"
#include <tenon/export.h>

/* Prints text for roff: backslashes and leading dots are escaped, hyphens are minus signs. */
static void put(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\\') {
            fputs("\\e", stdout);
        } else if (*c == '-') {
            fputs("\\-", stdout);
        } else if ((*c == '.' || *c == '\'') && (c == text || c[-1] == '\n')) {
            printf("\\&%c", *c);
        } else if (*c == '\n') {
            fputs("\n.br\n", stdout);
        } else {
            putchar(*c);
        }
    }
}

static void put_line(const char *before, const char *text, const char *after)
{
    fputs(before, stdout);
    put(text);
    fputs(after, stdout);
}

static void put_options(const char *title, const cli_option *options)
{
    if (options->name == NULL) {
        return;
    }
    printf(".SH %s\n", title);
    for (; options->name != NULL; options++) {
        fputs(".TP\n", stdout);
        if (options->letter != 0) {
            printf("\\fB\\-%c\\fR, ", options->letter);
        }
        put_line("\\fB\\-\\-", options->name, "\\fR");
        if (options->value != NULL) {
            put_line(" \\fI", options->value, "\\fR");
        }
        put_line("\n", options->help, "\n");
    }
}

static void put_exit_codes(void)
{
    fputs(".SH EXIT STATUS\n", stdout);
    for (const char *const *code = exit_codes; *code != NULL; code += 2) {
        printf(".TP\n\\fB%s\\fR\n%s\n", code[0], code[1]);
    }
}

static void print_program(void)
{
    printf(".TH TENON 1 \"\" \"tenon %s\" \"tenon\"\n", TN_VERSION);
    fputs(".SH NAME\ntenon \\- reads, checks and converts model weights\n"
          ".SH SYNOPSIS\n\\fBtenon\\fR [\\fIOPTION\\fR]\\&... \\fIVERB\\fR ...\n.SH VERBS\n",
          stdout);
    for (const cli_verb *verb = verbs; verb->name != NULL; verb++) {
        put_line(".TP\n\\fB", verb->name, "\\fR ");
        put(verb->synopsis);
        put_line("\n", verb->summary, "\n");
    }
    put_options("OPTIONS OF ALL VERBS", global_options);
    put_exit_codes();
    fputs(".SH SEE ALSO\n", stdout);
    for (const cli_verb *verb = verbs; verb->name != NULL; verb++) {
        printf("%s\\fBtenon\\-%s\\fR(1)", verb == verbs ? "" : ", ", verb->name);
    }
    putchar('\n');
}

static void print_verb(const cli_verb *verb)
{
    printf(".TH TENON\\-%s 1 \"\" \"tenon %s\" \"tenon\"\n.SH NAME\ntenon\\-%s \\- ", verb->name,
           TN_VERSION, verb->name);
    put(verb->summary);
    printf("\n.SH SYNOPSIS\n\\fBtenon %s\\fR%s ", verb->name,
           verb->options->name == NULL ? "" : " [\\fIOPTION\\fR]\\&...");
    put(verb->synopsis);
    putchar('\n');
    if (verb->description != NULL) {
        put_line(".SH DESCRIPTION\n", verb->description, "\n");
    }
    put_options("OPTIONS", verb->options);
    put_options("OPTIONS OF ALL VERBS", global_options);
    if (verb->examples != NULL) {
        fputs(".SH EXAMPLES\n", stdout);
        for (const char *const *line = verb->examples; *line != NULL; line += 2) {
            put_line(".TP\n\\fB", line[0], "\\fR\n");
            put_line("", line[1], "\n");
        }
    }
    put_exit_codes();
    fputs(".SH SEE ALSO\n\\fBtenon\\fR(1)\n", stdout);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_program();
        return 0;
    }
    const cli_verb *verb = verb_find(argv[1]);
    if (verb == NULL) {
        fprintf(stderr, "make_man: there is no verb %s\n", argv[1]);
        return 2;
    }
    print_verb(verb);
    return 0;
}
