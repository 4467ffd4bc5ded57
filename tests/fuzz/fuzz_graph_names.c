/* A SavedModel of variables of any names, one a line; the first byte tells whether they are paths
 * of an object graph. What the writer lays out is read again: every variable is found in both
 * object graphs under its key, and in the graph under a name that it may have, from which the
 * saver's restore operation leads to the same key. */
#include "formats/saved_model/index.h"
#include "formats/saved_model/objects.h"
#include "formats/saved_model/write.h"
#include "formats/shared/object_walk.h"
#include "formats/tf_checkpoint/object_graph.h"
#include "target.h"

#include <string.h>

typedef struct run {
    fuzz f;
    tni_arena arena;
    tn_model *model;
    tn_graph *graph;
    const tni_sm_write *made;
} run;

static void add(run *r, tn_str name)
{
    static const tn_dtype dtypes[] = {TN_FLOAT32, TN_INT64, TN_BOOL, TN_COMPLEX64, TN_INT4};
    tn_tensor *tensor;
    tni_leaf *leaf;
    int64_t size = (int64_t)(name.len % 3);
    const char *why;
    if (!tni_sm_writer.name_ok(name, &why)) {
        return;
    }
    FUZZ_HOLDS(tni_model_add(r->model, &tensor, NULL) == TN_OK);
    tensor->alias[TN_SCHEME_NAME] = tensor->alias[TN_SCHEME_KEY] = name;
    FUZZ_HOLDS(tni_tensor_form(r->model, tensor, dtypes[name.len % 5], 1, &size, NULL) == TN_OK);
    FUZZ_HOLDS(tni_tensor_leaf(r->model, tensor, &leaf, NULL) == TN_OK);
    leaf->kind = TNI_LEAF_ABSENT;
    leaf->ctx = r->f.ctx;
}

/* Fills the model; false where two names are one. */
static bool make_model(run *r, tn_str lines, bool objects)
{
    static tn_object none;
    FUZZ_HOLDS(tni_model_new(r->f.ctx, &r->model, NULL) == TN_OK);
    r->model->path = "names";
    r->model->format = tni_format_find(TN_LIT("safetensors"));
    r->model->objects = objects ? &none : NULL;
    r->model->n_objects = objects;
    while (lines.len > 0) {
        const char *end = memchr(lines.data, '\n', lines.len);
        size_t len = end == NULL ? lines.len : (size_t)(end - lines.data);
        add(r, tn_str_first(lines, len));
        lines = tn_str_skip(lines, end == NULL ? len : len + 1);
    }
    return tni_model_finish(r->model, NULL) == TN_OK && tn_model_count(r->model) > 0;
}

/* As tensorflow/core/graph/graph.h has it. */
static bool may_be_in_graph(tn_str name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.";
    bool may = name.len > 0 && strchr(letters, name.data[0]) != NULL;
    for (size_t i = 0; may && i < name.len; i++) {
        may = name.data[i] != '\0' &&
              (strchr(letters, name.data[i]) != NULL || strchr("_/->", name.data[i]) != NULL);
    }
    return may;
}

/* Every operation has a name of its own, and its inputs are operations of the graph. */
static void check_nodes(run *r, tni_sm_meta *meta)
{
    FUZZ_HOLDS(tni_sm_index_names(r->graph, meta, NULL) == TN_OK);
    for (uint32_t i = 0; i < meta->n_nodes; i++) {
        tni_wire wire = tni_wire_of(meta->nodes[i].message);
        tn_str input;
        int64_t output;
        FUZZ_HOLDS(may_be_in_graph(meta->nodes[i].name));
        FUZZ_HOLDS(tni_sm_find(meta, meta->nodes[i].name) == i);
        while (tni_sm_next_input(&wire, &input)) {
            FUZZ_HOLDS(tni_sm_find(meta, tni_sm_input_node(input, &output)) != TN_NO_INDEX);
        }
    }
}

