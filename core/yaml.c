/* The one file that knows libyaml. Its event interface alone is used: what a node means is never
 * left to YAML, and nothing is built that was not read. */
#include "core/yaml.h"

#include "core/error.h"
#include "core/hash.h"
#include "core/text.h"
#include "core/yaml_escape.h"
#include <tenon/text.h>
#include <yaml.h>

typedef struct reading {
    tni_arena *arena;
    yaml_parser_t *parser;
    tni_yaml *open[TNI_YAML_DEPTH]; /* lists and maps that have begun */
    tni_yaml *last[TNI_YAML_DEPTH]; /* the newest child of each */
    tni_yaml *key[TNI_YAML_DEPTH];  /* a key that waits for its value */
    size_t depth;
    tni_yaml *root;
    bool had_document, done;
    tn_str text;
    size_t byte, character; /* a place in it, counted both ways */
} reading;

static void place_mark(const yaml_mark_t *mark, tn_error *err)
{
    tni_error_place(err, (uint32_t)mark->line + 1, (uint32_t)mark->column + 1);
}

/* Turns a byte offset into line and column, for what libyaml cannot even decode. */
static void place_offset(tn_str text, size_t offset, tn_error *err)
{
    uint32_t line = 1, column = 1;
    for (size_t i = 0; i < offset && i < text.len; i++) {
        bool begins = ((unsigned char)text.data[i] & 0xC0) != 0x80;
        column = text.data[i] == '\n' ? 1 : column + begins;
        line += text.data[i] == '\n';
    }
    tni_error_place(err, line, column);
}

static tn_status parser_failed(const reading *r, tn_str text, tn_error *err)
{
    const yaml_parser_t *parser = r->parser;
    if (parser->error == YAML_MEMORY_ERROR) {
        return tni_fail(err, TN_E_NOMEM, "out of memory");
    }
    const char *problem = parser->problem != NULL ? parser->problem : "it cannot be read";
    tn_status status;
    if (parser->error == YAML_READER_ERROR) {
        status = tni_fail(err, TN_E_RULE, "this is not YAML in UTF-8: %s", problem);
        place_offset(text, parser->problem_offset, err);
        return status;
    }
    status = tni_fail(err, TN_E_RULE, "this is not YAML: %s%s%s",
                      parser->context != NULL ? parser->context : "",
                      parser->context != NULL ? ": " : "", problem);
    place_mark(&parser->problem_mark, err);
    tni_error_hint(err, "put names with special characters into quotes: \"…\"");
    return status;
}

static tn_status refuse(const yaml_event_t *event, tn_error *err, const char *what)
{
    tn_status status = tni_fail(err, TN_E_RULE, "there may be no %s", what);
    place_mark(&event->start_mark, err);
    return status;
}

static tn_status new_node(reading *r, const yaml_event_t *event, tni_yaml_kind kind,
                          tni_yaml **node_out, tn_error *err)
{
    void *block;
    tn_status status = tni_arena_alloc(r->arena, sizeof(tni_yaml), &block, err);
    if (status == TN_OK) {
        *node_out = block;
        **node_out = (tni_yaml){.kind = kind,
                                .line = (uint32_t)event->start_mark.line + 1,
                                .column = (uint32_t)event->start_mark.column + 1};
    }
    return status;
}

/* Puts a node where it belongs: the root, the next element, a key, or a key's value. */
static tn_status attach(reading *r, tni_yaml *node, tn_error *err)
{
    if (r->depth == 0) {
        r->root = node;
        return TN_OK;
    }
    size_t top = r->depth - 1;
    tni_yaml *parent = r->open[top];
    if (parent->kind == TNI_YAML_MAP && r->key[top] == NULL) {
        if (node->kind != TNI_YAML_TEXT) {
            tn_status status = tni_fail(err, TN_E_RULE, "a key must be a text");
            tni_error_place(err, node->line, node->column);
            return status;
        }
        r->key[top] = node;
        return TN_OK;
    }
    node->key = r->key[top];
    r->key[top] = NULL;
    if (r->last[top] == NULL) {
        parent->first = node;
    } else {
        r->last[top]->next = node;
    }
    r->last[top] = node;
    parent->count++;
    return TN_OK;
}

