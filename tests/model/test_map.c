/* Index maps: a table of maps written by hand, limits, and sizes near 2^62. */
#include "model/map.h"
#include "support/maps.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

typedef struct fixture {
    tn_context *ctx;
    tni_arena arena;
    tn_error err;
} fixture;

static int setup(void **state)
{
    fixture *f = test_calloc(1, sizeof *f);
    f->ctx = tn_context_new(NULL);
    tni_arena_init(&f->arena, f->ctx, 64 << 20);
    *state = f;
    return f->ctx == NULL;
}

static int teardown(void **state)
{
    fixture *f = *state;
    tni_arena_clear(&f->arena);
    tn_context_free(f->ctx);
    test_free(f);
    return 0;
}

static void assert_map(const tni_map *map, int64_t to, int64_t from, uint32_t rank,
                       const tni_dim *dim)
{
    assert_int_equal(map->to, to);
    assert_int_equal(map->from, from);
    assert_int_equal(map->rank, rank);
    for (uint32_t k = 0; k < rank; k++) {
        assert_int_equal(map->dim[k].size, dim[k].size);
        assert_int_equal(map->dim[k].to, dim[k].to);
        assert_int_equal(map->dim[k].from, dim[k].from);
    }
}

static void whole_tensors_are_one_run(void **state)
{
    fixture *f = *state;
    tni_map map;
    tni_dim dim;
    tni_map_whole(24, &dim, &map);
    assert_map(&map, 0, 0, 1, (tni_dim[]){{24, 1, 1}});
    assert_true(tni_map_is_run(&map));
    tni_map_whole(1, &dim, &map);
    assert_map(&map, 0, 0, 0, NULL);
    assert_true(tni_map_is_run(&map));
    tni_map_whole(0, &dim, &map);
    assert_map(&map, 0, 0, 1, (tni_dim[]){{0, 1, 1}});
    assert_int_equal(tni_map_elements(&map), 0);
    int64_t shape[] = {2, 3, 1, 4};
    uint32_t order[] = {0, 1, 2, 3};
    assert_int_equal(tni_map_transpose(&f->arena, 4, shape, order, &map, &f->err), TN_OK);
    assert_map(&map, 0, 0, 1, (tni_dim[]){{24, 1, 1}});
    int64_t zero[] = {0, 0, 0, 0};
    assert_int_equal(tni_map_box(&f->arena, 4, shape, zero, shape, &map, &f->err), TN_OK);
    assert_map(&map, 0, 0, 1, (tni_dim[]){{24, 1, 1}});
}

static void boxes_and_slices(void **state)
{
    fixture *f = *state;
    tni_map map;
    int64_t shape[] = {4, 5, 6};
    /* rows of one leaf: one run at an offset */
    assert_int_equal(
        tni_map_box(&f->arena, 3, shape, (int64_t[]){1, 0, 0}, (int64_t[]){2, 5, 6}, &map, &f->err),
        TN_OK);
    assert_map(&map, 30, 0, 1, (tni_dim[]){{60, 1, 1}});
    /* a box inside: no neighbours merge */
    assert_int_equal(
        tni_map_box(&f->arena, 3, shape, (int64_t[]){1, 2, 3}, (int64_t[]){2, 2, 3}, &map, &f->err),
        TN_OK);
    assert_map(&map, 45, 0, 3, (tni_dim[]){{2, 30, 6}, {2, 6, 3}, {3, 1, 1}});
    /* [::2, 1:4, :]: the two inner axes merge */
    assert_int_equal(tni_map_slice(&f->arena, 3, shape, (int64_t[]){0, 1, 0}, (int64_t[]){2, 1, 1},
                                   (int64_t[]){2, 3, 6}, &map, &f->err),
                     TN_OK);
    assert_map(&map, 0, 6, 2, (tni_dim[]){{2, 18, 60}, {18, 1, 1}});
    /* [2, :, ::3]: two axes of steps are one where the strides fit */
    assert_int_equal(tni_map_slice(&f->arena, 3, shape, (int64_t[]){2, 0, 0}, (int64_t[]){1, 1, 3},
                                   (int64_t[]){1, 5, 2}, &map, &f->err),
                     TN_OK);
    assert_map(&map, 0, 60, 1, (tni_dim[]){{10, 1, 3}});
}

