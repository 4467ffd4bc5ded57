/* Objects from names: each component of a name is an attribute, as far as TensorFlow's loader can
 * make it one. */
#include "core/error.h"
#include "formats/saved_model/write.h"
#include "formats/shared/object_walk.h"
#include <stdio.h>

typedef struct paths {
    tni_sm_write *w;
    tni_arena scratch;
    tni_hash by_path; /* path → the tensor whose path it is */
    tni_hash by_edge; /* number of an object and an edge → the object that it leads to */
    tni_buffer text;
    tn_str *path; /* by tensor: its components, escaped; "" if it has none */
} paths;

/* What the loader's own objects use (dir() of them in TensorFlow 2.15 and 2.21): a variable of such
 * a name makes the whole model unloadable, or unsavable once it is loaded, or cannot be reached.
 * Names are widened to beginnings, for the versions that were not looked at. */
static bool is_taken(tn_str component, bool first)
{
    static const char *const beginnings[] = {
        "__",
        "_add_trackable",
        "_add_variable",
        "_checkpoint",
        "_copy_trackable",
        "_deferred_",
        "_delete_tracking",
        "_deserializ",
        "_export_to_saved_model",
        "_gather_",
        "_handle_",
        "_lookup_",
        "_maybe_",
        "_name_based",
        "_no_dependency",
        "_object_identifier",
        "_preload_simple",
        "_restore_from_tensors",
        "_self_",
        "_serialize_to_",
        "_setattr_",
        "_tf_api_names",
        "_track_",
        "_trackable_",
        "_unconditional_",
        "_update_uid",
    };
    static const char *const of_root[] = {"signatures", "tensorflow_version",
                                          "tensorflow_git_version", "graph_debug_info"};
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        if (tn_str_starts(component, tn_str_of(beginnings[i]))) {
            return true;
        }
    }
    for (size_t i = 0; first && i < sizeof of_root / sizeof of_root[0]; i++) {
        if (tn_str_equal(component, tn_str_of(of_root[i]))) {
            return true;
        }
    }
    return false;
}

/* Takes the buffer's text into an arena. */
static tn_status take_text(paths *p, tni_arena *arena, tn_str *text_out, tn_error *err)
{
    tn_status status = tni_buffer_check(&p->text, err);
    tn_str text = {p->text.len == 0 ? "" : p->text.data, p->text.len};
    return status == TN_OK ? tni_arena_str(arena, text, text_out, err) : status;
}

/* Undoes the escapes of a component that an object graph spelled; any other stands as it is. */
static tn_status plain_component(paths *p, const tn_tensor *tensor, tn_str component,
                                 tn_str *plain_out, tn_error *err)
{
    const tn_model *root = tni_model_root(p->w->model);
    void *room;
    size_t len = 0;
    *plain_out = component;
    if (root->n_objects == 0 || tensor->origin != root || component.len == 0) {
        return TN_OK;
    }
    tn_status status = tni_arena_alloc(&p->scratch, component.len, &room, err);
    if (status == TN_OK && tni_object_unescape(component, room, &len)) {
        *plain_out = (tn_str){room, len};
    }
    return status;
}

/* Takes a tensor's name apart: what it is without escapes, its path, and whether that can be one of
 * attributes. */
static tn_status read_name(paths *p, uint32_t index, tn_error *err)
{
    const tn_tensor *tensor = tn_model_at(p->w->model, index);
    tni_sm_place *place = &p->w->places[index];
    tn_str rest = tensor->alias[TN_SCHEME_NAME], component, plain;
    tni_buffer name;
    bool first = true;
    tn_status status = TN_OK;
    tni_buffer_init(&name, p->scratch.ctx);
    tni_buffer_reset(&p->text);
    for (bool begun = false; status == TN_OK && tni_object_component(&rest, &component);
         begun = true) {
        status = plain_component(p, tensor, component, &plain, err);
        if (begun) {
            tni_buffer_char(&name, '/');
        }
        if (status == TN_OK && plain.len > 0) {
            tni_buffer_str(&name, plain);
            if (!first) {
                tni_buffer_char(&p->text, '/');
            }
            tni_object_escape(plain, &p->text);
            place->path = is_taken(plain, first) ? TNI_SM_PATH_ITEM : place->path;
            first = false;
        }
    }
    if (status == TN_OK) {
        status = take_text(p, &p->scratch, &p->path[index], err);
    }
    if (status == TN_OK) {
        status = tni_buffer_check(&name, err);
    }
    if (status == TN_OK) {
        status = tni_arena_str(p->w->arena, (tn_str){name.data, name.len}, &place->name, err);
    }
    tni_buffer_clear(&name);
    if (first && place->path == TNI_SM_PATH_SPLIT) {
        place->path = TNI_SM_PATH_FLAT;
    }
    return status;
}

