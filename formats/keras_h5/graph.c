/* The order of layers and weights by a TensorFlow object graph. Edges stand in it in the order in
 * which the objects were made (tensorflow/python/trackable/base.py), which is Keras's own order of
 * weights within a layer. */
#include "core/hash.h"
#include "formats/keras_h5/write.h"
#include <stdlib.h>

/* How a node was reached. */
typedef struct reached {
    uint32_t parent;
    tn_str edge;
} reached;

/* The weight of a node, for sorting. */
typedef struct weight {
    uint32_t spot, layer;
    bool moving;
    uint32_t owner_seen; /* when the object was reached whose weight it is */
    unsigned word;
    uint32_t seen;
} weight;

typedef struct work {
    const tn_object *nodes;
    size_t count;
    tni_arena *arena;
    uint32_t *spot;    /* by node: the weight that it is, or TN_NO_INDEX */
    uint32_t *layer;   /* by node: number of the layer that it begins, or TN_NO_INDEX */
    uint32_t *seen;    /* by node: when it was reached; TN_NO_INDEX: not yet */
    uint32_t *waiting; /* a stack or queue of nodes */
    reached *from;     /* by node */
    uint32_t *models;  /* nodes that have layers */
    size_t n_models;
    uint32_t *layers; /* nodes of layers in order */
    tn_str *edges;    /* by layer */
    uint32_t n_layers, clock;
    weight *weights;
    size_t n_weights;
} work;

static bool is_list_edge(tn_str edge)
{
    static const char *const lists[] = {
        "variables",      "trainable_variables",  "non_trainable_variables",
        "_all_variables", "_trainable_variables", "_non_trainable_variables"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (tn_str_equal(edge, tn_str_of(lists[i]))) {
            return true;
        }
    }
    return false;
}

static uint32_t child(const work *w, uint32_t node, const char *edge)
{
    const tn_object *object = &w->nodes[node];
    for (uint32_t i = 0; i < object->n_children; i++) {
        if (tn_str_equal(object->children[i].name, tn_str_of(edge))) {
            return object->children[i].node;
        }
    }
    return TN_NO_INDEX;
}

static bool is_optimizer(const work *w, uint32_t node)
{
    return w->nodes[node].n_slots > 0 || child(w, node, "_iterations") != TN_NO_INDEX ||
           child(w, node, "iterations") != TN_NO_INDEX || child(w, node, "iter") != TN_NO_INDEX;
}

/* Reads the number behind `head` in an edge's name. */
static bool numbered(tn_str edge, const char *head, uint64_t *number_out)
{
    tn_str start = tn_str_of(head);
    uint64_t number = 0;
    if (!tn_str_starts(edge, start) || edge.len == start.len || edge.len - start.len > 9) {
        return false;
    }
    for (size_t i = start.len; i < edge.len; i++) {
        if (edge.data[i] < '0' || edge.data[i] > '9') {
            return false;
        }
        number = number * 10 + (uint64_t)(edge.data[i] - '0');
    }
    *number_out = number;
    return true;
}

static bool has_weighted_layers(const work *w, uint32_t node)
{
    uint64_t number;
    const tn_object *object = &w->nodes[node];
    for (uint32_t i = 0; i < object->n_children; i++) {
        if (numbered(object->children[i].name, "layer_with_weights-", &number)) {
            return true;
        }
    }
    return false;
}

/* Finds the list of a Keras 3 model's layers. */
static uint32_t operations_of(const work *w, uint32_t node)
{
    uint32_t list = child(w, node, "_operations");
    return list != TN_NO_INDEX ? list : child(w, node, "_layers");
}

/* Goes through the graph breadth first and collects the outermost nodes that have layers. */
static void find_models(work *w)
{
    size_t next = 0, end = 0;
    memset(w->seen, 0xFF, w->count * sizeof *w->seen);
    w->waiting[end++] = 0;
    w->seen[0] = 0;
    while (next < end) {
        uint32_t node = w->waiting[next++];
        const tn_object *object = &w->nodes[node];
        if (has_weighted_layers(w, node) || operations_of(w, node) != TN_NO_INDEX) {
            w->models[w->n_models++] = node;
            continue;
        }
        for (uint32_t i = 0; i < object->n_children; i++) {
            uint32_t to = object->children[i].node;
            if (w->seen[to] == TN_NO_INDEX && !is_list_edge(object->children[i].name) &&
                !is_optimizer(w, to)) {
                w->seen[to] = 0;
                w->waiting[end++] = to;
            }
        }
    }
}

/* Takes a node up as the next layer. */
static tn_status add_layer(work *w, uint32_t node, const char *list, tn_str edge, tn_error *err)
{
    if (w->layer[node] != TN_NO_INDEX) {
        return TN_OK;
    }
    w->layer[node] = w->n_layers;
    w->layers[w->n_layers] = node;
    return tni_arena_format(w->arena, &w->edges[w->n_layers++], err, "%s%s%.*s", list,
                            list[0] == '\0' ? "" : "_", (int)edge.len, edge.data);
}

