#include "converters/object_index.h"

#include <stdlib.h>

static int compare(const tni_object_entry *a, const tni_object_entry *b)
{
    int order = (a->object > b->object) - (a->object < b->object);
    order = order != 0 ? order : (a->variable > b->variable) - (a->variable < b->variable);
    return order != 0 ? order : tn_str_compare(a->name, b->name);
}

/* Equal names keep an order, so that the first one found is always the same. */
static int by_name(const void *a, const void *b)
{
    const tni_object_entry *x = a, *y = b;
    int order = compare(x, y);
    return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

static uint32_t count_part(const tn_object *object, tni_object_part part)
{
    return part == TNI_OBJECT_CHILDREN ? object->n_children
           : part == TNI_OBJECT_VALUES ? object->n_attributes
                                       : object->n_slots;
}

static tni_object_entry entry_of(const tn_object *object, uint32_t i, tni_object_part part,
                                 uint32_t k)
{
    tni_object_entry entry = {.object = i};
    if (part == TNI_OBJECT_CHILDREN) {
        entry.name = object->children[k].name;
        entry.at = object->children[k].node;
    } else if (part == TNI_OBJECT_VALUES) {
        entry.name = object->attributes[k].name;
        entry.at = k;
    } else {
        entry.name = object->slots[k].name;
        entry.variable = object->slots[k].variable;
        entry.at = object->slots[k].node;
    }
    return entry;
}

tn_status tni_object_index_make(tni_arena *arena, const tn_object *objects, size_t count,
                                tni_object_part part, tni_object_index *index_out, tn_error *err)
{
    size_t total = 0, used = 0;
    void *block;
    for (size_t i = 0; i < count; i++) {
        total += count_part(&objects[i], part);
    }
    tn_status status = tni_arena_array(arena, total, sizeof(tni_object_entry), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tni_object_entry *entries = block;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < count_part(&objects[i], part); k++) {
            entries[used++] = entry_of(&objects[i], i, part, k);
        }
    }
    if (used > 0) {
        qsort(entries, used, sizeof *entries, by_name);
    }
    *index_out = (tni_object_index){entries, used};
    return TN_OK;
}

uint32_t tni_object_index_find(const tni_object_index *index, uint32_t object, uint32_t variable,
                               tn_str name)
{
    tni_object_entry wanted = {.object = object, .variable = variable, .name = name};
    size_t low = 0, high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&index->at[middle], &wanted) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool found = low < index->count && compare(&index->at[low], &wanted) == 0;
    return found ? index->at[low].at : TN_NO_INDEX;
}
