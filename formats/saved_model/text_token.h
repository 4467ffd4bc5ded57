/* The words of text protos (protobuf's text format). */
#ifndef TN_FORMATS_SAVED_MODEL_TEXT_TOKEN_H
#define TN_FORMATS_SAVED_MODEL_TEXT_TOKEN_H

#include "core/buffer.h"

typedef enum tni_sm_token_type {
    TNI_SM_TOKEN_END,
    TNI_SM_TOKEN_WORD,   /* a name, a number, a keyword */
    TNI_SM_TOKEN_STRING, /* all strings that stand one behind the other */
    TNI_SM_TOKEN_MARK    /* one of : , ; { } < > [ ] */
} tni_sm_token_type;

typedef struct tni_sm_token {
    tni_sm_token_type type;
    tn_str text; /* of a word: as written; of a string: decoded, valid until the next one */
    char mark;
    size_t at; /* of its first byte */
} tni_sm_token;

typedef struct tni_sm_words {
    tn_str text;
    size_t at;
    tni_buffer decoded;
    bool has_next; /* `next` was looked at and not yet taken */
    tni_sm_token next;
} tni_sm_words;

void tni_sm_words_init(tni_sm_words *words, tn_context *ctx, tn_str text);
void tni_sm_words_clear(tni_sm_words *words);
/* Takes the next token. Errors: TN_E_CORRUPT with line and column, TN_E_NOMEM. */
tn_status tni_sm_words_next(tni_sm_words *words, tni_sm_token *token_out, tn_error *err);
/* Looks at the next token, which a string must not be followed by before it is used. */
tn_status tni_sm_words_peek(tni_sm_words *words, tni_sm_token *token_out, tn_error *err);
/* Raises TN_E_CORRUPT with the line and column of a byte. */
tn_status tni_sm_words_fail(const tni_sm_words *words, size_t at, const char *what, tn_error *err);

#endif
