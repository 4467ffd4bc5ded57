/* The copy loop. The runs, one behind the other, are cut into windows that end at whole pages of
 * the target file; a worker reads a window into its buffer (neighbours in the source in one call),
 * sums each part, and writes neighbours in the target in one call. Sums of parts are combined at
 * the end, so they do not depend on who did what. */
#include "converters/move.h"

#include "converters/work.h"
#include "core/crc32c.h"
#include "core/error.h"

enum { PAGE = 4096 };

/* A piece of one run within one window. */
typedef struct part {
    uint32_t run;
    uint32_t bytes;
    uint64_t skip; /* bytes of the run before it */
    uint32_t crc;
    bool failed;
} part;

typedef struct window {
    size_t first_part, n_parts;
} window;

typedef struct mover {
    tn_context *ctx;
    tni_run *runs;
    const tni_moving *moving;
    part *parts;
    window *windows;
    size_t n_parts, n_windows;
    char *buffers; /* one window a worker */
    atomic_uint_fast64_t done;
} mover;

/* The largest number of parts and windows that the runs can be cut into: each window but the last
 * of a sink holds at least half of its room, and each run adds at most one part more. */
static size_t bound(size_t count, uint64_t bytes)
{
    return 2 * count + (size_t)(bytes / (TNI_WINDOW / 2)) + 2;
}

/* Returns how many bytes of a run, after `skip`, go into a window that has `used` bytes: all that
 * are left, or as many as end at a page of the target. */
static uint64_t bytes_for_window(const tni_run *run, uint64_t skip, uint64_t used)
{
    uint64_t room = TNI_WINDOW - used;
    if (run->bytes - skip <= room) {
        return run->bytes - skip;
    }
    uint64_t over = run->sink != NULL ? (run->to + skip + room) % PAGE : 0;
    return over < room ? room - over : 0;
}

static void close_window(mover *m, size_t *first)
{
    if (m->n_parts > *first) {
        m->windows[m->n_windows++] = (window){*first, m->n_parts - *first};
        *first = m->n_parts;
    }
}

/* Cuts the runs into parts and windows. */
static void cut(mover *m, size_t count)
{
    size_t first = 0;
    uint64_t used = 0;
    for (size_t i = 0; i < count; i++) {
        const tni_run *run = &m->runs[i];
        if (i > 0 && run->sink != m->runs[i - 1].sink) {
            close_window(m, &first);
            used = 0;
        }
        for (uint64_t skip = 0; skip < run->bytes;) {
            uint64_t take = bytes_for_window(run, skip, used);
            if (take > 0) {
                m->parts[m->n_parts++] =
                    (part){.run = (uint32_t)i, .bytes = (uint32_t)take, .skip = skip};
                skip += take;
                used += take;
            }
            if (skip < run->bytes || used == TNI_WINDOW) {
                close_window(m, &first);
                used = 0;
            }
        }
    }
    close_window(m, &first);
}

/* Reads parts one by one; those that cannot be read are marked. */
static void read_singly(mover *m, size_t p, size_t end, char *buffer)
{
    for (; p < end; p++) {
        const tni_run *run = &m->runs[m->parts[p].run];
        m->parts[p].failed = tni_source_read(run->source, run->from + m->parts[p].skip, buffer,
                                             m->parts[p].bytes, NULL) != TN_OK;
        buffer += m->parts[p].bytes;
    }
}

/* Reads parts [p, end) that stand one behind the other in the same source, in one call. Says which
 * is the first part that does not belong to them. */
static tn_status read_neighbours(mover *m, size_t p, size_t end, char *buffer, size_t *next_out,
                                 tn_error *err)
{
    const tni_run *run = &m->runs[m->parts[p].run];
    uint64_t from = run->from + m->parts[p].skip, bytes = m->parts[p].bytes;
    size_t next = p + 1;
    for (; next < end; next++) {
        const tni_run *other = &m->runs[m->parts[next].run];
        if (other->source != run->source || other->from + m->parts[next].skip != from + bytes) {
            break;
        }
        bytes += m->parts[next].bytes;
    }
    *next_out = next;
    if (!m->moving->keep_going) {
        return tni_source_read(run->source, from, buffer, (size_t)bytes, err);
    }
    if (tni_source_read(run->source, from, buffer, (size_t)bytes, NULL) != TN_OK) {
        read_singly(m, p, next, buffer);
    }
    return TN_OK;
}

/* Fills the buffer with a window's bytes. With keep_going a part that cannot be read marks its run.
 */
