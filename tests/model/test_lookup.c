/* Looking up names as users type them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/model.h"

typedef struct world {
    tn_context *ctx;
    tn_model *model;
} world;

typedef struct row {
    const char *alias[TN_SCHEME_COUNT]; /* name, key, object, full, order */
    uint32_t rank;
    int64_t shape[2];
} row;

static const row rows[] = {
    {{"layer-0/kernel", "layer-0/kernel/.ATTR", NULL, "dense/kernel", "0/0"}, 2, {2, 1}},
    {{"layer-0/bias", "layer-0/bias/.ATTR", NULL, "dense/bias", "0/1"}, 1, {1}},
    {{"layer-1/kernel", "layer-1/kernel/.ATTR", NULL, "twice", "1/0"}, 2, {1, 3}},
    {{"layer-1/bias", "layer-1/bias/.ATTR", NULL, "twice", "1/1"}, 1, {3}},
    {{"my_model/W", "my_model/W:0", NULL, "w", NULL}, 2, {2, 1}},
    {{"scalar", "scalar", NULL, NULL, NULL}, 0, {0}},
    {{"dense/bias", "odd", NULL, NULL, NULL}, 1, {9}},
    {{"daap/gamma", NULL, NULL, NULL, NULL}, 1, {4}},
    {{"outer/deep/gamma", NULL, NULL, NULL, NULL}, 1, {5}},
    {{"secret", "secret", NULL, NULL, NULL}, 1, {9}},
};

static const tn_str twins[] = {{"copies/7", 8}};

static int setup(void **state)
{
    static world w;
    w.ctx = tn_context_new(NULL);
    assert_int_equal(tni_model_new(w.ctx, &w.model, NULL), TN_OK);
    w.model->in_file_order = true;
    w.model->resolved = "x.ckpt";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tn_tensor *tensor;
        assert_int_equal(tni_model_add(w.model, &tensor, NULL), TN_OK);
        for (int k = 0; k < TN_SCHEME_COUNT; k++) {
            tensor->alias[k] = tn_str_of(rows[i].alias[k]);
        }
        assert_int_equal(
            tni_tensor_form(w.model, tensor, TN_FLOAT32, rows[i].rank, rows[i].shape, NULL), TN_OK);
        tensor->hidden = i == 9;
        tensor->twins = i == 5 ? twins : NULL;
        tensor->n_twins = i == 5 ? 1 : 0;
    }
    assert_int_equal(tni_model_finish(w.model, NULL), TN_OK);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    world *w = *state;
    tn_model_free(w->model);
    tn_context_free(w->ctx);
    return 0;
}

static void expect_index(world *w, tn_scheme scheme, const char *name, uint32_t expected)
{
    uint32_t index = 99;
    assert_int_equal(tn_model_lookup(w->model, scheme, tn_str_of(name), &index, NULL), TN_OK);
    assert_int_equal(index, expected);
}

static void found(void **state)
{
    world *w = *state;
    expect_index(w, TN_SCHEME_NAME, "layer-0/kernel", 0);
    expect_index(w, TN_SCHEME_NAME, "layer-0/kernel:0", 0);
    expect_index(w, TN_SCHEME_NAME, "layer-0/kernel/.ATTR", 0);
    expect_index(w, TN_SCHEME_NAME, "dense/kernel:0", 0);
    expect_index(w, TN_SCHEME_NAME, "my_model/W:0", 4);
    expect_index(w, TN_SCHEME_KEY, "my_model/W", 4);
    expect_index(w, TN_SCHEME_NAME, "scalar", 5);
    expect_index(w, TN_SCHEME_NAME, "secret", 9);
    expect_index(w, TN_SCHEME_NAME, "copies/7", 5);
    expect_index(w, TN_SCHEME_NAME, "1/0", 2);
    expect_index(w, TN_SCHEME_NAME, "layers[0].weights[1]", 1);
    expect_index(w, TN_SCHEME_ORDER, "layers[1].weights[0]", 2);
}

/* "dense/bias" is a name of one tensor and the full name of another. */
static void the_scheme_comes_first(void **state)
{
    world *w = *state;
    expect_index(w, TN_SCHEME_NAME, "dense/bias", 6);
    expect_index(w, TN_SCHEME_FULL, "dense/bias", 1);
    expect_index(w, TN_SCHEME_FULL, "dense/bias:0", 1);
}

