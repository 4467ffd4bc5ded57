/* Object graphs from nothing, read back by the reader's walk and by protobuf-c. */
#include "formats/shared/object_walk.h"
#include "formats/tf_checkpoint/graph_write.h"
#include "formats/tf_checkpoint/object_graph.h"
#include "schemas/object_graph.pb-c.h"
#include "tf_file.h"

typedef struct fixture {
    tn_context *ctx;
    tni_arena arena;
    tni_buffer message;
    tn_str *keys;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    f->ctx = tn_context_new(NULL);
    tni_arena_init(&f->arena, f->ctx, UINT64_C(1) << 32);
    tni_buffer_init(&f->message, f->ctx);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    tni_buffer_clear(&f->message);
    tni_arena_clear(&f->arena);
    tn_context_free(f->ctx);
    free(f->keys);
    free(f);
    return 0;
}

static tni_tf_place variable(const char *path)
{
    return (tni_tf_place){
        .path = tn_str_of(path), .full_name = tn_str_of(path), .owner = TN_NO_INDEX};
}

static tni_tf_place slot(const char *optimizer, const char *name, uint32_t owner)
{
    return (tni_tf_place){.path = tn_str_of(optimizer),
                          .slot = tn_str_of(name),
                          .full_name = TN_LIT("full"),
                          .owner = owner};
}

static tn_str text_of(ProtobufCBinaryData data)
{
    return (tn_str){(const char *)data.data, data.len};
}

static void build(fixture *f, const tni_tf_place *places, uint32_t count)
{
    tn_error err = {0};
    f->keys = calloc(count, sizeof *f->keys);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(tni_tf_place_key(places, i, &f->arena, &f->keys[i], &err), TN_OK);
    }
    assert_int_equal(tni_tf_graph_write(f->ctx, places, f->keys, count, &f->message, &err), TN_OK);
}

/* Walks to a path of the parsed graph. */
static uint32_t node_at(fixture *f, const tni_tf_graph *graph, tn_str path)
{
    tni_object_walk walk;
    tn_str component;
    uint32_t node = 0, edge;
    assert_int_equal(tni_object_walk_init(graph->nodes, graph->n_nodes, &f->arena, &walk, NULL),
                     TN_OK);
    while (path.len > 0 && tni_object_component(&path, &component)) {
        assert_int_equal(tni_object_step(&walk, node, component, &edge, NULL), TN_OK);
        assert_true(edge != TN_NO_INDEX);
        node = graph->nodes[node].children[edge].node;
    }
    return node;
}

/* Every variable stands at its path, every slot is one of its optimizer's, and nothing else is
 * there. */
static void graph_is(fixture *f, const tni_tf_place *places, uint32_t count)
{
    tni_tf_graph graph;
    tn_error err = {0};
    tn_str message = {f->message.data, f->message.len};
    uint32_t slots = 0;
    assert_int_equal(tni_tf_graph_parse(message, &f->arena, &graph, &err), TN_OK);
    assert_int_equal(graph.n_attributes, count);
    for (uint32_t i = 0; i < count; i++) {
        const tn_object *object;
        if (places[i].slot.data == NULL) {
            object = &graph.nodes[node_at(f, &graph, places[i].path)];
        } else {
            const tn_object *optimizer = &graph.nodes[node_at(f, &graph, places[i].path)];
            uint32_t owner = node_at(f, &graph, places[places[i].owner].path), k = 0;
            while (optimizer->slots[k].variable != owner ||
                   !tn_str_equal(optimizer->slots[k].name, places[i].slot)) {
                assert_true(++k < optimizer->n_slots);
            }
            object = &graph.nodes[optimizer->slots[k].node];
            slots++;
        }
        assert_int_equal(object->n_attributes, 1);
        assert_true(tn_str_equal(object->attributes[0].key, f->keys[i]));
        assert_true(tn_str_equal(object->attributes[0].full_name, places[i].full_name));
        assert_true(tn_str_equal(object->attributes[0].name, TN_LIT("VARIABLE_VALUE")));
    }
    assert_int_equal(graph.n_slots, slots);
    Tenon__TrackableObjectGraph *other = tenon__trackable_object_graph__unpack(
        NULL, f->message.len, (const uint8_t *)f->message.data);
    assert_non_null(other);
    assert_int_equal(other->n_nodes, graph.n_nodes);
    for (uint32_t n = 0; n < graph.n_nodes; n++) {
        const Tenon__TrackableObject *node = other->nodes[n];
        assert_true(node->has_checkpoint_values != NULL && node->has_checkpoint_values->value);
        assert_int_equal(node->n_children, graph.nodes[n].n_children);
        for (uint32_t c = 0; c < node->n_children; c++) {
            assert_int_equal(node->children[c]->node_id, graph.nodes[n].children[c].node);
            assert_true(tn_str_equal(text_of(node->children[c]->local_name),
                                     graph.nodes[n].children[c].name));
        }
    }
    tenon__trackable_object_graph__free_unpacked(other, NULL);
}

