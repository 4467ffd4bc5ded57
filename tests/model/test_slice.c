/* Slices: the notation against hand-made cases, values against naive indexing. */
#include "build.h"

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

typedef struct expected {
    const char *text;
    int64_t start[3], step[3], size[3];
    uint32_t out_rank;
    int64_t out_shape[3];
} expected;

/* Against shape [4, 5, 6]; the numbers are what NumPy gives. */
static const expected cases[] = {
    {"...", {0, 0, 0}, {1, 1, 1}, {4, 5, 6}, 3, {4, 5, 6}},
    {":", {0, 0, 0}, {1, 1, 1}, {4, 5, 6}, 3, {4, 5, 6}},
    {"0:3,:,-1", {0, 0, 5}, {1, 1, 1}, {3, 5, 1}, 2, {3, 5}},
    {"...,0", {0, 0, 0}, {1, 1, 1}, {4, 5, 1}, 2, {4, 5}},
    {"2", {2, 0, 0}, {1, 1, 1}, {1, 5, 6}, 2, {5, 6}},
    {"2,", {2, 0, 0}, {1, 1, 1}, {1, 5, 6}, 2, {5, 6}},
    {"::2", {0, 0, 0}, {2, 1, 1}, {2, 5, 6}, 3, {2, 5, 6}},
    {"::-1", {3, 0, 0}, {-1, 1, 1}, {4, 5, 6}, 3, {4, 5, 6}},
    {" 1 , -2 : , 4 : 0 : -2 ", {1, 3, 4}, {1, 1, -2}, {1, 2, 2}, 2, {2, 2}},
    {"1,...,1", {1, 0, 1}, {1, 1, 1}, {1, 5, 1}, 1, {5}},
    {"1,2,3", {1, 2, 3}, {1, 1, 1}, {1, 1, 1}, 0, {0}},
    {"1,2,3,...", {1, 2, 3}, {1, 1, 1}, {1, 1, 1}, 0, {0}},
    {"-100:100,-1:-3:-1", {0, 4, 0}, {1, -1, 1}, {4, 2, 6}, 3, {4, 2, 6}},
    {"3:1", {3, 0, 0}, {1, 1, 1}, {0, 5, 6}, 3, {0, 5, 6}},
    {"100000000000000000000:", {4, 0, 0}, {1, 1, 1}, {0, 5, 6}, 3, {0, 5, 6}},
    {":-100000000000000000000:-1", {3, 0, 0}, {-1, 1, 1}, {4, 5, 6}, 3, {4, 5, 6}},
    {"::100000000000000000000", {0, 0, 0}, {INT64_MAX, 1, 1}, {1, 5, 6}, 3, {1, 5, 6}},
    {"+1:+2", {1, 0, 0}, {1, 1, 1}, {1, 5, 6}, 3, {1, 5, 6}},
};

static tn_tensor plain(build *b, uint32_t rank, const int64_t *shape)
{
    return build_tensor(b, TN_INT32, rank, shape, 0);
}

static void notation(void **state)
{
    build *b = *state;
    const int64_t shape[3] = {4, 5, 6};
    tn_tensor tensor = plain(b, 3, shape);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const expected *c = &cases[i];
        tn_slice slice = {0};
        assert_int_equal(tn_slice_parse(b->ctx, c->text, &tensor, &slice, NULL), TN_OK);
        assert_int_equal(slice.rank, 3);
        assert_int_equal(slice.out_rank, c->out_rank);
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(slice.start[k], c->start[k]);
            assert_int_equal(slice.step[k], c->step[k]);
            assert_int_equal(slice.size[k], c->size[k]);
        }
        for (size_t k = 0; k < slice.out_rank; k++) {
            assert_int_equal(slice.out_shape[k], c->out_shape[k]);
        }
        tn_slice_clear(b->ctx, &slice);
        assert_null(slice.start);
    }
}

typedef struct refusal {
    const char *text, *message, *hint;
} refusal;

static const refusal refusals[] = {
    {"", "empty item", "[4, 5, 6]"},
    {",", "empty item", "[4, 5, 6]"},
    {"1,,2", "empty item", "[4, 5, 6]"},
    {"1:2:3:4", "character 6", "start:stop:step"},
    {"[0:2]", "character 1", "0:3,...,-1"},
    {"x", "character 1", "[4, 5, 6]"},
    {"None", "character 1", "[4, 5, 6]"},
    {"1.5", "character 2", "[4, 5, 6]"},
    {"....", "character 4", "[4, 5, 6]"},
    {"...,...", "`...` 2 times", "[4, 5, 6]"},
    {"1,2,3,4", "has 4 items", "[4, 5, 6]"},
    {"::0", "step", "[4, 5, 6]"},
    {"4", "index 4 lies outside dimension 0 of shape [4, 5, 6]", "-4 to 3"},
    {":,-6", "index -6 lies outside dimension 1", "-5 to 4"},
    {"9999999999999999999999", "outside dimension 0", "-4 to 3"},
};

