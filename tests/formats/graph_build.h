/* Messages of graphs, built from their parts: what a graph with other names has to be, byte for
 * byte, is the same graph built with those names. */
#ifndef TN_TESTS_FORMATS_GRAPH_BUILD_H
#define TN_TESTS_FORMATS_GRAPH_BUILD_H

#include "core/arena.h"
#include "core/cursor.h"
#include "fixtures.h"

#include <stdarg.h>

/* Joins texts up to one that is none. */
static inline tn_str cat_list(tni_arena *arena, va_list list)
{
    va_list again;
    void *block;
    size_t len = 0;
    va_copy(again, list);
    for (tn_str text = va_arg(again, tn_str); text.data != NULL; text = va_arg(again, tn_str)) {
        len += text.len;
    }
    va_end(again);
    assert_int_equal(tni_arena_alloc(arena, len + 1, &block, NULL), TN_OK);
    char *at = block;
    for (tn_str text = va_arg(list, tn_str); text.data != NULL; text = va_arg(list, tn_str)) {
        memcpy(at, text.data, text.len);
        at += text.len;
    }
    return (tn_str){block, len};
}

static inline tn_str cat_all(tni_arena *arena, ...)
{
    va_list list;
    va_start(list, arena);
    tn_str text = cat_list(arena, list);
    va_end(list);
    return text;
}

#define CAT(arena, ...) cat_all(arena, __VA_ARGS__, TN_STR_NONE)

/* A field with a length. */
static inline tn_str len_field(tni_arena *arena, uint32_t number, tn_str bytes)
{
    uint8_t head[20];
    size_t len = tni_put_varint64(head, (uint64_t)number << 3 | 2);
    len += tni_put_varint64(head + len, bytes.len);
    return CAT(arena, ((tn_str){(const char *)head, len}), bytes);
}

static inline tn_str var_field(tni_arena *arena, uint32_t number, uint64_t value)
{
    uint8_t text[20];
    size_t len = tni_put_varint64(text, (uint64_t)number << 3);
    len += tni_put_varint64(text + len, value);
    return CAT(arena, ((tn_str){(const char *)text, len}));
}

/* An entry of a map. */
static inline tn_str entry(tni_arena *arena, uint32_t number, const char *key, tn_str value)
{
    return len_field(arena, number,
                     CAT(arena, len_field(arena, 1, tn_str_of(key)), len_field(arena, 2, value)));
}

/* A node of a GraphDef (field 1) or of a FunctionDef (3), with inputs between spaces. */
static inline tn_str node(tni_arena *arena, uint32_t number, tn_str name, const char *op,
                          tn_str inputs, tn_str attributes)
{
    tn_str body = CAT(arena, len_field(arena, 1, name), len_field(arena, 2, tn_str_of(op)));
    while (inputs.len > 0) {
        const char *space = memchr(inputs.data, ' ', inputs.len);
        size_t len = space == NULL ? inputs.len : (size_t)(space - inputs.data);
        body = CAT(arena, body, len_field(arena, 3, tn_str_first(inputs, len)));
        inputs = tn_str_skip(inputs, space == NULL ? len : len + 1);
    }
    return len_field(arena, number, CAT(arena, body, attributes));
}

/* A node's attribute that is a text, and one that is a list of texts. */
static inline tn_str text_attr(tni_arena *arena, const char *key, tn_str text)
{
    return entry(arena, 5, key, len_field(arena, 2, text));
}

static inline tn_str list_attr(tni_arena *arena, const char *key, tn_str text)
{
    return entry(arena, 5, key, len_field(arena, 1, len_field(arena, 2, text)));
}

/* The value of a Const: a TensorProto of strings (fields), of `count` elements. */
static inline tn_str strings_attr(tni_arena *arena, uint64_t count, tn_str fields)
{
    tn_str shape = len_field(arena, 2, len_field(arena, 2, var_field(arena, 1, count)));
    tn_str tensor = CAT(arena, var_field(arena, 1, 7), shape, fields);
    return entry(arena, 5, "value", len_field(arena, 8, tensor));
}

#endif
