/* Protobuf on the wire: a walker over the fields of one message that is in memory.
 *
 * It allocates nothing and follows nothing: a sub-message is a view that the caller walks in turn,
 * iteratively or counting its depth against TNI_WIRE_DEPTH. What protobuf leaves to readers is left
 * to callers: of a singular scalar that occurs twice the last one wins, so just assign; a singular
 * sub-message that occurs twice is merged, so walk each into the same target without resetting it;
 * a known field number with another wire type is an unknown field, so switch on the tag. */
#ifndef TN_FORMATS_SHARED_WIRE_H
#define TN_FORMATS_SHARED_WIRE_H

#include "core/buffer.h"
#include "core/cursor.h"

enum { TNI_WIRE_DEPTH = 100 }; /* nesting of messages and groups; protobuf's own default */

enum {
    TNI_WIRE_VARINT = 0,
    TNI_WIRE_I64 = 1,
    TNI_WIRE_LEN = 2,
    TNI_WIRE_GROUP = 3,
    TNI_WIRE_I32 = 5
};

/* The tag of field `number` with wire type `type`: what tni_wire_field.tag is compared with. */
#define TNI_WIRE_TAG(number, type) ((uint32_t)(number) << 3 | (uint32_t)(type))

typedef struct tni_wire_field {
    uint32_t tag;
    uint64_t number; /* VARINT, I32 and I64: the value's bits */
    tn_str bytes;    /* LEN: the payload; GROUP: what lies between its tags; others: none */
} tni_wire_field;

typedef struct tni_wire {
    tni_cursor cursor; /* `failed` tells a damaged message from one that has ended */
} tni_wire;

static inline tni_wire tni_wire_of(tn_str message)
{
    return (tni_wire){tni_cursor_of(message.data, message.len)};
}

/* Reads the next field; false at the end and for damage: a tag or varint that does not end, field
 * number 0, a length beyond the message, an end tag without its group, groups too deep. A group is
 * stepped over as one field. */
bool tni_wire_next(tni_wire *wire, tni_wire_field *field_out);

/* The numbers of one occurrence of a repeated numeric field, packed (LEN) or not. */
typedef struct tni_wire_numbers {
    tni_cursor cursor; /* packed: what is left; `failed` tells damage */
    uint64_t single;
    bool has_single;
    uint32_t type; /* wire type of the elements: VARINT, I32 or I64 */
} tni_wire_numbers;

/* Begins the numbers of `field`, whose elements have wire type `type`; false if the field is of
 * another wire type (and so unknown). */
bool tni_wire_numbers_of(const tni_wire_field *field, uint32_t type, tni_wire_numbers *numbers_out);
/* Reads the next number's bits; false at the end and for damage. */
bool tni_wire_number(tni_wire_numbers *numbers, uint64_t *number_out);

/* Appends a field of wire type LEN: an edited copy of a message is what stays of it, and these. */
void tni_wire_put_len(tni_buffer *out, uint32_t tag, tn_str bytes);

#endif
