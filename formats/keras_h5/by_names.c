/* The order of layers and weights where nothing but names tells it. */
#include "formats/keras_h5/write.h"
#include "model/roles.h"
#include <stdlib.h>
#include <tenon/text.h>

bool tni_keras_is_moving(tn_str last)
{
    return tn_str_equal(last, TN_LIT("moving_mean")) ||
           tn_str_equal(last, TN_LIT("moving_variance"));
}

unsigned tni_keras_word_rank(tn_str last)
{
    static const char *const late[] = {"recurrent_kernel", "bias", "beta", "moving_variance"};
    if (last.len > 0 && last.data[0] == '_') {
        last = tn_str_skip(last, 1);
    }
    for (unsigned i = 0; i < sizeof late / sizeof late[0]; i++) {
        if (tn_str_equal(last, tn_str_of(late[i]))) {
            return i + 1;
        }
    }
    return 0;
}

/* Ranks the sub-layers that Keras makes in an order that is not their names'. */
static int part_rank(tn_str part)
{
    static const char *const parts[] = {"query", "key", "value", "attention_output"};
    for (int i = 0; i < 4; i++) {
        if (tn_str_equal(part, tn_str_of(parts[i]))) {
            return i;
        }
    }
    return tn_str_starts(part, TN_LIT("backward_")) ? 1 : 0;
}

static tn_str take_part(tn_str *path)
{
    const char *slash = path->len == 0 ? NULL : memchr(path->data, '/', path->len);
    size_t len = slash == NULL ? path->len : (size_t)(slash - path->data);
    tn_str part = tn_str_first(*path, len);
    *path = tn_str_skip(*path, slash == NULL ? len : len + 1);
    return part;
}

/* Compares paths of sub-layers component by component. */
static int compare_paths(tn_str a, tn_str b)
{
    while (a.len > 0 && b.len > 0) {
        tn_str x = take_part(&a), y = take_part(&b);
        int rank = part_rank(x) - part_rank(y);
        if (rank != 0) {
            return rank;
        }
        int order = tn_natural_compare(x, y);
        if (order != 0) {
            return order;
        }
    }
    return (a.len > 0) - (b.len > 0);
}

typedef struct entry {
    tn_str layer, inner, last;
    uint32_t spot;
} entry;

static int by_place(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    int order = tn_natural_compare(x->layer, y->layer);
    if (order == 0) {
        order = (int)tni_keras_is_moving(x->last) - (int)tni_keras_is_moving(y->last);
    }
    if (order == 0) {
        order = compare_paths(x->inner, y->inner);
    }
    if (order == 0) {
        order = (int)tni_keras_word_rank(x->last) - (int)tni_keras_word_rank(y->last);
    }
    return order != 0 ? order : tn_natural_compare(x->last, y->last);
}

tn_status tni_keras_by_names(const tn_model *model, tni_arena *arena, size_t skip,
                             tni_keras_spot *spots, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(arena, model->count, sizeof(entry), &block, err);
    if (status != TN_OK) {
        return status;
    }
    entry *entries = block;
    for (uint32_t i = 0; i < model->count; i++) {
        tn_str name = tn_str_skip(model->tensors[spots[i].tensor].alias[TN_SCHEME_NAME], skip);
        entry *at = &entries[i];
        at->spot = i;
        at->layer = take_part(&name);
        at->last = tni_last_component(name);
        at->inner = tn_str_first(name, name.len - at->last.len);
    }
    qsort(entries, model->count, sizeof(entry), by_place);
    uint32_t layer = 0;
    for (uint32_t i = 0; i < model->count; i++) {
        layer += i > 0 && !tn_str_equal(entries[i].layer, entries[i - 1].layer);
        tni_keras_spot *spot = &spots[entries[i].spot];
        spot->layer = layer;
        spot->rank = i;
    }
    return TN_OK;
}
