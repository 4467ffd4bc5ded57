/* The constants of graphs as tensors. */
#include "core/checked.h"
#include "core/cursor.h"
#include "core/error.h"
#include "formats/saved_model/constant.h"
#include "formats/saved_model/read.h"
#include <stdio.h>

typedef struct adding {
    tni_read *read;
    tn_graph *graph;
    tni_arena *scratch;
    tni_hash names; /* of all tensors so far → index */
    bool hidden;    /* the model has variables */
} adding;

/* Computes what strings take in a TensorFlow checkpoint, the only format that holds any: lengths as
 * varints, a sum of them in four bytes, the bytes. */
static tn_status strings_size(adding *a, const tni_leaf *leaf, uint64_t *bytes_out, tn_error *err)
{
    enum { SUM = 4 };
    void *block;
    uint8_t varint[10];
    uint64_t bytes = SUM;
    tni_arena strings;
    tni_arena_init(&strings, a->read->ctx, a->read->ctx->limits.decoded_bytes);
    tn_status status =
        tni_arena_array(&strings, (size_t)leaf->elements, sizeof(tn_str), &block, err);
    if (status == TN_OK) {
        status = leaf->decoder->decode(leaf, 0, (uint64_t)leaf->elements, block, &strings, err);
    }
    const tn_str *at = block;
    for (int64_t i = 0; status == TN_OK && i < leaf->elements; i++) {
        bytes += tni_put_varint64(varint, at[i].len) + at[i].len;
    }
    tni_arena_clear(&strings);
    if (status == TN_OK) {
        *bytes_out = bytes;
    }
    return status;
}

/* Adds a tensor with the constant's values under a name. */
static tn_status add_tensor(adding *a, tn_str name, const tni_sm_tensor *constant, bool hidden,
                            tn_error *err)
{
    tn_model *model = a->read->model;
    tn_tensor *tensor;
    tni_leaf *leaf;
    tn_status status = tni_model_add(model, &tensor, err);
    if (status != TN_OK) {
        return status;
    }
    tensor->alias[TN_SCHEME_NAME] = tensor->alias[TN_SCHEME_KEY] = name;
    tensor->role = TN_ROLE_CONSTANT;
    tensor->hidden = hidden;
    if ((status = tni_tensor_form(model, tensor, constant->dtype, constant->shape.rank,
                                  constant->shape.dims, err)) != TN_OK ||
        (status = tni_tensor_leaf(model, tensor, &leaf, err)) != TN_OK ||
        (status = tni_sm_constant_leaf(&a->graph->image, constant, &model->arena, leaf, err)) !=
            TN_OK) {
        return status;
    }
    if (constant->dtype == TN_STRING && constant->valued) {
        status = strings_size(a, leaf, &tensor->bytes, err);
    } else if (leaf->kind == TNI_LEAF_ABSENT) {
        tensor->bytes = 0;
    }
    return status;
}

/* Tells whether two constants are one: several MetaGraphs mostly have the same. */
static bool same_bytes(const tni_leaf *a, const tni_leaf *b, const adding *all)
{
    if (a->kind != b->kind || a->bytes != b->bytes || a->decoder != b->decoder) {
        return false;
    }
    enum { WINDOW = 4096 };
    char one[WINDOW], other[WINDOW];
    for (uint64_t at = 0; at < a->bytes; at += WINDOW) {
        size_t part = a->bytes - at < WINDOW ? (size_t)(a->bytes - at) : WINDOW;
        if (all->graph->image.source == NULL) {
            return a->memory != NULL && b->memory != NULL &&
                   memcmp(a->memory, b->memory, (size_t)a->bytes) == 0;
        }
        if (tni_source_read(a->source, a->offset + at, one, part, NULL) != TN_OK ||
            tni_source_read(b->source, b->offset + at, other, part, NULL) != TN_OK ||
            memcmp(one, other, part) != 0) {
            return false;
        }
    }
    return true;
}

/* Tells whether the tensor of this index is the constant at hand, which another MetaGraph has too.
 */
static tn_status is_same(adding *a, uint32_t index, const tni_sm_tensor *constant, bool *same_out,
                         tn_error *err)
{
    const tn_tensor *old = &a->read->model->tensors[index];
    *same_out = false;
    if (old->role != TN_ROLE_CONSTANT || old->dtype != constant->dtype ||
        old->rank != constant->shape.rank ||
        (old->rank > 0 &&
         memcmp(old->shape, constant->shape.dims, old->rank * sizeof(int64_t)) != 0)) {
        return TN_OK;
    }
    tni_leaf leaf = {.dtype = constant->dtype, .elements = constant->elements, .ctx = a->read->ctx};
    tn_status status = tni_sm_constant_leaf(&a->graph->image, constant, a->scratch, &leaf, err);
    if (status == TN_OK) {
        *same_out = same_bytes(old->pieces[0].leaf, &leaf, a);
    }
    return status;
}

