/* The value reader: streamed, staged and tiled tensors, every dtype, byte order, sums. */
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

/* Reads a whole tensor in spans of random size and compares. */
static void expect_values(build *b, tn_reader *reader, const tn_tensor *tensor,
                          const uint8_t *expected, size_t unit)
{
    tn_error err = {0};
    uint8_t *got = build_bytes(b, (size_t)tensor->elements * unit);
    memset(got, 0xEE, (size_t)tensor->elements * unit);
    assert_int_equal(tn_reader_start(reader, tensor, &err), TN_OK);
    for (int64_t done = 0; done < tensor->elements;) {
        int64_t count = 1 + (int64_t)build_random(b, 40);
        count = count > tensor->elements - done ? tensor->elements - done : count;
        assert_int_equal(tn_reader_next(reader, count, got + (size_t)done * unit, &err), TN_OK);
        done += count;
    }
    assert_int_equal(tn_reader_end(reader, &err), TN_OK);
    assert_memory_equal(got, expected, (size_t)tensor->elements * unit);
}

static uint8_t value_mask(tn_dtype dtype)
{
    switch ((int)dtype) {
    case TN_INT2:
    case TN_UINT2:
        return 0x03;
    case TN_INT4:
    case TN_UINT4:
        return 0x0F;
    default:
        return 0xFF;
    }
}

static void every_dtype(void **state)
{
    build *b = *state;
    const int64_t shape[2] = {9, 11};
    unsigned seen = 0;
    for (int dtype = 1; dtype < TN_DTYPE_COUNT; dtype++) {
        const tn_dtype_info *about = tn_dtype_about((tn_dtype)dtype);
        if (about->bits == 0 || about->bits % 8 != 0) {
            continue;
        }
        size_t unit = about->bits / 8, len = 99 * unit;
        uint8_t *stored = build_noise(b, len);
        uint8_t *expected = build_bytes(b, len);
        for (size_t i = 0; i < len; i++) {
            expected[i] = stored[i] & value_mask((tn_dtype)dtype);
        }
        tni_leaf *leaf = build_leaf(b, (tn_dtype)dtype, 99, stored, len);
        tn_tensor tensor = build_whole(b, 2, shape, leaf);
        tn_reader *reader = build_reader(b, true, 64, 48);
        expect_values(b, reader, &tensor, expected, unit);
        tn_tensor cut = build_cut(b, (tn_dtype)dtype, 2, shape, 1, 4, stored, unit);
        reader->budget = 1 << 16;
        expect_values(b, reader, &cut, expected, unit);
        tn_reader_free(reader);
        for (size_t i = 0; i < b->n_sources; i++) {
            tni_source_release(b->sources[i]);
        }
        b->n_sources = 0;
        seen++;
    }
    assert_int_equal(seen, 30);
}

static void swapped_words(void **state)
{
    build *b = *state;
    const int64_t shape[1] = {50};
    const tn_dtype dtypes[] = {TN_INT16, TN_FLOAT32, TN_FLOAT64, TN_COMPLEX64, TN_COMPLEX128};
    const size_t words[] = {2, 4, 8, 4, 8};
    for (size_t t = 0; t < 5; t++) {
        size_t unit = tn_dtype_about(dtypes[t])->bits / 8, len = 50 * unit;
        uint8_t *expected = build_noise(b, len);
        uint8_t *stored = build_bytes(b, len);
        for (size_t i = 0; i < len; i++) {
            stored[i] = expected[i / words[t] * words[t] + words[t] - 1 - i % words[t]];
        }
        tni_leaf *leaf = build_leaf(b, dtypes[t], 50, stored, len);
        leaf->encoding = TNI_ENCODING_SWAPPED;
        tn_tensor tensor = build_whole(b, 1, shape, leaf);
        tn_reader *reader = build_reader(b, true, 64, 48);
        expect_values(b, reader, &tensor, expected, unit);
        tn_reader_free(reader);
    }
}

static void partition_by_rows_streams(void **state)
{
    build *b = *state;
    const int64_t shape[2] = {10, 7};
    uint8_t *bytes = build_noise(b, 280);
    tn_tensor tensor = build_cut(b, TN_FLOAT32, 2, shape, 0, 3, bytes, 4);
    tn_reader *reader = build_reader(b, true, 16, 16);
    assert_int_equal(tn_reader_start(reader, &tensor, NULL), TN_OK);
    assert_int_equal(reader->mode, TNI_READ_STREAM);
    expect_values(b, reader, &tensor, bytes, 4);
    assert_null(reader->stage);
    tn_reader_free(reader);
}

