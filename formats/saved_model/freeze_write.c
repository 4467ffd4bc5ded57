/* Writing a frozen graph, and reading it back. */
#include "core/crc32c.h"
#include "core/error.h"
#include "formats/saved_model/constant.h"
#include "formats/saved_model/freeze.h"
#include "formats/saved_model/text.h"
#include <stdio.h>
#include <tenon/values.h>

enum { WINDOW = 1 << 20 };

typedef struct writing {
    tni_sm_freeze *f;
    tn_sink *sink;
    tn_reader *reader; /* NULL before the first value */
    char *window;
    size_t used;
    uint64_t at; /* in the output: where the window begins */
    uint32_t crc;
} writing;

static tn_status flush(writing *w, tn_error *err)
{
    tn_status status = tni_sink_write(w->sink, w->at, w->window, w->used, err);
    if (status != TN_OK) {
        return status;
    }
    w->crc = tni_crc32c(w->crc, w->window, w->used);
    tni_sink_written(w->sink, w->at, w->used);
    w->at += w->used;
    w->used = 0;
    return tni_progress(w->f->ctx, "write", w->at, w->f->size, err);
}

/* Gives room in the window for some of `bytes` that are left of a part. */
static tn_status room_for(writing *w, uint64_t bytes, size_t *count_out, tn_error *err)
{
    tn_status status = w->used == WINDOW ? flush(w, err) : TN_OK;
    size_t room = WINDOW - w->used;
    *count_out = bytes < room ? (size_t)bytes : room;
    return status;
}

/* Writes a part that lies in memory, or in the graph's file. */
static tn_status write_bytes(writing *w, const tni_sm_part *part, tn_error *err)
{
    const tni_sm_image *image = &w->f->graph->image;
    const char *memory = part->kind == TNI_SM_PART_HEAD ? w->f->head.data : image->data;
    tn_status status = TN_OK;
    for (uint64_t done = 0; status == TN_OK && done < part->bytes;) {
        size_t count;
        status = room_for(w, part->bytes - done, &count, err);
        if (status == TN_OK && part->kind == TNI_SM_PART_FILE) {
            status =
                tni_source_read(image->source, part->from + done, w->window + w->used, count, err);
        } else if (status == TN_OK) {
            memcpy(w->window + w->used, memory + part->from + done, count);
        }
        w->used += count;
        done += count;
    }
    return status;
}

/* Writes a variable's values. The window is flushed where an element would not lie aligned, or does
 * not fit any more: so the reader always gives whole ones, where it may write words. */
static tn_status write_value(writing *w, const tni_sm_part *part, tn_error *err)
{
    const tn_tensor *tensor = w->f->values[part->from].tensor;
    size_t unit = (size_t)tn_dtype_about(tensor->dtype)->bits / 8;
    tn_status status = w->reader == NULL ? tn_reader_new(w->f->ctx, true, &w->reader, err) : TN_OK;
    if (status == TN_OK && w->used % unit != 0) {
        status = flush(w, err);
    }
    if (status == TN_OK) {
        status = tn_reader_start(w->reader, tensor, err);
    }
    for (int64_t done = 0; status == TN_OK && done < tensor->elements;) {
        int64_t room = (int64_t)((WINDOW - w->used) / unit);
        int64_t count = tensor->elements - done < room ? tensor->elements - done : room;
        if (count == 0) {
            status = flush(w, err);
            continue;
        }
        status = tn_reader_next(w->reader, count, w->window + w->used, err);
        w->used += (size_t)count * unit;
        done += count;
    }
    return status == TN_OK ? tn_reader_end(w->reader, err) : status;
}

tn_status tni_sm_freeze_write(tni_sm_freeze *f, tn_sink *sink, uint32_t *crc_out, tn_error *err)
{
    writing w = {.f = f, .sink = sink};
    void *block;
    tn_status status = tni_alloc(f->ctx, WINDOW, &block, err);
    if (status != TN_OK) {
        return status;
    }
    w.window = block;
    for (size_t i = 0; status == TN_OK && i < f->parts.len / sizeof(tni_sm_part); i++) {
        tni_sm_part part;
        memcpy(&part, f->parts.data + i * sizeof part, sizeof part);
        status = part.kind == TNI_SM_PART_VALUE ? write_value(&w, &part, err)
                                                : write_bytes(&w, &part, err);
        if (status != TN_OK && part.kind == TNI_SM_PART_VALUE) {
            tni_error_subject(err, f->meta->nodes[f->values[part.from].node].name);
        }
    }
    if (status == TN_OK) {
        status = flush(&w, err);
    }
    tn_reader_free(w.reader);
    tni_free(f->ctx, w.window);
    if (status == TN_OK) {
        *crc_out = w.crc;
    }
    return status;
}

static tn_status wrong(const char *what, tn_str subject, tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_VERIFY, "the frozen graph %s", what);
    tni_error_subject(err, subject);
    tni_error_hint(err, "nothing was written; this is a fault of tenon, or of the disk");
    return status;
}

/* Compares the file's bytes with those written, by their sum. */
static tn_status compare_sum(const tni_sm_freeze *f, tn_source *source, uint32_t crc, tn_error *err)
{
    void *window = NULL;
    uint32_t sum = 0;
    uint64_t size = tni_source_size(source);
    if (size != f->size) {
        return wrong("reads back with another size", TN_STR_NONE, err);
    }
    tn_status status = tni_alloc(f->ctx, WINDOW, &window, err);
    for (uint64_t at = 0; status == TN_OK && at < size; at += WINDOW) {
        size_t count = size - at < WINDOW ? (size_t)(size - at) : WINDOW;
        status = tni_source_read(source, at, window, count, err);
        if (status == TN_OK) {
            sum = tni_crc32c(sum, window, count);
            status = tni_progress(f->ctx, "read back", at + count, size, err);
        }
    }
    tni_free(f->ctx, window);
    return status != TN_OK || sum == crc ? status
                                         : wrong("reads back with other bytes", TN_STR_NONE, err);
}

