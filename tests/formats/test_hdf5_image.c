/* Metadata of new HDF5 files: made, put together with values, read back. */
#include "core/arena.h"
#include "core/context.h"
#include "fixtures.h"
#include "formats/format.h"
#include "formats/shared/hdf5_client.h"
#include "support/scratch.h"

static const int64_t matrix[] = {3, 4}, none[] = {0, 3}, pair[] = {2}, long_list[] = {2000};
static const tn_str words[] = {{"dense", 5}, {"größe", 7}};
static const int32_t numbers[] = {7, -1};
static const double half = 0.5;

static const tni_hdf5_attribute root_attributes[] = {
    {.name = {"layer_names", 11},
     .dtype = TN_STRING,
     .width = 7,
     .rank = 1,
     .shape = pair,
     .elements = 2,
     .strings = words},
    {.name = {"backend", 7},
     .dtype = TN_STRING,
     .variable = true,
     .utf8 = true,
     .elements = 1,
     .strings = words},
    {.name = {"numbers", 7},
     .dtype = TN_INT32,
     .rank = 1,
     .shape = pair,
     .elements = 2,
     .values = numbers},
    {.name = {"half", 4}, .dtype = TN_FLOAT64, .elements = 1, .values = &half},
    {.name = {"empty", 5}, .dtype = TN_FLOAT64, .rank = 1, .shape = none, .elements = 0},
};

static const tni_hdf5_node nodes[] = {
    {.kind = TNI_HDF5_GROUP, .attributes = root_attributes, .n_attributes = 5},
    {.kind = TNI_HDF5_GROUP, .parent = 0, .name = {"größe", 7}},
    {.kind = TNI_HDF5_DATASET,
     .parent = 1,
     .name = {"kernel:0", 8},
     .dtype = TN_FLOAT32,
     .rank = 2,
     .shape = matrix},
    {.kind = TNI_HDF5_DATASET,
     .parent = 1,
     .name = {"none", 4},
     .dtype = TN_FLOAT16,
     .rank = 2,
     .shape = none},
    {.kind = TNI_HDF5_DATASET, .parent = 0, .name = {"scalar", 6}, .dtype = TN_INT64},
    {.kind = TNI_HDF5_DATASET,
     .parent = 0,
     .name = {"half", 4},
     .dtype = TN_FLOAT16,
     .rank = 2,
     .shape = matrix},
    {.kind = TNI_HDF5_DATASET,
     .parent = 0,
     .name = {"flags", 5},
     .dtype = TN_BOOL,
     .rank = 1,
     .shape = pair},
    {.kind = TNI_HDF5_DATASET,
     .parent = 0,
     .name = {"complex", 7},
     .dtype = TN_COMPLEX64,
     .rank = 1,
     .shape = pair},
    {.kind = TNI_HDF5_DATASET,
     .parent = 1,
     .name = {"brain", 5},
     .dtype = TN_BFLOAT16,
     .rank = 2,
     .shape = matrix},
};

enum { NODES = sizeof nodes / sizeof nodes[0] };

typedef struct made {
    tn_context *ctx;
    tni_arena arena;
    tni_hdf5_image image;
} made;

static tn_status make(made *m, const tni_hdf5_node *of, size_t count, bool newer, tn_error *err)
{
    m->ctx = tn_context_new(NULL);
    tni_arena_init(&m->arena, m->ctx, UINT64_MAX);
    return tni_hdf5_image_make(m->ctx, of, count, newer, &m->arena, &m->image, err);
}

static void unmake(made *m)
{
    tni_arena_clear(&m->arena);
    tn_context_free(m->ctx);
}

/* Puts a file together: byte i of a node's values is its number + i. */
static char *put_together(const made *m, size_t count)
{
    char *file = calloc(1, (size_t)m->image.size);
    for (size_t i = 0; i < m->image.n_pieces; i++) {
        memcpy(file + m->image.pieces[i].offset, m->image.pieces[i].bytes.data,
               m->image.pieces[i].bytes.len);
    }
    for (size_t i = 0; i < count; i++) {
        for (uint64_t k = 0; k < m->image.places[i].bytes; k++) {
            file[m->image.places[i].offset + k] = (char)(i + k);
        }
    }
    return file;
}

static void write_file(const char *path, const char *data, size_t len)
{
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(data, 1, len, out), len);
    assert_int_equal(fclose(out), 0);
}

static void check_root(const tni_hdf5_object *root)
{
    const tni_hdf5_attribute *names = tni_hdf5_attribute_of(root, "layer_names");
    assert_int_equal(names->elements, 2);
    assert_int_equal(names->width, 7);
    assert_false(names->variable);
    assert_true(tn_str_equal(names->strings[1], words[1]));
    const tni_hdf5_attribute *backend = tni_hdf5_attribute_of(root, "backend");
    assert_true(backend->variable && backend->utf8 && backend->rank == 0);
    assert_true(tn_str_equal(backend->strings[0], words[0]));
    assert_memory_equal(tni_hdf5_attribute_of(root, "numbers")->values, numbers, sizeof numbers);
    assert_true(*(const double *)tni_hdf5_attribute_of(root, "half")->values == half);
    assert_int_equal(tni_hdf5_attribute_of(root, "empty")->elements, 0);
}