static size_t count_characters(tn_str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    }
    return count;
}

/* Finds the byte at which a character stands; the characters asked for must ascend. */
static size_t byte_at(reading *r, size_t character)
{
    while (r->character < character && r->byte < r->text.len) {
        r->byte++;
        while (r->byte < r->text.len && ((unsigned char)r->text.data[r->byte] & 0xC0) == 0x80) {
            r->byte++;
        }
        r->character++;
    }
    return r->byte;
}

/* Keeps what stands between the quotes of a text with escapes, so that places in it can be told. */
static tn_status keep_raw(reading *r, const yaml_event_t *event, tni_yaml *node, tn_error *err)
{
    size_t start = byte_at(r, event->start_mark.index), end = byte_at(r, event->end_mark.index);
    bool one_line = event->start_mark.line == event->end_mark.line;
    node->doubled = event->data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    if (node->plain || !node->quoted || !one_line || end < start + 2) {
        return TN_OK;
    }
    return tni_arena_str(r->arena, (tn_str){r->text.data + start + 1, end - start - 2}, &node->raw,
                         err);
}

static tn_status add_text(reading *r, const yaml_event_t *event, tn_error *err)
{
    tn_str text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    tni_yaml *node;
    if (event->data.scalar.anchor != NULL) {
        return refuse(event, err, "anchors (&)");
    }
    if (event->data.scalar.tag != NULL) {
        return refuse(event, err, "tags (!)");
    }
    tn_status status = new_node(r, event, TNI_YAML_TEXT, &node, err);
    if (status == TN_OK) {
        status = tni_arena_str(r->arena, text, &node->text, err);
    }
    if (status == TN_OK) {
        size_t quotes = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? 0 : 2;
        node->quoted = quotes != 0;
        node->plain =
            event->start_mark.line == event->end_mark.line &&
            event->end_mark.column - event->start_mark.column == count_characters(text) + quotes;
        status = keep_raw(r, event, node, err);
    }
    return status != TN_OK ? status : attach(r, node, err);
}

static tn_status begin(reading *r, const yaml_event_t *event, tni_yaml_kind kind,
                       const yaml_char_t *anchor, const yaml_char_t *tag, tn_error *err)
{
    tni_yaml *node;
    if (anchor != NULL) {
        return refuse(event, err, "anchors (&)");
    }
    if (tag != NULL) {
        return refuse(event, err, "tags (!)");
    }
    if (r->depth == TNI_YAML_DEPTH) {
        tn_status status =
            tni_fail(err, TN_E_RULE, "this is nested deeper than %d levels", TNI_YAML_DEPTH);
        place_mark(&event->start_mark, err);
        return status;
    }
    tn_status status = new_node(r, event, kind, &node, err);
    if (status == TN_OK) {
        status = attach(r, node, err);
    }
    if (status == TN_OK) {
        r->open[r->depth] = node;
        r->last[r->depth] = r->key[r->depth] = NULL;
        r->depth++;
    }
    return status;
}

static tn_status twice(const tni_yaml *node, uint32_t line, tn_error *err)
{
    char key[TN_ERROR_SUBJECT];
    tn_escape(node->key->text, key, sizeof key);
    tn_status status =
        tni_fail(err, TN_E_RULE, "the key '%s' stands in line %u already", key, line);
    tni_error_place(err, node->key->line, node->key->column);
    return status;
}

