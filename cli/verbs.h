/* The table of verbs, from which the program dispatches and help is generated. */
#ifndef TENON_CLI_VERBS_H
#define TENON_CLI_VERBS_H

#include "cli/options.h"

struct cli_state;

typedef struct cli_verb {
    const char *name;
    const char *summary;     /* one line without a full stop */
    const char *synopsis;    /* what follows the verb */
    const char *description; /* a paragraph or more; may be NULL */
    const cli_option *options;
    const char *const *examples; /* whole commands, each followed by what it does; NULL ends */
    const char *also;            /* what people call it elsewhere, for hints; or NULL */
    const char *fields;          /* its own fields of the JSON document, apart by spaces */
    size_t least, most;          /* arguments; SIZE_MAX: any number */
    bool stages;                 /* leaves files behind if it is not unwound */
    /* Runs the verb. A "no" that is no error is said in cli.answer. */
    tn_status (*run)(struct cli_state *cli, tn_error *err);
} cli_verb;

/* All verbs in the order of help; a NULL name ends the table. */
extern const cli_verb verbs[];

/* Finds a verb by its name. NULL if there is none. */
const cli_verb *verb_find(const char *name);

tn_status cmd_ls(struct cli_state *cli, tn_error *err);
tn_status cmd_show(struct cli_state *cli, tn_error *err);
tn_status cmd_get(struct cli_state *cli, tn_error *err);
tn_status cmd_convert(struct cli_state *cli, tn_error *err);
tn_status cmd_plan(struct cli_state *cli, tn_error *err);
tn_status cmd_verify(struct cli_state *cli, tn_error *err);
tn_status cmd_diff(struct cli_state *cli, tn_error *err);
tn_status cmd_check(struct cli_state *cli, tn_error *err);
tn_status cmd_ckpt(struct cli_state *cli, tn_error *err);
tn_status cmd_completion(struct cli_state *cli, tn_error *err);
tn_status cmd_graph(struct cli_state *cli, tn_error *err);
tn_status cmd_rules(struct cli_state *cli, tn_error *err);
tn_status cmd_formats(struct cli_state *cli, tn_error *err);

#endif
