/* The inside of text.c: what other files of the library need of UTF-8 and escaping. */
#ifndef TN_CORE_TEXT_H
#define TN_CORE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include <tenon/str.h>

/* Decodes the UTF-8 sequence at the start of `text`. Returns its length (1…4), or 0 if it is empty,
 * cut off, overlong, a surrogate or beyond U+10FFFF. `point_out` may be NULL. */
size_t tni_utf8_decode(tn_str text, uint32_t *point_out);
/* Encodes a code point (not checked); returns the length (1…4). */
size_t tni_utf8_encode(uint32_t point, char out[4]);
/* Returns the length of text without a last sequence that is cut off. */
size_t tni_utf8_floor(tn_str text);
/* Returns how many bytes two texts begin with in common. */
size_t tni_common_bytes(tn_str a, tn_str b);
/* Returns the value of one hexadecimal digit, or -1. */
int tni_hex_digit(char c);
/* Like tn_escape, but leaves backslashes alone (the text holds names that are escaped already), and
 * line feeds if `keep_lines`. */
size_t tni_escape_sentence(tn_str text, bool keep_lines, char *out, size_t room);

#endif
