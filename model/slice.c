/* Slices in NumPy's basic notation: `0:3,:,-1`, `...,0`, `::2`. */
#include "core/context.h"
#include "core/error.h"
#include "model/shape_text.h"
#include <tenon/values.h>

#include <inttypes.h>

/* One item between commas. */
typedef struct item {
    enum { ITEM_INDEX, ITEM_RANGE, ITEM_ELLIPSIS } kind;
    bool has[3]; /* start, stop, step */
    int64_t value[3];
} item;

typedef struct parse {
    const tn_tensor *tensor;
    const char *text; /* the whole, for messages */
    const char *at;
    tn_error *err;
} parse;

/* Adds what every error says: the shape, and what is allowed. */
static tn_status refuse(const parse *p, tn_status status)
{
    char shape[TNI_SHAPE_ROOM];
    tni_shape_text(p->tensor, shape);
    tni_error_subject(p->err, p->tensor->alias[TN_SCHEME_NAME]);
    tni_error_hint(p->err,
                   "a slice has up to %" PRIu32 " items for shape %s, each an index `2`, a range "
                   "`start:stop:step` or `...`, as in `%s`",
                   p->tensor->rank, shape, p->tensor->rank > 1 ? "0:3,...,-1" : "0:3");
    return status;
}

static void skip_blanks(parse *p)
{
    while (*p->at == ' ' || *p->at == '\t') {
        p->at++;
    }
}

/* Reads an integer with optional sign; numbers beyond 64 bits stop at the ends, which ranges cut to
 * the dimension anyway. False: there is none. */
static bool read_integer(parse *p, int64_t *out)
{
    skip_blanks(p);
    const char *at = p->at;
    bool minus = *at == '-';
    if (*at == '-' || *at == '+') {
        at++;
    }
    if (*at < '0' || *at > '9') {
        return false;
    }
    int64_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *at - '0', &value)) {
            value = INT64_MAX;
        }
    }
    *out = minus ? -value : value;
    p->at = at;
    skip_blanks(p);
    return true;
}

static tn_status read_item(parse *p, item *item_out)
{
    item read = {ITEM_INDEX, {false, false, false}, {0, 0, 1}};
    skip_blanks(p);
    if (strncmp(p->at, "...", 3) == 0) {
        p->at += 3;
        read.kind = ITEM_ELLIPSIS;
    } else {
        read.has[0] = read_integer(p, &read.value[0]);
        for (int part = 1; part < 3 && *p->at == ':'; part++) {
            p->at++;
            read.kind = ITEM_RANGE;
            read.has[part] = read_integer(p, &read.value[part]);
        }
    }
    skip_blanks(p);
    bool empty = read.kind == ITEM_INDEX && !read.has[0];
    if (empty || (*p->at != ',' && *p->at != '\0')) {
        return refuse(p, *p->at == '\0' || *p->at == ','
                             ? tni_fail(p->err, TN_E_USAGE,
                                        "the slice `%s` has an empty item at "
                                        "character %zu",
                                        p->text, (size_t)(p->at - p->text) + 1)
                             : tni_fail(p->err, TN_E_USAGE,
                                        "the slice `%s` cannot be read from character %zu on",
                                        p->text, (size_t)(p->at - p->text) + 1));
    }
    *item_out = read;
    return TN_OK;
}

static tn_status set_index(const parse *p, uint32_t dim, const item *it, tn_slice *slice)
{
    int64_t size = p->tensor->shape[dim];
    int64_t index = it->value[0];
    if (index < -size || index >= size) {
        char shape[TNI_SHAPE_ROOM];
        tni_shape_text(p->tensor, shape);
        tn_status status = tni_fail(
            p->err, TN_E_USAGE, "index %" PRId64 " lies outside dimension %" PRIu32 " of shape %s",
            index, dim, shape);
        tni_error_subject(p->err, p->tensor->alias[TN_SCHEME_NAME]);
        if (size > 0) {
            tni_error_hint(p->err, "allowed there: %" PRId64 " to %" PRId64, -size, size - 1);
        } else {
            tni_error_hint(p->err, "that dimension is empty: only a range such as `:` fits");
        }
        return status;
    }
    slice->start[dim] = index < 0 ? index + size : index;
    slice->step[dim] = 1;
    slice->size[dim] = 1;
    return TN_OK;
}

/* Cuts one end of a range to the dimension as Python does: [0, size] upwards, [-1, size - 1]
 * downwards. */
static int64_t cut(int64_t value, int64_t size, bool down)
{
    if (value < 0) {
        value += size;
    }
    int64_t low = down ? -1 : 0;
    int64_t high = down ? size - 1 : size;
    return value < low ? low : value > high ? high : value;
}

