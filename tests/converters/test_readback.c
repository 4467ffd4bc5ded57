/* Writers that lie: whatever they get wrong after laying out is found before anything appears. */
#include "converters/conv.h"
#include "converters/plan.h"

/* What a writer does wrong. */
typedef enum lie {
    LIE_NONE,
    LIE_FLIP,    /* turns a bit of a tensor after it was summed */
    LIE_SWAP,    /* stores two tensors in each other's place */
    LIE_SHAPE,   /* says another shape in the header */
    LIE_DTYPE,   /* says another dtype of the same size */
    LIE_RENAME,  /* says another name */
    LIE_GARBAGE, /* leaves a header that is none */
    LIE_COUNT
} lie;

/* What the lying writer does; a writer's functions take no word of the test, so it lies here. */
static lie telling;

static void replace(char *text, size_t len, const char *from, const char *to)
{
    size_t n = strlen(from);
    for (size_t i = 0; i + n <= len; i++) {
        if (memcmp(text + i, from, n) == 0) {
            memcpy(text + i, to, n);
            return;
        }
    }
    fail_msg("'%s' is not in the header", from);
}

/* The header as the true writer made it, spoiled. Tensors: "a" f32 [2, 3], "b" f32 [2, 3]. */
static tn_status spoil_header(tni_write *write, tn_error *err)
{
    size_t len = (size_t)(write->items[0].offset - 8);
    char *header = malloc(len + 1);
    int n = snprintf(header, len + 1,
                     "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
                     "\"b\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[24,48]}}");
    assert_true(n > 0 && (size_t)n <= len);
    memset(header + n, ' ', len - (size_t)n);
    switch (telling) {
    case LIE_SWAP:
        replace(header, len, "\"a\"", "\"c\"");
        replace(header, len, "\"b\"", "\"a\"");
        replace(header, len, "\"c\"", "\"b\"");
        break;
    case LIE_SHAPE:
        replace(header, len, "[2,3]", "[3,2]");
        break;
    case LIE_DTYPE:
        replace(header, len, "F32", "I32");
        break;
    case LIE_RENAME:
        replace(header, len, "\"b\"", "\"x\"");
        break;
    case LIE_GARBAGE:
        header[0] = '[';
        break;
    case LIE_NONE:
    case LIE_FLIP:
    case LIE_COUNT:
        break;
    }
    tn_status status = tni_sink_write(write->files[0].sink, 8, header, len, err);
    free(header);
    return status;
}

static tn_status lying_finish(tni_write *write, tn_error *err)
{
    tn_status status = TN_OK;
    if (telling == LIE_FLIP) {
        status = tni_sink_write(write->files[0].sink, write->items[1].offset + 5, "\x40", 1, err);
    } else if (telling != LIE_NONE) {
        status = spoil_header(write, err);
    }
    return status;
}

static tn_status run(conv *c, const char *in, const char *out, tn_error *err)
{
    tn_convert_options options = {.replace = false};
    tn_model *model = conv_open(c->ctx, in);
    tn_plan *plan;
    tn_converted converted;
    conv_ok(tn_plan_new(c->ctx, model, out, &options, &plan, err), err);
    tni_writer_ops writer = *plan->target.format->writer;
    tn_format format = *plan->target.format;
    writer.finish = lying_finish;
    format.writer = &writer;
    plan->target.format = &format;
    tn_status status = tn_convert(plan, &converted, err);
    tn_plan_free(plan);
    tn_model_free(model);
    return status;
}

static const char *two_tensors(conv *c)
{
    static const float a[] = {1, 2, 3, 4, 5, 6}, b[] = {7, 8, 9, 10, 11, 12};
    const conv_tensor tensors[] = {{"a", "F32", "2,3", a, sizeof(a)},
                                   {"b", "F32", "2,3", b, sizeof(b)}};
    return conv_safetensors(c, "in.safetensors", tensors, 2);
}

static void finds_every_lie(void **state)
{
    static const char *const says[LIE_COUNT] = {
        [LIE_FLIP] = "reads back with other bytes for this tensor",
        [LIE_SWAP] = "keeps this tensor in another place than planned",
        [LIE_SHAPE] = "has another dtype or shape for this tensor",
        [LIE_DTYPE] = "has another dtype or shape for this tensor",
        [LIE_RENAME] = "lacks this tensor",
        [LIE_GARBAGE] = "the staged output cannot be read back: ",
    };
    conv *c = *state;
    char in[TN_SCRATCH_PATH];
    snprintf(in, sizeof(in), "%s", two_tensors(c));
    for (telling = LIE_NONE; telling < LIE_COUNT; telling++) {
        tn_error err = {0};
        tn_status status = run(c, in, conv_at(c, "out.safetensors"), &err);
        if (telling == LIE_NONE) {
            conv_ok(status, &err);
            assert_int_equal(remove(conv_at(c, "out.safetensors")), 0);
            continue;
        }
        if (status != TN_VERIFY || strstr(err.message, says[telling]) == NULL) {
            fail_msg("lie %d: %s: %s", (int)telling, tn_code_name(err.code), err.message);
        }
        assert_int_equal(tn_scratch_count(&c->dir), 1);
    }
}

/* Values that never reach the file: the engine believes that the writer wrote them. */
static void finds_forgotten_tensors(void **state)
{
    conv *c = *state;
    char in[TN_SCRATCH_PATH];
    tn_convert_options options = {.replace = false};
    tn_error err = {0};
    tn_plan *plan;
    tn_converted converted;
    snprintf(in, sizeof(in), "%s", two_tensors(c));
    tn_model *model = conv_open(c->ctx, in);
    conv_ok(tn_plan_new(c->ctx, model, conv_at(c, "ckpt-1"), &options, &plan, &err), &err);
    plan->write.items[1].written = true;
    assert_int_not_equal(tn_convert(plan, &converted, &err), TN_OK);
    assert_int_equal(err.code, TN_E_VERIFY);
    assert_int_equal(tn_scratch_count(&c->dir), 1);
    tn_plan_free(plan);
    tn_model_free(model);
}

int main(void)
{
    conv_in_memory();
    const struct CMUnitTest tests[] = {CONV_TEST(finds_every_lie),
                                       CONV_TEST(finds_forgotten_tensors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
