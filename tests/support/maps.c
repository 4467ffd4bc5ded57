#include "support/maps.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

maps_random maps_seed(uint64_t seed)
{
    return (maps_random){seed, seed * 0x9E3779B97F4A7C15U + 1};
}

int64_t maps_draw(maps_random *random, int64_t below)
{
    uint64_t z = (random->state += 0x9E3779B97F4A7C15U); /* SplitMix64 */
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return (int64_t)((z ^ (z >> 31)) % (uint64_t)below);
}

void maps_check(const maps_random *random, bool ok, const char *what)
{
    if (!ok) {
        fail_msg("seed %" PRIu64 ": %s", random->seed, what);
    }
}

int64_t maps_shape_elements(const maps_shape *shape)
{
    int64_t elements = 1;
    for (uint32_t k = 0; k < shape->rank; k++) {
        elements *= shape->size[k];
    }
    return elements;
}

maps_shape maps_draw_shape(maps_random *random, int64_t most)
{
    maps_shape shape = {.rank = (uint32_t)maps_draw(random, MAPS_RANK + 1)};
    bool zero = maps_draw(random, 40) == 0;
    int64_t elements = 1;
    for (uint32_t k = 0; k < shape.rank; k++) {
        int64_t size = 1 + maps_draw(random, 7);
        shape.size[k] = elements * size <= most ? size : 1;
        elements *= shape.size[k];
    }
    if (zero && shape.rank > 0) {
        shape.size[maps_draw(random, shape.rank)] = 0;
    }
    return shape;
}

maps_shape maps_draw_reshape(maps_random *random, int64_t elements)
{
    maps_shape shape = {.rank = (uint32_t)maps_draw(random, MAPS_RANK) + 1};
    for (uint32_t k = 0; k + 1 < shape.rank; k++) {
        int64_t size = 1 + maps_draw(random, 12);
        while (elements % size != 0) {
            size--;
        }
        shape.size[k] = size;
        elements /= size;
    }
    shape.size[shape.rank - 1] = elements;
    uint32_t at = (uint32_t)maps_draw(random, shape.rank);
    int64_t last = shape.size[at];
    shape.size[at] = shape.size[shape.rank - 1];
    shape.size[shape.rank - 1] = last;
    return shape;
}

void maps_draw_slice(maps_random *random, const maps_shape *shape, int64_t *start, int64_t *step,
                     maps_shape *part)
{
    part->rank = shape->rank;
    for (uint32_t k = 0; k < shape->rank; k++) {
        int64_t size = shape->size[k];
        start[k] = 0;
        step[k] = 1;
        part->size[k] = size;
        if (size == 0 || maps_draw(random, 3) == 0) {
            continue;
        }
        start[k] = maps_draw(random, size);
        step[k] = 1 + maps_draw(random, 3);
        int64_t most = (size - start[k] + step[k] - 1) / step[k];
        part->size[k] = most - maps_draw(random, most) * maps_draw(random, 2);
    }
}

void maps_draw_order(maps_random *random, uint32_t rank, uint32_t *order)
{
    for (uint32_t k = 0; k < rank; k++) {
        uint32_t at = (uint32_t)maps_draw(random, k + 1);
        order[k] = order[at];
        order[at] = k;
    }
}

int64_t maps_flat(const maps_shape *shape, const int64_t *index)
{
    int64_t flat = 0;
    for (uint32_t k = 0; k < shape->rank; k++) {
        flat = flat * shape->size[k] + index[k];
    }
    return flat;
}

void maps_index(const maps_shape *shape, int64_t flat, int64_t *index)
{
    for (uint32_t k = shape->rank; k-- > 0;) {
        index[k] = flat % shape->size[k];
        flat /= shape->size[k];
    }
}

int64_t maps_walk(const tni_map *map, int64_t *to_out, int64_t *from_out)
{
    int64_t index[64] = {0};
    int64_t count = 0;
    int64_t elements = tni_map_elements(map);
    while (count < elements) {
        int64_t to = map->to;
        int64_t from = map->from;
        for (uint32_t k = 0; k < map->rank; k++) {
            to += index[k] * map->dim[k].to;
            from += index[k] * map->dim[k].from;
        }
        to_out[count] = to;
        from_out[count++] = from;
        for (uint32_t k = map->rank; k-- > 0 && ++index[k] == map->dim[k].size;) {
            index[k] = 0;
        }
    }
    return count;
}

bool maps_canonical(const tni_map *map)
{
    if (tni_map_elements(map) == 0) {
        return map->rank == 1 && tni_map_is_run(map);
    }
    for (uint32_t k = 0; k < map->rank; k++) {
        const tni_dim *dim = &map->dim[k];
        if (dim->size < 2 || dim->to < 1 || dim->from < 0) {
            return false;
        }
        if (k > 0 && (dim[-1].to <= dim->to || (dim[-1].to == dim->size * dim->to &&
                                                dim[-1].from == dim->size * dim->from))) {
            return false;
        }
    }
    return true;
}