static tn_status set_range(const parse *p, uint32_t dim, const item *it, tn_slice *slice)
{
    int64_t size = p->tensor->shape[dim];
    int64_t step = it->has[2] ? it->value[2] : 1;
    if (step == 0) {
        return refuse(p, tni_fail(p->err, TN_E_USAGE, "the step of a slice is 0"));
    }
    bool down = step < 0;
    int64_t start = down ? size - 1 : 0;
    int64_t stop = down ? -1 : size;
    if (it->has[0]) {
        start = cut(it->value[0], size, down);
    }
    if (it->has[1]) {
        stop = cut(it->value[1], size, down);
    }
    int64_t span = down ? start - stop : stop - start;
    int64_t stride = down ? -step : step;
    slice->start[dim] = start;
    slice->step[dim] = step;
    slice->size[dim] = span <= 0 ? 0 : (span - 1) / stride + 1;
    slice->out_shape[slice->out_rank++] = slice->size[dim];
    return TN_OK;
}

/* Counts the items, so that `...` knows how many dimensions it stands for. */
static tn_status count_items(parse *p, uint32_t *count_out, bool *ellipsis_out)
{
    uint64_t count = 0;
    unsigned dots = 0;
    for (bool more = true; more;) {
        item it;
        tn_status status = read_item(p, &it);
        if (status != TN_OK) {
            return status;
        }
        dots += it.kind == ITEM_ELLIPSIS;
        count += it.kind != ITEM_ELLIPSIS;
        more = *p->at == ',';
        p->at += more;
        skip_blanks(p);
        more = more && *p->at != '\0'; /* a last comma may stand alone, as in Python's tuples */
    }
    if (dots > 1) {
        return refuse(p, tni_fail(p->err, TN_E_USAGE,
                                  "the slice `%s` has `...` %u times; it may "
                                  "stand once",
                                  p->text, dots));
    }
    if (count > p->tensor->rank) {
        return refuse(p, tni_fail(p->err, TN_E_USAGE,
                                  "the slice `%s` has %" PRIu64
                                  " items, but the tensor has %" PRIu32 " dimensions",
                                  p->text, count, p->tensor->rank));
    }
    *count_out = (uint32_t)count;
    *ellipsis_out = dots == 1;
    return TN_OK;
}

static tn_status fill(parse *p, uint32_t given, bool ellipsis, tn_slice *slice)
{
    static const item all = {ITEM_RANGE, {false, false, false}, {0, 0, 1}};
    tn_status status = TN_OK;
    uint32_t dim = 0, skipped = p->tensor->rank - given;
    while (status == TN_OK && (given > 0 || ellipsis)) {
        item it;
        status = read_item(p, &it);
        p->at += *p->at == ',';
        if (status == TN_OK && it.kind == ITEM_ELLIPSIS) {
            ellipsis = false;
            for (; skipped > 0; skipped--) {
                set_range(p, dim++, &all, slice);
            }
        } else if (status == TN_OK) {
            given--;
            status = it.kind == ITEM_INDEX ? set_index(p, dim, &it, slice)
                                           : set_range(p, dim, &it, slice);
            dim++;
        }
    }
    while (status == TN_OK && dim < p->tensor->rank) {
        set_range(p, dim++, &all, slice);
    }
    return status;
}

static bool shape_known(const tn_tensor *tensor)
{
    bool known = !tensor->any_shape;
    for (uint32_t i = 0; known && i < tensor->rank; i++) {
        known = tensor->shape[i] >= 0;
    }
    return known;
}

tn_status tn_slice_parse(tn_context *ctx, const char *text, const tn_tensor *tensor,
                         tn_slice *slice_out, tn_error *err)
{
    parse p = {tensor, text, text, err};
    if (!shape_known(tensor)) {
        tn_status unknown =
            tni_fail(err, TN_E_USAGE, "its shape is not known, so no slice of it can be taken");
        tni_error_subject(err, tensor->alias[TN_SCHEME_NAME]);
        return unknown;
    }
    uint32_t given = 0;
    bool ellipsis = false;
    tn_status status = count_items(&p, &given, &ellipsis);
    void *block = NULL;
    if (status == TN_OK) {
        status = tni_alloc_array(ctx, tensor->rank, 4 * sizeof(int64_t), &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    int64_t *numbers = block;
    tn_slice slice = {.rank = tensor->rank,
                      .start = numbers,
                      .step = numbers + tensor->rank,
                      .size = numbers + 2 * (size_t)tensor->rank,
                      .out_shape = numbers + 3 * (size_t)tensor->rank};
    p.at = text;
    status = fill(&p, given, ellipsis, &slice);
    if (status == TN_OK) {
        *slice_out = slice;
    } else {
        tni_free(ctx, block);
    }
    return status;
}

void tn_slice_clear(tn_context *ctx, tn_slice *slice)
{
    tni_free(ctx, slice->start); /* one block holds all four arrays */
    *slice = (tn_slice){0};
}
