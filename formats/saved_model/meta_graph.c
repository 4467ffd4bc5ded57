/* MetaGraphDef and what it holds, as lists of views. Each list is counted before its memory is
 * asked for: the same walk is made twice, first with no lists to fill. */
#include "core/error.h"
#include "formats/saved_model/index.h"

/* A walk that counts or fills: where the next of each goes. */
typedef struct filling {
    tni_sm_meta *meta;
    bool fill;
    uint32_t tags, own, inner;
    uint32_t functions, operations, collections, signatures, assets;
    const char *damaged; /* where, or NULL */
} filling;

/* Ends a walk over a message: takes note of damage. */
static bool walked(filling *f, const tni_wire *wire)
{
    if (wire->cursor.failed && f->damaged == NULL) {
        f->damaged = (const char *)wire->cursor.data + wire->cursor.pos;
    }
    return f->damaged == NULL;
}

static void add_entry(const filling *f, tni_sm_entries *list, uint32_t *count, tn_str key,
                      tn_str message)
{
    if (f->fill) {
        list->at[*count] = (tni_sm_entry){key, message};
    }
    (*count)++;
}

/* Adds an entry whose key is one of its fields. */
static void add_keyed(filling *f, tni_sm_entries *list, uint32_t *count, tn_str message,
                      uint32_t key_tag, uint32_t value_tag)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    tn_str key = TN_LIT(""), value = value_tag == 0 ? message : TN_LIT("");
    while (tni_wire_next(&wire, &field)) {
        if (field.tag == key_tag) {
            key = field.bytes;
        } else if (field.tag == value_tag) {
            value = field.bytes;
        }
    }
    if (walked(f, &wire)) {
        add_entry(f, list, count, key, value);
    }
}

static void add_node(filling *f, tn_str message, uint32_t function)
{
    uint32_t *count = function == TN_NO_INDEX ? &f->own : &f->inner;
    if (f->fill) {
        tni_wire wire = tni_wire_of(message);
        tni_wire_field field;
        tni_sm_node node = {message, TN_LIT(""), TN_LIT(""), function};
        while (tni_wire_next(&wire, &field)) {
            if (field.tag == NODE_NAME) {
                node.name = field.bytes;
            } else if (field.tag == NODE_OP) {
                node.op = field.bytes;
            }
        }
        if (!walked(f, &wire)) {
            return;
        }
        f->meta->nodes[*count + (function == TN_NO_INDEX ? 0 : f->meta->n_own)] = node;
    }
    (*count)++;
}

static void add_function(filling *f, tn_str message)
{
    tni_wire wire = tni_wire_of(message), inner;
    tni_wire_field field, part;
    tn_str name = TN_LIT("");
    while (f->damaged == NULL && tni_wire_next(&wire, &field)) {
        if (field.tag == FUNCTION_NODE) {
            add_node(f, field.bytes, f->functions);
        } else if (field.tag == FUNCTION_SIGNATURE) {
            inner = tni_wire_of(field.bytes);
            while (tni_wire_next(&inner, &part)) {
                name = part.tag == OP_NAME ? part.bytes : name;
            }
            (void)walked(f, &inner);
        }
    }
    if (walked(f, &wire)) {
        add_entry(f, &f->meta->functions, &f->functions, name, message);
    }
}

static void walk_library(filling *f, tn_str message)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    while (f->damaged == NULL && tni_wire_next(&wire, &field)) {
        if (field.tag == LIBRARY_FUNCTION) {
            add_function(f, field.bytes);
        }
    }
    (void)walked(f, &wire);
}

static void walk_graph(filling *f, tn_str message)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    while (f->damaged == NULL && tni_wire_next(&wire, &field)) {
        if (field.tag == GRAPH_NODE) {
            add_node(f, field.bytes, TN_NO_INDEX);
        } else if (field.tag == GRAPH_LIBRARY) {
            walk_library(f, field.bytes);
        }
    }
    (void)walked(f, &wire);
}

static void walk_operations(filling *f, tn_str message)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    while (f->damaged == NULL && tni_wire_next(&wire, &field)) {
        if (field.tag == OP_LIST_OP) {
            add_keyed(f, &f->meta->operations, &f->operations, field.bytes, OP_NAME, 0);
        }
    }
    (void)walked(f, &wire);
}

static void walk_info(filling *f, tn_str message)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    while (f->damaged == NULL && tni_wire_next(&wire, &field)) {
        switch (field.tag) {
        case INFO_OP_LIST:
            walk_operations(f, field.bytes);
            break;
        case INFO_TAG:
            if (f->fill) {
                f->meta->tags[f->tags] = field.bytes;
            }
            f->tags++;
            break;
        case INFO_TF_VERSION:
            f->meta->version = field.bytes;
            break;
        case INFO_TF_GIT_VERSION:
            f->meta->git_version = field.bytes;
            break;
        default:
            break;
        }
    }
    (void)walked(f, &wire);
}

