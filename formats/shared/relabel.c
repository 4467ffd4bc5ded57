#include "formats/shared/relabel.h"
#include "core/error.h"
#include <stdlib.h>
#include <tenon/text.h>

#define ATTRIBUTES "/.ATTRIBUTES/"
#define OPTIMIZER_SLOT "/.OPTIMIZER_SLOT/"

tn_status tni_relabel_begin(const tn_object *nodes, uint32_t count, tni_arena *arena,
                            tni_relabel *relabel_out, tn_error *err)
{
    tni_relabel r = {.count = count, .arena = arena};
    void *first, *label, *said_by;
    size_t edges = 0;
    tn_status status = tni_object_walk_init(nodes, count, arena, &r.walk, err);
    if (status == TN_OK) {
        status = tni_arena_array(arena, count, sizeof(size_t), &first, err);
    }
    if (status != TN_OK) {
        return status;
    }
    r.first = first;
    for (uint32_t i = 0; i < count; i++) {
        r.first[i] = edges;
        edges += nodes[i].n_children;
    }
    if ((status = tni_arena_array(arena, edges, sizeof(tn_str), &label, err)) != TN_OK ||
        (status = tni_arena_array(arena, edges, sizeof(tn_str), &said_by, err)) != TN_OK) {
        return status;
    }
    r.label = label;
    r.said_by = said_by;
    *relabel_out = r;
    return TN_OK;
}

static size_t count_components(tn_str path)
{
    size_t count = 0;
    for (tn_str component; tni_object_component(&path, &component);) {
        count++;
    }
    return count;
}

/* Refuses a path that no relabelling makes of another. */
static tn_status check_length(tn_str from, tn_str to, tn_error *err)
{
    size_t was = count_components(from), is = count_components(to);
    if (was == is) {
        return TN_OK;
    }
    char text[TN_ERROR_SUBJECT];
    tn_escape(to, text, sizeof text);
    return tni_fail(err, TN_E_IMPOSSIBLE,
                    "%zu edge%s of the object graph lead%s to it and %zu would lead to '%s': "
                    "relabelling makes none and takes none away",
                    was, was == 1 ? "" : "s", was == 1 ? "s" : "", is, text);
}

/* Refuses an edge that two tensors call differently: the second is the one at `path`, which `until`
 * begins up to and with the edge. */
static tn_status disagree(const tni_relabel *r, size_t edge, tn_str path, tn_str until, tn_str name,
                          tn_error *err)
{
    char object[160], first[160], second[160], one[320], other[320];
    tn_escape(until, object, sizeof object);
    tn_escape(r->label[edge], first, sizeof first);
    tn_escape(name, second, sizeof second);
    tn_escape(r->said_by[edge], one, sizeof one);
    tn_escape(path, other, sizeof other);
    return tni_fail(err, TN_E_IMPOSSIBLE,
                    "the object '%s' is reached over one edge, which would be called '%s' for %s "
                    "and '%s' for %s",
                    object, first, one, second, other);
}

/* Undoes the escapes of a component that a user wrote. */
static tn_status take_name(tni_relabel *r, tn_str component, tn_str *name_out, tn_error *err)
{
    void *block;
    size_t len;
    tn_status status = tni_arena_alloc(r->arena, component.len + 1, &block, err);
    if (status != TN_OK) {
        return status;
    }
    char text[TN_ERROR_SUBJECT];
    if (component.len == 0) {
        return tni_fail(err, TN_E_IMPOSSIBLE, "a component of its new name is empty");
    }
    if (!tni_object_unescape(component, block, &len)) {
        tn_escape(component, text, sizeof text);
        return tni_fail(err, TN_E_IMPOSSIBLE,
                        "'%s' is no component of an object path: there '.' is written '..'", text);
    }
    *name_out = (tn_str){block, len};
    return TN_OK;
}

/* Notes that an edge of an object gets another name. */
static tn_status note_changed(tni_relabel *r, uint32_t node, tn_error *err)
{
    if (r->n_changed > 0 && r->changed[r->n_changed - 1] == node) {
        return TN_OK;
    }
    if (r->n_changed == r->changed_room) {
        void *block;
        size_t room = r->changed_room == 0 ? 16 : 2 * r->changed_room;
        tn_status status = tni_arena_array(r->arena, room, sizeof(uint32_t), &block, err);
        if (status != TN_OK) {
            return status;
        }
        if (r->n_changed > 0) {
            memcpy(block, r->changed, r->n_changed * sizeof(uint32_t));
        }
        r->changed = block;
        r->changed_room = room;
    }
    r->changed[r->n_changed++] = node;
    return TN_OK;
}

