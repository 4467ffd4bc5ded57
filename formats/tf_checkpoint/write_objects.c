/* --layout objects where no graph can be carried: a new one, of the components of the names. */
#include "core/error.h"
#include "core/hash.h"
#include "formats/shared/object_walk.h"
#include "formats/tf_checkpoint/graph_write.h"
#include "formats/tf_checkpoint/layout.h"
#include "formats/tf_checkpoint/paths.h"
#include "formats/tf_checkpoint/strings.h"
#include "formats/tf_checkpoint/write.h"

/* What the source's own graph knows: which slot a stored key is. */
typedef struct known {
    const tn_model *root;
    bool has_graph;
    tni_hash by_key; /* stored key of a slot → its place in `slots` */
    const tn_object_slot **slots;
    tni_tf_paths paths;
} known;

static const tn_object_value *variable_of(const tn_object *object)
{
    for (uint32_t i = 0; i < object->n_attributes; i++) {
        if (tn_str_equal(object->attributes[i].name, TN_LIT(TNI_TF_VARIABLE_VALUE))) {
            return &object->attributes[i];
        }
    }
    return NULL;
}

/* Collects the slots of a source's graph, and the paths of its optimizers. */
static tn_status learn(known *k, tni_arena *arena, tn_error *err)
{
    void *block;
    size_t count = 0;
    uint32_t n = 0;
    for (size_t i = 0; i < k->root->n_objects; i++) {
        count += k->root->objects[i].n_slots;
    }
    tn_status status = tni_arena_array(arena, count, sizeof(tn_object_slot *), &block, err);
    if (status != TN_OK || count == 0) {
        return status;
    }
    k->slots = block;
    for (size_t i = 0; status == TN_OK && i < k->root->n_objects; i++) {
        const tn_object *object = &k->root->objects[i];
        for (uint32_t s = 0; status == TN_OK && s < object->n_slots; s++) {
            const tn_object_value *value = variable_of(&k->root->objects[object->slots[s].node]);
            k->slots[n] = &object->slots[s];
            if (value != NULL) {
                status = tni_hash_add(&k->by_key, value->key, n, NULL, err);
            }
            n++;
        }
    }
    if (status == TN_OK) {
        tni_tf_graph *graph;
        status = tni_arena_alloc(arena, sizeof *graph, &block, err);
        graph = block;
        if (status == TN_OK) {
            *graph =
                (tni_tf_graph){.nodes = k->root->objects, .n_nodes = (uint32_t)k->root->n_objects};
            status = tni_tf_paths_find(graph, NULL, arena, &k->paths, err);
        }
    }
    return status;
}

/* Takes a component as an escaped name where it is one in an object graph's names, else as it
 * stands. */
static void put_component(tn_str component, bool escaped, char *room, tni_buffer *out)
{
    size_t len;
    if (escaped && tni_object_unescape(component, room, &len)) {
        tni_buffer_str(out, component);
    } else {
        tni_object_escape(component, out);
    }
}

/* Makes a path of a name. */
static tn_status path_of_name(tni_write *write, tn_str name, bool escaped, tn_str *path_out,
                              tn_error *err)
{
    tni_buffer path;
    void *room;
    tn_str rest = name, component;
    tn_status status = tni_arena_alloc(write->arena, name.len + 1, &room, err);
    tni_buffer_init(&path, write->ctx);
    while (status == TN_OK && tni_object_component(&rest, &component)) {
        if (component.data != name.data) {
            tni_buffer_char(&path, '/');
        }
        put_component(component, escaped, room, &path);
        if (component.len == 0) {
            status = tni_fail(err, TN_E_CANNOT_HOLD,
                              "an object graph cannot hold it: a component of its name is empty");
            tni_error_subject(err, name);
            tni_error_hint(err, "rename it, or leave it out with --drop");
        }
    }
    if (status == TN_OK) {
        status = tni_buffer_check(&path, err);
    }
    if (status == TN_OK) {
        status = tni_arena_str(write->arena, (tn_str){path.data, path.len}, path_out, err);
    }
    tni_buffer_clear(&path);
    return status;
}

/* Tells whether a slot stays one: its source says whose it is and in which optimizer. */
static const tn_object_slot *known_slot(const known *k, const tni_write *write,
                                        const tn_tensor *tensor)
{
    if (!k->has_graph || tensor->origin != k->root || tensor->slot_of == TN_NO_INDEX) {
        return NULL;
    }
    uint32_t n = tni_hash_get(&k->by_key, tni_tf_stored_key(tensor));
    bool good = n != TNI_HASH_NONE && k->paths.parent[k->slots[n]->optimizer] != TN_NO_INDEX &&
                tn_model_at(write->model, tensor->slot_of)->slot_of == TN_NO_INDEX;
    return good ? k->slots[n] : NULL;
}

/* Tells whether a tensor goes back to its place in the source's graph, which is not its name:
 * optimizer state, which is called by its full name. */
