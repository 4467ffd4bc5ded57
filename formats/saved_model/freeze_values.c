/* Where the values of a frozen graph's variables are: in the checkpoint that the graph restores. */
#include "core/error.h"
#include "formats/saved_model/constant.h"
#include "formats/saved_model/freeze.h"
#include "formats/saved_model/restore.h"
#include <stdio.h>
#include <tenon/text.h>

/* Gives the path of the checkpoint that belongs to the graph: in the SavedModel's folder, or what
 * the .meta stands beside. */
static tn_status find_checkpoint(tni_sm_freeze *f, tn_str *path_out, tn_error *err)
{
    tn_graph *graph = f->graph;
    tn_str path = tn_str_of(tni_source_path(graph->source)), index;
    tn_str name = tni_source_name(graph->source), suffix = TN_LIT(TNI_SM_META_SUFFIX);
    tni_path_kind kind;
    bool saved = graph->kind == TNI_SM_MODEL, meta = !saved && tn_str_ends(name, suffix);
    size_t cut = path.len - (saved ? name.len : suffix.len);
    if (!saved && !meta) {
        tn_status status = tni_sm_freeze_fail(f, TN_E_NOT_FOUND, f->values[0].node,
                                              "the outputs need this variable, and a graph alone "
                                              "has no values of variables",
                                              err);
        tni_error_hint(err, "name a SavedModel, or the .meta beside a checkpoint");
        return status;
    }
    tn_status status = tni_arena_format(&f->arena, &index, err, "%.*s%s.index", (int)cut, path.data,
                                        saved ? TNI_SM_VARIABLES : "");
    if (status == TN_OK) {
        status = tni_path_kind_of(f->ctx, index.data, &kind, err);
    }
    if (status == TN_OK && kind == TNI_PATH_NONE && meta) { /* a V1 checkpoint has no index */
        status = tni_arena_format(&f->arena, &index, err, "%.*s", (int)cut, path.data);
    }
    *path_out = index;
    return status;
}

static tn_status open_checkpoint(tni_sm_freeze *f, tn_error *err)
{
    tn_str path = TN_LIT("");
    tn_error why = {0};
    tn_status status = find_checkpoint(f, &path, err);
    if (status != TN_OK) {
        return status;
    }
    status = tn_open(f->ctx, path.data, NULL, &f->checkpoint, &why);
    if (status == TN_NOT_FOUND && why.code == TN_E_NOT_FOUND) {
        bool saved = f->graph->kind == TNI_SM_MODEL;
        status = tni_fail(err, saved ? TN_E_MISSING_FILE : TN_E_NOT_FOUND,
                          "the checkpoint is not there, and the outputs need variables");
        tni_error_path(err, path.data);
        tni_error_hint(err, saved ? "get the whole folder: the variables lie in variables/ beside "
                                    "saved_model.pb"
                                  : "get it from where the graph was written");
    } else if (status != TN_OK && err != NULL && err->status == TN_OK) {
        *err = why;
    }
    return status;
}

/* Reads a number of a slice's text. */
static bool read_number(tn_str text, size_t *at, int64_t *number_out)
{
    int64_t number = 0;
    size_t from = *at;
    while (*at < text.len && text.data[*at] >= '0' && text.data[*at] <= '9' && number < INT32_MAX) {
        number = number * 10 + (text.data[(*at)++] - '0');
    }
    *number_out = number;
    return *at > from;
}

/* Reads a part's place off "10 2 0,4:-" (tensorflow/core/framework/tensor_slice.cc): behind the
 * shape of the whole, which the tensor must have, start and length of each dimension, or "-". */
