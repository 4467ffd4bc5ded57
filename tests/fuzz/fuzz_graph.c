/* Object graphs: the walk over the message, the names that come of it, and taking values out of it.
 * The entries are those that the graph itself speaks of. */
#include "formats/tf_checkpoint/graph_prune.h"
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
    }
    free(r.entries);
    free(r.keys);
    tni_arena_clear(&r.keep);
    tni_arena_clear(&r.scratch);
    fuzz_end(&r.f);
    return 0;
}
