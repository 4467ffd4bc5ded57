/* Signatures, collections and assets, worked out on demand. */
#include "core/cursor.h"
#include "core/error.h"
#include "formats/saved_model/constant.h"
#include "formats/saved_model/index.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <tenon/text.h>

static int by_key(const void *a, const void *b)
{
    return tn_str_compare(((const tni_sm_entry *)a)->key, ((const tni_sm_entry *)b)->key);
}

/* Copies a map's entries in order of their keys; of equal ones the last is the map's. */
static tn_status sorted(tn_graph *graph, const tni_sm_entries *list, tni_sm_entry **out,
                        tn_error *err)
{
    void *block;
    tn_status status =
        tni_arena_array(&graph->arena, list->count, sizeof(tni_sm_entry), &block, err);
    if (status == TN_OK) {
        *out = block;
        if (list->count > 0) {
            memcpy(block, list->at, list->count * sizeof(tni_sm_entry));
            qsort(block, list->count, sizeof(tni_sm_entry), by_key);
        }
    }
    return status;
}

tn_status tni_sm_tensor_info(tn_graph *graph, tn_str key, tn_str message, tn_graph_tensor *out,
                             tn_error *err)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    tn_graph_tensor tensor = {.key = key, .name = TN_LIT("")};
    tni_sm_shape shape = {.known = true};
    tn_status status = TN_OK;
    while (status == TN_OK && tni_wire_next(&wire, &field)) {
        switch (field.tag) {
        case TENSOR_INFO_NAME:
            tensor.name = field.bytes;
            break;
        case TENSOR_INFO_DTYPE:
            tensor.type = (uint32_t)field.number;
            break;
        case TENSOR_INFO_SHAPE:
            status = tni_sm_shape_parse(field.bytes, &graph->arena, &shape, err);
            break;
        default:
            break;
        }
    }
    if (status == TN_OK && wire.cursor.failed) {
        status = tni_sm_fail(graph, message.data, "a signature's tensor is damaged", err);
    }
    if (status == TN_OK) {
        tensor.dtype = tni_sm_dtype(tensor.type);
        tensor.known_rank = shape.known;
        tensor.rank = shape.rank;
        tensor.shape = shape.dims;
        *out = tensor;
    }
    return status;
}

