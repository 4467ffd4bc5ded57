#include "converters/ops/feed.h"

#include "core/error.h"

#include <stdlib.h>

/* A piece on its way into order. */
typedef struct entry {
    tni_map map;
    uint32_t leaf;
} entry;

static int by_first_element(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    return (x->map.to > y->map.to) - (x->map.to < y->map.to);
}

static void sort_entries(entry *entries, size_t count)
{
    bool in_order = true;
    for (size_t i = 1; in_order && i < count; i++) {
        in_order = by_first_element(&entries[i - 1], &entries[i]) < 0;
    }
    if (!in_order) {
        qsort(entries, count, sizeof *entries, by_first_element);
    }
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) * (const tni_leaf *const *)a;
    uintptr_t y = (uintptr_t) * (const tni_leaf *const *)b;
    return (x > y) - (x < y);
}

static int64_t last_element(const tni_map *map)
{
    int64_t last = map->to;
    for (uint32_t k = 0; k < map->rank; k++) {
        last += (map->dim[k].size - 1) * map->dim[k].to;
    }
    return last;
}

/* Numbers the leaves, each one once, so that what was cut apart can be joined again. */
static void number_leaves(tni_feed *feed)
{
    size_t pieces = 0;
    for (size_t i = 0; i < feed->n_in; i++) {
        for (uint32_t k = 0; k < feed->in[i].n_pieces; k++) {
            feed->leaves[pieces++] = feed->in[i].pieces[k].leaf;
        }
    }
    qsort(feed->leaves, pieces, sizeof *feed->leaves, by_address);
    for (size_t i = 0; i < pieces; i++) {
        if (feed->n_leaves == 0 || feed->leaves[feed->n_leaves - 1] != feed->leaves[i]) {
            feed->leaves[feed->n_leaves++] = feed->leaves[i];
        }
    }
}

static uint32_t number_of(const tni_feed *feed, const tni_leaf *leaf)
{
    const tni_leaf **found =
        bsearch(&leaf, feed->leaves, feed->n_leaves, sizeof *feed->leaves, by_address);
    return (uint32_t)(found - feed->leaves);
}

/* Takes in the pieces of one input; `entries` has room for them. */
static void load(tni_feed *feed, size_t index, entry *entries)
{
    const tni_value *value = &feed->in[index];
    size_t count = 0;
    size_t at = feed->first[index];
    for (uint32_t k = 0; k < value->n_pieces; k++) {
        const tni_piece *piece = &value->pieces[k];
        if (tni_map_elements(&piece->map) > 0) {
            entries[count++] = (entry){piece->map, number_of(feed, piece->leaf)};
        }
    }
    sort_entries(entries, count);
    for (size_t k = 0; k < count; k++, at++) {
        int64_t last = last_element(&entries[k].map);
        feed->maps[at] = entries[k].map;
        feed->leaf[at] = entries[k].leaf;
        feed->reach[at] = k > 0 && feed->reach[at - 1] > last ? feed->reach[at - 1] : last;
    }
    feed->first[index + 1] = at;
}

static tn_status make_room(tni_feed *feed, size_t pieces, entry **entries_out, tn_error *err)
{
    struct {
        size_t count, size;
        void *block;
    } rooms[] = {
        {pieces, sizeof(entry), NULL},      {pieces, sizeof(tni_map), NULL},
        {pieces, sizeof(uint32_t), NULL},   {pieces, sizeof(int64_t), NULL},
        {pieces, sizeof(tni_leaf *), NULL}, {feed->n_in + 1, sizeof(size_t), NULL},
    };
    for (size_t i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        tn_status status =
            tni_arena_array(feed->arena, rooms[i].count, rooms[i].size, &rooms[i].block, err);
        if (status != TN_OK) {
            return status;
        }
    }
    *entries_out = rooms[0].block;
    feed->maps = rooms[1].block;
    feed->leaf = rooms[2].block;
    feed->reach = rooms[3].block;
    feed->leaves = rooms[4].block;
    feed->first = rooms[5].block;
    return TN_OK;
}

tn_status tni_feed_start(tni_feed *feed, tni_arena *arena, const tni_op *op, const tni_value *in,
                         size_t n_in, uint64_t limit, tn_error *err)
{
    size_t pieces = 0;
    entry *entries = NULL;
    *feed = (tni_feed){.arena = arena, .op = op, .in = in, .n_in = n_in, .limit = limit};
    for (size_t i = 0; i < n_in; i++) {
        pieces += in[i].n_pieces;
    }
    tn_status status = tni_check_limit(pieces, UINT32_MAX, "pieces", err);
    if (status == TN_OK) {
        status = make_room(feed, pieces, &entries, err);
    }
    if (status != TN_OK) {
        return status;
    }
    number_leaves(feed);
    for (size_t i = 0; i < n_in; i++) {
        load(feed, i, entries);
    }
    return TN_OK;
}

