/* --like: which tensor takes which, what fails, and that a file put into itself is what a plain
 * conversion makes of it. */
#include "converters/conv.h"

static const float numbers[] = {1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F, 7.0F, 8.0F};

/* Writes a file of float32 tensors, each [2] with values of its own, from `first` on. */
static const char *file_of(const conv *c, const char *name, const char *const *names, size_t count,
                           size_t first)
{
    conv_tensor tensors[8];
    for (size_t i = 0; i < count; i++) {
        tensors[i] = (conv_tensor){names[i], "F32", "2", numbers + (first + i) % 7, 8};
    }
    return conv_safetensors(c, name, tensors, count);
}

/* A plan of `in` like `form`; free with done. */
typedef struct like {
    tn_model *in, *form;
    tn_plan *plan;
    tn_error err;
    tn_status status;
} like;

static like plan_like(const conv *c, const char *in, const char *form, const char *out,
                      tn_convert_options options)
{
    like l = {.in = conv_open(c->ctx, in), .form = conv_open(c->ctx, form)};
    options.like = l.form;
    l.status = tn_plan_new(c->ctx, l.in, conv_at(c, out), &options, &l.plan, &l.err);
    return l;
}

static void done(like *l)
{
    tn_plan_free(l->plan);
    tn_model_free(l->in);
    tn_model_free(l->form);
}

/* Demands what the output's tensor `name` takes, and by what. */
static void assert_pair(const like *l, const char *name, const char *from, const char *by)
{
    const tn_plan_tensor *tensors;
    conv_ok(l->status, &l->err);
    size_t count = tn_plan_tensors(l->plan, &tensors);
    for (size_t i = 0; i < count; i++) {
        if (tn_str_equal(tensors[i].name, tn_str_of(name))) {
            assert_int_equal(tensors[i].n_from, 1);
            tn_str its = tensors[i].from[0]->alias[TN_SCHEME_NAME];
            if (!tn_str_equal(its, tn_str_of(from))) {
                fail_msg("%s takes %.*s", name, (int)its.len, its.data);
            }
            assert_string_equal(tensors[i].paired_by, by);
            return;
        }
    }
    fail_msg("there is no %s", name);
}

static bool warns(const like *l, const char *code)
{
    const tn_report *warnings = tn_plan_warnings(l->plan);
    for (size_t i = 0; i < tn_report_count(warnings); i++) {
        if (strcmp(tn_report_at(warnings, i)->code, code) == 0) {
            return true;
        }
    }
    return false;
}

static void names_come_before_the_order(void **state)
{
    conv *c = *state;
    static const char *const old[] = {"b/w", "a/w"}, *const fresh[] = {"a/w", "b/w"};
    like l = plan_like(c, file_of(c, "in.safetensors", old, 2, 0),
                       file_of(c, "form.safetensors", fresh, 2, 3), "o.safetensors",
                       (tn_convert_options){.to = NULL});
    assert_pair(&l, "a/w", "a/w", "name");
    assert_pair(&l, "b/w", "b/w", "name");
    assert_int_equal(tn_report_count(tn_plan_warnings(l.plan)), 0);
    done(&l);
}

static void the_order_is_that_of_numbers(void **state)
{
    conv *c = *state;
    static const char *const old[] = {"d_10/w", "d_2/w", "d/w"};
    static const char *const fresh[] = {"e_1/w", "e_20/w", "e_3/w"};
    like l = plan_like(c, file_of(c, "in.safetensors", old, 3, 0),
                       file_of(c, "form.safetensors", fresh, 3, 3), "o.safetensors",
                       (tn_convert_options){.to = NULL});
    assert_pair(&l, "e_1/w", "d/w", "order");
    assert_pair(&l, "e_3/w", "d_2/w", "order");
    assert_pair(&l, "e_20/w", "d_10/w", "order");
    assert_true(warns(&l, "order-unproved"));
    done(&l);
}

