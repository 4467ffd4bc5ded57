/* Evaluation and tiling of index maps, against walks element by element. */
#include "model/map.h"
#include "support/maps.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { MOST = 600, ROOM = 2000, PARTS = 64, GATHER_CASES = 10000, TILE_CASES = 10000 };

typedef struct fixture {
    tn_context *ctx;
    tni_arena arena;
    tn_error err;
    maps_random random;
    int64_t to[ROOM], from[ROOM];
    size_t bytes;
    unsigned char *leaf; /* the leaf's elements */
    unsigned char wanted[ROOM * 16];
    unsigned char got[ROOM * 16];
} fixture;

static int setup(void **state)
{
    fixture *f = test_calloc(1, sizeof *f);
    f->ctx = tn_context_new(NULL);
    *state = f;
    return f->ctx == NULL;
}

static int teardown(void **state)
{
    fixture *f = *state;
    tn_context_free(f->ctx);
    test_free(f);
    return 0;
}

static void begin(fixture *f, uint64_t seed)
{
    f->random = maps_seed(seed);
    tni_arena_init(&f->arena, f->ctx, 64 << 20);
}

static void check(fixture *f, bool ok, const char *what)
{
    maps_check(&f->random, ok, what);
}

static void check_status(fixture *f, tn_status status)
{
    maps_check(&f->random, status == TN_OK, f->err.message);
}

/* Draws a map: a slice of a transposed tensor, that or its inverse (which has gaps in the tensor).
 */
static tni_map draw_map(fixture *f)
{
    maps_shape shape = maps_draw_shape(&f->random, MOST);
    maps_shape new = {.rank = shape.rank};
    maps_shape part;
    uint32_t order[MAPS_RANK];
    int64_t start[MAPS_RANK];
    int64_t step[MAPS_RANK];
    uint32_t leaf = 0;
    tni_map turn;
    tni_map cut;
    tni_map map;
    tni_map_list list;
    maps_draw_order(&f->random, shape.rank, order);
    for (uint32_t k = 0; k < shape.rank; k++) {
        new.size[k] = shape.size[order[k]];
    }
    maps_draw_slice(&f->random, &new, start, step, &part);
    check_status(f, tni_map_transpose(&f->arena, shape.rank, shape.size, order, &turn, &f->err));
    check_status(
        f, tni_map_slice(&f->arena, new.rank, new.size, start, step, part.size, &cut, &f->err));
    tni_map_list_init(&list, &f->arena, 10);
    check_status(f, tni_map_compose(cut, &turn, &leaf, 1, &list, &f->err));
    if (list.count == 0) {
        return cut;
    }
    map = list.at[0];
    if (maps_draw(&f->random, 2) == 0) {
        check_status(f, tni_map_invert(&f->arena, map, &map, &f->err));
    }
    return map;
}

/* Gathers elements [first, first + count) from a copy of just the part of the leaf that
 * leaf_range names, so that reading beyond it is seen by the sanitizer. */
static void gather_chunk(fixture *f, const tni_map *map, int64_t elements, int64_t first,
                         int64_t count)
{
    int64_t low = -1;
    int64_t high = -1;
    int64_t low_wanted = INT64_MAX;
    int64_t high_wanted = 0;
    for (int64_t i = 0; i < elements; i++) {
        if (f->to[i] >= first && f->to[i] < first + count) {
            low_wanted = f->from[i] < low_wanted ? f->from[i] : low_wanted;
            high_wanted = f->from[i] + 1 > high_wanted ? f->from[i] + 1 : high_wanted;
        }
    }
    bool some = tni_map_leaf_range(map, first, count, &low, &high);
    check(f, some == (high_wanted > 0), "leaf_range finds elements where there are none");
    if (!some) {
        check(f, low == -1 && high == -1, "leaf_range touched its outputs");
        return;
    }
    check(f, low == low_wanted && high == high_wanted, "leaf_range is not exact on its ends");
    size_t size = (size_t)(high - low) * f->bytes;
    unsigned char *part = test_malloc(size);
    unsigned char *out = test_malloc((size_t)count * f->bytes);
    memcpy(part, f->leaf + (size_t)low * f->bytes, size);
    memcpy(out, f->got + (size_t)first * f->bytes, (size_t)count * f->bytes);
    tni_map_gather(map, first, count, part, low, f->bytes, out);
    memcpy(f->got + (size_t)first * f->bytes, out, (size_t)count * f->bytes);
    test_free(part);
    test_free(out);
}

static void fill(unsigned char *bytes, size_t count, uint32_t state)
{
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525U + 1013904223U;
        bytes[i] = (unsigned char)(state >> 24);
    }
}

