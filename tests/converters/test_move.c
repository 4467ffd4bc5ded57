/* The copy loop against a naive copy: random runs, any number of threads, failures, cancellation.
 */
#include "converters/conv.h"
#include "converters/move.h"
#include "core/crc32c.h"
#include "support/faults.h"
#include <errno.h>

enum { MOST_RUNS = 400, MOST_SOURCES = 3, MOST_SINKS = 3 };

typedef struct bench {
    conv *c;
    tn_context *ctx; /* with the number of threads of this try */
    uint64_t random;
    char *data[MOST_SOURCES];
    size_t size[MOST_SOURCES];
    tn_source *sources[MOST_SOURCES];
    tni_output *output;
    tn_sink *sinks[MOST_SINKS];
    uint64_t ends[MOST_SINKS];
    tni_run runs[MOST_RUNS];
    size_t n_runs;
} bench;

/* CRC-32C by table, apart from the code under test. */
static uint32_t plain_crc(const char *data, size_t len)
{
    static uint32_t table[256];
    if (table[1] == 0) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t crc = i;
            for (int k = 0; k < 8; k++) {
                crc = (crc & 1u) != 0 ? (crc >> 1) ^ 0x82F63B78u : crc >> 1;
            }
            table[i] = crc;
        }
    }
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < len; i++) {
        crc = table[(crc ^ (uint8_t)data[i]) & 0xFF] ^ crc >> 8;
    }
    return ~crc;
}

static void bench_sources(bench *b, size_t most)
{
    for (size_t i = 0; i < MOST_SOURCES; i++) {
        char name[16];
        b->size[i] = 1 + conv_random(&b->random, most);
        b->data[i] = malloc(b->size[i]);
        for (size_t k = 0; k < b->size[i]; k++) {
            b->data[i][k] = (char)(k * 31 + k / 251 + i);
        }
        snprintf(name, sizeof(name), "in%zu", i);
        conv_store(conv_at(b->c, name), b->data[i], b->size[i]);
    }
}

static void bench_open(bench *b, unsigned threads)
{
    b->ctx = tn_context_new(&(tn_context_options){.threads = threads});
    for (size_t i = 0; i < MOST_SOURCES; i++) {
        char name[16];
        snprintf(name, sizeof(name), "in%zu", i);
        assert_int_equal(tni_source_open(b->ctx, conv_at(b->c, name), &b->sources[i], NULL), TN_OK);
    }
}

static void bench_close(bench *b)
{
    tni_output_free(b->output);
    b->output = NULL;
    for (size_t i = 0; i < MOST_SOURCES; i++) {
        tni_source_release(b->sources[i]);
    }
    tn_context_free(b->ctx);
}

static void bench_forget(bench *b)
{
    for (size_t i = 0; i < MOST_SOURCES; i++) {
        free(b->data[i]);
    }
}

/* Draws a run behind the last one: neighbours in the source often, gaps in the target sometimes. */
static tni_run draw_run(bench *b, size_t sink, uint64_t most)
{
    size_t s = conv_random(&b->random, MOST_SOURCES);
    const tni_run *last = b->n_runs == 0 ? NULL : &b->runs[b->n_runs - 1];
    uint64_t from = conv_random(&b->random, b->size[s] + 1);
    if (last != NULL && conv_random(&b->random, 2) == 0) {
        for (s = 0; b->sources[s] != last->source;) {
            s++;
        }
        from = (last->from + last->bytes) % (b->size[s] + 1);
    }
    uint64_t bytes = conv_random(&b->random, most + 1);
    bytes = bytes > b->size[s] - from ? b->size[s] - from : bytes;
    b->ends[sink] += conv_random(&b->random, 4) == 0 ? conv_random(&b->random, 9000) : 0;
    tni_run run = {.source = b->sources[s], .from = from, .bytes = bytes, .to = b->ends[sink]};
    b->ends[sink] += bytes;
    return run;
}

/* Draws runs to `n_sinks` sinks (0: only sums). */
static void draw_runs(bench *b, size_t count, size_t n_sinks, uint64_t most)
{
    tni_output_options none = {.replace = false};
    tn_error err = {0};
    size_t which[MOST_RUNS];
    b->n_runs = 0;
    memset(b->ends, 0, sizeof(b->ends));
    for (size_t i = 0; i < count; i++) {
        which[i] = n_sinks == 0 ? 0 : i * n_sinks / count;
        b->runs[b->n_runs] = draw_run(b, which[i], most);
        b->n_runs++;
    }
    if (n_sinks == 0) {
        return;
    }
    conv_ok(tni_output_new(b->ctx, b->c->dir.path, TN_LIT("out0"), &none, &b->output, &err), &err);
    for (size_t k = 0; k < n_sinks; k++) {
        char name[16];
        int len = snprintf(name, sizeof(name), "out%zu", k);
        conv_ok(tni_output_create(b->output, (tn_str){name, (size_t)len}, b->ends[k], &b->sinks[k],
                                  &err),
                &err);
    }
    for (size_t i = 0; i < count; i++) {
        b->runs[i].sink = b->sinks[which[i]];
    }
}

