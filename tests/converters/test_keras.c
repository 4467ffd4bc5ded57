/* Converting to and from HDF5: layouts, order, round trips, and what is refused. */
#include "conv.h"

#include <dirent.h>

#define KERAS TN_FIXTURES "/keras_h5"

/* Calls `each` with the name and the HDF5 file of every fixture made by Keras. */
static size_t visit(conv *c, void (*each)(conv *c, const char *name, const char *path))
{
    struct dirent **names;
    size_t count = 0;
    int found = scandir(KERAS, &names, NULL, alphasort);
    for (int i = 0; i < found; i++) {
        const char *name = names[i]->d_name;
        if (strncmp(name, "good-k2-", 8) == 0 || strncmp(name, "good-k3-", 8) == 0) {
            char path[600];
            bool numbered = strcmp(name + strlen(name) - 3, "-v3") == 0;
            snprintf(path, sizeof path, KERAS "/%s/model%s.h5", name, numbered ? ".weights" : "");
            each(c, name, path);
            count++;
        }
        free(names[i]);
    }
    free(names);
    tn_scratch_empty(&c->dir);
    return count;
}

/* Demands equal names, roles, aliases and order, or of the schemes `full` alone. */
static void same_order(tn_context *ctx, const char *a, const char *b, bool full_only)
{
    tn_model *x = conv_open(ctx, a), *y = conv_open(ctx, b);
    size_t k = 0;
    for (size_t i = 0; i < tn_model_count(x); i++) {
        const tn_tensor *one = tn_model_at(x, i);
        if (full_only && one->role != TN_ROLE_VARIABLE) {
            continue;
        }
        assert_true(k < tn_model_count(y));
        const tn_tensor *two = tn_model_at(y, k++);
        for (int s = 0; s < TN_SCHEME_COUNT; s++) {
            if ((!full_only || s == TN_SCHEME_FULL) &&
                !tn_str_equal(one->alias[s], two->alias[s])) {
                fail_msg("%s: %.*s is %.*s", b, (int)one->alias[s].len, one->alias[s].data,
                         (int)two->alias[s].len, two->alias[s].data);
            }
        }
        assert_int_equal(one->role, two->role);
    }
    assert_int_equal(k, tn_model_count(y));
    if (!full_only) {
        assert_string_equal(tn_model_layout(x), tn_model_layout(y));
    }
    tn_model_free(x);
    tn_model_free(y);
}

static void expect_equal(const conv *c, const char *a, const char *b, bool weights_only)
{
    tn_diff_options options = {.weights_only = weights_only};
    tn_differences d = conv_diff(c->ctx, a, b, &options);
    if (d.equal == 0 || d.different + d.only_a + d.only_b > 0) {
        fail_msg("%s and %s: %zu equal, %zu different, %zu and %zu alone", a, b, d.equal,
                 d.different, d.only_a, d.only_b);
    }
}

static void copy_one(conv *c, const char *name, const char *path)
{
    const char *out = strrchr(path, '/') + 1;
    (void)name;
    tn_convert_options options = {.replace = true};
    conv_must(c->ctx, path, conv_at(c, out), &options);
    expect_equal(c, path, conv_at(c, out), false);
    same_order(c->ctx, path, conv_at(c, out), false);
}

/* From one layout to the same: every tensor of every role, under the same names, in its order. */
static void copies(void **state)
{
    assert_true(visit(*state, copy_one) >= 26);
}

static void convert_pair(conv *c, const char *name, const char *path)
{
    char checkpoint[600];
    snprintf(checkpoint, sizeof checkpoint, KERAS "/%s/ckpt.index", name);
    if (access(checkpoint, R_OK) != 0) {
        return;
    }
    tn_convert_options options = {.replace = true, .weights_only = true};
    expect_equal(c, checkpoint, path, true);
    conv_must(c->ctx, checkpoint, conv_at(c, "out.h5"), &options);
    expect_equal(c, path, conv_at(c, "out.h5"), true);
    same_order(c->ctx, path, conv_at(c, "out.h5"), true);
}

/* The checkpoint of a model and its `.h5` are equal without rules, and the one becomes the other
 * with layers and weights in Keras's own order. */
static void checkpoints(void **state)
{
    visit(*state, convert_pair);
}

static void go_round(conv *c, const char *name, const char *path)
{
    static const char *const between[] = {"b.safetensors", "b.ckpt"};
    tn_convert_options options = {.replace = true};
    const char *out = strrchr(path, '/') + 1;
    if (strstr(name, "-whole") != NULL || strcmp(name, "good-k3-bfloat16-v3") == 0) {
        options.weights_only = true; /* a legacy file takes no state from another format */
    }
    for (size_t i = 0; i < 2; i++) {
        conv_must(c->ctx, path, conv_at(c, between[i]), &options);
        conv_must(c->ctx, conv_at(c, between[i]), conv_at(c, out), &options);
        expect_equal(c, path, conv_at(c, out), options.weights_only);
    }
}

