#include "formats/saved_model/index.h"
#include "core/error.h"
#include "formats/saved_model/text.h"

tn_status tni_sm_fail(const tn_graph *graph, const char *at, const char *what, tn_error *err)
{
    tn_status status = tni_fail(err, TN_E_CORRUPT, "%s", what);
    tni_error_path(err, tni_source_path(graph->source));
    if (graph->image.source != NULL) {
        tni_error_offset(err, tni_sm_image_offset(&graph->image, at));
    }
    return status;
}

/* Tells whether text is that of an operation's type: so are NodeDefs told from MetaInfoDefs. */
static bool is_identifier(tn_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool ok = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '>' || c == '.' || c == '-' || c == '/';
        if (!ok) {
            return false;
        }
    }
    return text.len > 0;
}

tni_sm_kind tni_sm_kind_of(tn_str head)
{
    enum { VERSION = 0x08, META_GRAPH = 0x12, FIRST = 0x0A };
    tni_cursor c = tni_cursor_of(head.data, head.len);
    uint8_t tag = 0;
    uint64_t length = 0;
    if (!tni_get_u8(&c, &tag) || tag == VERSION || tag == META_GRAPH) {
        return TNI_SM_MODEL;
    }
    if (tag != FIRST || !tni_get_varint64(&c, &length)) {
        return TNI_SM_META;
    }
    /* The head may end within the field: a node's name and operation stand at its beginning. */
    size_t left = tni_cursor_left(&c);
    tni_wire wire = tni_wire_of((tn_str){head.data + c.pos, length < left ? (size_t)length : left});
    tni_wire_field field;
    tn_str op = TN_STR_NONE;
    while (tni_wire_next(&wire, &field)) {
        op = field.tag == NODE_OP ? field.bytes : op;
    }
    return op.data != NULL && is_identifier(op) ? TNI_SM_GRAPH : TNI_SM_META;
}

/* Tells whether a file may begin so: with a field of one of the messages. */
static bool may_begin(tn_str head)
{
    enum { VERSION = 0x08, FIELDS = 7 };
    uint8_t tag = head.len == 0 ? 0 : (uint8_t)head.data[0];
    bool field = (tag & 7) == TNI_WIRE_LEN && tag >> 3 >= 1 && tag >> 3 <= FIELDS;
    return head.len == 0 || tag == VERSION || field;
}

/* Says what file it is, by its first bytes. */
static tn_status find_kind(tn_context *ctx, tn_source *source, bool *text_out,
                           tni_sm_kind *kind_out, tn_error *err)
{
    enum { HEAD = 1 << 16 };
    void *block;
    uint64_t size = tni_source_size(source);
    size_t len = size < HEAD ? (size_t)size : HEAD;
    tn_status status = tni_source_load(source, 0, len, HEAD, "header-bytes", &block, err);
    if (status != TN_OK) {
        return status;
    }
    tn_str head = {block, len};
    if (tn_str_starts(head, TN_LIT(TNI_SM_CHUNKED_MAGIC))) {
        status = tni_fail(err, TN_E_UNSUPPORTED,
                          "this is a chunked SavedModel, which tenon does not read");
        tn_str path = tn_str_of(tni_source_path(source));
        tni_error_hint(err, "its weights can be read: tenon ls %.*s" TNI_SM_VARIABLES,
                       (int)(path.len - tni_source_name(source).len), path.data);
    }
    if (status == TN_OK && !may_begin(head) && !tni_sm_looks_like_text(head)) {
        bool model = tn_str_equal(tni_source_name(source), TN_LIT(TNI_SM_PB));
        status = tni_fail(err, model ? TN_E_CORRUPT : TN_E_UNKNOWN_FORMAT,
                          model ? "this is no SavedModel" : "this file is no graph");
        tni_error_hint(err, model ? "get the file again from where it was written"
                                  : "graphs are SavedModels, .meta files and GraphDefs");
    }
    bool named = tn_str_equal(tni_source_name(source), TN_LIT(TNI_SM_PB));
    *text_out = tni_sm_looks_like_text(head);
    *kind_out = named ? TNI_SM_MODEL : tni_sm_kind_of(head);
    tni_free(ctx, block);
    return status;
}

