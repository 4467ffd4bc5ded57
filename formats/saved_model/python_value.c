/* Values of Python as a SavedModel keeps them (StructuredValue), in the words of Python's str(). */
#include "formats/saved_model/constant.h"
#include "formats/saved_model/style_tf.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <tenon/text.h>

enum { DEPTH = 32 }; /* of lists in lists; deeper ones are shown as … */

tni_sm_argument tni_sm_argument_of(tn_str value, const char **class_out, tn_str *content_out)
{
    static const struct {
        uint32_t tag;
        tni_sm_argument kind;
        const char *name;
    } kinds[] = {
        {VALUE_NONE, TNI_SM_ARGUMENT_OTHER, "NoneType"},
        {VALUE_FLOAT, TNI_SM_ARGUMENT_OTHER, "float"},
        {VALUE_INT, TNI_SM_ARGUMENT_OTHER, "int"},
        {VALUE_STRING, TNI_SM_ARGUMENT_STRING, "str"},
        {VALUE_BOOL, TNI_SM_ARGUMENT_OTHER, "bool"},
        {VALUE_SHAPE, TNI_SM_ARGUMENT_OTHER, "TensorShape"},
        {VALUE_DTYPE, TNI_SM_ARGUMENT_OTHER, "DType"},
        {VALUE_TENSOR, TNI_SM_ARGUMENT_TENSOR, "TensorSpec"},
        {VALUE_BOUNDED, TNI_SM_ARGUMENT_TENSOR, "BoundedTensorSpec"},
        {VALUE_TYPE_SPEC, TNI_SM_ARGUMENT_OTHER, "TypeSpec"},
        {VALUE_LIST, TNI_SM_ARGUMENT_LIST, "list"},
        {VALUE_TUPLE, TNI_SM_ARGUMENT_LIST, "tuple"},
        {VALUE_DICT, TNI_SM_ARGUMENT_DICT, "dict"},
        {VALUE_NAMED_TUPLE, TNI_SM_ARGUMENT_LIST, "tuple"},
    };
    tni_wire wire = tni_wire_of(value);
    tni_wire_field field;
    tni_sm_argument kind = TNI_SM_ARGUMENT_OTHER;
    *class_out = "NoneType";
    *content_out = TN_LIT("");
    while (tni_wire_next(&wire, &field)) {
        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
            if (kinds[i].tag == field.tag) {
                kind = kinds[i].kind;
                *class_out = kinds[i].name;
                *content_out = field.bytes;
            }
        }
    }
    return kind;
}

/* Prints a dimension's size, None where it is not known. */
static void put_shape(tn_str message, tni_buffer *out)
{
    tni_wire wire = tni_wire_of(message), inner;
    tni_wire_field field, part;
    size_t start = out->len;
    uint32_t rank = 0;
    tni_buffer_char(out, '(');
    while (tni_wire_next(&wire, &field)) {
        if (field.tag == SHAPE_UNKNOWN_RANK && field.number != 0) {
            out->len = out->failed ? out->len : start;
            tni_buffer_text(out, "<unknown>");
            return;
        }
        if (field.tag == SHAPE_DIM) {
            int64_t size = 0;
            inner = tni_wire_of(field.bytes);
            while (tni_wire_next(&inner, &part)) {
                size = part.tag == DIM_SIZE ? (int64_t)part.number : size;
            }
            tni_buffer_text(out, rank++ == 0 ? "" : ", ");
            if (size < 0) {
                tni_buffer_text(out, "None");
            } else {
                tni_buffer_format(out, "%" PRId64, size);
            }
        }
    }
    tni_buffer_text(out, rank == 1 ? ",)" : ")");
}

static void put_dtype(uint64_t number, tni_buffer *out)
{
    tn_dtype dtype = tni_sm_dtype(number);
    const char *name = number == TNI_SM_DT_RESOURCE ? "resource"
                       : dtype == TN_DTYPE_NONE     ? "unknown"
                                                    : tn_dtype_about(dtype)->name;
    tni_buffer_format(out, "tf.%s", name);
}

static void put_spec(tn_str message, tni_buffer *out)
{
    tni_wire wire = tni_wire_of(message);
    tni_wire_field field;
    tn_str name = TN_LIT(""), shape = TN_LIT("");
    uint64_t dtype = 0;
    while (tni_wire_next(&wire, &field)) {
        name = field.tag == SPEC_NAME ? field.bytes : name;
        shape = field.tag == SPEC_SHAPE ? field.bytes : shape;
        dtype = field.tag == SPEC_DTYPE ? field.number : dtype;
    }
    tni_buffer_text(out, "TensorSpec(shape=");
    put_shape(shape, out);
    tni_buffer_text(out, ", dtype=");
    put_dtype(dtype, out);
    tni_buffer_text(out, ", name=");
    if (name.len == 0) {
        tni_buffer_text(out, "None)");
    } else {
        tni_buffer_char(out, '\'');
        tni_buffer_str(out, name);
        tni_buffer_text(out, "')");
    }
}

