#include "converters/rules/template.h"

#include "converters/rules/lexer.h"
#include <stdio.h>
#include <tenon/text.h>

/* Refuses a hole that no name can stand for; tells apart what a later version will read. */
static tn_status bad_hole(tn_str inside, tn_error *err)
{
    tn_status status;
    bool table = inside.len > 0 && memchr(inside.data, '|', inside.len) != NULL;
    bool number = inside.len > 0 && inside.data[0] >= '0' && inside.data[0] <= '9';
    char what[160];
    if (table) {
        snprintf(what, sizeof what, "tables, {%.*s}", (int)(inside.len > 80 ? 80 : inside.len),
                 inside.data);
        return tni_not_yet(err, what);
    }
    for (size_t i = 0; i < inside.len; i++) {
        if (number || strchr("+-*/%() ", inside.data[i]) != NULL) {
            snprintf(what, sizeof what, "arithmetic, {%.*s}",
                     (int)(inside.len > 80 ? 80 : inside.len), inside.data);
            return tni_not_yet(err, what);
        }
    }
    status = tni_fail(err, TN_E_RULE, "the hole {%.*s} has no name", (int)inside.len, inside.data);
    tni_error_hint(err, "a brace that belongs to a name is written twice: {{ or }}");
    return status;
}

/* Lists a pattern's holes for a hint. */
static void hint_holes(const tn_pattern *pattern, tn_error *err)
{
    char text[256] = "";
    size_t used = 0;
    for (size_t i = 0; pattern->kind == TNI_HOLES && i < pattern->n_parts; i++) {
        const tni_hole *hole = pattern->parts[i].hole;
        if (hole != NULL && used + hole->name.len + 8 < sizeof text) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%s{%.*s}",
                                     used == 0 ? "" : ", ", (int)hole->name.len, hole->name.data);
        }
    }
    if (used > 0) {
        tni_error_hint(err, "the pattern binds %s", text);
    } else if (pattern->kind == TNI_GLOB) {
        tni_error_hint(err, "a star copies nothing: write {x} for *, {x:**} for **");
    } else {
        tni_error_hint(err, "the pattern binds none; a brace that belongs to a name is written "
                            "twice");
    }
}

/* Reads what stands in the braces of a target: NAME or NAME:int03. */
static tn_status read_hole(tn_str inside, const tn_pattern *pattern, tni_template_part *part,
                           tn_error *err)
{
    const char *colon = inside.len == 0 ? NULL : memchr(inside.data, ':', inside.len);
    tn_str name = colon == NULL ? inside : tn_str_first(inside, (size_t)(colon - inside.data));
    tn_str type = colon == NULL ? TN_STR_NONE : tn_str_skip(inside, name.len + 1);
    if (!tni_is_word(name)) {
        return bad_hole(inside, err);
    }
    *part = (tni_template_part){TN_STR_NONE, tni_pattern_slot(pattern, name), 0};
    if (part->slot < 0) {
        tn_status status =
            tni_fail(err, TN_E_RULE, "nothing binds the hole {%.*s}", (int)name.len, name.data);
        hint_holes(pattern, err);
        return status;
    }
    const tni_hole *hole = NULL;
    for (size_t i = 0; hole == NULL; i++) {
        bool here =
            pattern->parts[i].hole != NULL && pattern->parts[i].hole->slot == (uint32_t)part->slot;
        hole = here ? pattern->parts[i].hole : NULL;
    }
    bool good =
        type.data == NULL || (hole->kind == TNI_HOLE_INT && tni_int_type(type, &part->digits));
    if (!good) {
        tn_status status = tni_fail(err, TN_E_RULE, "a target takes no type '%.*s' for {%.*s}",
                                    (int)type.len, type.data, (int)name.len, name.data);
        tni_error_hint(err, "write {%.*s}; only a number's width may be said here: {i:int03}",
                       (int)name.len, name.data);
        return status;
    }
    return TN_OK;
}

/* Counts the holes and the bytes outside. */
static tn_status count(tn_str text, size_t *holes, size_t *bytes, size_t *at, tn_error *err)
{
    tni_lexer lexer = {text, 0};
    tni_lexeme lexeme;
    tn_status status;
    while ((status = tni_lex(&lexer, &lexeme, err)) == TN_OK && lexeme.kind != TNI_LEX_END) {
        *holes += lexeme.kind == TNI_LEX_HOLE;
        *bytes += lexeme.kind != TNI_LEX_HOLE;
    }
    *at = lexer.at;
    return status;
}

static void add_literal(tni_template *target, char *end, size_t *len)
{
    if (*len > 0) {
        target->parts[target->n_parts++] = (tni_template_part){{end - *len, *len}, -1, 0};
        *len = 0;
    }
}

