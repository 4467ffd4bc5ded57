/* Verification: the three verdicts, every turned bit of payload, and what cannot be read. */
#include "converters/conv.h"
#include <unistd.h>

static tn_verdict verify(tn_context *ctx, const char *path, tn_report *report, tn_verified *out)
{
    tn_model *model = conv_open(ctx, path);
    tn_error err = {0};
    conv_ok(tn_verify(model, report, out, &err), &err);
    tn_model_free(model);
    return out->verdict;
}

static tn_verdict verdict_of(tn_context *ctx, const char *path, tn_verified *out)
{
    tn_report *report = tn_report_new(ctx);
    tn_verdict verdict = verify(ctx, path, report, out);
    assert_int_equal(tn_report_count(report) > 0, verdict == TN_VERDICT_CORRUPT);
    tn_report_free(report);
    return verdict;
}

static const char *fixture(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof(path), "%s/%s", TN_FIXTURES, name);
    return path;
}

static void gives_verdicts(void **state)
{
    conv *c = *state;
    tn_verified v;
    assert_int_equal(verdict_of(c->ctx, fixture("tf_checkpoint/good-v1-adam/model.ckpt"), &v),
                     TN_VERDICT_PROVED);
    assert_int_equal(v.tensors, 9);
    assert_int_equal(v.bytes, 2 * 4 + 8 + 3 * 24 + 3 * 8);
    assert_int_equal(v.without_checksum, 0);
    static const char *const proved[] = {
        "tf_checkpoint/good-strings/ckpt",         "tf_checkpoint/good-big-endian/ckpt",
        "tf_checkpoint/good-keras3-export",        "tf_checkpoint/good-objects-iterator-table/ckpt",
        "tf_checkpoint/good-v1-partitioned",       "tf_checkpoint/good-empty-and-scalar/ckpt",
        "tf_checkpoint/good-v1-sharded/model.ckpt"};
    for (size_t i = 0; i < sizeof(proved) / sizeof(proved[0]); i++) {
        assert_int_equal(verdict_of(c->ctx, fixture(proved[i]), &v), TN_VERDICT_PROVED);
        assert_true(v.tensors > 0);
    }
    assert_int_equal(verdict_of(c->ctx, fixture("safetensors/good-shapes/model.safetensors"), &v),
                     TN_VERDICT_UNPROVED);
    assert_int_equal(v.without_checksum, 5);
    assert_int_equal(v.tensors, 0);
}

/* Turns each bit of a checkpoint's payload. */
static void every_bit(conv *c, const char *prefix)
{
    char from[1024], data_path[TN_SCRATCH_PATH];
    snprintf(from, sizeof(from), "%s.index", fixture(prefix));
    conv_copy(from, conv_at(c, "m.index"));
    snprintf(from, sizeof(from), "%s.data-00000-of-00001", fixture(prefix));
    snprintf(data_path, sizeof(data_path), "%s", conv_at(c, "m.data-00000-of-00001"));
    conv_bytes data = conv_load(from);
    for (size_t bit = 0; bit < 8 * data.len; bit++) {
        tn_verified v;
        tn_report *report = tn_report_new(c->ctx);
        data.at[bit / 8] = (char)(data.at[bit / 8] ^ 1 << bit % 8);
        conv_store(data_path, data.at, data.len);
        data.at[bit / 8] = (char)(data.at[bit / 8] ^ 1 << bit % 8);
        tn_model *model;
        /* The object graph is read at opening, and its sum checked there. */
        tn_error err = {0};
        tn_status status = tn_open(c->ctx, conv_at(c, "m"), NULL, &model, &err);
        if (status == TN_OK) {
            conv_ok(tn_verify(model, report, &v, &err), &err);
            if (v.verdict != TN_VERDICT_CORRUPT || tn_report_count(report) != 1) {
                fail_msg("%s: bit %zu: verdict %d, %zu findings", prefix, bit, (int)v.verdict,
                         tn_report_count(report));
            }
            tn_model_free(model);
        } else {
            assert_int_equal(status, TN_CORRUPT);
        }
        tn_report_free(report);
    }
    free(data.at);
}

