/* What the value reader asks of the system for tensors that do not fit its stage. */
#include "build.h"

#include <unistd.h>

#include "io/sys.h"

static int setup(void **state)
{
    static build b;
    build_init(&b);
    *state = &b;
    return 0;
}

static int teardown(void **state)
{
    build_clear(*state);
    return 0;
}

static int n_reads;
static uint64_t n_bytes;

static ssize_t counted_read(int fd, void *buffer, size_t len, off_t offset)
{
    n_reads++;
    n_bytes += len;
    return pread(fd, buffer, len, offset);
}

/* A reader over a leaf of 64000 floats in a file, that counts what it asks of the system. */
typedef struct counted {
    char path[32];
    uint8_t *stored;
    tni_sys sys;
    tni_leaf *leaf;
    tn_reader *reader;
} counted;

static void counted_init(build *b, counted *c, size_t budget)
{
    strcpy(c->path, "/tmp/tenon-reader-XXXXXX");
    c->stored = build_noise(b, 256000);
    int fd = mkstemp(c->path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, c->stored, 256000), 256000);
    close(fd);
    c->sys = *tni_sys_of(b->ctx);
    c->sys.pread = counted_read;
    b->ctx->sys = &c->sys;
    c->leaf = build_leaf(b, TN_FLOAT32, 64000, c->stored, 256000);
    assert_int_equal(tni_source_open(b->ctx, c->path, &b->sources[b->n_sources++], NULL), TN_OK);
    c->leaf->source = b->sources[b->n_sources - 1];
    c->leaf->offset = 0;
    c->reader = build_reader(b, false, budget, 1 << 20);
}

static void counted_clear(build *b, counted *c)
{
    tn_reader_free(c->reader);
    b->ctx->sys = NULL;
    unlink(c->path);
}

static tn_tensor counted_transpose(build *b, counted *c, int64_t rows, int64_t columns)
{
    const int64_t old_shape[2] = {rows, columns}, shape[2] = {columns, rows};
    const uint32_t order[2] = {1, 0};
    tni_map map;
    tn_tensor tensor = build_tensor(b, TN_FLOAT32, 2, shape, 1);
    assert_int_equal(tni_map_transpose(&b->arena, 2, old_shape, order, &map, NULL), TN_OK);
    build_piece(&tensor, 0, map, c->leaf);
    return tensor;
}

static void few_calls_for_a_transpose(void **state)
{
    build *b = *state;
    counted c;
    counted_init(b, &c, 4000);
    tn_tensor tensor = counted_transpose(b, &c, 64, 1000);
    uint8_t *got = build_bytes(b, 256000);
    n_reads = 0;
    assert_int_equal(tn_reader_start(c.reader, &tensor, NULL), TN_OK);
    assert_int_equal(tn_reader_next(c.reader, 64000, got, NULL), TN_OK);
    for (size_t e = 0; e < 64000; e++) {
        assert_memory_equal(got + e * 4, c.stored + (e % 64 * 1000 + e / 64) * 4, 4);
    }
    /* 32 spans of 2000 elements, each from 64 rows. */
    assert_in_range(n_reads, 1, 32 * 64 + 64);
    counted_clear(b, &c);
}

/* A caller that takes little at a time is served from what was computed ahead; one that takes only
 * a little lets it not go far. */