/* The second half of the file's pieces comes first in the tensor. */
static void pieces_out_of_order(void **state)
{
    build *b = *state;
    const int64_t shape[2] = {10, 7};
    uint8_t *bytes = build_noise(b, 280);
    tn_tensor tensor = build_cut(b, TN_FLOAT32, 2, shape, 0, 5, bytes, 4);
    tni_piece swapped[2] = {tensor.pieces[1], tensor.pieces[0]};
    tensor.pieces = swapped;
    tn_reader *reader = build_reader(b, true, 64, 16);
    expect_values(b, reader, &tensor, bytes, 4);
    tn_reader_free(reader);
}

static void partition_by_columns(void **state)
{
    build *b = *state;
    const int64_t shape[2] = {10, 7};
    uint8_t *bytes = build_noise(b, 280);
    tn_tensor tensor = build_cut(b, TN_FLOAT32, 2, shape, 1, 3, bytes, 4);
    for (size_t budget = 16; budget <= 1024; budget *= 2) {
        tn_reader *reader = build_reader(b, true, budget, 16);
        assert_int_equal(tn_reader_start(reader, &tensor, NULL), TN_OK);
        assert_int_equal(reader->mode, budget >= 288 ? TNI_READ_STAGED : TNI_READ_TILED);
        expect_values(b, reader, &tensor, bytes, 4);
        assert_true(reader->stage_room <= budget);
        tn_reader_free(reader);
    }
}

/* Makes a transposed tensor and its expected bytes by naive indexing. */
static tn_tensor transposed(build *b, uint32_t rank, const int64_t *old_shape,
                            const uint32_t *order, size_t unit, tn_dtype dtype,
                            uint8_t **expected_out)
{
    int64_t shape[4], stride[4], elements = 1;
    for (uint32_t k = rank; k-- > 0;) {
        stride[k] = elements;
        elements *= old_shape[k];
    }
    for (uint32_t k = 0; k < rank; k++) {
        shape[k] = old_shape[order[k]];
    }
    size_t len = (size_t)elements * unit;
    uint8_t *stored = build_noise(b, len), *expected = build_bytes(b, len);
    for (int64_t e = 0; e < elements; e++) {
        int64_t rest = e, from = 0;
        for (uint32_t k = rank; k-- > 0;) {
            from += rest % shape[k] * stride[order[k]];
            rest /= shape[k];
        }
        memcpy(expected + (size_t)e * unit, stored + (size_t)from * unit, unit);
    }
    tn_tensor tensor = build_tensor(b, dtype, rank, shape, 1);
    tni_map map;
    assert_int_equal(tni_map_transpose(&b->arena, rank, old_shape, order, &map, NULL), TN_OK);
    build_piece(&tensor, 0, map, build_leaf(b, dtype, elements, stored, len));
    *expected_out = expected;
    return tensor;
}

static void transposes_beyond_the_budget(void **state)
{
    build *b = *state;
    for (int round = 0; round < 60; round++) {
        uint32_t rank = 2 + (uint32_t)build_random(b, 3), order[4];
        int64_t old_shape[4];
        for (uint32_t k = 0; k < rank; k++) {
            old_shape[k] = 1 + (int64_t)build_random(b, 13);
            uint32_t at = (uint32_t)build_random(b, k + 1);
            order[k] = order[at];
            order[at] = k;
        }
        uint8_t *expected;
        tn_tensor tensor = transposed(b, rank, old_shape, order, 4, TN_FLOAT32, &expected);
        tn_reader *reader = build_reader(b, round % 2 == 0, 16 + build_random(b, 300), 16);
        expect_values(b, reader, &tensor, expected, 4);
        assert_true(reader->stage_room <= reader->budget);
        tn_reader_free(reader);
    }
}

/* A long run that is not the whole leaf, and every second and third element. */
static void sparse_maps(void **state)
{
    build *b = *state;
    const int64_t old_shape[1] = {3000}, start[1] = {5}, size[1] = {900};
    for (int64_t step = 1; step <= 3; step++) {
        uint8_t *stored = build_noise(b, 3000);
        uint8_t *expected = build_bytes(b, 900);
        for (int64_t i = 0; i < 900; i++) {
            expected[i] = stored[5 + i * step];
        }
        tn_tensor tensor = build_tensor(b, TN_UINT8, 1, size, 1);
        tni_map map;
        assert_int_equal(tni_map_slice(&b->arena, 1, old_shape, start, &step, size, &map, NULL),
                         TN_OK);
        build_piece(&tensor, 0, map, build_leaf(b, TN_UINT8, 3000, stored, 3000));
        tn_reader *reader = build_reader(b, true, 100, 64);
        expect_values(b, reader, &tensor, expected, 1);
        tn_reader_free(reader);
    }
}

