/* Relabelling object graphs: random graphs whose renamed form is built a second time, from nothing,
 * and the reasons for which a rename is refused. */
#include "formats/tf_checkpoint/graph_relabel.h"
#include "formats/tf_checkpoint/object_graph.h"
#include "tf_file.h"

enum { NODES = 24, EDGES = 6, SLOTS = 3, NAME = 24, PATH = 512 };

typedef struct edge {
    unsigned to;
    char name[NAME];
    bool claimed; /* a variable's path uses it */
} edge;

/* An object: the first edge into it in the tree is `up`, edge `via` of that object. */
typedef struct node {
    edge edges[EDGES];
    unsigned n_edges, up, via;
    int variable; /* 0: none, 1: its key is its path, 2: its key is no path */
    struct {
        unsigned variable, node;
    } slots[SLOTS];
    unsigned n_slots;
    bool is_slot;
    unsigned owner, optimizer; /* of a slot */
} node;

typedef struct graph {
    node nodes[NODES];
    unsigned count;
} graph;

static uint64_t state;

static unsigned any(unsigned below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 11) % below);
}

static void put_field(tni_buffer *to, char tag, const char *text, size_t len)
{
    tni_buffer_char(to, tag);
    put_varint(to, len);
    tni_buffer_add(to, text, len);
}

/* Writes a path of the tree, escaped. */
static void path_of(const graph *g, unsigned n, char *out)
{
    char before[PATH] = "";
    if (n == 0) {
        out[0] = '\0';
        return;
    }
    path_of(g, g->nodes[n].up, before);
    out += sprintf(out, "%s%s", before, before[0] == '\0' ? "" : "/");
    for (const char *c = g->nodes[g->nodes[n].up].edges[g->nodes[n].via].name; *c != '\0'; c++) {
        if (*c == '.' || *c == '/') {
            *out++ = '.';
        }
        *out++ = (char)(*c == '/' ? 'S' : *c);
    }
    *out = '\0';
}

static void key_of(const graph *g, unsigned n, char *out)
{
    char path[PATH], optimizer[PATH];
    const node *at = &g->nodes[n];
    if (at->is_slot) {
        path_of(g, at->owner, path);
        path_of(g, at->optimizer, optimizer);
        sprintf(out, "%s/.OPTIMIZER_SLOT/%s/m..1/.ATTRIBUTES/VARIABLE_VALUE", path, optimizer);
    } else if (at->variable == 2) {
        sprintf(out, "nowhere!/%u/.ATTRIBUTES/VARIABLE_VALUE", n);
    } else {
        path_of(g, n, path);
        sprintf(out, "%s/.ATTRIBUTES/VARIABLE_VALUE", path);
    }
}

static void write_node(const graph *g, unsigned n, tni_buffer *out)
{
    const node *at = &g->nodes[n];
    tni_buffer part;
    tni_buffer_init(&part, out->ctx);
    for (unsigned i = 0; i < at->n_edges; i++) {
        tni_buffer_reset(&part);
        if (at->edges[i].to != 0) { /* number 0 is a default and not written */
            tni_buffer_char(&part, 0x08);
            put_varint(&part, at->edges[i].to);
        }
        put_field(&part, 0x12, at->edges[i].name, strlen(at->edges[i].name));
        put_field(out, 0x0a, part.data, part.len);
    }
    if (at->variable != 0) {
        char key[3 * PATH];
        key_of(g, n, key);
        tni_buffer_reset(&part);
        put_field(&part, 0x0a, "VARIABLE_VALUE", 14);
        put_field(&part, 0x12, "full/name", 9);
        put_field(&part, 0x1a, key, strlen(key));
        put_hex(&part, "20 01"); /* a field that is not there any more */
        put_field(out, 0x12, part.data, part.len);
    }
    for (unsigned i = 0; i < at->n_slots; i++) {
        tni_buffer_reset(&part);
        tni_buffer_char(&part, 0x08);
        put_varint(&part, at->slots[i].variable);
        put_field(&part, 0x12, "m.1", 3);
        tni_buffer_char(&part, 0x18);
        put_varint(&part, at->slots[i].node);
        put_field(out, 0x1a, part.data, part.len);
    }
    put_hex(out, "2a 02 08 01 7d 01 02 03 04"); /* has_checkpoint_values; a field nobody knows */
    tni_buffer_clear(&part);
}