static void few_calls_for_short_chunks(void **state)
{
    build *b = *state;
    counted c;
    counted_init(b, &c, 4000);
    tn_tensor tensor = counted_transpose(b, &c, 64, 1000);
    uint8_t *got = build_bytes(b, 256000);
    n_reads = 0;
    assert_int_equal(tn_reader_start(c.reader, &tensor, NULL), TN_OK);
    for (size_t e = 0; e < 64000; e += 100) {
        assert_int_equal(tn_reader_next(c.reader, 100, got + e * 4, NULL), TN_OK);
    }
    for (size_t e = 0; e < 64000; e++) {
        assert_memory_equal(got + e * 4, c.stored + (e % 64 * 1000 + e / 64) * 4, 4);
    }
    assert_in_range(n_reads, 1, 32 * 64 + 64);
    n_bytes = 0;
    assert_int_equal(tn_reader_start(c.reader, &tensor, NULL), TN_OK);
    assert_int_equal(tn_reader_next(c.reader, 2, got, NULL), TN_OK);
    assert_memory_equal(got, c.stored, 4);
    assert_memory_equal(got + 4, c.stored + 4000, 4);
    assert_in_range(n_bytes, 64 * 4, 64 * 2 * 4);
    counted_clear(b, &c);
}

/* Rows of 1200 bytes: all of them are read rather than a part of each. */
static void few_calls_for_short_rows(void **state)
{
    build *b = *state;
    counted c;
    counted_init(b, &c, 40000);
    tn_tensor tensor = counted_transpose(b, &c, 213, 300);
    uint8_t *got = build_bytes(b, 256000);
    n_reads = 0;
    assert_int_equal(tn_reader_start(c.reader, &tensor, NULL), TN_OK);
    assert_int_equal(tn_reader_next(c.reader, 213 * 300, got, NULL), TN_OK);
    for (size_t e = 0; e < 213 * 300; e++) {
        assert_memory_equal(got + e * 4, c.stored + (e % 213 * 300 + e / 213) * 4, 4);
    }
    /* 4 spans of 80000 bytes, and for each the whole leaf in parts of 40000 bytes. */
    assert_in_range(n_reads, 4 * 6, 4 * 9);
    counted_clear(b, &c);
}

/* Rows of 16000 bytes: for a few elements of a column, what lies between is not worth reading. */
static void few_bytes_for_short_spans(void **state)
{
    build *b = *state;
    counted c;
    counted_init(b, &c, 200000);
    tn_tensor tensor = counted_transpose(b, &c, 16, 4000);
    uint8_t got[32];
    n_bytes = 0;
    assert_int_equal(tni_reader_prepare(c.reader, &tensor, 0, 64000, NULL), TN_OK);
    for (size_t span = 0; span < 20; span++) {
        assert_int_equal(tni_reader_span(c.reader, (int64_t)span * 8, 8, got, NULL), TN_OK);
        assert_memory_equal(got, c.stored + (span % 2 * 8 * 4000 + span / 2) * 4, 4);
    }
    assert_in_range(n_bytes, 640, 640);
    counted_clear(b, &c);
}

static void few_calls_for_every_third_element(void **state)
{
    build *b = *state;
    counted c;
    counted_init(b, &c, 4000);
    const int64_t flat[1] = {64000}, start[1] = {1}, step[1] = {3}, size[1] = {21333};
    tni_map map;
    uint8_t *got = build_bytes(b, 256000);
    tn_tensor thirds = build_tensor(b, TN_FLOAT32, 1, size, 1);
    assert_int_equal(tni_map_slice(&b->arena, 1, flat, start, step, size, &map, NULL), TN_OK);
    build_piece(&thirds, 0, map, c.leaf);
    n_reads = 0;
    assert_int_equal(tn_reader_start(c.reader, &thirds, NULL), TN_OK);
    assert_int_equal(tn_reader_next(c.reader, 21333, got, NULL), TN_OK);
    for (size_t e = 0; e < 21333; e++) {
        assert_memory_equal(got + e * 4, c.stored + (1 + e * 3) * 4, 4);
    }
    assert_in_range(n_reads, 64, 100);
    counted_clear(b, &c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(few_calls_for_a_transpose, setup, teardown),
        cmocka_unit_test_setup_teardown(few_calls_for_short_chunks, setup, teardown),
        cmocka_unit_test_setup_teardown(few_calls_for_short_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(few_bytes_for_short_spans, setup, teardown),
        cmocka_unit_test_setup_teardown(few_calls_for_every_third_element, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