static void refused_notation(void **state)
{
    build *b = *state;
    const int64_t shape[3] = {4, 5, 6};
    tn_tensor tensor = plain(b, 3, shape);
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        tn_slice slice = {.rank = 77};
        tn_error err = {0};
        assert_int_equal(tn_slice_parse(b->ctx, refusals[i].text, &tensor, &slice, &err), TN_USAGE);
        assert_int_equal(err.code, TN_E_USAGE);
        assert_non_null(strstr(err.message, refusals[i].message));
        assert_non_null(strstr(err.hint, refusals[i].hint));
        assert_string_equal(err.subject, "a/tensor");
        assert_int_equal(slice.rank, 77);
    }
    tn_slice slice;
    tensor.any_shape = true;
    assert_int_equal(tn_slice_parse(b->ctx, ":", &tensor, &slice, NULL), TN_USAGE);
}

static void scalars_and_empty_dimensions(void **state)
{
    build *b = *state;
    const int64_t shape[2] = {0, 3};
    uint8_t got[4], *bytes = build_noise(b, 4);
    tn_slice slice;
    tn_tensor empty = build_whole(b, 2, shape, build_leaf(b, TN_INT32, 0, NULL, 0));
    tn_reader *reader = build_reader(b, true, 64, 64);
    assert_int_equal(tn_slice_parse(b->ctx, "::-1,1", &empty, &slice, NULL), TN_OK);
    assert_int_equal(slice.out_rank, 1);
    assert_int_equal(slice.out_shape[0], 0);
    assert_int_equal(tn_reader_slice(reader, &empty, &slice, NULL, NULL), TN_OK);
    tn_slice_clear(b->ctx, &slice);
    assert_int_equal(tn_slice_parse(b->ctx, "0", &empty, &slice, NULL), TN_USAGE);

    tn_tensor scalar = build_whole(b, 0, NULL, build_leaf(b, TN_INT32, 1, bytes, 4));
    assert_int_equal(tn_slice_parse(b->ctx, "...", &scalar, &slice, NULL), TN_OK);
    assert_int_equal(slice.out_rank, 0);
    assert_int_equal(tn_reader_slice(reader, &scalar, &slice, got, NULL), TN_OK);
    assert_memory_equal(got, bytes, 4);
    tn_slice_clear(b->ctx, &slice);
    assert_int_equal(tn_slice_parse(b->ctx, "0", &scalar, &slice, NULL), TN_USAGE);
    tn_reader_free(reader);
}

/* Writes one random item of the notation. */
static void random_item(build *b, int64_t size, char *out, size_t room)
{
    int64_t n = size + 2;
    if (build_random(b, 4) == 0) {
        snprintf(out, room, "%d", (int)build_random(b, (uint64_t)size * 2) - (int)size);
        return;
    }
    char part[3][16] = {"", "", ""};
    for (int i = 0; i < 2; i++) {
        if (build_random(b, 2) == 0) {
            snprintf(part[i], sizeof part[i], "%d", (int)build_random(b, (uint64_t)n * 2) - (int)n);
        }
    }
    int step = (int)build_random(b, 7) - 3;
    snprintf(part[2], sizeof part[2], "%d", step == 0 ? 1 : step);
    snprintf(out, room, "%s:%s:%s", part[0], part[1], part[2]);
}

static int64_t copy_naively(const tn_slice *slice, const int64_t *shape, const uint8_t *bytes,
                            uint8_t *out)
{
    int64_t elements = 1;
    for (uint32_t k = 0; k < slice->rank; k++) {
        elements *= slice->size[k];
    }
    for (int64_t e = 0; e < elements; e++) {
        int64_t rest = e, from = 0, stride = 1;
        for (uint32_t k = slice->rank; k-- > 0;) {
            from += (slice->start[k] + rest % slice->size[k] * slice->step[k]) * stride;
            rest /= slice->size[k];
            stride *= shape[k];
        }
        memcpy(out + e * 4, bytes + from * 4, 4);
    }
    return elements;
}

