/* What is written, and in which order: a TensorFlow source keeps the order of its payload and its
 * slices, any other source goes in order of keys, whole. */
#include "formats/tf_checkpoint/layout.h"
#include "formats/tf_checkpoint/strings.h"
#include "formats/tf_checkpoint/write.h"
#include <stdlib.h>

/* Returns the bytes that a leaf's elements take in the output. */
static uint64_t bytes_of(const tni_leaf *leaf)
{
    uint64_t bytes = leaf->bytes;
    if (leaf->cast != NULL) {
        tn_dtype_bytes(leaf->dtype, (uint64_t)leaf->elements, &bytes); /* fewer than 2^63 */
    }
    return bytes;
}

/* Makes a tensor of its own out of a twin's copy. */
static tn_status make_part_tensor(tni_write *write, const tn_tensor *whole, const tni_leaf *leaf,
                                  const tn_tensor **tensor_out, tn_error *err)
{
    typedef struct part {
        tn_tensor tensor;
        tni_piece piece;
        tni_dim dim;
    } part;
    void *block;
    tn_status status = tni_arena_alloc(write->arena, sizeof(part), &block, err);
    if (status == TN_OK) {
        part *made = block;
        made->tensor = *whole;
        made->tensor.elements = leaf->elements;
        made->tensor.bytes = bytes_of(leaf);
        made->tensor.pieces = &made->piece;
        made->tensor.n_pieces = 1;
        made->piece.leaf = leaf;
        tni_map_whole(leaf->elements, &made->dim, &made->piece.map);
        *tensor_out = &made->tensor;
    }
    return status;
}

/* Tells whether the bytes of a tensor of no fixed size are copied as stored. Those of big-endian
 * files are not: they hold sums in that byte order. Nor are those of other formats (a graph's
 * constants). */
static bool copies_stored(const tn_tensor *tensor)
{
    return tn_dtype_about(tensor->dtype)->bits == 0 && tensor->n_pieces == 1 &&
           tensor->pieces[0].leaf->sum_kind == TNI_SUM_TF_STRING &&
           !tni_tf_strings_big_endian(tensor->pieces[0].leaf);
}

/* Returns where a tensor begins in a data file of a source of this format; NULL: it is computed, or
 * of another format. */
static const tni_leaf *stored_leaf(const tni_write *write, const tn_tensor *tensor)
{
    const tni_leaf *leaf = tensor->n_pieces > 0 ? tensor->pieces[0].leaf : NULL;
    bool same_format = tni_model_root(write->model)->format->writer == &tni_tf_writer;
    return same_format && leaf != NULL && leaf->source != NULL ? leaf : NULL;
}

static tn_status add_whole(tni_write *write, tni_tf_write *state, uint32_t index, tn_str key,
                           const tn_tensor *tensor)
{
    tni_tf_part *part = &state->parts[state->n_parts++];
    *part = (tni_tf_part){.tensor = tensor,
                          .index = index,
                          .key = key,
                          .bytes = tensor->bytes,
                          .leaf = stored_leaf(write, tensor),
                          .stored = copies_stored(tensor)};
    return TN_OK;
}

static tn_status add_slices(tni_write *write, tni_tf_write *state, uint32_t index, tn_str key,
                            const tn_tensor *tensor, tn_error *err)
{
    tn_status status = TN_OK;
    for (uint32_t i = 0; status == TN_OK && i < tensor->n_slices; i++) {
        tni_tf_part *part = &state->parts[state->n_parts++];
        *part = (tni_tf_part){
            .index = index, .key = key, .box = tensor->slices + 2 * (size_t)i * tensor->rank};
        status = tni_tf_slice_tensor(write, tensor, i, &part->tensor, err);
        if (status == TN_OK) {
            part->bytes = part->tensor->bytes;
            part->leaf = stored_leaf(write, part->tensor);
        }
    }
    return status;
}

/* Gives the key that follows from one of the source. */
static tn_status key_of(tni_tf_write *state, tn_str stored, tn_str *key_out, tn_error *err)
{
    *key_out = stored;
    return state->relabel == NULL ? TN_OK : tni_relabel_key(state->relabel, stored, key_out, err);
}

/* Returns the tensor that has a tensor's twins. One that is renamed has lost them with its keys,
 * but where another format says the keys, they stay. */
static const tn_tensor *twins_of(const tni_write *write, const tn_tensor *tensor)
{
    bool lost = write->nest != NULL && tensor->origin == tni_model_root(write->model);
    return lost ? &tensor->origin->tensors[tensor->origin_index] : tensor;
}