/* A → B → A keeps names, dtypes, shapes and bytes. */
static void round_trips(void **state)
{
    visit(*state, go_round);
}

static const float values[4] = {1, 2, 3, 4};

static tn_error fails(const conv *c, const char *in, const char *out,
                      const tn_convert_options *options)
{
    tn_error err = {0};
    assert_int_not_equal(conv_run(c->ctx, in, out, options, NULL, &err), TN_OK);
    assert_int_not_equal(access(out, F_OK), 0);
    return err;
}

static void refusals(void **state)
{
    conv *c = *state;
    const conv_tensor clash[] = {{"a", "F32", "2", values, 8}, {"a/b", "F32", "2", values, 8}};
    const conv_tensor empty[] = {{"a//b", "F32", "2", values, 8}};
    const conv_tensor half[] = {{"a/b", "BF16", "4", values, 8}};
    const conv_tensor small[] = {{"a/b", "F8_E5M2", "8", values, 8}};
    tn_convert_options plain = {.layout = "plain"}, wrong = {.layout = "names"};
    const char *out = conv_at(c, "o.h5");
    tn_error err = fails(c, conv_safetensors(c, "clash.safetensors", clash, 2), out, &plain);
    assert_int_equal(err.code, TN_E_COLLISION);
    err = fails(c, conv_safetensors(c, "empty.safetensors", empty, 1), out, &plain);
    assert_int_equal(err.code, TN_E_CANNOT_HOLD);
    err = fails(c, conv_safetensors(c, "small.safetensors", small, 1), out, &plain);
    assert_int_equal(err.code, TN_E_CANNOT_HOLD);
    const char *in = conv_safetensors(c, "half.safetensors", half, 1);
    err = fails(c, in, out, NULL);
    assert_int_equal(err.code, TN_E_CANNOT_HOLD);
    assert_non_null(strstr(err.hint, "--cast float32"));
    err = fails(c, in, out, &wrong);
    assert_int_equal(err.code, TN_E_USAGE);
    err = fails(c, in, conv_at(c, "o.weights.h5"), NULL);
    assert_int_equal(err.code, TN_E_CANNOT_HOLD);
    err = fails(c, KERAS "/good-k2-sequential-whole/ckpt", out, NULL);
    assert_int_equal(err.code, TN_E_LOSS);
    conv_must(c->ctx, in, out, &plain);
    expect_equal(c, in, out, false);
}

static size_t warnings_of(const conv *c, const char *in, const char *code)
{
    tn_error err = {0};
    tn_plan *plan;
    tn_convert_options options = {.weights_only = true};
    tn_model *model = conv_open(c->ctx, in);
    conv_ok(tn_plan_new(c->ctx, model, conv_at(c, "w.h5"), &options, &plan, &err), &err);
    size_t count = 0;
    for (size_t i = 0; i < tn_report_count(tn_plan_warnings(plan)); i++) {
        count += strcmp(tn_report_at(tn_plan_warnings(plan), i)->code, code) == 0;
    }
    tn_plan_free(plan);
    tn_model_free(model);
    return count;
}

/* An order that rests on names is said to; one that rests on the source is not. */
static void unproved(void **state)
{
    conv *c = *state;
    const conv_tensor two[] = {{"net/a/kernel", "F32", "2", values, 8},
                               {"net/b/kernel", "F32", "2", values, 8}};
    const conv_tensor one[] = {{"a/bias", "F32", "2", values, 8},
                               {"a/kernel", "F32", "2", values, 8}};
    const char *code = "order-unproved";
    assert_int_equal(warnings_of(c, conv_safetensors(c, "two.safetensors", two, 2), code), 1);
    assert_int_equal(warnings_of(c, conv_safetensors(c, "one.safetensors", one, 2), code), 0);
    assert_int_equal(warnings_of(c, KERAS "/good-k2-nested/ckpt", code), 0);
    assert_int_equal(warnings_of(c, KERAS "/good-k2-nested/model.h5", code), 0);
    assert_int_equal(warnings_of(c, TN_FIXTURES "/tf_checkpoint/good-keras2-subclassed/ckpt", code),
                     0);
    /* all that leads to this model's weights is lists */
    assert_int_equal(
        warnings_of(c, TN_FIXTURES "/tf_checkpoint/good-keras3-export/variables/variables", code),
        1);
}