static void expect_crc_error(const tn_error *err, const tni_leaf *leaf, uint32_t computed)
{
    char sum[16];
    assert_int_equal(err->status, TN_CORRUPT);
    assert_int_equal(err->code, TN_E_CRC);
    assert_string_equal(err->path, "leaf.bin");
    assert_true(err->has_offset);
    assert_int_equal(err->offset, 7);
    assert_string_equal(err->subject, "a/tensor");
    snprintf(sum, sizeof sum, "0x%08x", leaf->sum);
    assert_non_null(strstr(err->message, sum));
    snprintf(sum, sizeof sum, "0x%08x", computed);
    assert_non_null(strstr(err->message, sum));
    assert_non_null(strstr(err->hint, "tenon verify"));
}

static void wrong_sum_of_a_stream(void **state)
{
    build *b = *state;
    const int64_t shape[1] = {30};
    tn_error err = {0};
    uint8_t got[120], *bytes = build_noise(b, 120);
    tni_leaf *leaf = build_leaf(b, TN_FLOAT32, 30, bytes, 120);
    uint32_t computed = leaf->sum;
    leaf->sum ^= 1;
    tn_tensor tensor = build_whole(b, 1, shape, leaf);
    tn_reader *reader = build_reader(b, true, 64, 16);
    assert_int_equal(tn_reader_start(reader, &tensor, &err), TN_OK);
    assert_int_equal(tn_reader_next(reader, 30, got, &err), TN_OK);
    assert_int_equal(tn_reader_end(reader, &err), TN_CORRUPT);
    expect_crc_error(&err, leaf, computed);
    reader->check = false;
    expect_values(b, reader, &tensor, bytes, 4);
    tn_reader_free(reader);
}

static void wrong_sum_of_a_later_piece(void **state)
{
    build *b = *state;
    const int64_t shape[2] = {10, 3};
    uint8_t got[120], *bytes = build_noise(b, 120);
    tn_tensor rows = build_cut(b, TN_FLOAT32, 2, shape, 0, 4, bytes, 4);
    tn_tensor columns = build_cut(b, TN_FLOAT32, 2, shape, 1, 1, bytes, 4);
    ((tni_leaf *)(uintptr_t)rows.pieces[0].leaf)->sum += 1;
    ((tni_leaf *)(uintptr_t)columns.pieces[1].leaf)->sum += 1;
    tn_reader *reader = build_reader(b, true, 16, 16);
    tn_error err = {0};
    assert_int_equal(tn_reader_start(reader, &rows, &err), TN_OK);
    assert_int_equal(tn_reader_next(reader, 30, got, &err), TN_CORRUPT);
    expect_crc_error(&err, rows.pieces[0].leaf, rows.pieces[0].leaf->sum - 1);
    for (size_t budget = 16; budget <= 1024; budget *= 64) {
        tn_error out_of_order = {0};
        reader->budget = budget;
        assert_int_equal(tn_reader_start(reader, &columns, &out_of_order), TN_CORRUPT);
        expect_crc_error(&out_of_order, columns.pieces[1].leaf, columns.pieces[1].leaf->sum - 1);
    }
    tn_reader_free(reader);
}

static void sum_of_an_empty_leaf(void **state)
{
    build *b = *state;
    const int64_t shape[2] = {0, 5};
    tni_leaf *leaf = build_leaf(b, TN_FLOAT32, 0, NULL, 0);
    assert_int_equal(leaf->sum, 0);
    tn_tensor tensor = build_whole(b, 2, shape, leaf);
    tn_reader *reader = build_reader(b, true, 64, 16);
    expect_values(b, reader, &tensor, NULL, 4);
    leaf->sum = 5;
    assert_int_equal(tn_reader_start(reader, &tensor, NULL), TN_OK);
    assert_int_equal(tn_reader_end(reader, NULL), TN_CORRUPT);
    tn_reader_free(reader);
}

