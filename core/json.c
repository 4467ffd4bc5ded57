#include "core/json.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/error.h"
#include "core/json_string.h"

/* What may come next. */
enum {
    BEFORE_VALUE, /* a value: at the start, after a colon, after a comma in an array */
    FIRST_ITEM,   /* a value or ']' */
    FIRST_KEY,    /* a key or '}' */
    NEXT_KEY,     /* a key */
    AFTER_VALUE   /* a comma or a closing bracket; at depth 0 the end */
};

void tni_json_init(tni_json *json, tn_context *ctx, tn_str text, const char *path, uint64_t base,
                   unsigned max_depth)
{
    *json = (tni_json){.text = text.data, .len = text.len, .path = path, .base = base};
    uint64_t limit = ctx->limits.nesting < UINT32_MAX ? ctx->limits.nesting : UINT32_MAX;
    json->max_depth = max_depth != 0 ? max_depth : (unsigned)limit;
    tni_buffer_init(&json->decoded, ctx);
}

void tni_json_clear(tni_json *json)
{
    tni_free(json->decoded.ctx, json->stack);
    json->stack = NULL;
    tni_buffer_clear(&json->decoded);
}

static tn_status locate(const tni_json *json, size_t offset, tn_error *err, tn_status status)
{
    tni_error_path(err, json->path);
    tni_error_offset(err, json->base + offset);
    return status;
}

tn_status tni_json_fail_at(const tni_json *json, size_t offset, tn_error *err, const char *message)
{
    return locate(json, offset, err, tni_fail(err, TN_E_CORRUPT, "%s", message));
}

tn_status tni_json_fail(const tni_json *json, const tni_json_token *token, tn_error *err,
                        const char *format, ...)
{
    char message[TN_ERROR_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return tni_json_fail_at(json, token->offset, err, message);
}

/* Fails at the current byte: there is another one than JSON has here, or none. */
static tn_status unexpected(const tni_json *json, const char *wanted, tn_error *err)
{
    tn_status status;
    if (json->pos == json->len) {
        status = tni_fail(err, TN_E_CORRUPT, "the JSON text ends where %s is due", wanted);
    } else {
        status = tni_fail(err, TN_E_CORRUPT, "the JSON text is broken: %s is due here", wanted);
    }
    return locate(json, json->pos, err, status);
}

static void skip_space(tni_json *json)
{
    while (json->pos < json->len) {
        char c = json->text[json->pos];
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
            return;
        }
        json->pos++;
    }
}

/* Returns the byte at hand, or 0 at the end (no token starts with NUL). */
static char peek(const tni_json *json)
{
    return json->pos < json->len ? json->text[json->pos] : '\0';
}

static bool in_object(const tni_json *json)
{
    return json->depth > 0 && json->stack[json->depth - 1] == TNI_JSON_OBJECT;
}

static tn_status open_level(tni_json *json, tni_json_type type, tni_json_token *token,
                            tn_error *err)
{
    if (json->depth == json->max_depth) {
        tn_status status =
            tni_check_limit((uint64_t)json->depth + 1, json->max_depth, "nesting", err);
        return locate(json, json->pos, err, status);
    }
    if (json->stack == NULL) {
        /* Every level takes a byte of text, so that a huge limit does not mean a huge stack. */
        size_t bytes = json->max_depth < json->len ? json->max_depth : json->len;
        void *stack = NULL;
        tn_status status = tni_alloc(json->decoded.ctx, bytes, &stack, err);
        if (status != TN_OK) {
            return status;
        }
        json->stack = stack;
    }
    json->stack[json->depth++] = (uint8_t)type;
    json->state = type == TNI_JSON_OBJECT ? FIRST_KEY : FIRST_ITEM;
    json->pos++;
    token->type = type;
    return TN_OK;
}