static void every_kind(void **state)
{
    fixture *f = *state;
    const tni_tf_place places[] = {
        variable("model/dense/kernel"),
        variable("model/dense/bias"),
        variable("model"), /* an object may hold a variable and others */
        variable("a..b/c.Sd"),
        slot("model/optimizer", "m.1", 0),
        slot("", "v", 1),
        variable("model/optimizer/iter"),
        slot("model/optimizer", "m.1", 1),
        variable("0/0/0"),
    };
    static const char *const keys[] = {
        "model/dense/kernel/.ATTRIBUTES/VARIABLE_VALUE",
        "model/dense/bias/.ATTRIBUTES/VARIABLE_VALUE",
        "model/.ATTRIBUTES/VARIABLE_VALUE",
        "a..b/c.Sd/.ATTRIBUTES/VARIABLE_VALUE",
        "model/dense/kernel/.OPTIMIZER_SLOT/model/optimizer/m..1/.ATTRIBUTES/VARIABLE_VALUE",
        "model/dense/bias/.OPTIMIZER_SLOT//v/.ATTRIBUTES/VARIABLE_VALUE",
        "model/optimizer/iter/.ATTRIBUTES/VARIABLE_VALUE",
        "model/dense/bias/.OPTIMIZER_SLOT/model/optimizer/m..1/.ATTRIBUTES/VARIABLE_VALUE",
        "0/0/0/.ATTRIBUTES/VARIABLE_VALUE",
    };
    enum { COUNT = sizeof places / sizeof *places };
    build(f, places, COUNT);
    graph_is(f, places, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_true(tn_str_equal(f->keys[i], tn_str_of(keys[i])));
    }
    tni_tf_graph graph;
    assert_int_equal(
        tni_tf_graph_parse((tn_str){f->message.data, f->message.len}, &f->arena, &graph, NULL),
        TN_OK);
    /* root; model, dense, kernel; bias; a.b, c/d; optimizer; iter; 0, 0, 0; three slots */
    assert_int_equal(graph.n_nodes, 15);
    assert_int_equal(graph.nodes[0].n_children, 3);
    uint32_t odd = node_at(f, &graph, TN_LIT("a..b"));
    assert_true(tn_str_equal(graph.nodes[odd].children[0].name, TN_LIT("c/d")));
}

/* A path of thirty thousand components, and thirty thousand paths of one object, take no time to
 * speak of: an edge is looked up by itself, not with all that leads to it. */
static void long_and_many(void **state)
{
    fixture *f = *state;
    enum { COUNT = 30000, TEXT = 16 };
    char *deep = malloc(2 * COUNT + 1), *texts = malloc((size_t)COUNT * TEXT);
    tni_tf_place *places = calloc(COUNT, sizeof *places);
    for (size_t i = 0; i < COUNT; i++) {
        memcpy(deep + 2 * i, "a/", 2);
        snprintf(texts + i * TEXT, TEXT, "list/%u", (unsigned)i);
        places[i] = variable(texts + i * TEXT);
    }
    deep[2 * COUNT - 1] = '\0';
    places[0] = variable(deep);
    build(f, places, COUNT);
    tni_tf_graph graph;
    assert_int_equal(
        tni_tf_graph_parse((tn_str){f->message.data, f->message.len}, &f->arena, &graph, NULL),
        TN_OK);
    assert_int_equal(graph.n_nodes, 1 + COUNT + 1 + COUNT - 1);
    assert_true(tn_str_equal(graph.nodes[node_at(f, &graph, tn_str_of(deep))].attributes[0].key,
                             f->keys[0]));
    free(deep);
    free(texts);
    free(places);
}

static void not_escaped(void **state)
{
    fixture *f = *state;
    tn_error err = {0};
    const tni_tf_place place = variable("a/b.c");
    const tn_str key = TN_LIT("k");
    assert_int_equal(tni_tf_graph_write(f->ctx, &place, &key, 1, &f->message, &err),
                     TN_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_kind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_and_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(not_escaped, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
