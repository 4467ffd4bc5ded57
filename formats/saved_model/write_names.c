/* Names in a graph: those that no operation may have are replaced, and no two are the same
 * (tensorflow/core/graph/graph.h: a letter, digit or '.', then also _ / - >). */
#include "core/error.h"
#include "formats/saved_model/write.h"
#include <stdio.h>

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool may_begin(char c)
{
    return is_letter_or_digit(c) || c == '.';
}

static bool may_follow(char c)
{
    return may_begin(c) || c == '_' || c == '/' || c == '-' || c == '>';
}

/* A '/' at the end would be there, but not show. */
static bool is_good(tn_str name)
{
    bool good = name.len > 0 && may_begin(name.data[0]) && name.data[name.len - 1] != '/';
    for (size_t i = 0; good && i < name.len; i++) {
        good = may_follow(name.data[i]);
    }
    return good;
}

/* Makes a good name of any: '/' at its ends go, other bytes become '_', and a beginning that may
 * not be one gets a "v" before it. */
static tn_status replace(tni_arena *arena, tn_str name, tn_str *name_out, tn_error *err)
{
    void *block;
    while (name.len > 0 && name.data[0] == '/') {
        name = tn_str_skip(name, 1);
    }
    while (name.len > 0 && name.data[name.len - 1] == '/') {
        name = tn_str_first(name, name.len - 1);
    }
    tn_status status = tni_arena_alloc(arena, name.len + 2, &block, err);
    if (status != TN_OK) {
        return status;
    }
    char *text = block;
    size_t len = 0;
    if (name.len == 0 || !may_begin(name.data[0])) {
        text[len++] = 'v';
    }
    for (size_t i = 0; i < name.len; i++) {
        text[len++] = may_follow(name.data[i]) ? name.data[i] : '_';
    }
    *name_out = (tn_str){text, len};
    return TN_OK;
}

/* Gives a replaced name that no variable has; `counts` knows where the search for each goes on. */
static tn_status make_unique(tni_sm_write *w, tni_hash *counts, uint32_t index, tn_error *err)
{
    tn_str base, name;
    tn_status status = replace(w->arena, w->places[index].name, &base, err);
    if (status != TN_OK) {
        return status;
    }
    uint32_t known = tni_hash_get(counts, base);
    uint32_t k = known == TNI_HASH_NONE ? 0 : known;
    name = base;
    while (status == TN_OK && (k > 0 || tni_hash_get(&w->taken, name) != TNI_HASH_NONE)) {
        k += k == 0;
        status = tni_arena_format(w->arena, &name, err, "%.*s_%u", (int)base.len, base.data, k);
        if (status == TN_OK && tni_hash_get(&w->taken, name) == TNI_HASH_NONE) {
            break;
        }
        k++;
    }
    if (status == TN_OK) {
        status = tni_hash_set(counts, base, k + 1, err);
    }
    if (status == TN_OK) {
        w->places[index].graph = name;
        status = tni_hash_add(&w->taken, name, index, NULL, err);
    }
    return status;
}

/* Names that may stay do; the others get what is left. */
static tn_status name_variables(tni_sm_write *w, tn_error *err)
{
    tni_hash counts;
    tn_status status = TN_OK;
    tni_hash_init(&counts, w->arena->ctx, 0);
    for (uint32_t i = 0; status == TN_OK && i < w->count; i++) {
        uint32_t old = TNI_HASH_NONE;
        tni_sm_place *place = &w->places[i];
        if (is_good(place->name)) {
            status = tni_hash_add(&w->taken, place->name, i, &old, err);
            place->graph = old == TNI_HASH_NONE ? place->name : TN_STR_NONE;
        }
    }
    for (uint32_t i = 0; status == TN_OK && i < w->count; i++) {
        if (w->places[i].graph.data == NULL) {
            status = make_unique(w, &counts, i, err);
        }
    }
    tni_hash_clear(&counts);
    return status;
}

/* Tells which scope of save, save_1, save_2 … a name lies in, or is: 0, 1, 2 …; TN_NO_INDEX: none.
 */
static uint32_t scope_of(tn_str name)
{
    tn_str save = TN_LIT("save");
    uint64_t number = 0;
    size_t at = save.len;
    if (!tn_str_starts(name, save)) {
        return TN_NO_INDEX;
    }
    if (at + 1 < name.len && name.data[at] == '_' && name.data[at + 1] >= '1' &&
        name.data[at + 1] <= '9') {
        for (at++;
             at < name.len && name.data[at] >= '0' && name.data[at] <= '9' && number < TN_NO_INDEX;
             at++) {
            number = 10 * number + (uint64_t)(name.data[at] - '0');
        }
    }
    bool ends = at == name.len || name.data[at] == '/';
    return ends && number < TN_NO_INDEX ? (uint32_t)number : TN_NO_INDEX;
}

/* Finds the first scope that no variable lies in. */
static tn_status choose_scope(tni_sm_write *w, tn_error *err)
{
    void *block;
    uint32_t free = 0;
    tn_status status =
        tni_alloc_array(w->arena->ctx, (size_t)w->count + 1, sizeof(bool), &block, err);
    if (status != TN_OK) {
        return status;
    }
    bool *used = block;
    for (uint32_t i = 0; i < w->count; i++) {
        uint32_t scope = scope_of(w->places[i].graph);
        if (scope <= w->count) {
            used[scope] = true;
        }
    }
    while (free < w->count && used[free]) {
        free++;
    }
    tni_free(w->arena->ctx, block);
    w->scope = TN_LIT("save");
    return free == 0 ? TN_OK : tni_arena_format(w->arena, &w->scope, err, "save_%u", free);
}

tn_status tni_sm_names_make(tni_sm_write *w, tn_error *err)
{
    tn_status status = name_variables(w, err);
    if (status == TN_OK) {
        status = choose_scope(w, err);
    }
    w->init = TN_LIT("init");
    for (uint32_t k = 1; status == TN_OK && tni_hash_get(&w->taken, w->init) != TNI_HASH_NONE;
         k++) {
        status = tni_arena_format(w->arena, &w->init, err, "init_%u", k);
    }
    return status;
}

tn_status tni_sm_own_name(const tni_sm_write *w, uint32_t tensor, const char *suffix,
                          tni_arena *arena, tn_str *name_out, tn_error *err)
{
    tn_str name = w->places[tensor].graph;
    tn_status status =
        tni_arena_format(arena, name_out, err, "%.*s/%s", (int)name.len, name.data, suffix);
    for (uint32_t k = 1; status == TN_OK && tni_hash_get(&w->taken, *name_out) != TNI_HASH_NONE;
         k++) {
        status = tni_arena_format(arena, name_out, err, "%.*s/%s_%u", (int)name.len, name.data,
                                  suffix, k);
    }
    return status;
}