/* Loads the message, from text where it is text. */
static tn_status load_image(tn_graph *graph, tn_source *source, tn_error *err)
{
    bool text;
    tn_status status = find_kind(graph->ctx, source, &text, &graph->kind, err);
    if (status != TN_OK) {
        return status;
    }
    if (text) {
        return tni_sm_text_load(&graph->image, graph->ctx, source, &graph->kind, err);
    }
    return tni_sm_image_load(&graph->image, graph->ctx, source, graph->kind, err);
}

/* Counts the MetaGraphs of a SavedModel, or fills the list. */
static tn_status walk_metas(tn_graph *graph, bool fill, uint32_t *count_out, tn_error *err)
{
    tni_wire wire = tni_wire_of(tni_sm_image_message(&graph->image));
    tni_wire_field field;
    tn_status status = TN_OK;
    uint32_t count = 0;
    while (status == TN_OK && tni_wire_next(&wire, &field)) {
        if (field.tag != SAVED_MODEL_META_GRAPH) {
            continue;
        }
        if (fill) {
            status = tni_sm_meta_parse(graph, field.bytes, TNI_SM_META, &graph->metas[count], err);
        }
        count++;
    }
    if (status == TN_OK && (wire.cursor.failed || count == 0)) {
        status =
            tni_sm_fail(graph, (const char *)wire.cursor.data + wire.cursor.pos,
                        count == 0 ? "this is no SavedModel" : "this SavedModel is damaged", err);
        tni_error_hint(err, "get the file again from where it was written");
    }
    *count_out = count;
    return status;
}

static tn_status parse(tn_graph *graph, tn_error *err)
{
    uint32_t count = 1;
    void *block;
    bool model = graph->kind == TNI_SM_MODEL;
    tn_status status = model ? walk_metas(graph, false, &count, err) : TN_OK;
    if (status == TN_OK) {
        status = tni_arena_array(&graph->arena, count, sizeof *graph->metas, &block, err);
    }
    if (status != TN_OK) {
        return status;
    }
    graph->metas = block;
    graph->n_metas = count;
    return model ? walk_metas(graph, true, &count, err)
                 : tni_sm_meta_parse(graph, tni_sm_image_message(&graph->image), graph->kind,
                                     &graph->metas[0], err);
}

tn_status tni_sm_index_load(tn_context *ctx, tn_source *source, tn_graph **graph_out, tn_error *err)
{
    void *block;
    tn_status status = tni_alloc(ctx, sizeof(tn_graph), &block, err);
    if (status != TN_OK) {
        return status;
    }
    tn_graph *graph = block;
    *graph = (tn_graph){.ctx = ctx, .source = source, .image = {.ctx = ctx}, .chosen = TN_NO_INDEX};
    tni_arena_init(&graph->arena, ctx, ctx->limits.memory);
    tni_arena_init(&graph->row, ctx, ctx->limits.memory);
    status = load_image(graph, source, err);
    if (status == TN_OK) {
        status = parse(graph, err);
    }
    if (status != TN_OK) {
        tni_error_path(err, tni_source_path(source));
        tni_sm_index_free(graph);
        return status;
    }
    *graph_out = graph;
    return TN_OK;
}

void tni_sm_index_free(tn_graph *graph)
{
    for (uint32_t i = 0; i < graph->n_metas; i++) {
        if (graph->metas[i].has_names) {
            tni_hash_clear(&graph->metas[i].by_name);
        }
        if (graph->metas[i].has_variables) {
            tni_hash_clear(&graph->metas[i].by_variable);
        }
        if (graph->metas[i].has_ops) {
            tni_hash_clear(&graph->metas[i].by_op);
        }
    }
    tni_sm_image_clear(&graph->image);
    tni_arena_clear(&graph->row);
    tni_arena_clear(&graph->arena);
    if (graph->own_source) {
        tni_source_release(graph->source);
    }
    tni_free(graph->ctx, graph);
}

tn_status tni_sm_index_names(tn_graph *graph, tni_sm_meta *meta, tn_error *err)
{
    tn_status status = TN_OK;
    if (meta->has_names) {
        return TN_OK;
    }
    tni_hash_init(&meta->by_name, graph->ctx, meta->n_own);
    meta->has_names = true;
    for (uint32_t i = 0; status == TN_OK && i < meta->n_own; i++) {
        status = tni_hash_add(&meta->by_name, meta->nodes[i].name, i, NULL, err);
    }
    return status;
}

uint32_t tni_sm_find(const tni_sm_meta *meta, tn_str name)
{
    uint32_t found = tni_hash_get(&meta->by_name, name);
    return found == TNI_HASH_NONE ? TN_NO_INDEX : found;
}
