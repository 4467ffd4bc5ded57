/* Object graphs: the walk over the message, the names that come of it, taking values out of it,
 * renaming edges of it, and graphs made anew of its paths. The entries are those that the graph
 * itself speaks of. */
#include "formats/tf_checkpoint/graph_prune.h"
#include "formats/tf_checkpoint/graph_relabel.h"
#include "formats/tf_checkpoint/graph_write.h"
#include "formats/tf_checkpoint/names.h"
#include "table_edit.h"
#include "target.h"

#include <stdlib.h>

typedef struct run {
    fuzz f;
    tni_arena keep, scratch;
    tni_tf_graph graph;
    tni_tf_entry *entries; /* by key */
    tn_str *keys;
    uint32_t count;
} run;

static int by_key(const void *a, const void *b)
{
    return tn_str_compare(((const tni_tf_entry *)a)->key, ((const tni_tf_entry *)b)->key);
}

/* Makes one entry for each key that attributes tell, in order, none twice. */
static void make_entries(run *r)
{
    r->entries = calloc((size_t)r->graph.n_attributes + 1, sizeof *r->entries);
    r->keys = calloc((size_t)r->graph.n_attributes + 1, sizeof *r->keys);
    FUZZ_HOLDS(r->entries != NULL && r->keys != NULL);
    for (uint32_t i = 0; i < r->graph.n_attributes; i++) {
        r->entries[i] = (tni_tf_entry){.key = r->graph.attributes[i].key, .dtype = TN_FLOAT32};
    }
    qsort(r->entries, r->graph.n_attributes, sizeof *r->entries, by_key);
    for (uint32_t i = 0; i < r->graph.n_attributes; i++) {
        if (r->count == 0 || by_key(&r->entries[i], &r->entries[r->count - 1]) != 0) {
            r->entries[r->count] = r->entries[i];
            r->keys[r->count++] = r->entries[i].key;
        }
    }
}

static void check_graph(const tni_tf_graph *g)
{
    FUZZ_HOLDS(g->n_nodes > 0);
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        for (uint32_t k = 0; k < g->nodes[i].n_children; k++) {
            FUZZ_HOLDS(g->nodes[i].children[k].node < g->n_nodes);
        }
    }
    for (uint32_t i = 0; i < g->n_slots; i++) {
        FUZZ_HOLDS(g->slots[i].node < g->n_nodes && g->slots[i].variable < g->n_nodes);
        FUZZ_HOLDS(g->slots[i].optimizer < g->n_nodes);
    }
}

/* A new graph of the paths that names told has a variable at each of them. */
static void check_write(run *r, const tni_tf_name *names)
{
    tni_tf_place *places = calloc((size_t)r->count + 1, sizeof *places);
    tn_str *keys = calloc((size_t)r->count + 1, sizeof *keys);
    tni_buffer out;
    tni_tf_graph graph;
    tni_object_walk walk;
    uint32_t count = 0, edge;
    FUZZ_HOLDS(places != NULL && keys != NULL);
    tni_buffer_init(&out, r->f.ctx);
    for (uint32_t i = 0; i < r->count; i++) {
        if (names[i].object.data != NULL && names[i].object.len > 0) {
            places[count] = (tni_tf_place){
                .path = names[i].object, .full_name = names[i].name, .owner = TN_NO_INDEX};
            FUZZ_HOLDS(tni_tf_place_key(places, count, &r->scratch, &keys[count], NULL) == TN_OK);
            count++;
        }
    }
    FUZZ_HOLDS(tni_tf_graph_write(r->f.ctx, places, keys, count, &out, NULL) == TN_OK);
    FUZZ_HOLDS(tni_tf_graph_parse((tn_str){out.data, out.len}, &r->scratch, &graph, NULL) == TN_OK);
    FUZZ_HOLDS(graph.n_attributes <= count && graph.n_slots == 0);
    FUZZ_HOLDS(tni_object_walk_init(graph.nodes, graph.n_nodes, &r->scratch, &walk, NULL) == TN_OK);
    for (uint32_t i = 0; i < count; i++) {
        tn_str rest = places[i].path, component;
        uint32_t node = 0;
        while (tni_object_component(&rest, &component)) {
            FUZZ_HOLDS(tni_object_step(&walk, node, component, &edge, NULL) == TN_OK);
            FUZZ_HOLDS(edge != TN_NO_INDEX);
            node = graph.nodes[node].children[edge].node;
        }
        FUZZ_HOLDS(graph.nodes[node].n_attributes == 1);
        FUZZ_HOLDS(tn_str_equal(graph.nodes[node].attributes[0].key, keys[i]));
    }
    tni_buffer_clear(&out);
    free(places);
    free(keys);
}

/* Every entry gets a name; owners and twins are entries. That no two names are the same is for
 * tni_model_finish to see. */
static void check_names(run *r)
{
    tni_tf_name *names;
    tn_error err = {0};
    tn_status status =
        tni_tf_names_make(&r->graph, r->entries, r->count, &r->keep, &r->scratch, &names, &err);
    FUZZ_HOLDS(status == err.status);
    for (uint32_t i = 0; status == TN_OK && i < r->count; i++) {
        FUZZ_HOLDS(names[i].name.data != NULL);
        FUZZ_HOLDS(names[i].slot_of == TN_NO_INDEX || names[i].slot_of < r->count);
        FUZZ_HOLDS(names[i].twin == TN_NO_INDEX || names[names[i].twin].twin_of == i);
        FUZZ_HOLDS(names[i].node == TN_NO_INDEX || names[i].node < r->graph.n_nodes);
    }
    if (status == TN_OK) {
        check_write(r, names);
    }
}

