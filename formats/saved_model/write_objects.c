/* The two object graphs, of the SavedModel and of its checkpoint: the same objects with the same
 * numbers. They are packed object by object, so that the messages of one are all that is in memory.
 */
#include "formats/saved_model/layout.h"
#include "formats/saved_model/write_message.h"
#include "schemas/object_graph.pb-c.h"

/* By object: where its children begin in a list of all. */
typedef struct children {
    uint32_t *first; /* one more than there are objects */
    uint32_t *object;
} children;

static tn_status list_children(const tni_sm_write *w, tni_arena *arena, children *list_out,
                               tn_error *err)
{
    void *first, *next, *object;
    tn_status status =
        tni_arena_array(arena, (size_t)w->n_objects + 1, sizeof(uint32_t), &first, err);
    if (status == TN_OK) {
        status = tni_arena_array(arena, w->n_objects, sizeof(uint32_t), &next, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(arena, w->n_objects, sizeof(uint32_t), &object, err);
    }
    if (status != TN_OK) {
        return status;
    }
    *list_out = (children){first, object};
    uint32_t *at = next;
    for (uint32_t i = 0; i < w->n_objects; i++) {
        at[i] = list_out->first[i];
        list_out->first[i + 1] = list_out->first[i] + w->objects[i].n_children;
    }
    for (uint32_t i = 1; i < w->n_objects; i++) {
        list_out->object[at[w->objects[i].parent]++] = i;
    }
    return TN_OK;
}

/* Packs a message as one object of a graph. */
static tn_status put(tni_arena *arena, const ProtobufCMessage *message, tni_buffer *out,
                     tn_error *err)
{
    return tni_sm_put_message(OBJECTS_NODE, message, arena, out, err);
}

typedef Tenon__Graph__TrackableObjectGraphTrackableObjectObjectReference saved_edge;

/* Lists an object's edges in a SavedObject; the root has one more, to the signatures. */
static tn_status put_edges(const tni_sm_write *w, const children *list, uint32_t index,
                           tni_arena *arena, Tenon__Graph__SavedObject *object, tn_error *err)
{
    void *edges, *pointers;
    uint32_t n = w->objects[index].n_children + (index == 0);
    tn_status status = tni_arena_array(arena, n, sizeof(saved_edge), &edges, err);
    if (status == TN_OK) {
        status = tni_arena_array(arena, n, sizeof(saved_edge *), &pointers, err);
    }
    if (status != TN_OK) {
        return status;
    }
    saved_edge *edge = edges, **pointer = pointers;
    for (uint32_t i = 0; i < n; i++) {
        bool signatures = i == w->objects[index].n_children;
        uint32_t child = signatures ? w->n_objects : list->object[list->first[index] + i];
        tenon__graph__trackable_object_graph_trackable_object_object_reference__init(&edge[i]);
        edge[i].node_id = (int32_t)child;
        edge[i].local_name =
            tni_sm_data(signatures ? TN_LIT("signatures") : w->objects[child].edge);
        pointer[i] = &edge[i];
    }
    object->children = pointer;
    object->n_children = n;
    return TN_OK;
}

/* A user object with an identifier, by which the loader makes it. */
typedef struct user_object {
    Tenon__Graph__SavedObject object;
    Tenon__Graph__SavedUserObject user;
    Tenon__Graph__VersionDef version;
} user_object;

static void user_object_init(user_object *o, const char *identifier)
{
    tenon__graph__saved_object__init(&o->object);
    tenon__graph__saved_user_object__init(&o->user);
    tenon__graph__version_def__init(&o->version);
    o->version.producer = 1;
    o->version.min_consumer = 1;
    o->user.identifier = tni_sm_data(tn_str_of(identifier));
    o->user.version = &o->version;
    o->object.user_object = &o->user;
}

static tn_status put_variable(const tni_sm_write *w, uint32_t index, tni_arena *arena,
                              tni_buffer *out, tn_error *err)
{
    const tn_tensor *tensor = tn_model_at(w->model, index);
    Tenon__Graph__SavedObject object = TENON__GRAPH__SAVED_OBJECT__INIT;
    Tenon__Graph__SavedVariable variable = TENON__GRAPH__SAVED_VARIABLE__INIT;
    Tenon__Graph__TensorShapeProto shape;
    tn_status status = tni_sm_shape_message(tensor, arena, &shape, err);
    variable.dtype = (Tenon__Graph__DataType)tni_sm_dtype_number(tensor->dtype);
    variable.shape = &shape;
    variable.trainable = tni_sm_trains(tensor);
    variable.name = tni_sm_data(w->places[index].graph);
    object.variable = &variable;
    return status == TN_OK ? put(arena, &object.base, out, err) : status;
}

static tn_status put_object(const tni_sm_write *w, const children *list, uint32_t index,
                            tni_arena *arena, tni_buffer *out, tn_error *err)
{
    const tni_sm_object *object = &w->objects[index];
    if (object->tensor != TN_NO_INDEX) {
        return put_variable(w, object->tensor, arena, out, err);
    }
    user_object user;
    user_object_init(&user, object->dict ? "trackable_dict_wrapper" : "_generic_user_object");
    tn_status status = put_edges(w, list, index, arena, &user.object, err);
    return status == TN_OK ? put(arena, &user.object.base, out, err) : status;
}

tn_status tni_sm_pack_objects(const tni_sm_write *w, tni_buffer *out, tn_error *err)
{
    tni_arena lists, arena;
    children list;
    user_object signatures;
    tni_arena_init(&lists, w->arena->ctx, UINT64_MAX);
    tni_arena_init(&arena, w->arena->ctx, UINT64_MAX);
    tn_status status = list_children(w, &lists, &list, err);
    for (uint32_t i = 0; status == TN_OK && i < w->n_objects; i++) {
        status = put_object(w, &list, i, &arena, out, err);
        tni_arena_clear(&arena);
    }
    if (status == TN_OK) {
        user_object_init(&signatures, "signature_map");
        status = put(&arena, &signatures.object.base, out, err);
    }
    tni_arena_clear(&arena);
    tni_arena_clear(&lists);
    return status;
}

/* ---------------------------------------------------------------- the checkpoint's */

static tn_status put_trackable(const tni_sm_write *w, const children *list, const tn_str *keys,
                               uint32_t index, tni_arena *arena, tni_buffer *out, tn_error *err)
{
    void *edges, *pointers;
    const tni_sm_object *from = &w->objects[index];
    uint32_t n = from->n_children;
    Tenon__TrackableObject object = TENON__TRACKABLE_OBJECT__INIT;
    Tenon__BoolValue has = TENON__BOOL_VALUE__INIT;
    Tenon__SerializedTensor value = TENON__SERIALIZED_TENSOR__INIT, *values[] = {&value};
    tn_status status = tni_arena_array(arena, n, sizeof(Tenon__ObjectReference), &edges, err);
    if (status == TN_OK) {
        status = tni_arena_array(arena, n, sizeof(Tenon__ObjectReference *), &pointers, err);
    }
    if (status != TN_OK) {
        return status;
    }
    Tenon__ObjectReference *edge = edges, **pointer = pointers;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t child = list->object[list->first[index] + i];
        tenon__object_reference__init(&edge[i]);
        edge[i].node_id = (int32_t)child;
        edge[i].local_name = tni_sm_data(w->objects[child].edge);
        pointer[i] = &edge[i];
    }
    object.children = pointer;
    object.n_children = n;
    has.value = 1; /* every object here is a variable or leads to one */
    object.has_checkpoint_values = &has;
    if (from->tensor != TN_NO_INDEX) {
        value.name = tni_sm_data(TN_LIT("VARIABLE_VALUE"));
        value.full_name = tni_sm_data(w->places[from->tensor].graph);
        value.checkpoint_key = tni_sm_data(keys[from->tensor]);
        object.attributes = values;
        object.n_attributes = 1;
    }
    return put(arena, &object.base, out, err);
}

tn_status tni_sm_pack_checkpoint_objects(const tni_sm_write *w, const tn_str *keys, tni_buffer *out,
                                         tn_error *err)
{
    tni_arena lists, arena;
    children list;
    tni_arena_init(&lists, w->arena->ctx, UINT64_MAX);
    tni_arena_init(&arena, w->arena->ctx, UINT64_MAX);
    tn_status status = list_children(w, &lists, &list, err);
    for (uint32_t i = 0; status == TN_OK && i < w->n_objects; i++) {
        status = put_trackable(w, &list, keys, i, &arena, out, err);
        tni_arena_clear(&arena);
    }
    tni_arena_clear(&arena);
    tni_arena_clear(&lists);
    return status;
}
