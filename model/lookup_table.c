/* Tables from names to tensors: a model that is only listed never pays for them. */
#include "model/lookup_table.h"

#include "core/hash.h"
#include "model/model.h"
#include <pthread.h>

struct tni_lookup {
    pthread_mutex_t lock;
    bool made[TN_SCHEME_COUNT];
    tni_hash table[TN_SCHEME_COUNT];
};

tn_status tni_lookup_new(tn_context *ctx, struct tni_lookup **lookup_out, tn_error *err)
{
    void *block;
    tn_status status = tni_alloc_array(ctx, 1, sizeof(struct tni_lookup), &block, err);
    if (status == TN_OK) {
        struct tni_lookup *lookup = block;
        pthread_mutex_init(&lookup->lock, NULL);
        for (int i = 0; i < TN_SCHEME_COUNT; i++) {
            tni_hash_init(&lookup->table[i], ctx, 0);
        }
        *lookup_out = lookup;
    }
    return status;
}

void tni_lookup_free(tn_context *ctx, struct tni_lookup *lookup)
{
    if (lookup == NULL) {
        return;
    }
    for (int i = 0; i < TN_SCHEME_COUNT; i++) {
        tni_hash_clear(&lookup->table[i]);
    }
    pthread_mutex_destroy(&lookup->lock);
    tni_free(ctx, lookup);
}

static tn_status add_name(tni_hash *table, tn_str name, uint32_t index)
{
    uint32_t old;
    tn_status status = tni_hash_add(table, name, index, &old, NULL);
    if (status == TN_OK && old != TNI_HASH_NONE && old != index) {
        status = tni_hash_set(table, name, TNI_INDEX_MANY, NULL);
    }
    return status;
}

/* Fills one table; twins are further keys. */
static tn_status fill(const tn_model *model, tn_scheme scheme, tni_hash *table)
{
    tn_status status = TN_OK;
    tni_hash_init(table, model->ctx, model->count);
    for (uint32_t i = 0; status == TN_OK && i < model->count; i++) {
        const tn_tensor *tensor = &model->tensors[i];
        if (tensor->alias[scheme].data != NULL) {
            status = add_name(table, tensor->alias[scheme], i);
        }
        for (uint32_t k = 0; status == TN_OK && scheme == TN_SCHEME_KEY && k < tensor->n_twins;
             k++) {
            status = add_name(table, tensor->twins[k], i);
        }
    }
    return status;
}

/* Looks through all names: what is left when there is no memory for a table. */
static uint32_t scan(const tn_model *model, tn_scheme scheme, tn_str name)
{
    uint32_t found = TN_NO_INDEX;
    for (uint32_t i = 0; i < model->count; i++) {
        const tn_tensor *tensor = &model->tensors[i];
        bool is = tensor->alias[scheme].data != NULL && tn_str_equal(tensor->alias[scheme], name);
        for (uint32_t k = 0; !is && scheme == TN_SCHEME_KEY && k < tensor->n_twins; k++) {
            is = tn_str_equal(tensor->twins[k], name);
        }
        if (is) {
            found = found == TN_NO_INDEX ? i : TNI_INDEX_MANY;
        }
    }
    return found;
}

uint32_t tni_model_index(const tn_model *model, tn_scheme scheme, tn_str name)
{
    struct tni_lookup *lookup = model->lookup;
    pthread_mutex_lock(&lookup->lock);
    if (!lookup->made[scheme]) {
        lookup->made[scheme] = fill(model, scheme, &lookup->table[scheme]) == TN_OK;
        if (!lookup->made[scheme]) {
            tni_hash_clear(&lookup->table[scheme]);
            tni_hash_init(&lookup->table[scheme], model->ctx, 0);
        }
    }
    bool made = lookup->made[scheme];
    pthread_mutex_unlock(&lookup->lock);
    return made ? tni_hash_get(&lookup->table[scheme], name) : scan(model, scheme, name);
}

uint32_t tn_model_find(const tn_model *model, tn_scheme scheme, tn_str name)
{
    uint32_t index = tni_model_index(model, scheme, name);
    return index == TNI_INDEX_MANY ? TN_NO_INDEX : index;
}