/* A graph that loses nothing stays as it is; one that loses every other value is a graph still. */
static void check_prune(run *r, tn_str message)
{
    tni_names all = {r->keys, r->count};
    tni_buffer out;
    tni_tf_graph pruned;
    tni_buffer_init(&out, r->f.ctx);
    FUZZ_HOLDS(tni_tf_graph_prune(r->f.ctx, message, &all, &all, &out, NULL) == TN_OK);
    FUZZ_HOLDS(out.len == message.len &&
               (out.len == 0 || memcmp(out.data, message.data, out.len) == 0));
    tn_str *some = calloc((size_t)r->count + 1, sizeof *some);
    tni_names written = {some, 0};
    FUZZ_HOLDS(some != NULL);
    for (uint32_t i = 0; i < r->count; i += 2) {
        some[written.count++] = r->keys[i];
    }
    tni_buffer_reset(&out);
    FUZZ_HOLDS(tni_tf_graph_prune(r->f.ctx, message, &all, &written, &out, NULL) == TN_OK);
    FUZZ_HOLDS(tni_tf_graph_parse((tn_str){out.data, out.len}, &r->scratch, &pruned, NULL) ==
               TN_OK);
    FUZZ_HOLDS(pruned.n_nodes == r->graph.n_nodes && pruned.n_attributes <= r->graph.n_attributes);
    tni_buffer_clear(&out);
    free(some);
}

/* Gives an edge another name, or its first one again, by the path of its object alone. */
static bool say_edge(tni_relabel *relabel, tn_str old, tn_str new)
{
    return tni_relabel_path(relabel, old, new, NULL) == TN_OK;
}

/* Whether no two edges of the root have one name; of such edges only one can be reached. */
static bool root_is_plain(const tni_tf_graph *g)
{
    for (uint32_t i = 0; i < g->nodes[0].n_children; i++) {
        for (uint32_t k = 0; k < i; k++) {
            if (i > 1000 ||
                tn_str_equal(g->nodes[0].children[i].name, g->nodes[0].children[k].name)) {
                return false;
            }
        }
    }
    return true;
}

/* Another name for the root's first edge: every other edge keeps its own, and the way back gives
 * the first names and keys again. */
static void check_relabel(run *r, tn_str message)
{
    tni_relabel there, back;
    tni_tf_graph renamed, first;
    tni_buffer out, again, old;
    const tn_str new = TN_LIT("a name..of.Smine");
    tni_arena *arena = &r->scratch;
    tni_buffer_init(&out, r->f.ctx);
    tni_buffer_init(&again, r->f.ctx);
    tni_buffer_init(&old, r->f.ctx);
    bool some = r->graph.nodes[0].n_children > 0 && root_is_plain(&r->graph) &&
                r->graph.nodes[0].children[0].name.len > 0;
    if (some) {
        tni_object_escape(r->graph.nodes[0].children[0].name, &old);
    }
    tn_str was = {old.data, old.len};
    if (some && tni_relabel_begin(r->graph.nodes, r->graph.n_nodes, arena, &there, NULL) == TN_OK &&
        say_edge(&there, was, new) && tni_relabel_end(&there, NULL) == TN_OK) {
        FUZZ_HOLDS(tni_tf_graph_relabel(r->f.ctx, message, &there, &out, NULL) == TN_OK);
        FUZZ_HOLDS(tni_tf_graph_parse((tn_str){out.data, out.len}, arena, &renamed, NULL) == TN_OK);
        FUZZ_HOLDS(renamed.n_nodes == r->graph.n_nodes);
        FUZZ_HOLDS(tn_str_equal(renamed.nodes[0].children[0].name, TN_LIT("a name.of/mine")));
        FUZZ_HOLDS(tni_relabel_begin(renamed.nodes, renamed.n_nodes, arena, &back, NULL) == TN_OK);
        FUZZ_HOLDS(say_edge(&back, new, was) && tni_relabel_end(&back, NULL) == TN_OK);
        FUZZ_HOLDS(tni_tf_graph_relabel(r->f.ctx, (tn_str){out.data, out.len}, &back, &again,
                                        NULL) == TN_OK);
        FUZZ_HOLDS(tni_tf_graph_parse((tn_str){again.data, again.len}, arena, &first, NULL) ==
                   TN_OK);
        for (uint32_t i = 0; i < first.n_attributes; i++) {
            FUZZ_HOLDS(tn_str_equal(first.attributes[i].key, r->graph.attributes[i].key));
        }
        FUZZ_HOLDS(
            tn_str_equal(first.nodes[0].children[0].name, r->graph.nodes[0].children[0].name));
    }
    tni_buffer_clear(&out);
    tni_buffer_clear(&again);
    tni_buffer_clear(&old);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    run r = {.count = 0};
    tn_str message = {(const char *)data, size};
    fuzz_begin(&r.f);
    tni_arena_init(&r.keep, r.f.ctx, FUZZ_MEMORY);
    tni_arena_init(&r.scratch, r.f.ctx, FUZZ_MEMORY);
    if (tni_tf_graph_parse(message, &r.keep, &r.graph, NULL) == TN_OK) {
        make_entries(&r);
        check_graph(&r.graph);
        check_names(&r);
        check_prune(&r, message);
        check_relabel(&r, message);
    }
    free(r.entries);
    free(r.keys);
    tni_arena_clear(&r.keep);
    tni_arena_clear(&r.scratch);
    fuzz_end(&r.f);
    return 0;
}