/* A variable's name in the graph, and the key that it is restored from. */
static void check_variable(run *r, tni_sm_meta *meta, uint32_t index)
{
    const tni_sm_place *place = &r->made->places[index];
    tn_str key;
    uint32_t node = tni_sm_find(meta, place->graph);
    bool kept = may_be_in_graph(place->name) && !tn_str_ends(place->name, TN_LIT("/"));
    FUZZ_HOLDS(node != TN_NO_INDEX && tn_str_equal(meta->nodes[node].op, TN_LIT("VarHandleOp")));
    FUZZ_HOLDS(tni_sm_key_of(r->graph, meta, node, &key, NULL) == TN_OK);
    FUZZ_HOLDS(tn_str_equal(key, r->made->nest.keys[index]));
    FUZZ_HOLDS(!kept || r->model->n_objects > 0 || tn_str_equal(place->graph, place->name));
}

/* The two object graphs go together, and every key is a path through both. */
static void check_objects(run *r, const tni_sm_meta *meta)
{
    static const char end[] = "/.ATTRIBUTES/VARIABLE_VALUE";
    tni_sm_objects saved;
    tni_tf_graph stored;
    tni_object_walk walk;
    uint32_t *pairs, found = 0;
    const tni_sm_write *w = r->made;
    FUZZ_HOLDS(tni_sm_objects_parse(meta->objects, &r->arena, &saved, NULL) == TN_OK);
    FUZZ_HOLDS(tni_tf_graph_parse(w->nest.objects, &r->arena, &stored, NULL) == TN_OK);
    FUZZ_HOLDS(tni_sm_objects_pair(&saved, stored.nodes, stored.n_nodes, &r->arena, &pairs, NULL) ==
               TN_OK);
    FUZZ_HOLDS(tni_object_walk_init(stored.nodes, stored.n_nodes, &r->arena, &walk, NULL) == TN_OK);
    for (uint32_t i = 0; i < w->count; i++) {
        tn_str key = w->nest.keys[i], component;
        FUZZ_HOLDS(tn_str_ends(key, TN_LIT(end)));
        tn_str rest = tn_str_first(key, key.len - (sizeof end - 1));
        uint32_t node = 0, edge;
        while (tni_object_component(&rest, &component)) {
            FUZZ_HOLDS(tni_object_step(&walk, node, component, &edge, NULL) == TN_OK);
            FUZZ_HOLDS(edge != TN_NO_INDEX);
            node = stored.nodes[node].children[edge].node;
        }
        FUZZ_HOLDS(stored.nodes[node].n_attributes == 1);
        FUZZ_HOLDS(tn_str_equal(stored.nodes[node].attributes[0].key, key));
        FUZZ_HOLDS(pairs[node] != TN_NO_INDEX && saved.variables[pairs[node]].is);
        FUZZ_HOLDS(tn_str_equal(saved.variables[pairs[node]].name, w->places[i].graph));
    }
    for (uint32_t i = 0; i < saved.count; i++) {
        found += saved.variables[i].is;
    }
    FUZZ_HOLDS(found == w->count && stored.n_attributes == w->count);
}

static void check(run *r)
{
    tn_source *main;
    tni_write write = {.ctx = r->f.ctx, .arena = &r->arena, .model = r->model, .name = "names"};
    write.notes = tn_report_new(r->f.ctx);
    FUZZ_HOLDS(write.notes != NULL && tni_sm_writer.layout(&write, NULL) == TN_OK);
    r->made = write.state;
    FUZZ_HOLDS(write.n_items <= r->made->count && write.n_files == 3);
    tn_str text = r->made->main;
    FUZZ_HOLDS(tni_source_memory(r->f.ctx, text.data, text.len, "saved_model.pb", &main, NULL) ==
               TN_OK);
    FUZZ_HOLDS(tni_sm_index_load(r->f.ctx, main, &r->graph, NULL) == TN_OK);
    FUZZ_HOLDS(r->graph->n_metas == 1);
    check_nodes(r, &r->graph->metas[0]);
    for (uint32_t i = 0; i < r->made->count; i++) {
        check_variable(r, &r->graph->metas[0], i);
    }
    check_objects(r, &r->graph->metas[0]);
    tni_sm_index_free(r->graph);
    tni_source_release(main);
    tn_report_free(write.notes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run r = {.model = NULL};
    if (size == 0) {
        return 0;
    }
    fuzz_begin(&r.f);
    tni_arena_init(&r.arena, r.f.ctx, FUZZ_MEMORY);
    if (make_model(&r, (tn_str){(const char *)data + 1, size - 1}, data[0] == 'o')) {
        check(&r);
    }
    tn_model_free(r.model);
    tni_arena_clear(&r.arena);
    fuzz_end(&r.f);
    return 0;
}
