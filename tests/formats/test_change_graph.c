/* A SavedModel whose checkpoint's object graph changes: what has to come out is the same SavedModel
 * built with the new edges, keys and names. */
#include "core/buffer.h"
#include "formats/saved_model/copies.h"
#include "formats/saved_model/index.h"
#include "formats/saved_model/objects.h"
#include "formats/saved_model/rekey.h"
#include "formats/saved_model/rename.h"
#include "graph_build.h"
#include "support/scratch.h"

#define TEXT(...) CAT(a, __VA_ARGS__)
#define L(literal) TN_LIT(literal)
#define END "/.ATTRIBUTES/VARIABLE_VALUE"

/* What is called how in one version of the model: its variable in the graph, the edge that leads to
 * it, and its key. */
typedef struct version {
    tn_str name, edge, key;
} version;

static const version before = {{"dense/kernel", 12}, {"w", 1}, {"w" END, 28}};
static const version after = {{"a/b", 3}, {"kernel", 6}, {"other key" END, 36}};

static tn_str child(tni_arena *a, uint32_t field, uint64_t node, tn_str name)
{
    return len_field(a, field, TEXT(var_field(a, 1, node), len_field(a, 2, name)));
}

static tn_str attribute(tni_arena *a, tn_str full, tn_str key)
{
    return len_field(
        a, 2,
        TEXT(len_field(a, 1, L("VARIABLE_VALUE")), len_field(a, 2, full), len_field(a, 3, key)));
}

/* The checkpoint's object graph: the root has the variable and one that stays, whose edge another
 * object has, too, under the name that changes. `more` is what a copy says besides. */
static tn_str tracked(tni_arena *a, const version *v, tn_str more)
{
    tn_str root =
        TEXT(child(a, 1, 1, v->edge), child(a, 1, 2, L("stays")), child(a, 1, 3, L("box")));
    return TEXT(len_field(a, 1, root), len_field(a, 1, TEXT(attribute(a, v->name, v->key), more)),
                len_field(a, 1, attribute(a, L("w"), L("stays" END))),
                len_field(a, 1, child(a, 1, 2, L("w"))));
}

static tn_str saved_objects(tni_arena *a, const version *v)
{
    tn_str root =
        TEXT(child(a, 1, 1, v->edge), child(a, 1, 2, L("stays")), child(a, 1, 3, L("box")),
             child(a, 1, 4, L("serve")), child(a, 15, 1, v->edge));
    return TEXT(len_field(a, 1, root), len_field(a, 1, len_field(a, 7, len_field(a, 6, v->name))),
                len_field(a, 1, len_field(a, 7, len_field(a, 6, L("w")))),
                len_field(a, 1, TEXT(child(a, 1, 2, L("w")), child(a, 15, 2, L("w")))),
                len_field(a, 1, len_field(a, 6, len_field(a, 1, L("w")))));
}

/* The function that restores, as TensorFlow 2 writes it. */
static tn_str library(tni_arena *a, const version *v)
{
    tn_str names = TEXT(len_field(a, 8, v->key), len_field(a, 8, L("stays" END)),
                        len_field(a, 8, L(TNI_SM_OBJECTS_KEY)));
    tn_str body =
        TEXT(node(a, 3, L("names"), "Const", L(""), strings_attr(a, 3, names)),
             node(a, 3, L("RestoreV2"), "RestoreV2", L("file names:output:0 slices"), L("")),
             node(a, 3, L("w"), "VarHandleOp", L(""), text_attr(a, "shared_name", v->name)));
    return len_field(a, 2,
                     len_field(a, 1, TEXT(len_field(a, 1, len_field(a, 1, L("restore"))), body)));
}

/* The SavedModel; `copy` is the object graph that it saves. */
static tn_str saved_model(tni_arena *a, const version *v, tn_str copy)
{
    tn_str graph =
        TEXT(node(a, 1, v->name, "VarHandleOp", L(""), text_attr(a, "shared_name", v->name)),
             node(a, 1, TEXT(v->name, L("/Read")), "ReadVariableOp", v->name, L("")),
             node(a, 1, L("w"), "VarHandleOp", L(""), text_attr(a, "shared_name", L("w"))),
             node(a, 1, L("Const"), "Const", L(""), strings_attr(a, 1, len_field(a, 8, copy))),
             node(a, 1, L("text"), "Const", L(""),
                  strings_attr(a, 1, len_field(a, 8, L("w some text")))),
             library(a, v));
    tn_str meta = TEXT(len_field(a, 1, len_field(a, 4, L("serve"))), len_field(a, 2, graph),
                       len_field(a, 7, saved_objects(a, v)));
    return TEXT(var_field(a, 1, 1), len_field(a, 2, meta));
}

/* A model on the disk, the checkpoint's objects, and what changes. */
typedef struct scene {
    tn_context *ctx;
    tni_arena arena;
    tn_scratch scratch;
    tn_source *source;
    tn_graph *graph;
    tni_sm_objects objects;
    tni_sm_new_edges edges, copied;
    tni_rekey keys[2], nodes[1];
    tni_sm_changes changes;
} scene;

