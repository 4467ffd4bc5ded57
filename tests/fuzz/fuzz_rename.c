/* New names in graphs on the wire. An input is a byte that says what the file is called, and the
 * file. Where no key changes, nothing does. Every other key that the graph's savers know gets
 * another name: what comes out is a graph again, of as many operations; led back and renamed once
 * more it is the same, byte for byte. Every other edge of its object graph gets another name: then
 * the graph has as many objects, which lead where they led, under these names. */
#include "core/buffer.h"
#include "formats/saved_model/objects.h"
#include "formats/saved_model/read.h"
#include "formats/saved_model/rekey.h"
#include "formats/saved_model/restore.h"
#include "formats/saved_model/saver_keys.h"
#include "target.h"

#include <stdlib.h>

static const char *const names[] = {"saved_model.pb", "g.pb", "g.meta"};
static const tn_str scope = {"a/scope/that/nobody/has/", 24};

/* The keys of a graph and what becomes of them. */
typedef struct keys {
    tni_rekey *at;
    size_t count, room;
} keys;

static void add(keys *k, tni_arena *arena, tn_str key)
{
    char *block;
    void *made;
    if (k->count == k->room) {
        k->room = k->room * 2 + 16;
        k->at = realloc(k->at, k->room * sizeof *k->at);
        FUZZ_HOLDS(k->at != NULL);
    }
    FUZZ_HOLDS(tni_arena_alloc(arena, scope.len + key.len + 1, &made, NULL) == TN_OK);
    block = made;
    memcpy(block, scope.data, scope.len);
    if (key.len > 0) {
        memcpy(block + scope.len, key.data, key.len);
    }
    bool other = k->count % 2 == 0;
    k->at[k->count++] = (tni_rekey){key, other ? (tn_str){block, scope.len + key.len} : key, NULL};
}

/* Lists all keys that a graph restores. False: its lists are damaged. */
static bool list(tn_graph *graph, tni_arena *arena, keys *k)
{
    tn_status status = TN_OK;
    for (uint32_t m = 0; status == TN_OK && m < graph->n_metas; m++) {
        tni_sm_binding *bindings = NULL;
        uint32_t count = 0;
        tni_sm_saver_keys saver = {.n_restored = 0};
        status = tni_sm_restore(graph, &graph->metas[m], arena, &bindings, &count, NULL);
        for (uint32_t i = 0; status == TN_OK && i < count; i++) {
            add(k, arena, bindings[i].key);
        }
        if (status == TN_OK) {
            status = tni_sm_saver_keys_find(graph, &graph->metas[m], arena, &saver, NULL);
        }
        for (size_t i = 0; status == TN_OK && i < saver.n_restored; i++) {
            add(k, arena, saver.restored[i].key);
        }
    }
    return status == TN_OK;
}

static tn_status take(void *state, const void *data, size_t len, tn_error *err)
{
    tni_buffer_add(state, data, len);
    return tni_buffer_check(state, err);
}

/* Renames within the file of a graph. False: that is refused. */
static bool rename_to(fuzz *f, tn_graph *graph, const keys *k, tni_buffer *out)
{
    tni_arena arena;
    tni_splices splices = {.count = 0};
    tn_error err = {0};
    tni_arena_init(&arena, f->ctx, FUZZ_MEMORY);
    tn_model model = {.graph = graph};
    tni_rekeys rekeys = {k->at, k->count, true};
    tn_status status = tni_sm_rekey(&model, &rekeys, &arena, &splices, &err);
    FUZZ_HOLDS(status == err.status && (status == TN_OK || err.message[0] != '\0'));
    for (size_t i = 0; i + 1 < splices.count; i++) {
        FUZZ_HOLDS(splices.at[i].at + splices.at[i].gone <= splices.at[i + 1].at);
    }
    tni_buffer_reset(out);
    if (status == TN_OK) {
        FUZZ_HOLDS(tni_splices_run(f->ctx, graph->source, &splices, take, out, NULL) == TN_OK);
        FUZZ_HOLDS(out->len == splices.size);
    }
    tni_arena_clear(&arena);
    return status == TN_OK;
}

/* The same for a file in memory, which has to be a graph of `nodes` operations. */
static bool rename_bytes(fuzz *f, const char *name, const tni_buffer *file, const keys *k,
                         uint32_t nodes, tni_buffer *out)
{
    tn_source *source;
    tn_graph *graph;
    const char *path = fuzz_file(name, (tn_str){file->data, file->len});
    FUZZ_HOLDS(tni_source_open(f->ctx, path, &source, NULL) == TN_OK);
    FUZZ_HOLDS(tni_sm_index_load(f->ctx, source, &graph, NULL) == TN_OK);
    FUZZ_HOLDS(graph->metas[0].n_nodes == nodes);
    bool done = rename_to(f, graph, k, out);
    tni_sm_index_free(graph);
    tni_source_release(source);
    return done;
}

/* Says new names of edges: every other one is in the scope. */
static void say_edges(const tni_sm_objects *objects, tni_sm_new_edges *edges)
{
    for (uint32_t i = 0; i < objects->count; i++) {
        for (uint32_t k = 0; k < objects->nodes[i].n_children; k++) {
            tn_str from = objects->nodes[i].children[k].name, to = from;
            if ((i + k) % 2 == 0) {
                FUZZ_HOLDS(tni_arena_format(edges->arena, &to, NULL, "%.*s%.*s", (int)scope.len,
                                            scope.data, (int)from.len, from.data) == TN_OK);
            }
            (void)tni_sm_new_edge(edges, i, from, to, NULL); /* two edges of one name */
        }
    }
}