/* Keras numbers its layers on: "d_1" is the second of the old model and the first of the new one.
 * As the shapes are equal, the name counts; then the order would put "d" behind it, and nothing is
 * guessed. */
static void the_order_never_speaks_against_names(void **state)
{
    conv *c = *state;
    static const char *const old[] = {"d/w", "d_1/w"}, *const fresh[] = {"d_1/w", "d_2/w"};
    const char *in = file_of(c, "in.safetensors", old, 2, 0);
    const char *form = file_of(c, "form.safetensors", fresh, 2, 3);
    like l = plan_like(c, in, form, "o.safetensors", (tn_convert_options){.to = NULL});
    assert_int_equal(l.status, TN_NO);
    assert_int_equal(l.err.code, TN_E_NO_SOURCE);
    assert_string_equal(l.err.subject, "d_2/w");
    done(&l);
    static const char *const renames[] = {"d/=d_1/", "d_1/=d_2/"};
    l = plan_like(c, in, form, "o.safetensors",
                  (tn_convert_options){.rename = renames, .n_rename = 2});
    assert_pair(&l, "d_1/w", "d/w", "rule");
    assert_pair(&l, "d_2/w", "d_1/w", "rule");
    done(&l);
}

/* Within a layer words count where both sides have the same, else positions: kernels come first. */
static void weights_of_a_layer(void **state)
{
    conv *c = *state;
    static const char *const old[] = {"x/bias", "x/kernel"};
    static const char *const same[] = {"y/kernel", "y/bias"}, *const other[] = {"y/0", "y/1"};
    const char *in = file_of(c, "in.safetensors", old, 2, 0);
    like l = plan_like(c, in, file_of(c, "same.safetensors", same, 2, 3), "o.safetensors",
                       (tn_convert_options){.to = NULL});
    assert_pair(&l, "y/kernel", "x/kernel", "order");
    assert_pair(&l, "y/bias", "x/bias", "order");
    done(&l);
    l = plan_like(c, in, file_of(c, "other.safetensors", other, 2, 3), "o.safetensors",
                  (tn_convert_options){.to = NULL});
    assert_pair(&l, "y/0", "x/kernel", "order");
    assert_pair(&l, "y/1", "x/bias", "order");
    done(&l);
}

/* Layers that are divided in another way are not the same ones, though all shapes are. */
static void layers_are_not_torn(void **state)
{
    conv *c = *state;
    static const char *const old[] = {"x/a", "x/b", "y/a"}, *const fresh[] = {"p/a", "q/a", "q/b"};
    like l = plan_like(c, file_of(c, "in.safetensors", old, 3, 0),
                       file_of(c, "form.safetensors", fresh, 3, 3), "o.safetensors",
                       (tn_convert_options){.to = NULL});
    assert_int_equal(l.err.code, TN_E_NO_SOURCE);
    assert_string_equal(l.err.subject, "p/a");
    assert_non_null(strstr(l.err.message, "2 more have no source"));
    assert_non_null(strstr(l.err.hint, "tenon check"));
    done(&l);
}

