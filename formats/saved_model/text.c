#include "formats/saved_model/text.h"
#include "core/cursor.h"
#include "core/error.h"
#include "formats/saved_model/layout.h"
#include "formats/saved_model/text_value.h"
#include "schemas/graph.pb-c.h"

/* Which message a text is, by the name of its first field. */
static const struct {
    const char *field;
    tni_sm_kind kind;
} firsts[] = {
    {"saved_model_schema_version", TNI_SM_MODEL},
    {"meta_graphs", TNI_SM_MODEL},
    {"meta_info_def", TNI_SM_META},
    {"graph_def", TNI_SM_META},
    {"saver_def", TNI_SM_META},
    {"collection_def", TNI_SM_META},
    {"node", TNI_SM_GRAPH},
    {"library", TNI_SM_GRAPH},
    {"versions", TNI_SM_GRAPH},
};

static bool first_kind(tn_str word, tni_sm_kind *kind_out)
{
    for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
        if (tn_str_equal(word, tn_str_of(firsts[i].field))) {
            *kind_out = firsts[i].kind;
            return true;
        }
    }
    return false;
}

/* Goes over white space and comments at the beginning. */
static size_t skip_head(tn_str text)
{
    size_t at = 0;
    bool comment = false;
    while (at < text.len) {
        char c = text.data[at];
        comment = c == '#' || (comment && c != '\n');
        if (!comment && c != ' ' && c != '\t' && c != '\r' && c != '\n') {
            break;
        }
        at++;
    }
    return at;
}

bool tni_sm_looks_like_text(tn_str head)
{
    size_t from = skip_head(head), to = from;
    tni_sm_kind kind;
    while (to < head.len &&
           ((head.data[to] >= 'a' && head.data[to] <= 'z') || head.data[to] == '_')) {
        to++;
    }
    bool ends = to < head.len && (head.data[to] == ' ' || head.data[to] == ':' ||
                                  head.data[to] == '{' || head.data[to] == '\n');
    return ends && first_kind((tn_str){head.data + from, to - from}, &kind);
}

/* A message or list that is open. */
typedef struct frame {
    const ProtobufCMessageDescriptor *message; /* NULL: not known, its fields are left out */
    const ProtobufCFieldDescriptor *list;      /* of a list: what its values are of; may be NULL */
    size_t length_at;                          /* of a message: where its length stands; 0: none */
    char end;                                  /* the mark that ends it; 0: the text's end */
    bool is_list;
} frame;

typedef struct reading {
    tn_context *ctx;
    tni_sm_words words;
    tni_buffer out;
    frame *frames;
    size_t depth, room;
} reading;

enum { LENGTH = 5 }; /* bytes of a message's length, whatever it comes to */

static tn_status open_frame(reading *r, const frame *f, tn_error *err)
{
    tn_status status = tni_check_limit(r->depth, r->ctx->limits.nesting * 2, "nesting", err);
    if (status == TN_OK && r->depth == r->room) {
        void *block = r->frames;
        size_t room = r->room * 2 + 16;
        status = tni_resize(r->ctx, &block, room * sizeof *r->frames, err);
        if (status == TN_OK) {
            r->frames = block;
            r->room = room;
        }
    }
    if (status == TN_OK) {
        r->frames[r->depth++] = *f;
    }
    return status;
}

/* Begins a message as a field's value, or one that is left out. */
static tn_status open_message(reading *r, const ProtobufCFieldDescriptor *field, char end,
                              tn_error *err)
{
    frame f = {.end = end};
    if (field != NULL) {
        static const char zeros[LENGTH] = {0};
        uint8_t tag[10];
        f.message = field->descriptor;
        tni_buffer_add(&r->out, tag, tni_put_varint64(tag, TNI_LEN(field->id)));
        f.length_at = r->out.len;
        tni_buffer_add(&r->out, zeros, LENGTH);
    }
    return open_frame(r, &f, err);
}

/* Ends the innermost message: its length is known now. */
static void close_frame(reading *r)
{
    const frame *f = &r->frames[--r->depth];
    if (f->length_at == 0 || r->out.failed) {
        return;
    }
    size_t length = r->out.len - f->length_at - LENGTH;
    for (size_t i = 0; i < LENGTH; i++) {
        r->out.data[f->length_at + i] = (char)((length & 0x7F) | (i + 1 < LENGTH ? 0x80 : 0));
        length >>= 7;
    }
}

static bool is_message(const ProtobufCFieldDescriptor *field)
{
    return field == NULL || field->type == PROTOBUF_C_TYPE_MESSAGE;
}

/* Takes a field's value, or the next value of a list. */
static tn_status take_value(reading *r, const ProtobufCFieldDescriptor *field,
                            const tni_sm_token *token, tn_error *err)
{
    if (token->type == TNI_SM_TOKEN_MARK) {
        bool opens = token->mark == '{' || token->mark == '<';
        if (!opens || !is_message(field)) {
            return tni_sm_words_fail(&r->words, token->at, "a value is expected here", err);
        }
        return open_message(r, field, token->mark == '{' ? '}' : '>', err);
    }
    if (token->type == TNI_SM_TOKEN_END || (field != NULL && is_message(field))) {
        return tni_sm_words_fail(&r->words, token->at, "a message is expected here", err);
    }
    const char *why = field == NULL ? NULL : tni_sm_text_value(field, token, &r->out);
    return why == NULL ? TN_OK : tni_sm_words_fail(&r->words, token->at, why, err);
}