/* Finds a name for a constant whose own is taken by something else: with the MetaGraph's tags
 * before it, and a number behind it if need be. */
static tn_status other_name(adding *a, const tni_sm_meta *meta, tn_str *name, tn_error *err)
{
    enum { TRIES = 1000 };
    tn_str tags = meta->joined.len > 0 ? meta->joined : TN_LIT("graph"), plain = *name;
    tn_status status = TN_OK;
    for (unsigned n = 0; status == TN_OK && tni_hash_get(&a->names, *name) != TNI_HASH_NONE; n++) {
        if (n == TRIES) {
            return tni_fail(err, TN_E_CORRUPT, "too many constants have this name");
        }
        char number[16] = "";
        if (n > 0) {
            snprintf(number, sizeof number, "_%u", n);
        }
        status = tni_arena_format(&a->read->model->arena, name, err, "%.*s/%.*s%s", (int)tags.len,
                                  tags.data, (int)plain.len, plain.data, number);
    }
    return status;
}

static tn_status add_constant(adding *a, const tni_sm_meta *meta, const tni_sm_node *node,
                              tn_str tensor, tn_error *err)
{
    tni_sm_tensor constant;
    bool same = false, inner = node->function != TN_NO_INDEX;
    tn_str name = node->name;
    tn_status status = tni_sm_tensor_parse(tensor, a->scratch, &constant, err);
    if (status == TN_OK && inner) {
        tn_str function = meta->functions.at[node->function].key;
        status = tni_arena_format(&a->read->model->arena, &name, err, "%.*s/%.*s",
                                  (int)function.len, function.data, (int)name.len, name.data);
    }
    uint32_t old = status == TN_OK ? tni_hash_get(&a->names, name) : TNI_HASH_NONE;
    if (old != TNI_HASH_NONE) {
        status = is_same(a, old, &constant, &same, err);
    }
    if (status == TN_OK && old != TNI_HASH_NONE && !same) {
        status = other_name(a, meta, &name, err);
    }
    if (status != TN_OK || same) {
        return status;
    }
    uint32_t index = (uint32_t)a->read->model->count;
    status = add_tensor(a, name, &constant, a->hidden || inner, err);
    return status == TN_OK ? tni_hash_add(&a->names, name, index, NULL, err) : status;
}

/* Adds the constants of one MetaGraph. */
static tn_status add_all(adding *a, const tni_sm_meta *meta, tn_error *err)
{
    tn_status status = TN_OK;
    for (uint32_t i = 0; status == TN_OK && i < meta->n_nodes; i++) {
        tn_str value, tensor;
        const tni_sm_node *node = &meta->nodes[i];
        if (!tn_str_equal(node->op, TN_LIT("Const"))) {
            continue;
        }
        if (!tni_sm_attr(node->message, TN_LIT("value"), &value) ||
            !tni_sm_attr_bytes(value, ATTR_TENSOR, &tensor)) {
            status = tni_fail(err, TN_E_CORRUPT, "a constant has no value");
        } else {
            status = add_constant(a, meta, node, tensor, err);
        }
        tni_error_subject(status == TN_OK ? NULL : err, node->name);
    }
    return status;
}

tn_status tni_sm_add_constants(tni_read *read, tn_graph *graph, tni_arena *scratch, tn_error *err)
{
    adding a = {.read = read, .graph = graph, .scratch = scratch};
    tn_model *model = read->model;
    tn_status status = TN_OK;
    tni_hash_init(&a.names, read->ctx, model->count);
    for (uint32_t i = 0; status == TN_OK && i < model->count; i++) {
        a.hidden = a.hidden || model->tensors[i].role != TN_ROLE_METADATA;
        status = tni_hash_add(&a.names, model->tensors[i].alias[TN_SCHEME_NAME], i, NULL, err);
    }
    for (uint32_t i = 0; status == TN_OK && i < graph->n_metas; i++) {
        if (graph->chosen == TN_NO_INDEX || graph->chosen == i) {
            status = add_all(&a, &graph->metas[i], err);
        }
    }
    tni_hash_clear(&a.names);
    return status;
}
