/* Index maps: making them, their canonical form and their inverse. */
#include "model/map.h"

#include "core/checked.h"
#include "core/error.h"
#include "model/nest.h"

static tn_status too_large(tn_error *err)
{
    return tni_fail(err, TN_E_LIMIT, "a tensor has more than 2^63 - 1 elements");
}

void tni_map_list_init(tni_map_list *list, tni_arena *arena, uint64_t limit)
{
    *list = (tni_map_list){.arena = arena, .limit = limit};
}

static tn_status grow(tni_map_list *list, tn_error *err)
{
    void *maps = NULL;
    void *leaves = NULL;
    size_t room = list->room < 4 ? 4 : list->room * 2;
    tn_status status = tni_arena_array(list->arena, room, sizeof *list->at, &maps, err);
    if (status == TN_OK) {
        status = tni_arena_array(list->arena, room, sizeof *list->leaf, &leaves, err);
    }
    if (status != TN_OK) {
        return status;
    }
    if (list->count > 0) {
        memcpy(maps, list->at, list->count * sizeof *list->at);
        memcpy(leaves, list->leaf, list->count * sizeof *list->leaf);
    }
    list->at = maps;
    list->leaf = leaves;
    list->room = room;
    return TN_OK;
}

tn_status tni_map_list_add(tni_map_list *list, tni_map map, uint32_t leaf, tn_error *err)
{
    tn_status status = tni_check_limit((uint64_t)list->count + 1, list->limit, "pieces", err);
    if (status == TN_OK && list->count == list->room) {
        status = grow(list, err);
    }
    if (status != TN_OK) {
        return status;
    }
    list->at[list->count] = map;
    list->leaf[list->count] = leaf;
    list->count++;
    return TN_OK;
}

tn_status tni_nest_add(tni_nest *nest, int64_t size, int64_t to, int64_t from, tn_error *err)
{
    if (size == 0) {
        nest->empty = true;
    }
    if (size <= 1) {
        return TN_OK;
    }
    if (nest->rank == TNI_NEST_ROOM) {
        return too_large(err);
    }
    nest->dim[nest->rank++] = (tni_dim){size, to, from};
    return TN_OK;
}

bool tni_nest_is_nested(const tni_nest *nest)
{
    int64_t span = 0;
    for (uint32_t k = nest->rank; k-- > 0;) {
        const tni_dim *dim = &nest->dim[k];
        int64_t own;
        if (dim->to <= span || !tni_mul_i64(dim->size - 1, dim->to, &own) ||
            !tni_add_i64(span, own, &span)) {
            return false;
        }
    }
    return true;
}

/* Sorts by `to`, outermost first. Insertion: nests are short and mostly in order. */
static void sort_dims(tni_dim *dim, uint32_t rank)
{
    for (uint32_t k = 1; k < rank; k++) {
        tni_dim moved = dim[k];
        uint32_t at = k;
        for (; at > 0 && dim[at - 1].to < moved.to; at--) {
            dim[at] = dim[at - 1];
        }
        dim[at] = moved;
    }
}

static bool continues(const tni_dim *outer, const tni_dim *inner)
{
    int64_t to;
    int64_t from;
    return tni_mul_i64(inner->size, inner->to, &to) && to == outer->to &&
           tni_mul_i64(inner->size, inner->from, &from) && from == outer->from;
}

static tn_status merge_dims(tni_nest *nest, tn_error *err)
{
    uint32_t kept = 0;
    for (uint32_t k = 0; k < nest->rank; k++) {
        tni_dim dim = nest->dim[k];
        if (kept > 0 && continues(&nest->dim[kept - 1], &dim)) {
            if (!tni_mul_i64(nest->dim[kept - 1].size, dim.size, &dim.size)) {
                return too_large(err);
            }
            kept--;
        }
        nest->dim[kept++] = dim;
    }
    nest->rank = kept;
    return TN_OK;
}

tn_status tni_nest_finish(tni_nest *nest, tni_arena *arena, tni_map *map_out, tn_error *err)
{
    if (nest->empty) {
        tni_nest_init(nest, 0, 0);
        nest->dim[nest->rank++] = (tni_dim){0, 1, 1};
    }
    sort_dims(nest->dim, nest->rank);
    tn_status status = merge_dims(nest, err);
    if (status != TN_OK) {
        return status;
    }
    void *dims = NULL;
    if (nest->rank > 0) {
        status = tni_arena_array(arena, nest->rank, sizeof(tni_dim), &dims, err);
        if (status != TN_OK) {
            return status;
        }
        memcpy(dims, nest->dim, nest->rank * sizeof(tni_dim));
    }
    *map_out = (tni_map){nest->to, nest->from, nest->rank, dims};
    return TN_OK;
}

void tni_map_whole(int64_t elements, tni_dim *dim, tni_map *map_out)
{
    *dim = (tni_dim){elements, 1, 1};
    *map_out = (tni_map){.rank = elements == 0 || elements > 1, .dim = dim};
}

static bool has_zero(const int64_t *size, uint32_t rank)
{
    for (uint32_t k = 0; k < rank; k++) {
        if (size[k] == 0) {
            return true;
        }
    }
    return false;
}

/* Makes the map between the row-major tensor of `size` and the part [start, start + step·size) of
 * one of `shape`: the part is `to`. `step` NULL: all 1. */