/* One numbered edge to a layer. */
typedef struct step {
    uint64_t number;
    const tn_object_edge *edge;
} step;

static int by_number(const void *a, const void *b)
{
    const step *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

/* Adds the layers of a model by their numbers. */
static tn_status add_layers(work *w, uint32_t model, tn_error *err)
{
    bool weighted = has_weighted_layers(w, model);
    uint32_t list = weighted ? model : operations_of(w, model);
    const char *word = weighted                                        ? ""
                       : child(w, model, "_operations") != TN_NO_INDEX ? "_operations"
                                                                       : "_layers";
    const tn_object *object = &w->nodes[list];
    void *block;
    size_t count = 0;
    tn_status status = tni_arena_array(w->arena, object->n_children, sizeof(step), &block, err);
    step *steps = block;
    for (uint32_t i = 0; status == TN_OK && i < object->n_children; i++) {
        uint64_t number;
        if (numbered(object->children[i].name, weighted ? "layer_with_weights-" : "", &number)) {
            steps[count++] = (step){number, &object->children[i]};
        }
    }
    if (count > 0) {
        qsort(steps, count, sizeof(step), by_number);
    }
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        status = add_layer(w, steps[i].edge->node, word, steps[i].edge->name, err);
    }
    return status;
}

/* Notes a node that is a weight. */
static void take_weight(work *w, uint32_t node, uint32_t layer)
{
    tn_str last = w->from[node].edge;
    w->weights[w->n_weights++] = (weight){.spot = w->spot[node],
                                          .layer = layer,
                                          .moving = tni_keras_is_moving(last),
                                          .owner_seen = w->seen[w->from[node].parent],
                                          .word = tni_keras_word_rank(last),
                                          .seen = w->seen[node]};
}

/* Goes through all that a layer leads to, depth first, and notes its weights. */
static void walk(work *w, uint32_t start, uint32_t layer)
{
    size_t end = 0;
    w->waiting[end++] = start;
    while (end > 0) {
        uint32_t node = w->waiting[--end];
        const tn_object *object = &w->nodes[node];
        if (w->seen[node] != TN_NO_INDEX) {
            continue;
        }
        w->seen[node] = w->clock++;
        if (w->spot[node] != TN_NO_INDEX) {
            take_weight(w, node, layer);
        }
        for (uint32_t i = object->n_children; i > 0; i--) {
            const tn_object_edge *edge = &object->children[i - 1];
            bool other = w->layer[edge->node] != TN_NO_INDEX || is_list_edge(edge->name);
            if (w->seen[edge->node] == TN_NO_INDEX && !other && !is_optimizer(w, edge->node)) {
                w->from[edge->node] = (reached){node, edge->name};
                w->waiting[end++] = edge->node;
            }
        }
    }
}

/* Tells whether a node leads to a weight by edges that count. */
static bool leads_to_weights(work *w, uint32_t start)
{
    size_t before = w->n_weights;
    memset(w->seen, 0xFF, w->count * sizeof *w->seen);
    w->from[start] = (reached){start, TN_STR_NONE};
    walk(w, start, 0);
    bool leads = w->n_weights > before;
    w->n_weights = before;
    return leads;
}

/* Finds the node whose children are the layers of a subclassed model: the root, or the one child of
 * it that leads to weights, unless it holds some itself. */
static uint32_t find_container(work *w)
{
    uint32_t only = TN_NO_INDEX;
    const tn_object *root = &w->nodes[0];
    for (uint32_t i = 0; i < root->n_children; i++) {
        uint32_t to = root->children[i].node;
        if (is_list_edge(root->children[i].name) || is_optimizer(w, to) || to == 0 ||
            !leads_to_weights(w, to)) {
            continue;
        }
        if (only != TN_NO_INDEX && only != to) {
            return 0;
        }
        only = to;
    }
    if (only == TN_NO_INDEX || w->spot[only] != TN_NO_INDEX) {
        return 0;
    }
    for (uint32_t i = 0; i < w->nodes[only].n_children; i++) {
        if (w->spot[w->nodes[only].children[i].node] != TN_NO_INDEX) {
            return 0;
        }
    }
    return only;
}

/* Takes the children of a subclassed model for its layers. */
static tn_status add_children(work *w, tn_error *err)
{
    tn_status status = TN_OK;
    uint32_t container = find_container(w);
    const tn_object *object = &w->nodes[container];
    for (uint32_t i = 0; status == TN_OK && i < object->n_children; i++) {
        const tn_object_edge *edge = &object->children[i];
        if (!is_list_edge(edge->name) && !is_optimizer(w, edge->node) && edge->node != container &&
            w->spot[edge->node] == TN_NO_INDEX && leads_to_weights(w, edge->node)) {
            status = add_layer(w, edge->node, "", edge->name, err);
        }
    }
    return status;
}