/* Prints a float as repr() does: the shortest digits, with a point or an exponent. */
static void put_float(uint64_t bits, tni_buffer *out)
{
    char text[TN_NUMBER_ROOM];
    (void)tn_number_text(TN_FLOAT64, &bits, text);
    tni_buffer_text(out, text);
    if (strpbrk(text, ".en") == NULL) {
        tni_buffer_text(out, ".0");
    }
}

/* Prints a value that holds no others. */
static void put_scalar(tn_str value, bool quoted, tni_buffer *out)
{
    tni_wire wire = tni_wire_of(value);
    tni_wire_field field = {0, 0, TN_LIT("")}, last = field;
    while (tni_wire_next(&wire, &field)) {
        last = field;
    }
    switch (last.tag) {
    case VALUE_FLOAT:
        put_float(last.number, out);
        break;
    case VALUE_INT: /* zig-zag */
        tni_buffer_format(out, "%" PRId64,
                          (int64_t)(last.number >> 1) ^ -(int64_t)(last.number & 1));
        break;
    case VALUE_STRING:
        tni_buffer_text(out, quoted ? "'" : "");
        tni_buffer_str(out, last.bytes);
        tni_buffer_text(out, quoted ? "'" : "");
        break;
    case VALUE_BOOL:
        tni_buffer_text(out, last.number != 0 ? "True" : "False");
        break;
    case VALUE_SHAPE:
        put_shape(last.bytes, out);
        break;
    case VALUE_DTYPE:
        tni_buffer_text(out, "<dtype: '");
        tni_buffer_text(out, tn_dtype_about(tni_sm_dtype(last.number))->name);
        tni_buffer_text(out, "'>");
        break;
    case VALUE_TENSOR:
    case VALUE_BOUNDED:
        put_spec(last.bytes, out);
        break;
    case VALUE_TYPE_SPEC:
        tni_buffer_text(out, "TypeSpec");
        break;
    default:
        tni_buffer_text(out, "None");
        break;
    }
}

/* A list, tuple or dict that is being printed. */
typedef struct open_value {
    tni_wire wire;
    uint32_t tag;
    uint32_t count;
} open_value;

static bool is_container(uint32_t tag)
{
    return tag == VALUE_LIST || tag == VALUE_TUPLE || tag == VALUE_DICT || tag == VALUE_NAMED_TUPLE;
}

/* Finds the container that a value is; false: it is none. */
static bool find_container(tn_str value, open_value *found)
{
    tni_wire wire = tni_wire_of(value);
    tni_wire_field field;
    bool is = false;
    while (tni_wire_next(&wire, &field)) {
        is = is_container(field.tag);
        *found = (open_value){tni_wire_of(is ? field.bytes : TN_LIT("")), field.tag, 0};
    }
    return is;
}

/* Begins the next element of the innermost container: its separator, and of a dict its key. False:
 * there is none. */
static bool next_element(open_value *at, tn_str *value_out, tni_buffer *out)
{
    tni_wire_field field, part;
    uint32_t tag = at->tag == VALUE_NAMED_TUPLE ? TNI_LEN(2) : LIST_VALUE;
    do {
        if (!tni_wire_next(&at->wire, &field)) {
            return false;
        }
    } while (field.tag != tag);
    tni_buffer_text(out, at->count++ == 0 ? "" : ", ");
    *value_out = field.bytes;
    if (at->tag == VALUE_DICT || at->tag == VALUE_NAMED_TUPLE) {
        tni_wire entry = tni_wire_of(field.bytes);
        tn_str key = TN_LIT("");
        *value_out = TN_LIT("");
        while (tni_wire_next(&entry, &part)) {
            key = part.tag == MAP_KEY ? part.bytes : key;
            *value_out = part.tag == MAP_VALUE ? part.bytes : *value_out;
        }
        if (at->tag == VALUE_DICT) {
            tni_buffer_char(out, '\'');
            tni_buffer_str(out, key);
            tni_buffer_text(out, "': ");
        }
    }
    return true;
}

static void put_end(const open_value *at, tni_buffer *out)
{
    tni_buffer_text(out, at->tag == VALUE_LIST   ? "]"
                         : at->tag == VALUE_DICT ? "}"
                         : at->count == 1        ? ",)"
                                                 : ")");
}

void tni_sm_put_value(tn_str value, bool quoted, tni_buffer *out)
{
    open_value stack[DEPTH];
    size_t depth = 0;
    if (!find_container(value, &stack[0])) {
        put_scalar(value, quoted, out);
        return;
    }
    tni_buffer_text(out, stack[0].tag == VALUE_LIST ? "[" : stack[0].tag == VALUE_DICT ? "{" : "(");
    depth = 1;
    while (depth > 0) {
        tn_str element;
        if (!next_element(&stack[depth - 1], &element, out)) {
            put_end(&stack[--depth], out);
            continue;
        }
        open_value inner;
        if (!find_container(element, &inner)) {
            put_scalar(element, true, out);
        } else if (depth == DEPTH) {
            tni_buffer_text(out, "\xE2\x80\xA6");
        } else {
            tni_buffer_text(out, inner.tag == VALUE_LIST   ? "["
                                 : inner.tag == VALUE_DICT ? "{"
                                                           : "(");
            stack[depth++] = inner;
        }
    }
}
