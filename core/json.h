/* JSON pull parser: no tree, byte positions, bounded depth, strict UTF-8.
 *
 * Strict by RFC 8259. With `lenient_numbers` it also takes NaN, Infinity and -Infinity (Keras
 * configs hold them). The text must be in memory as a whole. Strings without escapes are views of
 * the text; others are decoded into the parser's buffer and stay valid until the next string is
 * read. Object keys: duplicates are the caller's to refuse. */
#ifndef TN_CORE_JSON_H
#define TN_CORE_JSON_H

#include "core/buffer.h"
#include <tenon/str.h>

typedef enum tni_json_type {
    TNI_JSON_OBJECT, /* '{' : keys follow, ended by TNI_JSON_OBJECT_END */
    TNI_JSON_OBJECT_END,
    TNI_JSON_ARRAY,
    TNI_JSON_ARRAY_END,
    TNI_JSON_KEY, /* text: the key; the member's value is the next token */
    TNI_JSON_STRING,
    TNI_JSON_NUMBER, /* text: as written */
    TNI_JSON_TRUE,
    TNI_JSON_FALSE,
    TNI_JSON_NULL,
    TNI_JSON_END /* after the one value only white space was left */
} tni_json_type;

typedef struct tni_json_token {
    tni_json_type type;
    tn_str text;
    size_t offset; /* of its first byte in the text */
} tni_json_token;

typedef struct tni_json {
    const char *text;
    size_t len, pos;
    const char *path; /* for errors; may be NULL */
    uint64_t base;    /* added to offsets in errors */
    unsigned max_depth;
    bool lenient_numbers;
    tni_buffer decoded;
    unsigned depth;
    uint8_t *stack; /* one byte a level: what is open and what may come next */
    uint8_t state;
} tni_json;

/* Initialises a parser over borrowed text. `max_depth` counts open objects and arrays (0: the
 * context's limit). */
void tni_json_init(tni_json *json, tn_context *ctx, tn_str text, const char *path, uint64_t base,
                   unsigned max_depth);
void tni_json_clear(tni_json *json);
/* Reads the next token. Errors: TN_E_CORRUPT with the byte offset, TN_E_LIMIT ("nesting"),
 * TN_E_NOMEM. */
tn_status tni_json_next(tni_json *json, tni_json_token *token_out, tn_error *err);
/* Reads the next token and demands its type; `what` names it in the error ("an object", "a
 * string"). */
tn_status tni_json_expect(tni_json *json, tni_json_type type, const char *what,
                          tni_json_token *token_out, tn_error *err);
/* Skips the value whose first token is `first` (nothing to do for scalars). */
tn_status tni_json_skip(tni_json *json, const tni_json_token *first, tn_error *err);
/* Raises TN_E_CORRUPT at the place of a token. */
tn_status tni_json_fail(const tni_json *json, const tni_json_token *token, tn_error *err,
                        const char *format, ...) TN_PRINTF(4, 5);
/* Converts a number token that is a plain non-negative integer (no sign, point, exponent); false
 * otherwise or if it does not fit. */
bool tni_json_u64(tn_str number, uint64_t *out);
/* Converts an integer token with optional minus. */
bool tni_json_i64(tn_str number, int64_t *out);

#endif
