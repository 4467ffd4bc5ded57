#include "cli/options.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/errors.h"
#include "cli/near.h"
#include "cli/verbs.h"

const cli_option global_options[] = {
    {.name = "json",
     .kind = OPTION_FLAG,
     .help = "print one JSON document",
     .place = offsetof(cli_settings, json)},
    {.name = "jsonl",
     .kind = OPTION_FLAG,
     .help = "print one JSON record a line",
     .place = offsetof(cli_settings, jsonl)},
    {.name = "color",
     .kind = OPTION_CHOICE,
     .value = "auto|always|never",
     .help = "colours on stdout and stderr",
     .also = "colour no-color",
     .place = offsetof(cli_settings, color)},
    {.name = "progress",
     .kind = OPTION_CHOICE,
     .value = "auto|always|never",
     .help = "a progress bar on stderr",
     .also = "no-progress",
     .place = offsetof(cli_settings, progress)},
    {.name = "quiet",
     .letter = 'q',
     .kind = OPTION_FLAG,
     .help = "no notes, no progress; verify and diff say it by exit code alone",
     .also = "silent",
     .place = offsetof(cli_settings, quiet)},
    {.name = "threads",
     .kind = OPTION_COUNT,
     .value = "N",
     .help = "workers (default: the CPUs that this process may use)",
     .also = "jobs parallel",
     .place = offsetof(cli_settings, threads)},
    {.name = "limit",
     .kind = OPTION_LIMIT,
     .value = "NAME=VALUE",
     .help = "raise or lower a limit for what an input may ask for",
     .place = offsetof(cli_settings, limits)},
    {.name = "from",
     .kind = OPTION_TEXT,
     .value = "FORMAT",
     .help = "read every input as this format",
     .also = "input-format",
     .place = offsetof(cli_settings, from)},
    {.name = "no-sandbox",
     .kind = OPTION_FLAG,
     .help = "read HDF5 files even where the system refuses the helper's cage",
     .also = "unsafe",
     .place = offsetof(cli_settings, no_sandbox)},
    {.name = "help",
     .letter = 'h',
     .kind = OPTION_FLAG,
     .help = "print help",
     .also = "usage",
     .place = offsetof(cli_settings, help)},
    {.name = "version",
     .letter = 'V',
     .kind = OPTION_FLAG,
     .help = "print the version",
     .place = offsetof(cli_settings, version)},
    {0},
};

bool size_parse(const char *text, uint64_t *bytes_out)
{
    static const struct {
        const char *suffix;
        uint64_t factor;
    } units[] = {{"", 1},
                 {"k", 1000},
                 {"M", 1000000},
                 {"G", 1000000000},
                 {"Ki", UINT64_C(1) << 10},
                 {"Mi", UINT64_C(1) << 20},
                 {"Gi", UINT64_C(1) << 30}};
    if (*text < '0' || *text > '9') {
        return false;
    }
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(end, units[i].suffix) == 0) {
            return !__builtin_mul_overflow(value, units[i].factor, bytes_out);
        }
    }
    return false;
}

bool duration_parse(const char *text, double *seconds_out)
{
    static const struct {
        const char *suffix;
        double seconds;
    } units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
    size_t digits = strspn(text, "0123456789.");
    char *end = NULL;
    double value = strtod(text, &end);
    if (digits == 0 || end != text + digits) {
        return false; /* strtod also takes signs, exponents, hexadecimal digits and words */
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(end, units[i].suffix) == 0) {
            *seconds_out = value * units[i].seconds;
            return *seconds_out > 0 && isfinite(*seconds_out);
        }
    }
    return false;
}

/* Tells whether `word` is one of the words of `choices`, which are separated by '|'. */
static bool is_choice(const char *choices, const char *word)
{
    size_t len = strlen(word);
    while (len > 0) {
        size_t span = strcspn(choices, "|");
        if (span == len && memcmp(choices, word, len) == 0) {
            return true;
        }
        if (choices[span] == '\0') {
            break;
        }
        choices += span + 1;
    }
    return false;
}

static tn_status set_limit(tn_limits *limits, const char *text, tn_error *err)
{
    const char *equals = strchr(text, '=');
    char name[64];
    uint64_t value = 0;
    if (equals == NULL || (size_t)(equals - text) >= sizeof name ||
        !size_parse(equals + 1, &value)) {
        tn_status status = cli_fail(err, TN_E_USAGE, "--limit takes NAME=VALUE, not %s", text);
        cli_hint(err, "--limit tensors=2M");
        return status;
    }
    memcpy(name, text, (size_t)(equals - text));
    name[equals - text] = '\0';
    return tn_limits_set(limits, name, value, err);
}