/* Demands that one object graph is another one with these names. */
static void check_edges(const tni_sm_objects *was, const tni_sm_objects *is,
                        const tni_sm_new_edges *edges)
{
    FUZZ_HOLDS(is->count == was->count);
    for (uint32_t i = 0; i < was->count; i++) {
        const tn_object *old = &was->nodes[i], *new = &is->nodes[i];
        FUZZ_HOLDS(new->n_children == old->n_children &&new->n_slots == old->n_slots);
        for (uint32_t k = 0; k < old->n_children; k++) {
            tn_str to;
            FUZZ_HOLDS(tni_sm_edge_becomes(edges, i, old->children[k].name, &to, NULL) == TN_OK);
            FUZZ_HOLDS(new->children[k].node ==
                       old->children[k].node &&tn_str_equal(new->children[k].name, to));
        }
    }
}

/* Renames edges of the SavedModel's object graph, and takes it for the checkpoint's: then its own
 * copies are looked for. */
static void relabel(fuzz *f, const char *name, tn_graph *graph, tni_arena *arena)
{
    tni_sm_objects was, is;
    tni_sm_new_edges edges;
    tni_splices splices = {.count = 0};
    tn_str message = graph->metas[0].objects;
    if (graph->image.source == NULL || graph->n_metas != 1 || message.data == NULL ||
        tni_sm_objects_parse(message, arena, &was, NULL) != TN_OK) {
        return;
    }
    tni_sm_new_edges_init(&edges, arena);
    say_edges(&was, &edges);
    tni_sm_changes changes = {
        .objects = was.nodes, .n_objects = was.count, .edges = &edges, .copied = &edges};
    if (tni_sm_change(graph, &changes, arena, &splices, NULL) == TN_OK) {
        tn_source *source;
        tn_graph *made;
        tni_buffer out;
        tni_buffer_init(&out, f->ctx);
        FUZZ_HOLDS(tni_splices_run(f->ctx, graph->source, &splices, take, &out, NULL) == TN_OK);
        const char *path = fuzz_file(name, (tn_str){out.data, out.len});
        FUZZ_HOLDS(tni_source_open(f->ctx, path, &source, NULL) == TN_OK);
        FUZZ_HOLDS(tni_sm_index_load(f->ctx, source, &made, NULL) == TN_OK);
        FUZZ_HOLDS(tni_sm_objects_parse(made->metas[0].objects, arena, &is, NULL) == TN_OK);
        check_edges(&was, &is, &edges);
        tni_sm_index_free(made);
        tni_source_release(source);
        tni_buffer_clear(&out);
    }
    tni_sm_new_edges_clear(&edges);
}

static void check(fuzz *f, const char *name, tn_graph *graph, tn_str file, tni_arena *arena)
{
    keys k = {.count = 0}, none = {.count = 0};
    tni_buffer there, back, again;
    tni_buffer_init(&there, f->ctx);
    tni_buffer_init(&back, f->ctx);
    tni_buffer_init(&again, f->ctx);
    if (graph->image.source != NULL && list(graph, arena, &k)) {
        uint32_t nodes = graph->metas[0].n_nodes;
        if (rename_to(f, graph, &none, &there)) {
            FUZZ_HOLDS(there.len == file.len &&
                       (file.len == 0 || memcmp(there.data, file.data, file.len) == 0));
        }
        bool done = rename_to(f, graph, &k, &there);
        keys inverse = {calloc(k.count + 1, sizeof *k.at), k.count, k.count};
        FUZZ_HOLDS(inverse.at != NULL);
        for (size_t i = 0; i < k.count; i++) {
            inverse.at[i] = (tni_rekey){k.at[i].to, k.at[i].from, NULL};
        }
        if (done && rename_bytes(f, name, &there, &inverse, nodes, &back) &&
            rename_bytes(f, name, &back, &k, nodes, &again)) {
            FUZZ_HOLDS(again.len == there.len &&
                       (there.len == 0 || memcmp(again.data, there.data, there.len) == 0));
        }
        free(inverse.at);
    }
    free(k.at);
    tni_buffer_clear(&there);
    tni_buffer_clear(&back);
    tni_buffer_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz f;
    tn_source *source;
    tn_graph *graph;
    if (size == 0) {
        return 0;
    }
    const char *name = names[data[0] % 3];
    tn_str file = {(const char *)data + 1, size - 1};
    fuzz_begin(&f);
    FUZZ_HOLDS(tni_source_open(f.ctx, fuzz_file(name, file), &source, NULL) == TN_OK);
    if (tni_sm_index_load(f.ctx, source, &graph, NULL) == TN_OK) {
        tni_arena arena;
        tni_arena_init(&arena, f.ctx, FUZZ_MEMORY);
        check(&f, name, graph, file, &arena);
        tni_arena_clear(&arena);
        tni_arena_init(&arena, f.ctx, FUZZ_MEMORY);
        relabel(&f, name, graph, &arena);
        tni_arena_clear(&arena);
        tni_sm_index_free(graph);
    }
    tni_source_release(source);
    fuzz_end(&f);
    return 0;
}
