/* Names of the legacy layout: a weight is called by its own name without `:0`;
 * where two layers' weights share one, all are called GROUP/NAME. */
#include "core/hash.h"
#include "formats/keras_h5/layout.h"

static tn_str without_output(tn_str name)
{
    tn_str output = TN_LIT(":0");
    return tn_str_ends(name, output) ? tn_str_first(name, name.len - output.len) : name;
}

/* Tells whether no two weights of layers share a name. */
static tn_status are_unique(tni_keras_reading *r, tni_hash *taken, bool *unique_out, tn_error *err)
{
    tn_status status = TN_OK;
    *unique_out = true;
    for (uint32_t i = 0; status == TN_OK && i < r->model->count; i++) {
        uint32_t old = TNI_HASH_NONE;
        if (r->file.layer[i] < r->file.n_layers) {
            status = tni_hash_add(taken, r->model->tensors[i].alias[TN_SCHEME_FULL], i, &old, err);
        }
        *unique_out = *unique_out && old == TNI_HASH_NONE;
    }
    return status;
}

static tn_status join(tni_keras_reading *r, tn_str group, tn_str name, tn_str *name_out,
                      tn_error *err)
{
    return tni_arena_format(&r->model->arena, name_out, err, "%.*s/%.*s", (int)group.len,
                            group.data, (int)name.len, name.data);
}

/* Names the weights of layers. */
static tn_status name_layers(tni_keras_reading *r, tni_hash *taken, tn_error *err)
{
    bool unique;
    tn_status status = are_unique(r, taken, &unique, err);
    for (uint32_t i = 0; status == TN_OK && i < r->model->count; i++) {
        tn_str *alias = r->model->tensors[i].alias;
        if (r->file.layer[i] >= r->file.n_layers) {
            continue;
        }
        alias[TN_SCHEME_NAME] = alias[TN_SCHEME_FULL];
        if (!unique) {
            status = join(r, r->file.layers[r->file.layer[i]].name, alias[TN_SCHEME_FULL],
                          &alias[TN_SCHEME_NAME], err);
        }
        if (status == TN_OK && !unique) {
            status = tni_hash_add(taken, alias[TN_SCHEME_NAME], i, NULL, err);
        }
    }
    return status;
}

/* Names what belongs to no layer: by its own name where that is free. */
static tn_status name_others(tni_keras_reading *r, tni_hash *taken, tn_error *err)
{
    tn_status status = TN_OK;
    for (uint32_t i = 0; status == TN_OK && i < r->model->count; i++) {
        tn_str *alias = r->model->tensors[i].alias;
        uint32_t old = TNI_HASH_NONE;
        if (r->file.layer[i] < r->file.n_layers) {
            continue;
        }
        bool top = r->file.layer[i] == TNI_KERAS_TOP;
        tn_str group = top ? TN_LIT(TNI_KERAS_TOP_WEIGHTS) : TN_LIT(TNI_KERAS_OPTIMIZER_WEIGHTS);
        alias[TN_SCHEME_NAME] = alias[TN_SCHEME_FULL];
        status = tni_hash_add(taken, alias[TN_SCHEME_NAME], i, &old, err);
        if (status == TN_OK && old != TNI_HASH_NONE) {
            status = join(r, group, alias[TN_SCHEME_FULL], &alias[TN_SCHEME_NAME], err);
        }
    }
    return status;
}

tn_status tni_keras_name_all(tni_keras_reading *r, tn_error *err)
{
    tni_hash taken;
    tni_hash_init(&taken, r->model->ctx, r->model->count);
    for (size_t i = 0; i < r->model->count; i++) {
        r->model->tensors[i].alias[TN_SCHEME_FULL] = without_output(r->file.weight[i]);
    }
    tn_status status = name_layers(r, &taken, err);
    if (status == TN_OK) {
        status = name_others(r, &taken, err);
    }
    tni_hash_clear(&taken);
    return status;
}