static const char *run_data(const bench *b, const tni_run *run)
{
    for (size_t i = 0; i < MOST_SOURCES; i++) {
        if (run->source == b->sources[i]) {
            return b->data[i] + run->from;
        }
    }
    return NULL;
}

/* Compares sums and staged files with what a plain loop makes. */
static void check_runs(const bench *b, size_t n_sinks)
{
    for (size_t i = 0; i < b->n_runs; i++) {
        const tni_run *run = &b->runs[i];
        assert_false(run->failed);
        assert_int_equal(run->crc, plain_crc(run_data(b, run), run->bytes));
    }
    for (size_t k = 0; k < n_sinks; k++) {
        char path[1024];
        snprintf(path, sizeof(path), "%s/out%zu", tni_output_staged(b->output), k);
        conv_bytes found = conv_load(path);
        char *want = calloc(1, b->ends[k] + 1);
        for (size_t i = 0; i < b->n_runs; i++) {
            if (b->runs[i].sink == b->sinks[k]) {
                memcpy(want + b->runs[i].to, run_data(b, &b->runs[i]), b->runs[i].bytes);
            }
        }
        assert_int_equal(found.len, b->ends[k]);
        assert_memory_equal(found.at, want, found.len);
        free(want);
        free(found.at);
    }
}

static tn_status move(bench *b, bool keep_going, tn_error *err)
{
    tni_moving moving = {.phase = "copy", .keep_going = keep_going};
    for (size_t i = 0; i < b->n_runs; i++) {
        moving.total += b->runs[i].bytes;
    }
    return tni_move(b->ctx, b->runs, b->n_runs, &moving, err);
}

typedef struct shape {
    size_t runs, sinks;
    uint64_t most; /* bytes of one run */
} shape;

static void equals_a_naive_copy(void **state)
{
    static const shape shapes[] = {{1, 1, 3000000}, {400, 3, 60},    {400, 1, 9000},
                                   {20, 2, 400000}, {5, 3, 2500000}, {100, 0, 50000},
                                   {0, 1, 0},       {7, 1, 0},       {3, 0, 3000000}};
    bench b = {.c = *state, .random = 77};
    bench_sources(&b, 3 << 20);
    for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
        for (unsigned threads = 1; threads <= 8;
             threads = threads < 3 ? threads + 1 : threads + 5) {
            tn_error err = {0};
            bench_open(&b, threads);
            draw_runs(&b, shapes[s].runs, shapes[s].sinks, shapes[s].most);
            conv_ok(move(&b, false, &err), &err);
            check_runs(&b, shapes[s].sinks);
            bench_close(&b);
        }
    }
    bench_forget(&b);
}

/* Makes runs [first, first + n) of `bytes` each, one behind the other in source 0. */
static void even_runs(bench *b, size_t count, uint64_t bytes)
{
    b->n_runs = count;
    for (size_t i = 0; i < count; i++) {
        b->runs[i] = (tni_run){.source = b->sources[0], .from = i * bytes, .bytes = bytes};
    }
}

/* A run beyond the end of its source: with keep_going it alone fails, else the lowest one is the
 * error whatever the number of threads. */
static void marks_only_what_fails(void **state)
{
    bench b = {.c = *state, .random = 5};
    bench_sources(&b, 1000);
    free(b.data[0]);
    b.size[0] = 100 * 50000;
    b.data[0] = calloc(1, b.size[0]);
    conv_store(conv_at(b.c, "in0"), b.data[0], b.size[0]);
    for (unsigned threads = 1; threads <= 8; threads *= 2) {
        bench_open(&b, threads);
        even_runs(&b, 100, 50000);
        b.runs[30].from = b.size[0] - 10;
        b.runs[71].from = b.size[0] + 1;
        b.runs[99].bytes++;
        conv_ok(move(&b, true, NULL), NULL);
        for (size_t i = 0; i < 100; i++) {
            assert_int_equal(b.runs[i].failed, i == 30 || i == 71 || i == 99);
            if (!b.runs[i].failed) {
                assert_int_equal(b.runs[i].crc, plain_crc(run_data(&b, &b.runs[i]), 50000));
            }
        }
        tn_error err = {0};
        assert_int_equal(move(&b, false, &err), TN_CORRUPT);
        assert_int_equal(err.code, TN_E_TRUNCATED);
        char range[32];
        snprintf(range, sizeof(range), "%zu", b.size[0] - 10);
        assert_true(err.has_offset ? err.offset == b.size[0] - 10
                                   : strstr(err.message, range) != NULL);
        bench_close(&b);
    }
    bench_forget(&b);
}