static void write_graph(const graph *g, tni_buffer *out)
{
    tni_buffer part;
    tni_buffer_init(&part, out->ctx);
    tni_buffer_reset(out);
    for (unsigned n = 0; n < g->count; n++) {
        tni_buffer_reset(&part);
        write_node(g, n, &part);
        put_field(out, 0x0a, part.data, part.len);
    }
    put_hex(out, "12 03 61 62 63"); /* a field of the graph that nobody knows */
    tni_buffer_clear(&part);
}

static bool add_edge(graph *g, unsigned from, unsigned to)
{
    static const char *const words[] = {"a", "b", "dense", "v1.0", "x/y", "..", "naïve", "0", "-"};
    node *at = &g->nodes[from];
    if (at->n_edges == EDGES) {
        return false;
    }
    edge *e = &at->edges[at->n_edges];
    *e = (edge){.to = to};
    snprintf(e->name, NAME, "%s", words[any(sizeof words / sizeof *words)]);
    for (unsigned i = 0; i < at->n_edges; i++) {
        if (strcmp(at->edges[i].name, e->name) == 0) {
            return false;
        }
    }
    at->n_edges++;
    return true;
}

/* Makes a tree with more edges across it, variables, and slots that nothing leads to. */
static void make_graph(graph *g)
{
    *g = (graph){.count = 1};
    while (g->count < 2 + any(NODES - 8)) {
        unsigned from = any(g->count);
        if (add_edge(g, from, g->count)) {
            node *made = &g->nodes[g->count++];
            *made = (node){.up = from, .via = g->nodes[from].n_edges - 1};
            made->variable = (int)any(4) % 3;
        }
    }
    unsigned objects = g->count;
    for (unsigned i = any(8); i > 0; i--) {
        add_edge(g, any(objects), any(objects));
    }
    for (unsigned i = any(4); i > 0; i--) {
        unsigned optimizer = any(objects), owner = 1 + any(objects - 1);
        node *o = &g->nodes[optimizer];
        if (g->nodes[owner].variable == 1 && o->n_slots < SLOTS) {
            o->slots[o->n_slots].variable = owner;
            o->slots[o->n_slots++].node = g->count;
            g->nodes[g->count++] =
                (node){.variable = 1, .is_slot = true, .owner = owner, .optimizer = optimizer};
        }
    }
    for (unsigned n = 1; n < objects; n++) {
        for (unsigned at = n; g->nodes[n].variable != 0 && at != 0; at = g->nodes[at].up) {
            g->nodes[g->nodes[at].up].edges[g->nodes[at].via].claimed = true;
        }
    }
}

/* Renames edges that variables claim: anew, or in a ring among those of one object. */
static void rename_edges(const graph *g, graph *out)
{
    *out = *g;
    for (unsigned n = 0; n < g->count; n++) {
        unsigned last = EDGES;
        bool ring = any(2) == 0;
        for (unsigned i = 0; i < g->nodes[n].n_edges; i++) {
            edge *e = &out->nodes[n].edges[i];
            if (!e->claimed || any(3) == 0) {
                continue;
            }
            if (!ring) {
                snprintf(e->name, NAME, "new%u.%u/", n, i);
            } else if (last != EDGES) {
                char name[NAME];
                memcpy(name, e->name, NAME);
                memcpy(e->name, out->nodes[n].edges[last].name, NAME);
                memcpy(out->nodes[n].edges[last].name, name, NAME);
            }
            last = i;
        }
    }
}

/* Relabels the message of `from` by the paths that its variables have in `to`. */
static void relabel(tn_context *ctx, const graph *from, const graph *to, const tni_buffer *message,
                    tni_buffer *out)
{
    tni_arena arena;
    tni_tf_graph parsed;
    tni_relabel r;
    tn_error err = {0};
    char(*paths)[2][PATH] = malloc(NODES * sizeof *paths);
    tni_arena_init(&arena, ctx, 1u << 24);
    tn_str text = {message->data, message->len};
    assert_int_equal(tni_tf_graph_parse(text, &arena, &parsed, &err), TN_OK);
    assert_int_equal(tni_relabel_begin(parsed.nodes, parsed.n_nodes, &arena, &r, &err), TN_OK);
    for (unsigned n = 1; n < from->count; n++) {
        if (from->nodes[n].variable != 0 && !from->nodes[n].is_slot) {
            path_of(from, n, paths[n][0]);
            path_of(to, n, paths[n][1]);
            assert_int_equal(
                tni_relabel_path(&r, tn_str_of(paths[n][0]), tn_str_of(paths[n][1]), &err), TN_OK);
        }
    }
    assert_int_equal(tni_relabel_end(&r, &err), TN_OK);
    tni_buffer_reset(out);
    assert_int_equal(tni_tf_graph_relabel(ctx, text, &r, out, &err), TN_OK);
    tni_arena_clear(&arena);
    free(paths);
}

