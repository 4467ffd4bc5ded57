/* Files of many objects, and of any length: what travels in batches, and what is read in blocks,
 * must come out whole whatever lies at their edges. The helper makes each file and lists it again;
 * the nodes that it was asked for are what must be found. */
#include "core/arena.h"
#include "core/context.h"
#include "core/cursor.h"
#include "fixtures.h"
#include "formats/format.h"
#include "formats/shared/hdf5_client.h"
#include "support/scratch.h"
#include <inttypes.h>

enum { NAME = 24, PREFIX = 1000, SUFFIX = 77 };

static const int64_t two[] = {2};

typedef struct many {
    tn_context *ctx;
    tn_scratch scratch;
    tni_arena arena;
    tni_hdf5_node *nodes;
    char (*names)[NAME];
    size_t count;
    bool newer; /* the format of HDF5 1.8 */
} many;

/* Makes a tree of groups with `each` datasets of `shape`; the root is node 0. */
static void grow_tree(many *m, size_t groups, size_t each, const int64_t *shape)
{
    m->newer = false;
    m->count = 1 + groups * (1 + each);
    m->nodes = calloc(m->count, sizeof *m->nodes);
    m->names = calloc(m->count, sizeof *m->names);
    m->ctx = tn_context_new(NULL);
    tni_arena_init(&m->arena, m->ctx, UINT64_MAX);
    tn_scratch_make(&m->scratch);
    m->nodes[0] = (tni_hdf5_node){.kind = TNI_HDF5_GROUP};
    for (size_t i = 1; i < m->count; i++) {
        size_t in_group = (i - 1) % (each + 1);
        int len = snprintf(m->names[i], NAME, "node-%zu", i);
        m->nodes[i] = (tni_hdf5_node){.kind = in_group == 0 ? TNI_HDF5_GROUP : TNI_HDF5_DATASET,
                                      .parent = in_group == 0 ? 0 : (uint32_t)(i - in_group),
                                      .name = {m->names[i], (size_t)len},
                                      .dtype = TN_FLOAT32,
                                      .rank = 1,
                                      .shape = shape};
    }
}

static void fell_tree(many *m)
{
    tni_arena_clear(&m->arena);
    tn_context_free(m->ctx);
    tn_scratch_remove(&m->scratch);
    free(m->nodes);
    free(m->names);
}

/* Puts the file together with bytes before and behind it that are none of it. */
static void write_image(const many *m, const tni_hdf5_image *image, const char *path)
{
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    char *bytes = calloc(1, image->size + PREFIX + SUFFIX);
    memset(bytes, 0xee, PREFIX);
    memset(bytes + PREFIX + image->size, 0xee, SUFFIX);
    for (size_t i = 0; i < image->n_pieces; i++) {
        assert_true(i == 0 || image->pieces[i].offset > image->pieces[i - 1].offset);
        memcpy(bytes + PREFIX + image->pieces[i].offset, image->pieces[i].bytes.data,
               image->pieces[i].bytes.len);
    }
    for (size_t i = 0; i < m->count; i++) {
        memset(bytes + PREFIX + image->places[i].offset, 0xee, image->places[i].bytes);
    }
    assert_int_equal(fwrite(bytes, 1, image->size + PREFIX + SUFFIX, out),
                     image->size + PREFIX + SUFFIX);
    assert_int_equal(fclose(out), 0);
    free(bytes);
}

static void check_node(const many *m, const tni_hdf5_image *image, const tni_hdf5_file *file,
                       size_t index)
{
    const tni_hdf5_node *node = &m->nodes[index];
    const tni_hdf5_object *group = file->objects;
    if (node->parent != 0) {
        group = tni_hdf5_find(file, m->nodes[node->parent].name);
        assert_non_null(group);
    }
    const tni_hdf5_object *found = tni_hdf5_child(file, group, node->name);
    assert_non_null(found);
    assert_int_equal(found->kind, node->kind);
    assert_int_equal(found->n_attributes, node->n_attributes);
    if (node->kind == TNI_HDF5_DATASET) {
        assert_int_equal(found->dtype, node->dtype);
        assert_int_equal(found->offset, image->places[index].offset);
        assert_int_equal(found->bytes, image->places[index].bytes);
        assert_int_equal(found->shape[0], node->shape[0]);
    }
    for (uint32_t i = 0; i < node->n_attributes; i++) {
        const tni_hdf5_attribute *attribute = tni_hdf5_attribute_of(found, "text");
        assert_non_null(attribute);
        assert_true(tn_str_equal(attribute->strings[0], node->attributes[i].strings[0]));
    }
}