/* Says the name of one edge. `until` is the old path up to and with it. */
static tn_status say(tni_relabel *r, uint32_t node, uint32_t child, tn_str component, tn_str path,
                     tn_str until, tn_error *err)
{
    size_t edge = r->first[node] + child;
    tn_str was = r->walk.nodes[node].children[child].name, name = was;
    tn_status status = TN_OK;
    if (component.data != NULL) {
        status = take_name(r, component, &name, err);
    }
    if (status != TN_OK) {
        return status;
    }
    if (r->label[edge].data != NULL) {
        return tn_str_equal(r->label[edge], name) ? TN_OK
                                                  : disagree(r, edge, path, until, name, err);
    }
    r->label[edge] = name.data == NULL ? TN_LIT("") : name;
    r->said_by[edge] = path;
    return tn_str_equal(name, was) ? TN_OK : note_changed(r, node, err);
}

tn_status tni_relabel_path(tni_relabel *r, tn_str from, tn_str to, tn_error *err)
{
    tn_str rest = from, left = to, old, new;
    uint32_t node = 0, child;
    tn_status status = check_length(from, to, err);
    while (status == TN_OK && tni_object_component(&rest, &old) &&
           tni_object_component(&left, &new)) {
        status = tni_object_step(&r->walk, node, old, &child, err);
        if (status == TN_OK && child == TN_NO_INDEX) {
            status = tni_fail(err, TN_E_IMPOSSIBLE, "its name is no path of the object graph");
        }
        if (status == TN_OK) {
            tn_str until = {from.data, (size_t)(old.data + old.len - from.data)};
            tn_str component = tn_str_equal(old, new) ? TN_STR_NONE : new;
            status = say(r, node, child, component, from, until, err);
            node = r->walk.nodes[node].children[child].node;
        }
    }
    return status;
}

tn_str tni_relabel_edge(const tni_relabel *r, uint32_t node, uint32_t child)
{
    tn_str label = r->label[r->first[node] + child];
    return label.data != NULL ? label : r->walk.nodes[node].children[child].name;
}

/* An object's edges, to be sorted by the names that they get. */
typedef struct edges_of {
    const tni_relabel *relabel;
    uint32_t node;
} edges_of;

static int by_label(const void *a, const void *b, void *of)
{
    const edges_of *edges = of;
    return tn_str_compare(tni_relabel_edge(edges->relabel, edges->node, *(const uint32_t *)a),
                          tni_relabel_edge(edges->relabel, edges->node, *(const uint32_t *)b));
}

static bool is_changed(const tni_relabel *r, uint32_t node, uint32_t child)
{
    return !tn_str_equal(tni_relabel_edge(r, node, child),
                         r->walk.nodes[node].children[child].name);
}

/* Checks that the edges of one object have different names where one of them was changed. */
static tn_status check_object(tni_relabel *r, uint32_t node, uint32_t *order, tn_error *err)
{
    uint32_t count = r->walk.nodes[node].n_children;
    edges_of of = {r, node};
    for (uint32_t i = 0; i < count; i++) {
        order[i] = i;
    }
    qsort_r(order, count, sizeof(uint32_t), by_label, &of);
    for (uint32_t i = 1; i < count; i++) {
        uint32_t a = order[i - 1], b = order[i];
        if (by_label(&a, &b, &of) == 0 && (is_changed(r, node, a) || is_changed(r, node, b))) {
            char label[160], one[160], other[160];
            tn_escape(tni_relabel_edge(r, node, a), label, sizeof label);
            tn_escape(r->walk.nodes[node].children[a].name, one, sizeof one);
            tn_escape(r->walk.nodes[node].children[b].name, other, sizeof other);
            return tni_fail(err, TN_E_COLLISION,
                            "an object would have two children of the name '%s': what is '%s' and "
                            "what is '%s' now",
                            label, one, other);
        }
    }
    return TN_OK;
}

