#include "converters/rules/lexer.h"

#include "converters/rules/regex.h"
#include <tenon/text.h>

static tn_status lonely_brace(char brace, tn_error *err)
{
    tn_status status;
    if (brace == '{') {
        status = tni_fail(err, TN_E_RULE, "a '{' has no '}' behind it");
    } else {
        status = tni_fail(err, TN_E_RULE, "a '}' has no '{' before it");
    }
    tni_error_hint(err, "a brace that belongs to a name is written twice: {{ or }}");
    return status;
}

static tn_status lex_hole(tni_lexer *lexer, tni_lexeme *lexeme, tn_error *err)
{
    tn_str rest = tn_str_skip(lexer->text, lexer->at + 1);
    const char *end = rest.len == 0 ? NULL : memchr(rest.data, '}', rest.len);
    const char *other = rest.len == 0 ? NULL : memchr(rest.data, '{', rest.len);
    if (end == NULL || (other != NULL && other < end)) {
        return lonely_brace('{', err);
    }
    lexeme->kind = TNI_LEX_HOLE;
    lexeme->inside = tn_str_first(rest, (size_t)(end - rest.data));
    lexer->at += lexeme->inside.len + 2;
    return TN_OK;
}

tn_status tni_lex(tni_lexer *lexer, tni_lexeme *lexeme_out, tn_error *err)
{
    *lexeme_out = (tni_lexeme){.kind = TNI_LEX_END, .start = lexer->at};
    if (lexer->at == lexer->text.len) {
        return TN_OK;
    }
    char byte = lexer->text.data[lexer->at];
    bool twice = lexer->at + 1 < lexer->text.len && lexer->text.data[lexer->at + 1] == byte;
    if (byte == '{' && !twice) {
        return lex_hole(lexer, lexeme_out, err);
    }
    if (byte == '}' && !twice) {
        return lonely_brace('}', err);
    }
    lexeme_out->kind = byte == '*' ? TNI_LEX_STAR : TNI_LEX_BYTE;
    lexeme_out->byte = byte;
    lexer->at += byte == '{' || byte == '}' ? 2 : 1;
    return TN_OK;
}

char tni_separator_in(tn_str text)
{
    tni_lexer lexer = {text, 0};
    tni_lexeme lexeme;
    char found = 0;
    if (tni_is_regex(text)) {
        return tni_regex_separator(text);
    }
    while (tni_lex(&lexer, &lexeme, NULL) == TN_OK && lexeme.kind != TNI_LEX_END) {
        if (lexeme.kind == TNI_LEX_BYTE && lexeme.byte == '/') {
            return '/';
        }
        if (lexeme.kind == TNI_LEX_BYTE && lexeme.byte == '.') {
            found = '.';
        }
    }
    return found;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool tni_is_name_byte(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

bool tni_is_word(tn_str text)
{
    bool good = text.len > 0 && is_letter(text.data[0]);
    for (size_t i = 1; good && i < text.len; i++) {
        good = tni_is_name_byte(text.data[i]);
    }
    return good;
}

const char *tni_nearest_word(tn_str written, const char *const *words)
{
    const char *best = NULL;
    unsigned least = (unsigned)(written.len < 4 ? 2 : written.len / 2 + 1);
    for (size_t i = 0; words[i] != NULL; i++) {
        unsigned edits = tn_edit_distance(written, tn_str_of(words[i]), least);
        if (edits < least) {
            least = edits;
            best = words[i];
        }
    }
    return best;
}

tn_status tni_not_yet(tn_error *err, const char *what)
{
    return tni_fail(err, TN_E_RULE, "not supported yet by this version: %s", what);
}