/* What a --fill names is taken only where the input has nothing for it, and its slots go along. */
static void fills(void **state)
{
    conv *c = *state;
    static const char *const old[] = {"a/w", "a/w/Adam", "b/w"};
    static const char *const fresh[] = {"a/w", "a/w/Adam", "c/w", "c/w/Adam", "global_step"};
    const char *in = file_of(c, "in.safetensors", old, 3, 0);
    const char *form = file_of(c, "form.safetensors", fresh, 5, 3);
    static const char *const fill[] = {"a/**", "c/w"}, *const drop[] = {"b/w"};
    tn_convert_options options = {.fill = fill, .n_fill = 2, .drop = drop, .n_drop = 1};
    like l = plan_like(c, in, form, "o.safetensors", options);
    assert_pair(&l, "a/w", "a/w", "name");
    assert_pair(&l, "a/w/Adam", "a/w/Adam", "name");
    assert_pair(&l, "c/w", "c/w", "fill");
    assert_pair(&l, "c/w/Adam", "c/w/Adam", "fill");
    assert_pair(&l, "global_step", "global_step", "counter");
    assert_true(warns(&l, "fill-unused"));
    assert_true(warns(&l, "counter"));
    tn_error err = {0};
    conv_ok(tn_plan_refusal(l.plan, &err), &err);
    tn_converted converted;
    conv_ok(tn_convert(l.plan, &converted, &err), &err);
    assert_int_equal(converted.tensors_verified, 5);
    done(&l);
    tn_model *out = conv_open(c->ctx, conv_at(c, "o.safetensors"));
    float got[2];
    tn_reader *reader;
    conv_ok(tn_reader_new(c->ctx, true, &reader, &err), &err);
    const tn_tensor *w = tn_model_at(out, tn_model_find(out, TN_SCHEME_NAME, TN_LIT("c/w")));
    conv_ok(tn_reader_start(reader, w, &err), &err);
    conv_ok(tn_reader_next(reader, 2, got, &err), &err);
    conv_ok(tn_reader_end(reader, &err), &err);
    assert_memory_equal(got, numbers + 5, sizeof got);
    tn_reader_free(reader);
    tn_model_free(out);
}

static void what_is_not_used_is_lost(void **state)
{
    conv *c = *state;
    static const char *const old[] = {"a/w", "a/w/Adam", "b/w"}, *const fresh[] = {"a/w"};
    like l = plan_like(c, file_of(c, "in.safetensors", old, 3, 0),
                       file_of(c, "form.safetensors", fresh, 1, 3), "o.safetensors",
                       (tn_convert_options){.to = NULL});
    conv_ok(l.status, &l.err);
    const tn_loss *losses;
    assert_int_equal(tn_plan_losses(l.plan, &losses), 2);
    assert_true(tn_str_equal(losses[0].fix, TN_LIT("--weights-only")));
    assert_true(tn_str_equal(losses[1].fix, TN_LIT("--drop 'b/w'")));
    assert_int_equal(losses[0].kind, TN_LOSS_STATE);
    assert_int_equal(tn_plan_refusal(l.plan, &l.err), TN_NO);
    done(&l);
}

/* A source goes to one tensor: of two that have its name as an alias, none is meant. */
static void a_name_that_two_have_means_none(void **state)
{
    conv *c = *state;
    like l = plan_like(c, TN_FIXTURES "/keras_h5/good-k2-subclassed/model.h5",
                       TN_FIXTURES "/keras_h5/good-k2-subclassed/model.h5", "o.h5",
                       (tn_convert_options){.to = NULL});
    assert_pair(&l, "first/sub/kernel", "first/sub/kernel", "name");
    assert_pair(&l, "second/sub/kernel", "second/sub/kernel", "name");
    done(&l);
    static const float zeros[9];
    const conv_tensor tensors[] = {{"sub/kernel", "F32", "3,3", zeros, 36},
                                   {"sub/bias", "F32", "3", zeros, 12},
                                   {"second/sub/kernel", "F32", "3,2", zeros, 24},
                                   {"second/sub/bias", "F32", "2", zeros, 8},
                                   {"sub/own", "F32", "2", zeros, 8}};
    l = plan_like(c, conv_safetensors(c, "in.safetensors", tensors, 5),
                  TN_FIXTURES "/keras_h5/good-k2-subclassed/model.h5", "o.h5",
                  (tn_convert_options){.to = NULL});
    assert_int_equal(l.err.code, TN_E_NO_SOURCE);
    assert_string_equal(l.err.subject, "first/sub/kernel");
    done(&l);
}

