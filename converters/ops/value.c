#include "converters/ops/value.h"

#include "core/error.h"
#include "model/shape_text.h"

/* Copies the slices; a length that is left open becomes the dimension's. */
static tn_status copy_slices(tni_arena *arena, const tn_tensor *tensor, tni_value *value,
                             tn_error *err)
{
    size_t pairs = (size_t)tensor->n_slices * tensor->rank;
    void *block = NULL;
    tn_status status = tni_arena_array(arena, pairs, 2 * sizeof(int64_t), &block, err);
    if (status != TN_OK) {
        return status;
    }
    int64_t *slices = block;
    for (size_t i = 0; i < pairs; i++) {
        int64_t length = tensor->slices[2 * i + 1];
        slices[2 * i] = tensor->slices[2 * i];
        slices[2 * i + 1] = length < 0 ? tensor->shape[i % tensor->rank] : length;
    }
    value->slices = slices;
    value->n_slices = tensor->n_slices;
    return TN_OK;
}

tn_status tni_value_of(tni_arena *arena, const tn_tensor *tensor, tni_value *value_out,
                       tn_error *err)
{
    if (tensor->any_shape || tensor->elements < 0) {
        char shape[TNI_SHAPE_ROOM];
        tni_shape_text(tensor, shape);
        return tni_fail(err, TN_E_SHAPE, "the shape %s is not fully known", shape);
    }
    tni_value value = {.dtype = tensor->dtype,
                       .rank = tensor->rank,
                       .shape = tensor->shape,
                       .elements = tensor->elements,
                       .pieces = tensor->pieces,
                       .n_pieces = tensor->n_pieces};
    tn_status status = tensor->slices != NULL ? copy_slices(arena, tensor, &value, err) : TN_OK;
    if (status == TN_OK) {
        *value_out = value;
    }
    return status;
}

static size_t count_pieces(const tni_value *values, size_t count, const tni_leaf *leaf)
{
    size_t pieces = 0;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < values[i].n_pieces; k++) {
            pieces += values[i].pieces[k].leaf == leaf;
        }
    }
    return pieces;
}

/* Swaps the sides of a map, whose dims are then in any order. */
static tn_status swap(tni_arena *arena, const tni_map *map, tni_map *map_out, tn_error *err)
{
    void *block = NULL;
    tn_status status = tni_arena_array(arena, map->rank, sizeof(tni_dim), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tni_dim *dims = block;
    for (uint32_t k = 0; k < map->rank; k++) {
        dims[k] = (tni_dim){map->dim[k].size, map->dim[k].from, map->dim[k].to};
    }
    *map_out = (tni_map){map->from, map->to, map->rank, dims};
    return TN_OK;
}

tn_status tni_values_tile(tni_arena *arena, const tni_value *values, size_t count,
                          const tni_leaf *leaf, bool *tile_out, tn_error *err)
{
    void *block = NULL;
    size_t used = 0;
    tn_status status =
        tni_arena_array(arena, count_pieces(values, count, leaf), sizeof(tni_map), &block, err);
    tni_map *maps = block;
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        for (uint32_t k = 0; status == TN_OK && k < values[i].n_pieces; k++) {
            if (values[i].pieces[k].leaf == leaf) {
                status = swap(arena, &values[i].pieces[k].map, &maps[used++], err);
            }
        }
    }
    return status == TN_OK ? tni_maps_tile(arena, maps, used, leaf->elements, tile_out, err)
                           : status;
}
