#include "formats/tf_checkpoint/paths.h"
#include "core/error.h"
#include <stdlib.h>

bool tni_tf_is_list_edge(tn_str name)
{
    static const tn_str lists[] = {
        {"variables", 9},       {"trainable_variables", 19},  {"non_trainable_variables", 23},
        {"_all_variables", 14}, {"_trainable_variables", 20}, {"_non_trainable_variables", 24},
    };
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (tn_str_equal(name, lists[i])) {
            return true;
        }
    }
    return false;
}

static bool may_use(const tni_tf_paths *paths, const tn_object_edge *edge)
{
    return paths->optimizer == NULL ||
           (!paths->optimizer[edge->node] && !tni_tf_is_list_edge(edge->name));
}

/* One search. Nodes of one depth are ranked by their paths, so a path compares as (rank of the node
 * before, last component). */
typedef struct search {
    tni_tf_paths *paths;
    uint32_t *rank;
    uint32_t *level, *next; /* nodes of this depth and of the next one */
    uint32_t n_level, n_next;
} search;

static tn_str last_name(const tni_tf_paths *paths, uint32_t node)
{
    return paths->graph->nodes[paths->parent[node]].children[paths->edge[node]].name;
}

/* Compares two nodes of the next depth by their paths. */
static int compare_paths(const search *s, uint32_t a, uint32_t b)
{
    uint32_t rank_a = s->rank[s->paths->parent[a]], rank_b = s->rank[s->paths->parent[b]];
    if (rank_a != rank_b) {
        return rank_a < rank_b ? -1 : 1;
    }
    /* Escaping keeps the order of names. */
    return tn_str_compare(last_name(s->paths, a), last_name(s->paths, b));
}

static int by_path(const void *a, const void *b, void *s)
{
    return compare_paths(s, *(const uint32_t *)a, *(const uint32_t *)b);
}

/* Lets one edge propose a path to its node. */
static void propose(search *s, uint32_t node, uint32_t edge_index)
{
    tni_tf_paths *paths = s->paths;
    const tn_object_edge *edge = &paths->graph->nodes[node].children[edge_index];
    uint32_t to = edge->node, depth = paths->depth[node] + 1;
    if (!may_use(paths, edge)) {
        return;
    }
    if (paths->parent[to] == TN_NO_INDEX) {
        s->next[s->n_next++] = to;
    } else {
        uint32_t rank = s->rank[node], old = s->rank[paths->parent[to]];
        bool better =
            paths->depth[to] == depth &&
            (rank < old || (rank == old && tn_str_compare(edge->name, last_name(paths, to)) < 0));
        if (!better) {
            return;
        }
    }
    paths->parent[to] = node;
    paths->edge[to] = edge_index;
    paths->depth[to] = depth;
}

/* Sorts the next depth's nodes by their paths, ranks them (equal paths alike), and goes on to it.
 */
static void descend(search *s)
{
    qsort_r(s->next, s->n_next, sizeof(uint32_t), by_path, s);
    uint32_t rank = 0;
    for (uint32_t i = 0; i < s->n_next; i++) {
        if (i > 0 && compare_paths(s, s->next[i - 1], s->next[i]) != 0) {
            rank = i;
        }
        s->rank[s->next[i]] = rank;
    }
    uint32_t *done = s->level;
    s->level = s->next;
    s->n_level = s->n_next;
    s->next = done;
    s->n_next = 0;
}

static tn_status allocate(search *s, tni_arena *scratch, tn_error *err)
{
    uint32_t n = s->paths->graph->n_nodes;
    void *block;
    tn_status status = tni_arena_array(scratch, n, 6 * sizeof(uint32_t), &block, err);
    if (status == TN_OK) {
        status = tni_object_walk_init(s->paths->graph->nodes, n, scratch, &s->paths->walk, err);
    }
    if (status != TN_OK) {
        return status;
    }
    uint32_t *words = block;
    s->paths->parent = words;
    s->paths->edge = words + n;
    s->paths->depth = words + 2 * (size_t)n;
    s->rank = words + 3 * (size_t)n;
    s->level = words + 4 * (size_t)n;
    s->next = words + 5 * (size_t)n;
    memset(s->paths->parent, 0xFF, n * sizeof(uint32_t));
    return TN_OK;
}