/* Finds the first index in [low, high) for which `values[index] >= least`. */
static size_t first_reaching(const int64_t *reach, size_t low, size_t high, int64_t least)
{
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (reach[middle] >= least) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static size_t first_behind(const tni_map *maps, size_t low, size_t high, int64_t last)
{
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (maps[middle].to > last) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* Elements that share bytes, or have no fixed size, are carried whole or not at all. */
static tn_status check_moves(const tni_feed *feed, const tni_value *value, const tni_map *outer,
                             tn_error *err)
{
    const tn_dtype_info *about = tn_dtype_about(value->dtype);
    bool all = tni_map_is_run(outer) && tni_map_elements(outer) == value->elements;
    if (all || (about->bits > 0 && about->bits % 8 == 0)) {
        return TN_OK;
    }
    return tni_fail(err, TN_E_UNSUPPORTED,
                    "%s: elements of %s can only be carried whole and in order",
                    tni_op_name(feed->op->kind), about->name);
}

tn_status tni_feed_pull(tni_feed *feed, size_t index, tni_map outer, tni_map_list *list,
                        tn_error *err)
{
    size_t low = feed->first[index];
    size_t high = feed->first[index + 1];
    int64_t last = outer.from;
    for (uint32_t k = 0; k < outer.rank; k++) {
        last += (outer.dim[k].size - 1) * outer.dim[k].from;
    }
    /* Without this, cutting many pieces into many outputs would take their product in time. */
    low = first_reaching(feed->reach, low, high, outer.from);
    high = first_behind(feed->maps, low, high, last);
    tn_status status = check_moves(feed, &feed->in[index], &outer, err);
    if (status == TN_OK) {
        status = tni_cancelled(feed->arena->ctx, err);
    }
    if (status == TN_OK) {
        status = tni_map_compose(outer, feed->maps + low, feed->leaf + low, high - low, list, err);
    }
    return status;
}

/* Sorts the maps of a list, and merges what only then follows each other. */
static tn_status put_in_order(const tni_feed *feed, const tni_map_list *list, int64_t elements,
                              tni_map_list *sorted, tn_error *err)
{
    void *block = NULL;
    tn_status status = tni_arena_array(feed->arena, list->count, sizeof(entry), &block, err);
    if (status != TN_OK) {
        return status;
    }
    entry *entries = block;
    for (size_t i = 0; i < list->count; i++) {
        entries[i] = (entry){list->at[i], list->leaf[i]};
    }
    qsort(entries, list->count, sizeof *entries, by_first_element);
    tni_dim dim;
    tni_map whole;
    tni_map_whole(elements, &dim, &whole);
    tni_map_list_init(sorted, feed->arena, feed->limit);
    for (size_t i = 0; status == TN_OK && i < list->count; i++) {
        status = tni_map_compose(whole, &entries[i].map, &entries[i].leaf, 1, sorted, err);
    }
    return status;
}

static bool is_in_order(const tni_map_list *list)
{
    for (size_t i = 1; i < list->count; i++) {
        if (list->at[i - 1].to >= list->at[i].to) {
            return false;
        }
    }
    return true;
}

tn_status tni_feed_finish(tni_feed *feed, const tni_map_list *list, tni_value *value, tn_error *err)
{
    tni_map_list sorted = *list;
    void *block = NULL;
    tn_status status = TN_OK;
    if (!is_in_order(list)) {
        status = put_in_order(feed, list, value->elements, &sorted, err);
    }
    feed->made += sorted.count;
    if (status == TN_OK) {
        status = tni_check_limit(feed->made, feed->limit, "pieces", err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(feed->arena, sorted.count, sizeof(tni_piece), &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tni_piece *pieces = block;
    for (size_t i = 0; i < sorted.count; i++) {
        pieces[i] = (tni_piece){sorted.at[i], feed->leaves[sorted.leaf[i]]};
    }
    value->pieces = pieces;
    value->n_pieces = (uint32_t)sorted.count;
    return TN_OK;
}

tn_status tni_feed_one(tni_feed *feed, size_t index, tni_map outer, tni_value *value, tn_error *err)
{
    tni_map_list list;
    tni_map_list_init(&list, feed->arena, feed->limit);
    tn_status status = tni_feed_pull(feed, index, outer, &list, err);
    return status == TN_OK ? tni_feed_finish(feed, &list, value, err) : status;
}

tn_status tni_feed_same(tni_feed *feed, size_t index, tni_value *value, tn_error *err)
{
    tni_dim dim;
    tni_map whole;
    tni_map_whole(value->elements, &dim, &whole);
    return tni_feed_one(feed, index, whole, value, err);
}