static void transposes_merge_what_stays_together(void **state)
{
    fixture *f = *state;
    tni_map map;
    int64_t shape[] = {2, 3, 4, 5};
    assert_int_equal(
        tni_map_transpose(&f->arena, 4, shape, (uint32_t[]){2, 3, 0, 1}, &map, &f->err), TN_OK);
    assert_map(&map, 0, 0, 2, (tni_dim[]){{20, 6, 1}, {6, 1, 20}});
    assert_int_equal(
        tni_map_transpose(&f->arena, 4, shape, (uint32_t[]){1, 0, 2, 3}, &map, &f->err), TN_OK);
    assert_map(&map, 0, 0, 3, (tni_dim[]){{3, 40, 20}, {2, 20, 60}, {20, 1, 1}});
    tni_map inverse;
    assert_int_equal(tni_map_invert(&f->arena, map, &inverse, &f->err), TN_OK);
    assert_map(&inverse, 0, 0, 3, (tni_dim[]){{2, 60, 20}, {3, 20, 40}, {20, 1, 1}});
}

static void repeats_have_no_inverse(void **state)
{
    fixture *f = *state;
    tni_dim dim[] = {{3, 4, 0}, {4, 1, 1}};
    tni_map map = {0, 0, 2, dim};
    tni_map inverse;
    assert_int_equal(tni_map_invert(&f->arena, map, &inverse, &f->err), TN_USAGE);
}

static bool tiles(fixture *f, const tni_map *maps, size_t count, int64_t elements)
{
    bool tile = false;
    assert_int_equal(tni_maps_tile(&f->arena, maps, count, elements, &tile, &f->err), TN_OK);
    return tile;
}

/* Composes one outer map with inner maps of leaves 0, 1 … and checks the list. */
static void assert_composed(fixture *f, tni_map outer, const tni_map *inner, size_t count,
                            size_t wanted, const tni_map *maps)
{
    tni_map_list list;
    uint32_t leaf[] = {0, 1, 2, 3};
    tni_map_list_init(&list, &f->arena, 100);
    assert_int_equal(tni_map_compose(outer, inner, leaf, count, &list, &f->err), TN_OK);
    assert_int_equal(list.count, wanted);
    for (size_t i = 0; i < wanted; i++) {
        assert_map(&list.at[i], maps[i].to, maps[i].from, maps[i].rank, maps[i].dim);
    }
}

static void compositions(void **state)
{
    fixture *f = *state;
    tni_map outer;
    tni_map inner[2];
    int64_t shape[] = {6, 10};
    /* two partitions by rows, all of it: two runs */
    tni_dim whole_dim;
    tni_map_whole(60, &whole_dim, &outer);
    tni_map_box(&f->arena, 2, shape, (int64_t[]){0, 0}, (int64_t[]){4, 10}, &inner[0], &f->err);
    tni_map_box(&f->arena, 2, shape, (int64_t[]){4, 0}, (int64_t[]){2, 10}, &inner[1], &f->err);
    assert_composed(
        f, outer, inner, 2, 2,
        (tni_map[]){{0, 0, 1, (tni_dim[]){{40, 1, 1}}}, {40, 0, 1, (tni_dim[]){{20, 1, 1}}}});
    /* transposed: each partition is one map */
    tni_map_transpose(&f->arena, 2, shape, (uint32_t[]){1, 0}, &outer, &f->err);
    assert_composed(f, outer, inner, 2, 2,
                    (tni_map[]){{0, 0, 2, (tni_dim[]){{10, 6, 1}, {4, 1, 10}}},
                                {4, 0, 2, (tni_dim[]){{10, 6, 1}, {2, 1, 10}}}});
    /* transposed twice: one run */
    tni_map_invert(&f->arena, outer, &inner[0], &f->err);
    assert_composed(f, outer, inner, 1, 1, (tni_map[]){{0, 0, 1, (tni_dim[]){{60, 1, 1}}}});
}