tn_status tni_relabel_end(tni_relabel *r, tn_error *err)
{
    void *done = NULL, *order = NULL;
    uint32_t widest = 0;
    tn_status status = tni_alloc_array(r->arena->ctx, r->count, sizeof(bool), &done, err);
    for (size_t i = 0; i < r->n_changed; i++) {
        uint32_t width = r->walk.nodes[r->changed[i]].n_children;
        widest = width > widest ? width : widest;
    }
    if (status == TN_OK) {
        status = tni_alloc_array(r->arena->ctx, widest, sizeof(uint32_t), &order, err);
    }
    for (size_t i = 0; status == TN_OK && i < r->n_changed; i++) {
        bool *seen = (bool *)done + r->changed[i];
        if (!*seen) {
            *seen = true;
            status = check_object(r, r->changed[i], order, err);
        }
    }
    tni_free(r->arena->ctx, done);
    tni_free(r->arena->ctx, order);
    return status;
}

/* Spells the path that an escaped path becomes; false in *leads_out if it leads nowhere. */
static tn_status follow_path(tni_relabel *r, tn_str path, tni_buffer *out, bool *leads_out,
                             tn_error *err)
{
    uint32_t node = 0, child;
    tn_str rest = path.len == 0 ? TN_STR_NONE : path, component;
    *leads_out = false;
    while (tni_object_component(&rest, &component)) {
        tn_status status = tni_object_step(&r->walk, node, component, &child, err);
        if (status != TN_OK || child == TN_NO_INDEX) {
            return status;
        }
        if (component.data != path.data) {
            tni_buffer_char(out, '/');
        }
        tni_object_escape(tni_relabel_edge(r, node, child), out);
        node = r->walk.nodes[node].children[child].node;
    }
    *leads_out = true;
    return TN_OK;
}

/* Appends a path as it is from now on, as it stands where it leads nowhere. */
static tn_status put_path(tni_relabel *r, tn_str path, tni_buffer *out, tn_error *err)
{
    bool leads;
    size_t len = out->len;
    tn_status status = follow_path(r, path, out, &leads, err);
    if (status == TN_OK && !leads) {
        out->len = len;
        tni_buffer_str(out, path);
    }
    return status;
}

/* Splits at the first `mark`; false if there is none. */
static bool split(tn_str text, tn_str mark, tn_str *before, tn_str *behind)
{
    const char *at = text.len == 0 ? NULL : memmem(text.data, text.len, mark.data, mark.len);
    if (at == NULL) {
        return false;
    }
    *before = tn_str_first(text, (size_t)(at - text.data));
    *behind = tn_str_skip(text, before->len + mark.len);
    return true;
}

static tn_status put_key(tni_relabel *r, tn_str key, tni_buffer *out, tn_error *err)
{
    tn_str path, attribute, variable, slot;
    if (!split(key, TN_LIT(ATTRIBUTES), &path, &attribute)) {
        tni_buffer_str(out, key);
        return TN_OK;
    }
    if (!split(path, TN_LIT(OPTIMIZER_SLOT), &variable, &slot)) {
        tn_status status = put_path(r, path, out, err);
        tni_buffer_str(out, tn_str_skip(key, path.len));
        return status;
    }
    const char *last = slot.len == 0 ? NULL : memrchr(slot.data, '/', slot.len);
    tn_str optimizer = tn_str_first(slot, last == NULL ? 0 : (size_t)(last - slot.data));
    tn_status status = put_path(r, variable, out, err);
    tni_buffer_text(out, OPTIMIZER_SLOT);
    if (status == TN_OK) {
        status = put_path(r, optimizer, out, err);
    }
    tni_buffer_str(out, tn_str_skip(slot, optimizer.len));
    tni_buffer_str(out, tn_str_skip(key, path.len));
    return status;
}

tn_status tni_relabel_key(tni_relabel *r, tn_str key, tn_str *key_out, tn_error *err)
{
    tni_buffer text;
    tni_buffer_init(&text, r->arena->ctx);
    tn_status status = put_key(r, key, &text, err);
    if (status == TN_OK) {
        status = tni_buffer_check(&text, err);
    }
    tn_str made = {text.data, text.len}, kept = key;
    if (status == TN_OK && !tn_str_equal(made, key)) {
        status = tni_arena_str(r->arena, made, &kept, err);
    }
    tni_buffer_clear(&text);
    if (status == TN_OK) {
        *key_out = kept;
    }
    return status;
}
