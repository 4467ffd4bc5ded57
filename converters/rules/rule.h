/* Rules: what is matched, and what becomes of it; and sets of them, one a stage. */
#ifndef TN_CONVERTERS_RULES_RULE_H
#define TN_CONVERTERS_RULES_RULE_H

#include "converters/rules/conditions.h"
#include "converters/rules/operation.h"
#include "converters/rules/template.h"
#include "converters/rules/vars.h"
#include "model/model.h"
#include <stdio.h>

struct tni_stage;

typedef enum tni_deed {
    TNI_DEED_RENAME,
    TNI_DEED_KEEP,
    TNI_DEED_DROP,
    TNI_DEED_MAKE, /* claims nothing: it has no patterns */
    TNI_DEED_TIE   /* likewise */
} tni_deed;

/* A second name of a tensor of the output. No format that is written holds such names. */
typedef struct tni_tie {
    tn_str name, with;
    bool copy; /* it is written as a tensor of its own; else not at all */
} tni_tie;

/* A tensor that a rule makes from nothing: all its elements are one. */
typedef struct tni_make {
    tn_str name;
    tn_dtype dtype;
    uint32_t rank;
    const int64_t *shape;
    int64_t elements;
    unsigned char element[16]; /* in native byte order */
} tni_make;

/* What becomes of tensors that no rule claims. */
typedef enum tni_unmatched {
    TNI_UNMATCHED_ERROR,
    TNI_UNMATCHED_KEEP,
    TNI_UNMATCHED_DROP
} tni_unmatched;

/* How slots are treated: they go with their variable; they stay, so that a renamed variable is an
 * error; every pattern sees them. */
typedef enum tni_slots { TNI_SLOTS_FOLLOW, TNI_SLOTS_KEEP, TNI_SLOTS_SEEN } tni_slots;

#define TNI_OTHERWISE INT64_MIN

typedef struct tni_rule {
    tn_str place;          /* for people and the plan: "--rename 1", "r.yaml:3" */
    const char *file;      /* NULL: a flag */
    uint32_t line, column; /* in the file; 0: a flag */
    tn_pattern **patterns;
    size_t n_patterns;
    tni_template *to;       /* NULL unless the deed is a rename; of several targets the first */
    tni_template **targets; /* with `operates`: all targets; none: the name stays */
    size_t n_targets;
    bool operates; /* the tensors that it claims go into others: there are operations, several
                      targets, or several patterns with a target */
    const tni_rule_op *ops;
    size_t n_ops;
    const tni_make *make; /* of the deed TNI_DEED_MAKE */
    const tni_tie *tie;   /* of the deed TNI_DEED_TIE */
    const tni_yaml *node; /* printed as it stands in the file: of `make` and `tie` */
    const tni_yaml *from; /* `from`, as it stands in the file */
    const tn_str *inputs; /* names of the inputs whose tensors it takes; none: IN's alone */
    size_t n_inputs;
    const uint32_t *takes; /* their numbers, set when the command knows them; 0: IN */
    bool floats_only;      /* of --cast: sees floating tensors alone, but for an exact name */
    tni_deed deed;
    bool optional;
    bool sees_slots, sees_counters; /* the file that it stands in says so */
    int64_t priority;               /* TNI_OTHERWISE: below all others */
    uint32_t recorded; /* bits by slot of the pattern: holes whose values are collected */
    const tni_when *when;
    const tni_expect *expect;
    tn_pattern *back; /* what leads from the new name to the old one; NULL: not said */
    tni_template *back_to;
    const tni_yaml *back_node;
    tn_str argument; /* of a flag: FROM, which may be any of a tensor's names; else none */
    tn_str exact;    /* of a flag: the name that the argument turned out to mean, or none */
} tni_rule;