static void ambiguous(void **state)
{
    world *w = *state;
    uint32_t index = 99;
    tn_error err = {0};
    assert_int_equal(tn_model_lookup(w->model, TN_SCHEME_FULL, TN_LIT("twice"), &index, &err),
                     TN_USAGE);
    assert_int_equal(err.code, TN_E_AMBIGUOUS);
    assert_int_equal(index, 99);
    assert_string_equal(err.subject, "twice");
    assert_string_equal(err.message, "2 tensors have this name");
    assert_string_equal(err.hint, "say one of: layer-1/kernel [1, 3], layer-1/bias [3]");
    tn_error across = {0};
    assert_int_equal(
        tn_model_lookup(w->model, TN_SCHEME_KEY, TN_LIT("dense/bias"), &index, &across), TN_USAGE);
    assert_string_equal(across.hint, "say one of: dense/bias [9], layer-0/bias [1]");
}

static void expect_near(world *w, tn_scheme scheme, const char *name, const char *hint)
{
    uint32_t index = 99;
    tn_error err = {0};
    assert_int_equal(tn_model_lookup(w->model, scheme, tn_str_of(name), &index, &err), TN_NO);
    assert_int_equal(err.code, TN_E_NO_SUCH_NAME);
    assert_int_equal(index, 99);
    assert_string_equal(err.subject, name);
    assert_string_equal(err.hint, hint);
}

static void nearest(void **state)
{
    world *w = *state;
    expect_near(w, TN_SCHEME_NAME, "W", "the nearest names: my_model/W [2, 1]");
    expect_near(w, TN_SCHEME_NAME, "W:0", "the nearest names: my_model/W [2, 1]");
    expect_near(w, TN_SCHEME_NAME, "scaler", "the nearest names: scalar []");
    expect_near(w, TN_SCHEME_NAME, "other/my_model/W", "the nearest names: my_model/W [2, 1]");
    expect_near(w, TN_SCHEME_NAME, "kernel",
                "the nearest names: layer-0/kernel [2, 1], layer-1/kernel [1, 3]");
    expect_near(w, TN_SCHEME_NAME, "my_model", "the nearest names: my_model/W [2, 1]");
    expect_near(w, TN_SCHEME_NAME, "layer-0",
                "the nearest names: layer-0/kernel [2, 1], layer-0/bias [1]");
    expect_near(w, TN_SCHEME_NAME, "deep/gamma",
                "the nearest names: outer/deep/gamma [5], daap/gamma [4]");
    expect_near(w, TN_SCHEME_NAME, "layer-2/bias",
                "the nearest names: layer-0/bias [1], layer-1/bias [3], dense/bias [9]");
    expect_near(w, TN_SCHEME_NAME, "zzzzzzzzzz", "`tenon ls 'x.ckpt'` lists the names");
    expect_near(w, TN_SCHEME_NAME, "secre", "`tenon ls 'x.ckpt'` lists the names");
    expect_near(w, TN_SCHEME_NAME, "", "`tenon ls 'x.ckpt'` lists the names");
    expect_near(w, TN_SCHEME_FULL, "dense/kernal", "the nearest names: dense/kernel [2, 1]");
    expect_near(w, TN_SCHEME_NAME, "layers[7].weights[0]", "`tenon ls 'x.ckpt'` lists the names");
}

static void names_of_any_bytes(void **state)
{
    world *w = *state;
    uint32_t index = 99;
    tn_error err = {0};
    assert_int_equal(tn_model_lookup(w->model, TN_SCHEME_NAME, (tn_str){"a\0\n", 3}, &index, &err),
                     TN_NO);
    assert_string_equal(err.subject, "a\\x00\\n");
}

static void words(void **state)
{
    (void)state;
    tn_scheme scheme = TN_SCHEME_COUNT;
    assert_string_equal(tn_role_name(TN_ROLE_SLOT), "slot");
    assert_string_equal(tn_role_name(TN_ROLE_METADATA), "metadata");
    for (int i = 0; i < TN_SCHEME_COUNT; i++) {
        assert_true(tn_scheme_find(tn_scheme_name((tn_scheme)i), &scheme));
        assert_int_equal(scheme, i);
    }
    assert_true(tn_scheme_find("object", &scheme));
    assert_int_equal(scheme, TN_SCHEME_OBJECT);
    assert_false(tn_scheme_find("objects", &scheme));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(found, setup, teardown),
        cmocka_unit_test_setup_teardown(the_scheme_comes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(ambiguous, setup, teardown),
        cmocka_unit_test_setup_teardown(nearest, setup, teardown),
        cmocka_unit_test_setup_teardown(names_of_any_bytes, setup, teardown),
        cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