static void finds_every_bit(void **state)
{
    every_bit(*state, "tf_checkpoint/good-v1-adam/model.ckpt");
    every_bit(*state, "tf_checkpoint/good-objects-two-scopes/ckpt");
    every_bit(*state, "tf_checkpoint/good-strings/ckpt");
}

/* A damaged tensor does not keep the others from being checked. */
static void names_what_is_damaged(void **state)
{
    conv *c = *state;
    tn_verified v;
    conv_copy(fixture("tf_checkpoint/good-v1-adam/model.ckpt.index"), conv_at(c, "m.index"));
    conv_bytes data =
        conv_load(fixture("tf_checkpoint/good-v1-adam/model.ckpt.data-00000-of-00001"));
    tn_model *model = conv_open(c->ctx, fixture("tf_checkpoint/good-v1-adam/model.ckpt"));
    const char *const names[] = {"my_model/W", "my_model/b/Adam"};
    for (size_t i = 0; i < 2; i++) {
        tn_stored stored;
        uint32_t index = tn_model_find(model, TN_SCHEME_NAME, tn_str_of(names[i]));
        tn_tensor_stored(tn_model_at(model, index), 0, &stored);
        data.at[stored.offset] = (char)(data.at[stored.offset] ^ 1);
    }
    tn_model_free(model);
    conv_store(conv_at(c, "m.data-00000-of-00001"), data.at, data.len);
    tn_report *report = tn_report_new(c->ctx);
    assert_int_equal(verify(c->ctx, conv_at(c, "m"), report, &v), TN_VERDICT_CORRUPT);
    assert_int_equal(tn_report_count(report), 2);
    for (size_t i = 0; i < 2; i++) {
        const tn_finding *finding = tn_report_at(report, i);
        assert_string_equal(finding->code, "crc");
        assert_int_equal(finding->severity, TN_SEVERITY_ERROR);
        assert_true(tn_str_equal(finding->name, tn_str_of(names[i])));
        assert_non_null(strstr(finding->message.data, "m.data-00000-of-00001"));
    }
    assert_int_equal(v.tensors, 9);
    tn_report_free(report);
    free(data.at);
}

/* The shard loses its tail after the model was opened. */
static void finds_what_cannot_be_read(void **state)
{
    conv *c = *state;
    tn_verified v;
    conv_copy(fixture("tf_checkpoint/good-v1-adam/model.ckpt.index"), conv_at(c, "m.index"));
    conv_copy(fixture("tf_checkpoint/good-v1-adam/model.ckpt.data-00000-of-00001"),
              conv_at(c, "m.data-00000-of-00001"));
    tn_model *model = conv_open(c->ctx, conv_at(c, "m"));
    assert_int_equal(truncate(conv_at(c, "m.data-00000-of-00001"), 4), 0);
    tn_report *report = tn_report_new(c->ctx);
    tn_error err = {0};
    conv_ok(tn_verify(model, report, &v, &err), &err);
    assert_int_equal(v.verdict, TN_VERDICT_CORRUPT);
    /* The first four bytes are a whole tensor. */
    assert_int_equal(tn_report_count(report), 8);
    for (size_t i = 0; i < 8; i++) {
        assert_string_equal(tn_report_at(report, i)->code, "unreadable");
        assert_true(tn_report_at(report, i)->message.len > 0);
    }
    tn_report_free(report);
    tn_model_free(model);
}