/* A leaf of 46 elements in the middle of rows of 10: the rest of a row, four rows, a part of one.
 */
static void ranges_off_the_digit_borders_leave_slabs(void **state)
{
    fixture *f = *state;
    tni_map outer;
    tni_map inner;
    tni_map_transpose(&f->arena, 2, (int64_t[]){6, 10}, (uint32_t[]){1, 0}, &outer, &f->err);
    tni_map_box(&f->arena, 1, (int64_t[]){60}, (int64_t[]){7}, (int64_t[]){46}, &inner, &f->err);
    assert_composed(f, outer, &inner, 1, 3,
                    (tni_map[]){{42, 0, 1, (tni_dim[]){{3, 6, 1}}},
                                {1, 3, 2, (tni_dim[]){{10, 6, 1}, {4, 1, 10}}},
                                {5, 43, 1, (tni_dim[]){{3, 6, 1}}}});
}

/* Slices of one run: no slab where the last row is cut behind the slice's last element, nor where
 * the slice begins inside a row of the leaf. */
static void slices_of_slices_are_one_map(void **state)
{
    fixture *f = *state;
    tni_map outer;
    tni_map inner;
    tni_dim whole_dim;
    tni_map_whole(80, &whole_dim, &inner);
    tni_map_slice(&f->arena, 2, (int64_t[]){8, 10}, (int64_t[]){3, 2}, (int64_t[]){1, 1},
                  (int64_t[]){2, 3}, &outer, &f->err);
    assert_composed(f, outer, &inner, 1, 1,
                    (tni_map[]){{0, 32, 2, (tni_dim[]){{2, 3, 10}, {3, 1, 1}}}});
    tni_map_transpose(&f->arena, 2, (int64_t[]){10, 8}, (uint32_t[]){1, 0}, &inner, &f->err);
    tni_map_slice(&f->arena, 2, (int64_t[]){8, 10}, (int64_t[]){1, 4}, (int64_t[]){3, 2},
                  (int64_t[]){2, 3}, &outer, &f->err);
    assert_composed(f, outer, &inner, 1, 1,
                    (tni_map[]){{0, 33, 2, (tni_dim[]){{2, 3, 3}, {3, 1, 16}}}});
}

/* Composes `count` windows of `width` at every element with two leaves that meet at `cut`. */
static void check_windows(fixture *f, int64_t count, int64_t width, int64_t cut)
{
    tni_map_list list;
    uint32_t leaf[] = {0, 1};
    tni_dim dim[] = {{count, width, 1}, {width, 1, 1}};
    tni_map inner[] = {{0, 0, 1, (tni_dim[]){{cut, 1, 1}}}, {cut, 0, 1, (tni_dim[]){{20, 1, 1}}}};
    int64_t to[72];
    int64_t from[72];
    int64_t seen = 0;
    tni_map_list_init(&list, &f->arena, 72);
    assert_int_equal(tni_map_compose((tni_map){0, 0, 2, dim}, inner, leaf, 2, &list, &f->err),
                     TN_OK);
    for (size_t i = 0; i < list.count; i++) {
        int64_t moved = maps_walk(&list.at[i], to, from);
        for (int64_t k = 0; k < moved; k++) {
            assert_int_equal(from[k] + cut * list.leaf[i], to[k] / width + to[k] % width);
        }
        seen += moved;
    }
    assert_int_equal(seen, count * width);
    assert_true(tiles(f, list.at, list.count, count * width));
}