static void random_slices(void **state)
{
    build *b = *state;
    for (int round = 0; round < 25; round++) {
        uint32_t rank = 1 + (uint32_t)build_random(b, 4);
        int64_t shape[4], elements = 1;
        for (uint32_t k = 0; k < rank; k++) {
            shape[k] = 2 + (int64_t)build_random(b, 9);
            elements *= shape[k];
        }
        uint8_t *bytes = build_noise(b, (size_t)elements * 4);
        uint32_t dim = (uint32_t)build_random(b, rank);
        tn_tensor tensor = build_cut(b, TN_FLOAT32, rank, shape, dim, 1, bytes, 4);
        uint8_t *want = build_bytes(b, (size_t)elements * 4);
        uint8_t *got = build_bytes(b, (size_t)elements * 4);
        for (int k = 0; k < 12; k++) {
            char text[256] = "";
            for (uint32_t d = 0; d < rank; d++) {
                size_t len = strlen(text);
                random_item(b, shape[d], text + len, sizeof text - len - 2);
                strcat(text, d + 1 < rank ? "," : "");
            }
            tn_reader *reader =
                build_reader(b, k % 2 == 0, 16 + build_random(b, 6000), 16 + build_random(b, 800));
            tn_slice slice;
            assert_int_equal(tn_slice_parse(b->ctx, text, &tensor, &slice, NULL), TN_OK);
            int64_t n = copy_naively(&slice, shape, bytes, want);
            memset(got, 0xEE, (size_t)elements * 4);
            assert_int_equal(tn_reader_slice(reader, &tensor, &slice, got, NULL), TN_OK);
            assert_memory_equal(got, want, (size_t)n * 4);
            for (int64_t i = n * 4; i < elements * 4; i++) {
                assert_int_equal(got[i], 0xEE);
            }
            tn_slice_clear(b->ctx, &slice);
            tn_reader_free(reader);
        }
    }
}

/* A line that no window holds: it is read in batches, upwards and downwards. */
static void long_lines(void **state)
{
    build *b = *state;
    const int64_t shape[2] = {2, 300};
    uint8_t *bytes = build_noise(b, 2400), *want = build_bytes(b, 2400);
    uint8_t *got = build_bytes(b, 2400);
    tn_tensor tensor = build_cut(b, TN_FLOAT32, 2, shape, 1, 130, bytes, 4);
    for (int step = -40; step <= 40; step++) {
        char text[64];
        snprintf(text, sizeof text, "::-1,%s:%s:%d", step < 0 ? "-3" : "7", step % 2 ? "" : "150",
                 step == 0 ? 1 : step);
        tn_reader *reader = build_reader(b, false, 16 + build_random(b, 3000),
                                         16 + 16 * (size_t)build_random(b, 9));
        tn_slice slice;
        assert_int_equal(tn_slice_parse(b->ctx, text, &tensor, &slice, NULL), TN_OK);
        int64_t n = copy_naively(&slice, shape, bytes, want);
        assert_int_equal(tn_reader_slice(reader, &tensor, &slice, got, NULL), TN_OK);
        assert_memory_equal(got, want, (size_t)n * 4);
        tn_slice_clear(b->ctx, &slice);
        tn_reader_free(reader);
    }
}

/* A slice checks the sums of the leaves that feed it, and of no others. */
static void sums_of_what_is_read(void **state)
{
    build *b = *state;
    const int64_t shape[2] = {8, 4};
    uint8_t got[128], *bytes = build_noise(b, 128);
    tn_tensor tensor = build_cut(b, TN_FLOAT32, 2, shape, 0, 5, bytes, 4);
    ((tni_leaf *)(uintptr_t)tensor.pieces[1].leaf)->sum ^= 4;
    for (size_t budget = 16; budget <= 1024; budget *= 64) {
        tn_reader *reader = build_reader(b, true, budget, 16);
        tn_slice first, last;
        tn_error err = {0};
        assert_int_equal(tn_slice_parse(b->ctx, ":5,1", &tensor, &first, NULL), TN_OK);
        assert_int_equal(tn_slice_parse(b->ctx, "5,1", &tensor, &last, NULL), TN_OK);
        assert_int_equal(tn_reader_slice(reader, &tensor, &first, got, NULL), TN_OK);
        assert_int_equal(tn_reader_slice(reader, &tensor, &last, got, &err), TN_CORRUPT);
        assert_int_equal(err.code, TN_E_CRC);
        reader->check = false;
        assert_int_equal(tn_reader_slice(reader, &tensor, &last, got, NULL), TN_OK);
        assert_memory_equal(got, bytes + 21 * 4, 4);
        tn_slice_clear(b->ctx, &first);
        tn_slice_clear(b->ctx, &last);
        tn_reader_free(reader);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(notation, setup, teardown),
        cmocka_unit_test_setup_teardown(refused_notation, setup, teardown),
        cmocka_unit_test_setup_teardown(scalars_and_empty_dimensions, setup, teardown),
        cmocka_unit_test_setup_teardown(random_slices, setup, teardown),
        cmocka_unit_test_setup_teardown(long_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(sums_of_what_is_read, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