static void same_bytes(const tni_buffer *a, const tni_buffer *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->data, b->data, a->len);
}

/* The renamed message is the one of the renamed graph, and the inverse gives the first one back. */
static void random_graphs(void **unused)
{
    (void)unused;
    tn_context *ctx = tn_context_new(NULL);
    graph *g = malloc(sizeof *g), *renamed = malloc(sizeof *renamed);
    tni_buffer before, after, wanted, back;
    unsigned changed = 0;
    tni_buffer_init(&before, ctx);
    tni_buffer_init(&after, ctx);
    tni_buffer_init(&wanted, ctx);
    tni_buffer_init(&back, ctx);
    for (unsigned seed = 1; seed <= 2000; seed++) {
        state = seed * UINT64_C(0x9E3779B97F4A7C15);
        make_graph(g);
        rename_edges(g, renamed);
        write_graph(g, &before);
        write_graph(renamed, &wanted);
        relabel(ctx, g, renamed, &before, &after);
        if (after.len != wanted.len || memcmp(after.data, wanted.data, wanted.len) != 0) {
            fail_msg("seed %u: other bytes than the renamed graph has", seed);
        }
        relabel(ctx, renamed, g, &after, &back);
        same_bytes(&back, &before);
        changed += after.len != before.len || memcmp(after.data, before.data, before.len) != 0;
    }
    assert_true(changed > 1000);
    tni_buffer_clear(&before);
    tni_buffer_clear(&after);
    tni_buffer_clear(&wanted);
    tni_buffer_clear(&back);
    free(g);
    free(renamed);
    tn_context_free(ctx);
}

/* root -a-> 1 -w-> 2, 1 -b-> 3, root -c-> 1 (the same object), root -a.b-> 4 */
static const tn_object_edge root_edges[] = {{1, {"a", 1}}, {1, {"c", 1}}, {4, {"a.b", 3}}};
static const tn_object_edge one_edges[] = {{2, {"w", 1}}, {3, {"b", 1}}};
static const tn_object small[] = {
    {.children = root_edges, .n_children = 3},
    {.children = one_edges, .n_children = 2},
    {.n_children = 0},
    {.n_children = 0},
    {.n_children = 0},
};

/* Says paths one after the other and ends; gives the status and the error. */
static tn_status say(tn_context *ctx, const char *const (*paths)[2], size_t count, tn_error *err)
{
    tni_arena arena;
    tni_relabel r;
    *err = (tn_error){0};
    tni_arena_init(&arena, ctx, 1u << 24);
    tn_status status = tni_relabel_begin(small, 5, &arena, &r, err);
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        status = tni_relabel_path(&r, tn_str_of(paths[i][0]), tn_str_of(paths[i][1]), err);
    }
    status = status == TN_OK ? tni_relabel_end(&r, err) : status;
    tni_arena_clear(&arena);
    return status;
}

