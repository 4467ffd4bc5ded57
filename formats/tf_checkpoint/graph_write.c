/* The graph is packed by protobuf-c: fields in order of their numbers and defaults left out, as
 * TensorFlow does. */
#include "formats/tf_checkpoint/graph_write.h"

#include "core/error.h"
#include "core/hash.h"
#include "formats/shared/object_walk.h"
#include "formats/tf_checkpoint/layout.h"
#include "schemas/object_graph.pb-c.h"
#include <tenon/model.h>

/* An object in the making. */
typedef struct object {
    tn_str name; /* of the edge that leads to it, escaped */
    uint32_t parent;
    uint32_t n_children, n_slots;
    uint32_t value; /* the place whose variable it holds, or TN_NO_INDEX */
} object;

typedef struct build {
    tni_arena arena;
    const tni_tf_place *places;
    const tn_str *keys;
    uint32_t count;
    tni_hash by_edge; /* number of an object and a component → the object that it leads to */
    tni_buffer edge;  /* one such key */
    object *objects;
    size_t n_objects, room;
    uint32_t *node_of;      /* by place: the object that holds it */
    uint32_t *optimizer_of; /* by place: of a slot */
    Tenon__TrackableObject *messages;
    Tenon__TrackableObjectGraph graph;
} build;

tn_status tni_tf_place_key(const tni_tf_place *places, uint32_t index, tni_arena *arena,
                           tn_str *key_out, tn_error *err)
{
    const tni_tf_place *place = &places[index];
    tni_buffer key;
    tni_buffer_init(&key, arena->ctx);
    if (place->slot.data != NULL) {
        tni_buffer_str(&key, places[place->owner].path);
        tni_buffer_text(&key, "/.OPTIMIZER_SLOT/");
    }
    tni_buffer_str(&key, place->path);
    if (place->slot.data != NULL) {
        tni_buffer_char(&key, '/');
        tni_object_escape(place->slot, &key);
    }
    tni_buffer_text(&key, TNI_TF_VARIABLE_SUFFIX);
    tn_status status = tni_buffer_check(&key, err);
    if (status == TN_OK) {
        status = tni_arena_str(arena, (tn_str){key.data, key.len}, key_out, err);
    }
    tni_buffer_clear(&key);
    return status;
}

static tn_status add_object(build *b, tn_str name, uint32_t parent, uint32_t *index_out,
                            tn_error *err)
{
    if (b->n_objects == INT32_MAX) {
        return tni_fail(err, TN_E_CANNOT_HOLD, "an object graph has at most 2^31 objects");
    }
    if (b->n_objects == b->room) {
        void *block;
        size_t room = b->room == 0 ? 64 : 2 * b->room;
        tn_status status = tni_arena_array(&b->arena, room, sizeof(object), &block, err);
        if (status != TN_OK) {
            return status;
        }
        if (b->n_objects > 0) {
            memcpy(block, b->objects, b->n_objects * sizeof(object));
        }
        b->objects = block;
        b->room = room;
    }
    *index_out = (uint32_t)b->n_objects;
    b->objects[b->n_objects++] = (object){.name = name, .parent = parent, .value = TN_NO_INDEX};
    return TN_OK;
}

/* Finds or adds the object that a component leads to. */
static tn_status add_child(build *b, uint32_t parent, tn_str component, uint32_t *node_out,
                           tn_error *err)
{
    tn_str edge;
    tni_buffer_reset(&b->edge);
    tni_buffer_add(&b->edge, &parent, sizeof parent);
    tni_buffer_str(&b->edge, component);
    tn_status status = tni_buffer_check(&b->edge, err);
    if (status != TN_OK) {
        return status;
    }
    *node_out = tni_hash_get(&b->by_edge, (tn_str){b->edge.data, b->edge.len});
    if (*node_out != TNI_HASH_NONE) {
        return TN_OK;
    }
    b->objects[parent].n_children++;
    status = tni_arena_str(&b->arena, (tn_str){b->edge.data, b->edge.len}, &edge, err);
    if (status == TN_OK) {
        status = add_object(b, tn_str_skip(edge, sizeof parent), parent, node_out, err);
    }
    return status == TN_OK ? tni_hash_add(&b->by_edge, edge, *node_out, NULL, err) : status;
}