static void what_cannot_be_read(void **state)
{
    build *b = *state;
    const int64_t shape[1] = {30};
    uint8_t *bytes = build_noise(b, 120);
    tn_reader *reader = build_reader(b, true, 64, 16);
    tni_leaf *leaf = build_leaf(b, TN_FLOAT32, 30, bytes, 120);
    tn_tensor tensor = build_whole(b, 1, shape, leaf);

    tn_error absent = {0};
    leaf->kind = TNI_LEAF_ABSENT;
    assert_int_equal(tn_reader_start(reader, &tensor, &absent), TN_UNSUPPORTED);
    assert_string_equal(absent.subject, "a/tensor");
    assert_non_null(strstr(absent.message, "no values"));
    leaf->kind = TNI_LEAF_RANGE;

    tn_error size = {0};
    leaf->bytes = 119;
    assert_int_equal(tn_reader_start(reader, &tensor, &size), TN_CORRUPT);
    leaf->bytes = 120;

    tn_error cut = {0};
    leaf->offset = 8;
    assert_int_equal(tn_reader_start(reader, &tensor, &cut), TN_OK);
    assert_int_equal(tn_reader_next(reader, 30, build_bytes(b, 120), &cut), TN_CORRUPT);
    assert_int_equal(cut.code, TN_E_TRUNCATED);
    assert_string_equal(cut.subject, "a/tensor");
    leaf->offset = 7;

    tn_error early = {0};
    assert_int_equal(tn_reader_start(reader, &tensor, &early), TN_OK);
    assert_int_equal(tn_reader_next(reader, 31, build_bytes(b, 124), NULL), TN_USAGE);
    assert_int_equal(tn_reader_end(reader, &early), TN_USAGE);

    tensor.n_pieces = 0;
    assert_int_equal(tn_reader_start(reader, &tensor, NULL), TN_UNSUPPORTED);
    tn_reader_free(reader);
}

static void packed_elements_stream_only(void **state)
{
    build *b = *state;
    const int64_t shape[2] = {8, 10};
    uint8_t got[40], *bytes = build_noise(b, 40);
    tni_leaf *leaf = build_leaf(b, TN_FLOAT4_E2M1FN, 80, bytes, 40);
    tn_tensor tensor = build_whole(b, 2, shape, leaf);
    tn_reader *reader = build_reader(b, true, 64, 16);
    assert_int_equal(tn_reader_start(reader, &tensor, NULL), TN_OK);
    assert_int_equal(tn_reader_next(reader, 6, got, NULL), TN_OK);
    assert_int_equal(tn_reader_next(reader, 3, got + 3, NULL), TN_UNSUPPORTED);
    assert_int_equal(tn_reader_next(reader, 74, got + 3, NULL), TN_OK);
    assert_int_equal(tn_reader_end(reader, NULL), TN_OK);
    assert_memory_equal(got, bytes, 40);
    const uint32_t order[2] = {1, 0};
    tni_map map;
    assert_int_equal(tni_map_transpose(&b->arena, 2, shape, order, &map, NULL), TN_OK);
    build_piece(&tensor, 0, map, leaf);
    assert_int_equal(tn_reader_start(reader, &tensor, NULL), TN_UNSUPPORTED);
    tn_reader_free(reader);
}

static void memory_leaves(void **state)
{
    build *b = *state;
    const int64_t shape[2] = {6, 5};
    const uint32_t order[2] = {1, 0};
    uint8_t *expected;
    tn_tensor tensor = transposed(b, 2, shape, order, 2, TN_INT16, &expected);
    tni_leaf *leaf = (tni_leaf *)(uintptr_t)tensor.pieces[0].leaf;
    uint8_t *bytes = build_bytes(b, 60);
    assert_int_equal(tni_source_read(leaf->source, 7, bytes, 60, NULL), TN_OK);
    *leaf = (tni_leaf){.kind = TNI_LEAF_MEMORY,
                       .sum_kind = TNI_SUM_CRC32C,
                       .sum = leaf->sum,
                       .dtype = TN_INT16,
                       .elements = 30,
                       .bytes = 60,
                       .memory = bytes};
    tn_reader *reader = build_reader(b, true, 16, 16);
    expect_values(b, reader, &tensor, expected, 2);
    bytes[9] ^= 4;
    assert_int_equal(tn_reader_start(reader, &tensor, NULL), TN_CORRUPT);
    tn_reader_free(reader);
}

/* A decoder whose element i is i·3 (int32) or the text of i; it counts its calls in its state. */
typedef struct calls {
    int decode, verify;
} calls;

static tn_status decode(const tni_leaf *leaf, uint64_t first, uint64_t count, void *out,
                        tni_arena *arena, tn_error *err)
{
    ((calls *)(uintptr_t)leaf->decoder_state)->decode++;
    for (uint64_t i = 0; i < count; i++) {
        if (leaf->dtype == TN_STRING) {
            tn_str *strings = out;
            tn_status status =
                tni_arena_format(arena, &strings[i], err, "s%u", (unsigned)(first + i));
            if (status != TN_OK) {
                return status;
            }
        } else {
            ((int32_t *)out)[i] = (int32_t)(first + i) * 3;
        }
    }
    return TN_OK;
}