static tn_status set_real(const cli_option *option, double *real, const char *text, tn_error *err)
{
    char *end = NULL;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(value) || value < 0) {
        return cli_fail(err, TN_E_USAGE, "--%s takes a number that is not negative, not %s",
                        option->name, text);
    }
    *real = value;
    return TN_OK;
}

static tn_status set_duration(const cli_option *option, double *seconds, const char *text,
                              tn_error *err)
{
    if (!duration_parse(text, seconds)) {
        return cli_fail(err, TN_E_USAGE, "--%s takes a duration, as 90m or 1.5h (s m h d), not %s",
                        option->name, text);
    }
    return TN_OK;
}

static tn_status set_number(const cli_option *option, uint64_t *number, const char *text,
                            tn_error *err)
{
    uint64_t value = 0;
    bool good = size_parse(text, &value);
    if (option->kind == OPTION_COUNT) {
        good = good && text[strspn(text, "0123456789")] == '\0';
    }
    if (!good) {
        return cli_fail(err, TN_E_USAGE, "--%s takes a %s, not %s", option->name,
                        option->kind == OPTION_COUNT ? "whole number"
                                                     : "size, as 500M or 2Gi (k M G, Ki Mi Gi)",
                        text);
    }
    *number = value;
    return TN_OK;
}

/* Stores the value of one option; `text` is NULL for flags. `room` is how often it may come. */
static tn_status option_set(const cli_option *option, cli_settings *set, const char *text,
                            size_t room, tn_error *err)
{
    void *place = (char *)set + option->place;
    if (option->given != 0) {
        *(bool *)((char *)set + option->given) = true;
    }
    switch (option->kind) {
    case OPTION_FLAG:
        *(bool *)place = true;
        return TN_OK;
    case OPTION_CHOICE:
        if (!is_choice(option->value, text)) {
            return cli_fail(err, TN_E_USAGE, "--%s takes %s, not %s", option->name, option->value,
                            *text == '\0' ? "an empty word" : text);
        }
        *(const char **)place = text;
        return TN_OK;
    case OPTION_TEXT:
        *(const char **)place = text;
        return TN_OK;
    case OPTION_COUNT:
    case OPTION_SIZE:
        return set_number(option, place, text, err);
    case OPTION_REAL:
        return set_real(option, place, text, err);
    case OPTION_DURATION:
        return set_duration(option, place, text, err);
    case OPTION_LIST: {
        cli_words *list = place;
        if (list->items == NULL) {
            list->items = memory(calloc(room, sizeof *list->items));
        }
        list->items[list->count++] = text;
        return TN_OK;
    }
    case OPTION_LIMIT:
        return set_limit(place, text, err);
    }
    return TN_OK;
}

static const cli_option *find_long(const cli_option *options, tn_str name)
{
    for (; options != NULL && options->name != NULL; options++) {
        if (tn_str_equal(name, tn_str_of(options->name))) {
            return options;
        }
    }
    return NULL;
}

static const cli_option *find_letter(const cli_option *options, char letter)
{
    for (; options != NULL && options->name != NULL; options++) {
        if (options->letter == letter) {
            return options;
        }
    }
    return NULL;
}

/* Where the parser stands. */
typedef struct parse_state {
    int argc, at;
    char **argv;
    cli_command *command;
} parse_state;

static const cli_option *verb_options(const parse_state *parser)
{
    return parser->command->verb == NULL ? NULL : parser->command->verb->options;
}

/* Takes the value of an option from the next argument. */
static tn_status next_value(parse_state *parser, const cli_option *option, const char **value_out,
                            tn_error *err)
{
    if (parser->at + 1 >= parser->argc) {
        return cli_fail(err, TN_E_USAGE, "--%s needs a value: --%s %s", option->name, option->name,
                        option->value);
    }
    *value_out = parser->argv[++parser->at];
    return TN_OK;
}

static tn_status parse_long(parse_state *parser, const char *text, tn_error *err)
{
    const char *equals = strchr(text, '=');
    tn_str name = {text, equals == NULL ? strlen(text) : (size_t)(equals - text)};
    const cli_option *option = find_long(verb_options(parser), name);
    if (option == NULL) {
        option = find_long(global_options, name);
    }
    if (option == NULL) {
        return near_option(parser->command->verb, name, err);
    }
    const char *value = NULL;
    if (equals != NULL) {
        if (option->kind == OPTION_FLAG) {
            return cli_fail(err, TN_E_USAGE, "--%s takes no value", option->name);
        }
        value = equals + 1;
    } else if (option->kind != OPTION_FLAG) {
        tn_status status = next_value(parser, option, &value, err);
        if (status != TN_OK) {
            return status;
        }
    }
    return option_set(option, &parser->command->set, value, (size_t)parser->argc, err);
}

