/* CRC-32C: RFC 3720's vectors, a bitwise oracle, and every implementation on every alignment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/crc32c.h"

/* The definition, bit by bit. */
static uint32_t bitwise(uint32_t crc, const unsigned char *data, size_t len)
{
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
        }
    }
    return ~crc;
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

enum { ROOM = 1 << 16 };

static unsigned char *random_bytes(void)
{
    unsigned char *data = malloc(ROOM);
    assert_non_null(data);
    uint64_t seed = 88172645463325252u;
    for (size_t i = 0; i < ROOM; i++) {
        data[i] = (unsigned char)next_random(&seed);
    }
    return data;
}

static void check_vectors(tni_crc32c_fn run)
{
    unsigned char data[32];
    memset(data, 0, sizeof data);
    assert_int_equal(run(0, data, 32), 0x8A9136AA);
    memset(data, 0xFF, sizeof data);
    assert_int_equal(run(0, data, 32), 0x62A8AB43);
    for (unsigned i = 0; i < 32; i++) {
        data[i] = (unsigned char)i;
    }
    assert_int_equal(run(0, data, 32), 0x46DD794E);
    assert_int_equal(run(0, "123456789", 9), 0xE3069283);
    assert_int_equal(run(0, NULL, 0), 0);
}

static void test_vectors(void **state)
{
    (void)state;
    const tni_crc32c_impl *impl = tni_crc32c_impls();
    assert_string_equal(impl->name, "portable");
    for (; impl->name != NULL; impl++) {
        check_vectors(impl->run);
    }
    check_vectors(tni_crc32c);
}

static void test_every_short_length(void **state)
{
    (void)state;
    unsigned char *data = random_bytes();
    for (const tni_crc32c_impl *impl = tni_crc32c_impls(); impl->name != NULL; impl++) {
        for (size_t len = 0; len < 1200; len++) {
            for (size_t at = 0; at < 65; at += 13) {
                assert_int_equal(impl->run(7, data + at, len), bitwise(7, data + at, len));
            }
        }
    }
    free(data);
}

static void test_random_lengths(void **state)
{
    (void)state;
    unsigned char *data = random_bytes();
    uint64_t seed = 1234567;
    for (int round = 0; round < 400; round++) {
        size_t at = next_random(&seed) % 4096;
        size_t len = next_random(&seed) % (ROOM - at);
        uint32_t start = (uint32_t)next_random(&seed);
        uint32_t wanted = bitwise(start, data + at, len);
        for (const tni_crc32c_impl *impl = tni_crc32c_impls(); impl->name != NULL; impl++) {
            assert_int_equal(impl->run(start, data + at, len), wanted);
        }
        assert_int_equal(tni_crc32c(start, data + at, len), wanted);
    }
    free(data);
}

static void test_extend_and_combine(void **state)
{
    (void)state;
    unsigned char *data = random_bytes();
    uint64_t seed = 99;
    for (int round = 0; round < 400; round++) {
        size_t len = next_random(&seed) % ROOM;
        size_t cut = len == 0 ? 0 : next_random(&seed) % (len + 1);
        uint32_t whole = tni_crc32c(0, data, len);
        uint32_t a = tni_crc32c(0, data, cut), b = tni_crc32c(0, data + cut, len - cut);
        assert_int_equal(tni_crc32c(a, data + cut, len - cut), whole);
        assert_int_equal(tni_crc32c_combine(a, b, len - cut), whole);
    }
    free(data);
}

/* 2^40 zeros by doubling what 1 MiB of zeros gives. */
static void test_combine_of_huge_lengths(void **state)
{
    (void)state;
    unsigned char *zeros = calloc(1, 1 << 20);
    assert_non_null(zeros);
    uint32_t sum = tni_crc32c(0, zeros, 1 << 20);
    uint64_t len = 1 << 20;
    for (; len < UINT64_C(1) << 40; len *= 2) {
        sum = tni_crc32c_combine(sum, sum, len);
    }
    uint32_t thirds = 0;
    uint64_t third = len / 3;
    uint32_t part = 0;
    for (uint64_t bit = UINT64_C(1) << 40, at = 0; bit > 0; bit >>= 1) {
        part = tni_crc32c_combine(part, part, at);
        at *= 2;
        if (third & bit) {
            part = tni_crc32c(part, zeros, 1);
            at++;
        }
    }
    thirds = tni_crc32c_combine(tni_crc32c_combine(part, part, third), part, third);
    thirds = tni_crc32c(thirds, zeros, (size_t)(len - 3 * third));
    assert_int_equal(thirds, sum);
    free(zeros);
}

static void test_copy(void **state)
{
    (void)state;
    unsigned char *data = random_bytes();
    unsigned char *copy = calloc(1, ROOM * 4);
    unsigned char *large = malloc(ROOM * 4);
    assert_non_null(copy);
    assert_non_null(large);
    for (size_t i = 0; i < 4; i++) {
        memcpy(large + i * ROOM, data, ROOM);
    }
    size_t len = ROOM * 4 - 13;
    assert_int_equal(tni_crc32c_copy(5, copy, large, len), bitwise(5, large, len));
    assert_memory_equal(copy, large, len);
    assert_int_equal(copy[len], 0);
    free(data);
    free(copy);
    free(large);
}

static void test_mask(void **state)
{
    (void)state;
    uint32_t crc = tni_crc32c(0, "foo", 3);
    /* tsl/lib/hash/crc32c_test.cc demands these inequalities and inverses. */
    assert_int_not_equal(crc, tni_crc32c_mask(crc));
    assert_int_not_equal(crc, tni_crc32c_mask(tni_crc32c_mask(crc)));
    assert_int_equal(tni_crc32c_unmask(tni_crc32c_mask(crc)), crc);
    /* By hand from the definition in tsl/lib/hash/crc32c.h. */
    assert_int_equal(tni_crc32c_mask(0), 0xA282EAD8);
    assert_int_equal(tni_crc32c_mask(0xE3069283), 0xC78AB0E5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_every_short_length),
        cmocka_unit_test(test_random_lengths),
        cmocka_unit_test(test_extend_and_combine),
        cmocka_unit_test(test_combine_of_huge_lengths),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
