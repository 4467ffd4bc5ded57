/* Conversion takes constant memory: a quarter of a GiB goes through a few MiB. Not built with
 * sanitizers, whose own memory would be measured. */
#include "converters/conv.h"
#include <sys/resource.h>
#include <unistd.h>

enum { MIB = 1 << 20, BIG = 256 * MIB, MOST_KIB = 64 * 1024 };

static long peak_kib(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

/* A safetensors file of one tensor whose bytes are a hole. */
static void make_sparse(const char *path)
{
    static const char header[] =
        "{\"hole\":{\"dtype\":\"F32\",\"shape\":[67108864],\"data_offsets\":[0,268435456]}}  ";
    uint8_t prefix[8];
    size_t len = sizeof(header) - 1;
    tni_store_u64le(prefix, len);
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(prefix, 1, 8, stream), 8);
    assert_int_equal(fwrite(header, 1, len, stream), len);
    assert_int_equal(fclose(stream), 0);
    assert_int_equal(truncate(path, (off_t)(8 + len + BIG)), 0);
}

static void takes_constant_memory(void **state)
{
    conv *c = *state;
    char in[TN_SCRATCH_PATH];
    tn_context *ctx = tn_context_new(&(tn_context_options){.threads = 4});
    snprintf(in, sizeof(in), "%s", conv_at(c, "in.safetensors"));
    make_sparse(in);
    long before = peak_kib();
    tn_converted converted = conv_must(ctx, in, conv_at(c, "ckpt-1"), NULL);
    long grown = peak_kib() - before;
    assert_int_equal(converted.bytes_verified, BIG);
    print_message("256 MiB converted in %ld KiB more\n", grown);
    assert_true(grown < MOST_KIB);
    tn_context_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {CONV_TEST(takes_constant_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
