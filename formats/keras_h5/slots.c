/* The optimizer's state in optimizer_weights. Its names tell what each is and
 * whose:
 *
 *     Adam/dense/kernel/m         OPTIMIZER/VARIABLE/SLOT, of tf.keras up
 * to 2.10 and legacy ones Adam/m/dense/kernel         OPTIMIZER/SLOT/VARIABLE,
 * since 2.11 (keras/optimizers/optimizer.py) adam/seq_dense_kernel_momentum
 * OPTIMIZER/VARIABLE_SLOT with '_' for '/', Keras 3
 *                                 (keras/src/optimizers/base_optimizer.py,
 * add_variable_from_reference)
 *
 * An owner must be the only weight that fits by name, and of the same shape. */
#include "core/hash.h"
#include "formats/keras_h5/layout.h"
#include "model/roles.h"

/* Slots of all optimizers of Keras; longer words before their own endings. */
static const char *const slot_words[] = {"accumulated_delta_var",
                                         "accumulated_grad",
                                         "average_gradient",
                                         "velocity_hat",
                                         "accumulator",
                                         "rms",
                                         "mg",
                                         "vhat",
                                         "momentum",
                                         "velocity",
                                         "average",
                                         "linear",
                                         "norm",
                                         "m",
                                         "v",
                                         NULL};

#define MANY (UINT32_MAX - 1)

typedef struct work {
    tni_keras_reading *r;
    tni_hash owners; /* full name, and with '_' for '/' → weight, or MANY */
} work;

/* Adds a spelling of a weight's name; equal ones of two weights mean neither.
 */
static tn_status add_owner(work *w, tn_str name, uint32_t index, tn_error *err)
{
    uint32_t old;
    tn_status status = tni_hash_add(&w->owners, name, index, &old, err);
    if (status == TN_OK && old != TNI_HASH_NONE && old != index) {
        status = tni_hash_set(&w->owners, name, MANY, err);
    }
    return status;
}

static tn_status add_owners(work *w, tn_error *err)
{
    tni_keras_reading *r = w->r;
    tn_status status = TN_OK;
    for (uint32_t i = 0; status == TN_OK && i < r->model->count; i++) {
        tn_str full = r->model->tensors[i].alias[TN_SCHEME_FULL];
        if (r->file.layer[i] == TNI_KERAS_OPTIMIZER) {
            continue;
        }
        status = add_owner(w, full, i, err);
        void *block = NULL;
        if (status == TN_OK) {
            status = tni_arena_alloc(&r->scratch, full.len, &block, err);
        }
        if (status == TN_OK) {
            char *text = block;
            for (size_t k = 0; k < full.len; k++) {
                text[k] = full.data[k] == '/' ? '_' : full.data[k];
            }
            status = add_owner(w, (tn_str){text, full.len}, i, err);
        }
    }
    return status;
}

/* Looks whether `name` is a weight, and one of the slot's shape. */
static bool owns(const work *w, tn_str name, const tn_tensor *slot, uint32_t *owner_out)
{
    uint32_t index = name.len == 0 ? TNI_HASH_NONE : tni_hash_get(&w->owners, name);
    if (index == TNI_HASH_NONE || index == MANY) {
        return false;
    }
    const tn_tensor *owner = &w->r->model->tensors[index];
    *owner_out = index;
    return tni_slot_fits(slot->shape, slot->rank, owner->shape, owner->rank, false);
}

/* Reads `rest`, what follows the optimizer's name, as a slot called `word`. */
static bool reads_as(const work *w, tn_str rest, tn_str word, const tn_tensor *slot,
                     uint32_t *owner_out)
{
    if (rest.len < word.len + 2) {
        return false;
    }
    tn_str head = tn_str_first(rest, rest.len - word.len - 1);
    if (tn_str_starts(rest, word) && rest.data[word.len] == '/' &&
        owns(w, tn_str_skip(rest, word.len + 1), slot, owner_out)) {
        return true;
    }
    char joint = rest.data[head.len];
    return tn_str_ends(rest, word) && (joint == '/' || joint == '_') &&
           owns(w, head, slot, owner_out);
}

/* Finds a slot's word and owner; the optimizer's name may be of several
 * components. */
static bool find_slot(const work *w, tn_tensor *slot)
{
    tn_str rest = slot->alias[TN_SCHEME_FULL];
    while (rest.len > 0) {
        for (size_t k = 0; slot_words[k] != NULL; k++) {
            uint32_t owner;
            if (reads_as(w, rest, tn_str_of(slot_words[k]), slot, &owner)) {
                slot->role = TN_ROLE_SLOT;
                slot->slot = tn_str_of(slot_words[k]);
                slot->slot_of = owner;
                return true;
            }
        }
        const char *slash = memchr(rest.data, '/', rest.len);
        rest = tn_str_skip(rest, slash == NULL ? rest.len : (size_t)(slash - rest.data) + 1);
    }
    return false;
}

tn_status tni_keras_slots(tni_keras_reading *r, tn_error *err)
{
    work w = {.r = r};
    tni_hash_init(&w.owners, r->model->ctx, 2 * r->model->count);
    tn_status status = add_owners(&w, err);
    for (size_t i = 0; status == TN_OK && i < r->model->count; i++) {
        tn_tensor *tensor = &r->model->tensors[i];
        if (r->file.layer[i] == TNI_KERAS_OPTIMIZER && !find_slot(&w, tensor)) {
            bool counter = tni_is_counter(tni_last_component(tensor->alias[TN_SCHEME_FULL]));
            tensor->role = counter ? TN_ROLE_COUNTER : TN_ROLE_STATE;
        }
    }
    tni_hash_clear(&w.owners);
    return status;
}
