/* The loader "names": every wanted name is looked for among the file's names. */
#include "converters/check.h"

/* The name by which a program asks for a tensor of B. An object graph's variables are asked for by
 * their full names. */
static tn_str wanted_name(const tni_checking *check, const tn_tensor *tensor)
{
    const tn_check_options *o = check->options;
    if (o->has_scheme && tensor->alias[o->scheme].data != NULL) {
        return tensor->alias[o->scheme];
    }
    bool graph = tn_model_objects(tni_model_root(check->b), &(const tn_object *){NULL}) > 0;
    tn_str full = tensor->alias[TN_SCHEME_FULL];
    return graph && full.len > 0 ? full : tensor->alias[TN_SCHEME_NAME];
}

/* Finds what A has under a name: by name, else by key, else by full name; each only if one tensor
 * has it. */
static uint32_t find(const tni_checking *check, tn_str name)
{
    static const tn_scheme order[] = {TN_SCHEME_NAME, TN_SCHEME_KEY, TN_SCHEME_FULL};
    if (check->options->has_scheme) {
        return tn_model_find(check->a, check->options->scheme, name);
    }
    uint32_t found = TN_NO_INDEX;
    for (size_t i = 0; found == TN_NO_INDEX && i < sizeof order / sizeof order[0]; i++) {
        found = tn_model_find(check->a, order[i], name);
    }
    return found;
}

tn_status tni_check_by_names(tni_checking *check, tn_error *err)
{
    void *block;
    tn_status status =
        tni_arena_array(&check->arena, check->b->count, sizeof(tni_want), &block, err);
    if (status != TN_OK) {
        return status;
    }
    check->wants = block;
    for (uint32_t i = 0; i < check->b->count; i++) {
        const tn_tensor *tensor = &check->b->tensors[i];
        if (check->chosen_b[i].cause != TNI_KEPT || tensor->role == TN_ROLE_METADATA) {
            continue;
        }
        tn_str name = wanted_name(check, tensor);
        uint32_t found = find(check, name);
        if (found != TN_NO_INDEX && check->chosen_a[found].cause != TNI_KEPT) {
            found = TN_NO_INDEX;
        }
        check->wants[check->n_wants++] =
            (tni_want){.name = name, .b = i, .a = found, .met = found != TN_NO_INDEX};
        if (found != TN_NO_INDEX) {
            check->used[found] = true;
            check->overlap = true;
        }
    }
    return TN_OK;
}
