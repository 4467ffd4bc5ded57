/* Twins: model.export of Keras 3 stores each weight twice, once below the root's `variables` and
 * once below another of its lists. Two such keys with equal full name, dtype, shape and stored sum
 * are one tensor. */
#include "formats/tf_checkpoint/names.h"
#include <stdlib.h>

typedef struct candidate {
    uint32_t entry;
    bool original; /* below `variables` */
} candidate;

enum { LISTS = 6 }; /* names that tni_tf_is_list_edge knows */

/* The lists that the root has. */
typedef struct root_lists {
    tn_str name[LISTS];
    size_t count;
} root_lists;

static bool has_list(const root_lists *lists, tn_str name)
{
    for (size_t i = 0; i < lists->count; i++) {
        if (tn_str_equal(lists->name[i], name)) {
            return true;
        }
    }
    return false;
}

static root_lists lists_of_root(const tni_tf_graph *graph)
{
    root_lists lists = {.count = 0};
    for (uint32_t i = 0; i < graph->nodes[0].n_children; i++) {
        tn_str name = graph->nodes[0].children[i].name;
        if (tni_tf_is_list_edge(name) && !has_list(&lists, name)) {
            lists.name[lists.count++] = name;
        }
    }
    return lists;
}

/* Tells whether a key may be one of a pair: a variable without a path, below a list of the root. */
static bool is_candidate(const tni_tf_naming *n, const root_lists *lists, uint32_t entry,
                         candidate *out)
{
    const tni_tf_name *name = &n->names[entry];
    const tni_tf_entry *e = &n->entries[entry];
    const char *slash = memchr(e->key.data, '/', e->key.len);
    /* A partitioned tensor has no sum of its own. */
    if (e->hidden || e->slices != NULL || name->node == TN_NO_INDEX || !name->pathless ||
        name->full.data == NULL || slash == NULL) {
        return false;
    }
    tn_str list = tn_str_first(e->key, (size_t)(slash - e->key.data));
    *out = (candidate){entry, tn_str_equal(list, TN_LIT("variables"))};
    return has_list(lists, list);
}

static int compare_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int by_content(const void *x, const void *y, void *naming)
{
    const tni_tf_naming *n = naming;
    uint32_t i = ((const candidate *)x)->entry, k = ((const candidate *)y)->entry;
    const tni_tf_entry *a = &n->entries[i], *b = &n->entries[k];
    int order = tn_str_compare(n->names[i].full, n->names[k].full);
    order = order != 0 ? order : compare_u64(a->dtype, b->dtype);
    order = order != 0 ? order : compare_u64(a->crc, b->crc);
    order = order != 0 ? order : compare_u64(a->size, b->size);
    order = order != 0 ? order : compare_u64(a->rank, b->rank);
    if (order != 0 || a->rank == 0) {
        return order;
    }
    return memcmp(a->shape, b->shape, a->rank * sizeof(int64_t));
}

/* Pairs the keys of one group of equals, if it is just two: one original and one copy. */
static void pair(tni_tf_naming *n, const candidate *group, size_t size)
{
    if (size != 2 || group[0].original == group[1].original) {
        return;
    }
    uint32_t original = group[group[0].original ? 0 : 1].entry;
    uint32_t copy = group[group[0].original ? 1 : 0].entry;
    n->names[original].twin = copy;
    n->names[copy].twin_of = original;
}

tn_status tni_tf_twins_find(tni_tf_naming *naming, tn_error *err)
{
    void *block;
    size_t found = 0;
    tn_status status = tni_alloc_array(naming->ctx, naming->count, sizeof(candidate), &block, err);
    if (status != TN_OK) {
        return status;
    }
    candidate *candidates = block;
    root_lists lists = lists_of_root(naming->graph);
    for (uint32_t i = 0; i < naming->count; i++) {
        found += is_candidate(naming, &lists, i, &candidates[found]);
    }
    qsort_r(candidates, found, sizeof(candidate), by_content, naming);
    for (size_t from = 0, to; from < found; from = to) {
        to = from + 1;
        while (to < found && by_content(&candidates[from], &candidates[to], naming) == 0) {
            to++;
        }
        pair(naming, &candidates[from], to - from);
    }
    tni_free(naming->ctx, candidates);
    return TN_OK;
}