static void check_file(const made *m, const char *path)
{
    tn_model *model;
    tn_source *source;
    const tni_hdf5_file *file;
    tn_error err = {0};
    assert_int_equal(tni_model_new(m->ctx, &model, &err), TN_OK);
    assert_int_equal(tni_source_open(m->ctx, path, &source, &err), TN_OK);
    assert_int_equal(tni_model_keep(model, source, &err), TN_OK);
    if (tni_hdf5_open(model, source, &file, &err) != TN_OK) {
        fail_msg("%s: %s", err.subject, err.message);
    }
    assert_int_equal(file->count, NODES);
    check_root(&file->objects[0]);
    for (size_t i = 1; i < NODES; i++) {
        const tni_hdf5_object *group =
            nodes[i].parent == 0 ? file->objects : tni_hdf5_find(file, nodes[1].name);
        const tni_hdf5_object *object = tni_hdf5_child(file, group, nodes[i].name);
        assert_non_null(object);
        assert_int_equal(object->kind, nodes[i].kind);
        if (object->kind == TNI_HDF5_DATASET) {
            bool opaque = nodes[i].dtype == TN_BFLOAT16;
            assert_int_equal(object->dtype, opaque ? TN_DTYPE_NONE : nodes[i].dtype);
            assert_int_equal(object->opaque_size, opaque ? 2 : 0);
            assert_int_equal(object->rank, nodes[i].rank);
            assert_int_equal(object->bytes, m->image.places[i].bytes);
            assert_int_equal(object->offset, m->image.places[i].offset);
        }
    }
    tn_model_free(model);
}

static void made_and_read(void **state)
{
    tn_scratch scratch;
    (void)state;
    tn_scratch_make(&scratch);
    for (int newer = 0; newer < 2; newer++) {
        made first, second;
        tn_error err = {0};
        if (make(&first, nodes, NODES, newer == 1, &err) != TN_OK ||
            make(&second, nodes, NODES, newer == 1, &err) != TN_OK) {
            fail_msg("%s: %s", err.subject, err.message);
        }
        char *file = put_together(&first, NODES), *again = put_together(&second, NODES);
        assert_int_equal(first.image.size, second.image.size);
        assert_memory_equal(file, again, first.image.size);
        const char *path = tn_scratch_at(&scratch, newer == 1 ? "newer.h5" : "made.h5");
        write_file(path, file, (size_t)first.image.size);
        check_file(&first, path);
        free(file);
        free(again);
        unmake(&first);
        unmake(&second);
    }
    tn_scratch_remove(&scratch);
}

/* What HDF5 cannot hold is an error that names it, never a half-made file. */
static void cannot_hold(void **state)
{
    static char text[70000];
    memset(text, 'x', sizeof text);
    const tn_str huge = {text, sizeof text};
    const tni_hdf5_attribute wide = {.name = {"wide", 4},
                                     .dtype = TN_STRING,
                                     .width = sizeof text,
                                     .elements = 1,
                                     .strings = &huge};
    const tni_hdf5_node cases[][3] = {
        {nodes[0], {.kind = TNI_HDF5_GROUP, .name = {"a/b", 3}}, {.kind = TNI_HDF5_GROUP}},
        {nodes[0], {.kind = TNI_HDF5_GROUP, .name = {".", 1}}, {.kind = TNI_HDF5_GROUP}},
        {nodes[0], {.kind = TNI_HDF5_GROUP, .name = {"a\0b", 3}}, {.kind = TNI_HDF5_GROUP}},
        {nodes[0],
         {.kind = TNI_HDF5_GROUP, .name = {"a", 1}},
         {.kind = TNI_HDF5_GROUP, .name = {"a", 1}}},
        {nodes[0],
         {.kind = TNI_HDF5_GROUP, .name = {"w", 1}, .attributes = &wide, .n_attributes = 1},
         {.kind = TNI_HDF5_GROUP, .name = {"a", 1}}},
        {nodes[0],
         {.kind = TNI_HDF5_DATASET,
          .name = {"v", 1},
          .dtype = TN_VARIANT,
          .rank = 1,
          .shape = long_list},
         {.kind = TNI_HDF5_GROUP, .name = {"a", 1}}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        made m;
        tn_error err = {0};
        assert_int_not_equal(make(&m, cases[i], 3, false, &err), TN_OK);
        if (err.code != TN_E_CANNOT_HOLD) {
            fail_msg("case %zu: %s", i, err.message);
        }
        unmake(&m);
    }
}

/* Many objects, in groups of one another: the engine's and the helper's memory and time hold. */
static void many_objects(void **state)
{
    enum { GROUPS = 400, EACH = 5, COUNT = 1 + GROUPS * (EACH + 1) };
    tni_hdf5_node *many = calloc(COUNT, sizeof *many);
    static char names[COUNT][16];
    made m;
    tn_error err = {0};
    (void)state;
    many[0] = (tni_hdf5_node){.kind = TNI_HDF5_GROUP};
    for (uint32_t i = 1; i < COUNT; i++) {
        uint32_t in_group = (i - 1) % (EACH + 1);
        int len = snprintf(names[i], sizeof names[i], "n%u", i);
        many[i] = (tni_hdf5_node){.kind = in_group == 0 ? TNI_HDF5_GROUP : TNI_HDF5_DATASET,
                                  .parent = in_group == 0 ? 0 : i - in_group,
                                  .name = {names[i], (size_t)len},
                                  .dtype = TN_FLOAT32,
                                  .rank = 1,
                                  .shape = long_list};
    }
    if (make(&m, many, COUNT, false, &err) != TN_OK) {
        fail_msg("%s", err.message);
    }
    assert_true(m.image.size > (uint64_t)GROUPS * EACH * 8000);
    unmake(&m);
    free(many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(made_and_read),
                                       cmocka_unit_test(cannot_hold),
                                       cmocka_unit_test(many_objects)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