static tn_status read_window(mover *m, const window *w, char *buffer, tn_error *err)
{
    size_t end = w->first_part + w->n_parts;
    for (size_t p = w->first_part; p < end;) {
        size_t next;
        tn_status status = read_neighbours(m, p, end, buffer, &next, err);
        if (status != TN_OK) {
            return status;
        }
        for (; p < next; p++) {
            m->parts[p].crc = tni_crc32c(0, buffer, m->parts[p].bytes);
            buffer += m->parts[p].bytes;
        }
    }
    return TN_OK;
}

/* Writes a window's bytes, neighbours in one call. */
static tn_status write_window(mover *m, const window *w, const char *buffer, tn_error *err)
{
    tn_sink *sink = m->runs[m->parts[w->first_part].run].sink;
    size_t end = w->first_part + w->n_parts;
    for (size_t p = w->first_part; sink != NULL && p < end;) {
        uint64_t to = m->runs[m->parts[p].run].to + m->parts[p].skip, bytes = 0;
        for (; p < end && m->runs[m->parts[p].run].to + m->parts[p].skip == to + bytes; p++) {
            bytes += m->parts[p].bytes;
        }
        tn_status status = tni_sink_write(sink, to, buffer, (size_t)bytes, err);
        if (status != TN_OK) {
            return status;
        }
        tni_sink_written(sink, to, bytes);
        buffer += bytes;
    }
    return TN_OK;
}

static tn_status move_window(void *state, unsigned worker, size_t index, tn_error *err)
{
    mover *m = state;
    const window *w = &m->windows[index];
    char *buffer = m->buffers + (size_t)worker * TNI_WINDOW;
    tn_status status = read_window(m, w, buffer, err);
    if (status == TN_OK) {
        status = write_window(m, w, buffer, err);
    }
    uint64_t bytes = 0;
    for (size_t p = w->first_part; p < w->first_part + w->n_parts; p++) {
        bytes += m->parts[p].bytes;
    }
    atomic_fetch_add(&m->done, bytes);
    return status;
}

static tn_status report(void *state, tn_error *err)
{
    mover *m = state;
    return tni_progress(m->ctx, m->moving->phase, m->moving->done + atomic_load(&m->done),
                        m->moving->total, err);
}

/* Combines the parts' sums into the runs'. */
static void combine(mover *m, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        m->runs[i].crc = 0;
        m->runs[i].failed = false;
    }
    for (size_t p = 0; p < m->n_parts; p++) {
        tni_run *run = &m->runs[m->parts[p].run];
        run->crc = m->parts[p].skip == 0
                       ? m->parts[p].crc
                       : tni_crc32c_combine(run->crc, m->parts[p].crc, m->parts[p].bytes);
        run->failed = run->failed || m->parts[p].failed;
    }
}

static unsigned workers_for(const tn_context *ctx, uint64_t bytes)
{
    return tni_workers_for(ctx, bytes / TNI_WINDOW + 1);
}

static uint64_t total_bytes(const tni_run *runs, size_t count)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += runs[i].bytes;
    }
    return bytes;
}

/* Returns the first page that begins in a block. The kernel copies between pages nearly twice as
 * fast where both sides begin at one. */
static char *page_start(void *block)
{
    return (char *)block + (PAGE - (uintptr_t)block % PAGE) % PAGE;
}

uint64_t tni_move_memory(const tn_context *ctx, size_t count, uint64_t bytes)
{
    return bound(count, bytes) * (sizeof(part) + sizeof(window)) +
           (uint64_t)workers_for(ctx, bytes) * TNI_WINDOW + PAGE;
}

tn_status tni_move(tn_context *ctx, tni_run *runs, size_t count, const tni_moving *moving,
                   tn_error *err)
{
    uint64_t bytes = total_bytes(runs, count);
    size_t most = bound(count, bytes);
    unsigned n_workers = workers_for(ctx, bytes);
    mover m = {.ctx = ctx, .runs = runs, .moving = moving};
    void *parts = NULL, *windows = NULL, *buffers = NULL;
    tn_status status = tni_check_limit(count, UINT32_MAX, "pieces", err);
    if (status == TN_OK &&
        (status = tni_alloc_array(ctx, most, sizeof(part), &parts, err)) == TN_OK &&
        (status = tni_alloc_array(ctx, most, sizeof(window), &windows, err)) == TN_OK &&
        (status = tni_alloc(ctx, (size_t)n_workers * TNI_WINDOW + PAGE, &buffers, err)) == TN_OK) {
        m.parts = parts;
        m.windows = windows;
        m.buffers = page_start(buffers);
        cut(&m, count);
        const tni_work work = {.count = m.n_windows,
                               .workers = n_workers,
                               .task = move_window,
                               .report = report,
                               .state = &m};
        status = tni_work_run(ctx, &work, err);
    }
    if (status == TN_OK) {
        combine(&m, count);
    }
    tni_free(ctx, buffers);
    tni_free(ctx, windows);
    tni_free(ctx, parts);
    return status;
}