static bool keeps_place(const known *k, const tn_tensor *tensor)
{
    return k->has_graph && tensor->origin == k->root && tensor->role != TN_ROLE_VARIABLE &&
           tensor->alias[TN_SCHEME_OBJECT].data != NULL;
}

/* Says where one tensor goes. */
static tn_status place_of(const known *k, tni_write *write, const tn_tensor *tensor,
                          tni_tf_place *place, tn_error *err)
{
    tn_str full = tensor->alias[TN_SCHEME_FULL];
    if (full.data == NULL && tensor->origin == k->root) {
        full = k->root->tensors[tensor->origin_index].alias[TN_SCHEME_FULL];
    }
    const tn_object_slot *slot = known_slot(k, write, tensor);
    tn_str name = tensor->alias[TN_SCHEME_NAME];
    *place = (tni_tf_place){.full_name = full.data != NULL ? full : name, .owner = TN_NO_INDEX};
    if (slot != NULL) {
        place->slot = slot->name.data == NULL ? TN_LIT("") : slot->name;
        place->owner = tensor->slot_of;
        return tni_tf_path_text(&k->paths, slot->optimizer, write->arena, &place->path, err);
    }
    if (keeps_place(k, tensor)) {
        place->path = tensor->alias[TN_SCHEME_OBJECT];
        return TN_OK;
    }
    return path_of_name(write, name, k->has_graph && tensor->origin == k->root, &place->path, err);
}

/* Notes what users may not expect of the new graph. */
static tn_status note(tni_write *write, const known *k, const tni_tf_place *places, tn_error *err)
{
    size_t slots = 0, deep = 0, dotted = 0;
    for (size_t i = 0; i < write->model->count; i++) {
        const tn_tensor *tensor = &write->model->tensors[i];
        tn_str name = tensor->alias[TN_SCHEME_NAME];
        slots +=
            tensor->role == TN_ROLE_SLOT && places[i].slot.data == NULL && !keeps_place(k, tensor);
        deep += memchr(name.data, '/', name.len) != NULL;
        dotted += memchr(name.data, '.', name.len) != NULL;
    }
    tn_status status = TN_OK;
    if (slots > 0) {
        status = tn_report_say(write->notes, TN_SEVERITY_WARNING, "plain-slots", TN_STR_NONE, err,
                               "%zu slot%s become%s plain object%s, which no optimizer restores: "
                               "the input does not say which one owns %s (--weights-only leaves "
                               "slots out)",
                               slots, slots == 1 ? "" : "s", slots == 1 ? "s" : "",
                               slots == 1 ? "" : "s", slots == 1 ? "it" : "them");
    }
    if (status == TN_OK && deep == 0 && dotted > 0) {
        status = tn_report_say(write->notes, TN_SEVERITY_NOTE, "flat-names", TN_STR_NONE, err,
                               "only '/' makes levels of objects, and no name has one: --rename "
                               "'{x:**}.{leaf}={x}/{leaf}' makes them of '.'");
    }
    return status;
}

/* Says where all tensors go, and under which keys. */
static tn_status place_all(known *k, tni_write *write, tni_tf_write *state,
                           tni_tf_place **places_out, tn_error *err)
{
    void *places, *keys;
    size_t count = write->model->count;
    tn_status status = tni_arena_array(write->arena, count, sizeof(tni_tf_place), &places, err);
    if (status == TN_OK) {
        status = tni_arena_array(write->arena, count, sizeof(tn_str), &keys, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tni_tf_place *place = places;
    state->keys = keys;
    for (size_t i = 0; status == TN_OK && i < count; i++) {
        status = place_of(k, write, &write->model->tensors[i], &place[i], err);
    }
    for (uint32_t i = 0; status == TN_OK && i < count; i++) {
        status = tni_tf_place_key(place, i, write->arena, &state->keys[i], err);
    }
    *places_out = place;
    return status == TN_OK ? note(write, k, place, err) : status;
}

tn_status tni_tf_objects_make(tni_write *write, tni_tf_write *state, tn_error *err)
{
    tni_arena scratch;
    tni_buffer graph;
    tni_tf_place *places;
    known k = {.root = tni_model_root(write->model)};
    k.has_graph = tni_model_carrier(k.root, TNI_TF_GRAPH_CARRIER) != NULL;
    tni_arena_init(&scratch, write->ctx, write->ctx->limits.memory);
    tni_buffer_init(&graph, write->ctx);
    tni_hash_init(&k.by_key, write->ctx, 0);
    tn_status status = k.has_graph ? learn(&k, &scratch, err) : TN_OK;
    if (status == TN_OK) {
        status = place_all(&k, write, state, &places, err);
    }
    if (status == TN_OK) {
        status = tni_tf_graph_write(write->ctx, places, state->keys, (uint32_t)write->model->count,
                                    &graph, err);
    }
    if (status == TN_OK) {
        status = tni_tf_graph_keep(write, state, (tn_str){graph.data, graph.len}, err);
    }
    tni_hash_clear(&k.by_key);
    tni_buffer_clear(&graph);
    tni_arena_clear(&scratch);
    return status;
}
