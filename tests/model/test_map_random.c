/* Index maps against tensors told element by element: each case draws shapes and operations from
 * its seed, applies them to an array of values as NumPy would and to maps, and compares. */
#include "model/map.h"
#include "support/maps.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { MOST = 400, ROOM = 2000, LEAF = 100000, SHAPING_CASES = 20000, CHAIN_CASES = 20000 };

/* A tensor as values (leaf · LEAF + element of the leaf) and as maps. */
typedef struct tensor {
    maps_shape shape;
    int64_t value[ROOM];
    tni_map_list list;
} tensor;

typedef struct fixture {
    tn_context *ctx;
    tni_arena arena;
    tn_error err;
    maps_random random;
    tensor now, next;
    int64_t to[ROOM], from[ROOM];
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

/* Which old element feeds each element of a slice or of a transposed tensor. */
static int64_t slice_source(const maps_shape *shape, const maps_shape *part, const int64_t *start,
                            const int64_t *step, int64_t flat)
{
    int64_t index[MAPS_RANK];
    maps_index(part, flat, index);
    for (uint32_t k = 0; k < part->rank; k++) {
        index[k] = start[k] + index[k] * step[k];
    }
    return maps_flat(shape, index);
}

static int64_t transpose_source(const maps_shape *old, const maps_shape *new, const uint32_t *order,
                                int64_t flat)
{
    int64_t index[MAPS_RANK];
    int64_t source[MAPS_RANK];
    maps_index(new, flat, index);
    for (uint32_t k = 0; k < old->rank; k++) {
        source[order[k]] = index[k];
    }
    return maps_flat(old, source);
}

static maps_shape transposed(const maps_shape *old, const uint32_t *order)
{
    maps_shape new = {.rank = old->rank};
    for (uint32_t k = 0; k < old->rank; k++) {
        new.size[k] = old->size[order[k]];
    }
    return new;
}

/* Compares a map whose `to` side is a whole row-major tensor with its wanted sources. */
static void check_sources(fixture *f, const tni_map *map, const int64_t *wanted, int64_t elements)
{
    check(f, maps_canonical(map), "the map is not canonical");
    check(f, maps_walk(map, f->to, f->from) == elements, "the map has other elements");
    for (int64_t i = 0; i < elements; i++) {
        check(f, f->to[i] == i, "the map's order is not the tensor's");
        check(f, f->from[i] == wanted[i], "an element comes from elsewhere");
    }
}

static bool same_map(const tni_map *a, const tni_map *b)
{
    return a->to == b->to && a->from == b->from && a->rank == b->rank &&
           (a->rank == 0 || memcmp(a->dim, b->dim, a->rank * sizeof *a->dim) == 0);
}

static void check_inverse(fixture *f, tni_map map)
{
    tni_map back;
    tni_map twice;
    tni_map_list list;
    uint32_t leaf = 3;
    int64_t elements = tni_map_elements(&map);
    check_status(f, tni_map_invert(&f->arena, map, &back, &f->err));
    check_status(f, tni_map_invert(&f->arena, back, &twice, &f->err));
    check(f, maps_canonical(&back), "the inverse is not canonical");
    check(f, same_map(&map, &twice), "inverted twice, it is another map");
    tni_map_list_init(&list, &f->arena, 1);
    check_status(f, tni_map_compose(map, &back, &leaf, 1, &list, &f->err));
    check(f, list.count == (elements > 0), "map after inverse is not one map");
    if (elements > 0) {
        maps_walk(&list.at[0], f->to, f->from);
        check(f, tni_map_elements(&list.at[0]) == elements, "map after inverse lost elements");
        check(f, memcmp(f->to, f->from, (size_t)elements * sizeof *f->to) == 0,
              "map after inverse is not the identity");
    }
}

/* Splits and shuffles the dimensions of a map: the same function, not canonical. */
static void check_canonical(fixture *f, tni_map map)
{
    tni_dim dim[64];
    tni_map again;
    tni_map loose = {map.to, map.from, 0, dim};
    for (uint32_t k = 0; k < map.rank; k++) {
        tni_dim d = map.dim[k];
        if (d.size % 2 == 0 && d.size > 0) {
            dim[loose.rank++] = (tni_dim){d.size / 2, 2 * d.to, 2 * d.from};
            d.size = 2;
        }
        dim[loose.rank++] = d;
        dim[loose.rank++] = (tni_dim){1, 5, 9};
    }
    for (uint32_t k = loose.rank; k > 1; k--) {
        int64_t at = maps_draw(&f->random, k);
        tni_dim d = dim[at];
        dim[at] = dim[k - 1];
        dim[k - 1] = d;
    }
    check_status(f, tni_map_canonical(&f->arena, loose, &again, &f->err));
    check(f, same_map(&map, &again), "a shuffled nest has another canonical form");
}

static void shaping_is_what_numpy_does(void **state)
{
    fixture *f = *state;
    for (uint64_t seed = 0; seed < SHAPING_CASES; seed++) {
        begin(f, seed);
        maps_shape shape = maps_draw_shape(&f->random, MOST);
        maps_shape part;
        int64_t start[MAPS_RANK];
        int64_t step[MAPS_RANK];
        uint32_t order[MAPS_RANK];
        int64_t *wanted = f->now.value;
        tni_map map;
        maps_draw_slice(&f->random, &shape, start, step, &part);
        int64_t elements = maps_shape_elements(&part);
        check_status(f, tni_map_slice(&f->arena, shape.rank, shape.size, start, step, part.size,
                                      &map, &f->err));
        for (int64_t i = 0; i < elements; i++) {
            wanted[i] = slice_source(&shape, &part, start, step, i);
        }
        check_sources(f, &map, wanted, elements);
        check_canonical(f, map);
        check_inverse(f, map);
        maps_draw_order(&f->random, shape.rank, order);
        maps_shape new = transposed(&shape, order);
        elements = maps_shape_elements(&shape);
        check_status(f, tni_map_transpose(&f->arena, shape.rank, shape.size, order, &map, &f->err));
        for (int64_t i = 0; i < elements; i++) {
            wanted[i] = transpose_source(&shape, &new, order, i);
        }
        check_sources(f, &map, wanted, elements);
        check_inverse(f, map);
        tni_arena_clear(&f->arena);
    }
}

static void start_next(fixture *f, maps_shape shape)
{
    f->next.shape = shape;
    tni_map_list_init(&f->next.list, &f->arena, 5000);
}

static void compose_next(fixture *f, tni_map outer)
{
    check_status(f, tni_map_compose(outer, f->now.list.at, f->now.list.leaf, f->now.list.count,
                                    &f->next.list, &f->err));
}

static void do_slice(fixture *f)
{
    maps_shape part;
    int64_t start[MAPS_RANK];
    int64_t step[MAPS_RANK];
    tni_map map;
    const maps_shape *shape = &f->now.shape;
    maps_draw_slice(&f->random, shape, start, step, &part);
    start_next(f, part);
    check_status(f, tni_map_slice(&f->arena, shape->rank, shape->size, start, step, part.size, &map,
                                  &f->err));
    compose_next(f, map);
    for (int64_t i = maps_shape_elements(&part); i-- > 0;) {
        f->next.value[i] = f->now.value[slice_source(shape, &part, start, step, i)];
    }
}

static void do_transpose(fixture *f)
{
    uint32_t order[MAPS_RANK];
    tni_map map;
    const maps_shape *shape = &f->now.shape;
    maps_draw_order(&f->random, shape->rank, order);
    maps_shape new = transposed(shape, order);
    start_next(f, new);
    check_status(f, tni_map_transpose(&f->arena, shape->rank, shape->size, order, &map, &f->err));
    compose_next(f, map);
    for (int64_t i = maps_shape_elements(&new); i-- > 0;) {
        f->next.value[i] = f->now.value[transpose_source(shape, &new, order, i)];
    }
}

/* Splits and merges axes, then transposes: "(h two d) x -> (h d two) x" and its like. */
static void do_rearrange(fixture *f)
{
    int64_t elements = maps_shape_elements(&f->now.shape);
    if (elements > 0) {
        f->now.shape = maps_draw_reshape(&f->random, elements);
    }
    do_transpose(f);
}

/* Fills box `start` of the next tensor with the present one. */
static void place(fixture *f, const int64_t *start)
{
    static const int64_t ones[MAPS_RANK] = {1, 1, 1, 1, 1, 1};
    tni_map map;
    const maps_shape *part = &f->now.shape;
    const maps_shape *whole = &f->next.shape;
    check_status(
        f, tni_map_box(&f->arena, whole->rank, whole->size, start, part->size, &map, &f->err));
    compose_next(f, map);
    for (int64_t i = maps_shape_elements(part); i-- > 0;) {
        f->next.value[slice_source(whole, part, start, ones, i)] = f->now.value[i];
    }
}

/* Concatenates the tensor with itself, two or three times (a stack where the axis is 1). */
static void do_concat(fixture *f)
{
    int64_t start[MAPS_RANK] = {0};
    int64_t times = 2 + maps_draw(&f->random, 2);
    maps_shape whole = f->now.shape;
    if (whole.rank == 0 || maps_shape_elements(&whole) * times > ROOM) {
        do_transpose(f);
        return;
    }
    int64_t axis = maps_draw(&f->random, whole.rank);
    whole.size[axis] *= times;
    start_next(f, whole);
    for (int64_t k = 0; k < times; k++) {
        place(f, start);
        start[axis] += f->now.shape.size[axis];
    }
}

/* Cuts the tensor in two along an axis and joins the halves, in order or swapped. */
static void do_cut(fixture *f)
{
    maps_shape whole = f->now.shape;
    if (whole.rank == 0 || maps_shape_elements(&whole) == 0) {
        do_transpose(f);
        return;
    }
    int64_t axis = maps_draw(&f->random, whole.rank);
    int64_t cut = maps_draw(&f->random, whole.size[axis] + 1);
    bool swap = maps_draw(&f->random, 2) == 0;
    start_next(f, whole);
    for (int half = 0; half < 2; half++) {
        int64_t from[MAPS_RANK] = {0};
        int64_t to[MAPS_RANK] = {0};
        int64_t step[MAPS_RANK] = {1, 1, 1, 1, 1, 1};
        maps_shape part = whole;
        tni_map take;
        tni_map put;
        tni_map_list middle;
        uint32_t zero = 0;
        part.size[axis] = half == 0 ? cut : whole.size[axis] - cut;
        from[axis] = half == 0 ? 0 : cut;
        to[axis] = !swap ? from[axis] : (half == 0 ? whole.size[axis] - cut : 0);
        check_status(f, tni_map_slice(&f->arena, whole.rank, whole.size, from, step, part.size,
                                      &take, &f->err));
        check_status(f,
                     tni_map_box(&f->arena, whole.rank, whole.size, to, part.size, &put, &f->err));
        tni_map_list_init(&middle, &f->arena, 1000);
        check_status(f, tni_map_compose(put, &take, &zero, 1, &middle, &f->err));
        for (size_t i = 0; i < middle.count; i++) {
            compose_next(f, middle.at[i]);
        }
        for (int64_t i = maps_shape_elements(&part); i-- > 0;) {
            f->next.value[slice_source(&whole, &part, to, step, i)] =
                f->now.value[slice_source(&whole, &part, from, step, i)];
        }
    }
}

/* Makes a tensor of one to three leaves, cut along one axis: a partitioned variable. */
static void make_tensor(fixture *f)
{
    maps_shape shape = maps_draw_shape(&f->random, MOST);
    f->now.shape = shape;
    tni_map_list_init(&f->now.list, &f->arena, 100);
    int64_t axis = shape.rank == 0 ? 0 : maps_draw(&f->random, shape.rank);
    int64_t begin_at = 0;
    for (uint32_t leaf = 0; leaf < 3; leaf++) {
        int64_t start[MAPS_RANK] = {0};
        int64_t ones[MAPS_RANK] = {1, 1, 1, 1, 1, 1};
        maps_shape part = shape;
        tni_map map;
        if (shape.rank == 0 && leaf > 0) {
            break;
        }
        if (shape.rank > 0) {
            int64_t left = shape.size[axis] - begin_at;
            part.size[axis] = leaf == 2 ? left : maps_draw(&f->random, left + 1);
            start[axis] = begin_at;
            begin_at += part.size[axis];
        }
        check_status(
            f, tni_map_box(&f->arena, shape.rank, shape.size, start, part.size, &map, &f->err));
        check_status(f, tni_map_list_add(&f->now.list, map, leaf, &f->err));
        for (int64_t i = maps_shape_elements(&part); i-- > 0;) {
            f->now.value[slice_source(&shape, &part, start, ones, i)] = leaf * LEAF + i;
        }
    }
}

static void check_tensor(fixture *f, const tensor *t)
{
    bool tile = false;
    int64_t elements = maps_shape_elements(&t->shape);
    int64_t seen = 0;
    for (size_t i = 0; i < t->list.count; i++) {
        const tni_map *map = &t->list.at[i];
        check(f, maps_canonical(map), "a piece is not canonical");
        int64_t count = maps_walk(map, f->to, f->from);
        for (int64_t k = 0; k < count; k++) {
            check(f, f->to[k] >= 0 && f->to[k] < elements, "a piece leaves the tensor");
            check(f, t->value[f->to[k]] == t->list.leaf[i] * LEAF + f->from[k],
                  "an element comes from elsewhere");
        }
        seen += count;
    }
    check(f, seen == elements, "elements are missing or doubled");
    check_status(f, tni_maps_tile(&f->arena, t->list.at, t->list.count, elements, &tile, &f->err));
    check(f, tile, "the pieces do not tile the tensor");
}

static void chains_of_operations_compose(void **state)
{
    static void (*const operations[])(fixture *) = {do_slice, do_transpose, do_rearrange, do_concat,
                                                    do_cut};
    fixture *f = *state;
    size_t most = 0;
    for (uint64_t seed = 0; seed < CHAIN_CASES; seed++) {
        begin(f, seed);
        make_tensor(f);
        check_tensor(f, &f->now);
        for (int64_t left = 1 + maps_draw(&f->random, 5); left > 0; left--) {
            operations[maps_draw(&f->random, 5)](f);
            check_tensor(f, &f->next);
            f->now = f->next;
        }
        most = f->now.list.count > most ? f->now.list.count : most;
        tni_arena_clear(&f->arena);
    }
    assert_in_range(most, 20, 2000); /* some chains have no common refinement */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(shaping_is_what_numpy_does, setup, teardown),
        cmocka_unit_test_setup_teardown(chains_of_operations_compose, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