static void chunks_make_the_whole(void **state)
{
    static unsigned char leaf[ROOM * 16 * 4];
    fixture *f = *state;
    f->leaf = leaf;
    fill(leaf, sizeof leaf, 1);
    for (uint64_t seed = 0; seed < GATHER_CASES; seed++) {
        begin(f, seed);
        tni_map map = draw_map(f);
        int64_t elements = maps_walk(&map, f->to, f->from);
        int64_t end = elements == 0 ? 1 : f->to[elements - 1] + 1 + maps_draw(&f->random, 3);
        f->bytes = (size_t)1 << maps_draw(&f->random, 5);
        memset(f->wanted, 0xEE, (size_t)end * f->bytes);
        memset(f->got, 0xEE, (size_t)end * f->bytes);
        for (int64_t i = 0; i < elements; i++) {
            memcpy(f->wanted + (size_t)f->to[i] * f->bytes, leaf + (size_t)f->from[i] * f->bytes,
                   f->bytes);
        }
        int64_t longest = 1 + maps_draw(&f->random, maps_draw(&f->random, 2) == 0 ? 8 : end);
        for (int64_t first = 0; first < end;) {
            int64_t count = 1 + maps_draw(&f->random, longest);
            count = count < end - first ? count : end - first;
            gather_chunk(f, &map, elements, first, count);
            first += count;
        }
        check(f, memcmp(f->wanted, f->got, (size_t)end * f->bytes) == 0,
              "the chunks differ from the whole");
        tni_arena_clear(&f->arena);
    }
}

/* A transpose that fills several blocks and ends inside tiles, in every element size. */
static void blocked_transposes(void **state)
{
    fixture *f = *state;
    const int64_t rows = 531;
    const int64_t columns = 277;
    tni_map map;
    begin(f, 0);
    check_status(f, tni_map_transpose(&f->arena, 2, (int64_t[]){rows, columns}, (uint32_t[]){1, 0},
                                      &map, &f->err));
    for (size_t bytes = 1; bytes <= 16; bytes *= 2) {
        size_t size = (size_t)(rows * columns) * bytes;
        unsigned char *leaf = test_malloc(size);
        unsigned char *out = test_malloc(size);
        fill(leaf, size, 7);
        tni_map_gather(&map, 0, 1000, leaf, 0, bytes, out);
        tni_map_gather(&map, 1000, rows * columns - 1000, leaf, 0, bytes, out + 1000 * bytes);
        for (int64_t i = 0; i < rows * columns; i++) {
            int64_t source = i % rows * columns + i / rows;
            assert_memory_equal(out + (size_t)i * bytes, leaf + (size_t)source * bytes, bytes);
        }
        test_free(leaf);
        test_free(out);
    }
    tni_arena_clear(&f->arena);
}

/* Turns [rows, 2, columns] to [columns, 2, rows], and looks at every byte. */
static void turn_and_check(fixture *f, int64_t rows, int64_t columns, size_t bytes)
{
    const int64_t shape[] = {rows, 2, columns};
    size_t size = (size_t)(rows * 2 * columns) * bytes;
    unsigned char *leaf = test_malloc(size);
    unsigned char *out = test_malloc(size);
    tni_map map;
    check_status(f, tni_map_transpose(&f->arena, 3, shape, (uint32_t[]){2, 1, 0}, &map, &f->err));
    fill(leaf, size, 11);
    memset(out, 0, size);
    tni_map_gather(&map, 0, rows * 2 * columns, leaf, 0, bytes, out);
    for (int64_t c = 0; c < columns; c++) {
        for (int64_t k = 0; k < 2; k++) {
            for (int64_t r = 0; r < rows; r++) {
                assert_memory_equal(out + (size_t)((c * 2 + k) * rows + r) * bytes,
                                    leaf + (size_t)((r * 2 + k) * columns + c) * bytes, bytes);
            }
        }
    }
    test_free(leaf);
    test_free(out);
}

/* Planes whose sides lie at and around those of vectors, tiles and blocks. */
static void sides_of_tiles(void **state)
{
    static const int64_t sides[] = {1, 2, 3, 5, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 257};
    enum { SIDES = sizeof sides / sizeof sides[0] };
    fixture *f = *state;
    for (size_t bytes = 1; bytes <= 16; bytes *= 2) {
        begin(f, 0);
        for (size_t i = 0; i < SIDES * SIDES; i++) {
            turn_and_check(f, sides[i / SIDES], sides[i % SIDES], bytes);
        }
        tni_arena_clear(&f->arena);
    }
}

typedef struct parts {
    tni_map map[PARTS];
    size_t count;
} parts;

typedef struct box {
    int64_t start[MAPS_RANK], size[MAPS_RANK];
} box;

/* Cuts a shape into boxes, each time one of them along one axis, in random order. */
static size_t draw_boxes(fixture *f, const maps_shape *shape, box *boxes)
{
    size_t count = 1;
    boxes[0] = (box){.start = {0}};
    memcpy(boxes[0].size, shape->size, sizeof boxes[0].size);
    for (int64_t cuts = shape->rank == 0 ? 0 : maps_draw(&f->random, 12); cuts > 0; cuts--) {
        int64_t axis = maps_draw(&f->random, shape->rank);
        box *from = &boxes[maps_draw(&f->random, (int64_t)count)];
        if (from->size[axis] > 1) {
            int64_t cut = 1 + maps_draw(&f->random, from->size[axis] - 1);
            boxes[count] = *from;
            boxes[count].start[axis] += cut;
            boxes[count++].size[axis] -= cut;
            from->size[axis] = cut;
        }
    }
    return count;
}