/* Tiny runs in one window, the disk failing under all of them: each is tried once more alone. */
static void tries_tiny_runs_once_more(void **state)
{
    bench b = {.c = *state, .random = 9};
    bench_sources(&b, 10000);
    b.size[0] = 4000;
    bench_open(&b, 1);
    even_runs(&b, MOST_RUNS, b.size[0] / MOST_RUNS < 1 ? 1 : b.size[0] / MOST_RUNS);
    b.ctx->sys = tn_faults((tn_fault_plan){
        .kind = TN_FAULT_FAIL, .at = 1, .sticky = true, .sys_errno = EIO, .calls = TN_CALL_PREAD});
    conv_ok(move(&b, true, NULL), NULL);
    for (size_t i = 0; i < b.n_runs; i++) {
        assert_true(b.runs[i].failed);
    }
    assert_in_range(tn_faults_calls(), MOST_RUNS, 2 * MOST_RUNS);
    bench_close(&b);
    bench_forget(&b);
}

/* The second window fails at once, the first only after hundreds of reads: the first one counts. */
static void lowest_error_wins(void **state)
{
    enum { TINY = 2000, BAD = MOST_RUNS - 2 };
    bench b = {.c = *state, .random = 5};
    bench_sources(&b, 1000);
    free(b.data[0]);
    b.size[0] = 2 * TINY * MOST_RUNS;
    b.data[0] = calloc(1, b.size[0]);
    conv_store(conv_at(b.c, "in0"), b.data[0], b.size[0]);
    for (int round = 0; round < 40; round++) {
        tn_error err = {0};
        bench_open(&b, 2);
        even_runs(&b, MOST_RUNS, TINY);
        for (size_t i = 0; i < MOST_RUNS; i++) {
            b.runs[i].from *= 2; /* no neighbours: each is read alone */
        }
        b.runs[BAD].from = b.size[0] - 10;
        b.runs[BAD + 1].from = b.size[0];
        b.runs[BAD + 1].bytes = 2 << 20;
        assert_int_equal(move(&b, false, &err), TN_CORRUPT);
        char first[32];
        snprintf(first, sizeof(first), "%zu", b.size[0] - 10);
        assert_true(err.has_offset ? err.offset == b.size[0] - 10
                                   : strstr(err.message, first) != NULL);
        bench_close(&b);
    }
    bench_forget(&b);
}

/* The disk comes back after the first window. */
static bool mend(void *user, const tn_progress *progress)
{
    (void)user;
    (void)progress;
    tn_faults((tn_fault_plan){.kind = TN_FAULT_NONE});
    return true;
}

static void one_bad_window_fails_a_run(void **state)
{
    conv *c = *state;
    tn_context *ctx = tn_context_new(&(tn_context_options){.threads = 1, .progress = mend});
    tn_source *source;
    char *zeros = calloc(1, 4 << 20);
    conv_store(conv_at(c, "zeros"), zeros, 4 << 20);
    assert_int_equal(tni_source_open(ctx, conv_at(c, "zeros"), &source, NULL), TN_OK);
    tni_run run = {.source = source, .bytes = 4 << 20};
    tni_moving moving = {.phase = "verify", .total = run.bytes, .keep_going = true};
    ctx->sys = tn_faults((tn_fault_plan){
        .kind = TN_FAULT_FAIL, .at = 1, .sticky = true, .sys_errno = EIO, .calls = TN_CALL_PREAD});
    assert_int_equal(tni_move(ctx, &run, 1, &moving, NULL), TN_OK);
    assert_true(run.failed);
    assert_int_equal(tni_move(ctx, &run, 1, &moving, NULL), TN_OK);
    assert_false(run.failed);
    tni_source_release(source);
    tn_context_free(ctx);
    free(zeros);
}

static bool stop_at_once(void *user, const tn_progress *progress)
{
    size_t *calls = user;
    assert_string_equal(progress->phase, "copy");
    assert_true(progress->done <= progress->total);
    return ++*calls < 3;
}

static void can_be_cancelled(void **state)
{
    conv *c = *state;
    size_t calls = 0;
    tn_context *ctx = tn_context_new(
        &(tn_context_options){.threads = 1, .progress = stop_at_once, .progress_user = &calls});
    tn_source *source;
    char *zeros = calloc(1, 12 << 20);
    conv_store(conv_at(c, "zeros"), zeros, 12 << 20);
    assert_int_equal(tni_source_open(ctx, conv_at(c, "zeros"), &source, NULL), TN_OK);
    tni_run run = {.source = source, .bytes = 12 << 20};
    tni_moving moving = {.phase = "copy", .total = run.bytes};
    tn_error err = {0};
    tn_status status = tni_move(ctx, &run, 1, &moving, &err);
    assert_int_equal(status, TN_CANCELLED);
    assert_int_equal(calls, 3);
    tn_context_cancel(ctx);
    err = (tn_error){0};
    assert_int_equal(tni_move(ctx, &run, 1, &moving, &err), TN_CANCELLED);
    assert_int_equal(err.code, TN_E_CANCELLED);
    tni_source_release(source);
    tn_context_free(ctx);
    free(zeros);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONV_TEST(equals_a_naive_copy),        CONV_TEST(marks_only_what_fails),
        CONV_TEST(tries_tiny_runs_once_more),  CONV_TEST(lowest_error_wins),
        CONV_TEST(one_bad_window_fails_a_run), CONV_TEST(can_be_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
