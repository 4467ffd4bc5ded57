/* Groups and order of a legacy file. What was not renamed keeps the place that its source gave it;
 * a renamed weight goes to the layer that its first component names, and keeps its rank. */
#include "formats/keras_h5/legacy_plan.h"
#include <stdlib.h>

typedef struct work {
    tni_write *write;
    const tn_model *model;
    tni_legacy_plan *plan;
    tni_keras_spot *spots; /* by tensor */
    tn_str *layer_name;    /* by number of the graph's layer; none: not looked for yet */
    size_t skip_name;      /* bytes of the model's name at the beginning of all names */
    size_t skip_full;      /* the same of full names */
    bool graph;
    tni_hash by_name; /* group name → group */
} work;

static const tn_tensor *origin_of(const tn_tensor *tensor)
{
    return &tensor->origin->tensors[tensor->origin_index];
}

/* Tells whether a tensor is written by another name than its source gives it. */
static bool is_renamed(const tn_tensor *tensor)
{
    const tn_str *own = origin_of(tensor)->alias;
    tn_str name = tensor->alias[TN_SCHEME_NAME];
    return !tn_str_equal(name, own[TN_SCHEME_NAME]) &&
           (own[TN_SCHEME_FULL].data == NULL || !tn_str_equal(name, own[TN_SCHEME_FULL]));
}

/* Returns a name's first component. */
static tn_str first_part(tn_str name)
{
    const char *slash = name.len == 0 ? NULL : memchr(name.data, '/', name.len);
    return tn_str_first(name, slash == NULL ? name.len : (size_t)(slash - name.data));
}

/* Takes a first component that all weights share, with two more behind it, for the model's name:
 * returns its bytes with the '/'. */
static size_t model_name(const work *w, tn_scheme scheme)
{
    tn_str shared = TN_STR_NONE;
    for (size_t i = 0; i < w->model->count; i++) {
        const tn_tensor *tensor = &w->model->tensors[i];
        tn_str name =
            scheme == TN_SCHEME_NAME ? tensor->alias[scheme] : origin_of(tensor)->alias[scheme];
        tn_str part = first_part(name);
        size_t behind = name.len - part.len;
        bool deep = behind > 1 && memchr(part.data + part.len + 1, '/', behind - 1) != NULL;
        if (w->spots[i].layer >= TNI_KERAS_OPTIMIZER) {
            continue;
        }
        if (!deep || (shared.data != NULL && !tn_str_equal(shared, part))) {
            return 0;
        }
        shared = part;
    }
    return shared.data == NULL ? 0 : shared.len + 1;
}

/* Names a layer of the graph: by the component that the full names of all its weights have there,
 * else by its edges. */
static tn_str name_layer(work *w, uint32_t layer)
{
    tn_str name = TN_STR_NONE, edges = TN_STR_NONE;
    if (w->layer_name[layer].data != NULL) {
        return w->layer_name[layer];
    }
    for (size_t i = 0; i < w->model->count; i++) {
        if (w->spots[i].layer != layer) {
            continue;
        }
        tn_str full = origin_of(&w->model->tensors[i])->alias[TN_SCHEME_FULL];
        tn_str rest = tn_str_skip(full, full.len > w->skip_full ? w->skip_full : 0);
        tn_str part = first_part(rest);
        bool first = edges.data == NULL;
        edges = w->spots[i].edges;
        name = part.len == rest.len || (!first && !tn_str_equal(part, name)) ? TN_LIT("") : part;
        if (name.len == 0) {
            break;
        }
    }
    bool taken = name.len > 0 && tni_hash_get(&w->by_name, name) != TNI_HASH_NONE;
    w->layer_name[layer] = name.len == 0 || taken ? edges : name;
    return w->layer_name[layer];
}

/* Finds or makes a group. */
static tn_status find_group(work *w, tn_str name, uint32_t rank, uint32_t *group_out, tn_error *err)
{
    tni_legacy_plan *plan = w->plan;
    uint32_t old;
    tn_status status = tni_hash_add(&w->by_name, name, plan->n_groups, &old, err);
    if (status == TN_OK && old == TNI_HASH_NONE) {
        old = plan->n_groups;
        plan->groups[plan->n_groups++] =
            (tni_legacy_group){.name = name, .rank = rank, .number = old};
    }
    if (status == TN_OK) {
        plan->groups[old].rank = rank < plan->groups[old].rank ? rank : plan->groups[old].rank;
        *group_out = old;
    }
    return status;
}

