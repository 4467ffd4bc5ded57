/* Roles and slots of tensors that only their names tell apart. */
#ifndef TN_MODEL_ROLES_H
#define TN_MODEL_ROLES_H

#include "model/model.h"

/* A family of slot names: how optimizers of one kind call their state of a variable W. */
typedef struct tni_slot_family {
    const char *id;       /* "tf1-adam" */
    tn_str suffix;        /* what follows W, "/Adam"; one number may follow in turn ("/Adam_1") */
    bool counts;          /* the suffix, then _1, _2 …, are the slots in order, over and over */
    const char *prefix;   /* the name must begin with this; NULL: with anything */
    bool factored;        /* the shape may also be the owner's rows, its columns, or a scalar */
    const char *slots[3]; /* the slots' words; NULL-terminated where fewer */
} tni_slot_family;

/* Lists all families; ended by one whose id is NULL. */
const tni_slot_family *tni_slot_families(void);

/* Gives what stands before a family's suffix in a name, for the families from *family_inout (0 to
 * begin with) on, which is moved behind the one found. False: there are no more. */
bool tni_slot_base(tn_str name, size_t *family_inout, tn_str *base_out);

/* Tells whether a slot's shape fits its owner's: equal or, for factored families, the owner's
 * without its last or last but one dimension, or a scalar. */
bool tni_slot_fits(const int64_t *slot, uint32_t slot_rank, const int64_t *owner,
                   uint32_t owner_rank, bool factored);
/* Tells whether a name's last component is that of a counter: global_step, iterations … */
bool tni_is_counter(tn_str last);
/* Tells whether a name's last component is that of a random generator's state. */
bool tni_is_random_state(tn_str last);
/* Tells whether a path is one of other state: a metric (…/keras_api/metrics/…) or a loss scale. */
bool tni_is_state_path(tn_str path);
/* Returns what stands behind the last '/' of a name. */
tn_str tni_last_component(tn_str name);

/* Sets role, slot and slot_of of all tensors whose role is still `variable`, from their names. A
 * slot needs a family's suffix, an existing owner, and a shape that fits; leading components are
 * taken off until an owner is found. To be called before tni_model_finish. Errors: TN_E_NOMEM. */
tn_status tni_roles_by_name(tn_model *model, tn_error *err);

#endif
