/* Tiled reading: a span's leaf ranges, at most the budget at a time.
 *
 * The leaf range that feeds a span may be far larger than the span: a row of a transposed matrix
 * touches the whole matrix. So the map's loops are taken off one by one, the one with the greatest
 * step in the leaf first, until what is left reads a range that fits; for a transpose that means
 * one short read for each row of the leaf. Where so little of the leaf lies between these reads
 * that it costs less than a call, the loop is cut into parts that fit instead. */
#include "core/error.h"
#include "model/reader.h"

/* Reading this much costs about as much as one more call to the system. */
enum { CALL_WORTH = 4096 };

/* One loop that was taken off. */
struct tni_nest_level {
    uint32_t dim;  /* in the map */
    int64_t index; /* where the loop stands */
    int64_t end;
    int64_t step; /* more than 1 only for the last loop, if that is cut instead of taken off */
};

static tn_status make_room(tn_reader *reader, uint32_t rank, tn_error *err)
{
    if (rank <= reader->nest_room) {
        return TN_OK;
    }
    tni_free(reader->ctx, reader->levels);
    tni_free(reader->ctx, reader->dims);
    reader->levels = NULL;
    reader->dims = NULL;
    reader->nest_room = 0;
    void *levels = NULL, *dims = NULL;
    tn_status status =
        tni_alloc_array(reader->ctx, rank, sizeof(struct tni_nest_level), &levels, err);
    if (status == TN_OK) {
        reader->levels = levels;
        status = tni_alloc_array(reader->ctx, rank, sizeof(tni_dim), &dims, err);
    }
    if (status == TN_OK) {
        reader->dims = dims;
        reader->nest_room = rank;
    }
    return status;
}

/* Puts the map's loops in the order in which they are taken off. */
static void sort_levels(const tni_map *map, struct tni_nest_level *levels)
{
    for (uint32_t i = 0; i < map->rank; i++) {
        uint32_t at = i;
        while (at > 0 && map->dim[levels[at - 1].dim].from < map->dim[i].from) {
            levels[at].dim = levels[at - 1].dim;
            at--;
        }
        levels[at].dim = i;
    }
}

/* Makes the map that is left when `depth` loops stand still where they are. */
static tni_map inner_map(const tni_map *map, const struct tni_nest_level *levels, uint32_t depth,
                         tni_dim *dims)
{
    tni_map inner = {map->to, map->from, 0, dims};
    for (uint32_t k = 0; k < map->rank; k++) {
        uint32_t level = 0;
        while (level < depth && levels[level].dim != k) {
            level++;
        }
        int64_t size = map->dim[k].size;
        if (level < depth) {
            int64_t left = levels[level].end - levels[level].index;
            size = left < levels[level].step ? left : levels[level].step;
            inner.to += levels[level].index * map->dim[k].to;
            inner.from += levels[level].index * map->dim[k].from;
        }
        if (size != 1) {
            dims[inner.rank] = map->dim[k];
            dims[inner.rank++].size = size;
        }
    }
    return inner;
}

/* Computes how many values of the loop that was entered last can be read in one go: 1 where more
 * lies between them than is worth reading. */
static int64_t rows_at_once(const tn_reader *reader, const tni_map *map, uint32_t depth,
                            int64_t first, int64_t count)
{
    const struct tni_nest_level *level = &reader->levels[depth];
    int64_t from = map->dim[level->dim].from;
    int64_t room = (int64_t)(reader->budget / reader->unit);
    int64_t most = level->end - level->index;
    int64_t low, high;
    tni_map row = inner_map(map, reader->levels, depth + 1, reader->dims);
    if (!tni_map_leaf_range(&row, first, count, &low, &high) || high - low > room ||
        from - (high - low) > (int64_t)(CALL_WORTH / reader->unit)) {
        return 1;
    }
    int64_t fit = from == 0 ? most : (room - (high - low)) / from + 1;
    fit = fit < most ? fit : most;
    return fit < 1 ? 1 : fit;
}

/* Starts the next loop over the indexes that can touch elements [first, first + count). */
static void enter_level(const tn_reader *reader, const tni_map *map, const tni_map *inner,
                        uint32_t depth, int64_t first, int64_t count)
{
    struct tni_nest_level *level = &reader->levels[depth];
    const tni_dim *dim = &map->dim[level->dim];
    int64_t reach = 0; /* of the loops that stay inside */
    for (uint32_t k = 0; k < inner->rank; k++) {
        reach += (inner->dim[k].size - 1) * inner->dim[k].to;
    }
    reach -= (dim->size - 1) * dim->to;
    int64_t before = first - inner->to - reach;
    int64_t last = (first + count - 1 - inner->to) / dim->to;
    level->index = before <= 0 ? 0 : (before + dim->to - 1) / dim->to;
    level->end = last < dim->size ? last + 1 : dim->size;
    level->step = 1;
    level->step = rows_at_once(reader, map, depth, first, count);
}