static tn_status part_of(tni_nest *nest, uint32_t rank, const int64_t *shape, const int64_t *start,
                         const int64_t *step, const int64_t *size, tn_error *err)
{
    int64_t whole = 1; /* strides of the two tensors */
    int64_t part = 1;
    tni_nest_init(nest, 0, 0);
    nest->empty = has_zero(size, rank);
    for (uint32_t k = nest->empty ? 0 : rank; k-- > 0;) {
        int64_t offset;
        int64_t stride = whole;
        if (!tni_mul_i64(start[k], whole, &offset) || !tni_add_i64(nest->to, offset, &nest->to) ||
            (size[k] > 1 && step != NULL && !tni_mul_i64(step[k], whole, &stride))) {
            return too_large(err);
        }
        tn_status status = tni_nest_add(nest, size[k], stride, part, err);
        if (status != TN_OK) {
            return status;
        }
        if (!tni_mul_i64(whole, shape[k], &whole) || !tni_mul_i64(part, size[k], &part)) {
            return too_large(err);
        }
    }
    return TN_OK;
}

tn_status tni_map_box(tni_arena *arena, uint32_t rank, const int64_t *shape, const int64_t *start,
                      const int64_t *size, tni_map *map_out, tn_error *err)
{
    tni_nest nest;
    tn_status status = part_of(&nest, rank, shape, start, NULL, size, err);
    return status == TN_OK ? tni_nest_finish(&nest, arena, map_out, err) : status;
}

static void swap_sides(tni_nest *nest)
{
    int64_t to = nest->to;
    nest->to = nest->from;
    nest->from = to;
    for (uint32_t k = 0; k < nest->rank; k++) {
        nest->dim[k] = (tni_dim){nest->dim[k].size, nest->dim[k].from, nest->dim[k].to};
    }
}

tn_status tni_map_slice(tni_arena *arena, uint32_t rank, const int64_t *shape, const int64_t *start,
                        const int64_t *step, const int64_t *size, tni_map *map_out, tn_error *err)
{
    tni_nest nest;
    tn_status status = part_of(&nest, rank, shape, start, step, size, err);
    if (status != TN_OK) {
        return status;
    }
    swap_sides(&nest);
    return tni_nest_finish(&nest, arena, map_out, err);
}

static tn_status row_major(tni_arena *arena, uint32_t rank, const int64_t *shape,
                           int64_t **stride_out, tn_error *err)
{
    void *block = NULL;
    tn_status status = tni_arena_array(arena, rank, sizeof(int64_t), &block, err);
    if (status != TN_OK) {
        return status;
    }
    int64_t *stride = block;
    int64_t product = 1;
    for (uint32_t k = rank; k-- > 0;) {
        stride[k] = product;
        if (!tni_mul_i64(product, shape[k], &product)) {
            return too_large(err);
        }
    }
    *stride_out = stride;
    return TN_OK;
}

tn_status tni_map_transpose(tni_arena *arena, uint32_t rank, const int64_t *old_shape,
                            const uint32_t *order, tni_map *map_out, tn_error *err)
{
    tni_nest nest;
    tni_nest_init(&nest, 0, 0);
    nest.empty = has_zero(old_shape, rank);
    if (rank == 0 || nest.empty) {
        return tni_nest_finish(&nest, arena, map_out, err);
    }
    int64_t *stride = NULL;
    tn_status status = row_major(arena, rank, old_shape, &stride, err);
    int64_t to = 1;
    for (uint32_t k = rank; status == TN_OK && k-- > 0;) {
        int64_t size = old_shape[order[k]];
        status = tni_nest_add(&nest, size, to, stride[order[k]], err);
        if (!tni_mul_i64(to, size, &to)) {
            return too_large(err);
        }
    }
    return status == TN_OK ? tni_nest_finish(&nest, arena, map_out, err) : status;
}

static tn_status load(tni_nest *nest, const tni_map *map, tn_error *err)
{
    tni_nest_init(nest, map->to, map->from);
    for (uint32_t k = 0; k < map->rank; k++) {
        tn_status status =
            tni_nest_add(nest, map->dim[k].size, map->dim[k].to, map->dim[k].from, err);
        if (status != TN_OK) {
            return status;
        }
    }
    return TN_OK;
}

tn_status tni_map_canonical(tni_arena *arena, tni_map map, tni_map *map_out, tn_error *err)
{
    tni_nest nest;
    tn_status status = load(&nest, &map, err);
    return status == TN_OK ? tni_nest_finish(&nest, arena, map_out, err) : status;
}

tn_status tni_map_invert(tni_arena *arena, tni_map map, tni_map *map_out, tn_error *err)
{
    tni_nest nest;
    tn_status status = load(&nest, &map, err);
    if (status != TN_OK) {
        return status;
    }
    swap_sides(&nest);
    for (uint32_t k = 0; k < nest.rank; k++) {
        if (nest.dim[k].to == 0) {
            return tni_fail(err, TN_E_IMPOSSIBLE,
                            "a mapping that repeats elements cannot be inverted");
        }
    }
    return tni_nest_finish(&nest, arena, map_out, err);
}

int64_t tni_map_elements(const tni_map *map)
{
    int64_t elements = 1;
    for (uint32_t k = 0; k < map->rank; k++) {
        elements *= map->dim[k].size;
    }
    return elements;
}

bool tni_map_is_run(const tni_map *map)
{
    return map->rank == 0 || (map->rank == 1 && map->dim[0].to == 1 && map->dim[0].from == 1);
}
