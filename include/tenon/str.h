/* Counted strings: names of tensors may hold any byte, NUL included, so length always travels
 * along. */
#ifndef TENON_STR_H
#define TENON_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A view of bytes owned by somebody else. `data == NULL` means "there is none" (unlike the empty
 * string). */
typedef struct tn_str {
    const char *data;
    size_t len;
} tn_str;

#define TN_STR_NONE ((tn_str){NULL, 0})
/* Makes a tn_str of a string literal. */
#define TN_LIT(literal) ((tn_str){(literal), sizeof(literal) - 1})

static inline tn_str tn_str_of(const char *text)
{
    return (tn_str){text, text == NULL ? 0 : strlen(text)};
}

static inline bool tn_str_equal(tn_str a, tn_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Compares as unsigned bytes; a prefix sorts first. */
static inline int tn_str_compare(tn_str a, tn_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n == 0 ? 0 : memcmp(a.data, b.data, n);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static inline bool tn_str_starts(tn_str text, tn_str head)
{
    return text.len >= head.len && (head.len == 0 || memcmp(text.data, head.data, head.len) == 0);
}

static inline bool tn_str_ends(tn_str text, tn_str tail)
{
    return text.len >= tail.len &&
           (tail.len == 0 || memcmp(text.data + text.len - tail.len, tail.data, tail.len) == 0);
}

static inline tn_str tn_str_skip(tn_str text, size_t count)
{
    return (tn_str){text.data + count, text.len - count};
}

static inline tn_str tn_str_first(tn_str text, size_t count)
{
    return (tn_str){text.data, count};
}

#endif
