#include "formats/shared/wire.h"

enum { END_GROUP = 4 };

/* Reads a varint, of which most are one byte long. */
static inline bool get_varint(tni_cursor *c, uint64_t *out)
{
    if (!c->failed && c->pos < c->len && c->data[c->pos] < 0x80) {
        *out = c->data[c->pos++];
        return true;
    }
    return tni_get_varint64(c, out);
}

/* Reads a tag; field numbers go from 1 to 2^29 - 1. */
static bool get_tag(tni_cursor *c, uint32_t *tag_out)
{
    uint32_t tag;
    if (!c->failed && c->pos < c->len && c->data[c->pos] < 0x80) {
        tag = c->data[c->pos++];
    } else if (!tni_get_varint32(c, &tag)) {
        return false;
    }
    if (tag >> 3 == 0) {
        c->failed = true;
        return false;
    }
    *tag_out = tag;
    return true;
}

/* Reads the value of a field that is not a group. */
static bool get_value(tni_cursor *c, uint32_t type, tni_wire_field *field)
{
    uint32_t word;
    const uint8_t *data;
    switch (type) {
    case TNI_WIRE_VARINT:
        return get_varint(c, &field->number);
    case TNI_WIRE_I64:
        return tni_get_u64le(c, &field->number);
    case TNI_WIRE_I32:
        if (!tni_get_u32le(c, &word)) {
            return false;
        }
        field->number = word;
        return true;
    case TNI_WIRE_LEN:
        if (!get_varint(c, &field->number) || field->number > tni_cursor_left(c) ||
            !tni_get_bytes(c, (size_t)field->number, &data)) {
            c->failed = true;
            return false;
        }
        field->bytes = (tn_str){(const char *)data, (size_t)field->number};
        return true;
    default:
        c->failed = true;
        return false;
    }
}

/* Steps over a group whose start tag was read, up to and with its end tag. */
static bool get_group(tni_cursor *c, uint32_t number, tni_wire_field *field)
{
    uint32_t open[TNI_WIRE_DEPTH];
    size_t depth = 0;
    size_t start = c->pos, end = start;
    open[depth++] = number;
    while (depth > 0) {
        uint32_t tag;
        tni_wire_field inner;
        end = c->pos;
        if (!get_tag(c, &tag)) {
            return false;
        }
        if ((tag & 7) == TNI_WIRE_GROUP && depth < TNI_WIRE_DEPTH) {
            open[depth++] = tag >> 3;
        } else if ((tag & 7) == END_GROUP && tag >> 3 == open[depth - 1]) {
            depth--;
        } else if (!get_value(c, tag & 7, &inner)) {
            return false;
        }
    }
    field->bytes = (tn_str){(const char *)c->data + start, end - start};
    return true;
}

/* Reads a field of the most usual form: tag, and number or length, of one byte each. False: it has
 * another form, or is damaged. */
static inline bool get_short(tni_cursor *c, tni_wire_field *field)
{
    size_t left = tni_cursor_left(c);
    const uint8_t *p = c->data + c->pos;
    if (left < 2 || (p[0] | p[1]) >= 0x80 || p[0] >> 3 == 0) {
        return false;
    }
    uint32_t type = p[0] & 7;
    if (type != TNI_WIRE_VARINT && (type != TNI_WIRE_LEN || p[1] > left - 2)) {
        return false;
    }
    bool text = type == TNI_WIRE_LEN;
    *field = (tni_wire_field){p[0], p[1], text ? (tn_str){(const char *)p + 2, p[1]} : TN_STR_NONE};
    c->pos += text ? 2 + (size_t)p[1] : 2;
    return true;
}

bool tni_wire_next(tni_wire *wire, tni_wire_field *field_out)
{
    tni_cursor *c = &wire->cursor;
    if (get_short(c, field_out)) {
        return true;
    }
    tni_wire_field field = {0, 0, TN_STR_NONE};
    if (tni_cursor_left(c) == 0 || !get_tag(c, &field.tag)) {
        return false;
    }
    bool ok = (field.tag & 7) == TNI_WIRE_GROUP ? get_group(c, field.tag >> 3, &field)
                                                : get_value(c, field.tag & 7, &field);
    if (ok) {
        *field_out = field;
    }
    return ok;
}

bool tni_wire_numbers_of(const tni_wire_field *field, uint32_t type, tni_wire_numbers *numbers_out)
{
    uint32_t found = field->tag & 7;
    if (found != type && found != TNI_WIRE_LEN) {
        return false;
    }
    *numbers_out = (tni_wire_numbers){tni_cursor_of("", 0), field->number, found == type, type};
    if (found == TNI_WIRE_LEN) {
        numbers_out->cursor = tni_cursor_of(field->bytes.data, field->bytes.len);
    }
    return true;
}

bool tni_wire_number(tni_wire_numbers *numbers, uint64_t *number_out)
{
    if (numbers->has_single) {
        numbers->has_single = false;
        *number_out = numbers->single;
        return true;
    }
    tni_wire_field field = {0, 0, TN_STR_NONE};
    if (tni_cursor_left(&numbers->cursor) == 0 ||
        !get_value(&numbers->cursor, numbers->type, &field)) {
        return false;
    }
    *number_out = field.number;
    return true;
}

void tni_wire_put_len(tni_buffer *out, uint32_t tag, tn_str bytes)
{
    uint8_t varint[10];
    tni_buffer_add(out, varint, tni_put_varint64(varint, tag));
    tni_buffer_add(out, varint, tni_put_varint64(varint, bytes.len));
    tni_buffer_str(out, bytes);
}