/* Chunks of HDF5 carry sums of their own, which only decoding checks. */
static void decodes_what_is_packed(void **state)
{
    conv *c = *state;
    tn_verified v;
    tn_error err = {0};
    tn_reader *reader;
    float first[7]; /* the first row; four of its values stand in the first chunk */
    const char *good = fixture("keras_h5/good-filters/model.h5");
    assert_int_equal(verdict_of(c->ctx, good, &v), TN_VERDICT_UNPROVED);
    assert_int_equal(v.without_checksum, 4);
    tn_model *model = conv_open(c->ctx, good);
    const tn_tensor *tensor =
        tn_model_at(model, tn_model_find(model, TN_SCHEME_NAME, tn_str_of("fletcher32")));
    conv_ok(tn_reader_new(c->ctx, true, &reader, &err), &err);
    conv_ok(tn_reader_start(reader, tensor, &err), &err);
    conv_ok(tn_reader_next(reader, 7, first, &err), &err);
    tn_reader_free(reader);
    tn_model_free(model);
    conv_bytes data = conv_load(good);
    char *chunk = memmem(data.at, data.len, first, 4 * sizeof(float));
    assert_non_null(chunk);
    chunk[5] = (char)(chunk[5] ^ 1);
    conv_store(conv_at(c, "m.h5"), data.at, data.len);
    tn_report *report = tn_report_new(c->ctx);
    assert_int_equal(verify(c->ctx, conv_at(c, "m.h5"), report, &v), TN_VERDICT_CORRUPT);
    assert_int_equal(tn_report_count(report), 1);
    assert_string_equal(tn_report_at(report, 0)->code, "unreadable");
    assert_true(tn_str_equal(tn_report_at(report, 0)->name, tn_str_of("fletcher32")));
    tn_report_free(report);
    free(data.at);
}

static void can_be_cancelled(void **state)
{
    conv *c = *state;
    tn_verified v;
    tn_error err = {0};
    tn_model *model = conv_open(c->ctx, fixture("tf_checkpoint/good-v1-adam/model.ckpt"));
    tn_report *report = tn_report_new(c->ctx);
    tn_context_cancel(c->ctx);
    assert_int_equal(tn_verify(model, report, &v, &err), TN_CANCELLED);
    assert_int_equal(tn_verify(model, report, &v, NULL), TN_CANCELLED);
    assert_int_equal(tn_report_count(report), 0);
    tn_report_free(report);
    tn_model_free(model);
}

static unsigned long left; /* allocations until one fails */

static void *fail_once(void *user, void *block, size_t bytes)
{
    (void)user;
    return left != 0 && --left == 0 ? NULL : realloc(block, bytes == 0 ? 1 : bytes);
}

static void release(void *user, void *block)
{
    (void)user;
    free(block);
}

/* Out of memory is no finding, and may be told to nobody. */
static void can_lack_memory(void **state)
{
    static const tn_allocator allocator = {fail_once, release, NULL};
    tn_status status = TN_NOMEM;
    unsigned long at = 1;
    (void)state;
    tn_context *ctx = tn_context_new(&(tn_context_options){.allocator = &allocator});
    tn_model *model = conv_open(ctx, fixture("tf_checkpoint/good-strings/ckpt"));
    tn_report *report = tn_report_new(ctx);
    for (; status == TN_NOMEM; at++) {
        tn_verified v;
        tn_error err = {0};
        left = at;
        status = tn_verify(model, report, &v, NULL);
        left = at;
        assert_int_equal(tn_verify(model, report, &v, &err), status);
        assert_int_equal(err.status, status);
        assert_int_equal(tn_report_count(report), 0);
        left = 0;
    }
    assert_int_equal(status, TN_OK);
    assert_true(at > 5);
    tn_report_free(report);
    tn_model_free(model);
    tn_context_free(ctx);
}

int main(void)
{
    conv_in_memory();
    const struct CMUnitTest tests[] = {
        CONV_TEST(gives_verdicts),         CONV_TEST(finds_every_bit),
        CONV_TEST(names_what_is_damaged),  CONV_TEST(finds_what_cannot_be_read),
        CONV_TEST(decodes_what_is_packed), CONV_TEST(can_be_cancelled),
        CONV_TEST(can_lack_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
