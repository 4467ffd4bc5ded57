#include "converters/pairing.h"

/* The partner of a tensor of A in one scheme; where one of the two has no name in it, that one is
 * called by its name. */
static uint32_t partner(const tn_tensor *tensor, const tn_model *b, tn_scheme scheme)
{
    bool called = tensor->alias[scheme].data != NULL;
    tn_str name = tensor->alias[called ? scheme : TN_SCHEME_NAME];
    uint32_t found = tn_model_find(b, scheme, name);
    if (found == TN_NO_INDEX) {
        found = tn_model_find(b, TN_SCHEME_NAME, name);
        bool other = found != TN_NO_INDEX && b->tensors[found].alias[scheme].data != NULL;
        found = called && other ? TN_NO_INDEX : found;
    }
    return found;
}

static size_t count_variables(const tn_model *a, const tn_model *b, tn_scheme scheme)
{
    size_t count = 0;
    for (size_t i = 0; i < a->count; i++) {
        const tn_tensor *tensor = &a->tensors[i];
        if (tensor->role == TN_ROLE_VARIABLE && tensor->alias[scheme].data != NULL) {
            uint32_t other = tn_model_find(b, scheme, tensor->alias[scheme]);
            count += other != TN_NO_INDEX && b->tensors[other].role == TN_ROLE_VARIABLE;
        }
    }
    return count;
}

static tn_scheme best_scheme(const tn_model *a, const tn_model *b)
{
    static const tn_scheme order[] = {TN_SCHEME_NAME, TN_SCHEME_FULL, TN_SCHEME_KEY,
                                      TN_SCHEME_OBJECT};
    tn_scheme best = TN_SCHEME_NAME;
    size_t most = 0;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        size_t count = count_variables(a, b, order[i]);
        if (count > most) {
            most = count;
            best = order[i];
        }
    }
    return best;
}

tn_status tni_pair(const tn_model *a, const tn_model *b, const tn_scheme *scheme, tni_arena *arena,
                   tni_pairing *pairing_out, tn_error *err)
{
    tni_pairing pairing = {.scheme = scheme != NULL ? *scheme : best_scheme(a, b)};
    void *b_of_a, *a_of_b;
    tn_status status = tni_arena_array(arena, a->count, sizeof(uint32_t), &b_of_a, err);
    if (status == TN_OK) {
        status = tni_arena_array(arena, b->count, sizeof(uint32_t), &a_of_b, err);
    }
    if (status != TN_OK) {
        return status;
    }
    pairing.b_of_a = b_of_a;
    pairing.a_of_b = a_of_b;
    for (size_t i = 0; i < b->count; i++) {
        pairing.a_of_b[i] = TN_NO_INDEX;
    }
    for (uint32_t i = 0; i < a->count; i++) {
        uint32_t other = partner(&a->tensors[i], b, pairing.scheme);
        bool free = other != TN_NO_INDEX && pairing.a_of_b[other] == TN_NO_INDEX;
        pairing.b_of_a[i] = free ? other : TN_NO_INDEX;
        if (free) {
            pairing.a_of_b[other] = i;
            pairing.variables += a->tensors[i].role == TN_ROLE_VARIABLE;
        }
    }
    *pairing_out = pairing;
    return TN_OK;
}
