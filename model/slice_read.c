/* Reading of slices: windows of the tensor that fit the reader's chunk, and picking from them. */
#include "core/checked.h"
#include "core/error.h"
#include "model/reader.h"

/* A slice as loops over the flat tensor: element = base + Σ index·stride. */
typedef struct loops {
    uint32_t rank;
    int64_t base;
    const int64_t *size;
    int64_t *stride; /* signed */
    int64_t *index;
    uint32_t window; /* loops from here on lie in one window */
    int64_t batch;   /* indexes of the last loop that one window takes */
} loops;

/* Computes how far the loops from `from` on reach below and above where they stand. */
static void reach(const loops *l, uint32_t from, int64_t *below_out, int64_t *above_out)
{
    int64_t below = 0, above = 0;
    for (uint32_t k = from; k < l->rank; k++) {
        int64_t way = (l->size[k] - 1) * l->stride[k];
        below -= way < 0 ? way : 0;
        above += way > 0 ? way : 0;
    }
    *below_out = below;
    *above_out = above;
}

/* Chooses the outermost loop whose whole reach fits `room` elements; where not even the last one
 * does, how much of it. */
static void choose_window(loops *l, int64_t room)
{
    int64_t below, above;
    l->window = 0;
    l->batch = INT64_MAX;
    for (;; l->window++) {
        reach(l, l->window, &below, &above);
        if (below + above < room) {
            return;
        }
        if (l->window + 1 == l->rank) {
            break;
        }
    }
    int64_t stride = l->stride[l->window] < 0 ? -l->stride[l->window] : l->stride[l->window];
    l->batch = (room - 1) / stride + 1;
}

static tn_status loops_make(tn_reader *reader, const tn_tensor *tensor, const tn_slice *slice,
                            loops *loops_out, tn_error *err)
{
    void *block;
    tn_status status = tni_alloc_array(reader->ctx, tensor->rank, 2 * sizeof(int64_t), &block, err);
    if (status != TN_OK) {
        return status;
    }
    loops l = {.rank = tensor->rank, .size = slice->size, .stride = block};
    l.index = l.stride + tensor->rank;
    int64_t step = 1;
    for (uint32_t k = tensor->rank; k-- > 0;) {
        l.base += slice->start[k] * step;
        /* A step beyond the dimension is taken at most zero times; it must not overflow. */
        l.stride[k] = slice->size[k] > 1 ? slice->step[k] * step : 0;
        step *= tensor->shape[k];
    }
    *loops_out = l;
    return TN_OK;
}

/* Steps to the next window; false after the last. */
static bool advance(loops *l, uint32_t loops_outside)
{
    for (uint32_t k = loops_outside; k-- > 0;) {
        if (++l->index[k] < l->size[k]) {
            return true;
        }
        l->index[k] = 0;
    }
    return false;
}

/* Returns the flat element at which the loops outside the window stand. */
static int64_t standing(const loops *l, uint32_t loops_outside)
{
    int64_t at = l->base;
    for (uint32_t k = 0; k < loops_outside; k++) {
        at += l->index[k] * l->stride[k];
    }
    return at;
}

/* Copies the elements of one window, in which `at` is the element where its loops start. */
static char *pick(const loops *l, const char *at, size_t unit, char *out)
{
    for (uint32_t k = l->window; k < l->rank; k++) {
        l->index[k] = 0;
    }
    if (l->window == l->rank) {
        memcpy(out, at, unit);
        return out + unit;
    }
    uint32_t last = l->rank - 1;
    for (;;) {
        const char *from = at;
        for (uint32_t k = l->window; k < last; k++) {
            from += l->index[k] * l->stride[k] * (int64_t)unit;
        }
        int64_t stride = l->stride[last] * (int64_t)unit;
        for (int64_t i = 0; i < l->size[last]; i++, out += unit) {
            memcpy(out, from + i * stride, unit);
        }
        uint32_t k = last;
        while (k > l->window && ++l->index[k - 1] == l->size[k - 1]) {
            l->index[--k] = 0;
        }
        if (k == l->window) {
            return out;
        }
    }
}

/* Reads all windows, each of which holds the loops from l->window on as a whole. */
static tn_status read_windows(tn_reader *reader, loops *l, void *out, tn_error *err)
{
    int64_t below, above;
    char *to = out;
    reach(l, l->window, &below, &above);
    do {
        int64_t at = standing(l, l->window);
        tn_status status =
            tni_reader_span(reader, at - below, below + above + 1, reader->chunk, err);
        if (status != TN_OK) {
            return status;
        }
        to = pick(l, (const char *)reader->chunk + (size_t)below * reader->unit, reader->unit, to);
    } while (advance(l, l->window));
    return TN_OK;
}

/* Reads the last loop in several windows, because it reaches further than one. */
static tn_status read_batches(tn_reader *reader, loops *l, void *out, tn_error *err)
{
    uint32_t last = l->rank - 1;
    int64_t stride = l->stride[last];
    size_t unit = reader->unit;
    char *to = out;
    do {
        int64_t line = standing(l, last);
        for (int64_t i = 0; i < l->size[last]; i += l->batch) {
            int64_t n = l->size[last] - i < l->batch ? l->size[last] - i : l->batch;
            int64_t at = line + i * stride;
            int64_t below = stride < 0 ? (n - 1) * -stride : 0;
            int64_t count = (n - 1) * (stride < 0 ? -stride : stride) + 1;
            tn_status status = tni_reader_span(reader, at - below, count, reader->chunk, err);
            if (status != TN_OK) {
                return status;
            }
            const char *from = (const char *)reader->chunk + (size_t)below * unit;
            for (int64_t k = 0; k < n; k++, to += unit) {
                memcpy(to, from + k * stride * (int64_t)unit, unit);
            }
        }
    } while (advance(l, last));
    return TN_OK;
}

/* Reads a slice that is not empty. */
static tn_status read_slice(tn_reader *reader, const tn_tensor *tensor, const tn_slice *slice,
                            void *out, tn_error *err)
{
    loops l;
    tn_status status = loops_make(reader, tensor, slice, &l, err);
    if (status != TN_OK) {
        return status;
    }
    int64_t below, above;
    reach(&l, 0, &below, &above);
    status = tni_reader_prepare(reader, tensor, l.base - below, below + above + 1, err);
    if (status == TN_OK) {
        status = tni_reader_chunk(reader, err);
    }
    if (status == TN_OK) {
        choose_window(&l, (int64_t)(reader->slab / reader->unit));
        status = l.batch == INT64_MAX ? read_windows(reader, &l, out, err)
                                      : read_batches(reader, &l, out, err);
    }
    tni_free(reader->ctx, l.stride);
    return status;
}

tn_status tn_reader_slice(tn_reader *reader, const tn_tensor *tensor, const tn_slice *slice,
                          void *out, tn_error *err)
{
    int64_t elements;
    tn_status status = tni_reader_accepts(tensor, err);
    if (status == TN_OK && tni_shape_elements(slice->size, slice->rank, &elements) &&
        elements > 0) {
        status = read_slice(reader, tensor, slice, out, err);
    }
    reader->mode = TNI_READ_IDLE;
    if (status != TN_OK) {
        tni_error_subject(err, tensor->alias[TN_SCHEME_NAME]);
    }
    return status;
}
