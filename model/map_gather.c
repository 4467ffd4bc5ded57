/* Evaluation of index maps into chunks.
 *
 * In a canonical map the order of the loop nest is the order of the tensor's elements, so the part
 * of a map that falls in a chunk is a range of ordinals. Its ends are found by division, and the
 * range is cut into at most 2·rank − 1 boxes that are nests themselves. A box is copied plane by
 * plane: the innermost dimension and the one in which the leaf is densest. */
#include "core/checked.h"
#include "model/map_plane.h"
#include "model/nest.h"

typedef struct window {
    const tni_map *map;
    int64_t low, high;             /* ordinals of the map's elements */
    int64_t weight[TNI_NEST_ROOM]; /* elements in one value of a dimension */
} window;

/* Counts the map's elements before tensor element `before`. */
static int64_t count_before(const window *w, int64_t before)
{
    int64_t left = before - w->map->to;
    int64_t ordinal = 0;
    for (uint32_t k = 0; k < w->map->rank && left > 0; k++) {
        const tni_dim *dim = &w->map->dim[k];
        int64_t value = left / dim->to;
        if (value >= dim->size) {
            return ordinal + dim->size * w->weight[k];
        }
        ordinal += value * w->weight[k];
        left -= value * dim->to;
    }
    return ordinal + (left > 0);
}

static void window_init(window *w, const tni_map *map, int64_t first, int64_t count)
{
    int64_t weight = 1;
    w->map = map;
    for (uint32_t k = map->rank; k-- > 0;) {
        w->weight[k] = weight;
        weight *= map->dim[k].size;
    }
    w->low = count_before(w, first);
    w->high = count_before(w, first + count);
}

/* Takes the largest box off the front of the window; false at its end. */
static bool next_box(window *w, tni_nest *box)
{
    const tni_map *map = w->map;
    int64_t left = w->high - w->low;
    int64_t rest = w->low;
    uint32_t k = 0;
    if (left <= 0) {
        return false;
    }
    tni_nest_init(box, map->to, map->from);
    for (; k < map->rank && (rest % w->weight[k] != 0 || left < w->weight[k]); k++) {
        int64_t value = rest / w->weight[k];
        rest %= w->weight[k];
        box->to += value * map->dim[k].to;
        box->from += value * map->dim[k].from;
    }
    if (k == map->rank) {
        w->low++;
        return true;
    }
    int64_t value = rest / w->weight[k];
    int64_t size = left / w->weight[k];
    size = size < map->dim[k].size - value ? size : map->dim[k].size - value;
    box->to += value * map->dim[k].to;
    box->from += value * map->dim[k].from;
    w->low += size * w->weight[k];
    if (size > 1) {
        box->dim[box->rank++] = (tni_dim){size, map->dim[k].to, map->dim[k].from};
    }
    while (++k < map->rank) {
        box->dim[box->rank++] = map->dim[k];
    }
    return true;
}

typedef tni_plane_axis axis;

/* Moves the axis in which the leaf is densest to the end of `axes`. */
static void densest_last(axis *axes, uint32_t rank)
{
    uint32_t best = rank - 1;
    for (uint32_t k = rank - 1; k-- > 0;) {
        best = axes[k].from < axes[best].from ? k : best;
    }
    axis moved = axes[best];
    for (uint32_t k = best; k + 1 < rank; k++) {
        axes[k] = axes[k + 1];
    }
    axes[rank - 1] = moved;
}

/* Where a copy stands, in bytes. */
typedef struct place {
    size_t to, from;
} place;

/* Steps to the next plane like a counter; false after the last. */
static bool advance(const axis *axes, uint32_t rank, size_t *value, place *at)
{
    for (uint32_t k = rank; k-- > 0;) {
        if (++value[k] < axes[k].size) {
            at->to += axes[k].to;
            at->from += axes[k].from;
            return true;
        }
        value[k] = 0;
        at->to -= (axes[k].size - 1) * axes[k].to;
        at->from -= (axes[k].size - 1) * axes[k].from;
    }
    return false;
}

static void copy_box(const tni_nest *box, size_t bytes, const char *leaf, char *out)
{
    axis axes[TNI_NEST_ROOM];
    size_t value[TNI_NEST_ROOM] = {0};
    axis p = {1, 0, 0};
    axis q = {1, 0, 0};
    place at = {0, 0};
    uint32_t rank = box->rank;
    size_t unit = bytes;
    for (uint32_t k = 0; k < rank; k++) {
        const tni_dim *dim = &box->dim[k];
        axes[k] = (axis){(size_t)dim->size, (size_t)dim->to * bytes, (size_t)dim->from * bytes};
    }
    if (rank > 0 && axes[rank - 1].to == unit && axes[rank - 1].from == unit) {
        unit *= axes[--rank].size; /* a run is one unit, and a short one as fast as an element */
    }
    if (rank > 0) {
        q = axes[--rank];
    }
    if (rank > 0) {
        densest_last(axes, rank);
        p = axes[--rank];
    }
    do {
        tni_plane_copy(unit, p, q, leaf + at.from, out + at.to);
    } while (advance(axes, rank, value, &at));
}

void tni_map_gather(const tni_map *map, int64_t first, int64_t count, const void *leaf,
                    int64_t leaf_first, size_t bytes, void *out)
{
    window w;
    tni_nest box;
    window_init(&w, map, first, count);
    while (next_box(&w, &box)) {
        copy_box(&box, bytes, (const char *)leaf + (size_t)(box.from - leaf_first) * bytes,
                 (char *)out + (size_t)(box.to - first) * bytes);
    }
}

bool tni_map_leaf_range(const tni_map *map, int64_t first, int64_t count, int64_t *low_out,
                        int64_t *high_out)
{
    window w;
    tni_nest box;
    int64_t low = INT64_MAX;
    int64_t high = 0;
    window_init(&w, map, first, count);
    while (next_box(&w, &box)) {
        int64_t last = box.from;
        for (uint32_t k = 0; k < box.rank; k++) {
            last += (box.dim[k].size - 1) * box.dim[k].from;
        }
        low = box.from < low ? box.from : low;
        high = last + 1 > high ? last + 1 : high;
    }
    if (high == 0) {
        return false;
    }
    *low_out = low;
    *high_out = high;
    return true;
}