/* Spells a weight as Keras on TensorFlow does: with the output's number. */
static tn_status with_output(work *w, tn_str name, tn_str *name_out, tn_error *err)
{
    return tni_arena_format(w->write->arena, name_out, err, "%.*s:0", (int)name.len, name.data);
}

/* Places a weight that keeps its place in a file of this layout. */
static tn_status keep_place(work *w, uint32_t index, tni_legacy_weight *weight, tn_error *err)
{
    uint32_t own = w->model->tensors[index].origin_index, layer = w->plan->file.layer[own];
    tn_str group = layer == TNI_KERAS_TOP         ? TN_LIT(TNI_KERAS_TOP_WEIGHTS)
                   : layer == TNI_KERAS_OPTIMIZER ? TN_LIT(TNI_KERAS_OPTIMIZER_WEIGHTS)
                                                  : w->plan->file.layers[layer].name;
    weight->name = w->plan->file.weight[own];
    if (is_renamed(&w->model->tensors[index])) {
        tn_status status =
            with_output(w, w->model->tensors[index].alias[TN_SCHEME_NAME], &weight->name, err);
        if (status != TN_OK) {
            return status;
        }
    }
    tn_status status = find_group(w, group, own, &weight->group, err);
    if (status == TN_OK) {
        w->plan->groups[weight->group].is_top = layer == TNI_KERAS_TOP;
        w->plan->groups[weight->group].is_optimizer = layer == TNI_KERAS_OPTIMIZER;
    }
    return status;
}

/* Places one tensor. */
static tn_status place(work *w, uint32_t index, tn_error *err)
{
    const tn_tensor *tensor = &w->model->tensors[index];
    const tni_keras_spot *spot = &w->spots[index];
    tni_legacy_weight *weight = &w->plan->weights[index];
    bool renamed = is_renamed(tensor), in_layer = spot->layer < TNI_KERAS_OPTIMIZER;
    tn_str name = tensor->alias[TN_SCHEME_NAME], group;
    *weight = (tni_legacy_weight){.tensor = index, .rank = spot->rank};
    if (w->plan->carries && (!renamed || !in_layer)) {
        return keep_place(w, index, weight, err);
    }
    if (spot->layer == TNI_KERAS_TOP && !renamed) {
        group = TN_LIT(TNI_KERAS_TOP_WEIGHTS);
    } else if (w->graph && !renamed) {
        group = name_layer(w, spot->layer);
    } else {
        group = first_part(tn_str_skip(name, w->skip_name));
    }
    tn_status status = with_output(w, name, &weight->name, err);
    if (status == TN_OK) {
        status = find_group(w, group, spot->rank, &weight->group, err);
    }
    if (status == TN_OK && spot->layer == TNI_KERAS_TOP && !renamed) {
        w->plan->groups[weight->group].is_top = true;
    }
    return status;
}

/* Takes over the layers without weights. */
static tn_status add_weightless(work *w, tn_error *err)
{
    const tni_keras_file *file = &w->plan->file;
    tn_status status = TN_OK;
    for (uint32_t i = 0; status == TN_OK && w->plan->carries && i < file->n_layers; i++) {
        const tni_keras_layer *layer = &file->layers[i];
        uint32_t group;
        if (layer->count == 0 && tni_hash_get(&w->by_name, layer->name) == TNI_HASH_NONE) {
            status = find_group(w, layer->name, layer->first, &group, err);
        }
    }
    if (status == TN_OK && w->plan->carries && file->has_top &&
        tni_hash_get(&w->by_name, TN_LIT(TNI_KERAS_TOP_WEIGHTS)) == TNI_HASH_NONE) {
        uint32_t group;
        status = find_group(w, TN_LIT(TNI_KERAS_TOP_WEIGHTS), UINT32_MAX, &group, err);
        w->plan->groups[w->plan->n_groups - 1].is_top = true;
    }
    return status;
}

/* Counts the weights of each group, so that layers without any can be told. */
static void count_weights(tni_legacy_plan *plan, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        plan->groups[plan->weights[i].group].count++;
    }
}

static int by_rank(const void *a, const void *b)
{
    const tni_legacy_group *x = a, *y = b;
    if (x->rank != y->rank) {
        return x->rank < y->rank ? -1 : 1;
    }
    if ((x->count == 0) != (y->count == 0)) {
        return x->count == 0 ? -1 : 1;
    }
    return (x->number > y->number) - (x->number < y->number);
}

