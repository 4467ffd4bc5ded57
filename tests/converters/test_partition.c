/* Partitioned tensors: how a tensor is cut is its own affair, whatever it was made of. */
#include "converters/conv.h"
#include "model/model.h"

static const char *const partitioned = TN_FIXTURES "/tf_checkpoint/good-v1-partitioned/model.ckpt";

/* Writes a model as a checkpoint. */
static void write_model(conv *c, const tn_model *model, const char *out)
{
    static const tn_convert_options none;
    tn_plan *plan = NULL;
    tn_converted converted;
    tn_error err = {0};
    conv_ok(tn_plan_new(c->ctx, model, out, &none, &plan, &err), &err);
    conv_ok(tn_convert(plan, &converted, &err), &err);
    tn_plan_free(plan);
}

static tn_tensor *tensor_of(tn_model *model, const char *name)
{
    uint32_t index = tn_model_find(model, TN_SCHEME_NAME, tn_str_of(name));
    assert_true(index != TN_NO_INDEX);
    return &model->tensors[index];
}

/* Checks that the checkpoint holds a tensor in just these slices. */
static void check_slices(conv *c, const char *path, const char *name, uint32_t n,
                         const int64_t *slices)
{
    tn_model *model = conv_open(c->ctx, path);
    const tn_tensor *tensor = tensor_of(model, name);
    assert_int_equal(tensor->n_slices, n);
    assert_int_equal(tensor->n_pieces, n == 0 ? 1 : n);
    if (n == 0) {
        assert_null(tensor->slices);
    } else {
        assert_memory_equal(tensor->slices, slices, 2 * n * tensor->rank * sizeof *slices);
    }
    tn_model_free(model);
}

static void check_values(conv *c, const char *a, const char *b)
{
    tn_differences d = conv_diff(c->ctx, a, b, NULL);
    assert_int_equal(d.different + d.only_a + d.only_b, 0);
    assert_true(d.equal > 0);
}

/* A tensor of another format, which lies in one piece. */
static void cuts_a_whole_tensor(void **state)
{
    conv *c = *state;
    static const int64_t columns[] = {0, 10, 0, 1, 0, 10, 1, 3};
    float data[40];
    for (int i = 0; i < 40; i++) {
        data[i] = (float)i;
    }
    const conv_tensor emb = {"emb", "F32", "10,4", data, sizeof data};
    char in[TN_SCRATCH_PATH], out[TN_SCRATCH_PATH];
    snprintf(in, sizeof in, "%s", conv_safetensors(c, "in.safetensors", &emb, 1));
    snprintf(out, sizeof out, "%s", conv_at(c, "ckpt-1"));
    tn_model *model = conv_open(c->ctx, in);
    tensor_of(model, "emb")->slices = columns;
    tensor_of(model, "emb")->n_slices = 2;
    write_model(c, model, out);
    tn_model_free(model);
    check_slices(c, out, "emb", 2, columns);
    check_values(c, in, out);
}

/* Slices that are cut anew, of several old ones; and slices that are joined. */
static void cuts_slices_anew(void **state)
{
    conv *c = *state;
    static const int64_t rows[] = {0, 1, 0, 2, 1, 8, 0, 2, 9, 1, 0, 2};
    char out[TN_SCRATCH_PATH];
    snprintf(out, sizeof out, "%s", conv_at(c, "ckpt-1"));
    tn_model *model = conv_open(c->ctx, partitioned);
    tn_tensor *emb = NULL, *other = NULL;
    for (size_t i = 0; i < model->count; i++) {
        tn_tensor *tensor = &model->tensors[i];
        bool fits = tensor->n_slices == 3 && tensor->rank == 2 && tensor->shape[0] == 10 &&
                    tensor->shape[1] == 2;
        if (fits && emb == NULL) {
            emb = tensor;
        } else if (tensor->n_slices > 1 && other == NULL) {
            other = tensor;
        }
    }
    assert_non_null(emb);
    assert_non_null(other);
    emb->slices = rows;
    other->slices = NULL;
    other->n_slices = 0;
    write_model(c, model, out);
    char name[256], whole[256];
    tn_escape(emb->alias[TN_SCHEME_NAME], name, sizeof name);
    tn_escape(other->alias[TN_SCHEME_NAME], whole, sizeof whole);
    tn_model_free(model);
    check_slices(c, out, name, 3, rows);
    check_slices(c, out, whole, 0, NULL);
    check_values(c, partitioned, out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONV_TEST(cuts_a_whole_tensor),
        CONV_TEST(cuts_slices_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
