#include "formats/saved_model/rename.h"
#include "core/error.h"
#include "formats/saved_model/edit.h"

/* The messages that lead to names, what is chosen by a look into a field, and the names. */
typedef enum kind {
    NOTHING,
    MODEL,
    META,
    GRAPH,
    LIBRARY,
    FUNCTION,
    NODE,
    FUNCTION_BODY_NODE,
    PLACES_ENTRY, /* the attribute _class … */
    PLACES,
    PLACES_LIST,
    SHARED_ENTRY, /* shared_name and debug_name … */
    SHARED,
    KEYS_ENTRY, /* value of a Const whose strings are keys … */
    KEYS,
    KEYS_TENSOR,
    SAVER,
    COLLECTION_ENTRY,
    COLLECTION,
    NODE_LIST,
    BYTES_LIST,
    ANY_LIST,
    ANY,
    VARIABLE,
    SLICE_INFO,
    COND_CONTEXT,
    WHILE_CONTEXT,
    CONTEXT,
    VALUES,
    VALUES_ENTRY,
    QUEUE_RUNNER,
    SIGNATURE_ENTRY,
    SIGNATURE,
    INFO_ENTRY,
    TENSOR_INFO,
    SPARSE,
    COMPOSITE,
    ASSET,
    OBJECTS,
    OBJECT,
    CHILD,
    SAVED_VARIABLE,
    SAVED_CONSTANT,
    CAPTURED,
    COPY_ENTRY, /* value of a Const that is a copy of the checkpoint's object graph … */
    COPY,
    COPY_TENSOR,
    COPIED,
    COPIED_OBJECT,
    COPIED_CHILD,
    ATTRIBUTE,
    CHOOSE_NODE, /* these are looked into before it is known what they are … */
    CHOOSE_BODY_NODE,
    CHOOSE_ATTRIBUTE,
    CHOOSE_COLLECTION,
    CHOOSE_ITEM,
    TEXTS, /* … and these are texts */
    TEXT_NODE = TEXTS,
    TEXT_INPUT,
    TEXT_PLACE,
    TEXT_KEY,
    TEXT_KEYS,
    TEXT_EDGE,
    TEXT_COPIED_EDGE
} kind;

enum { STEPS = 8 };

