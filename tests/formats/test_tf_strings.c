/* String and variant blocks, in both byte orders, right and wrong. */
#include "formats/tf_checkpoint/strings.h"
#include "tf_file.h"

typedef struct block {
    tn_context *ctx;
    tni_buffer bytes;
    tn_source *source;
    tni_leaf leaf;
} block;

static void put_word(tni_buffer *b, uint64_t value, size_t bytes, bool big)
{
    uint8_t word[8];
    tni_store_u64le(word, value);
    if (big) {
        tni_swap_bytes(word, bytes, bytes);
    }
    tni_buffer_add(b, word, bytes);
}

/* Appends the block of `count` strings; returns its sum, not masked. */
static uint32_t put_strings(tni_buffer *b, const tn_str *strings, size_t count, bool big)
{
    tni_buffer words;
    tni_buffer_init(&words, b->ctx);
    for (size_t i = 0; i < count; i++) {
        put_varint(b, strings[i].len);
        put_word(&words, strings[i].len, 4, big);
    }
    uint32_t crc = tni_crc32c(0, words.data == NULL ? "" : words.data, words.len);
    size_t at = b->len;
    put_word(b, tni_crc32c_mask(crc), 4, big);
    for (size_t i = 0; i < count; i++) {
        tni_buffer_str(b, strings[i]);
    }
    tni_buffer_clear(&words);
    return tni_crc32c(crc, b->data + at, b->len - at);
}

/* Makes a leaf of what stands in the buffer. */
static void start(block *b, tn_dtype dtype, int64_t elements, uint32_t sum, bool big)
{
    assert_int_equal(
        tni_source_memory(b->ctx, b->bytes.data, b->bytes.len, "data", &b->source, NULL), TN_OK);
    b->leaf = (tni_leaf){.dtype = dtype,
                         .elements = elements,
                         .sum = sum,
                         .source = b->source,
                         .bytes = b->bytes.len,
                         .ctx = b->ctx};
    tni_tf_strings_leaf(&b->leaf, big);
}

static void stop(block *b)
{
    tni_source_release(b->source);
    tni_buffer_reset(&b->bytes);
}

static tn_code verified(const block *b)
{
    tn_error err = {0};
    b->leaf.decoder->verify(&b->leaf, &err);
    return err.code;
}

static tn_code decoded(const block *b, uint64_t first, uint64_t count, tn_str *out,
                       tni_arena *arena)
{
    tn_error err = {0};
    b->leaf.decoder->decode(&b->leaf, first, count, out, arena, &err);
    return err.code;
}

/* More bytes than one window of the reader holds. */
static char large[40000];

static const tn_str samples[] = {{"a", 1},
                                 {"", 0},
                                 {"b\0c", 3},
                                 {large, sizeof(large)},
                                 {"end", 3}};
enum { SAMPLES = 5 };

static void every_range(void **state)
{
    block *b = *state;
    memset(large, 'x', sizeof(large));
    for (int big = 0; big < 2; big++) {
        uint32_t sum = put_strings(&b->bytes, samples, SAMPLES, big == 1);
        start(b, TN_STRING, SAMPLES, sum, big == 1);
        assert_int_equal(verified(b), TN_E_NONE);
        for (uint64_t first = 0; first < SAMPLES; first++) {
            for (uint64_t count = 1; first + count <= SAMPLES; count++) {
                tn_str out[SAMPLES];
                tni_arena arena;
                tni_arena_init(&arena, b->ctx, 1 << 20);
                assert_int_equal(decoded(b, first, count, out, &arena), TN_E_NONE);
                for (uint64_t i = 0; i < count; i++) {
                    assert_true(tn_str_equal(out[i], samples[first + i]));
                }
                tni_arena_clear(&arena);
            }
        }
        stop(b);
        /* The other byte order has other sums. */
        put_strings(&b->bytes, samples, SAMPLES, big == 1);
        start(b, TN_STRING, SAMPLES, sum, big == 0);
        assert_int_equal(verified(b), TN_E_CRC);
        stop(b);
    }
}

/* TensorFlow's own: no strings are four bytes, d8 ea 82 a2, with the sum 0x640CC1F6; size 0 is read
 * too, with the sum of nothing. */
static void no_strings(void **state)
{
    block *b = *state;
    put_hex(&b->bytes, "d8ea82a2");
    start(b, TN_STRING, 0, tni_crc32c_unmask(0x640CC1F6), false);
    assert_int_equal(verified(b), TN_E_NONE);
    b->leaf.bytes = 0;
    assert_int_equal(verified(b), TN_E_CRC);
    b->leaf.sum = tni_crc32c_unmask(0xA282EAD8);
    assert_int_equal(verified(b), TN_E_NONE);
    stop(b);
}

