#include "converters/rules/vars.h"

#include "converters/rules/lexer.h"
#include "converters/rules/regex.h"
#include "core/buffer.h"
#include <tenon/text.h>

tn_str tni_vars_find(const tni_vars *vars, tn_str name)
{
    for (size_t i = 0; i < vars->count; i++) {
        if (tn_str_equal(vars->at[i].name, name)) {
            return vars->at[i].value;
        }
    }
    return TN_STR_NONE;
}

void tni_vars_hint(const tni_vars *vars, tn_str name, tn_error *err)
{
    const tni_var *best = NULL;
    unsigned least = (unsigned)(name.len < 4 ? 2 : name.len / 2 + 1);
    for (size_t i = 0; i < vars->count; i++) {
        unsigned edits = tn_edit_distance(name, vars->at[i].name, least);
        if (edits < least) {
            least = edits;
            best = &vars->at[i];
        }
    }
    if (best != NULL) {
        tni_error_hint(err, "did you mean '%.*s'?", (int)best->name.len, best->name.data);
    } else {
        tni_error_hint(err, "a file declares its variables: vars: {%.*s: …}", (int)name.len,
                       name.data);
    }
}

/* Finds the value of `{$NAME` or `$NAME`. */
static tn_status find_value(const tni_vars *vars, tn_str inside, tn_str *value_out, tn_error *err)
{
    inside = tn_str_starts(inside, TN_LIT("{")) ? tn_str_skip(inside, 1) : inside;
    tn_str name = tn_str_skip(inside, 1);
    if (vars == NULL) {
        tn_status status = tni_fail(err, TN_E_RULE, "an argument has no variable {%.*s}",
                                    (int)inside.len, inside.data);
        tni_error_hint(err, "variables belong into a file for --rules");
        return status;
    }
    *value_out = tni_vars_find(vars, name);
    if (value_out->data == NULL) {
        tn_status status =
            tni_fail(err, TN_E_RULE, "there is no variable '%.*s'", (int)name.len, name.data);
        tni_vars_hint(vars, name, err);
        return status;
    }
    return TN_OK;
}

static tn_status add_value(const tni_vars *vars, tn_str inside, bool pattern, tni_buffer *out,
                           tn_error *err)
{
    tn_str name = tn_str_skip(inside, 1), value = TN_STR_NONE;
    tn_status status = find_value(vars, inside, &value, err);
    if (status != TN_OK) {
        return status;
    }
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] == '*' && pattern) {
            return tni_fail(err, TN_E_RULE, "the value of the variable '%.*s' holds a star",
                            (int)name.len, name.data);
        }
        if (value.data[i] == '{' || value.data[i] == '}') {
            tni_buffer_char(out, value.data[i]);
        }
        tni_buffer_char(out, value.data[i]);
    }
    return TN_OK;
}

/* Writes a value as a regular expression that matches it alone. */
static void quote(tn_str value, tni_buffer *out)
{
    for (size_t i = 0; i < value.len; i++) {
        bool plain = tni_is_name_byte(value.data[i]) || (unsigned char)value.data[i] >= 0x80;
        if (!plain) {
            tni_buffer_char(out, '\\');
        }
        tni_buffer_char(out, value.data[i]);
    }
}

/* Puts values into a regular expression, whose braces mean something else: only {$NAME} is read. */
static tn_status expand_regex(const tni_vars *vars, tn_str text, tni_buffer *out, size_t *at_out,
                              tn_error *err)
{
    tn_status status = TN_OK;
    for (size_t i = 0; status == TN_OK && i < text.len;) {
        tn_str rest = tn_str_skip(text, i);
        const char *end = memchr(rest.data, '}', rest.len);
        tn_str name = end == NULL || rest.len < 3 || end - rest.data < 2
                          ? TN_STR_NONE
                          : (tn_str){rest.data + 2, (size_t)(end - rest.data) - 2};
        *at_out = i;
        if (!tn_str_starts(rest, TN_LIT("{$")) || !tni_is_word(name)) {
            tni_buffer_char(out, rest.data[0]);
            i++;
            continue;
        }
        tn_str value = TN_STR_NONE;
        status = find_value(vars, tn_str_first(rest, name.len + 2), &value, err);
        quote(value, out);
        i += name.len + 3;
    }
    return status != TN_OK ? status : tni_buffer_check(out, err);
}

static tn_status expand(const tni_vars *vars, tni_lexer *lexer, bool pattern, tni_buffer *out,
                        size_t *at_out, tn_error *err)
{
    tni_lexeme lexeme;
    tn_status status;
    while ((status = tni_lex(lexer, &lexeme, err)) == TN_OK && lexeme.kind != TNI_LEX_END) {
        bool variable =
            lexeme.kind == TNI_LEX_HOLE && lexeme.inside.len > 0 && lexeme.inside.data[0] == '$';
        if (variable) {
            status = add_value(vars, lexeme.inside, pattern, out, err);
        } else {
            tni_buffer_add(out, lexer->text.data + lexeme.start, lexer->at - lexeme.start);
        }
        if (status != TN_OK) {
            *at_out = lexeme.start;
            return status;
        }
    }
    *at_out = lexer->at;
    return status != TN_OK ? status : tni_buffer_check(out, err);
}

tn_status tni_vars_expand(tni_arena *arena, const tni_vars *vars, tn_str text, bool pattern,
                          tn_str *text_out, size_t *at_out, tn_error *err)
{
    if (text.len == 0 || memmem(text.data, text.len, "{$", 2) == NULL) {
        *text_out = text;
        return TN_OK;
    }
    tni_lexer lexer = {text, 0};
    tni_buffer out;
    tni_buffer_init(&out, arena->ctx);
    tn_status status = pattern && tni_is_regex(text)
                           ? expand_regex(vars, text, &out, at_out, err)
                           : expand(vars, &lexer, pattern, &out, at_out, err);
    if (status == TN_OK) {
        status = tni_arena_str(arena, (tn_str){out.data, out.len}, text_out, err);
    }
    tni_buffer_clear(&out);
    return status;
}
