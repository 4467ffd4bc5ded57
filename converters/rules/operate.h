/* The parts of tni_stage_operate: rules with operations. */
#ifndef TN_CONVERTERS_RULES_OPERATE_H
#define TN_CONVERTERS_RULES_OPERATE_H

#include "converters/rules/claim.h"

/* A tensor that an operating rule claims. */
typedef struct tni_member {
    uint32_t index;
    uint32_t pattern; /* of the rule */
    uint32_t part;    /* which it is of those that go together: by input, then by pattern */
    uint32_t group;
    int64_t over; /* what the hole of a stack is bound to */
} tni_member;

/* The slots of a stage's tensors, by owner: the first, and by slot the next. */
typedef struct tni_slot_lists {
    uint32_t *first, *next;
} tni_slot_lists;

/* What becomes of one group of tensors: the operations with their arguments computed. */
typedef struct tni_doing {
    tni_stage *stage;
    const tni_rule *rule;
    const tni_member *members;
    uint32_t count;
    tni_op *ops;       /* by operation of the rule; those of index maps */
    tni_value operand; /* what `add` takes, if it takes a tensor */
    const tni_slot_lists *slots;
    tni_value *out;
    size_t n_out;
    size_t first_made; /* of the stage: the group's own tensors */
} tni_doing;

/* Runs the rule's operations over values. Errors: TN_E_SHAPE and its kin, without place. */
tn_status tni_doing_run(const tni_doing *doing, const tni_value *in, uint32_t n_in,
                        tni_value **out_out, size_t *n_out, tn_error *err);
/* Adds a made tensor to the stage. */
tn_status tni_doing_add(tni_stage *stage, const tni_made *made, tn_error *err);
/* Has the slots of a group's tensors follow. Errors: TN_E_SLOT, those of the operations. */
tn_status tni_doing_slots(const tni_doing *doing, tn_error *err);
/* Finds the tensor that `add` takes for what the matcher has bound. Errors: TN_E_NO_SUCH_NAME. */
tn_status tni_find_operand(tni_stage *stage, const tni_rule *rule, const tni_rule_op *op,
                           size_t index, uint32_t *operand_out, tn_error *err);
/* Matches a member again, and orders what was bound as the rule's first pattern has its holes. */
tn_status tni_bind_member(tni_stage *stage, const tni_rule *rule, const tni_member *member,
                          tni_binding bound[TNI_HOLES_MOST + 1], tn_error *err);

#endif