/* Lists one of a signature's maps. */
static tn_status list_tensors(tn_graph *graph, tn_str signature, uint32_t tag,
                              const tn_graph_tensor **out, size_t *count_out, tn_error *err)
{
    void *entries, *tensors;
    tni_wire wire = tni_wire_of(signature), inner;
    tni_wire_field field, part;
    uint32_t count = 0, n = 0;
    while (tni_wire_next(&wire, &field)) {
        count += field.tag == tag;
    }
    tn_status status = tni_arena_array(&graph->arena, count, sizeof(tni_sm_entry), &entries, err);
    if (status == TN_OK) {
        status = tni_arena_array(&graph->arena, count, sizeof(tn_graph_tensor), &tensors, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tni_sm_entry *entry = entries;
    wire = tni_wire_of(signature);
    while (tni_wire_next(&wire, &field)) {
        if (field.tag == tag) {
            entry[n] = (tni_sm_entry){TN_LIT(""), TN_LIT("")};
            inner = tni_wire_of(field.bytes);
            while (tni_wire_next(&inner, &part)) {
                entry[n].key = part.tag == MAP_KEY ? part.bytes : entry[n].key;
                entry[n].message = part.tag == MAP_VALUE ? part.bytes : entry[n].message;
            }
            n++;
        }
    }
    qsort(entry, n, sizeof *entry, by_key);
    tn_graph_tensor *at = tensors;
    for (uint32_t i = 0; status == TN_OK && i < n; i++) {
        status = tni_sm_tensor_info(graph, entry[i].key, entry[i].message, &at[i], err);
    }
    *out = at;
    *count_out = n;
    return status;
}

static tn_status make_signature(tn_graph *graph, const tni_sm_entry *entry, tn_signature *out,
                                tn_error *err)
{
    tni_wire wire = tni_wire_of(entry->message);
    tni_wire_field field;
    tn_signature s = {.key = entry->key, .method = TN_LIT("")};
    s.reserved = tn_str_starts(entry->key, TN_LIT("__saved_model_"));
    while (tni_wire_next(&wire, &field)) {
        s.method = field.tag == SIGNATURE_METHOD ? field.bytes : s.method;
    }
    if (wire.cursor.failed) {
        return tni_sm_fail(graph, entry->message.data, "a signature is damaged", err);
    }
    tn_status status =
        list_tensors(graph, entry->message, SIGNATURE_INPUT, &s.inputs, &s.n_inputs, err);
    if (status == TN_OK) {
        status =
            list_tensors(graph, entry->message, SIGNATURE_OUTPUT, &s.outputs, &s.n_outputs, err);
    }
    *out = s;
    return status;
}

tn_status tn_graph_signatures(tn_graph *graph, size_t meta, const tn_signature **out, tn_error *err)
{
    tni_sm_meta *m = &graph->metas[meta];
    tni_sm_entry *entries;
    void *block;
    if (m->signature_list != NULL) {
        *out = m->signature_list;
        return TN_OK;
    }
    tn_status status = sorted(graph, &m->signatures, &entries, err);
    if (status == TN_OK) {
        status =
            tni_arena_array(&graph->arena, m->signatures.count, sizeof(tn_signature), &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tn_signature *signatures = block;
    for (uint32_t i = 0; status == TN_OK && i < m->signatures.count; i++) {
        status = make_signature(graph, &entries[i], &signatures[i], err);
    }
    if (status == TN_OK) {
        *out = m->signature_list = signatures;
    }
    return status;
}

/* Tells whether a collection's bytes are VariableDefs (tensorflow/python/framework/ops.py,
 * GraphKeys). */
static bool holds_variables(tn_str key)
{
    static const char *const keys[] = {"variables",        "trainable_variables",
                                       "local_variables",  "model_variables",
                                       "metric_variables", "moving_average_variables",
                                       "global_step",      "concatenated_variables"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (tn_str_equal(key, tn_str_of(keys[i]))) {
            return true;
        }
    }
    return false;
}

static tn_str variable_name(tn_str message)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    tn_str name = message;
    while (tni_wire_next(&wire, &field)) {
        name = field.tag == VARIABLE_NAME ? field.bytes : name;
    }
    return name;
}

/* A collection that is being listed: counts without a list to fill. */
typedef struct listing {
    tni_arena *arena;
    tn_str *items;
    size_t count;
} listing;

static void add_item(listing *l, tn_str item)
{
    if (l->items != NULL) {
        l->items[l->count] = item;
    }
    l->count++;
}

/* Adds numbers as text. */
static tn_status add_numbers(listing *l, const tni_wire_field *field, bool real, tn_error *err)
{
    tni_wire_numbers numbers;
    uint64_t bits;
    tn_status status = TN_OK;
    if (!tni_wire_numbers_of(field, real ? TNI_WIRE_I32 : TNI_WIRE_VARINT, &numbers)) {
        return TN_OK;
    }
    while (status == TN_OK && tni_wire_number(&numbers, &bits)) {
        char text[TN_NUMBER_ROOM];
        uint32_t word = (uint32_t)bits;
        tn_str item = TN_LIT("");
        if (l->items != NULL && real) {
            (void)tn_number_text(TN_FLOAT32, &word, text);
        } else {
            snprintf(text, sizeof text, "%" PRId64, (int64_t)bits);
        }
        if (l->items != NULL) {
            status = tni_arena_str(l->arena, tn_str_of(text), &item, err);
        }
        add_item(l, item);
    }
    return status;
}

/* Goes through a CollectionDef. */
static tn_status walk_collection(listing *l, const tni_sm_entry *entry, tn_error *err)
{
    tni_wire wire = tni_wire_of(entry->message), inner;
    tni_wire_field field, part;
    bool variables = holds_variables(entry->key);
    tn_status status = TN_OK;
    while (status == TN_OK && tni_wire_next(&wire, &field)) {
        if ((field.tag & 7) != TNI_WIRE_LEN) {
            continue;
        }
        inner = tni_wire_of(field.bytes);
        while (status == TN_OK && tni_wire_next(&inner, &part)) {
            bool item = part.tag == COLLECTION_ITEM;
            if (field.tag == COLLECTION_INT64 || field.tag == COLLECTION_FLOAT) {
                status = part.tag >> 3 == 1
                             ? add_numbers(l, &part, field.tag == COLLECTION_FLOAT, err)
                             : TN_OK;
            } else if (item && field.tag == COLLECTION_ANY) {
                tn_str file, asset;
                add_item(l, tni_sm_any_asset(part.bytes, &file, &asset) ? file : part.bytes);
            } else if (item && field.tag == COLLECTION_BYTES && variables) {
                add_item(l, variable_name(part.bytes));
            } else if (item) {
                add_item(l, part.bytes);
            }
        }
    }
    return status;
}

static tn_status make_collection(tn_graph *graph, const tni_sm_entry *entry, tn_collection *out,
                                 tn_error *err)
{
    listing l = {.arena = &graph->arena};
    void *block;
    tn_status status = walk_collection(&l, entry, err);
    if (status == TN_OK) {
        status = tni_arena_array(&graph->arena, l.count, sizeof(tn_str), &block, err);
    }
    if (status == TN_OK) {
        l.items = block;
        l.count = 0;
        status = walk_collection(&l, entry, err);
        *out = (tn_collection){entry->key, l.items, l.count};
    }
    return status;
}

tn_status tn_graph_collections(tn_graph *graph, size_t meta, const tn_collection **out,
                               tn_error *err)
{
    tni_sm_meta *m = &graph->metas[meta];
    tni_sm_entry *entries;
    void *block;
    if (m->collection_list != NULL) {
        *out = m->collection_list;
        return TN_OK;
    }
    tn_status status = sorted(graph, &m->collections, &entries, err);
    if (status == TN_OK) {
        status = tni_arena_array(&graph->arena, m->collections.count, sizeof(tn_collection), &block,
                                 err);
    }
    if (status != TN_OK) {
        return status;
    }
    tn_collection *collections = block;
    for (uint32_t i = 0; status == TN_OK && i < m->collections.count; i++) {
        status = make_collection(graph, &entries[i], &collections[i], err);
    }
    if (status == TN_OK) {
        *out = m->collection_list = collections;
    }
    return status;
}

tn_status tn_graph_assets(tn_graph *graph, size_t meta, const tn_asset **out, tn_error *err)
{
    tni_sm_meta *m = &graph->metas[meta];
    void *block;
    if (m->asset_list != NULL) {
        *out = m->asset_list;
        return TN_OK;
    }
    tn_status status =
        tni_arena_array(&graph->arena, m->assets.count, sizeof(tn_asset), &block, err);
    tn_asset *assets = block;
    for (uint32_t i = 0; status == TN_OK && i < m->assets.count; i++) {
        tn_graph_tensor tensor;
        tn_str info = TN_LIT("");
        (void)tni_sm_attr_bytes(m->assets.at[i].message, ASSET_TENSOR, &info);
        status = tni_sm_tensor_info(graph, TN_LIT(""), info, &tensor, err);
        assets[i] = (tn_asset){m->assets.at[i].key, tensor.name};
    }
    if (status == TN_OK) {
        *out = m->asset_list = assets;
    }
    return status;
}
