/* Composition of index maps.
 *
 * Both loop nests are read over the middle tensor T: U's element `base` + Σ i·other meets T's
 * element `origin` + Σ i·mid, and likewise for the leaf. Their strides in T are the digits of a
 * mixed-radix number. The walk looks at the widest digit of both sides and makes them equal:
 *
 *   equal strides         both count the same thing: match the ranges, one common dimension
 *   one divides the other split the finer digit where the coarser one turns over, with a slab
 *                         before and after where the range does not begin or end there
 *   neither               group both by the least common multiple of the strides where the range
 *                         holds at least two such periods; else take the coarser value by value
 *
 * Each rule splits a branch into disjoint ones that cover it, so the result is exact for every pair
 * of nests; being nested only keeps the branches few, and their digits within the fixed room.
 * Branches wait on a stack in the heap. */
#include "core/checked.h"
#include "core/error.h"
#include "model/nest.h"

typedef struct digit {
    int64_t size;
    int64_t mid;   /* stride in T */
    int64_t other; /* stride in U or in the leaf */
} digit;

typedef struct side {
    int64_t origin; /* first element in T */
    int64_t base;   /* first element in U or in the leaf */
    uint32_t rank;
    digit digit[TNI_NEST_ROOM]; /* ascending in `mid`: the widest is the last */
} side;

enum { OUTER, INNER };

typedef struct branch {
    side side[2];
    uint32_t rank; /* common dimensions found so far */
    tni_dim dim[TNI_NEST_ROOM];
} branch;

typedef struct walk {
    tni_map_list *list;
    uint32_t leaf;
    uint64_t steps;
    branch *stack;
    size_t count, room;
} walk;

/* Steps that a walk may take for each piece that the limit allows: branches that end in nothing
 * cost time without counting as pieces. */
