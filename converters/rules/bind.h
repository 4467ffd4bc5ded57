/* One stage: which rule claims which tensor of a model, and what becomes of each. */
#ifndef TN_CONVERTERS_RULES_BIND_H
#define TN_CONVERTERS_RULES_BIND_H

#include "converters/mapped.h"
#include "converters/rules/inputs.h"
#include "converters/rules/rule.h"

/* What a stage decides for one tensor. */
typedef struct tni_decision {
    const tni_rule *rule;       /* that claims it, or that it follows; NULL: none */
    const tn_pattern *pattern;  /* of the rule: which matched */
    const tni_rule *rival;      /* of equal priority */
    const tni_rule *left_alone; /* what would have matched this counter, or state without a scope */
    bool claimed, decided;
    bool dropped;
    bool consumed;  /* it goes into what a rule makes, and is not there by itself any more */
    bool unmatched; /* no rule claims it, and it is nothing that stays by its nature */
    tn_str name;    /* in the output */
    tn_str place;   /* of the rule, for the plan; or none */
} tni_decision;

/* What a rule has met. */
typedef struct tni_tally {
    size_t found; /* tensors that it matches, also those that a rule above it claims */
    size_t claimed;
    uint32_t unseen;           /* one that it matches but may not claim so, or TN_NO_INDEX */
    tni_seen_numbers *numbers; /* by slot, for the recorded holes */
} tni_tally;

typedef struct tni_stage {
    tni_arena *arena;
    const tn_model *model; /* what the stage before left */
    const bool *renamed;   /* by tensor: by a stage before */
    const uint32_t
        *input; /* by tensor: the number of the input that it is of; NULL: all are IN's */
    const tni_inputs *inputs;
    tni_ruleset *set;
    bool ignore_unmatch;
    bool slots_are_tied;
    const char *target_format; /* NULL: there is no output */
    tn_report *notes;
    tni_decision *decisions; /* by tensor */
    tni_tally *tallies;      /* by rule */
    tn_model *next;          /* what the stage leaves, in the making: owns what operations need */
    tni_made *made;          /* what rules with operations make, in order of their first tensors */
    size_t n_made, made_room;
    uint64_t tries; /* how often a name was held against a pattern */
    tni_matcher matcher;
    tni_buffer buffer;
} tni_stage;

/* Decides for all tensors. Errors: TN_E_OVERLAP, TN_E_NO_MATCH, TN_E_UNMATCHED, TN_E_SLOT,
 * TN_E_COLLISION, TN_E_NAME, TN_E_EXPECT, TN_E_AMBIGUOUS, TN_E_LIMIT, TN_E_NOMEM. */
tn_status tni_stage_bind(tni_stage *stage, tn_error *err);

/* The name of a tensor that the stage's patterns see; none if it has none in their scheme. */
tn_str tni_stage_seen(const tni_stage *stage, size_t index);
/* The name of a tensor in its own model, without the input's name. */
tn_str tni_stage_own(const tni_stage *stage, size_t index);
/* The name of a tensor when the stage is done. */
tn_str tni_stage_final(const tni_stage *stage, size_t index);
/* The number of the input that a tensor is of; 0: IN. */
static inline uint32_t tni_stage_input(const tni_stage *stage, size_t index)
{
    return stage->input == NULL ? 0 : stage->input[index];
}
/* Tells whether a rule takes tensors of that input. */
bool tni_rule_takes(const tni_rule *rule, uint32_t input);

/* The variable that a slot goes with; TN_NO_INDEX: none, or the stage's file does not list the
 * slot's family. */
uint32_t tni_stage_owner(const tni_stage *stage, size_t index);
/* Tells whether a slot family (by index) is among those that the file lists. */
bool tni_stage_has_family(const tni_stage *stage, size_t family);

/* The steps of tni_stage_bind. */
tn_status tni_guard_before(tni_stage *stage, tn_error *err); /* guards.c: `from`, `to: {format}` */
tn_status tni_guard_after(tni_stage *stage, tn_error *err);  /* `to`, `assert` */
tn_status tni_stage_claim(tni_stage *stage, tn_error *err);  /* claim.c */
tn_status tni_stage_operands(tni_stage *stage, tn_error *err); /* operands.c: what `add` takes */
tn_status tni_stage_follow(tni_stage *stage, tn_error *err);   /* follow.c */
tn_status tni_stage_operate(tni_stage *stage, tn_error *err);  /* operate.c */
tn_status tni_stage_tie(tni_stage *stage, tn_error *err);      /* tie.c: a part of it */
/* Checks the result against `to: {like}` and `unmatched_target` of a file. */
tn_status tni_guard_like(tni_stage *stage, const tni_ruleset *of, tn_error *err);

#endif