static void expect_keys(const conv *c, const char *path, const char *const *keys, size_t count)
{
    tn_model *model = conv_open(c->ctx, path);
    assert_int_equal(tn_model_count(model), count);
    for (size_t i = 0; i < count; i++) {
        tn_str key = tn_model_at(model, i)->alias[TN_SCHEME_KEY];
        if (!tn_str_equal(key, tn_str_of(keys[i]))) {
            fail_msg("%zu is %.*s, not %s", i, (int)key.len, key.data, keys[i]);
        }
    }
    tn_model_free(model);
}

/* By names alone: natural order of layers, kernels before biases, moving statistics last, the
 * model's own name is no layer. */
static void order_by_names(void **state)
{
    conv *c = *state;
    static const char *const keys[] = {
        "/d_2/m/d_2/kernel:0",         "/d_2/m/d_2/bias:0",        "/d_10/m/d_10/forward_x/k:0",
        "/d_10/m/d_10/backward_x/k:0", "/n/m/n/gamma:0",           "/n/m/n/beta:0",
        "/n/m/n/moving_mean:0",        "/n/m/n/moving_variance:0",
    };
    const conv_tensor tensors[] = {
        {"m/d_10/backward_x/k", "F32", "2", values, 8},
        {"m/d_10/forward_x/k", "F32", "2", values, 8},
        {"m/d_2/bias", "F32", "2", values, 8},
        {"m/d_2/kernel", "F32", "2", values, 8},
        {"m/n/beta", "F32", "2", values, 8},
        {"m/n/gamma", "F32", "2", values, 8},
        {"m/n/moving_mean", "F32", "2", values, 8},
        {"m/n/moving_variance", "F32", "2", values, 8},
    };
    conv_must(c->ctx, conv_safetensors(c, "in.safetensors", tensors, 8), conv_at(c, "o.h5"), NULL);
    expect_keys(c, conv_at(c, "o.h5"), keys, 8);
}

/* What a flag leaves out takes nothing else along; the rest keeps its groups and its order. */
static void parts(void **state)
{
    conv *c = *state;
    static const char *const keys[] = {"/model_weights/logits/logits/kernel:0",
                                       "/model_weights/logits/logits/bias:0"};
    const char *only[] = {"logits/*"};
    tn_convert_options options = {.only = only, .n_only = 1};
    conv_must(c->ctx, KERAS "/good-k2-sequential-whole/model.h5", conv_at(c, "o.h5"), &options);
    expect_keys(c, conv_at(c, "o.h5"), keys, 2);
    tn_model *model = conv_open(c->ctx, conv_at(c, "o.h5"));
    const tn_pair *pairs;
    assert_int_equal(tn_model_metadata(model, &pairs), 2); /* both configurations */
    tn_model_free(model);
}

/* Names of so many bytes in all that Keras splits their lists. */
static void split_lists(void **state)
{
    enum { LAYERS = 80, LONG = 900 };
    conv *c = *state;
    static char names[LAYERS][LONG + 40];
    conv_tensor tensors[LAYERS];
    for (int i = 0; i < LAYERS; i++) {
        snprintf(names[i], sizeof names[i], "layer_%d%0*d/kernel", i, i == 7 ? LONG : 1, 0);
        tensors[i] = (conv_tensor){names[i], "F32", "2", values, 8};
    }
    const char *in = conv_safetensors(c, "in.safetensors", tensors, LAYERS);
    conv_must(c->ctx, in, conv_at(c, "o.h5"), NULL);
    expect_equal(c, in, conv_at(c, "o.h5"), false);
    conv_bytes file = conv_load(conv_at(c, "o.h5"));
    assert_non_null(memmem(file.at, file.len, "layer_names0", 13));
    assert_non_null(memmem(file.at, file.len, "layer_names1", 13));
    assert_null(memmem(file.at, file.len, "layer_names2", 13));
    free(file.at);
}

/* The same input gives the same bytes. */
static void same_bytes(void **state)
{
    conv *c = *state;
    conv_must(c->ctx, KERAS "/good-k3-nested-whole/model.h5", conv_at(c, "a.h5"), NULL);
    conv_must(c->ctx, KERAS "/good-k3-nested-whole/model.h5", conv_at(c, "b.h5"), NULL);
    conv_must(c->ctx, conv_at(c, "a.h5"), conv_at(c, "c.h5"), NULL);
    assert_true(conv_same(conv_at(c, "a.h5"), conv_at(c, "b.h5")));
    assert_true(conv_same(conv_at(c, "a.h5"), conv_at(c, "c.h5")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, conv_setup, conv_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(copies),   TEST(checkpoints), TEST(round_trips),
        TEST(refusals), TEST(unproved),    TEST(order_by_names),
        TEST(parts),    TEST(split_lists), TEST(same_bytes),
    };
    conv_in_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