static void scene_begin(scene *s, tn_context *ctx, tn_str copy)
{
    tn_error err = {0};
    *s = (scene){.ctx = ctx};
    tni_arena_init(&s->arena, ctx, UINT64_MAX);
    tn_scratch_make(&s->scratch);
    tn_str file = saved_model(&s->arena, &before, copy);
    const char *path = tn_scratch_at(&s->scratch, "saved_model.pb");
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(file.data, 1, file.len, stream), file.len);
    assert_int_equal(fclose(stream), 0);
    assert_int_equal(tni_source_open(ctx, path, &s->source, NULL), TN_OK);
    if (tni_sm_index_load(ctx, s->source, &s->graph, &err) != TN_OK) {
        fail_msg("%s", err.message);
    }
    tn_str graph = tracked(&s->arena, &before, L(""));
    assert_int_equal(tni_sm_objects_parse(graph, &s->arena, &s->objects, NULL), TN_OK);
    tni_sm_new_edges_init(&s->edges, &s->arena);
    tni_sm_new_edges_init(&s->copied, &s->arena);
    assert_int_equal(tni_sm_new_edge(&s->edges, 0, before.edge, after.edge, NULL), TN_OK);
    assert_int_equal(tni_sm_new_edge(&s->copied, 0, before.edge, after.edge, NULL), TN_OK);
    s->keys[0] = (tni_rekey){before.key, after.key, NULL};
    s->keys[1] = (tni_rekey){L("stays" END), L("stays" END), NULL};
    s->nodes[0] = (tni_rekey){before.name, after.name, NULL};
    s->changes = (tni_sm_changes){.keys = {s->keys, 2, false},
                                  .nodes = s->nodes,
                                  .n_nodes = 1,
                                  .objects = s->objects.nodes,
                                  .n_objects = s->objects.count,
                                  .edges = &s->edges,
                                  .copied = &s->copied};
}

static void scene_end(scene *s)
{
    tni_sm_new_edges_clear(&s->edges);
    tni_sm_new_edges_clear(&s->copied);
    tni_sm_index_free(s->graph);
    tni_source_release(s->source);
    tn_scratch_remove(&s->scratch);
    tni_arena_clear(&s->arena);
}

static tn_status take(void *state, const void *data, size_t len, tn_error *err)
{
    tni_buffer_add(state, data, len);
    return tni_buffer_check(state, err);
}

static void expect_bytes(tn_str found, tn_str wanted)
{
    assert_int_equal(found.len, wanted.len);
    assert_memory_equal(found.data, wanted.data, wanted.len);
}

/* Edges, keys and names, in both object graphs and in the copy, which says more than the original.
 */
static void every_place(void **state)
{
    scene s;
    tn_error err = {0};
    tni_splices splices;
    tni_buffer out;
    tni_arena arena, *a = &arena;
    tni_arena_init(&arena, *state, UINT64_MAX);
    tn_str more = TEXT(var_field(a, 5, 1), len_field(a, 99, L("w")));
    scene_begin(&s, *state, tracked(a, &before, more));
    if (tni_sm_change(s.graph, &s.changes, &s.arena, &splices, &err) != TN_OK) {
        fail_msg("%s", err.message);
    }
    tni_buffer_init(&out, *state);
    assert_int_equal(tni_splices_run(*state, s.source, &splices, take, &out, NULL), TN_OK);
    expect_bytes((tn_str){out.data, out.len}, saved_model(a, &after, tracked(a, &after, more)));
    tni_buffer_clear(&out);
    scene_end(&s);
    tni_arena_clear(&arena);
}

/* Nothing changes: there are no splices. */
static void nothing(void **state)
{
    scene s;
    tni_splices splices;
    tni_arena arena, *a = &arena;
    tni_arena_init(&arena, *state, UINT64_MAX);
    scene_begin(&s, *state, tracked(a, &before, L("")));
    tni_sm_changes none = {.keys = {&s.keys[1], 1, false}};
    assert_int_equal(tni_sm_change(s.graph, &none, &s.arena, &splices, NULL), TN_OK);
    assert_int_equal(splices.count, 0);
    assert_int_equal(splices.size, tni_source_size(s.source));
    scene_end(&s);
    tni_arena_clear(&arena);
}

/* A model that saves another object graph, and variables that its graph has not. */
static void refusals(void **state)
{
    scene s;
    tn_error err = {0}, other = {0};
    tni_splices splices;
    tni_arena arena, *a = &arena;
    tni_arena_init(&arena, *state, UINT64_MAX);
    scene_begin(&s, *state, tracked(a, &after, L("")));
    assert_int_not_equal(tni_sm_change(s.graph, &s.changes, &s.arena, &splices, &err), TN_OK);
    assert_int_equal(err.code, TN_E_IMPOSSIBLE);
    assert_non_null(strstr(err.message, "another object graph"));
    scene_end(&s);
    scene_begin(&s, *state, tracked(a, &before, L("")));
    s.nodes[0].from = L("nobody");
    assert_int_not_equal(tni_sm_change(s.graph, &s.changes, &s.arena, &splices, &other), TN_OK);
    assert_int_equal(other.code, TN_E_IMPOSSIBLE);
    assert_non_null(strstr(other.message, "called 'nobody'"));
    scene_end(&s);
    tni_arena_clear(&arena);
}