/* Finds or adds the object at a path, with all that lead to it. */
static tn_status add_path(build *b, tn_str path, uint32_t *node_out, tn_error *err)
{
    uint32_t at = 0;
    tn_str rest = path.len == 0 ? TN_STR_NONE : path, component;
    tn_status status = TN_OK;
    while (status == TN_OK && tni_object_component(&rest, &component)) {
        status = add_child(b, at, component, &at, err);
    }
    *node_out = at;
    return status;
}

/* Adds the objects: those on paths, then slots, which no edge leads to. */
static tn_status add_objects(build *b, tn_error *err)
{
    uint32_t root;
    tn_status status = add_object(b, TN_STR_NONE, TN_NO_INDEX, &root, err);
    for (uint32_t i = 0; status == TN_OK && i < b->count; i++) {
        if (b->places[i].slot.data == NULL) {
            status = add_path(b, b->places[i].path, &b->node_of[i], err);
            if (status == TN_OK) {
                b->objects[b->node_of[i]].value = i;
            }
        } else {
            status = add_path(b, b->places[i].path, &b->optimizer_of[i], err);
            if (status == TN_OK) {
                b->objects[b->optimizer_of[i]].n_slots++;
            }
        }
    }
    for (uint32_t i = 0; status == TN_OK && i < b->count; i++) {
        if (b->places[i].slot.data != NULL) {
            status = add_object(b, TN_STR_NONE, TN_NO_INDEX, &b->node_of[i], err);
            if (status == TN_OK) {
                b->objects[b->node_of[i]].value = i;
            }
        }
    }
    return status;
}

static ProtobufCBinaryData bytes_of(tn_str text)
{
    return (ProtobufCBinaryData){text.len, (uint8_t *)(uintptr_t)text.data};
}

/* Gives a message its value, and says that it has one: every object here has, or leads to one. */
static tn_status put_value(build *b, const object *o, Tenon__TrackableObject *message,
                           tn_error *err)
{
    typedef struct value {
        Tenon__BoolValue has;
        Tenon__SerializedTensor tensor;
        Tenon__SerializedTensor *list;
    } value;
    void *block;
    tn_status status = tni_arena_alloc(&b->arena, sizeof(value), &block, err);
    if (status != TN_OK) {
        return status;
    }
    value *made = block;
    tenon__bool_value__init(&made->has);
    made->has.value = 1;
    message->has_checkpoint_values = &made->has;
    if (o->value != TN_NO_INDEX) {
        tenon__serialized_tensor__init(&made->tensor);
        made->tensor.name = bytes_of(TN_LIT(TNI_TF_VARIABLE_VALUE));
        made->tensor.full_name = bytes_of(b->places[o->value].full_name);
        made->tensor.checkpoint_key = bytes_of(b->keys[o->value]);
        made->list = &made->tensor;
        message->attributes = &made->list;
        message->n_attributes = 1;
    }
    return TN_OK;
}

/* Begins a message with room for its children and slots. */
static tn_status begin_message(build *b, const object *o, Tenon__TrackableObject *message,
                               tn_error *err)
{
    void *children, *slots;
    tenon__trackable_object__init(message);
    tn_status status =
        tni_arena_array(&b->arena, o->n_children, sizeof(Tenon__ObjectReference *), &children, err);
    if (status == TN_OK) {
        status = tni_arena_array(&b->arena, o->n_slots, sizeof(Tenon__SlotVariableReference *),
                                 &slots, err);
    }
    if (status == TN_OK) {
        message->children = children;
        message->slot_variables = slots;
        status = put_value(b, o, message, err);
    }
    return status;
}

/* Puts an object among the children of its parent. */
static tn_status put_child(build *b, uint32_t index, tn_error *err)
{
    typedef struct child {
        Tenon__ObjectReference reference;
        char name[];
    } child;
    const object *o = &b->objects[index];
    Tenon__TrackableObject *parent = &b->messages[o->parent];
    void *block;
    size_t len;
    tn_status status = tni_arena_alloc(&b->arena, sizeof(child) + o->name.len, &block, err);
    if (status != TN_OK) {
        return status;
    }
    child *made = block;
    tenon__object_reference__init(&made->reference);
    if (!tni_object_unescape(o->name, made->name, &len)) {
        return tni_fail(err, TN_E_CANNOT_HOLD, "a path of the object graph is not escaped");
    }
    made->reference.node_id = (int32_t)index;
    made->reference.local_name = bytes_of((tn_str){made->name, len});
    parent->children[parent->n_children++] = &made->reference;
    return TN_OK;
}