/* Strides that are not nested, elements that come more than once. */
static void overlapping_windows(void **state)
{
    fixture *f = *state;
    for (int64_t count = 2; count < 9; count++) {
        for (int64_t width = 2; width < 9; width++) {
            for (int64_t cut = 2; cut < count + width; cut++) {
                check_windows(f, count, width, cut);
            }
        }
    }
}

static void endless_windows_are_refused(void **state)
{
    fixture *f = *state;
    tni_map_list list;
    tni_map whole;
    uint32_t leaf = 0;
    tni_dim dim[] = {{1 << 30, 1 << 30, 1}, {1 << 30, 1, 1}};
    tni_dim whole_dim;
    tni_map_whole((int64_t)1 << 31, &whole_dim, &whole);
    tni_map_list_init(&list, &f->arena, 10);
    assert_int_equal(tni_map_compose((tni_map){0, 0, 2, dim}, &whole, &leaf, 1, &list, &f->err),
                     TN_LIMIT);
}

/* Two pieces that continue each other but whose union would not be in the tensor's order. */
static void unions_that_are_not_nested_stay_apart(void **state)
{
    fixture *f = *state;
    tni_map whole;
    tni_map_list list;
    uint32_t leaf = 0;
    tni_dim first[] = {{2, 11, 11}, {6, 2, 2}};
    tni_dim second[] = {{2, 11, 11}};
    tni_dim whole_dim;
    tni_map_whole(30, &whole_dim, &whole);
    tni_map_list_init(&list, &f->arena, 10);
    assert_int_equal(tni_map_compose((tni_map){0, 0, 2, first}, &whole, &leaf, 1, &list, &f->err),
                     TN_OK);
    assert_int_equal(
        tni_map_compose((tni_map){12, 12, 1, second}, &whole, &leaf, 1, &list, &f->err), TN_OK);
    assert_int_equal(list.count, 2);
}

/* Even elements meet odd ones: nothing is in common, which takes exponentially many carries to see
 * where 40 bits stand in reverse. */
static void endless_searches_are_refused(void **state)
{
    fixture *f = *state;
    tni_dim outer[40];
    tni_dim inner[40];
    tni_map_list list;
    uint32_t leaf = 0;
    for (int k = 0; k < 40; k++) {
        outer[k] = (tni_dim){2, (int64_t)1 << (39 - k), (int64_t)2 << k};
        inner[39 - k] = (tni_dim){2, (int64_t)2 << k, (int64_t)1 << (39 - k)};
    }
    tni_map to_leaf = {0x5555555555, 0, 40, inner};
    tni_map_list_init(&list, &f->arena, 1000);
    assert_int_equal(
        tni_map_compose((tni_map){0, 0, 40, outer}, &to_leaf, &leaf, 1, &list, &f->err), TN_LIMIT);
    assert_int_equal(list.count, 0);
}

/* The middle tensor as 24 columns of 10 and as 60 rows of 4: periods of 20, two periods' worth of
 * digits each, instead of one piece for every row. */
static void strides_without_a_common_refinement_meet_in_periods(void **state)
{
    fixture *f = *state;
    tni_map outer;
    tni_map back;
    tni_map inner;
    tni_map_list list;
    uint32_t leaf = 0;
    tni_map_transpose(&f->arena, 2, (int64_t[]){60, 4}, (uint32_t[]){1, 0}, &outer, &f->err);
    tni_map_transpose(&f->arena, 2, (int64_t[]){24, 10}, (uint32_t[]){1, 0}, &back, &f->err);
    assert_int_equal(tni_map_invert(&f->arena, back, &inner, &f->err), TN_OK);
    tni_map_list_init(&list, &f->arena, 100);
    assert_int_equal(tni_map_compose(outer, &inner, &leaf, 1, &list, &f->err), TN_OK);
    assert_in_range(list.count, 2, 6);
    bool tile = false;
    assert_int_equal(tni_maps_tile(&f->arena, list.at, list.count, 240, &tile, &f->err), TN_OK);
    assert_true(tile);
}

