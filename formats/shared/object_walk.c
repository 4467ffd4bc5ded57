#include "formats/shared/object_walk.h"
#include <stdlib.h>

tn_status tni_object_walk_init(const tn_object *nodes, uint32_t count, tni_arena *arena,
                               tni_object_walk *walk_out, tn_error *err)
{
    void *sorted;
    tn_status status = tni_arena_array(arena, count, sizeof(uint32_t *), &sorted, err);
    if (status == TN_OK) {
        *walk_out = (tni_object_walk){nodes, sorted, arena};
    }
    return status;
}

static int by_name(const void *a, const void *b, void *edges)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    const tn_object_edge *edge = edges;
    int order = tn_str_compare(edge[x].name, edge[y].name);
    return order != 0 ? order : (x > y) - (x < y);
}

static tn_status sort_children(tni_object_walk *walk, uint32_t node, tn_error *err)
{
    const tn_object *object = &walk->nodes[node];
    void *block;
    tn_status status =
        tni_arena_array(walk->arena, object->n_children, sizeof(uint32_t), &block, err);
    if (status != TN_OK) {
        return status;
    }
    uint32_t *order = block;
    for (uint32_t i = 0; i < object->n_children; i++) {
        order[i] = i;
    }
    tn_object_edge *edges = (tn_object_edge *)(uintptr_t)object->children;
    qsort_r(order, object->n_children, sizeof(uint32_t), by_name, edges);
    walk->sorted[node] = order;
    return TN_OK;
}

/* Compares an edge's name, escaped on the fly, with an escaped component. */
static int compare_escaped(tn_str name, tn_str component)
{
    size_t at = 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        char pair[2] = {c == '/' ? '.' : c, c == '.' ? '.' : 'S'};
        size_t n = c == '.' || c == '/' ? 2 : 1;
        for (size_t k = 0; k < n; k++, at++) {
            if (at == component.len) {
                return 1;
            }
            if (pair[k] != component.data[at]) {
                return (uint8_t)pair[k] < (uint8_t)component.data[at] ? -1 : 1;
            }
        }
    }
    return at == component.len ? 0 : -1;
}

tn_status tni_object_step(tni_object_walk *walk, uint32_t node, tn_str escaped, uint32_t *edge_out,
                          tn_error *err)
{
    const tn_object *object = &walk->nodes[node];
    if (walk->sorted[node] == NULL) {
        tn_status status = sort_children(walk, node, err);
        if (status != TN_OK) {
            return status;
        }
    }
    const uint32_t *order = walk->sorted[node];
    uint32_t low = 0, high = object->n_children;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        bool less = compare_escaped(object->children[order[middle]].name, escaped) < 0;
        low = less ? middle + 1 : low;
        high = less ? high : middle;
    }
    bool found = low < object->n_children &&
                 compare_escaped(object->children[order[low]].name, escaped) == 0;
    *edge_out = found ? order[low] : TN_NO_INDEX;
    return TN_OK;
}

bool tni_object_component(tn_str *path, tn_str *component_out)
{
    if (path->data == NULL) {
        return false;
    }
    const char *slash = path->len == 0 ? NULL : memchr(path->data, '/', path->len);
    size_t len = slash == NULL ? path->len : (size_t)(slash - path->data);
    *component_out = tn_str_first(*path, len);
    *path = slash == NULL ? TN_STR_NONE : tn_str_skip(*path, len + 1);
    return true;
}

void tni_object_escape(tn_str name, tni_buffer *out)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (c == '.' || c == '/') {
            tni_buffer_char(out, '.');
            c = c == '.' ? '.' : 'S';
        }
        tni_buffer_char(out, c);
    }
}

bool tni_object_unescape(tn_str component, char *out, size_t *len_out)
{
    size_t len = 0;
    for (size_t i = 0; i < component.len; i++) {
        char c = component.data[i];
        if (c == '.') {
            char next = ++i < component.len ? component.data[i] : '\0';
            if (next != '.' && next != 'S') {
                return false;
            }
            c = next == '.' ? '.' : '/';
        }
        out[len++] = c;
    }
    *len_out = len;
    return true;
}