static void wrong_strings(void **state)
{
    static const struct {
        const char *why, *bytes;
        int64_t elements;
        tn_code code;
    } cases[] = {
        {"lengths that run out", "8080", 1, TN_E_CORRUPT},
        {"a length of eleven bytes", "ffffffffffffffffffffff01", 1, TN_E_CORRUPT},
        {"a length of 2^64 - 1", "ffffffffffffffffff01 00000000", 1, TN_E_CORRUPT},
        {"lengths that sum beyond the bytes", "0707 00000000 61616161", 2, TN_E_CORRUPT},
        {"no room for the length sum", "00 0000", 1, TN_E_CORRUPT},
        {"a wrong length sum", "01 00000000 61", 1, TN_E_CRC},
    };
    block *b = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tn_str out[2];
        tni_arena arena;
        tni_arena_init(&arena, b->ctx, 1 << 20);
        put_hex(&b->bytes, cases[i].bytes);
        start(b, TN_STRING, cases[i].elements, 0, false);
        tn_code code = verified(b);
        if (code != cases[i].code ||
            decoded(b, 0, (uint64_t)cases[i].elements, out, &arena) != code) {
            fail_msg("%s: %s", cases[i].why, tn_code_name(code));
        }
        stop(b);
        tni_arena_clear(&arena);
    }
    /* One byte more than the strings have. */
    uint32_t sum = put_strings(&b->bytes, samples, 1, false);
    tni_buffer_char(&b->bytes, '!');
    start(b, TN_STRING, 1, sum, false);
    assert_int_equal(verified(b), TN_E_CORRUPT);
    stop(b);
}

static void limit_of_strings(void **state)
{
    block *b = *state;
    tn_str out[SAMPLES];
    tni_arena arena;
    tn_limits limits = tn_limits_default();
    limits.decoded_bytes = sizeof(large) - 1;
    tn_context *small = tn_context_new(&(tn_context_options){.limits = &limits});
    tni_arena_init(&arena, small, 1 << 20);
    uint32_t sum = put_strings(&b->bytes, samples, SAMPLES, false);
    start(b, TN_STRING, SAMPLES, sum, false);
    b->leaf.ctx = small;
    assert_int_equal(decoded(b, 0, SAMPLES, out, &arena), TN_E_LIMIT);
    assert_int_equal(decoded(b, 0, 3, out, &arena), TN_E_NONE);
    assert_int_equal(verified(b), TN_E_NONE);
    stop(b);
    tni_arena_clear(&arena);
    tn_context_free(small);
}

/* Each element's sum runs on over all before it, and over their stored sums. */
static uint32_t put_variants(tni_buffer *b, const tn_str *elements, size_t count, bool big)
{
    uint32_t crc = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t word[8], sum[4];
        tni_store_u64le(word, elements[i].len);
        put_varint(b, elements[i].len);
        tni_buffer_str(b, elements[i]);
        if (big) {
            tni_swap_bytes(word, 8, 8);
        }
        crc = tni_crc32c(crc, word, 8);
        crc = tni_crc32c(crc, elements[i].data, elements[i].len);
        tni_store_u32le(sum, tni_crc32c_mask(crc));
        if (big) {
            tni_swap_bytes(sum, 4, 4);
        }
        tni_buffer_add(b, sum, 4);
        crc = tni_crc32c(crc, sum, 4);
    }
    return crc;
}

static void variants(void **state)
{
    block *b = *state;
    for (int big = 0; big < 2; big++) {
        uint32_t sum = put_variants(&b->bytes, samples, SAMPLES, big == 1);
        start(b, TN_VARIANT, SAMPLES, sum, big == 1);
        assert_int_equal(verified(b), TN_E_NONE);
        assert_int_equal(decoded(b, 0, 1, NULL, NULL), TN_E_UNSUPPORTED);
        b->leaf.sum ^= 1;
        assert_int_equal(verified(b), TN_E_CRC);
        b->leaf.sum ^= 1;
        b->bytes.data[1] ^= 1; /* inside the first element */
        assert_int_equal(verified(b), TN_E_CRC);
        b->bytes.data[1] ^= 1;
        b->leaf.elements--;
        assert_int_equal(verified(b), TN_E_CORRUPT);
        stop(b);
    }
}

static int set_up(void **state)
{
    static block b;
    b.ctx = tn_context_new(NULL);
    tni_buffer_init(&b.bytes, b.ctx);
    *state = &b;
    return b.ctx == NULL;
}

static int tear_down(void **state)
{
    block *b = *state;
    tni_buffer_clear(&b->bytes);
    tn_context_free(b->ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_range),   cmocka_unit_test(no_strings),
        cmocka_unit_test(wrong_strings), cmocka_unit_test(limit_of_strings),
        cmocka_unit_test(variants),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
