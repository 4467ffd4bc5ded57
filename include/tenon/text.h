/* Text for people and machines: escaping of names, numbers that read back exactly, and a JSON
 * emitter. */
#ifndef TENON_TEXT_H
#define TENON_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <tenon/context.h>
#include <tenon/dtype.h>
#include <tenon/str.h>

/* Appends to `out` (room bytes, always NUL-terminated if room > 0) the printable form of a name:
 * control characters, DEL, C1, bidi and zero-width format characters, invalid UTF-8 and backslashes
 * become `\\`, `\n`, `\t`, `\xHH` or
 * `\u{HEX}`. Returns the length that the whole form has (as snprintf does). */
TN_API size_t tn_escape(tn_str name, char *out, size_t room);
/* Decodes what tn_escape wrote, in place; false (text unchanged) on a malformed escape. Returns the
 * new length in *len_inout. */
TN_API bool tn_unescape(char *text, size_t *len_inout);
/* Tells whether the bytes are valid UTF-8 (no surrogates, no overlong forms). */
TN_API bool tn_utf8_valid(tn_str text);
/* Compares in natural order: runs of digits by value, the rest as bytes; never equal for different
 * strings. */
TN_API int tn_natural_compare(tn_str a, tn_str b);
/* Returns the edit distance (insert, delete, replace, swap of neighbours) capped at `limit`; long
 * strings are compared by their last 256 bytes. Used to propose near names. */
TN_API unsigned tn_edit_distance(tn_str a, tn_str b, unsigned limit);

enum { TN_NUMBER_ROOM = 64 };
/* Writes the shortest decimal text that reads back as this element (of one of the numeric dtypes,
 * native byte order); complex as "1.5+2j", bool as "True"/"False", NaN as "nan", infinities as
 * "inf". Locale-free. Returns the length. */
TN_API size_t tn_number_text(tn_dtype dtype, const void *element, char out[TN_NUMBER_ROOM]);
/* Converts one element to double (exact for all but 64-bit integers beyond 2^53); complex gives its
 * real part. */
TN_API double tn_number_double(tn_dtype dtype, const void *element);
/* Writes a byte count for people: "812 B", "4.0 KiB", "1.5 GiB". */
TN_API size_t tn_bytes_text(uint64_t bytes, char out[TN_NUMBER_ROOM]);

/* JSON emitter: writes to a stdio stream, compact or indented by two spaces. Commas and nesting are
 * its business. Errors of the stream are the caller's to look up with ferror(). */
typedef struct tn_json_out {
    FILE *stream;
    bool pretty;
    unsigned depth;
    bool first;     /* nothing was written yet on this level */
    bool after_key; /* the next value belongs to a key */
} tn_json_out;

/* Begin a document, objects and arrays, and end them. A key comes before each value of an object.
 */
TN_API void tn_json_start(tn_json_out *out, FILE *stream, bool pretty);
TN_API void tn_json_object(tn_json_out *out);
TN_API void tn_json_object_end(tn_json_out *out);
TN_API void tn_json_array(tn_json_out *out);
TN_API void tn_json_array_end(tn_json_out *out);
TN_API void tn_json_key(tn_json_out *out, const char *key);
/* A key that is data (any bytes); one that is not UTF-8 is written in tn_escape's form. */
TN_API void tn_json_key_str(tn_json_out *out, tn_str key);
/* A string value; one that is not UTF-8 is written in tn_escape's form, so that it can be decoded
 * again. `data == NULL` gives null. */
TN_API void tn_json_str(tn_json_out *out, tn_str text);
TN_API void tn_json_text(tn_json_out *out, const char *text); /* NULL gives null */
TN_API void tn_json_base64(tn_json_out *out, const void *data, size_t len);
TN_API void tn_json_u64(tn_json_out *out, uint64_t value);
TN_API void tn_json_i64(tn_json_out *out, int64_t value);
TN_API void tn_json_bool(tn_json_out *out, bool value);
TN_API void tn_json_null(tn_json_out *out);
/* An element as `get --as json` gives it: exact number; NaN, Infinity, -Infinity as strings;
 * complex as [re, im]; bool as true/false. */
TN_API void tn_json_number(tn_json_out *out, tn_dtype dtype, const void *element);

#endif