static tn_status close_level(tni_json *json, tni_json_token *token)
{
    token->type = in_object(json) ? TNI_JSON_OBJECT_END : TNI_JSON_ARRAY_END;
    json->depth--;
    json->pos++;
    json->state = AFTER_VALUE;
    return TN_OK;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads one or more digits. */
static tn_status read_digits(tni_json *json, tn_error *err)
{
    if (!is_digit(peek(json))) {
        return unexpected(json, "a digit", err);
    }
    size_t pos = json->pos;
    while (pos < json->len && is_digit(json->text[pos])) {
        pos++;
    }
    json->pos = pos;
    return TN_OK;
}

static tn_status read_exponent(tni_json *json, tn_error *err)
{
    if (peek(json) != 'e' && peek(json) != 'E') {
        return TN_OK;
    }
    json->pos++;
    if (peek(json) == '+' || peek(json) == '-') {
        json->pos++;
    }
    return read_digits(json, err);
}

static bool take_word(tni_json *json, tn_str word)
{
    tn_str rest = {json->text + json->pos, json->len - json->pos};
    if (!tn_str_starts(rest, word)) {
        return false;
    }
    json->pos += word.len;
    return true;
}

static tn_status read_number(tni_json *json, tni_json_token *token, tn_error *err)
{
    tn_status status = TN_OK;
    if (peek(json) == '-') {
        json->pos++;
    }
    if (!json->lenient_numbers || !take_word(json, TN_LIT("Infinity"))) {
        if (peek(json) == '0') {
            json->pos++; /* no digit may follow: the next token fails if one does */
        } else {
            status = read_digits(json, err);
        }
        if (status == TN_OK && peek(json) == '.') {
            json->pos++;
            status = read_digits(json, err);
        }
        if (status == TN_OK) {
            status = read_exponent(json, err);
        }
    }
    token->type = TNI_JSON_NUMBER;
    token->text = (tn_str){json->text + token->offset, json->pos - token->offset};
    json->state = AFTER_VALUE;
    return status;
}

static tn_status read_word(tni_json *json, tni_json_token *token, tn_error *err)
{
    if (take_word(json, TN_LIT("true"))) {
        token->type = TNI_JSON_TRUE;
    } else if (take_word(json, TN_LIT("false"))) {
        token->type = TNI_JSON_FALSE;
    } else if (take_word(json, TN_LIT("null"))) {
        token->type = TNI_JSON_NULL;
    } else if (json->lenient_numbers && take_word(json, TN_LIT("NaN"))) {
        token->type = TNI_JSON_NUMBER;
        token->text = TN_LIT("NaN");
    } else {
        return unexpected(json, "a value", err);
    }
    json->state = AFTER_VALUE;
    return TN_OK;
}

static tn_status read_value(tni_json *json, tni_json_token *token, tn_error *err)
{
    char c = peek(json);
    if (c == '"') {
        token->type = TNI_JSON_STRING;
        json->state = AFTER_VALUE;
        return tni_json_read_string(json, &token->text, err);
    }
    if (c == '{') {
        return open_level(json, TNI_JSON_OBJECT, token, err);
    }
    if (c == '[') {
        return open_level(json, TNI_JSON_ARRAY, token, err);
    }
    if (c == '-' || is_digit(c) || (c == 'I' && json->lenient_numbers)) {
        return read_number(json, token, err);
    }
    return read_word(json, token, err);
}

static tn_status read_key(tni_json *json, tni_json_token *token, tn_error *err)
{
    if (peek(json) != '"') {
        return unexpected(json, "a key", err);
    }
    tn_status status = tni_json_read_string(json, &token->text, err);
    if (status != TN_OK) {
        return status;
    }
    skip_space(json);
    if (peek(json) != ':') {
        return unexpected(json, "':'", err);
    }
    json->pos++;
    token->type = TNI_JSON_KEY;
    json->state = BEFORE_VALUE;
    return TN_OK;
}

/* Steps over the comma between two items, so that a key or a value is at hand. */
static tn_status read_comma(tni_json *json, tn_error *err)
{
    if (peek(json) != ',') {
        return unexpected(json, in_object(json) ? "',' or '}'" : "',' or ']'", err);
    }
    json->pos++;
    skip_space(json);
    json->state = in_object(json) ? NEXT_KEY : BEFORE_VALUE;
    return TN_OK;
}

static tn_status read_end(tni_json *json, tni_json_token *token, tn_error *err)
{
    if (json->pos < json->len) {
        return tni_json_fail_at(json, json->pos, err, "something follows the end of the JSON text");
    }
    token->type = TNI_JSON_END;
    return TN_OK;
}

static bool closes(const tni_json *json)
{
    if (json->state == BEFORE_VALUE || json->state == NEXT_KEY) {
        return false;
    }
    return peek(json) == (in_object(json) ? '}' : ']');
}

static tn_status read_token(tni_json *json, tni_json_token *token, tn_error *err)
{
    if (json->depth > 0 && closes(json)) {
        return close_level(json, token);
    }
    if (json->state == AFTER_VALUE) {
        if (json->depth == 0) {
            return read_end(json, token, err);
        }
        tn_status status = read_comma(json, err);
        if (status != TN_OK) {
            return status;
        }
        token->offset = json->pos;
    }
    if (json->state == FIRST_KEY || json->state == NEXT_KEY) {
        return read_key(json, token, err);
    }
    return read_value(json, token, err);
}

tn_status tni_json_next(tni_json *json, tni_json_token *token_out, tn_error *err)
{
    skip_space(json);
    tni_json_token token = {.type = TNI_JSON_END, .text = TN_STR_NONE, .offset = json->pos};
    tn_status status = read_token(json, &token, err);
    if (status == TN_OK) {
        *token_out = token;
    }
    return status;
}

tn_status tni_json_expect(tni_json *json, tni_json_type type, const char *what,
                          tni_json_token *token_out, tn_error *err)
{
    static const char *const found[] = {"an object", "the end of the object",
                                        "an array",  "the end of the array",
                                        "a key",     "a string",
                                        "a number",  "true",
                                        "false",     "null",
                                        "the end"};
    tni_json_token token;
    tn_status status = tni_json_next(json, &token, err);
    if (status != TN_OK) {
        return status;
    }
    if (token.type != type) {
        return tni_json_fail(json, &token, err, "%s is due here, but there is %s", what,
                             found[token.type]);
    }
    *token_out = token;
    return TN_OK;
}

tn_status tni_json_skip(tni_json *json, const tni_json_token *first, tn_error *err)
{
    tni_json_token token = *first;
    if (token.type != TNI_JSON_OBJECT && token.type != TNI_JSON_ARRAY) {
        return TN_OK;
    }
    const unsigned outer = json->depth - 1;
    while (json->depth > outer) {
        tn_status status = tni_json_next(json, &token, err);
        if (status != TN_OK) {
            return status;
        }
    }
    return TN_OK;
}

bool tni_json_u64(tn_str number, uint64_t *out)
{
    enum { SAFE_DIGITS = 19 }; /* that many never overflow */
    uint64_t value = 0;
    for (size_t i = 0; i < number.len; i++) {
        if (!is_digit(number.data[i])) {
            return false;
        }
        uint64_t digit = (uint64_t)(number.data[i] - '0');
        if (i >= SAFE_DIGITS && value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = 10 * value + digit;
    }
    if (number.len == 0) {
        return false;
    }
    *out = value;
    return true;
}

bool tni_json_i64(tn_str number, int64_t *out)
{
    bool negative = number.len > 0 && number.data[0] == '-';
    uint64_t size;
    if (!tni_json_u64(negative ? tn_str_skip(number, 1) : number, &size) ||
        size > (uint64_t)INT64_MAX + negative) {
        return false;
    }
    *out = negative ? (int64_t)(0 - size) : (int64_t)size;
    return true;
}
