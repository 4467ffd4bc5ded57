/* Measures the loops that compute, in memory: casts and transposed reads, in turn with memcpy.
 *
 *     kernels [ROUNDS [MIB]]
 *
 * Prints one line a loop and round: its name, the bytes read and written, and seconds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tenon/cast.h>

#include "converters/ops/op.h"
#include "core/context.h"
#include "model/model.h"
#include "model/reader.h"

typedef struct bench {
    tn_context *ctx;
    tni_arena arena;
    char *in, *out;
    size_t bytes; /* of each */
    tn_reader *reader;
} bench;

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void fail(const char *what, const tn_error *err)
{
    fprintf(stderr, "kernels: %s: %s\n", what, err == NULL ? "" : err->message);
    exit(1);
}

static void say(const char *name, size_t moved, double begin)
{
    printf("%s %zu %.9f\n", name, moved, seconds() - begin);
}

static void run_copy(const bench *b)
{
    double begin = seconds();
    memcpy(b->out, b->in, b->bytes);
    say("memcpy", 2 * b->bytes, begin);
}

static void run_cast(const bench *b, const char *name, tn_dtype from, tn_dtype to)
{
    size_t in = tn_dtype_about(from)->bits / 8, out = tn_dtype_about(to)->bits / 8;
    size_t count = b->bytes / (in > out ? in : out);
    tn_cast_stats stats = {0};
    double begin = seconds();
    tn_cast(from, to, TN_OVERFLOW_ERROR, b->in, b->out, count, &stats);
    say(name, count * (in + out), begin);
}

/* Reads a float32 tensor whose axes are in another order. */
static void run_transpose(bench *b, const char *letters, uint32_t rank, const int64_t *shape)
{
    tn_error err = {0};
    tni_axes axes;
    size_t at, n_out = 0;
    tni_dim dim;
    int64_t elements = 1;
    for (uint32_t i = 0; i < rank; i++) {
        elements *= shape[i];
    }
    tni_leaf leaf = {.kind = TNI_LEAF_MEMORY,
                     .dtype = TN_FLOAT32,
                     .elements = elements,
                     .bytes = (uint64_t)elements * 4,
                     .memory = b->in};
    tni_piece piece = {.leaf = &leaf};
    tni_map_whole(elements, &dim, &piece.map);
    tni_value in = {TN_FLOAT32, rank, shape, elements, .pieces = &piece, .n_pieces = 1};
    tni_value *out = NULL;
    tni_op op = {.kind = TNI_OP_TRANSPOSE, .axes = &axes};
    if (tni_axes_letters(&b->arena, tn_str_of(letters), &axes, &at, &err) != TN_OK ||
        tni_op_apply(&b->arena, &op, &in, 1, 1000, &out, &n_out, &err) != TN_OK) {
        fail(letters, &err);
    }
    tn_tensor tensor = {.alias = {TN_LIT("x")},
                        .dtype = TN_FLOAT32,
                        .rank = rank,
                        .shape = out->shape,
                        .elements = elements,
                        .pieces = out->pieces,
                        .n_pieces = out->n_pieces,
                        .slot_of = TN_NO_INDEX};
    enum { SPAN = 1 << 18 };
    const void *data;
    double begin = seconds();
    tn_status status = tn_reader_start(b->reader, &tensor, &err);
    for (int64_t first = 0; status == TN_OK && first < elements; first += SPAN) {
        int64_t count = elements - first < SPAN ? elements - first : SPAN;
        status = tni_reader_take(b->reader, count, b->out, &data, &err); /* as conversions do */
    }
    if (status != TN_OK) {
        fail(letters, &err);
    }
    say(letters, 8 * (size_t)elements, begin);
}

static void run_all(bench *b)
{
    int64_t side = 1;
    while (side * side * 16 <= (int64_t)b->bytes) { /* half of the bytes, in a square or less */
        side *= 2;
    }
    run_copy(b);
    run_cast(b, "float32-bfloat16", TN_FLOAT32, TN_BFLOAT16);
    run_cast(b, "bfloat16-float32", TN_BFLOAT16, TN_FLOAT32);
    run_cast(b, "float32-float16", TN_FLOAT32, TN_FLOAT16);
    run_cast(b, "float16-float32", TN_FLOAT16, TN_FLOAT32);
    run_cast(b, "float64-float32", TN_FLOAT64, TN_FLOAT32);
    run_cast(b, "float32-float64", TN_FLOAT32, TN_FLOAT64);
    run_transpose(b, "io->oi", 2, (const int64_t[]){side, side / 2});
    run_transpose(b, "hwio->oihw", 4, (const int64_t[]){3, 3, side / 4, side / 4});
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 5, mib = argc > 2 ? atoi(argv[2]) : 128;
    bench b = {.ctx = tn_context_new(NULL), .bytes = (size_t)mib << 20};
    b.in = malloc(b.bytes);
    b.out = malloc(b.bytes);
    if (b.ctx == NULL || b.in == NULL || b.out == NULL ||
        tn_reader_new(b.ctx, false, &b.reader, NULL) != TN_OK) {
        fail("no memory", NULL);
    }
    /* Values of every dtype here: halves of about 1. */
    for (size_t i = 0; i < b.bytes; i++) {
        b.in[i] = (char)(i % 2 == 0 ? i * 37 : 0x3C);
    }
    memset(b.out, 1, b.bytes);
    for (int round = 0; round < rounds + 1; round++) { /* the first warms up, and is left out */
        tni_arena_init(&b.arena, b.ctx, 1U << 30);
        if (round == 1) {
            puts("measured");
        }
        run_all(&b);
        tni_arena_clear(&b.arena);
    }
    tn_reader_free(b.reader);
    free(b.in);
    free(b.out);
    tn_context_free(b.ctx);
    return 0;
}
