/* The legacy layout of Keras: order, split lists, and files whose lists and groups do not agree. */
#include "fixtures.h"
#include "formats/shared/hdf5_client.h"
#include "support/scratch.h"
#include <unistd.h>

/* A small tree that a test describes. */
typedef struct tree {
    tn_context *ctx;
    tni_arena arena;
    tn_scratch dir;
    tni_hdf5_node nodes[64];
    tni_hdf5_attribute attributes[64][4];
    size_t count;
} tree;

static void start(tree *t)
{
    memset(t, 0, sizeof *t);
    t->ctx = tn_context_new(NULL);
    tni_arena_init(&t->arena, t->ctx, UINT64_MAX);
    tn_scratch_make(&t->dir);
    t->nodes[t->count++] = (tni_hdf5_node){.kind = TNI_HDF5_GROUP, .parent = TN_NO_INDEX};
}

static void end(tree *t)
{
    tni_arena_clear(&t->arena);
    tn_scratch_remove(&t->dir);
    tn_context_free(t->ctx);
}

static uint32_t add(tree *t, tni_hdf5_kind kind, uint32_t parent, const char *name)
{
    static const int64_t shape[] = {2};
    t->nodes[t->count] = (tni_hdf5_node){.kind = kind,
                                         .parent = parent,
                                         .name = tn_str_of(name),
                                         .dtype = TN_FLOAT32,
                                         .rank = 1,
                                         .shape = shape};
    return (uint32_t)t->count++;
}

static uint32_t group(tree *t, uint32_t parent, const char *name)
{
    return add(t, TNI_HDF5_GROUP, parent, name);
}

static uint32_t dataset(tree *t, uint32_t parent, const char *name)
{
    return add(t, TNI_HDF5_DATASET, parent, name);
}

enum kind { FIXED, VARIABLE, WIDE };

/* Gives a node a list of the words of `text`, which blanks part. */
static void list(tree *t, uint32_t node, const char *name, const char *text, enum kind kind)
{
    tni_hdf5_node *of = &t->nodes[node];
    tni_hdf5_attribute *to = &t->attributes[node][of->n_attributes++];
    tn_str *words = calloc(strlen(text) + 1, sizeof *words);
    int64_t *count = calloc(1, sizeof *count);
    uint32_t width = 1;
    for (const char *at = text; *at != '\0'; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        words[(*count)++] = (tn_str){at, len};
        width = len > width ? (uint32_t)len : width;
        at += len;
    }
    *to = (tni_hdf5_attribute){.name = tn_str_of(name),
                               .dtype = *count == 0 ? TN_FLOAT64 : TN_STRING,
                               .variable = kind == VARIABLE,
                               .width = kind == WIDE ? 2 * width : width,
                               .rank = 1,
                               .shape = count,
                               .elements = *count,
                               .strings = words};
    of->attributes = t->attributes[node];
}

static void forget_lists(tree *t)
{
    for (size_t i = 0; i < t->count; i++) {
        for (uint32_t k = 0; k < t->nodes[i].n_attributes; k++) {
            free((void *)(uintptr_t)t->attributes[i][k].strings);
            free((void *)(uintptr_t)t->attributes[i][k].shape);
        }
    }
}

/* Writes the tree and opens it. Values are zero. */
static tn_status open_tree(tree *t, tn_model **model_out, tn_error *err)
{
    tni_hdf5_image image;
    tn_error why = {0};
    if (tni_hdf5_image_make(t->ctx, t->nodes, t->count, false, &t->arena, &image, &why) != TN_OK) {
        fail_msg("%s", why.message);
    }
    const char *path = tn_scratch_at(&t->dir, "model.h5");
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (size_t i = 0; i < image.n_pieces; i++) {
        assert_int_equal(fseek(file, (long)image.pieces[i].offset, SEEK_SET), 0);
        assert_int_equal(fwrite(image.pieces[i].bytes.data, 1, image.pieces[i].bytes.len, file),
                         image.pieces[i].bytes.len);
    }
    fclose(file);
    assert_int_equal(truncate(path, (off_t)image.size), 0);
    tn_status status = tn_open(t->ctx, path, NULL, model_out, err);
    forget_lists(t);
    return status;
}

static void expect_names(const tn_model *model, const char *const *names, size_t count)
{
    assert_int_equal(tn_model_count(model), count);
    for (size_t i = 0; i < count; i++) {
        tn_str name = tn_model_at(model, i)->alias[TN_SCHEME_NAME];
        if (!tn_str_equal(name, tn_str_of(names[i]))) {
            fail_msg("tensor %zu is %.*s, not %s", i, (int)name.len, name.data, names[i]);
        }
    }
}

/* Two layers that share their weights' names are called by their groups; parts of a list follow
 * each other; both kinds of strings are read, whatever their width. */
static void split_lists(void **state)
{
    static const char *const names[] = {"b/k", "a/k", "a/x"};
    tree t;
    tn_model *model;
    tn_error err = {0};
    (void)state;
    start(&t);
    uint32_t a = group(&t, 0, "a"), b = group(&t, 0, "b"), empty = group(&t, 0, "none");
    list(&t, 0, "layer_names0", "b none", FIXED);
    list(&t, 0, "layer_names1", "a", WIDE);
    list(&t, b, "weight_names", "k:0", VARIABLE);
    list(&t, a, "weight_names0", "k:0", FIXED);
    list(&t, a, "weight_names1", "x", VARIABLE);
    list(&t, empty, "weight_names", "", FIXED);
    dataset(&t, a, "k:0");
    dataset(&t, a, "x");
    dataset(&t, b, "k:0");
    assert_int_equal(open_tree(&t, &model, &err), TN_OK);
    assert_string_equal(tn_model_layout(model), "legacy");
    expect_names(model, names, 3);
    uint32_t index;
    assert_int_equal(
        tn_model_lookup(model, TN_SCHEME_NAME, TN_LIT("layers[1].weights[1]"), &index, &err),
        TN_OK);
    assert_int_equal(index, 2);
    assert_int_equal(tn_report_count(tn_model_findings(model)), 0);
    tn_model_free(model);
    end(&t);
}

