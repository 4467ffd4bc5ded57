#include "converters/rules/template.h"

#include "converters/rules/lexer.h"
#include <stdio.h>
#include <tenon/text.h>

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
    } else if (pattern->kind == TNI_REGEX && pattern->n_slots > 0) {
        tni_error_hint(err, "the regular expression binds its groups, {1} to {%u}",
                       pattern->n_slots);
    } else {
        tni_error_hint(err, "the pattern binds none; a brace that belongs to a name is written "
                            "twice");
    }
}

static tn_status not_bound(tn_str name, const tni_scope *scope, tn_error *err)
{
    tn_status status =
        tni_fail(err, TN_E_RULE, "nothing binds the hole {%.*s}", (int)name.len, name.data);
    if (scope->vars != NULL && tni_vars_find(scope->vars, name).data != NULL) {
        tni_error_hint(err, "the value of the variable is {$%.*s}", (int)name.len, name.data);
    }
    hint_holes(scope->pattern, err);
    return status;
}

/* Returns the first mention of the hole that binds a slot. */
static const tni_hole *hole_of(const tn_pattern *pattern, uint32_t slot)
{
    const tni_hole *hole = NULL;
    for (size_t i = 0; hole == NULL; i++) {
        bool here = pattern->parts[i].hole != NULL && pattern->parts[i].hole->slot == slot;
        hole = here ? pattern->parts[i].hole : NULL;
    }
    return hole;
}

/* Reads NAME or NAME:int03. */
static tn_status read_value(tn_str name, tn_str type, const tni_scope *scope,
                            tni_template_part *part, tn_error *err)
{
    int slot = tni_pattern_slot(scope->pattern, name);
    if (slot < 0) {
        return not_bound(name, scope, err);
    }
    *part = (tni_template_part){.kind = TNI_PART_HOLE, .slot = (uint32_t)slot};
    bool good = type.data == NULL || (hole_of(scope->pattern, part->slot)->kind == TNI_HOLE_INT &&
                                      tni_int_type(type, &part->digits));
    if (!good) {
        tn_status status = tni_fail(err, TN_E_RULE, "a target takes no type '%.*s' for {%.*s}",
                                    (int)type.len, type.data, (int)name.len, name.data);
        tni_error_hint(err, "write {%.*s}; only a number's width may be said here: {i:int03}",
                       (int)name.len, name.data);
        return status;
    }
    return TN_OK;
}

static tn_status no_table(tn_str name, const tni_tables *tables, tn_error *err)
{
    tn_status status =
        tni_fail(err, TN_E_RULE, "there is no table '%.*s'", (int)name.len, name.data);
    tn_str best = TN_STR_NONE;
    unsigned least = (unsigned)(name.len < 4 ? 2 : name.len / 2 + 1);
    for (size_t i = 0; tables != NULL && i < tables->count; i++) {
        unsigned edits = tn_edit_distance(name, tables->at[i].name, least);
        if (edits < least) {
            least = edits;
            best = tables->at[i].name;
        }
    }
    if (best.data != NULL) {
        tni_error_hint(err, "did you mean '%.*s'?", (int)best.len, best.data);
    } else {
        tni_error_hint(err, "a file declares its tables: tables: {NAME: {word: text}}");
    }
    return status;
}

/* Reads NAME|TABLE. */
static tn_status read_table(tn_str inside, size_t bar, const tni_scope *scope,
                            tni_template_part *part, size_t *at, tn_error *err)
{
    tn_str name = tn_str_first(inside, bar), table = tn_str_skip(inside, bar + 1);
    int slot = tni_pattern_slot(scope->pattern, name);
    *part = (tni_template_part){.kind = TNI_PART_TABLE, .slot = (uint32_t)slot};
    if (slot < 0) {
        return not_bound(name, scope, err);
    }
    part->table = scope->tables == NULL ? NULL : tni_tables_find(scope->tables, table);
    if (part->table == NULL) {
        *at += bar + 2;
        return no_table(table, scope->tables, err);
    }
    return TN_OK;
}