/* What the fields of a message lead to, by their numbers. All of them have a length. */
static const struct {
    uint32_t number;
    kind child;
} steps[CHOOSE_NODE][STEPS] = {
    [MODEL] = {{2, META}},
    [META] = {{2, GRAPH},
              {3, SAVER},
              {4, CHOOSE_COLLECTION},
              {5, SIGNATURE_ENTRY},
              {6, ASSET},
              {7, OBJECTS}},
    [GRAPH] = {{1, CHOOSE_NODE}, {2, LIBRARY}},
    [LIBRARY] = {{1, FUNCTION}},
    [FUNCTION] = {{3, CHOOSE_BODY_NODE}},
    [NODE] = {{1, TEXT_NODE}, {3, TEXT_INPUT}, {5, CHOOSE_ATTRIBUTE}},
    [FUNCTION_BODY_NODE] = {{5, CHOOSE_ATTRIBUTE}},
    [PLACES_ENTRY] = {{2, PLACES}},
    [PLACES] = {{1, PLACES_LIST}},
    [PLACES_LIST] = {{2, TEXT_PLACE}},
    [SHARED_ENTRY] = {{2, SHARED}},
    [SHARED] = {{2, TEXT_NODE}},
    [KEYS_ENTRY] = {{2, KEYS}},
    [KEYS] = {{8, KEYS_TENSOR}},
    [KEYS_TENSOR] = {{8, TEXT_KEY}, {4, TEXT_KEYS}},
    [SAVER] = {{1, TEXT_INPUT}, {2, TEXT_INPUT}, {3, TEXT_INPUT}},
    [COLLECTION_ENTRY] = {{2, COLLECTION}},
    [COLLECTION] = {{1, NODE_LIST}, {2, BYTES_LIST}, {5, ANY_LIST}},
    [NODE_LIST] = {{1, TEXT_INPUT}},
    [BYTES_LIST] = {{1, CHOOSE_ITEM}},
    [ANY_LIST] = {{1, ANY}},
    [ANY] = {{2, CHOOSE_ITEM}},
    [VARIABLE] =
        {{1, TEXT_INPUT}, {2, TEXT_INPUT}, {3, TEXT_INPUT}, {4, SLICE_INFO}, {6, TEXT_INPUT}},
    [SLICE_INFO] = {{1, TEXT_KEY}},
    [COND_CONTEXT] = {{1, TEXT_NODE}, {2, TEXT_INPUT}, {3, TEXT_INPUT}, {5, VALUES}, {6, CONTEXT}},
    [WHILE_CONTEXT] = {{5, TEXT_INPUT},
                       {6, TEXT_INPUT},
                       {7, TEXT_INPUT},
                       {8, TEXT_INPUT},
                       {9, VALUES},
                       {10, TEXT_INPUT},
                       {11, TEXT_INPUT},
                       {12, CONTEXT}},
    [CONTEXT] = {{1, COND_CONTEXT}, {2, WHILE_CONTEXT}},
    [VALUES] = {{1, TEXT_INPUT}, {2, VALUES_ENTRY}},
    [VALUES_ENTRY] = {{1, TEXT_INPUT}, {2, TEXT_INPUT}},
    [QUEUE_RUNNER] = {{1, TEXT_INPUT}, {2, TEXT_INPUT}, {3, TEXT_INPUT}, {4, TEXT_INPUT}},
    [SIGNATURE_ENTRY] = {{2, SIGNATURE}},
    [SIGNATURE] = {{1, INFO_ENTRY}, {2, INFO_ENTRY}},
    [INFO_ENTRY] = {{2, TENSOR_INFO}},
    [TENSOR_INFO] = {{1, TEXT_INPUT}, {4, SPARSE}, {5, COMPOSITE}},
    [SPARSE] = {{1, TEXT_INPUT}, {2, TEXT_INPUT}, {3, TEXT_INPUT}},
    [COMPOSITE] = {{2, TENSOR_INFO}},
    [ASSET] = {{1, TENSOR_INFO}},
    [OBJECTS] = {{1, OBJECT}},
    [OBJECT] = {{1, CHILD}, {7, SAVED_VARIABLE}, {9, SAVED_CONSTANT}, {12, CAPTURED}, {15, CHILD}},
    [CHILD] = {{2, TEXT_EDGE}},
    [SAVED_VARIABLE] = {{6, TEXT_NODE}, {8, SAVED_VARIABLE}},
    [SAVED_CONSTANT] = {{1, TEXT_NODE}},
    [CAPTURED] = {{1, TEXT_INPUT}},
    [COPY_ENTRY] = {{2, COPY}},
    [COPY] = {{8, COPY_TENSOR}},
    [COPY_TENSOR] = {{8, COPIED}},
    [COPIED] = {{1, COPIED_OBJECT}},
    [COPIED_OBJECT] = {{1, COPIED_CHILD}, {2, ATTRIBUTE}},
    [COPIED_CHILD] = {{2, TEXT_COPIED_EDGE}},
    [ATTRIBUTE] = {{2, TEXT_NODE}, {3, TEXT_KEY}},
};

static kind child_of(kind parent, uint32_t tag)
{
    for (size_t i = 0; (tag & 7) == TNI_WIRE_LEN && i < STEPS && steps[parent][i].number != 0;
         i++) {
        if (steps[parent][i].number == tag >> 3) {
            return steps[parent][i].child;
        }
    }
    return NOTHING;
}

/* What the items of a collection are, by the name that TensorFlow registers it under
 * (ref_variable.py, control_flow_ops.py, saver.py, queue_runner_impl.py, saved_model/constants.py).
 */
static kind item_of(tn_str collection)
{
    static const struct {
        const char *name;
        kind item;
    } items[] = {
        {"variables", VARIABLE},
        {"trainable_variables", VARIABLE},
        {"moving_average_variables", VARIABLE},
        {"local_variables", VARIABLE},
        {"model_variables", VARIABLE},
        {"global_step", VARIABLE},
        {"metric_variables", VARIABLE},
        {"cond_context", COND_CONTEXT},
        {"while_context", WHILE_CONTEXT},
        {"savers", SAVER},
        {"queue_runners", QUEUE_RUNNER},
        {"saved_model_assets", ASSET},
    };
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        if (tn_str_equal(collection, tn_str_of(items[i].name))) {
            return items[i].item;
        }
    }
    return NOTHING;
}

