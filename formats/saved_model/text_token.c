#include "formats/saved_model/text_token.h"
#include "core/error.h"
#include "core/text.h"

void tni_sm_words_init(tni_sm_words *words, tn_context *ctx, tn_str text)
{
    *words = (tni_sm_words){.text = text};
    tni_buffer_init(&words->decoded, ctx);
}

void tni_sm_words_clear(tni_sm_words *words)
{
    tni_buffer_clear(&words->decoded);
}

tn_status tni_sm_words_fail(const tni_sm_words *words, size_t at, const char *what, tn_error *err)
{
    uint32_t line = 1, column = 1;
    for (size_t i = 0; i < at && i < words->text.len; i++) {
        bool end = words->text.data[i] == '\n';
        line += end;
        column = end ? 1 : column + 1;
    }
    tn_status status = tni_fail(err, TN_E_CORRUPT, "%s", what);
    tni_error_place(err, line, column);
    return status;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '+' || c == '-' || c == '/';
}

/* Goes over white space and comments. */
static void skip_space(tni_sm_words *w)
{
    while (w->at < w->text.len) {
        if (w->text.data[w->at] == '#') {
            const char *from = w->text.data + w->at;
            const char *end = memchr(from, '\n', w->text.len - w->at);
            w->at = end == NULL ? w->text.len : (size_t)(end - w->text.data);
        } else if (is_space(w->text.data[w->at])) {
            w->at++;
        } else {
            break;
        }
    }
}

/* Takes up to `most` digits of a base. Returns how many there are. */
static size_t take_digits(tni_sm_words *w, unsigned base, size_t most, uint32_t *value)
{
    size_t count = 0;
    *value = 0;
    while (count < most && w->at < w->text.len) {
        int digit = tni_hex_digit(w->text.data[w->at]);
        if (digit < 0 || (unsigned)digit >= base) {
            break;
        }
        *value = *value * base + (unsigned)digit;
        w->at++;
        count++;
    }
    return count;
}

/* Decodes what follows a backslash. False: it is no escape. */
static bool take_escape(tni_sm_words *w)
{
    static const char letters[] = "abfnrtv\\'\"?", meant[] = "\a\b\f\n\r\t\v\\'\"?";
    uint32_t value;
    char encoded[4];
    if (w->at == w->text.len) {
        return false;
    }
    char c = w->text.data[w->at];
    const char *letter = memchr(letters, c, sizeof letters - 1);
    if (letter != NULL) {
        w->at++;
        tni_buffer_char(&w->decoded, meant[letter - letters]);
        return true;
    }
    if (c >= '0' && c <= '7') {
        (void)take_digits(w, 8, 3, &value);
        tni_buffer_char(&w->decoded, (char)(uint8_t)value);
        return true;
    }
    w->at++;
    size_t wanted = c == 'u' ? 4 : c == 'U' ? 8 : 2;
    if (c != 'x' && c != 'X' && c != 'u' && c != 'U') {
        return false;
    }
    size_t digits = take_digits(w, 16, wanted, &value);
    if (wanted == 2) {
        tni_buffer_char(&w->decoded, (char)(uint8_t)value);
        return digits > 0;
    }
    if (digits < wanted || value > 0x10FFFF) {
        return false;
    }
    tni_buffer_add(&w->decoded, encoded, tni_utf8_encode(value, encoded));
    return true;
}

static tn_status take_string(tni_sm_words *w, tn_error *err)
{
    size_t from = w->at;
    char quote = w->text.data[w->at++];
    while (w->at < w->text.len && w->text.data[w->at] != quote) {
        size_t start = w->at;
        while (w->at < w->text.len && w->text.data[w->at] != quote && w->text.data[w->at] != '\\' &&
               w->text.data[w->at] != '\n') {
            w->at++;
        }
        tni_buffer_add(&w->decoded, w->text.data + start, w->at - start);
        if (w->at < w->text.len && w->text.data[w->at] == '\n') {
            return tni_sm_words_fail(w, from, "this string does not end on its line", err);
        }
        if (w->at < w->text.len && w->text.data[w->at] == '\\') {
            size_t escape = w->at++;
            if (!take_escape(w)) {
                return tni_sm_words_fail(w, escape, "this is no escape of a text proto", err);
            }
        }
    }
    if (w->at == w->text.len) {
        return tni_sm_words_fail(w, from, "this string does not end", err);
    }
    w->at++;
    return TN_OK;
}

static tn_status take_strings(tni_sm_words *w, tni_sm_token *token, tn_error *err)
{
    tn_status status = TN_OK;
    tni_buffer_reset(&w->decoded);
    while (status == TN_OK && w->at < w->text.len &&
           (w->text.data[w->at] == '"' || w->text.data[w->at] == '\'')) {
        status = take_string(w, err);
        skip_space(w);
    }
    if (status == TN_OK) {
        status = tni_buffer_check(&w->decoded, err);
    }
    token->type = TNI_SM_TOKEN_STRING;
    token->text = (tn_str){w->decoded.len == 0 ? "" : w->decoded.data, w->decoded.len};
    return status;
}

static tn_status take(tni_sm_words *w, tni_sm_token *token, tn_error *err)
{
    skip_space(w);
    *token = (tni_sm_token){.type = TNI_SM_TOKEN_END, .text = TN_LIT(""), .at = w->at};
    if (w->at == w->text.len) {
        return TN_OK;
    }
    char c = w->text.data[w->at];
    if (c == '"' || c == '\'') {
        return take_strings(w, token, err);
    }
    if (is_word(c)) {
        token->type = TNI_SM_TOKEN_WORD;
        while (w->at < w->text.len && is_word(w->text.data[w->at])) {
            w->at++;
        }
        token->text = (tn_str){w->text.data + token->at, w->at - token->at};
        return TN_OK;
    }
    if (memchr(":,;{}<>[]", c, 9) == NULL) {
        return tni_sm_words_fail(w, w->at, "this has no place in a text proto", err);
    }
    w->at++;
    token->type = TNI_SM_TOKEN_MARK;
    token->mark = c;
    return TN_OK;
}

tn_status tni_sm_words_peek(tni_sm_words *words, tni_sm_token *token_out, tn_error *err)
{
    tn_status status = TN_OK;
    if (!words->has_next) {
        status = take(words, &words->next, err);
        words->has_next = status == TN_OK;
    }
    if (status == TN_OK) {
        *token_out = words->next;
    }
    return status;
}

tn_status tni_sm_words_next(tni_sm_words *words, tni_sm_token *token_out, tn_error *err)
{
    tn_status status = tni_sm_words_peek(words, token_out, err);
    words->has_next = false;
    return status;
}