static void neighbours_are_joined_across_inputs(void **state)
{
    fixture *f = *state;
    tni_map half;
    tni_map_list list;
    uint32_t leaf = 7;
    int64_t shape[] = {6, 10};
    tni_map_list_init(&list, &f->arena, 2);
    for (int64_t column = 0; column < 10; column += 2) { /* five inputs, each two columns wide */
        tni_map part;
        tni_map_box(&f->arena, 2, shape, (int64_t[]){0, column}, (int64_t[]){6, 2}, &part, &f->err);
        tni_map_slice(&f->arena, 2, shape, (int64_t[]){0, column}, (int64_t[]){1, 1},
                      (int64_t[]){6, 2}, &half, &f->err);
        assert_int_equal(tni_map_compose(part, &half, &leaf, 1, &list, &f->err), TN_OK);
    }
    assert_int_equal(list.count, 1);
    assert_int_equal(list.leaf[0], 7);
    assert_map(&list.at[0], 0, 0, 1, (tni_dim[]){{60, 1, 1}});
}

static void too_many_pieces_are_refused(void **state)
{
    fixture *f = *state;
    tni_map outer;
    tni_map inner;
    tni_map_list list;
    uint32_t leaf = 0;
    /* columns of 97 and of 101 have nothing in common below 97 · 101 */
    tni_map_transpose(&f->arena, 2, (int64_t[]){101, 97}, (uint32_t[]){1, 0}, &outer, &f->err);
    tni_map_transpose(&f->arena, 2, (int64_t[]){101, 97}, (uint32_t[]){1, 0}, &inner, &f->err);
    tni_map_list_init(&list, &f->arena, 50);
    assert_int_equal(tni_map_compose(outer, &inner, &leaf, 1, &list, &f->err), TN_LIMIT);
    assert_int_equal(f->err.code, TN_E_LIMIT);
    f->err = (tn_error){0};
    tni_map_list_init(&list, &f->arena, 1000);
    assert_int_equal(tni_map_compose(outer, &inner, &leaf, 1, &list, &f->err), TN_OK);
    assert_in_range(list.count, 51, 200);
}

static void huge_tensors_overflow_nowhere(void **state)
{
    fixture *f = *state;
    int64_t shape[] = {(int64_t)1 << 31, (int64_t)1 << 31};
    int64_t elements = (int64_t)1 << 62;
    tni_map turn;
    tni_map back;
    tni_map_list list;
    uint32_t leaf = 0;
    assert_int_equal(tni_map_transpose(&f->arena, 2, shape, (uint32_t[]){1, 0}, &turn, &f->err),
                     TN_OK);
    assert_int_equal(tni_map_invert(&f->arena, turn, &back, &f->err), TN_OK);
    tni_map_list_init(&list, &f->arena, 10);
    assert_int_equal(tni_map_compose(turn, &back, &leaf, 1, &list, &f->err), TN_OK);
    assert_int_equal(list.count, 1);
    assert_map(&list.at[0], 0, 0, 1, (tni_dim[]){{elements, 1, 1}});
    int64_t low = -1;
    int64_t high = -1;
    assert_true(tni_map_leaf_range(&turn, elements - 1, 1, &low, &high));
    assert_int_equal(low, elements - 1);
    assert_int_equal(high, elements);
    assert_true(tni_map_leaf_range(&turn, (int64_t)1 << 31, 2, &low, &high));
    assert_int_equal(low, 1);
    assert_int_equal(high, ((int64_t)1 << 31) + 2);
    int64_t beyond[] = {(int64_t)1 << 32, (int64_t)1 << 32};
    assert_int_equal(tni_map_transpose(&f->arena, 2, beyond, (uint32_t[]){1, 0}, &turn, &f->err),
                     TN_LIMIT);
}

