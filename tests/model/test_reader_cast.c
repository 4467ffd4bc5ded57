/* Leaves whose elements are cast on their way: streamed, staged, tiled, swapped, decoded. */
#include "model/build.h"

enum { ROWS = 13, COLUMNS = 29, COUNT = ROWS * COLUMNS };

static const int64_t shape[2] = {ROWS, COLUMNS};

/* Small integers, which every dtype here holds exactly. */
static int value_of(int i)
{
    return i * 7 % 255 - 127;
}

/* Makes a cast leaf over int16 elements. */
static tni_leaf *make(build *b, tn_dtype to, tn_overflow overflow, bool swapped,
                      tn_cast_stats *stats)
{
    uint8_t stored[2 * COUNT];
    for (int i = 0; i < COUNT; i++) {
        uint16_t bits = (uint16_t)(int16_t)value_of(i);
        stored[2 * i + swapped] = (uint8_t)bits;
        stored[2 * i + !swapped] = (uint8_t)(bits >> 8);
    }
    tni_leaf *leaf = build_leaf(b, TN_INT16, COUNT, stored, sizeof stored);
    tni_leaf_cast *cast = build_bytes(b, sizeof *cast);
    *cast = (tni_leaf_cast){.from = TN_INT16, .overflow = overflow, .stats = stats};
    leaf->dtype = to;
    leaf->cast = cast;
    leaf->encoding = swapped ? TNI_ENCODING_SWAPPED : TNI_ENCODING_RAW;
    return leaf;
}

/* Reads all values in steps and compares them with those of the transposed or straight matrix. */
static void assert_floats(tn_reader *reader, const tn_tensor *tensor, bool transposed, int step)
{
    float got[COUNT];
    assert_int_equal(tn_reader_start(reader, tensor, NULL), TN_OK);
    for (int i = 0; i < COUNT; i += step) {
        int count = COUNT - i < step ? COUNT - i : step;
        assert_int_equal(tn_reader_next(reader, count, &got[i], NULL), TN_OK);
    }
    assert_int_equal(tn_reader_end(reader, NULL), TN_OK);
    for (int i = 0; i < COUNT; i++) {
        int from = transposed ? i % ROWS * COLUMNS + i / ROWS : i;
        assert_true(got[i] == (float)value_of(from));
    }
}

static void through_all_ways_of_reading(void **state)
{
    build *b = *state;
    const uint32_t order[2] = {1, 0};
    for (int swapped = 0; swapped < 2; swapped++) {
        tni_leaf *leaf = make(b, TN_FLOAT32, TN_OVERFLOW_ERROR, swapped, NULL);
        tn_tensor straight = build_whole(b, 2, shape, leaf), turned = straight;
        tni_map map;
        turned.pieces = build_bytes(b, sizeof(tni_piece));
        assert_int_equal(tni_map_transpose(&b->arena, 2, shape, order, &map, NULL), TN_OK);
        build_piece(&turned, 0, map, leaf);
        for (size_t budget = 64; budget <= 4096; budget *= 64) {
            tn_reader *reader = build_reader(b, true, budget, 64);
            assert_floats(reader, &straight, false, 10);
            assert_floats(reader, &turned, true, COUNT);
            assert_floats(reader, &turned, true, 17);
            tn_reader_free(reader);
        }
    }
}

/* A wrong stored sum is found, for it is over the bytes before the cast. */
static void sums_are_of_stored_bytes(void **state)
{
    build *b = *state;
    tni_leaf *leaf = make(b, TN_FLOAT32, TN_OVERFLOW_ERROR, false, NULL);
    tn_tensor tensor = build_whole(b, 2, shape, leaf);
    tn_reader *reader = build_reader(b, true, 4096, 64);
    float got[COUNT];
    leaf->sum ^= 1;
    assert_int_equal(tn_reader_start(reader, &tensor, NULL), TN_OK);
    assert_int_equal(tn_reader_next(reader, COUNT, got, NULL), TN_OK);
    assert_int_equal(tn_reader_end(reader, NULL), TN_CORRUPT);
    tn_reader_free(reader);
}

static void overflow_is_an_error_unless_allowed(void **state)
{
    build *b = *state;
    uint8_t got[COUNT];
    tn_error err = {0};
    tn_cast_stats stats = {0};
    tn_reader *reader = build_reader(b, true, 4096, 2 * COUNT);
    tn_tensor tensor = build_whole(b, 2, shape, make(b, TN_UINT8, TN_OVERFLOW_ERROR, false, NULL));
    assert_int_equal(tn_reader_start(reader, &tensor, NULL), TN_OK);
    assert_int_equal(tn_reader_next(reader, COUNT, got, &err), TN_NO);
    assert_int_equal(err.code, TN_E_OVERFLOW);
    assert_non_null(strstr(err.message, "do not fit uint8"));
    tensor = build_whole(b, 2, shape, make(b, TN_UINT8, TN_OVERFLOW_SATURATE, false, &stats));
    assert_int_equal(tn_reader_start(reader, &tensor, NULL), TN_OK);
    assert_int_equal(tn_reader_next(reader, COUNT, got, NULL), TN_OK);
    uint64_t below = 0;
    for (int i = 0; i < COUNT; i++) {
        int value = value_of(i);
        below += value < 0;
        assert_int_equal(got[i], value < 0 ? 0 : value);
    }
    assert_int_equal(stats.overflows, below);
    tn_reader_free(reader);
}

/* Leaves in memory are cast too, not used where they lie. */
static void memory_leaves(void **state)
{
    build *b = *state;
    const uint32_t order[2] = {1, 0};
    tni_map map;
    tni_leaf *leaf = make(b, TN_FLOAT32, TN_OVERFLOW_ERROR, false, NULL);
    int16_t *values = build_bytes(b, 2 * COUNT);
    for (int i = 0; i < COUNT; i++) {
        values[i] = (int16_t)value_of(i);
    }
    leaf->kind = TNI_LEAF_MEMORY;
    leaf->memory = values;
    leaf->sum_kind = TNI_SUM_NONE;
    tn_tensor tensor = build_whole(b, 2, shape, leaf);
    tn_reader *reader = build_reader(b, true, 4096, 64);
    assert_floats(reader, &tensor, false, 50);
    assert_int_equal(tni_map_transpose(&b->arena, 2, shape, order, &map, NULL), TN_OK);
    build_piece(&tensor, 0, map, leaf);
    assert_floats(reader, &tensor, true, 50);
    tn_reader_free(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BUILD_TEST(through_all_ways_of_reading),
        BUILD_TEST(sums_are_of_stored_bytes),
        BUILD_TEST(overflow_is_an_error_unless_allowed),
        BUILD_TEST(memory_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
