/* The command line's options: one table-driven parser for all verbs. */
#ifndef TENON_CLI_OPTIONS_H
#define TENON_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tenon/context.h>

/* Options that may be given several times, in the order of the command line. */
typedef struct cli_words {
    const char **items;
    size_t count;
} cli_words;

/* Everything that options can set, for all verbs together. */
typedef struct cli_settings {
    bool json, jsonl, quiet, help, version, no_sandbox;
    const char *color, *progress; /* auto, always, never */
    uint64_t threads;             /* 0: the CPUs that this process may use */
    tn_limits limits;
    const char *from, *tags;
    bool first;
    cli_words outputs;
    const char *scheme;
    bool name_only, null, tree, all, weights_only, stats;
    const char *sort, *style;
    bool objects, metadata;
    const char *as, *output, *slice, *cast;
    bool full, no_checksum, keras_order;
    const char *to, *layout;
    cli_words only, drop;
    cli_words rules, vars, inputs, rename;
    bool print_rules;
    bool ignore_unmatch, force, skip_existing, dry_run;
    uint64_t max_shard_size;
    bool link;
    cli_words casts;
    const char *like;
    cli_words fill;
    bool has_atol, has_rtol, has_ulp, no_values;
    double atol, rtol;
    uint64_t ulp;
    bool require_checksums;
    const char *against, *mode, *loader;
    bool update_state;
    bool has_keep;
    uint64_t keep;
    double keep_every; /* seconds; 0: not said */
} cli_settings;

typedef enum option_kind {
    OPTION_FLAG,
    OPTION_TEXT,
    OPTION_CHOICE, /* one of the words of `value`, which are separated by '|' */
    OPTION_COUNT,
    OPTION_SIZE, /* a count of bytes, with k M G Ki Mi Gi */
    OPTION_REAL,
    OPTION_DURATION, /* seconds, with s m h d */
    OPTION_LIST,
    OPTION_LIMIT /* NAME=VALUE */
} option_kind;

typedef struct cli_option {
    const char *name; /* without the dashes; NULL ends a table */
    char letter;      /* 0: there is no short form */
    option_kind kind;
    const char *value; /* what help calls the value; NULL for flags */
    const char *help;  /* one line */
    const char *also; /* what people call it elsewhere, for hints; words apart by spaces, or NULL */
    size_t place;     /* of the field in `settings` */
    size_t given;     /* of a bool that tells that it was said; 0: none */
} cli_option;

/* An option of several verbs. */
#define TAGS_OPTION                                                                              \
    {                                                                                            \
        .name = "tags", .kind = OPTION_TEXT, .value = "A,B",                                     \
        .help = "the MetaGraph of a SavedModel with just these tags", .also = "tag-set tag_set", \
        .place = offsetof(cli_settings, tags)                                                    \
    }

struct cli_verb;

/* What a command line says. */
typedef struct cli_command {
    const struct cli_verb *verb; /* NULL: none was said */
    const char **arguments;      /* what follows the verb and is no option */
    size_t n_arguments;
    cli_settings set;
} cli_command;

/* The options that every verb takes. */
extern const cli_option global_options[];

/* Parses a command line. On failure `command_out` holds what was understood so far, so that the
 * error can be told in the form that was asked for. Free with command_clear in both cases. Errors:
 * TN_E_USAGE, TN_E_NOMEM. */
tn_status command_parse(int argc, char **argv, cli_command *command_out, tn_error *err);
void command_clear(cli_command *command);

/* Parses a count of bytes: digits and k, M, G, Ki, Mi or Gi. False if it is none, or too large. */
bool size_parse(const char *text, uint64_t *bytes_out);
/* Parses a duration longer than nothing: a decimal number and s, m, h or d. False if it is none. */
bool duration_parse(const char *text, double *seconds_out);

#endif
