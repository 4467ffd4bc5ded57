/* What patterns and targets are written in: bytes, stars, and pieces in braces. */
#ifndef TN_CONVERTERS_RULES_LEXER_H
#define TN_CONVERTERS_RULES_LEXER_H

#include "core/error.h"

typedef enum tni_lexeme_kind {
    TNI_LEX_BYTE, /* also of `{{` and `}}` */
    TNI_LEX_STAR,
    TNI_LEX_HOLE,
    TNI_LEX_END
} tni_lexeme_kind;

typedef struct tni_lexeme {
    tni_lexeme_kind kind;
    char byte;
    tn_str inside; /* of the braces */
    size_t start;  /* in the text */
} tni_lexeme;

typedef struct tni_lexer {
    tn_str text;
    size_t at;
} tni_lexer;

/* Reads the next piece. On an error `at` is where it is. Errors: TN_E_RULE (a brace alone). */
tn_status tni_lex(tni_lexer *lexer, tni_lexeme *lexeme_out, tn_error *err);

/* Returns the separator that a text shows outside its holes: '/' if there is one, else '.', else 0.
 */
char tni_separator_in(tn_str text);

/* Tells whether a byte is a letter, a digit or _. */
bool tni_is_name_byte(char c);
/* Tells whether a text is a name of a hole or variable: a letter or _, then letters, digits, _. */
bool tni_is_word(tn_str text);

/* Returns the word (of a NULL-terminated list) that is nearest to what was written, or NULL. */
const char *tni_nearest_word(tn_str written, const char *const *words);

/* Refuses a part of the language that this version does not know yet: TN_E_RULE. */
tn_status tni_not_yet(tn_error *err, const char *what);

#endif
