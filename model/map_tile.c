/* Do maps tile a tensor exactly once?
 *
 * Contiguous runs are sorted: exact, O(n log n). For other maps the question is asked of
 * polynomials. A map stands for the sum of x^e over the tensor elements e that it fills, which is
 * a product of geometric sums, one a dimension; the maps tile the tensor exactly if and only if
 * their sum is 1 + x + … + x^(elements − 1). Both sides are evaluated at one point of the field of
 * 2^127 − 1 elements. Both have degrees below 2^63 and, because the elements are counted before,
 * coefficients below 2^63, so where they differ at all they agree at less than one point in 2^64:
 * a tiling is always recognised, and anything else passes with a chance below 2^-64. The point is
 * a hash of just what the polynomials depend on, so an input cannot choose its maps for the point.
 * O(n · rank · 63) multiplications and no memory, where comparing boxes would take n² steps. */
#include "core/checked.h"
#include "core/context.h"
#include "model/map.h"

#include <stdlib.h>

__extension__ typedef unsigned __int128 wide;

#define PRIME ((((wide)1) << 127) - 1)

/* Field elements are at most PRIME; both 0 and PRIME are zero. */
static wide fold(wide a)
{
    return (a & PRIME) + (a >> 127);
}

static wide add(wide a, wide b)
{
    return fold(a + b);
}

static wide multiply(wide a, wide b)
{
    uint64_t a0 = (uint64_t)a;
    uint64_t a1 = (uint64_t)(a >> 64);
    uint64_t b0 = (uint64_t)b;
    uint64_t b1 = (uint64_t)(b >> 64);
    wide middle = (wide)a1 * b0 + (wide)a0 * b1; /* · 2^64; a1, b1 < 2^63, so it fits */
    wide middle_low = (middle & ((((wide)1) << 63) - 1)) << 64;
    wide high = fold(((wide)a1 * b1) << 1); /* 2^128 = 2 */
    return add(add(high, middle >> 63), add(middle_low, fold((wide)a0 * b0)));
}

static wide power(const wide *squares, int64_t exponent)
{
    wide result = 1;
    for (unsigned bit = 0; exponent >> bit != 0; bit++) {
        if ((exponent >> bit & 1) != 0) {
            result = multiply(result, squares[bit]);
        }
    }
    return result;
}

/* 1 + y + … + y^(count − 1). */
static wide geometric(wide y, int64_t count)
{
    wide sum = 0;
    wide reach = 1; /* y^(values summed) */
    for (unsigned bit = 63; bit-- > 0;) {
        if (count >> bit == 0) {
            continue;
        }
        sum = multiply(sum, add(reach, 1));
        reach = multiply(reach, reach);
        if ((count >> bit & 1) != 0) {
            sum = add(sum, reach);
            reach = multiply(reach, y);
        }
    }
    return sum;
}

static wide map_sum(const wide *squares, const tni_map *map)
{
    wide sum = power(squares, map->to);
    for (uint32_t k = 0; k < map->rank; k++) {
        sum = multiply(sum, geometric(power(squares, map->dim[k].to), map->dim[k].size));
    }
    return sum;
}

/* Stirs one word into the hash: the finalizer of SplitMix64, crossed over two lanes. */
static void stir(uint64_t lane[2], uint64_t word)
{
    uint64_t z = (lane[0] ^ word) + 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    uint64_t other = lane[1] + (z ^ (z >> 31));
    lane[0] = ((other << 29) | (other >> 35)) * 0xD6E8FEB86659FD93U;
    lane[1] = z ^ (z >> 31) ^ (lane[0] >> 32);
}

static wide choose_point(const tni_map *maps, size_t count, int64_t elements)
{
    uint64_t lane[2] = {0x243F6A8885A308D3U, 0x13198A2E03707344U};
    stir(lane, (uint64_t)elements);
    for (size_t i = 0; i < count; i++) {
        stir(lane, (uint64_t)maps[i].to);
        stir(lane, maps[i].rank);
        for (uint32_t k = 0; k < maps[i].rank; k++) {
            stir(lane, (uint64_t)maps[i].dim[k].size);
            stir(lane, (uint64_t)maps[i].dim[k].to);
        }
    }
    stir(lane, count);
    stir(lane, 0);
    return fold((wide)lane[0] << 64 | lane[1]);
}

static bool sums_agree(const tni_map *maps, size_t count, int64_t elements)
{
    wide squares[64];
    wide sum = 0;
    squares[0] = choose_point(maps, count, elements);
    for (size_t i = 1; i < 64; i++) {
        squares[i] = multiply(squares[i - 1], squares[i - 1]);
    }
    for (size_t i = 0; i < count; i++) {
        sum = add(sum, map_sum(squares, &maps[i]));
    }
    wide wanted = geometric(squares[0], elements);
    return sum % PRIME == wanted % PRIME;
}

/* Checks that a map stays within [0, elements) and takes its elements off *left. */
static bool count_off(const tni_map *map, int64_t elements, int64_t *left)
{
    int64_t own = 1;
    int64_t last = map->to;
    for (uint32_t k = 0; k < map->rank; k++) {
        int64_t reach;
        const tni_dim *dim = &map->dim[k];
        if (dim->size < 0 || dim->to <= 0 || !tni_mul_i64(own, dim->size, &own) ||
            !tni_mul_i64(dim->size - 1, dim->to, &reach) || !tni_add_i64(last, reach, &last)) {
            return false;
        }
    }
    if (map->to < 0 || own > *left || (own > 0 && last >= elements)) {
        return false;
    }
    *left -= own;
    return true;
}

typedef struct run {
    int64_t first, count;
} run;

static int compare_runs(const void *a, const void *b)
{
    const run *x = a;
    const run *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

static bool fills_run(const tni_map *map)
{
    return map->rank == 0 || (map->rank == 1 && map->dim[0].to == 1);
}

/* Sorts runs whose elements sum up to the tensor's; they tile it if each starts where the last one
 * ends. */
static tn_status runs_tile(tn_context *ctx, const tni_map *maps, size_t count, bool *tile_out,
                           tn_error *err)
{
    void *block = NULL;
    tn_status status = tni_alloc_array(ctx, count, sizeof(run), &block, err);
    if (status != TN_OK) {
        return status;
    }
    run *runs = block;
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t elements = tni_map_elements(&maps[i]);
        if (elements > 0) {
            runs[used++] = (run){maps[i].to, elements};
        }
    }
    qsort(runs, used, sizeof *runs, compare_runs);
    int64_t end = 0;
    bool tile = true;
    for (size_t i = 0; i < used; i++) {
        tile = tile && runs[i].first == end;
        end = runs[i].first + runs[i].count;
    }
    tni_free(ctx, block);
    *tile_out = tile;
    return TN_OK;
}

tn_status tni_maps_tile(tni_arena *arena, const tni_map *maps, size_t count, int64_t elements,
                        bool *tile_out, tn_error *err)
{
    int64_t left = elements;
    bool only_runs = true;
    for (size_t i = 0; i < count; i++) {
        if (!count_off(&maps[i], elements, &left)) {
            *tile_out = false;
            return TN_OK;
        }
        only_runs = only_runs && fills_run(&maps[i]);
    }
    if (left != 0 || count == 0) {
        *tile_out = left == 0;
        return TN_OK;
    }
    if (only_runs) {
        return runs_tile(arena->ctx, maps, count, tile_out, err);
    }
    *tile_out = sums_agree(maps, count, elements);
    return TN_OK;
}