static void refused(void **unused)
{
    (void)unused;
    static const struct {
        const char *paths[2][2];
        tn_code code;
        const char *error;
    } cases[] = {
        {{{"a/w", "x/w"}, {"a/b", "x/b"}}, TN_E_NONE, ""},
        {{{"a/w", "b/w"}, {"c/b", "a/b"}}, TN_E_NONE, ""}, /* two edges to one object */
        {{{"a/w", "x/w"}, {"a/b", "a/b"}},
         TN_E_IMPOSSIBLE,
         "the object 'a' is reached over one edge, which would be called 'x' for a/w and 'a' for "
         "a/b"},
        {{{"a/w", "a/v"}, {"c/w", "c/u"}},
         TN_E_IMPOSSIBLE,
         "the object 'c/w' is reached over one edge, which would be called 'v' for a/w and 'u' for "
         "c/w"},
        {{{"a/w", "a/b"}, {"a..b", "a..b"}},
         TN_E_COLLISION,
         "an object would have two children of the name 'b': what is 'w' and what is 'b' now"},
        {{{"a/w", "c/w"}, {"a..b", "a..b"}},
         TN_E_COLLISION,
         "an object would have two children of the name 'c': what is 'a' and what is 'c' now"},
        {{{"a/w", "w"}, {"a/b", "b"}},
         TN_E_IMPOSSIBLE,
         "2 edges of the object graph lead to it and 1 would lead to 'w': relabelling makes none "
         "and takes none away"},
        {{{"a..b", "x/y"}, {"a/w", "a/w"}},
         TN_E_IMPOSSIBLE,
         "1 edge of the object graph leads to it and 2 would lead to 'x/y': relabelling makes none "
         "and takes none away"},
        {{{"a..b", "a.c"}, {"a/w", "a/w"}},
         TN_E_IMPOSSIBLE,
         "'a.c' is no component of an object path: there '.' is written '..'"},
        {{{"a..b", "a."}, {"a/w", "a/w"}},
         TN_E_IMPOSSIBLE,
         "'a.' is no component of an object path: there '.' is written '..'"},
        {{{"a/w", "a/"}, {"a/b", "a/b"}}, TN_E_IMPOSSIBLE, "a component of its new name is empty"},
        {{{"a/z", "a/y"}, {"a/b", "a/b"}},
         TN_E_IMPOSSIBLE,
         "its name is no path of the object graph"},
    };
    tn_context *ctx = tn_context_new(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tn_error err = {0};
        say(ctx, cases[i].paths, 2, &err);
        assert_string_equal(err.message, cases[i].error);
        assert_int_equal(err.code, cases[i].code);
    }
    tn_context_free(ctx);
}

/* What keys follow, and that all others stay. */
static void keys(void **unused)
{
    (void)unused;
    static const char *const pairs[][2] = {
        {"a/w/.ATTRIBUTES/VARIABLE_VALUE", "x.S/w/.ATTRIBUTES/VARIABLE_VALUE"},
        {"c/w/.ATTRIBUTES/VARIABLE_VALUE", "c/w/.ATTRIBUTES/VARIABLE_VALUE"},
        {"a/.ATTRIBUTES/table-keys", "x.S/.ATTRIBUTES/table-keys"},
        {"/.ATTRIBUTES/py_state", "/.ATTRIBUTES/py_state"},
        {"a/nothing/.ATTRIBUTES/VARIABLE_VALUE", "a/nothing/.ATTRIBUTES/VARIABLE_VALUE"},
        {"a/w", "a/w"},
        {"", ""},
        {"a/w/.OPTIMIZER_SLOT/a/m/.ATTRIBUTES/VARIABLE_VALUE",
         "x.S/w/.OPTIMIZER_SLOT/x.S/m/.ATTRIBUTES/VARIABLE_VALUE"},
        {"c/w/.OPTIMIZER_SLOT/a..b/a/.ATTRIBUTES/VARIABLE_VALUE",
         "c/w/.OPTIMIZER_SLOT/a..b/a/.ATTRIBUTES/VARIABLE_VALUE"},
        {"a/w/.OPTIMIZER_SLOT//m/.ATTRIBUTES/VARIABLE_VALUE",
         "x.S/w/.OPTIMIZER_SLOT//m/.ATTRIBUTES/VARIABLE_VALUE"},
        {"a/w/.OPTIMIZER_SLOT/none/m/.ATTRIBUTES/VARIABLE_VALUE",
         "x.S/w/.OPTIMIZER_SLOT/none/m/.ATTRIBUTES/VARIABLE_VALUE"},
        {"a/w/.OPTIMIZER_SLOT/.ATTRIBUTES/VARIABLE_VALUE",
         "a/w/.OPTIMIZER_SLOT/.ATTRIBUTES/VARIABLE_VALUE"},
    };
    tn_context *ctx = tn_context_new(NULL);
    tni_arena arena;
    tni_relabel r;
    tn_error err = {0};
    tni_arena_init(&arena, ctx, 1u << 24);
    assert_int_equal(tni_relabel_begin(small, 5, &arena, &r, &err), TN_OK);
    assert_int_equal(tni_relabel_path(&r, TN_LIT("a/w"), TN_LIT("x.S/w"), &err), TN_OK);
    assert_int_equal(tni_relabel_end(&r, &err), TN_OK);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        tn_str key;
        assert_int_equal(tni_relabel_key(&r, tn_str_of(pairs[i][0]), &key, &err), TN_OK);
        if (!tn_str_equal(key, tn_str_of(pairs[i][1]))) {
            fail_msg("%s became %.*s", pairs[i][0], (int)key.len, key.data);
        }
    }
    tni_arena_clear(&arena);
    tn_context_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_graphs),
        cmocka_unit_test(refused),
        cmocka_unit_test(keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
