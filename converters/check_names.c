/* The loader "names": every wanted name is looked for among the file's names. Where both sides are
 * TensorFlow's and the file has an object graph, the names are looked for as
 * tf.compat.v1.train.Saver does (tensorflow/python/training/saver.py): all as keys, else all as
 * full names, of which the last in the graph counts. */
#include "converters/check.h"
#include "core/hash.h"

static bool has_graph(const tn_model *model)
{
    const tn_object *objects;
    return tn_model_objects(tni_model_root(model), &objects) > 0;
}

static bool is_tensorflow(const tn_model *model)
{
    const char *format = tn_model_format(model);
    return strncmp(format, "tf_", 3) == 0 || strcmp(format, "saved_model") == 0;
}

/* The name by which a program asks for a tensor of B: an object graph's variables are asked for by
 * their full names, unless the file's names are paths of objects that were renamed. */
static tn_str wanted_name(const tni_checking *check, bool by_full, const tn_tensor *tensor)
{
    const tn_check_options *o = check->options;
    if (o->has_scheme && tensor->alias[o->scheme].data != NULL) {
        return tensor->alias[o->scheme];
    }
    tn_str full = tensor->alias[TN_SCHEME_FULL];
    return by_full && full.len > 0 ? full : tensor->alias[TN_SCHEME_NAME];
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

static tn_status list_full_names(const tni_checking *check, tni_hash *full_names, tn_error *err)
{
    const tn_object *objects;
    size_t count = tn_model_objects(check->a, &objects);
    tn_status status = TN_OK;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t k = 0; status == TN_OK && k < objects[i].n_attributes; k++) {
            const tn_object_value *value = &objects[i].attributes[k];
            uint32_t tensor = tn_model_find(check->a, TN_SCHEME_KEY, value->key);
            if (tensor != TN_NO_INDEX) {
                status = tni_hash_set(full_names, value->full_name, tensor, err);
            }
        }
    }
    return status;
}

/* Looks for all wants as a Saver does; of two incomplete ways the better one is told. */
static tn_status find_as_saver(tni_checking *check, tn_error *err)
{
    size_t by_key = 0, by_full = 0;
    tni_hash full_names;
    tni_hash_init(&full_names, check->a->ctx, 0);
    tn_status status = list_full_names(check, &full_names, err);
    for (size_t i = 0; status == TN_OK && i < check->n_wants; i++) {
        tn_str name = check->wants[i].name;
        by_key += tn_model_find(check->a, TN_SCHEME_KEY, name) != TN_NO_INDEX;
        by_full += tni_hash_get(&full_names, name) != TNI_HASH_NONE;
    }
    for (size_t i = 0; status == TN_OK && i < check->n_wants; i++) {
        tni_want *want = &check->wants[i];
        want->a = by_key >= by_full ? tn_model_find(check->a, TN_SCHEME_KEY, want->name)
                                    : tni_hash_get(&full_names, want->name);
    }
    tni_hash_clear(&full_names);
    return status;
}

/* Settles what was found; a counter that only `save` makes may be missing in a file without an
 * object graph (checkpoint.py, add_to_optionally_restored). */
static void settle(tni_checking *check, bool may_lack_counter)
{
    size_t kept = 0;
    for (size_t i = 0; i < check->n_wants; i++) {
        tni_want want = check->wants[i];
        if (want.a != TN_NO_INDEX && !tni_check_may_serve(check, want.a)) {
            want.a = TN_NO_INDEX;
        }
        want.met = want.a != TN_NO_INDEX;
        if (want.met) {
            check->used[want.a] = true;
            check->overlap = true;
        }
        bool counter = tn_str_equal(check->b->tensors[want.b].alias[TN_SCHEME_KEY],
                                    TN_LIT("save_counter/.ATTRIBUTES/VARIABLE_VALUE"));
        if (want.met || !counter || !may_lack_counter) {
            check->wants[kept++] = want;
        }
    }
    check->n_wants = kept;
}

/* Counts what would be found of B by full names, or by names. */
static size_t count_found(const tni_checking *check, bool by_full)
{
    size_t found = 0;
    for (size_t i = 0; i < check->b->count; i++) {
        tn_str name = wanted_name(check, by_full, &check->b->tensors[i]);
        found += check->chosen_b[i].cause == TNI_KEPT && find(check, name) != TN_NO_INDEX;
    }
    return found;
}

/* Tells whether a program of objects asks for full names. What is no file of TensorFlow's may also
 * hold the objects' own paths, as what was made of such a file does. */
static bool asks_by_full(const tni_checking *check, bool graph_a, bool graph_b)
{
    bool renamed = check->a->base != NULL && graph_a;
    if (!graph_b || renamed || is_tensorflow(check->a)) {
        return graph_b && !renamed;
    }
    return count_found(check, true) > count_found(check, false);
}

tn_status tni_check_by_names(tni_checking *check, tn_error *err)
{
    void *block;
    bool graph_a = has_graph(check->a), graph_b = has_graph(check->b);
    bool mapped = check->a->base != NULL;
    bool by_full = asks_by_full(check, graph_a, graph_b);
    bool saver = graph_a && !mapped && is_tensorflow(check->b) && !check->options->has_scheme;
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
        tn_str name = wanted_name(check, by_full, tensor);
        check->wants[check->n_wants++] =
            (tni_want){.name = name, .b = i, .a = saver ? TN_NO_INDEX : find(check, name)};
    }
    if (saver) {
        status = find_as_saver(check, err);
    }
    if (status == TN_OK) {
        settle(check, graph_b && !graph_a);
    }
    return status;
}