/* Makes the file, writes it into the middle of another and lists it there. Returns its size. */
static uint64_t make_and_list(many *m)
{
    tn_error err = {0};
    tn_model *model;
    tn_source *whole, *window;
    tni_hdf5_image image;
    const tni_hdf5_file *file;
    const char *path = tn_scratch_at(&m->scratch, "many.h5");
    if (tni_hdf5_image_make(m->ctx, m->nodes, m->count, m->newer, &m->arena, &image, &err) !=
        TN_OK) {
        fail_msg("%s", err.message);
    }
    write_image(m, &image, path);
    assert_int_equal(tni_model_new(m->ctx, &model, &err), TN_OK);
    assert_int_equal(tni_source_open(m->ctx, path, &whole, &err), TN_OK);
    assert_int_equal(tni_source_window(whole, PREFIX, image.size, &window, &err), TN_OK);
    tni_source_release(whole);
    assert_int_equal(tni_model_keep(model, window, &err), TN_OK);
    if (tni_hdf5_open(model, window, &file, &err) != TN_OK) {
        fail_msg("%" PRIu64 " bytes: %s: %s", image.size, err.subject, err.message);
    }
    assert_int_equal(file->count, m->count);
    for (size_t i = 1; i < m->count; i++) {
        check_node(m, &image, file, i);
    }
    tn_model_free(model);
    return image.size;
}

/* More than fits any buffer of either side, both ways; and more groups than are kept open. */
static void many_objects(void **state)
{
    many m;
    (void)state;
    for (int newer = 0; newer < 2; newer++) {
        grow_tree(&m, 1500, 2, two);
        m.newer = newer == 1;
        (void)make_and_list(&m);
        fell_tree(&m);
    }
}

/* Groups in one another, filled in turn: each is left and found again. */
static void groups_in_turn(void **state)
{
    enum { GROUPS = 40 };
    many m;
    (void)state;
    grow_tree(&m, GROUPS, GROUPS, two);
    for (uint32_t i = 1; i < m.count; i++) {
        bool is_group = i <= GROUPS;
        m.nodes[i].kind = is_group ? TNI_HDF5_GROUP : TNI_HDF5_DATASET;
        m.nodes[i].parent = is_group ? 0 : 1 + (i - 1) % GROUPS;
    }
    (void)make_and_list(&m);
    fell_tree(&m);
}

/* Attributes from nothing to almost what one may take, so that frames of every length meet the end
 * of every buffer. */
static void long_attributes(void **state)
{
    enum { GROUPS = 60 };
    static char text[64000];
    static tn_str strings[GROUPS];
    static tni_hdf5_attribute attributes[GROUPS];
    many m;
    (void)state;
    memset(text, 'x', sizeof text);
    grow_tree(&m, GROUPS, 1, two);
    for (size_t i = 0; i < GROUPS; i++) {
        strings[i] = (tn_str){text, 1 + i * 1063};
        attributes[i] = (tni_hdf5_attribute){.name = {"text", 4},
                                             .dtype = TN_STRING,
                                             .width = (uint32_t)strings[i].len,
                                             .elements = 1,
                                             .strings = &strings[i]};
        m.nodes[1 + 2 * i].attributes = &attributes[i];
        m.nodes[1 + 2 * i].n_attributes = 1;
    }
    (void)make_and_list(&m);
    fell_tree(&m);
}

/* The first dataset pushes the metadata of the others over the edge of a block of the helper's
 * cache, and the file's end with it. */
static void any_length(void **state)
{
    enum { BLOCK = 16384, LEAST = 6000, MOST = 10000, STEP = 136 };
    uint64_t least = UINT64_MAX, most = 0;
    (void)state;
    for (int64_t bytes = LEAST; bytes < MOST; bytes += STEP) {
        many m;
        int64_t shape = bytes / 4;
        grow_tree(&m, 3, 2, two);
        m.nodes[2].shape = &shape;
        uint64_t size = make_and_list(&m);
        least = size < least ? size : least;
        most = size > most ? size : most;
        fell_tree(&m);
    }
    print_message("files of %" PRIu64 " to %" PRIu64 " bytes\n", least, most);
    assert_true(least / BLOCK < most / BLOCK); /* else nothing was at an edge */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_objects), cmocka_unit_test(groups_in_turn),
        cmocka_unit_test(long_attributes), cmocka_unit_test(any_length)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