static bool read_slice(tn_str text, const tn_tensor *whole, int64_t *start, int64_t *size)
{
    size_t at = 0;
    for (uint32_t i = 0; i < whole->rank; i++) {
        int64_t dim;
        if (!read_number(text, &at, &dim) || dim != whole->shape[i] || at == text.len ||
            text.data[at++] != ' ') {
            return false;
        }
    }
    for (uint32_t i = 0; i < whole->rank; i++) {
        if (i > 0 && (at == text.len || text.data[at++] != ':')) {
            return false;
        }
        start[i] = 0;
        size[i] = whole->shape[i];
        if (at < text.len && text.data[at] == '-') {
            at++;
        } else if (!read_number(text, &at, &start[i]) || at == text.len || text.data[at++] != ',' ||
                   !read_number(text, &at, &size[i]) || start[i] > whole->shape[i] ||
                   size[i] > whole->shape[i] - start[i]) {
            return false;
        }
    }
    return at == text.len;
}

/* Has a tensor show a part of another: what is read is the part alone. */
static tn_status cut(tni_sm_freeze *f, const tn_tensor *whole, const int64_t *start,
                     const int64_t *step, const int64_t *size, const tn_tensor **part_out,
                     tn_error *err)
{
    tni_map outer;
    tni_map_list list;
    void *maps, *leaves, *part, *pieces;
    tn_status status;
    if ((status = tni_map_slice(&f->arena, whole->rank, whole->shape, start, step, size, &outer,
                                err)) != TN_OK ||
        (status = tni_arena_array(&f->arena, whole->n_pieces, sizeof(tni_map), &maps, err)) !=
            TN_OK ||
        (status = tni_arena_array(&f->arena, whole->n_pieces, sizeof(uint32_t), &leaves, err)) !=
            TN_OK ||
        (status = tni_arena_alloc(&f->arena, sizeof(tn_tensor), &part, err)) != TN_OK) {
        return status;
    }
    for (uint32_t i = 0; i < whole->n_pieces; i++) {
        ((tni_map *)maps)[i] = whole->pieces[i].map;
        ((uint32_t *)leaves)[i] = i;
    }
    tni_map_list_init(&list, &f->arena, f->ctx->limits.pieces);
    if ((status = tni_map_compose(outer, maps, leaves, whole->n_pieces, &list, err)) != TN_OK ||
        (status = tni_arena_array(&f->arena, list.count, sizeof(tni_piece), &pieces, err)) !=
            TN_OK) {
        return status;
    }
    for (size_t i = 0; i < list.count; i++) {
        ((tni_piece *)pieces)[i] = (tni_piece){list.at[i], whole->pieces[list.leaf[i]].leaf};
    }
    tn_tensor *made = part;
    *made = *whole;
    made->shape = size;
    made->elements = tni_map_elements(&outer);
    made->pieces = pieces;
    made->n_pieces = (uint32_t)list.count;
    *part_out = made;
    return TN_OK;
}

static tn_status take_part(tni_sm_freeze *f, tn_str slice, tni_sm_frozen *value, tn_error *err)
{
    const tn_tensor *whole = value->tensor;
    void *block;
    tn_status status =
        tni_arena_array(&f->arena, (size_t)whole->rank * 3, sizeof(int64_t), &block, err);
    if (status != TN_OK) {
        return status;
    }
    int64_t *start = block, *size = start + whole->rank, *step = size + whole->rank;
    for (uint32_t i = 0; i < whole->rank; i++) {
        step[i] = 1;
    }
    if (!read_slice(slice, whole, start, size)) {
        return tni_sm_freeze_fail(f, TN_E_CORRUPT, value->node,
                                  "the graph restores this variable from a part that its tensor in "
                                  "the checkpoint does not have",
                                  err);
    }
    return cut(f, whole, start, step, size, &value->tensor, err);
}