/* Parses `-abc`: flags one behind the other; an option with a value takes the rest, or the next
 * argument. */
static tn_status parse_short(parse_state *parser, const char *text, tn_error *err)
{
    tn_status status = TN_OK;
    while (*text != '\0' && status == TN_OK) {
        char letter = *text++;
        const cli_option *option = find_letter(verb_options(parser), letter);
        if (option == NULL) {
            option = find_letter(global_options, letter);
        }
        if (option == NULL) {
            return near_letter(parser->command->verb, letter, err);
        }
        const char *value = NULL;
        if (option->kind != OPTION_FLAG && *text != '\0') {
            value = text;
            text += strlen(text);
        } else if (option->kind != OPTION_FLAG) {
            status = next_value(parser, option, &value, err);
            if (status != TN_OK) {
                return status;
            }
        }
        status = option_set(option, &parser->command->set, value, (size_t)parser->argc, err);
    }
    return status;
}

static tn_status parse_word(parse_state *parser, const char *text, tn_error *err)
{
    cli_command *command = parser->command;
    if (command->verb != NULL) {
        command->arguments[command->n_arguments++] = text;
        return TN_OK;
    }
    if (strcmp(text, "help") == 0) { /* `help VERB` is `VERB --help` */
        command->set.help = true;
        return TN_OK;
    }
    command->verb = verb_find(text);
    return command->verb != NULL ? TN_OK : near_verb(text, err);
}

static tn_status parse_all(parse_state *parser, tn_error *err)
{
    bool options = true;
    tn_status status = TN_OK;
    for (parser->at = 1; parser->at < parser->argc && status == TN_OK; parser->at++) {
        const char *text = parser->argv[parser->at];
        if (!options || text[0] != '-' || text[1] == '\0') {
            status = parse_word(parser, text, err);
        } else if (strcmp(text, "--") == 0) {
            options = false;
        } else if (text[1] == '-') {
            status = parse_long(parser, text + 2, err);
        } else {
            status = parse_short(parser, text + 1, err);
        }
    }
    return status;
}

/* Checks the number of arguments. */
static tn_status check_arguments(const cli_command *command, tn_error *err)
{
    const cli_verb *verb = command->verb;
    if (verb == NULL || command->set.help || command->set.version) {
        return TN_OK;
    }
    if (command->n_arguments < verb->least) {
        cli_fail(err, TN_E_USAGE, "%s needs %s: tenon %s %s", verb->name,
                 command->n_arguments == 0 ? "an argument" : "another argument", verb->name,
                 verb->synopsis);
    } else if (command->n_arguments > verb->most) {
        cli_fail(err, TN_E_USAGE, "one argument too many, %s: tenon %s%s%s",
                 command->arguments[verb->most], verb->name, *verb->synopsis == '\0' ? "" : " ",
                 verb->synopsis);
    } else {
        return TN_OK;
    }
    cli_hint(err, "tenon help %s", verb->name);
    return TN_USAGE;
}

/* Looks for --json before anything can go wrong, so that an error of the command line is a document
 * too. */
static void find_json(int argc, char **argv, cli_settings *set)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        set->json = set->json || strcmp(argv[i], "--json") == 0;
        set->jsonl = set->jsonl || strcmp(argv[i], "--jsonl") == 0;
    }
}

tn_status command_parse(int argc, char **argv, cli_command *command_out, tn_error *err)
{
    *command_out = (cli_command){0};
    command_out->set.limits = tn_limits_default();
    find_json(argc, argv, &command_out->set);
    command_out->arguments = memory(calloc((size_t)argc + 1, sizeof *command_out->arguments));
    parse_state parser = {.argc = argc, .argv = argv, .command = command_out};
    tn_status status = parse_all(&parser, err);
    return status != TN_OK ? status : check_arguments(command_out, err);
}

void command_clear(cli_command *command)
{
    free(command->arguments);
    free(command->set.only.items);
    free(command->set.outputs.items);
    free(command->set.drop.items);
    free(command->set.rules.items);
    free(command->set.vars.items);
    free(command->set.inputs.items);
    free(command->set.rename.items);
    free(command->set.casts.items);
    free(command->set.fill.items);
}