static tn_status add_twins(tni_write *write, tni_tf_write *state, uint32_t index,
                           const tn_tensor *tensor, tn_error *err)
{
    const tn_tensor *twins = twins_of(write, tensor);
    bool stored = twins->twin_pieces != NULL && twins->pieces == tensor->pieces;
    for (uint32_t i = 0; i < twins->n_twins; i++) {
        const tn_tensor *copy = tensor;
        tn_status status = TN_OK;
        tn_str key;
        if (stored) {
            status = make_part_tensor(write, tensor, twins->twin_pieces[i].leaf, &copy, err);
        }
        if (status == TN_OK) {
            status = key_of(state, twins->twins[i], &key, err);
        }
        if (status == TN_OK) {
            status = add_whole(write, state, index, key, copy);
        }
        if (status != TN_OK) {
            return status;
        }
    }
    return TN_OK;
}

/* Adds a tensor. With the source's object graph it keeps its twins, and its key or what follows
 * from it; a new graph says its key. */
static tn_status add_tensor(tni_write *write, tni_tf_write *state, uint32_t index, tn_error *err)
{
    const tn_tensor *tensor = tn_model_at(write->model, index);
    bool objects = write->layout.carries;
    tn_str key = tensor->alias[TN_SCHEME_NAME];
    tn_status status = objects ? key_of(state, tni_tf_stored_key(tensor), &key, err) : TN_OK;
    if (state->keys != NULL) {
        key = state->keys[index];
    }
    if (status == TN_OK) {
        bool sliced = tensor->slices != NULL && write->nest == NULL;
        status = sliced ? add_slices(write, state, index, key, tensor, err)
                        : add_whole(write, state, index, key, tensor);
    }
    if (status == TN_OK && objects) {
        status = add_twins(write, state, index, tensor, err);
    }
    return status;
}

/* Orders by where the parts were stored; what was stored nowhere comes first. */
static int by_source(const void *a, const void *b)
{
    const tni_tf_part *x = a, *y = b;
    bool both = x->leaf != NULL && y->leaf != NULL;
    int order = (x->leaf != NULL) - (y->leaf != NULL);
    if (both && x->leaf->source != y->leaf->source) {
        order = tn_str_compare(tni_source_name(x->leaf->source), tni_source_name(y->leaf->source));
    }
    if (both && order == 0) {
        order = (x->leaf->offset > y->leaf->offset) - (x->leaf->offset < y->leaf->offset);
    }
    if (order == 0) {
        order = (x->bytes > 0) - (y->bytes > 0); /* what has no bytes stood before what has */
    }
    return order != 0 ? order : tn_str_compare(x->key, y->key);
}

/* The object graph's place is where it was stored; that of a new one is the beginning. */
static void add_graph(const tni_write *write, tni_tf_write *state)
{
    const tn_model *root = tni_model_root(write->model);
    tni_tf_part *part = &state->parts[state->n_parts++];
    *part = (tni_tf_part){
        .index = TN_NO_INDEX, .key = TN_LIT(TNI_TF_OBJECT_GRAPH), .bytes = state->graph.len};
    for (size_t i = 0; write->layout.carries && i < root->count; i++) {
        const tn_tensor *tensor = &root->tensors[i];
        if (tensor->document && tensor->n_pieces == 1 &&
            tn_str_equal(tensor->alias[TN_SCHEME_KEY], part->key)) {
            part->leaf = tensor->pieces[0].leaf;
        }
    }
}

tn_status tni_tf_parts_list(tni_write *write, tni_tf_write *state, tn_error *err)
{
    size_t count = state->graph.data != NULL ? 1 : 0; /* the object graph */
    for (size_t i = 0; i < tn_model_count(write->model); i++) {
        const tn_tensor *tensor = tn_model_at(write->model, i);
        count += tensor->slices != NULL ? tensor->n_slices : 1;
        count += write->layout.carries ? twins_of(write, tensor)->n_twins : 0;
    }
    void *parts;
    tn_status status = tni_alloc_array(write->ctx, count, sizeof(tni_tf_part), &parts, err);
    if (status == TN_OK) {
        state->parts = parts;
    }
    for (uint32_t i = 0; status == TN_OK && i < tn_model_count(write->model); i++) {
        status = add_tensor(write, state, i, err);
    }
    if (status == TN_OK && state->graph.data != NULL) {
        add_graph(write, state);
    }
    if (status == TN_OK) {
        qsort(state->parts, state->n_parts, sizeof *state->parts, by_source);
    }
    return status;
}