/* The checkpoint's own object graph; one that is damaged. */
static void objects_alone(void **state)
{
    scene s;
    tni_splices splices;
    tni_buffer out;
    tni_sm_new_names names;
    tn_error err = {0};
    tni_arena arena, *a = &arena;
    tni_arena_init(&arena, *state, UINT64_MAX);
    tn_str text = tracked(a, &before, L(""));
    scene_begin(&s, *state, text);
    tni_sm_new_names_init(&names, a);
    tni_sm_rename rename = {.names = &names, .copied = &s.copied};
    assert_int_equal(tni_sm_new_key(&names, before.key, after.key, NULL), TN_OK);
    assert_int_equal(tni_sm_new_node(&names, before.name, after.name, NULL), TN_OK);
    assert_int_equal(tni_sm_rename_objects(*state, text, &rename, a, &splices, NULL), TN_OK);
    tni_buffer_init(&out, *state);
    size_t from = 0;
    for (size_t i = 0; i < splices.count; i++) {
        tni_buffer_add(&out, text.data + from, (size_t)splices.at[i].at - from);
        tni_buffer_str(&out, splices.at[i].bytes);
        from = (size_t)(splices.at[i].at + splices.at[i].gone);
    }
    tni_buffer_add(&out, text.data + from, text.len - from);
    expect_bytes((tn_str){out.data, out.len}, tracked(a, &after, L("")));
    text.len--;
    assert_int_equal(tni_sm_rename_objects(*state, text, &rename, a, &splices, &err), TN_CORRUPT);
    tni_buffer_clear(&out);
    tni_sm_new_names_clear(&names);
    scene_end(&s);
    tni_arena_clear(&arena);
}

/* Constants that are no copy: other edges, fewer objects, two strings. */
static void copies(void **state)
{
    scene s;
    const bool *found;
    size_t count;
    tni_arena arena, *a = &arena;
    tni_arena_init(&arena, *state, UINT64_MAX);
    scene_begin(&s, *state, tracked(a, &before, L("")));
    const tni_sm_meta *meta = &s.graph->metas[0];
    const tn_object *objects = s.objects.nodes;
    assert_int_equal(tni_sm_copies_find(meta, objects, 4, a, &found, &count, NULL), TN_OK);
    assert_int_equal(count, 1);
    for (uint32_t i = 0; i < meta->n_nodes; i++) {
        assert_int_equal(found[i], tn_str_equal(meta->nodes[i].name, L("Const")));
    }
    assert_int_equal(tni_sm_copies_find(meta, objects, 3, a, &found, &count, NULL), TN_OK);
    assert_int_equal(count, 0);
    ((tn_object_edge *)(uintptr_t)objects[3].children)->node = 1;
    assert_int_equal(tni_sm_copies_find(meta, objects, 4, a, &found, &count, NULL), TN_OK);
    assert_int_equal(count, 0);
    scene_end(&s);
    tni_arena_clear(&arena);
}

/* One edge cannot become two; of an edge that stays the same view comes back. */
static void edges(void **state)
{
    tni_arena arena;
    tni_sm_new_edges e;
    tn_error err = {0};
    tn_str to, name = L("w");
    tni_arena_init(&arena, *state, UINT64_MAX);
    tni_sm_new_edges_init(&e, &arena);
    assert_int_equal(tni_sm_edge_becomes(NULL, 7, name, &to, NULL), TN_OK);
    assert_ptr_equal(to.data, name.data);
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(tni_sm_new_edge(&e, i, name, i % 2 == 0 ? L("kernel") : L("w"), NULL),
                         TN_OK);
    }
    for (uint32_t i = 0; i < 102; i++) {
        assert_int_equal(tni_sm_edge_becomes(&e, i, name, &to, NULL), TN_OK);
        assert_true(i % 2 == 0 && i < 100 ? tn_str_equal(to, L("kernel")) : to.data == name.data);
    }
    assert_int_equal(tni_sm_new_edge(&e, 4, name, L("kernel"), NULL), TN_OK);
    assert_int_not_equal(tni_sm_new_edge(&e, 4, name, L("bias"), &err), TN_OK);
    assert_int_equal(err.code, TN_E_IMPOSSIBLE);
    assert_non_null(strstr(err.message, "'kernel' and 'bias'"));
    tni_sm_new_edges_clear(&e);
    tni_arena_clear(&arena);
}

static int make_context(void **state)
{
    *state = tn_context_new(NULL);
    return *state == NULL;
}

static int free_context(void **state)
{
    tn_context_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place),   cmocka_unit_test(nothing), cmocka_unit_test(refusals),
        cmocka_unit_test(objects_alone), cmocka_unit_test(copies),  cmocka_unit_test(edges),
    };
    return cmocka_run_group_tests(tests, make_context, free_context);
}