/* Puts a slot among those of its optimizer. */
static tn_status put_slot(build *b, uint32_t place, tn_error *err)
{
    const tni_tf_place *slot = &b->places[place];
    Tenon__TrackableObject *message = &b->messages[b->optimizer_of[place]];
    void *block;
    tn_status status =
        tni_arena_alloc(&b->arena, sizeof(Tenon__SlotVariableReference), &block, err);
    if (status == TN_OK) {
        Tenon__SlotVariableReference *reference = block;
        tenon__slot_variable_reference__init(reference);
        reference->original_variable_node_id = (int32_t)b->node_of[slot->owner];
        reference->slot_name = bytes_of(slot->slot);
        reference->slot_variable_node_id = (int32_t)b->node_of[place];
        message->slot_variables[message->n_slot_variables++] = reference;
    }
    return status;
}

static tn_status make_messages(build *b, tn_error *err)
{
    void *messages, *pointers;
    tn_status status =
        tni_arena_array(&b->arena, b->n_objects, sizeof(Tenon__TrackableObject), &messages, err);
    if (status == TN_OK) {
        status = tni_arena_array(&b->arena, b->n_objects, sizeof(Tenon__TrackableObject *),
                                 &pointers, err);
    }
    if (status != TN_OK) {
        return status;
    }
    b->messages = messages;
    tenon__trackable_object_graph__init(&b->graph);
    b->graph.nodes = pointers;
    b->graph.n_nodes = b->n_objects;
    for (uint32_t i = 0; status == TN_OK && i < b->n_objects; i++) {
        b->graph.nodes[i] = &b->messages[i];
        status = begin_message(b, &b->objects[i], &b->messages[i], err);
    }
    for (uint32_t i = 0; status == TN_OK && i < b->n_objects; i++) {
        if (b->objects[i].parent != TN_NO_INDEX) {
            status = put_child(b, i, err);
        }
    }
    for (uint32_t i = 0; status == TN_OK && i < b->count; i++) {
        if (b->places[i].slot.data != NULL) {
            status = put_slot(b, i, err);
        }
    }
    return status;
}

static tn_status pack(build *b, tni_buffer *out, tn_error *err)
{
    void *room;
    size_t len = tenon__trackable_object_graph__get_packed_size(&b->graph);
    tn_status status = tni_arena_alloc(&b->arena, len + 1, &room, err);
    if (status == TN_OK) {
        tenon__trackable_object_graph__pack(&b->graph, room);
        tni_buffer_add(out, room, len);
        status = tni_buffer_check(out, err);
    }
    return status;
}

tn_status tni_tf_graph_write(tn_context *ctx, const tni_tf_place *places, const tn_str *keys,
                             uint32_t count, tni_buffer *out, tn_error *err)
{
    build b = {.places = places, .keys = keys, .count = count};
    void *node_of = NULL, *optimizer_of = NULL;
    tni_arena_init(&b.arena, ctx, ctx->limits.memory);
    tni_hash_init(&b.by_edge, ctx, count);
    tni_buffer_init(&b.edge, ctx);
    tn_status status = tni_arena_array(&b.arena, count, sizeof(uint32_t), &node_of, err);
    if (status == TN_OK) {
        status = tni_arena_array(&b.arena, count, sizeof(uint32_t), &optimizer_of, err);
    }
    if (status == TN_OK) {
        b.node_of = node_of;
        b.optimizer_of = optimizer_of;
        status = add_objects(&b, err);
    }
    if (status == TN_OK) {
        status = make_messages(&b, err);
    }
    if (status == TN_OK) {
        status = pack(&b, out, err);
    }
    tni_hash_clear(&b.by_edge);
    tni_buffer_clear(&b.edge);
    tni_arena_clear(&b.arena);
    return status;
}
