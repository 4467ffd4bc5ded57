/* Rule files that name others: how they are found, and how they become the stages of a command. */
#ifndef TN_CONVERTERS_RULES_LOADING_H
#define TN_CONVERTERS_RULES_LOADING_H

#include "converters/rules/rule.h"

enum {
    TNI_RULE_BYTES = 1 << 20, /* of a rule file, or of a file that gives variables */
    TNI_RULE_FILES = 64,      /* that one --rules may lead to */
    TNI_RULE_DEPTH = 16       /* of files that name files */
};

/* A rule file: an argument, or what another one names. */
typedef struct tni_rule_source {
    const char *path; /* as errors name it: "r.yaml", "lib/common.yaml", "preset:tf1/promote-ema" */
    tn_str entry;     /* as the other file names it */
    const struct tni_rule_source *by; /* that file; NULL: an argument */
    const tni_yaml *node; /* where it does; errors of finding the file are placed there */
    unsigned depth;
    bool preset;
    tni_vars given; /* what the entry says of its variables */
    const tni_yaml *given_node;
    bool has_identity;
    uint64_t device, inode;
} tni_rule_source;

/* An --input NAME=PATH. */
typedef struct tni_rule_input {
    tn_str name;
    const char *path;
    bool used; /* a file asks for it */
} tni_rule_input;

/* What the reading of all files of a command shares. */
typedef struct tni_loading {
    tni_arena *arena;
    const tni_rule_options *options;
    tni_vars overrides; /* --var */
    bool *used;         /* by override: a file declares it */
    tni_rule_input *inputs;
    size_t n_inputs;
    size_t n_files; /* read for the argument at hand */
    tni_rulesets sets;
    size_t room; /* of sets.at */
} tni_loading;

/* Reads one argument of --rules, with all that it includes, into a stage, or into all those that
 * its `stages` name. */
tn_status tni_rules_compose(tni_loading *loading, const char *argument, tn_error *err);
/* Appends an empty stage. */
tn_status tni_rules_add_stage(tni_loading *loading, tni_ruleset **set_out, tn_error *err);
/* Reads what a file holds into a stage; *root_out is what it says. Errors carry the file's path. */
tn_status tni_rules_of_text(tni_loading *loading, const tni_rule_source *source,
                            const tni_yaml *root, tni_ruleset *set, tn_error *err);

/* Loads a file and parses it; sets its identity, and refuses it if it is one of those that lead to
 * it. *root_out is NULL for an empty file. */
tn_status tni_rule_source_read(tni_loading *loading, tni_rule_source *source, tni_yaml **root_out,
                               tn_error *err);
/* Reads an entry of `include` or `stages`: a path, `preset:NAME`, {file: …} or {preset: …}, both
 * with `vars`. `vars` are those of the file at hand, for values that are {$name} as a whole. */
tn_status tni_rule_source_entry(tni_loading *loading, const tni_rule_source *by,
                                const tni_vars *vars, const tni_yaml *node,
                                tni_rule_source *source_out, tn_error *err);
/* Loads the bytes of a file beside a rule file, or of an input: {file: …}, {input: …}. *path_out is
 * what errors call it. The caller frees the bytes with tni_free. *data_out is NULL where the input
 * was not said. Errors are placed at the node. */
tn_status tni_rule_source_data(tni_loading *loading, const tni_rule_source *by, const tni_yaml *map,
                               const char **path_out, void **data_out, size_t *len_out,
                               tn_error *err);
/* Returns the --input of a name, or NULL. */
tni_rule_input *tni_rule_input_find(tni_loading *loading, tn_str name);

#endif