tn_status tni_tf_paths_find(const tni_tf_graph *graph, const bool *optimizer, tni_arena *scratch,
                            tni_tf_paths *paths_out, tn_error *err)
{
    tni_tf_paths paths = {.graph = graph, .optimizer = optimizer};
    search s = {.paths = &paths};
    tn_status status = allocate(&s, scratch, err);
    if (status != TN_OK) {
        return status;
    }
    paths.parent[0] = 0;
    s.level[0] = 0;
    s.n_level = 1;
    while (s.n_level > 0) {
        for (uint32_t i = 0; i < s.n_level; i++) {
            const tn_object *node = &graph->nodes[s.level[i]];
            for (uint32_t k = 0; k < node->n_children; k++) {
                propose(&s, s.level[i], k);
            }
        }
        descend(&s);
    }
    *paths_out = paths;
    return TN_OK;
}

static uint64_t escaped_len(tn_str name)
{
    uint64_t len = name.len;
    for (size_t i = 0; i < name.len; i++) {
        len += name.data[i] == '.' || name.data[i] == '/';
    }
    return len;
}

/* Writes a name escaped so that it ends before `end`; returns where it begins. */
static char *escape_before(tn_str name, char *end)
{
    for (size_t i = name.len; i > 0; i--) {
        char c = name.data[i - 1];
        if (c == '.' || c == '/') {
            *--end = c == '.' ? '.' : 'S';
            c = '.';
        }
        *--end = c;
    }
    return end;
}

tn_status tni_tf_path_text(const tni_tf_paths *paths, uint32_t node, tni_arena *arena,
                           tn_str *text_out, tn_error *err)
{
    uint64_t len = 0, limit = arena->ctx->limits.name_bytes;
    void *block;
    tn_status status = TN_OK;
    for (uint32_t at = node; status == TN_OK && at != 0; at = paths->parent[at]) {
        len += escaped_len(last_name(paths, at)) + (at != node);
        status = tni_check_limit(len, limit, "name-bytes", err);
    }
    if (status == TN_OK) {
        status = tni_arena_alloc(arena, (size_t)len + 1, &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    char *text = block, *end = text + len;
    for (uint32_t at = node; at != 0; at = paths->parent[at]) {
        if (at != node) {
            *--end = '/';
        }
        end = escape_before(last_name(paths, at), end);
    }
    *text_out = (tn_str){text, (size_t)len};
    return TN_OK;
}

/* Follows the edge of one escaped name; *node is TN_NO_INDEX if there is none. */
static tn_status follow(tni_tf_paths *paths, tn_str component, uint32_t *node, tn_error *err)
{
    uint32_t edge;
    const tn_object *object = &paths->graph->nodes[*node];
    tn_status status = tni_object_step(&paths->walk, *node, component, &edge, err);
    if (status == TN_OK) {
        bool leads = edge != TN_NO_INDEX && may_use(paths, &object->children[edge]);
        *node = leads ? object->children[edge].node : TN_NO_INDEX;
    }
    return status;
}

static size_t count_components(tn_str text)
{
    size_t count = 1;
    for (size_t i = 0; i < text.len; i++) {
        count += text.data[i] == '/';
    }
    return count;
}

tn_status tni_tf_path_leads_to(tni_tf_paths *paths, tn_str text, uint32_t node, bool *leads_out,
                               tn_error *err)
{
    *leads_out = false;
    if (count_components(text) != paths->depth[node]) {
        return TN_OK;
    }
    uint32_t at = 0;
    for (size_t from = 0; at != TN_NO_INDEX && from <= text.len;) {
        const char *slash = memchr(text.data + from, '/', text.len - from);
        size_t len = slash == NULL ? text.len - from : (size_t)(slash - text.data) - from;
        tn_status status = follow(paths, (tn_str){text.data + from, len}, &at, err);
        if (status != TN_OK) {
            return status;
        }
        from += len + 1;
    }
    *leads_out = at == node;
    return TN_OK;
}