/* A message that is being walked through. */
typedef struct frame {
    kind is;
    kind item;     /* of a collection: what its items are */
    uint32_t node; /* in a node or an object: which one */
    tni_wire wire;
} frame;

typedef struct walk {
    const tn_graph *graph; /* NULL: an object graph alone is walked */
    const tni_sm_rename *renames;
    tni_sm_edit edit;
    uint32_t meta;                /* the one that is being walked, */
    uint32_t next_own, next_body; /* its next nodes, */
    uint32_t next_object;         /* and the next object of the graph that is being walked */
    frame frames[TNI_WIRE_DEPTH + 1];
    uint32_t depth;
} walk;

/* Reads the key of a map's entry. */
static tn_str key_of(tn_str entry)
{
    tni_wire wire = tni_wire_of(entry);
    tni_wire_field field;
    tn_str key = TN_LIT("");
    while (tni_wire_next(&wire, &field)) {
        key = field.tag == MAP_KEY ? field.bytes : key;
    }
    return key;
}

/* Tells what an attribute leads to. The names within a function are its own; what is not is by what
 * name a variable is shared. */
static kind attribute_of(const walk *w, const frame *f, tn_str entry)
{
    tn_str key = key_of(entry);
    const tni_sm_node *node = &w->graph->metas[w->meta].nodes[f->node];
    const tni_sm_rename *rename = &w->renames[w->meta];
    if (tn_str_equal(key, TN_LIT("value"))) {
        bool copy = rename->copies != NULL && rename->copies[f->node];
        return rename->keys.listed[f->node] ? KEYS_ENTRY : copy ? COPY_ENTRY : NOTHING;
    }
    if (f->is == NODE && tn_str_equal(key, TN_LIT("_class"))) {
        return PLACES_ENTRY;
    }
    bool shared =
        tn_str_equal(key, TN_LIT("shared_name")) || tn_str_equal(key, TN_LIT("debug_name"));
    return shared && tni_sm_is_variable_op(node->op) ? SHARED_ENTRY : NOTHING;
}

/* Makes of what is chosen by a look what it is. */
static frame choose(walk *w, const frame *f, kind child, tn_str content)
{
    frame next = {.is = child, .item = f->item, .node = f->node, .wire = tni_wire_of(content)};
    switch ((int)child) {
    case META:
        w->next_own = 0;
        w->next_body = w->graph->metas[w->meta].n_own;
        break;
    case OBJECTS:
    case COPIED:
        w->next_object = 0;
        break;
    case OBJECT:
    case COPIED_OBJECT:
        next.node = w->next_object++;
        break;
    case CHOOSE_NODE:
        next.is = NODE;
        next.node = w->next_own++;
        break;
    case CHOOSE_BODY_NODE:
        next.is = FUNCTION_BODY_NODE;
        next.node = w->next_body++;
        break;
    case CHOOSE_ATTRIBUTE:
        next.is = attribute_of(w, f, content);
        break;
    case CHOOSE_COLLECTION:
        next.is = COLLECTION_ENTRY;
        next.item = item_of(key_of(content));
        break;
    case CHOOSE_ITEM:
        next.is = f->item;
        break;
    default:
        break;
    }
    return next;
}

static tn_status text_becomes(const walk *w, kind is, uint32_t node, tn_str text, tn_str *to_out,
                              tn_error *err)
{
    const tni_sm_rename *rename = &w->renames[w->meta];
    const tni_sm_new_names *names = rename->names;
    switch ((int)is) {
    case TEXT_NODE:
        return tni_sm_node_becomes(names, text, to_out, err);
    case TEXT_INPUT:
        return tni_sm_input_becomes(names, text, to_out, err);
    case TEXT_PLACE:
        return tni_sm_place_becomes(names, text, to_out, err);
    case TEXT_KEY:
        *to_out = tni_sm_key_becomes(names, text);
        return TN_OK;
    case TEXT_EDGE:
        return tni_sm_edge_becomes(rename->edges, node, text, to_out, err);
    case TEXT_COPIED_EDGE:
        return tni_sm_edge_becomes(rename->copied, node, text, to_out, err);
    default:
        *to_out = text;
        return !names->any || (text.len == 0 && tni_sm_image_hole(w->edit.image, text) == NULL)
                   ? TN_OK
                   : tni_fail(err, TN_E_UNSUPPORTED, "its saver's names are stored as one content");
    }
}

