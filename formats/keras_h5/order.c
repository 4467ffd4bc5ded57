/* Places in get_weights(). A layer's group lists all trainable weights before
 * all others; get_weights() goes sub-layer by sub-layer, each with its own
 * trainable weights first: in nested models always, in any other layer since
 * Keras 3 (keras/src/layers/layer.py, Layer.weights; before,
 * keras/engine/base_layer.py, whose Layer.weights is the list of the file). */
#include "core/hash.h"
#include "formats/keras_h5/layout.h"

/* The weights of one layer by the sub-layers that their names tell. */
typedef struct scopes {
    uint32_t *of;      /* by weight: its sub-layer, numbered as they first come */
    uint32_t *members; /* by sub-layer: how many weights */
    uint32_t count;
    bool split; /* a sub-layer's weights do not stand together */
} scopes;

/* Returns what stands before the last component: the sub-layer whose weight it
 * is. */
static tn_str scope_of(tn_str name)
{
    size_t len = name.len;
    while (len > 0 && name.data[len - 1] != '/') {
        len--;
    }
    return tn_str_first(name, len);
}

static tn_status find_scopes(tni_keras_reading *r, const tni_keras_layer *layer, scopes *s,
                             tn_error *err)
{
    tni_hash number;
    tn_status status = TN_OK;
    tni_hash_init(&number, r->model->ctx, 0);
    for (uint32_t i = 0; i < layer->count; i++) {
        uint32_t old;
        tn_str name = r->model->tensors[layer->first + i].alias[TN_SCHEME_FULL];
        status = tni_hash_add(&number, scope_of(name), s->count, &old, err);
        if (status != TN_OK) {
            break;
        }
        s->of[i] = old == TNI_HASH_NONE ? s->count : old;
        s->split = s->split || (old != TNI_HASH_NONE && s->of[i] != s->of[i - 1]);
        s->members[s->of[i]] = (s->of[i] == s->count ? 0 : s->members[s->of[i]]) + 1;
        s->count += s->of[i] == s->count;
    }
    tni_hash_clear(&number);
    return status;
}

/* Tells whether the names of a layer's weights begin with its own: in Keras 2
 * those of a nested model do not, they begin with the layers in it. */
static bool has_own_scope(const tni_keras_reading *r, const tni_keras_layer *layer)
{
    tn_str name = r->model->tensors[layer->first].alias[TN_SCHEME_FULL];
    return tn_str_starts(name, layer->name) && name.len > layer->name.len &&
           name.data[layer->name.len] == '/';
}

/* Writes the place of each weight: sub-layer by sub-layer where they are
 * `sorted`. */
static tn_status place(tni_keras_reading *r, const tni_keras_layer *layer, uint32_t number,
                       const scopes *s, uint32_t *next, bool sorted, tn_error *err)
{
    tn_status status = TN_OK;
    uint32_t start = 0;
    for (uint32_t i = 0; i < s->count; i++) {
        next[i] = start;
        start += s->members[i];
    }
    for (uint32_t i = 0; status == TN_OK && i < layer->count; i++) {
        tn_str *order = &r->model->tensors[layer->first + i].alias[TN_SCHEME_ORDER];
        status = tni_arena_format(&r->model->arena, order, err, "%u/%u", number,
                                  sorted ? next[s->of[i]]++ : i);
    }
    return status;
}

tn_status tni_keras_order(tni_keras_reading *r, unsigned major, tn_error *err)
{
    void *block;
    size_t most = r->model->count;
    uint32_t number = 0;
    tn_status status = tni_arena_array(&r->scratch, 3 * most, sizeof(uint32_t), &block, err);
    for (uint32_t i = 0; status == TN_OK && i < r->file.n_layers; i++) {
        const tni_keras_layer *layer = &r->file.layers[i];
        scopes s = {.of = block, .members = (uint32_t *)block + most};
        if (layer->count == 0) {
            continue;
        }
        status = find_scopes(r, layer, &s, err);
        bool nested = major >= 3 || !has_own_scope(r, layer);
        /* In Keras 2 a layer of layers and a nested model that was built late look
         * alike. */
        if (status == TN_OK && (nested || !s.split)) {
            status =
                place(r, layer, number, &s, (uint32_t *)block + 2 * most, nested && s.split, err);
        }
        number++;
    }
    return status;
}