/* Finds the names that cannot be split: of two with one path the second, and those that another
 * variable stands in the way of. */
static tn_status find_flat(paths *p, tn_error *err)
{
    tn_status status = TN_OK;
    for (uint32_t i = 0; status == TN_OK && i < p->w->count; i++) {
        uint32_t old = TNI_HASH_NONE;
        if (p->w->places[i].path == TNI_SM_PATH_SPLIT) {
            status = tni_hash_add(&p->by_path, p->path[i], i, &old, err);
        }
        if (old != TNI_HASH_NONE) {
            p->w->places[i].path = TNI_SM_PATH_FLAT;
        }
    }
    for (uint32_t i = 0; status == TN_OK && i < p->w->count; i++) {
        tn_str path = p->path[i];
        for (size_t k = 0; p->w->places[i].path == TNI_SM_PATH_SPLIT && k < path.len; k++) {
            if (path.data[k] == '/' &&
                tni_hash_get(&p->by_path, tn_str_first(path, k)) != TNI_HASH_NONE) {
                p->w->places[i].path = TNI_SM_PATH_FLAT;
            }
        }
    }
    return status;
}

static tn_status add_object(tni_sm_write *w, tn_str edge, uint32_t parent, uint32_t *index_out,
                            tn_error *err)
{
    if (w->n_objects == INT32_MAX - 1) {
        return tni_fail(err, TN_E_CANNOT_HOLD, "an object graph has at most 2^31 objects");
    }
    if (w->n_objects == w->objects_room) {
        void *block;
        uint32_t room = w->objects_room == 0 ? 64 : 2 * w->objects_room;
        tn_status status = tni_arena_array(w->arena, room, sizeof(tni_sm_object), &block, err);
        if (status != TN_OK) {
            return status;
        }
        if (w->n_objects > 0) {
            memcpy(block, w->objects, w->n_objects * sizeof(tni_sm_object));
        }
        w->objects = block;
        w->objects_room = room;
    }
    if (parent != TN_NO_INDEX) {
        w->objects[parent].n_children++;
    }
    *index_out = w->n_objects++;
    w->objects[*index_out] = (tni_sm_object){.edge = edge, .parent = parent, .tensor = TN_NO_INDEX};
    return TN_OK;
}

/* Makes the key of an edge in the buffer. */
static tn_str edge_key(paths *p, uint32_t parent, tn_str edge)
{
    tni_buffer_reset(&p->text);
    tni_buffer_add(&p->text, &parent, sizeof parent);
    tni_buffer_str(&p->text, edge);
    return (tn_str){p->text.data, p->text.len};
}

/* Finds or adds the object that an edge leads to. */
static tn_status add_child(paths *p, uint32_t parent, tn_str edge, uint32_t *object_out,
                           tn_error *err)
{
    tn_str key = edge_key(p, parent, edge);
    tn_status status = tni_buffer_check(&p->text, err);
    if (status != TN_OK) {
        return status;
    }
    *object_out = tni_hash_get(&p->by_edge, key);
    if (*object_out != TNI_HASH_NONE) {
        return TN_OK;
    }
    status = tni_arena_str(p->w->arena, key, &key, err);
    if (status == TN_OK) {
        status = add_object(p->w, tn_str_skip(key, sizeof parent), parent, object_out, err);
    }
    return status == TN_OK ? tni_hash_add(&p->by_edge, key, *object_out, NULL, err) : status;
}

/* Gives a name with _NUMBER behind it; it may hold any byte. */
static tn_status numbered(paths *p, tn_str name, uint32_t number, tn_str *name_out, tn_error *err)
{
    char tail[16];
    snprintf(tail, sizeof tail, "_%u", number);
    tni_buffer_reset(&p->text);
    tni_buffer_str(&p->text, name);
    tni_buffer_text(&p->text, tail);
    return take_text(p, &p->scratch, name_out, err);
}