/* Checks that no key of a map stands twice. */
static tn_status end_map(const reading *r, const tni_yaml *map, tn_error *err)
{
    tni_hash keys;
    tn_status status = TN_OK;
    tni_hash_init(&keys, r->arena->ctx, map->count);
    for (const tni_yaml *node = map->first; status == TN_OK && node != NULL; node = node->next) {
        uint32_t old;
        status = tni_hash_add(&keys, node->key->text, node->key->line, &old, err);
        if (status == TN_OK && old != TNI_HASH_NONE) {
            status = twice(node, old, err);
        }
    }
    tni_hash_clear(&keys);
    return status;
}

static tn_status begin_document(reading *r, const yaml_event_t *event, tn_error *err)
{
    if (r->had_document) {
        return refuse(event, err, "second document (---)");
    }
    if (event->data.document_start.tag_directives.start !=
        event->data.document_start.tag_directives.end) {
        return refuse(event, err, "tags (%TAG)");
    }
    r->had_document = true;
    return TN_OK;
}

static tn_status take(reading *r, const yaml_event_t *event, tn_error *err)
{
    switch (event->type) {
    case YAML_STREAM_END_EVENT:
        r->done = true;
        return TN_OK;
    case YAML_DOCUMENT_START_EVENT:
        return begin_document(r, event, err);
    case YAML_ALIAS_EVENT:
        return refuse(event, err, "aliases (*); put names that begin with a star into quotes");
    case YAML_SCALAR_EVENT:
        return add_text(r, event, err);
    case YAML_SEQUENCE_START_EVENT:
        return begin(r, event, TNI_YAML_LIST, event->data.sequence_start.anchor,
                     event->data.sequence_start.tag, err);
    case YAML_MAPPING_START_EVENT:
        return begin(r, event, TNI_YAML_MAP, event->data.mapping_start.anchor,
                     event->data.mapping_start.tag, err);
    case YAML_SEQUENCE_END_EVENT:
        r->depth--;
        return TN_OK;
    case YAML_MAPPING_END_EVENT:
        r->depth--;
        return end_map(r, r->open[r->depth], err);
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
    return TN_OK;
}

static tn_status read_events(reading *r, tn_str text, tn_error *err)
{
    tn_status status = TN_OK;
    while (status == TN_OK && !r->done) {
        yaml_event_t event;
        if (!yaml_parser_parse(r->parser, &event)) {
            return parser_failed(r, text, err);
        }
        status = take(r, &event, err);
        yaml_event_delete(&event);
    }
    return status;
}

/* An empty document comes as an empty plain text. */
static bool is_empty(const tni_yaml *root)
{
    return root != NULL && root->kind == TNI_YAML_TEXT && root->text.len == 0 && !root->quoted;
}

tn_status tni_yaml_read(tni_arena *arena, tn_str text, uint64_t most, tni_yaml **root_out,
                        tn_error *err)
{
    yaml_parser_t parser;
    if (text.len > most) {
        return tni_fail(err, TN_E_RULE, "the file is larger than %llu bytes",
                        (unsigned long long)most);
    }
    if (!yaml_parser_initialize(&parser)) {
        return tni_fail(err, TN_E_NOMEM, "out of memory");
    }
    reading r = {.arena = arena, .parser = &parser, .text = text};
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.data, text.len);
    tn_status status = read_events(&r, text, err);
    yaml_parser_delete(&parser);
    if (status == TN_OK) {
        *root_out = is_empty(r.root) ? NULL : r.root;
    }
    return status;
}

void tni_yaml_place(const tni_yaml *node, size_t at, tn_error *err)
{
    uint32_t column = node->column;
    if (node->kind == TNI_YAML_TEXT && at <= node->text.len && node->text.len > 0) {
        if (node->plain) {
            column += (uint32_t)count_characters(tn_str_first(node->text, at)) + node->quoted;
        } else if (node->raw.data != NULL) {
            column += (uint32_t)tni_yaml_characters(node->raw, node->doubled, at) + 1;
        }
    }
    tni_error_place(err, node->line, column);
}