static tn_status verify(const tni_leaf *leaf, tn_error *err)
{
    (void)err;
    ((calls *)(uintptr_t)leaf->decoder_state)->verify++;
    return TN_OK;
}

static const tni_decoder decoder = {decode, verify};

static void decoded_numbers(void **state)
{
    build *b = *state;
    const int64_t shape[2] = {9, 4};
    const uint32_t order[2] = {1, 0};
    calls count = {0, 0};
    tni_leaf leaf = {.kind = TNI_LEAF_DECODER,
                     .dtype = TN_INT32,
                     .elements = 36,
                     .decoder = &decoder,
                     .decoder_state = &count,
                     .ctx = b->ctx};
    int32_t straight[36], turned[36];
    for (int32_t i = 0; i < 36; i++) {
        straight[i] = i * 3;
        turned[i] = (i % 9 * 4 + i / 9) * 3;
    }
    tn_reader *reader = build_reader(b, true, 64, 64);
    tn_tensor tensor = build_whole(b, 2, shape, &leaf);
    uint8_t half[72];
    assert_int_equal(tn_reader_start(reader, &tensor, NULL), TN_OK);
    assert_int_equal(tn_reader_next(reader, 18, half, NULL), TN_OK);
    assert_int_equal(count.verify, 1);
    expect_values(b, reader, &tensor, (const uint8_t *)straight, 4);
    tni_map map;
    assert_int_equal(tni_map_transpose(&b->arena, 2, shape, order, &map, NULL), TN_OK);
    build_piece(&tensor, 0, map, &leaf);
    count = (calls){0, 0};
    expect_values(b, reader, &tensor, (const uint8_t *)turned, 4);
    assert_int_equal(count.verify, 1);
    reader->budget = 1024;
    count = (calls){0, 0};
    expect_values(b, reader, &tensor, (const uint8_t *)turned, 4);
    assert_int_equal(count.decode, 1);
    tn_reader_free(reader);
}

static void decoded_strings(void **state)
{
    build *b = *state;
    const int64_t shape[2] = {3, 2};
    const uint32_t order[2] = {1, 0};
    calls count = {0, 0};
    tni_leaf leaf = {.kind = TNI_LEAF_DECODER,
                     .dtype = TN_STRING,
                     .elements = 6,
                     .bytes = 20,
                     .decoder = &decoder,
                     .decoder_state = &count,
                     .ctx = b->ctx};
    const tn_str *strings = NULL;
    tn_reader *reader = build_reader(b, true, 64, 64);
    tn_tensor tensor = build_whole(b, 2, shape, &leaf);
    assert_int_equal(tn_reader_strings(reader, &tensor, &strings, NULL), TN_OK);
    assert_true(tn_str_equal(strings[5], TN_LIT("s5")));
    tni_map map;
    assert_int_equal(tni_map_transpose(&b->arena, 2, shape, order, &map, NULL), TN_OK);
    build_piece(&tensor, 0, map, &leaf);
    assert_int_equal(tn_reader_strings(reader, &tensor, &strings, NULL), TN_OK);
    assert_true(tn_str_equal(strings[1], TN_LIT("s2")));
    assert_true(tn_str_equal(strings[3], TN_LIT("s1")));
    assert_int_equal(tn_reader_start(reader, &tensor, NULL), TN_UNSUPPORTED);
    tn_error err = {0};
    leaf.bytes = UINT64_MAX;
    assert_int_equal(tn_reader_strings(reader, &tensor, &strings, &err), TN_LIMIT);
    assert_non_null(strstr(err.message, "decoded-bytes"));
    tn_reader_free(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_dtype, setup, teardown),
        cmocka_unit_test_setup_teardown(swapped_words, setup, teardown),
        cmocka_unit_test_setup_teardown(partition_by_rows_streams, setup, teardown),
        cmocka_unit_test_setup_teardown(pieces_out_of_order, setup, teardown),
        cmocka_unit_test_setup_teardown(partition_by_columns, setup, teardown),
        cmocka_unit_test_setup_teardown(transposes_beyond_the_budget, setup, teardown),
        cmocka_unit_test_setup_teardown(sparse_maps, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_sum_of_a_stream, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_sum_of_a_later_piece, setup, teardown),
        cmocka_unit_test_setup_teardown(sum_of_an_empty_leaf, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_read, setup, teardown),
        cmocka_unit_test_setup_teardown(packed_elements_stream_only, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_leaves, setup, teardown),
        cmocka_unit_test_setup_teardown(decoded_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(decoded_strings, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