typedef struct tni_ruleset {
    const char *file;      /* NULL: flags */
    tn_str title;          /* what `about` says, or none */
    const tni_yaml *notes; /* what is said whenever the stage runs: a list of texts, or NULL */
    tni_rule *rules;
    size_t count;
    tn_scheme scheme; /* whose names the patterns see */
    char separator;   /* 0: none was said */
    tni_vars vars;
    tni_tables tables;
    bool prints_vars; /* something that is printed as it was written names variables */
    tni_guard from, to;
    tni_assertion *assertions;
    size_t n_assertions;
    const tni_yaml *asserted; /* the list, as it stood in the file */
    tni_unmatched unmatched;
    tn_str unmatched_place; /* of what drops the unmatched */
    tni_slots slots;
    bool sees_counters;
    uint64_t families;        /* bits by index of the slot families that there are; 0: all */
    const tni_yaml *listed;   /* `slot_families`, as it stood in the file */
    const tni_yaml *metadata; /* as it stood in the file, or NULL */
    const tni_yaml *metadata_set, *metadata_copy; /* a map of texts; a list of keys; or NULL */
    tn_str *inputs;                               /* names of further inputs */
    size_t n_inputs;
    const tni_yaml *root;         /* all that stands in the file; NULL: flags */
    const tni_yaml *include;      /* the list, as it stood in the file */
    size_t n_own;                 /* rules that are the file's own; the others are included */
    struct tni_ruleset *included; /* the files that it includes, and these in turn; their rules
                                     stand among those of this one, too */
    size_t n_included;
} tni_ruleset;

/* All stages of one command, in order. */
typedef struct tni_rulesets {
    tni_ruleset *at;
    size_t count;
} tni_rulesets;

/* What names rules on a command line. */
typedef struct tni_rule_options {
    const char *const *rename;
    size_t n_rename;
    const char *const *rules;
    size_t n_rules;
    const char *const *vars;
    size_t n_vars;
    const char *const *cast; /* [PATTERN=]DTYPE */
    size_t n_cast;
    const char *const *inputs; /* NAME=PATH */
    size_t n_inputs;
    tn_scheme scheme; /* of the command; what the flags' patterns see */
    bool ignore_unmatch;
    bool slots_are_tied; /* the output ties slots to their variables by other means than names: one
                            that is called by its full name keeps it */
    const char *target;  /* format of the output; NULL: there is none */
    const tni_rulesets *loaded; /* stages that are read already; NULL: those of the fields above */
    /* Shown each stage that has decided; NULL: nobody looks. What it has in the arena stays. */
    void (*watch)(void *user, const struct tni_stage *stage);
    void *watch_user;
} tni_rule_options;

/* Reads all flags and files into stages. Strings live in the arena or in the options. Errors:
 * TN_E_RULE and TN_E_USAGE with the place, TN_E_NOT_FOUND, TN_E_READ. */
tn_status tni_rules_load(tni_arena *arena, const tni_rule_options *options, tni_rulesets *sets_out,
                         tn_error *err);

/* Compiles the --rename flags into one stage. */
tn_status tni_rules_of_flags(tni_arena *arena, const char *const *rename, size_t count,
                             tni_ruleset *set, tn_error *err);
/* Compiles the --cast flags into one stage. */
tn_status tni_casts_of_flags(tni_arena *arena, const char *const *cast, size_t count,
                             tni_ruleset *set, tn_error *err);
/* The sides of a rename, as an argument or flat map holds them: a subtree (`a/`, `/`) on both, or
 * a pattern and a target. */
typedef struct tni_sides {
    tn_str from, to;
} tni_sides;

/* Compiles FROM and TO into a rule's pattern and target. On an error *side_out tells which side it
 * is in (0, 1) and *at_out where. Errors: TN_E_RULE. */
tn_status tni_rule_compile(tni_arena *arena, const tni_ruleset *set, const tni_vars *vars,
                           tni_sides sides, tni_rule *rule, int *side_out, size_t *at_out,
                           tn_error *err);
/* Compiles one more target for the rule's first pattern, or for `scope`, which is that pattern with
 * further holes. */
tn_status tni_rule_add_target(tni_arena *arena, const tni_ruleset *set, const tni_vars *vars,
                              tn_str to, const tn_pattern *scope, tni_rule *rule, size_t *at_out,
                              tn_error *err);
/* The same for sides that may be subtrees. */
tn_status tni_rule_compile_move(tni_arena *arena, const tni_ruleset *set, const tni_vars *vars,
                                tni_sides sides, tni_rule *rule, int *side_out, size_t *at_out,
                                tn_error *err);

/* Writes a stage as a rule file: all of it, its head alone, one text of it (a name's braces are
 * doubled). */
void tni_rules_print(const tni_ruleset *set, FILE *out);
void tni_rules_print_head(const tni_ruleset *set, FILE *out);
void tni_rules_print_text(tn_str text, bool is_name, FILE *out);

#endif