static tn_status take(walk *w, const tni_wire_field *field, tn_error *err)
{
    const frame *f = &w->frames[w->depth - 1];
    kind child = child_of(f->is, field->tag);
    if (child >= TEXTS) {
        tn_str to;
        tn_status status = text_becomes(w, child, f->node, field->bytes, &to, err);
        bool same = status != TN_OK || to.data == field->bytes.data;
        return same ? status : tni_sm_edit_put(&w->edit, field->bytes, to, err);
    }
    if (child == NOTHING) {
        return TN_OK;
    }
    frame next = choose(w, f, child, field->bytes);
    if (next.is == NOTHING) {
        return TN_OK;
    }
    tn_status status = tni_sm_edit_open(&w->edit, field->bytes, err);
    if (status == TN_OK) {
        w->frames[w->depth++] = next;
    }
    return status;
}

/* Ends the innermost message. */
static tn_status leave(walk *w, tn_error *err)
{
    const frame *f = &w->frames[--w->depth];
    if (f->wire.cursor.failed && w->graph == NULL) {
        return tni_fail(err, TN_E_CORRUPT, "the checkpoint's object graph is damaged");
    }
    if (f->wire.cursor.failed) {
        return tni_sm_fail(w->graph, (const char *)f->wire.cursor.data + f->wire.cursor.pos,
                           "a message with names is damaged", err);
    }
    w->meta += w->depth > 0 && f->is == META;
    return w->depth == 0 ? TN_OK : tni_sm_edit_close(&w->edit, err);
}

static tn_status run(walk *w, tn_error *err)
{
    tn_status status = TN_OK;
    tni_wire_field field;
    while (status == TN_OK && w->depth > 0) {
        bool more = tni_wire_next(&w->frames[w->depth - 1].wire, &field);
        status = more ? take(w, &field, err) : leave(w, err);
    }
    return status;
}

/* Walks all of an image from a message of this kind. */
static tn_status walk_image(walk *w, const tni_sm_image *image, kind root, tni_arena *arena,
                            tni_splices *splices_out, tn_error *err)
{
    tni_sm_edit_init(&w->edit, image, arena);
    w->frames[0] = (frame){.is = root, .wire = tni_wire_of(tni_sm_image_message(image))};
    w->depth = 1;
    tn_status status = run(w, err);
    if (status == TN_OK) {
        status = tni_sm_edit_end(&w->edit, splices_out, err);
    }
    tni_sm_edit_clear(&w->edit);
    return status;
}

tn_status tni_sm_rename_graph(const tn_graph *graph, const tni_sm_rename *renames, tni_arena *arena,
                              tni_splices *splices_out, tn_error *err)
{
    static const kind roots[] = {MODEL, META, GRAPH};
    void *block;
    tn_status status = tni_alloc(graph->ctx, sizeof(walk), &block, err);
    if (status != TN_OK) {
        return status;
    }
    walk *w = block;
    *w = (walk){.graph = graph, .renames = renames};
    if (graph->kind != TNI_SM_MODEL) {
        w->next_body = graph->metas[0].n_own;
    }
    status = walk_image(w, &graph->image, roots[graph->kind], arena, splices_out, err);
    tni_free(graph->ctx, w);
    return status;
}

tn_status tni_sm_rename_objects(tn_context *ctx, tn_str message, const tni_sm_rename *rename,
                                tni_arena *arena, tni_splices *splices_out, tn_error *err)
{
    void *block, *copy;
    tn_status status = tni_alloc(ctx, sizeof(walk), &block, err);
    if (status != TN_OK) {
        return status;
    }
    status = tni_arena_alloc(arena, message.len + 1, &copy, err);
    if (status == TN_OK) {
        memcpy(copy, message.data, message.len);
        tni_sm_image image = {.ctx = ctx, .data = copy, .len = message.len};
        walk *w = block;
        *w = (walk){.renames = rename};
        status = walk_image(w, &image, COPIED, arena, splices_out, err);
    }
    tni_free(ctx, block);
    return status;
}