static bool worth_reading(const tn_reader *reader, int64_t range, int64_t count)
{
    int64_t room = (int64_t)(reader->budget / reader->unit);
    int64_t worth = (int64_t)(CALL_WORTH / reader->unit);
    return range <= room && range / worth <= count;
}

static tn_status read_range(tn_reader *reader, const tni_leaf *leaf, const tni_map *inner,
                            int64_t low, int64_t high, int64_t first, int64_t count, void *out,
                            tn_error *err)
{
    tn_status status = tni_cancelled(reader->ctx, err);
    if (status == TN_OK) {
        status = tni_leaf_fetch(reader, leaf, low, high - low, reader->stage, NULL, err);
    }
    if (status == TN_OK) {
        tni_map_gather(inner, first, count, reader->stage, low, reader->unit, out);
    }
    return status;
}

/* Gathers `n` rows that lie in the stage, `width` elements each. `row` is the map of the first one,
 * whose elements from `low` on were read. */
static void gather_rows(tn_reader *reader, tni_map row, tni_dim loop, int64_t n, int64_t width,
                        int64_t low, int64_t first, int64_t count, void *out)
{
    tni_dim *dims = reader->dims;
    if (n > 1) {
        uint32_t at = row.rank++;
        for (; at > 0 && dims[at - 1].to < loop.to; at--) {
            dims[at] = dims[at - 1];
        }
        dims[at] = (tni_dim){n, loop.to, width};
    }
    tni_map_gather(&row, first, count, reader->stage, low, reader->unit, out);
}

/* Reads the row where the innermost loop that was taken off stands, and with it as many of the
 * next ones as the stage holds, as long as they feed the span from the same columns; leaves the
 * loop at the last of them. */
static tn_status read_rows(tn_reader *reader, const tni_piece *piece, tni_map row, uint32_t depth,
                           int64_t low, int64_t high, int64_t first, int64_t count, void *out,
                           tn_error *err)
{
    struct tni_nest_level *level = &reader->levels[depth - 1];
    const tni_dim loop = piece->map.dim[level->dim];
    int64_t width = high - low, n = 0;
    int64_t most = (int64_t)(reader->budget / reader->unit) / width;
    tni_map next = row;
    int64_t at = low, next_low = low, next_high = high;
    tn_status status = tni_cancelled(reader->ctx, err);
    while (status == TN_OK && n < most && next_low == at && next_high == at + width) {
        char *to = (char *)reader->stage + (size_t)(n * width) * reader->unit;
        status = tni_leaf_fetch(reader, piece->leaf, at, width, to, NULL, err);
        n++;
        at += loop.from;
        next.to += loop.to;
        next.from += loop.from;
        if (level->index + n == level->end ||
            !tni_map_leaf_range(&next, first, count, &next_low, &next_high)) {
            break;
        }
    }
    if (status == TN_OK) {
        gather_rows(reader, row, loop, n, width, low, first, count, out);
        level->index += n - 1;
    }
    return status;
}

tn_status tni_reader_tile(tn_reader *reader, const tni_piece *piece, int64_t first, int64_t count,
                          void *out, tn_error *err)
{
    const tni_map *map = &piece->map;
    if (piece->leaf->kind == TNI_LEAF_MEMORY) {
        tni_map_gather(map, first, count, piece->leaf->memory, 0, reader->unit, out);
        return TN_OK;
    }
    tn_status status = make_room(reader, map->rank, err);
    if (status == TN_OK) {
        status = tni_reader_stage(reader, reader->budget, err);
    }
    if (status != TN_OK) {
        return status;
    }
    struct tni_nest_level *levels = reader->levels;
    sort_levels(map, levels);
    uint32_t depth = 0;
    do {
        int64_t low, high;
        tni_map inner = inner_map(map, levels, depth, reader->dims);
        bool any = tni_map_leaf_range(&inner, first, count, &low, &high);
        bool is_cut = depth > 0 && levels[depth - 1].step > 1;
        if (any && is_cut && (uint64_t)(high - low) > reader->budget / reader->unit) {
            levels[depth - 1].step /= 2; /* rows further on are longer than the first one */
            continue;
        }
        if (any && !is_cut && depth < map->rank && !worth_reading(reader, high - low, count)) {
            enter_level(reader, map, &inner, depth, first, count);
            depth++;
            continue;
        }
        if (any && depth > 0 && !is_cut) {
            status = read_rows(reader, piece, inner, depth, low, high, first, count, out, err);
        } else if (any) {
            status = read_range(reader, piece->leaf, &inner, low, high, first, count, out, err);
        }
        while (depth > 0) {
            struct tni_nest_level *level = &levels[depth - 1];
            level->index += level->step;
            if (level->index < level->end) {
                break;
            }
            depth--;
        }
    } while (status == TN_OK && depth > 0);
    return status;
}