/* Checks that a value is of the dtype and the shape that the graph says. */
static tn_status check_form(tni_sm_freeze *f, const tni_sm_frozen *value, tn_error *err)
{
    tn_str node = f->meta->nodes[value->node].message, attr, text;
    const tn_tensor *tensor = value->tensor;
    tni_sm_shape shape = {.known = false};
    tn_status status = TN_OK;
    if (tni_sm_attr(node, TN_LIT("shape"), &attr) && tni_sm_attr_bytes(attr, ATTR_SHAPE, &text)) {
        status = tni_sm_shape_parse(text, &f->arena, &shape, err);
    }
    if (shape.rank == 0 && tn_str_equal(f->meta->nodes[value->node].op, TN_LIT("Variable"))) {
        shape.known = false; /* of this oldest operation, no dimensions mean an unknown shape */
    }
    bool fits = value->type < TNI_SM_REF && tni_sm_dtype(value->type) == tensor->dtype &&
                (!shape.known || shape.rank == tensor->rank);
    for (uint32_t i = 0; fits && shape.known && i < shape.rank; i++) {
        fits = shape.dims[i] == -1 || shape.dims[i] == tensor->shape[i];
    }
    if (status == TN_OK && !fits) {
        status = tni_sm_freeze_fail(f, TN_E_CORRUPT, value->node,
                                    "the checkpoint's tensor is not of this variable's dtype and "
                                    "shape: it belongs to another graph",
                                    err);
    }
    return status;
}

static tn_status missing(tni_sm_freeze *f, const tni_sm_frozen *value, tn_str key, tn_error *err)
{
    char name[TN_ERROR_SUBJECT], what[TN_ERROR_TEXT];
    tn_escape(key, name, sizeof name);
    snprintf(what, sizeof what,
             key.len == 0 ? "the outputs need this variable, and the graph's saver does not "
                            "restore it%s"
                          : "the outputs need this variable, and the checkpoint has no %s",
             name);
    return tni_sm_freeze_fail(f, TN_E_NOT_FOUND, value->node, what, err);
}

static tn_status find_value(tni_sm_freeze *f, const tni_sm_binding *binding, tni_sm_frozen *value,
                            tn_error *err)
{
    tn_str key = binding == NULL ? TN_LIT("") : binding->key;
    uint32_t index =
        key.len == 0 ? TN_NO_INDEX : tni_model_index(f->checkpoint, TN_SCHEME_KEY, key);
    if (index >= f->checkpoint->count) {
        return missing(f, value, key, err);
    }
    tn_status status = TN_OK;
    value->tensor = &f->checkpoint->tensors[index];
    if (binding->slice.len > 0) {
        status = take_part(f, binding->slice, value, err);
    }
    if (status == TN_OK) {
        status = check_form(f, value, err);
    }
    if (status != TN_OK) {
        return status;
    }
    unsigned bits = tn_dtype_about(value->tensor->dtype)->bits;
    bool strings = value->tensor->dtype == TN_STRING;
    if (!strings &&
        (bits == 0 || bits % 8 != 0 ||
         !tn_dtype_bytes(value->tensor->dtype, (uint64_t)value->tensor->elements, &value->bytes))) {
        status = tni_sm_freeze_fail(f, TN_E_CANNOT_HOLD, value->node,
                                    "a constant cannot hold values of this dtype", err);
    }
    return status;
}

tn_status tni_sm_freeze_values(tni_sm_freeze *f, tn_error *err)
{
    tni_sm_binding *bindings = NULL;
    const tni_sm_binding **by_value;
    uint32_t count = 0;
    void *block;
    if (f->n_values == 0) {
        return TN_OK;
    }
    tn_status status = tni_sm_restore(f->graph, f->meta, &f->arena, &bindings, &count, err);
    if (status == TN_OK) {
        status = open_checkpoint(f, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(&f->arena, f->n_values, sizeof *by_value, &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    by_value = block;
    for (uint32_t i = 0; i < count; i++) {
        if (f->fate[bindings[i].node] == TNI_SM_CONSTANT) {
            by_value[f->value_of[bindings[i].node]] = &bindings[i];
        }
    }
    for (uint32_t i = 0; status == TN_OK && i < f->n_values; i++) {
        status = find_value(f, by_value[i], &f->values[i], err);
    }
    return status;
}