/* A file that takes its values from itself is what a plain conversion makes of it. */
static void a_file_like_itself(void **state)
{
    conv *c = *state;
    static const struct {
        const char *path, *plain, *like;
    } files[] = {
        {"/tf_checkpoint/good-keras3-functional/ckpt-1", "p-1", "l-1"},
        {"/tf_checkpoint/good-objects-iterator-table/ckpt", "p-1", "l-1"},
        {"/tf_checkpoint/good-v1-partitioned/model.ckpt", "p-1", "l-1"},
        {"/keras_h5/good-k2-nested-whole/model.h5", "p.h5", "l.h5"},
        {"/keras_h5/good-k3-attention-v3/model.weights.h5", "p.weights.h5", "l.weights.h5"}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[512];
        snprintf(path, sizeof path, TN_FIXTURES "%s", files[i].path);
        tn_convert_options options = {.replace = true};
        conv_must(c->ctx, path, conv_at(c, files[i].plain), &options);
        like l = plan_like(c, path, path, files[i].like, options);
        conv_ok(l.status, &l.err);
        tn_converted converted;
        tn_error err = {0};
        conv_ok(tn_convert(l.plan, &converted, &err), &err);
        done(&l);
        static const char *const ends[] = {"", ".index", ".data-00000-of-00001"};
        for (int k = i < 3 ? 1 : 0; k < (i < 3 ? 3 : 1); k++) {
            char one[64], two[64];
            snprintf(one, sizeof one, "%s%s", files[i].plain, ends[k]);
            snprintf(two, sizeof two, "%s%s", files[i].like, ends[k]);
            assert_true(conv_same(conv_at(c, one), conv_at(c, two)));
        }
    }
}

/* What is written follows a file that must be the same one to the end. */
static void the_form_stays_as_it_was(void **state)
{
    conv *c = *state;
    static const char *const old[] = {"a/w"}, *const fresh[] = {"a/w", "global_step"};
    char form[512];
    snprintf(form, sizeof form, "%s", file_of(c, "form.safetensors", fresh, 2, 3));
    like l = plan_like(c, file_of(c, "in.safetensors", old, 1, 0), form, "o.safetensors",
                       (tn_convert_options){.to = NULL});
    conv_ok(l.status, &l.err);
    FILE *stream = fopen(form, "ab");
    assert_non_null(stream);
    assert_int_equal(fputc(0, stream), 0);
    assert_int_equal(fclose(stream), 0);
    tn_converted converted;
    assert_int_equal(tn_convert(l.plan, &converted, &l.err), TN_READ);
    assert_int_equal(l.err.code, TN_E_CHANGED);
    assert_string_equal(l.err.path, form);
    done(&l);
}

static void a_list_has_no_values(void **state)
{
    conv *c = *state;
    static const char list[] = "{\"a/w\": [2], \"save_counter\": []}";
    static const char *const old[] = {"a/w"}, *const fill[] = {"save_counter"};
    conv_store(conv_at(c, "list.json"), list, sizeof list - 1);
    char form[512];
    snprintf(form, sizeof form, "%s", conv_at(c, "list.json"));
    const char *in = file_of(c, "in.safetensors", old, 1, 0);
    like l =
        plan_like(c, in, form, "o.safetensors", (tn_convert_options){.fill = fill, .n_fill = 1});
    assert_int_equal(l.err.code, TN_E_NO_SOURCE);
    assert_string_equal(l.err.subject, "save_counter");
    assert_non_null(strstr(l.err.hint, "holds no values"));
    done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONV_TEST(names_come_before_the_order),
        CONV_TEST(the_order_is_that_of_numbers),
        CONV_TEST(the_order_never_speaks_against_names),
        CONV_TEST(weights_of_a_layer),
        CONV_TEST(layers_are_not_torn),
        CONV_TEST(fills),
        CONV_TEST(what_is_not_used_is_lost),
        CONV_TEST(a_name_that_two_have_means_none),
        CONV_TEST(a_file_like_itself),
        CONV_TEST(the_form_stays_as_it_was),
        CONV_TEST(a_list_has_no_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