static void walk_saver(filling *f, tn_str message)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    while (tni_wire_next(&wire, &field)) {
        if (field.tag == SAVER_RESTORE_OP) {
            f->meta->restore_op = field.bytes;
        } else if (field.tag == SAVER_SAVE_TENSOR) {
            f->meta->save_tensor = field.bytes;
        }
    }
    (void)walked(f, &wire);
}

/* Adds a collection. `saved_model_assets` is where assets stood before they had a list of their
 * own, and where the builder still puts them. */
static void walk_collection(filling *f, tn_str message)
{
    tni_wire wire, inner;
    tni_wire_field field, part;
    tn_str key = TN_LIT(""), value = TN_LIT(""), file, asset;
    (void)tni_sm_attr_bytes(message, MAP_KEY, &key);
    (void)tni_sm_attr_bytes(message, MAP_VALUE, &value);
    add_entry(f, &f->meta->collections, &f->collections, key, value);
    if (!tn_str_equal(key, TN_LIT("saved_model_assets"))) {
        return;
    }
    wire = tni_wire_of(value);
    while (tni_wire_next(&wire, &field)) {
        inner = tni_wire_of(field.tag == COLLECTION_ANY ? field.bytes : TN_LIT(""));
        while (tni_wire_next(&inner, &part)) {
            if (part.tag == COLLECTION_ITEM && tni_sm_any_asset(part.bytes, &file, &asset)) {
                add_entry(f, &f->meta->assets, &f->assets, file, asset);
            }
        }
    }
    (void)walked(f, &wire);
}

static void walk_meta(filling *f, tn_str message)
{
    tni_sm_meta *meta = f->meta;
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    while (f->damaged == NULL && tni_wire_next(&wire, &field)) {
        switch (field.tag) {
        case META_INFO:
            walk_info(f, field.bytes);
            break;
        case META_GRAPH_DEF:
            walk_graph(f, field.bytes);
            break;
        case META_SAVER:
            walk_saver(f, field.bytes);
            break;
        case META_COLLECTION:
            walk_collection(f, field.bytes);
            break;
        case META_SIGNATURE:
            add_keyed(f, &meta->signatures, &f->signatures, field.bytes, MAP_KEY, MAP_VALUE);
            break;
        case META_ASSET:
            add_keyed(f, &meta->assets, &f->assets, field.bytes, ASSET_FILE, 0);
            break;
        case META_OBJECTS:
            meta->objects = field.bytes;
            break;
        default:
            break;
        }
    }
    (void)walked(f, &wire);
}

static tn_status make_list(tni_arena *arena, tni_sm_entries *list, uint32_t count, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_array(arena, count, sizeof *list->at, &block, err);
    if (status == TN_OK) {
        *list = (tni_sm_entries){block, count};
    }
    return status;
}

/* Makes the lists that a walk counted. */
static tn_status make_lists(tni_arena *arena, const filling *f, tn_error *err)
{
    tni_sm_meta *meta = f->meta;
    void *nodes, *tags;
    tn_status status;
    if ((status = tni_arena_array(arena, (size_t)f->own + f->inner, sizeof *meta->nodes, &nodes,
                                  err)) != TN_OK ||
        (status = tni_arena_array(arena, f->tags, sizeof *meta->tags, &tags, err)) != TN_OK ||
        (status = make_list(arena, &meta->functions, f->functions, err)) != TN_OK ||
        (status = make_list(arena, &meta->operations, f->operations, err)) != TN_OK ||
        (status = make_list(arena, &meta->collections, f->collections, err)) != TN_OK ||
        (status = make_list(arena, &meta->signatures, f->signatures, err)) != TN_OK ||
        (status = make_list(arena, &meta->assets, f->assets, err)) != TN_OK) {
        return status;
    }
    meta->nodes = nodes;
    meta->n_own = f->own;
    meta->n_nodes = f->own + f->inner;
    meta->tags = tags;
    meta->n_tags = f->tags;
    return TN_OK;
}

static void walk(filling *f, tn_str message, tni_sm_kind kind)
{
    if (kind == TNI_SM_GRAPH) {
        walk_graph(f, message);
    } else {
        walk_meta(f, message);
    }
}

tn_status tni_sm_meta_parse(tn_graph *graph, tn_str message, tni_sm_kind kind, tni_sm_meta *meta,
                            tn_error *err)
{
    filling counting = {.meta = meta}, filling_in = {.meta = meta, .fill = true};
    *meta = (tni_sm_meta){.n_nodes = 0};
    walk(&counting, message, kind);
    const char *damaged = counting.damaged;
    if (damaged == NULL) {
        tn_status status = make_lists(&graph->arena, &counting, err);
        if (status != TN_OK) {
            return status;
        }
        walk(&filling_in, message, kind);
        damaged = filling_in.damaged;
    }
    return damaged == NULL ? tni_sm_join_tags(graph, meta, err)
                           : tni_sm_fail(graph, damaged, "the graph's message is damaged", err);
}