/* Draws maps that tile a shape: boxes, transposed as one by composition. */
static void draw_parts(fixture *f, const maps_shape *shape, parts *out)
{
    box boxes[PARTS];
    uint32_t order[MAPS_RANK];
    uint32_t leaf[PARTS] = {0};
    maps_shape old = {.rank = shape->rank};
    tni_map inner[PARTS];
    tni_map turn;
    tni_map_list list;
    maps_draw_order(&f->random, shape->rank, order);
    for (uint32_t k = 0; k < shape->rank; k++) {
        old.size[order[k]] = shape->size[k];
    }
    size_t count = draw_boxes(f, &old, boxes);
    for (size_t i = 0; i < count; i++) {
        leaf[i] = (uint32_t)i;
        check_status(f, tni_map_box(&f->arena, old.rank, old.size, boxes[i].start, boxes[i].size,
                                    &inner[i], &f->err));
    }
    check_status(f, tni_map_transpose(&f->arena, old.rank, old.size, order, &turn, &f->err));
    tni_map_list_init(&list, &f->arena, PARTS);
    check_status(f, tni_map_compose(turn, inner, leaf, count, &list, &f->err));
    out->count = list.count;
    for (size_t i = list.count; i > 0; i--) { /* shuffled */
        size_t at = (size_t)maps_draw(&f->random, (int64_t)i);
        out->map[i - 1] = list.at[at];
        list.at[at] = list.at[i - 1];
    }
}

static void check_tiling(fixture *f, const parts *p, int64_t elements, bool wanted,
                         const char *what)
{
    bool tile = !wanted;
    check_status(f, tni_maps_tile(&f->arena, p->map, p->count, elements, &tile, &f->err));
    check(f, tile == wanted, what);
}

/* Counts element by element whether the maps fill [0, elements) once. */
static bool fills_once(fixture *f, const parts *p, int64_t elements)
{
    unsigned char filled[ROOM] = {0};
    int64_t sum = 0;
    for (size_t i = 0; i < p->count; i++) {
        int64_t count = maps_walk(&p->map[i], f->to, f->from);
        for (int64_t k = 0; k < count; k++, sum++) {
            if (f->to[k] < 0 || f->to[k] >= elements || filled[f->to[k]]++ > 0) {
                return false;
            }
        }
    }
    return sum == elements;
}

static void spoil_parts(fixture *f, parts *p, int64_t elements)
{
    size_t at = (size_t)maps_draw(&f->random, (int64_t)p->count);
    tni_map kept = p->map[at];
    p->map[at].to += 1;
    check_tiling(f, p, elements, false, "a shifted piece tiles");
    p->map[at].to -= 2;
    check_tiling(f, p, elements, false, "a piece shifted back tiles");
    p->map[at] = kept;
    p->map[p->count++] = kept;
    check_tiling(f, p, elements, false, "a doubled piece tiles");
    p->count--;
    size_t other = (size_t)maps_draw(&f->random, (int64_t)p->count);
    p->map[at] = p->map[other];
    check_tiling(f, p, elements, at == other, "a piece that replaces another tiles");
    p->map[at] = kept;
    int64_t to = p->map[other].to;
    p->map[other].to = maps_draw(&f->random, elements); /* may fit or not: the walk knows */
    check_tiling(f, p, elements, fills_once(f, p, elements), "a walk says otherwise");
    p->map[other].to = to;
    p->map[at] = p->map[--p->count];
    check_tiling(f, p, elements, false, "without one piece the rest tiles");
}

static void partitions_tile_and_nothing_else(void **state)
{
    fixture *f = *state;
    size_t most = 0;
    for (uint64_t seed = 0; seed < TILE_CASES; seed++) {
        parts p;
        begin(f, seed);
        maps_shape shape = maps_draw_shape(&f->random, MOST);
        int64_t elements = maps_shape_elements(&shape);
        draw_parts(f, &shape, &p);
        check_tiling(f, &p, elements, true, "a partition does not tile");
        check_tiling(f, &p, elements + 1, false, "a partition tiles a longer tensor");
        if (p.count > 0) {
            spoil_parts(f, &p, elements);
        }
        most = p.count > most ? p.count : most;
        tni_arena_clear(&f->arena);
    }
    assert_in_range(most, 6, PARTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(chunks_make_the_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(blocked_transposes, setup, teardown),
        cmocka_unit_test_setup_teardown(sides_of_tiles, setup, teardown),
        cmocka_unit_test_setup_teardown(partitions_tile_and_nothing_else, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