/* Adds an object under an edge that no other has: `wanted`, or that with _1, _2 … behind it. */
static tn_status add_new_child(paths *p, uint32_t parent, tn_str wanted, uint32_t *object_out,
                               tn_error *err)
{
    tn_str edge = wanted;
    tn_status status = TN_OK;
    for (uint32_t k = 1; status == TN_OK; k++) {
        uint32_t old = tni_hash_get(&p->by_edge, edge_key(p, parent, edge));
        status = tni_buffer_check(&p->text, err);
        if (status == TN_OK && old == TNI_HASH_NONE) {
            return add_child(p, parent, edge, object_out, err);
        }
        if (status == TN_OK) {
            status = numbered(p, wanted, k, &edge, err);
        }
    }
    return status;
}

/* Adds a tensor whose name was split. */
static tn_status add_split(paths *p, uint32_t index, tn_error *err)
{
    tn_str rest = p->path[index], component;
    uint32_t object = 0;
    tn_status status = TN_OK;
    while (status == TN_OK && tni_object_component(&rest, &component)) {
        void *room;
        size_t len = 0;
        status = tni_arena_alloc(&p->scratch, component.len, &room, err);
        if (status == TN_OK) {
            (void)tni_object_unescape(component, room, &len); /* it was escaped by us */
            status = add_child(p, object, (tn_str){room, len}, &object, err);
        }
    }
    p->w->places[index].object = object;
    return status;
}

/* Adds the tensors of one kind; `items` is the object that they go into. */
static tn_status add_kind(paths *p, tni_sm_path kind, uint32_t into, tn_error *err)
{
    tn_status status = TN_OK;
    for (uint32_t i = 0; status == TN_OK && i < p->w->count; i++) {
        tni_sm_place *place = &p->w->places[i];
        if (place->path != kind) {
            continue;
        }
        status = kind == TNI_SM_PATH_SPLIT
                     ? add_split(p, i, err)
                     : add_new_child(p, into, place->name, &place->object, err);
        if (status == TN_OK) {
            p->w->objects[place->object].tensor = i;
        }
    }
    return status;
}

static tn_status add_all(paths *p, tn_error *err)
{
    bool any_item = false;
    uint32_t root, items = 0;
    for (uint32_t i = 0; i < p->w->count; i++) {
        any_item = any_item || p->w->places[i].path == TNI_SM_PATH_ITEM;
    }
    tn_status status = add_object(p->w, TN_STR_NONE, TN_NO_INDEX, &root, err);
    if (status == TN_OK) {
        status = add_kind(p, TNI_SM_PATH_SPLIT, root, err);
    }
    if (status == TN_OK) {
        status = add_kind(p, TNI_SM_PATH_FLAT, root, err);
    }
    if (status == TN_OK && any_item) {
        status = add_new_child(p, root, TN_LIT(TNI_SM_ITEMS), &items, err);
        if (status == TN_OK) {
            p->w->objects[items].dict = true;
            status = add_kind(p, TNI_SM_PATH_ITEM, items, err);
        }
    }
    return status;
}

tn_status tni_sm_paths_make(tni_sm_write *w, tn_error *err)
{
    paths p = {.w = w};
    void *places, *texts;
    tn_context *ctx = w->arena->ctx;
    tni_arena_init(&p.scratch, ctx, ctx->limits.memory);
    tni_hash_init(&p.by_path, ctx, w->count);
    tni_hash_init(&p.by_edge, ctx, w->count);
    tni_buffer_init(&p.text, ctx);
    tn_status status = tni_arena_array(w->arena, w->count, sizeof(tni_sm_place), &places, err);
    if (status == TN_OK) {
        status = tni_arena_array(&p.scratch, w->count, sizeof(tn_str), &texts, err);
    }
    if (status == TN_OK) {
        w->places = places;
        p.path = texts;
    }
    for (uint32_t i = 0; status == TN_OK && i < w->count; i++) {
        status = read_name(&p, i, err);
    }
    if (status == TN_OK) {
        status = find_flat(&p, err);
    }
    if (status == TN_OK) {
        status = add_all(&p, err);
    }
    tni_buffer_clear(&p.text);
    tni_hash_clear(&p.by_edge);
    tni_hash_clear(&p.by_path);
    tni_arena_clear(&p.scratch);
    return status;
}
