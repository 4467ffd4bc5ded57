#include "formats/saved_model/text_value.h"
#include "core/cursor.h"
#include "formats/saved_model/layout.h"
#include <math.h>
#include <stdlib.h>
#include <strings.h>

enum { WORD_ROOM = 64 }; /* bytes of the longest number or name of a value */

static void put_tag(tni_buffer *out, uint32_t field, uint32_t type)
{
    uint8_t bytes[10];
    tni_buffer_add(out, bytes, tni_put_varint64(bytes, TNI_WIRE_TAG(field, type)));
}

static void put_number(tni_buffer *out, uint32_t field, uint64_t number)
{
    uint8_t bytes[10];
    put_tag(out, field, TNI_WIRE_VARINT);
    tni_buffer_add(out, bytes, tni_put_varint64(bytes, number));
}

/* Parses an integer as written: decimal, 0x… or octal; *number_out wraps for negative ones. */
static bool parse_integer(const char *word, uint64_t *number_out)
{
    bool negative = *word == '-';
    word += negative;
    unsigned base = word[0] != '0' || word[1] == '\0'  ? 10
                    : word[1] == 'x' || word[1] == 'X' ? 16
                                                       : 8;
    word += base == 16 ? 2 : 0;
    uint64_t number = 0;
    const char *from = word;
    for (; *word != '\0'; word++) {
        unsigned digit = *word >= '0' && *word <= '9'   ? (unsigned)(*word - '0')
                         : *word >= 'a' && *word <= 'f' ? (unsigned)(*word - 'a') + 10
                         : *word >= 'A' && *word <= 'F' ? (unsigned)(*word - 'A') + 10
                                                        : 99;
        if (digit >= base || __builtin_mul_overflow(number, base, &number) ||
            __builtin_add_overflow(number, digit, &number)) {
            return false;
        }
    }
    *number_out = negative ? 0 - number : number;
    return word > from;
}

static bool parse_float(char *word, double *number_out)
{
    size_t len = strlen(word);
    bool negative = *word == '-';
    const char *plain = word + negative;
    if (strcasecmp(plain, "inf") == 0 || strcasecmp(plain, "infinity") == 0) {
        *number_out = negative ? -(double)INFINITY : (double)INFINITY;
        return true;
    }
    if (strcasecmp(plain, "nan") == 0) {
        *number_out = (double)NAN;
        return true;
    }
    if (len > 1 && (word[len - 1] == 'f' || word[len - 1] == 'F')) {
        word[len - 1] = '\0';
    }
    char *end;
    *number_out = strtod(word, &end);
    return end > word && *end == '\0';
}

static bool is_true(const char *word)
{
    return strcmp(word, "true") == 0 || strcmp(word, "True") == 0 || strcmp(word, "t") == 0 ||
           strcmp(word, "1") == 0;
}

static bool is_false(const char *word)
{
    return strcmp(word, "false") == 0 || strcmp(word, "False") == 0 || strcmp(word, "f") == 0 ||
           strcmp(word, "0") == 0;
}

static const char *put_float(const ProtobufCFieldDescriptor *field, char *word, tni_buffer *out)
{
    double number;
    uint8_t bytes[8];
    uint64_t bits;
    if (!parse_float(word, &number)) {
        return "a number is expected here";
    }
    if (field->type == PROTOBUF_C_TYPE_FLOAT) {
        float narrow = (float)number;
        uint32_t narrow_bits;
        memcpy(&narrow_bits, &narrow, sizeof narrow_bits);
        put_tag(out, field->id, TNI_WIRE_I32);
        tni_store_u32le(bytes, narrow_bits);
        tni_buffer_add(out, bytes, 4);
        return NULL;
    }
    memcpy(&bits, &number, sizeof bits);
    put_tag(out, field->id, TNI_WIRE_I64);
    tni_store_u64le(bytes, bits);
    tni_buffer_add(out, bytes, 8);
    return NULL;
}

static const char *put_integer(const ProtobufCFieldDescriptor *field, const char *word,
                               tni_buffer *out)
{
    uint64_t number;
    if (!parse_integer(word, &number)) {
        return "an integer is expected here";
    }
    if (field->type == PROTOBUF_C_TYPE_SINT64 || field->type == PROTOBUF_C_TYPE_SINT32) {
        number = (number << 1) ^ (number >> 63 != 0 ? UINT64_MAX : 0);
    }
    put_number(out, field->id, number);
    return NULL;
}

static const char *put_enum(const ProtobufCFieldDescriptor *field, const char *word,
                            tni_buffer *out)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value_by_name(field->descriptor, word);
    if (value == NULL) {
        return put_integer(field, word, out) == NULL ? NULL : "this enumeration has no such value";
    }
    put_number(out, field->id, (uint64_t)(int64_t)value->value);
    return NULL;
}

static const char *put_fixed(const ProtobufCFieldDescriptor *field, const char *word,
                             tni_buffer *out)
{
    uint64_t number;
    uint8_t bytes[8];
    bool four = field->type == PROTOBUF_C_TYPE_FIXED32 || field->type == PROTOBUF_C_TYPE_SFIXED32;
    if (!parse_integer(word, &number)) {
        return "an integer is expected here";
    }
    put_tag(out, field->id, four ? TNI_WIRE_I32 : TNI_WIRE_I64);
    tni_store_u64le(bytes, number);
    tni_buffer_add(out, bytes, four ? 4 : 8);
    return NULL;
}

static const char *put_word(const ProtobufCFieldDescriptor *field, char *word, tni_buffer *out)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        return put_float(field, word, out);
    case PROTOBUF_C_TYPE_BOOL:
        if (!is_true(word) && !is_false(word)) {
            return "true or false is expected here";
        }
        put_number(out, field->id, is_true(word));
        return NULL;
    case PROTOBUF_C_TYPE_ENUM:
        return put_enum(field, word, out);
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return put_fixed(field, word, out);
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT64:
        return put_integer(field, word, out);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
    return "a string is expected here";
}

const char *tni_sm_text_value(const ProtobufCFieldDescriptor *field, const tni_sm_token *token,
                              tni_buffer *out)
{
    char word[WORD_ROOM];
    bool text = field->type == PROTOBUF_C_TYPE_BYTES || field->type == PROTOBUF_C_TYPE_STRING;
    if (token->type == TNI_SM_TOKEN_STRING) {
        uint8_t bytes[10];
        if (!text) {
            return "a string has no place here";
        }
        put_tag(out, field->id, TNI_WIRE_LEN);
        tni_buffer_add(out, bytes, tni_put_varint64(bytes, token->text.len));
        tni_buffer_str(out, token->text);
        return NULL;
    }
    if (token->text.len >= sizeof word) {
        return "this value is too long";
    }
    memcpy(word, token->text.data, token->text.len);
    word[token->text.len] = '\0';
    return put_word(field, word, out);
}
