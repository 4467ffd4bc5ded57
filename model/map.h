/* Index maps: which element of a leaf feeds which element of a tensor.
 *
 * A map is a loop nest. Over all (i0 … in-1) with 0 <= ik < dim[k].size, element `to + Σ
 * ik·dim[k].to` of the tensor (flat, row-major) comes from element `from + Σ ik·dim[k].from` of the
 * leaf. Slices, concatenations, stacks, transposes, rearrangements and partitions are all lists of
 * such maps; swapping `to` and `from` inverts one.
 *
 * A map is *canonical* when dims of size 1 are gone, dims are in descending order of `to` stride,
 * and neighbours that form one run on both sides are merged; so one contiguous run is rank 1 with
 * to = from = 1 (rank 0: one element). All strides are positive, except that `from` may be 0 only
 * where a leaf element is repeated. A map of nothing is the run of 0 elements at 0.
 *
 * A map moves at most INT64_MAX elements, so a canonical one has rank 62 at most. What the
 * functions here make is also *nested*: each `to` stride exceeds the span of the dims inside it, so
 * that the order of the loop nest is the order of the tensor's elements. */
#ifndef TN_MODEL_MAP_H
#define TN_MODEL_MAP_H

#include "core/arena.h"

typedef struct tni_dim {
    int64_t size;
    int64_t to;   /* stride in the tensor, in elements */
    int64_t from; /* stride in the leaf, in elements */
} tni_dim;

typedef struct tni_map {
    int64_t to;   /* first element in the tensor */
    int64_t from; /* first element in the leaf */
    uint32_t rank;
    const tni_dim *dim;
} tni_map;

/* A growing list of maps of one tensor, each with the number of the leaf (or of the inner piece)
 * that it reads. */
typedef struct tni_map_list {
    tni_arena *arena;
    tni_map *at;
    uint32_t *leaf;
    size_t count, room;
    uint64_t limit; /* pieces; TN_E_LIMIT beyond */
} tni_map_list;

/* Initialises; `arena` holds the list and the maps that tni_map_compose makes. */
void tni_map_list_init(tni_map_list *list, tni_arena *arena, uint64_t limit);
/* Appends one map as it is. Errors: TN_E_LIMIT ("pieces"). */
tn_status tni_map_list_add(tni_map_list *list, tni_map map, uint32_t leaf, tn_error *err);

/* Makes the map of one whole contiguous run of `elements` elements (identity); `dim` is its one
 * dimension and must live as long. */
void tni_map_whole(int64_t elements, tni_dim *dim, tni_map *map_out);
/* Makes the map that fills box [start, start + size) of a tensor of `shape` from a leaf that holds
 * just that box, row-major. Canonical. The box must lie within the shape, which the caller
 * checked. */
tn_status tni_map_box(tni_arena *arena, uint32_t rank, const int64_t *shape, const int64_t *start,
                      const int64_t *size, tni_map *map_out, tn_error *err);
/* Makes the map of slice [start, start + step·size) of a tensor of `shape`, as a new row-major
 * tensor of `size`: the new tensor is `to`, the old one `from`. step > 0. Canonical. */
tn_status tni_map_slice(tni_arena *arena, uint32_t rank, const int64_t *shape, const int64_t *start,
                        const int64_t *step, const int64_t *size, tni_map *map_out, tn_error *err);
/* Makes the map of a transpose: dimension k of the new tensor is dimension order[k] of the old one
 * (NumPy's). `order` must be a permutation, which the caller checked. */
tn_status tni_map_transpose(tni_arena *arena, uint32_t rank, const int64_t *old_shape,
                            const uint32_t *order, tni_map *map_out, tn_error *err);
/* Makes `map` canonical. */
tn_status tni_map_canonical(tni_arena *arena, tni_map map, tni_map *map_out, tn_error *err);
/* Swaps the sides and makes the result canonical. Errors: TN_E_IMPOSSIBLE for maps that repeat leaf
 * elements. */
tn_status tni_map_invert(tni_arena *arena, tni_map map, tni_map *map_out, tn_error *err);
/* Counts the elements that a map moves. */
int64_t tni_map_elements(const tni_map *map);
/* Tells whether a canonical map is one contiguous run on both sides. */
bool tni_map_is_run(const tni_map *map);
/* Composes: `outer` says how U's elements come from T's, `inner` (count maps, with their leaf
 * numbers) how T's come from leaves; appends maps from U to leaves to `list`, merged and canonical.
 * A map that continues the last one of the list is joined with it, also if an earlier call made
 * that. Where the two loop nests have no common refinement, runs are split, up to the list's limit.
 * All maps must be valid: no element of T, U or a leaf beyond INT64_MAX. Errors: TN_E_LIMIT
 * ("pieces"; also for many times as many steps, should the pieces themselves be few); the list then
 * holds a part of the result. */
tn_status tni_map_compose(tni_map outer, const tni_map *inner, const uint32_t *leaf, size_t count,
                          tni_map_list *list, tn_error *err);
/* Tells whether the maps tile elements [0, elements) of the tensor exactly once; any nest, also a
 * broken one. Never denies a tiling; accepts anything else with a chance below 2^-64, and never if
 * all maps are runs. O(n log n) in the number of maps; memory for runs only, 16 bytes each. */
tn_status tni_maps_tile(tni_arena *arena, const tni_map *maps, size_t count, int64_t elements,
                        bool *tile_out, tn_error *err);
/* Copies the part of a map that falls in tensor elements [first, first + count): `leaf` holds the
 * leaf's elements [leaf_first, …) contiguously, element size `bytes` (1, 2, 4, 8, 16); `out` stands
 * for element `first`. Cache-blocked for transposes. Elements outside the map are left alone. The
 * map must be canonical and nested; where the part starts does not matter for the time. */
void tni_map_gather(const tni_map *map, int64_t first, int64_t count, const void *leaf,
                    int64_t leaf_first, size_t bytes, void *out);
/* Computes the range [*low_out, *high_out) of leaf elements that feed tensor elements [first, first
 * + count); false if none do. Both ends are exact, but the range may hold elements that are not
 * used. The map must be canonical and nested. O(rank²). */
bool tni_map_leaf_range(const tni_map *map, int64_t first, int64_t count, int64_t *low_out,
                        int64_t *high_out);

#endif