enum { STEPS_PER_PIECE = 16, STEPS_FREE = 65536 };

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t ceil_div(int64_t a, int64_t b)
{
    return a / b + (a % b > 0);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static digit *top_of(side *at)
{
    return &at->digit[at->rank - 1];
}

/* How far the `rank` finest digits reach in T; load_side proved that it fits. */
static int64_t span(const side *at, uint32_t rank)
{
    int64_t sum = 0;
    for (uint32_t k = 0; k < rank; k++) {
        sum += (at->digit[k].size - 1) * at->digit[k].mid;
    }
    return sum;
}

/* Restricts the widest digit to [first, first + count). */
static void narrow(side *at, int64_t first, int64_t count)
{
    digit *top = top_of(at);
    at->origin += first * top->mid;
    at->base += first * top->other;
    top->size = count;
    at->rank -= count == 1;
}

/* Splits the widest digit into groups of `group` values; its size is a multiple of that. */
static void split_top(side *at, int64_t group)
{
    digit *top = top_of(at);
    at->digit[at->rank] = (digit){top->size / group, top->mid * group, top->other * group};
    top->size = group;
    at->rank++;
}

/* Copies only what is in use: a branch is large and mostly unused. */
static void copy_branch(branch *to, const branch *from)
{
    for (int s = OUTER; s <= INNER; s++) {
        const side *at = &from->side[s];
        to->side[s].origin = at->origin;
        to->side[s].base = at->base;
        to->side[s].rank = at->rank;
        memcpy(to->side[s].digit, at->digit, at->rank * sizeof at->digit[0]);
    }
    to->rank = from->rank;
    memcpy(to->dim, from->dim, from->rank * sizeof from->dim[0]);
}

static tn_status too_many(const walk *w, tn_error *err)
{
    return tni_check_limit(UINT64_MAX, w->list->limit, "pieces", err);
}

/* Pushes a copy; *child_out is valid until the next push. */
static tn_status push(walk *w, const branch *at, branch **child_out, tn_error *err)
{
    if (w->count == w->room) {
        void *block = w->stack;
        size_t room = w->room < 4 ? 4 : w->room * 2;
        tn_status status = tni_resize(w->list->arena->ctx, &block, room * sizeof *w->stack, err);
        if (status != TN_OK) {
            return status;
        }
        w->stack = block;
        w->room = room;
    }
    branch *child = &w->stack[w->count++];
    copy_branch(child, at);
    *child_out = child;
    return TN_OK;
}

/* Pushes a copy whose widest digit of side `s` is restricted. */
static tn_status push_part(walk *w, const branch *at, int s, int64_t first, int64_t count,
                           tn_error *err)
{
    branch *child;
    tn_status status = count == 0 ? TN_OK : push(w, at, &child, err);
    if (status == TN_OK && count != 0) {
        narrow(&child->side[s], first, count);
    }
    return status;
}

/* The same for `groups` groups of `group` values, which become a digit of their own. */
static tn_status push_groups(walk *w, const branch *at, int s, int64_t first, int64_t groups,
                             int64_t group, tn_error *err)
{
    if (at->side[s].rank == TNI_NEST_ROOM) {
        return too_many(w, err);
    }
    tn_status status = push_part(w, at, s, first, groups * group, err);
    if (status == TN_OK && groups > 1) {
        split_top(&w->stack[w->count - 1].side[s], group);
    }
    return status;
}

/* Takes the first value of the widest digit apart. */
static tn_status peel(walk *w, branch *at, int s, tn_error *err)
{
    int64_t size = top_of(&at->side[s])->size;
    tn_status status = push_part(w, at, s, 1, size - 1, err);
    return status == TN_OK ? push_part(w, at, s, 0, 1, err) : status;
}

/* Equal strides: outer value i meets inner value i − q for the few q that the finer digits allow.
 */
static tn_status pair(walk *w, branch *at, tn_error *err)
{
    side *a = &at->side[OUTER];
    side *b = &at->side[INNER];
    const digit x = *top_of(a);
    const digit y = *top_of(b);
    int64_t low = ceil_div(b->origin - (a->origin + span(a, a->rank - 1)), x.mid);
    int64_t high = floor_div(b->origin + span(b, b->rank - 1) - a->origin, x.mid);
    low = most(low, 1 - y.size);
    high = least(high, x.size - 1);
    if (high - low > 3) {
        return peel(w, at, OUTER, err);
    }
    for (int64_t q = high; q >= low; q--) {
        branch *child;
        tn_status status = push(w, at, &child, err);
        if (status != TN_OK) {
            return status;
        }
        int64_t first = most(0, q);
        int64_t count = least(x.size - q, y.size) + q - first;
        narrow(&child->side[OUTER], first, 1);
        narrow(&child->side[INNER], first - q, 1);
        if (count > 1 && child->rank == TNI_NEST_ROOM) {
            return too_many(w, err);
        }
        if (count > 1) {
            child->dim[child->rank++] = (tni_dim){count, x.other, y.other};
        }
    }
    return TN_OK;
}

/* Finds where in a window of `coarse` the first value of `fine` stands. Any answer is right; this
 * one makes the fewest slabs. */
static int64_t phase_of(side *coarse, side *fine, int64_t group)
{
    int64_t window = top_of(coarse)->mid;
    int64_t ahead = coarse->origin - fine->origin;
    if (ahead >= 0 && ahead < window && span(coarse, coarse->rank - 1) < window - ahead) {
        return 0; /* windows counted from the first value hold the coarse values whole */
    }
    int64_t phase = floor_div(-ahead, top_of(fine)->mid) % group;
    return phase < 0 ? phase + group : phase;
}

/* Lengthens the widest digit of `fine` where nothing of `coarse` lies behind it, so that its last
 * group is no slab; false if it cannot. */
static bool pad(side *fine, const side *coarse, int64_t extra)
{
    digit *top = top_of(fine);
    int64_t end;
    int64_t padded;
    if (!tni_mul_i64(top->size, top->mid, &end) || !tni_add_i64(fine->origin, end, &end) ||
        coarse->origin + span(coarse, coarse->rank) >= end ||
        !tni_mul_i64(top->size + extra, top->mid, &padded) ||
        !tni_add_i64(fine->origin + span(fine, fine->rank - 1), padded, &padded) ||
        !tni_mul_i64(top->size + extra, top->other, &padded)) {
        return false;
    }
    top->size += extra;
    return true;
}

/* The stride of side `s` is a multiple of the other's: splits the other where `s` turns over. */
static tn_status refine(walk *w, branch *at, int s, tn_error *err)
{
    side *coarse = &at->side[s];
    side *fine = &at->side[1 - s];
    int64_t size = top_of(fine)->size;
    int64_t group = top_of(coarse)->mid / top_of(fine)->mid;
    int64_t phase = phase_of(coarse, fine, group);
    int64_t head = least(phase == 0 ? 0 : group - phase, size);
    int64_t full = (size - head) / group;
    int64_t tail = size - head - full * group;
    if ((head > 0) + (full > 0) + (tail > 0) == 1 && full <= 1) {
        return peel(w, at, s, err);
    }
    if (full > 0 && tail > 0 && pad(fine, coarse, group - tail)) {
        full++;
        tail = 0;
    }
    tn_status status = push_part(w, at, 1 - s, head + full * group, tail, err);
    if (status == TN_OK) {
        status = push_groups(w, at, 1 - s, head, full, group, err);
    }
    return status == TN_OK ? push_part(w, at, 1 - s, 0, head, err) : status;
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* No stride divides the other: groups side `s`, the coarser, by the least common multiple. */
static tn_status regroup(walk *w, branch *at, int s, tn_error *err)
{
    const digit *coarse = top_of(&at->side[s]);
    int64_t fine = top_of(&at->side[1 - s])->mid;
    int64_t group = fine / common_divisor(coarse->mid, fine);
    int64_t groups = coarse->size / group;
    if (groups < 2) {
        return peel(w, at, s, err);
    }
    int64_t rest = coarse->size % group;
    tn_status status = push_part(w, at, s, groups * group, rest, err);
    return status == TN_OK ? push_groups(w, at, s, 0, groups, group, err) : status;
}

/* Restricts the widest digit of x to the values that can meet y; false if none can. */
static bool trim(side *x, const side *y)
{
    if (x->rank == 0) {
        return true;
    }
    const digit *top = top_of(x);
    int64_t low = ceil_div(y->origin - (x->origin + span(x, x->rank - 1)), top->mid);
    int64_t high = floor_div(y->origin + span(y, y->rank) - x->origin, top->mid);
    low = most(low, 0);
    high = least(high, top->size - 1);
    if (low > high) {
        return false;
    }
    narrow(x, low, high - low + 1);
    return true;
}

/* Lines up the dimensions of two maps by their strides: sizes of x into dim[].size, of y into
 * size_y[], 1 where a map lacks the dimension. Returns the number of dimensions where the sizes
 * differ, the last of them in *at; gives up at the second. */
static uint32_t line_up(const tni_map *x, const tni_map *y, tni_nest *nest, int64_t *size_y,
                        uint32_t *at)
{
    uint32_t differ = 0;
    for (uint32_t i = 0, j = 0; differ < 2 && (i < x->rank || j < y->rank);) {
        bool in_x = i < x->rank && (j == y->rank || x->dim[i].to >= y->dim[j].to);
        bool in_y = j < y->rank && (i == x->rank || y->dim[j].to >= x->dim[i].to);
        tni_dim dim = in_x ? x->dim[i] : y->dim[j];
        if (nest->rank == TNI_NEST_ROOM || (in_x && in_y && y->dim[j].from != dim.from)) {
            return 2;
        }
        size_y[nest->rank] = in_y ? y->dim[j].size : 1;
        dim.size = in_x ? dim.size : 1;
        if (dim.size != size_y[nest->rank]) {
            differ++;
            *at = nest->rank;
        }
        nest->dim[nest->rank++] = dim;
        i += in_x;
        j += in_y;
    }
    return differ;
}

static bool follows(const tni_dim *dim, int64_t to, int64_t from)
{
    int64_t reach;
    return tni_mul_i64(dim->size, dim->to, &reach) && reach == to &&
           tni_mul_i64(dim->size, dim->from, &reach) && reach == from;
}

/* Joins x and y, which follows x in just one dimension, into one nest; false if it does not. */
static bool join(const tni_map *x, const tni_map *y, tni_nest *nest)
{
    int64_t size_y[TNI_NEST_ROOM];
    int64_t to = y->to - x->to;
    int64_t from = y->from - x->from;
    uint32_t at = 0;
    tni_nest_init(nest, x->to, x->from);
    uint32_t differ = to <= 0 || from < 0 ? 2 : line_up(x, y, nest, size_y, &at);
    if (differ > 1) {
        return false;
    }
    while (differ == 0 && at < nest->rank && !follows(&nest->dim[at], to, from)) {
        at++;
    }
    if (at == nest->rank) { /* equal dimensions: perhaps side by side, element by element */
        if (at == TNI_NEST_ROOM) {
            return false;
        }
        nest->dim[nest->rank++] = (tni_dim){1, 1, 1};
        size_y[at] = 1;
    }
    if (!follows(&nest->dim[at], to, from)) {
        return false;
    }
    nest->dim[at].size += size_y[at];
    return tni_nest_is_nested(nest);
}

/* Appends, and joins with the end of the list for as long as that gives one map. */
static tn_status append(walk *w, tni_map map, tn_error *err)
{
    tni_map_list *list = w->list;
    tni_nest nest;
    while (list->count > 0 && list->leaf[list->count - 1] == w->leaf &&
           join(&list->at[list->count - 1], &map, &nest)) {
        tn_status status = tni_nest_finish(&nest, list->arena, &map, err);
        if (status != TN_OK) {
            return status;
        }
        list->count--;
    }
    return tni_map_list_add(list, map, w->leaf, err);
}

static tn_status emit(walk *w, const branch *at, tn_error *err)
{
    tni_nest nest;
    tni_map map;
    tni_nest_init(&nest, at->side[OUTER].base, at->side[INNER].base);
    nest.rank = at->rank;
    memcpy(nest.dim, at->dim, at->rank * sizeof nest.dim[0]);
    tn_status status = tni_nest_finish(&nest, w->list->arena, &map, err);
    return status == TN_OK ? append(w, map, err) : status;
}

static tn_status step(walk *w, branch *at, tn_error *err)
{
    side *a = &at->side[OUTER];
    side *b = &at->side[INNER];
    if (!trim(a, b) || !trim(b, a)) {
        return TN_OK;
    }
    if (a->rank == 0 && b->rank == 0) {
        return a->origin == b->origin ? emit(w, at, err) : TN_OK;
    }
    if (a->rank == 0 || b->rank == 0) {
        return peel(w, at, a->rank == 0 ? INNER : OUTER, err);
    }
    int64_t wide = top_of(a)->mid;
    int64_t other = top_of(b)->mid;
    if (wide == other) {
        return pair(w, at, err);
    }
    int coarse = wide > other ? OUTER : INNER;
    bool divides = most(wide, other) % least(wide, other) == 0;
    return divides ? refine(w, at, coarse, err) : regroup(w, at, coarse, err);
}

static tn_status count_step(walk *w, tn_error *err)
{
    uint64_t most_steps = UINT64_MAX;
    if (tni_mul_u64(w->list->limit, STEPS_PER_PIECE, &most_steps)) {
        (void)tni_add_u64(most_steps, STEPS_FREE, &most_steps);
    }
    if (++w->steps <= most_steps) {
        return TN_OK;
    }
    return too_many(w, err);
}

static tn_status run(walk *w, branch *at, tn_error *err)
{
    for (;;) {
        tn_status status = count_step(w, err);
        if (status == TN_OK) {
            status = step(w, at, err);
        }
        if (status != TN_OK || w->count == 0) {
            return status;
        }
        copy_branch(at, &w->stack[--w->count]);
    }
}

/* Adds a digit in its place; false where sums or products leave int64_t. */
static bool load_digit(side *at, digit add, int64_t *reach, int64_t *elements)
{
    int64_t own;
    if (!tni_mul_i64(add.size - 1, add.mid, &own) || !tni_add_i64(*reach, own, reach) ||
        !tni_mul_i64(*elements, add.size, elements)) {
        return false;
    }
    uint32_t k = at->rank++;
    for (; k > 0 && at->digit[k - 1].mid > add.mid; k--) {
        at->digit[k] = at->digit[k - 1];
    }
    at->digit[k] = add;
    return true;
}

/* Reads a map over T. Dimensions that do not move in T are common already. */
static bool load_side(branch *at, int s, const tni_map *map)
{
    side *into = &at->side[s];
    into->origin = s == OUTER ? map->from : map->to;
    into->base = s == OUTER ? map->to : map->from;
    into->rank = 0;
    int64_t reach = into->origin;
    int64_t elements = 1;
    for (uint32_t k = 0; k < map->rank; k++) {
        const tni_dim *dim = &map->dim[k];
        digit add = {dim->size, s == OUTER ? dim->from : dim->to, s == OUTER ? dim->to : dim->from};
        if (add.size == 1) {
            continue;
        }
        if (add.mid == 0 && s == OUTER && tni_mul_i64(elements, add.size, &elements)) {
            at->dim[at->rank++] = *dim;
        } else if (add.mid == 0 || !load_digit(into, add, &reach, &elements)) {
            return false;
        }
    }
    return true;
}

static bool is_empty(const tni_map *map)
{
    for (uint32_t k = 0; k < map->rank; k++) {
        if (map->dim[k].size == 0) {
            return true;
        }
    }
    return false;
}

tn_status tni_map_compose(tni_map outer, const tni_map *inner, const uint32_t *leaf, size_t count,
                          tni_map_list *list, tn_error *err)
{
    walk w = {.list = list};
    branch start;
    branch at;
    tn_status status = TN_OK;
    start.rank = 0;
    if (is_empty(&outer)) {
        return TN_OK;
    }
    bool fits = load_side(&start, OUTER, &outer);
    start.side[INNER].rank = 0;
    for (size_t k = 0; status == TN_OK && fits && k < count; k++) {
        if (is_empty(&inner[k])) {
            continue;
        }
        fits = load_side(&start, INNER, &inner[k]);
        w.leaf = leaf[k];
        copy_branch(&at, &start);
        status = fits ? run(&w, &at, err) : TN_OK;
    }
    if (!fits) {
        status = tni_fail(err, TN_E_LIMIT, "a tensor has more than 2^63 - 1 elements");
    }
    tni_free(list->arena->ctx, w.stack);
    return status;
}