static int by_group_and_rank(const void *a, const void *b)
{
    const tni_legacy_weight *x = a, *y = b;
    return x->group != y->group ? (x->group > y->group) - (x->group < y->group)
                                : (x->rank > y->rank) - (x->rank < y->rank);
}

/* Puts groups and weights into order. */
static tn_status sort_all(work *w, tn_error *err)
{
    tni_legacy_plan *plan = w->plan;
    void *block;
    tn_status status =
        tni_arena_array(w->write->arena, plan->n_groups, sizeof(uint32_t), &block, err);
    if (status != TN_OK) {
        return status;
    }
    uint32_t *place_of = block, first = 0;
    count_weights(plan, w->model->count);
    qsort(plan->groups, plan->n_groups, sizeof *plan->groups, by_rank);
    for (uint32_t i = 0; i < plan->n_groups; i++) {
        place_of[plan->groups[i].number] = i;
        plan->groups[i].first = first;
        first += plan->groups[i].count;
    }
    for (size_t i = 0; i < w->model->count; i++) {
        plan->weights[i].group = place_of[plan->weights[i].group];
    }
    qsort(plan->weights, w->model->count, sizeof *plan->weights, by_group_and_rank);
    return TN_OK;
}

/* Ranks all tensors by what the source knows. */
static tn_status rank(work *w, tn_error *err)
{
    tni_legacy_plan *plan = w->plan;
    const tn_model *model = w->model;
    tn_status status = TN_OK;
    for (uint32_t i = 0; i < model->count; i++) {
        w->spots[i] = (tni_keras_spot){.tensor = i};
    }
    if (plan->carries) {
        plan->proved = true;
        for (uint32_t i = 0; i < model->count; i++) {
            w->spots[i].rank = model->tensors[i].origin_index;
            w->spots[i].layer = plan->file.layer[model->tensors[i].origin_index];
        }
        w->skip_name = model_name(w, TN_SCHEME_NAME);
        return TN_OK;
    }
    status = tni_keras_by_graph(model, w->write->arena, w->spots, &w->graph, err);
    plan->proved = w->graph;
    w->skip_name = model_name(w, TN_SCHEME_NAME);
    w->skip_full = model_name(w, TN_SCHEME_FULL);
    if (status == TN_OK && !w->graph) {
        status = tni_keras_by_names(model, w->write->arena, w->skip_name, w->spots, err);
    }
    return status;
}

static tn_status allocate(work *w, tn_error *err)
{
    tni_arena *arena = w->write->arena;
    size_t count = w->model->count;
    void *spots, *names, *groups, *weights;
    tn_status status;
    size_t most = count + w->plan->file.n_layers + 1;
    if ((status = tni_arena_array(arena, count, sizeof(tni_keras_spot), &spots, err)) != TN_OK ||
        (status = tni_arena_array(arena, count, sizeof(tni_legacy_weight), &weights, err)) !=
            TN_OK ||
        (status = tni_arena_array(arena, most, sizeof(tni_legacy_group), &groups, err)) != TN_OK) {
        return status;
    }
    const tn_object *objects;
    size_t layers = tn_model_objects(tni_model_root(w->model), &objects);
    status = tni_arena_array(arena, layers, sizeof(tn_str), &names, err);
    w->spots = spots;
    w->layer_name = names;
    w->plan->groups = groups;
    w->plan->weights = weights;
    return status;
}

tn_status tni_legacy_plan_make(tni_write *write, tni_legacy_plan *plan_out, tn_error *err)
{
    work w = {.write = write, .model = write->model, .plan = plan_out};
    *plan_out = (tni_legacy_plan){.carries = write->layout.carries};
    if (plan_out->carries) {
        tni_keras_find(tni_model_root(write->model), &plan_out->file);
    }
    tn_status status = allocate(&w, err);
    if (status == TN_OK) {
        status = rank(&w, err);
    }
    tni_hash_init(&w.by_name, write->ctx, write->model->count);
    for (uint32_t i = 0; status == TN_OK && i < write->model->count; i++) {
        status = place(&w, i, err);
    }
    if (status == TN_OK && (status = add_weightless(&w, err)) == TN_OK) {
        status = sort_all(&w, err);
    }
    tni_hash_clear(&w.by_name);
    return status;
}