/* Reads EXPRESSION or EXPRESSION:int03. */
static tn_status read_expression(tni_arena *arena, tn_str inside, const tni_scope *scope,
                                 tni_template_part *part, size_t *at, tn_error *err)
{
    void *block;
    size_t end = 0, wrong = 0;
    tn_status status = tni_arena_alloc(arena, sizeof(tni_expression), &block, err);
    if (status != TN_OK) {
        return status;
    }
    *part = (tni_template_part){.kind = TNI_PART_EXPRESSION, .expression = block};
    status = tni_expression_compile(arena, inside, scope, block, &end, &wrong, err);
    tn_str type = status == TN_OK ? tn_str_skip(inside, end) : TN_STR_NONE;
    if (status == TN_OK && type.len > 0 && !tni_int_type(tn_str_skip(type, 1), &part->digits)) {
        wrong = end + 1;
        status = tni_fail(err, TN_E_RULE, "'%.*s' is no width of a number", (int)type.len - 1,
                          type.data + 1);
        tni_error_hint(err, "int03 pads to three digits");
    }
    *at += status == TN_OK ? 0 : wrong + 1;
    return status;
}

/* Refuses braces that hold neither a name nor an expression. */
static tn_status bad_hole(tn_str inside, tn_error *err)
{
    tn_status status =
        tni_fail(err, TN_E_RULE, "the hole {%.*s} has no name", (int)inside.len, inside.data);
    tni_error_hint(err, "a brace that belongs to a name is written twice: {{ or }}");
    return status;
}

/* Reads what stands in the braces of a target; *at is where these begin, and on an error where that
 * is. */
static tn_status read_hole(tni_arena *arena, tn_str inside, const tni_scope *scope,
                           tni_template_part *part, size_t *at, tn_error *err)
{
    const char *colon = inside.len == 0 ? NULL : memchr(inside.data, ':', inside.len);
    const char *bar = inside.len == 0 ? NULL : memchr(inside.data, '|', inside.len);
    tn_str name = colon == NULL ? inside : tn_str_first(inside, (size_t)(colon - inside.data));
    int64_t number;
    if (bar != NULL) {
        return read_table(inside, (size_t)(bar - inside.data), scope, part, at, err);
    }
    if (tni_is_word(name)) {
        tn_str type = colon == NULL ? TN_STR_NONE : tn_str_skip(inside, name.len + 1);
        return read_value(name, type, scope, part, err);
    }
    if (inside.len == 0 || strchr("+*/%:?!.,;$", inside.data[0]) != NULL) {
        return bad_hole(inside, err);
    }
    if (tni_number_read(inside, &number) && inside.data[0] != '-') {
        return read_value(inside, TN_STR_NONE, scope, part, err);
    }
    return read_expression(arena, inside, scope, part, at, err);
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
        target->parts[target->n_parts++] = (tni_template_part){.text = {end - *len, *len}};
        *len = 0;
    }
}

static tn_status add_parts(tni_arena *arena, tni_template *target, const tni_scope *scope,
                           char *bytes, size_t *at, tn_error *err)
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
        tni_template_part *part = &target->parts[target->n_parts++];
        status = read_hole(arena, lexeme.inside, scope, part, at, err);
        if (status != TN_OK) {
            return status;
        }
        if (part->kind == TNI_PART_EXPRESSION) {
            target->ranks = target->ranks || part->expression->ranks;
            target->vars = target->vars || part->expression->vars;
        }
    }
    add_literal(target, bytes, &len);
    return status;
}

tn_status tni_template_compile(tni_arena *arena, tn_str text, char separator,
                               const tni_scope *scope, tni_template **template_out, size_t *at_out,
                               tn_error *err)
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
        status = add_parts(arena, target, scope, literal, at_out, err);
    }
    if (status == TN_OK) {
        *template_out = target;
    }
    return status;
}