static tn_status add_parts(tni_template *target, const tn_pattern *pattern, char *bytes, size_t *at,
                           tn_error *err)
{
    tni_lexer lexer = {target->source, 0};
    tni_lexeme lexeme;
    size_t len = 0;
    tn_status status;
    while ((status = tni_lex(&lexer, &lexeme, err)) == TN_OK && lexeme.kind != TNI_LEX_END) {
        *at = lexeme.start;
        if (lexeme.kind != TNI_LEX_HOLE) {
            *bytes++ = lexeme.byte;
            len++;
            continue;
        }
        add_literal(target, bytes, &len);
        status = read_hole(lexeme.inside, pattern, &target->parts[target->n_parts++], err);
        if (status != TN_OK) {
            return status;
        }
    }
    add_literal(target, bytes, &len);
    return status;
}

tn_status tni_template_compile(tni_arena *arena, tn_str text, char separator,
                               const tn_pattern *pattern, tni_template **template_out,
                               size_t *at_out, tn_error *err)
{
    size_t holes = 0, bytes = 0;
    void *block = NULL, *parts = NULL, *literal = NULL;
    tn_status status = count(text, &holes, &bytes, at_out, err);
    if (status == TN_OK) {
        status = tni_arena_alloc(arena, sizeof(tni_template), &block, err);
    }
    if (status == TN_OK) {
        status = tni_arena_array(arena, 2 * holes + 1, sizeof(tni_template_part), &parts, err);
    }
    if (status == TN_OK) {
        status = tni_arena_alloc(arena, bytes + 1, &literal, err);
    }
    if (status != TN_OK) {
        return status;
    }
    tni_template *target = block;
    *target = (tni_template){.separator = separator, .parts = parts, .constant = holes == 0};
    status = tni_arena_str(arena, text, &target->source, err);
    if (status == TN_OK) {
        status = add_parts(target, pattern, literal, at_out, err);
    }
    if (status == TN_OK) {
        *template_out = target;
    }
    return status;
}

static tn_status holds_separator(tn_str segment, char separator, tn_error *err)
{
    char text[TN_ERROR_SUBJECT];
    tn_escape(segment, text, sizeof text);
    tn_status status = tni_fail(err, TN_E_NAME,
                                "the segment '%s' holds the target's separator '%c', so the name "
                                "could not be read back",
                                text, separator);
    tni_error_hint(err, "give such names a rule of their own");
    return status;
}

/* Writes a bound text; where the separators differ it is cut at the pattern's. */
static tn_status write_text(tn_str text, char from, char to, tni_buffer *out, tn_error *err)
{
    if (from == to) {
        tni_buffer_str(out, text);
        return TN_OK;
    }
    while (true) {
        const char *cut = text.len == 0 ? NULL : memchr(text.data, from, text.len);
        tn_str segment = cut == NULL ? text : tn_str_first(text, (size_t)(cut - text.data));
        if (segment.len > 0 && memchr(segment.data, to, segment.len) != NULL) {
            return holds_separator(segment, to, err);
        }
        tni_buffer_str(out, segment);
        if (cut == NULL) {
            return TN_OK;
        }
        tni_buffer_char(out, to);
        text = tn_str_skip(text, segment.len + 1);
    }
}

static void write_number(tn_str text, unsigned digits, tni_buffer *out)
{
    while (text.len > 1 && text.data[0] == '0') {
        text = tn_str_skip(text, 1);
    }
    for (size_t i = text.len; i < digits; i++) {
        tni_buffer_char(out, '0');
    }
    tni_buffer_str(out, text);
}

tn_status tni_template_render(const tni_template *target, const tn_pattern *pattern,
                              const tni_matcher *matcher, tni_buffer *out, tn_error *err)
{
    tn_status status = TN_OK;
    tni_buffer_reset(out);
    for (size_t i = 0; status == TN_OK && i < target->n_parts; i++) {
        const tni_template_part *part = &target->parts[i];
        if (part->slot < 0) {
            tni_buffer_str(out, part->text);
            continue;
        }
        const tni_binding *bound = &matcher->bound[part->slot];
        if (bound->hole->kind == TNI_HOLE_INT) {
            write_number(bound->text, part->digits, out);
        } else {
            status = write_text(bound->text, pattern->separator, target->separator, out, err);
        }
    }
    if (status == TN_OK && out->len == 0 && !out->failed) {
        status = tni_fail(err, TN_E_NAME, "the rule would leave an empty name");
    }
    return status != TN_OK ? status : tni_buffer_check(out, err);
}