static void ranks_of_254_cost_nothing(void **state)
{
    fixture *f = *state;
    int64_t shape[254];
    int64_t start[254];
    uint32_t order[254];
    tni_map map;
    for (uint32_t k = 0; k < 254; k++) {
        shape[k] = k % 8 == 0 ? 2 : 1; /* 2^32 elements */
        start[k] = 0;
        order[k] = 253 - k;
    }
    assert_int_equal(tni_map_box(&f->arena, 254, shape, start, shape, &map, &f->err), TN_OK);
    assert_map(&map, 0, 0, 1, (tni_dim[]){{(int64_t)1 << 32, 1, 1}});
    assert_int_equal(tni_map_transpose(&f->arena, 254, shape, order, &map, &f->err), TN_OK);
    assert_int_equal(map.rank, 32);
    assert_int_equal(map.dim[0].from, 1);
    assert_int_equal(map.dim[31].from, (int64_t)1 << 31);
}

static void huge_tilings(void **state)
{
    fixture *f = *state;
    int64_t elements = (int64_t)1 << 60;
    tni_dim left[] = {{1 << 30, 1 << 30, 1}, {1000, 1, 1 << 30}};
    tni_dim middle[] = {{1 << 30, 1 << 30, 1}, {24, 1, 1 << 30}};
    tni_dim right[] = {{1 << 30, 1 << 30, 1}, {(1 << 30) - 1024, 1, 1 << 30}};
    tni_map maps[] = {{1024, 0, 2, right}, {0, 0, 2, left}, {1000, 0, 2, middle}};
    assert_true(tiles(f, maps, 3, elements));
    assert_false(tiles(f, maps, 2, elements));
    assert_false(tiles(f, maps, 3, elements + 1));
    maps[2].to = 999;
    assert_false(tiles(f, maps, 3, elements));
    maps[2].to = 1001;
    assert_false(tiles(f, maps, 3, elements));
}

static void broken_maps_tile_nothing(void **state)
{
    fixture *f = *state;
    tni_dim repeat[] = {{4, 0, 1}};
    tni_dim wide[] = {{4, INT64_MAX / 2, 1}};
    tni_dim negative[] = {{-4, 1, 1}};
    assert_true(tiles(f, NULL, 0, 0));
    assert_false(tiles(f, NULL, 0, 4));
    assert_false(tiles(f, &(tni_map){0, 0, 1, repeat}, 1, 4));
    assert_false(tiles(f, &(tni_map){0, 0, 1, wide}, 1, 4));
    assert_false(tiles(f, &(tni_map){0, 0, 1, negative}, 1, 4));
    assert_false(tiles(f, &(tni_map){-1, 0, 0, NULL}, 1, 1));
    assert_true(tiles(f, &(tni_map){0, 0, 0, NULL}, 1, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whole_tensors_are_one_run, setup, teardown),
        cmocka_unit_test_setup_teardown(boxes_and_slices, setup, teardown),
        cmocka_unit_test_setup_teardown(transposes_merge_what_stays_together, setup, teardown),
        cmocka_unit_test_setup_teardown(repeats_have_no_inverse, setup, teardown),
        cmocka_unit_test_setup_teardown(compositions, setup, teardown),
        cmocka_unit_test_setup_teardown(slices_of_slices_are_one_map, setup, teardown),
        cmocka_unit_test_setup_teardown(ranges_off_the_digit_borders_leave_slabs, setup, teardown),
        cmocka_unit_test_setup_teardown(overlapping_windows, setup, teardown),
        cmocka_unit_test_setup_teardown(endless_windows_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(unions_that_are_not_nested_stay_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(endless_searches_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(strides_without_a_common_refinement_meet_in_periods, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(neighbours_are_joined_across_inputs, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_pieces_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(huge_tensors_overflow_nowhere, setup, teardown),
        cmocka_unit_test_setup_teardown(ranks_of_254_cost_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(huge_tilings, setup, teardown),
        cmocka_unit_test_setup_teardown(broken_maps_tile_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