static int by_place(const void *a, const void *b)
{
    const weight *x = a, *y = b;
    if (x->layer != y->layer) {
        return x->layer < y->layer ? -1 : 1;
    }
    if (x->moving != y->moving) {
        return x->moving ? 1 : -1;
    }
    if (x->owner_seen != y->owner_seen) {
        return x->owner_seen < y->owner_seen ? -1 : 1;
    }
    if (x->word != y->word) {
        return x->word < y->word ? -1 : 1;
    }
    return (x->seen > y->seen) - (x->seen < y->seen);
}

/* Collects the weights of all layers, then what belongs to none, and sorts them. */
static void collect(work *w)
{
    memset(w->seen, 0xFF, w->count * sizeof *w->seen);
    w->clock = 0;
    for (uint32_t i = 0; i < w->n_layers; i++) {
        w->from[w->layers[i]] = (reached){w->layers[i], TN_STR_NONE};
        walk(w, w->layers[i], i);
    }
    w->from[0] = (reached){0, TN_STR_NONE};
    walk(w, 0, TNI_KERAS_TOP);
    qsort(w->weights, w->n_weights, sizeof(weight), by_place);
}

static tn_status allocate(work *w, tn_error *err)
{
    enum { ARRAYS = 6 };
    void *numbers, *from, *edges, *weights;
    tn_status status;
    if ((status = tni_arena_array(w->arena, w->count, ARRAYS * sizeof(uint32_t), &numbers, err)) !=
            TN_OK ||
        (status = tni_arena_array(w->arena, w->count, sizeof(reached), &from, err)) != TN_OK ||
        (status = tni_arena_array(w->arena, w->count, sizeof(tn_str), &edges, err)) != TN_OK ||
        (status = tni_arena_array(w->arena, w->count, sizeof(weight), &weights, err)) != TN_OK) {
        return status;
    }
    w->spot = numbers;
    w->layer = w->spot + w->count;
    w->seen = w->layer + w->count;
    w->waiting = w->seen + w->count;
    w->models = w->waiting + w->count;
    w->layers = w->models + w->count;
    w->from = from;
    w->edges = edges;
    w->weights = weights;
    memset(numbers, 0xFF, w->count * ARRAYS * sizeof(uint32_t));
    return TN_OK;
}

/* Tells each node which weight it is. */
static tn_status bind(work *w, const tn_model *model, const tni_keras_spot *spots, tn_error *err)
{
    tni_hash by_key;
    tn_status status = TN_OK;
    tni_hash_init(&by_key, model->ctx, model->count);
    for (uint32_t i = 0; status == TN_OK && i < model->count; i++) {
        const tn_tensor *tensor = &model->tensors[spots[i].tensor];
        const tn_tensor *origin = &tensor->origin->tensors[tensor->origin_index];
        if (tensor->origin == tni_model_root(model)) {
            status = tni_hash_add(&by_key, origin->alias[TN_SCHEME_KEY], i, NULL, err);
        }
    }
    for (size_t i = 0; status == TN_OK && i < w->count; i++) {
        for (uint32_t k = 0; k < w->nodes[i].n_attributes; k++) {
            uint32_t spot = tni_hash_get(&by_key, w->nodes[i].attributes[k].key);
            w->spot[i] = spot == TNI_HASH_NONE ? w->spot[i] : spot;
        }
    }
    tni_hash_clear(&by_key);
    return status;
}

tn_status tni_keras_by_graph(const tn_model *model, tni_arena *arena, tni_keras_spot *spots,
                             bool *known_out, tn_error *err)
{
    const tn_object *nodes;
    work w = {.arena = arena, .count = tn_model_objects(tni_model_root(model), &nodes)};
    tn_status status = TN_OK;
    *known_out = false;
    if (w.count == 0) {
        return TN_OK;
    }
    w.nodes = nodes;
    if ((status = allocate(&w, err)) != TN_OK || (status = bind(&w, model, spots, err)) != TN_OK) {
        return status;
    }
    find_models(&w);
    for (size_t i = 0; status == TN_OK && i < w.n_models; i++) {
        status = add_layers(&w, w.models[i], err);
    }
    if (status == TN_OK && w.n_models == 0) {
        status = add_children(&w, err);
    }
    if (status == TN_OK && w.n_layers > 0) {
        collect(&w);
        if (w.n_weights != model->count) {
            return TN_OK; /* some are reached by lists alone: what is known is not enough */
        }
        *known_out = true;
        for (uint32_t i = 0; i < w.n_weights; i++) {
            tni_keras_spot *spot = &spots[w.weights[i].spot];
            spot->layer = w.weights[i].layer;
            spot->rank = i;
            spot->edges = spot->layer == TNI_KERAS_TOP ? TN_STR_NONE : w.edges[spot->layer];
        }
    }
    return status;
}