/* Takes [name] of an extension or of what an Any holds, which is left out. */
static tn_status take_extension(reading *r, tn_error *err)
{
    tni_sm_token token;
    tn_status status;
    do {
        status = tni_sm_words_next(&r->words, &token, err);
    } while (status == TN_OK && token.type == TNI_SM_TOKEN_WORD);
    if (status == TN_OK && (token.type != TNI_SM_TOKEN_MARK || token.mark != ']')) {
        status =
            tni_sm_words_fail(&r->words, token.at, "the name of an extension does not end", err);
    }
    return status;
}

/* Takes a field whose name was read: a value, a message or a list of them. */
static tn_status take_field(reading *r, const ProtobufCFieldDescriptor *field, tn_error *err)
{
    tni_sm_token token;
    tn_status status = tni_sm_words_next(&r->words, &token, err);
    if (status == TN_OK && token.type == TNI_SM_TOKEN_MARK && token.mark == ':') {
        status = tni_sm_words_next(&r->words, &token, err);
    }
    if (status != TN_OK) {
        return status;
    }
    if (token.type == TNI_SM_TOKEN_MARK && token.mark == '[') {
        return open_frame(r, &(frame){.list = field, .is_list = true, .end = ']'}, err);
    }
    return take_value(r, field, &token, err);
}

static const ProtobufCFieldDescriptor *find_field(const frame *f, tn_str name)
{
    char text[64];
    if (f->message == NULL || name.len >= sizeof text) {
        return NULL;
    }
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    return protobuf_c_message_descriptor_get_field_by_name(f->message, text);
}

/* Takes what comes next in the innermost message or list. */
static tn_status take_next(reading *r, tn_error *err)
{
    tni_sm_token token;
    const frame *f = &r->frames[r->depth - 1];
    tn_status status = tni_sm_words_next(&r->words, &token, err);
    if (status != TN_OK) {
        return status;
    }
    bool mark = token.type == TNI_SM_TOKEN_MARK;
    if (mark && (token.mark == ',' || token.mark == ';')) {
        return TN_OK;
    }
    bool ends = f->end == '\0' ? token.type == TNI_SM_TOKEN_END : mark && token.mark == f->end;
    if (ends) {
        close_frame(r);
        return TN_OK;
    }
    if (f->is_list) {
        return take_value(r, f->list, &token, err);
    }
    if (token.type == TNI_SM_TOKEN_WORD) {
        return take_field(r, find_field(f, token.text), err);
    }
    if (mark && token.mark == '[') {
        status = take_extension(r, err);
        return status == TN_OK ? take_field(r, NULL, err) : status;
    }
    return tni_sm_words_fail(&r->words, token.at, "the name of a field is expected here", err);
}

static tn_status convert(reading *r, tni_sm_kind *kind_out, tn_error *err)
{
    static const ProtobufCMessageDescriptor *const roots[] = {
        &tenon__graph__saved_model__descriptor, &tenon__graph__meta_graph_def__descriptor,
        &tenon__graph__graph_def__descriptor};
    tni_sm_token first;
    tn_status status = tni_sm_words_peek(&r->words, &first, err);
    if (status == TN_OK && !first_kind(first.text, kind_out)) {
        status = tni_sm_words_fail(&r->words, first.at, "this is no graph in text form", err);
    }
    if (status == TN_OK) {
        status = open_frame(r, &(frame){.message = roots[*kind_out]}, err);
    }
    while (status == TN_OK && r->depth > 0) {
        status = take_next(r, err);
        if (status == TN_OK) {
            status = tni_check_limit(r->out.len, r->ctx->limits.header_bytes, "header-bytes", err);
        }
    }
    return status == TN_OK ? tni_buffer_check(&r->out, err) : status;
}

tn_status tni_sm_text_load(tni_sm_image *image, tn_context *ctx, tn_source *source,
                           tni_sm_kind *kind_out, tn_error *err)
{
    void *text;
    uint64_t size = tni_source_size(source);
    *image = (tni_sm_image){.ctx = ctx};
    tn_status status =
        tni_source_load(source, 0, size, ctx->limits.header_bytes, "header-bytes", &text, err);
    if (status != TN_OK) {
        return status;
    }
    reading r = {.ctx = ctx};
    tni_sm_words_init(&r.words, ctx, (tn_str){text, (size_t)size});
    tni_buffer_init(&r.out, ctx);
    status = convert(&r, kind_out, err);
    if (status == TN_OK) {
        image->data = r.out.data;
        image->len = r.out.len;
        image->room = r.out.room;
    } else {
        tni_buffer_clear(&r.out);
    }
    tni_sm_words_clear(&r.words);
    tni_free(ctx, r.frames);
    tni_free(ctx, text);
    return status;
}