/* Checks that a constant is the variable: dtype, shape, and that its values are the bytes that were
 * written for them. */
static tn_status compare_value(const tni_sm_freeze *f, tn_graph *staged, const tni_sm_node *node,
                               const tni_sm_frozen *value, tni_arena *arena, tn_error *err)
{
    tn_str attr, message;
    tni_sm_tensor tensor;
    tni_leaf leaf = {
        .dtype = value->tensor->dtype, .elements = value->tensor->elements, .ctx = f->ctx};
    if (!tni_sm_attr(node->message, TN_LIT("value"), &attr) ||
        !tni_sm_attr_bytes(attr, ATTR_TENSOR, &message) ||
        tni_sm_tensor_parse(message, arena, &tensor, NULL) != TN_OK ||
        tensor.dtype != value->tensor->dtype || tensor.shape.rank != value->tensor->rank ||
        (tensor.shape.rank > 0 && memcmp(tensor.shape.dims, value->tensor->shape,
                                         tensor.shape.rank * sizeof(int64_t)) != 0)) {
        return wrong("reads back with another form of this constant", node->name, err);
    }
    if (value->bytes > 0 &&
        (tni_sm_constant_leaf(&staged->image, &tensor, arena, &leaf, NULL) != TN_OK ||
         leaf.offset != value->offset || leaf.bytes != value->bytes)) {
        return wrong("reads back with the values of this constant elsewhere", node->name, err);
    }
    return TN_OK;
}

/* Returns the operation that a node has in the output. */
static tn_str operation_of(const tni_sm_freeze *f, uint32_t node)
{
    tn_str op = f->meta->nodes[node].op;
    if (f->fate[node] == TNI_SM_CONSTANT) {
        return TN_LIT("Const");
    }
    bool refs = f->fate[node] == TNI_SM_REWRITTEN &&
                !tn_str_equal(f->meta->nodes[f->rewritten_for[node]].op, TN_LIT("VarHandleOp"));
    return f->fate[node] == TNI_SM_REWRITTEN ? tn_str_of(tni_sm_rewrite_of(op, refs)->to) : op;
}

static tn_status compare_nodes(const tni_sm_freeze *f, tn_graph *staged, tn_error *err)
{
    const tni_sm_meta *meta = &staged->metas[0];
    tn_status status = TN_OK;
    uint32_t next = 0;
    if (staged->kind != TNI_SM_GRAPH || meta->n_own != f->n_nodes ||
        meta->functions.count != f->n_functions) {
        return wrong("reads back with other nodes", TN_STR_NONE, err);
    }
    for (uint32_t i = 0; status == TN_OK && i < f->meta->n_own; i++) {
        if (f->fate[i] == TNI_SM_DROPPED) {
            continue;
        }
        const tni_sm_node *node = &meta->nodes[next++];
        if (!tn_str_equal(node->name, f->meta->nodes[i].name) ||
            !tn_str_equal(node->op, operation_of(f, i))) {
            status = wrong("reads back with another node here", f->meta->nodes[i].name, err);
        } else if (f->fate[i] == TNI_SM_CONSTANT) {
            status =
                compare_value(f, staged, node, &f->values[f->value_of[i]], &staged->arena, err);
        }
    }
    return status;
}

/* Checks that readers know the file for a graph: they tell it by its first node's operation. An odd
 * graph may begin with one that tells nothing. */
static tn_status check_kind(const tni_sm_freeze *f, tn_source *source, tn_error *err)
{
    enum { HEAD = 1 << 12 }; /* what a probe sees */
    char head[HEAD];
    size_t len = f->size < HEAD ? (size_t)f->size : HEAD;
    tn_status status = tni_source_read(source, 0, head, len, err);
    tn_str text = {head, len};
    if (status == TN_OK && (tni_sm_kind_of(text) != TNI_SM_GRAPH || tni_sm_looks_like_text(text))) {
        status = tni_fail(err, TN_E_CANNOT_HOLD,
                          "the frozen graph would begin with an operation of no proper type, so no "
                          "reader could know it for a graph");
    }
    return status;
}

tn_status tni_sm_freeze_read_back(const tni_sm_freeze *f, const char *path, uint32_t crc,
                                  tn_error *err)
{
    tn_source *source;
    tn_graph *staged = NULL;
    tn_error why = {0};
    tn_status status = tni_source_open(f->ctx, path, &source, err);
    if (status != TN_OK) {
        return status;
    }
    status = compare_sum(f, source, crc, err);
    if (status == TN_OK) {
        status = check_kind(f, source, err);
    }
    if (status == TN_OK) {
        status = tni_sm_index_load(f->ctx, source, &staged, &why);
        if (status == TN_CORRUPT || status == TN_UNSUPPORTED) {
            status = wrong("cannot be read back", TN_STR_NONE, err);
        } else if (status != TN_OK && err != NULL && err->status == TN_OK) {
            *err = why;
        }
    }
    if (status == TN_OK) {
        status = compare_nodes(f, staged, err);
    }
    if (staged != NULL) {
        tni_sm_index_free(staged);
    }
    tni_source_release(source);
    return status;
}