/* A layer's name and a weight's name may have '/' in them: one layer lies in another's group. */
static void slashes(void **state)
{
    static const char *const names[] = {"fire/squeeze/kernel", "fire/kernel"};
    tree t;
    tn_model *model;
    tn_error err = {0};
    (void)state;
    start(&t);
    uint32_t fire = group(&t, 0, "fire"), squeeze = group(&t, fire, "squeeze");
    uint32_t deep = group(&t, squeeze, "fire"), deeper = group(&t, deep, "squeeze");
    uint32_t own = group(&t, fire, "fire");
    list(&t, 0, "layer_names", "fire/squeeze fire", FIXED);
    list(&t, squeeze, "weight_names", "fire/squeeze/kernel:0", FIXED);
    list(&t, fire, "weight_names", "fire/kernel:0", FIXED);
    dataset(&t, deeper, "kernel:0");
    dataset(&t, own, "kernel:0");
    assert_int_equal(open_tree(&t, &model, &err), TN_OK);
    expect_names(model, names, 2);
    tn_model_free(model);
    end(&t);
}

/* What no list names is said and left out. */
static void unlisted(void **state)
{
    static const char *const names[] = {"k"};
    tree t;
    tn_model *model;
    tn_error err = {0};
    (void)state;
    start(&t);
    uint32_t a = group(&t, 0, "a");
    list(&t, 0, "layer_names", "a", FIXED);
    list(&t, a, "weight_names", "k:0", FIXED);
    dataset(&t, a, "k:0");
    dataset(&t, a, "stray");
    assert_int_equal(open_tree(&t, &model, &err), TN_OK);
    expect_names(model, names, 1);
    assert_int_equal(tn_report_count(tn_model_findings(model)), 1);
    assert_string_equal(tn_report_at(tn_model_findings(model), 0)->code, "unlisted");
    tn_model_free(model);
    end(&t);
}

/* Lists that lie. */
static void refused(void **state)
{
    static const struct {
        const char *layers, *weights, *subject;
    } cases[] = {
        {"a b", "k:0", "b"},       {"a", "k:0 m:0", "m:0"},       {"a", "k:0 k:0", "a/k:0"},
        {"a", "/a/k:0", "/a/k:0"}, {"a", "../a/k:0", "../a/k:0"}, {"a a", "k:0", "a/k:0"},
        {"a", "deep", "deep"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tree t;
        tn_model *model;
        tn_error err = {0};
        start(&t);
        uint32_t a = group(&t, 0, "a");
        group(&t, a, "deep");
        list(&t, 0, "layer_names", cases[i].layers, FIXED);
        list(&t, a, "weight_names", cases[i].weights, FIXED);
        dataset(&t, a, "k:0");
        assert_int_equal(open_tree(&t, &model, &err), TN_CORRUPT);
        assert_string_equal(err.subject, cases[i].subject);
        end(&t);
    }
}

/* A list with a gap, and one that holds numbers. */
static void broken_lists(void **state)
{
    tn_model *model;
    tn_error err = {0};
    tree t;
    (void)state;
    start(&t);
    list(&t, 0, "layer_names0", "a", FIXED);
    list(&t, 0, "layer_names2", "b", FIXED);
    group(&t, 0, "a");
    assert_int_equal(open_tree(&t, &model, &err), TN_CORRUPT);
    end(&t);
    static const double number = 1;
    err = (tn_error){0};
    start(&t);
    list(&t, 0, "layer_names", "a", FIXED);
    t.attributes[0][0].dtype = TN_FLOAT64;
    t.attributes[0][0].values = &number;
    assert_int_equal(open_tree(&t, &model, &err), TN_CORRUPT);
    end(&t);
}

/* Tensors stand in the order of layers, in which the fixtures list them. */
static void check_order(const char *folder, const json_t *expected, void *user)
{
    size_t i, *files = user;
    const json_t *record;
    char path[FIXTURE_PATH];
    tn_model *model;
    tn_context *ctx = tn_context_new(NULL);
    snprintf(path, sizeof(path), "%s/%s", folder,
             json_string_value(json_object_get(expected, "path")));
    if (strcmp(json_string_value(json_object_get(expected, "layout")), "legacy") == 0) {
        assert_int_equal(tn_open(ctx, path, NULL, &model, NULL), TN_OK);
        json_array_foreach(json_object_get(expected, "tensors"), i, record)
        {
            if (fixture_find(model, record) != tn_model_at(model, i)) {
                fail_msg("%s: tensor %zu is another one", folder, i);
            }
        }
        (*files)++;
        tn_model_free(model);
    }
    tn_context_free(ctx);
}

static void order_of_layers(void **state)
{
    size_t files = 0;
    (void)state;
    fixture_visit(TN_FIXTURES "/keras_h5", 1, check_order, &files);
    assert_true(files >= 14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(split_lists),  cmocka_unit_test(slashes),
        cmocka_unit_test(unlisted),     cmocka_unit_test(refused),
        cmocka_unit_test(broken_lists), cmocka_unit_test(order_of_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
