/* What the tests of conversion share: small models built by hand, files, one call to convert. */
#ifndef TN_TESTS_CONVERTERS_CONV_H
#define TN_TESTS_CONVERTERS_CONV_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/context.h"
#include "core/cursor.h"
#include "support/scratch.h"
#include <tenon/tenon.h>

typedef struct conv {
    tn_context *ctx;
    tn_scratch dir;
} conv;

static inline void conv_start(conv *c)
{
    c->ctx = tn_context_new(NULL);
    assert_non_null(c->ctx);
    tn_scratch_make(&c->dir);
}

static inline void conv_end(conv *c)
{
    tn_scratch_remove(&c->dir);
    tn_context_free(c->ctx);
}

static inline const char *conv_at(const conv *c, const char *name)
{
    return tn_scratch_at(&c->dir, name);
}

/* Fails with all that an error says. */
static inline void conv_ok(tn_status status, const tn_error *err)
{
    if (status != TN_OK) {
        fail_msg("%s: %s: %s (%s; hint: %s)", tn_code_name(err->code), err->path, err->message,
                 err->subject, err->hint);
    }
}

/* A file in memory of malloc. */
typedef struct conv_bytes {
    char *at;
    size_t len;
} conv_bytes;

static inline conv_bytes conv_load(const char *path)
{
    conv_bytes file = {NULL, 0};
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        fail_msg("%s cannot be opened", path);
    }
    fseek(stream, 0, SEEK_END);
    file.len = (size_t)ftell(stream);
    rewind(stream);
    file.at = malloc(file.len + 1);
    assert_non_null(file.at);
    assert_int_equal(fread(file.at, 1, file.len, stream), file.len);
    fclose(stream);
    return file;
}

static inline void conv_store(const char *path, const void *data, size_t len)
{
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(data, 1, len, stream), len);
    assert_int_equal(fclose(stream), 0);
}

static inline void conv_copy(const char *from, const char *to)
{
    conv_bytes file = conv_load(from);
    conv_store(to, file.at, file.len);
    free(file.at);
}

static inline bool conv_same(const char *a, const char *b)
{
    conv_bytes x = conv_load(a), y = conv_load(b);
    bool same = x.len == y.len && memcmp(x.at, y.at, x.len) == 0;
    free(x.at);
    free(y.at);
    return same;
}

/* One tensor of a safetensors file: the header's spelling of name, dtype and shape. */
typedef struct conv_tensor {
    const char *name, *dtype, *shape;
    const void *data;
    size_t bytes;
} conv_tensor;

/* Writes a safetensors file with the tensors one behind the other. */
static inline const char *conv_safetensors(const conv *c, const char *name,
                                           const conv_tensor *tensors, size_t count)
{
    static char header[1 << 16];
    size_t len = 0, at = 0;
    uint8_t prefix[8];
    header[len++] = '{';
    for (size_t i = 0; i < count; i++) {
        len += (size_t)snprintf(header + len, sizeof(header) - len,
                                "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],"
                                "\"data_offsets\":[%zu,%zu]}",
                                i == 0 ? "" : ",", tensors[i].name, tensors[i].dtype,
                                tensors[i].shape, at, at + tensors[i].bytes);
        assert_true(len < sizeof(header));
        at += tensors[i].bytes;
    }
    header[len++] = '}';
    while (len % 8 != 0) {
        header[len++] = ' ';
    }
    tni_store_u64le(prefix, len);
    const char *path = conv_at(c, name);
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(prefix, 1, 8, stream), 8);
    assert_int_equal(fwrite(header, 1, len, stream), len);
    for (size_t i = 0; i < count; i++) {
        if (tensors[i].bytes > 0) {
            assert_int_equal(fwrite(tensors[i].data, 1, tensors[i].bytes, stream),
                             tensors[i].bytes);
        }
    }
    assert_int_equal(fclose(stream), 0);
    return path;
}

static inline tn_model *conv_open(tn_context *ctx, const char *path)
{
    tn_model *model = NULL;
    tn_error err = {0};
    conv_ok(tn_open(ctx, path, NULL, &model, &err), &err);
    return model;
}

/* Plans and converts. */
static inline tn_status conv_run(tn_context *ctx, const char *in, const char *out,
                                 const tn_convert_options *options, tn_converted *converted_out,
                                 tn_error *err)
{
    static const tn_convert_options none;
    tn_model *model;
    tn_plan *plan = NULL;
    tn_converted converted;
    tn_status status = tn_open(ctx, in, NULL, &model, err);
    if (status != TN_OK) {
        return status;
    }
    status = tn_plan_new(ctx, model, out, options == NULL ? &none : options, &plan, err);
    if (status == TN_OK) {
        status = tn_convert(plan, &converted, err);
    }
    if (status == TN_OK && converted_out != NULL) {
        *converted_out = converted;
    }
    tn_plan_free(plan);
    tn_model_free(model);
    return status;
}

/* Converts, which must succeed. */
static inline tn_converted conv_must(tn_context *ctx, const char *in, const char *out,
                                     const tn_convert_options *options)
{
    tn_error err = {0};
    tn_converted converted = {0};
    conv_ok(conv_run(ctx, in, out, options, &converted, &err), &err);
    return converted;
}

/* Compares two models, which must be readable. */
static inline tn_differences conv_diff(tn_context *ctx, const char *a, const char *b,
                                       const tn_diff_options *options)
{
    static const tn_diff_options none;
    tn_error err = {0};
    tn_model *x = conv_open(ctx, a), *y = conv_open(ctx, b);
    tn_report *report = tn_report_new(ctx);
    tn_differences d = {0};
    conv_ok(tn_diff(x, y, options == NULL ? &none : options, report, &d, &err), &err);
    tn_report_free(report);
    tn_model_free(x);
    tn_model_free(y);
    return d;
}

/* A seeded generator (xorshift), so that failures can be repeated. */
static inline uint64_t conv_random(uint64_t *state, uint64_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return below == 0 ? 0 : (*state >> 11) % below;
}

/* Makes temporary folders in memory, where there is such a place, for tests that sync thousands of
 * small files. */
static inline void conv_in_memory(void)
{
    if (access("/dev/shm", W_OK | X_OK) == 0) {
        setenv("TMPDIR", "/dev/shm", 0);
    }
}

/* A cmocka test with its own context and folder. */
static inline int conv_setup(void **state)
{
    conv *c = malloc(sizeof(*c));
    assert_non_null(c);
    conv_start(c);
    *state = c;
    return 0;
}

static inline int conv_teardown(void **state)
{
    conv_end(*state);
    free(*state);
    return 0;
}

#define CONV_TEST(function) cmocka_unit_test_setup_teardown(function, conv_setup, conv_teardown)

#endif
